package mockaa.junit;

import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** The scenario that drives the consents of a test, or of all tests of a class and the classes in it. */
@Inherited
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.METHOD, ElementType.TYPE})
public @interface Scenario {
    /** The name of a shipped scenario, such as {@code webhook-duplicate}, or the text of one in YAML. */
    String value();
}
