package mockaa.junit;

import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** The time at which the world of a test is frozen, or of all tests of a class and the classes in it; default: now. */
@Inherited
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.METHOD, ElementType.TYPE})
public @interface Clock {
    /** An instant, such as {@code 2026-01-31T06:00:00Z}. */
    String value();
}
