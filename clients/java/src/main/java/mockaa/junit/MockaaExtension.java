package mockaa.junit;

import java.lang.annotation.Annotation;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.DynamicTestInvocationContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ExtensionContext.Store;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolutionException;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.platform.commons.support.AnnotationSupport;
import org.opentest4j.TestAbortedException;

/**
 * Gives tests an Account Aggregator (AA): {@code @ExtendWith(MockaaExtension.class)}.
 *
 * <p>A test method, and its {@code @BeforeEach} and {@code @AfterEach} methods, may have parameters of the types
 * {@link AaWorld}, {@link AaInbox}, {@link Fiu}, {@link UnaportFiu} and {@link AaReport}. They belong to a world of the
 * test, which is deleted afterwards. When the test fails, the journal of the world is printed on standard error. At the
 * end of a test with an {@link AaReport} no rule of the contract may be broken. {@link Sandbox} may be a parameter
 * anywhere.
 *
 * <p>The sandbox is that of {@code MOCKAA_URL}, or else one server for the run of JUnit: the program that
 * {@code MOCKAA_BINARY} names, or {@code mockaa} on the PATH. The configuration parameter {@code mockaa.arguments}
 * replaces its arguments, {@code --seed 42 --world-ttl 10m}.
 */
public final class MockaaExtension implements ParameterResolver, AfterEachCallback, InvocationInterceptor {
    private static final Namespace NAMESPACE = Namespace.create(MockaaExtension.class);
    private static final Set<Class<?>> OF_A_TEST =
            Set.of(AaWorld.class, AaInbox.class, Fiu.class, UnaportFiu.class, AaReport.class);

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        Class<?> type = parameter.getParameter().getType();
        return type == Sandbox.class || OF_A_TEST.contains(type);
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        Class<?> type = parameter.getParameter().getType();
        if (type == Sandbox.class) {
            return obtainSandbox(context);
        }
        if (context.getTestMethod().isEmpty()) {
            String problem = type.getSimpleName() + " belongs to one test";
            String remedy = "take it as a parameter of @Test, @BeforeEach or @AfterEach";
            throw new ParameterResolutionException(problem + "; " + remedy);
        }
        AaWorld world = obtainWorld(context);
        return context.getStore(NAMESPACE).getOrComputeIfAbsent(type, key -> create(type, world));
    }

    private static Object create(Class<?> type, AaWorld world) {
        if (type == AaInbox.class) {
            return new AaInbox(world);
        }
        if (type == Fiu.class) {
            return Fiu.register(world, "FIU-1");
        }
        return type == UnaportFiu.class ? new UnaportFiu(world) : world.report();
    }

    /** Returns the sandbox of the run, which JUnit stops at its end, and starts it if there is none. */
    private static Sandbox obtainSandbox(ExtensionContext context) {
        String arguments = context.getConfigurationParameter("mockaa.arguments").orElse("--seed 42 --world-ttl 10m");
        List<String> words = Arrays.stream(arguments.split(" +")).filter(word -> !word.isEmpty()).toList();
        Store store = context.getRoot().getStore(NAMESPACE);
        return store.getOrComputeIfAbsent(Sandbox.class, key -> Sandbox.obtain(words), Sandbox.class);
    }

    /** Returns the world of a test, which JUnit deletes at its end, and prepares it if there is none. */
    private static AaWorld obtainWorld(ExtensionContext context) {
        Store store = context.getStore(NAMESPACE);
        AaWorld known = store.get(AaWorld.class, AaWorld.class);
        if (known != null) {
            return known;
        }
        Sandbox sandbox = obtainSandbox(context);
        AaWorld world = new AaWorld(sandbox, nameWorld(context, sandbox));
        // It is deleted even if the sandbox refuses a setting.
        store.put(AaWorld.class, world);
        world.control("POST", "clock/freeze");
        findAnnotation(context, Clock.class)
                .ifPresent(clock -> world.control("POST", "clock/set", Map.of("to", clock.value())));
        findAnnotation(context, Scenario.class).ifPresent(scenario -> world.useScenario(scenario.value()));
        return world;
    }

    /**
     * Returns the name of a test as that of a world. Ids follow from it: in a sandbox of the run it is the same each
     * time, and in one that runs on it has the process and the time too.
     */
    private static String nameWorld(ExtensionContext context, Sandbox sandbox) {
        Method test = context.getRequiredTestMethod();
        String name = test.getDeclaringClass().getSimpleName() + "." + test.getName();
        String readable = name.replaceAll("[^A-Za-z0-9_.-]+", "-");
        String run = sandbox.isShared() ? ProcessHandle.current().pid() + " " + System.nanoTime() : "";
        int unique = (context.getUniqueId() + run).hashCode();
        return "%.48s-%08x".formatted(readable, unique);
    }

    /** Returns the annotation of the test, or else of its class, or else of the next class around it. */
    private static <A extends Annotation> Optional<A> findAnnotation(ExtensionContext context, Class<A> type) {
        Optional<A> found = AnnotationSupport.findAnnotation(context.getRequiredTestMethod(), type);
        Class<?> place = context.getRequiredTestClass();
        while (found.isEmpty() && place != null) {
            found = AnnotationSupport.findAnnotation(place, type);
            place = place.getEnclosingClass();
        }
        return found;
    }

    @Override
    public void interceptDynamicTest(
            Invocation<Void> invocation, DynamicTestInvocationContext test, ExtensionContext context) throws Throwable {
        try {
            invocation.proceed();
        } catch (Throwable error) {
            printJournal(context);
            throw error;
        }
    }

    @Override
    public void afterEach(ExtensionContext context) {
        AaReport report = context.getStore(NAMESPACE).get(AaReport.class, AaReport.class);
        boolean hasFailed = context.getExecutionException()
                .filter(error -> !(error instanceof TestAbortedException))
                .isPresent();
        try {
            if (report != null) {
                report.check();
            }
        } catch (RuntimeException | AssertionError error) {
            hasFailed = true;
            throw error;
        } finally {
            if (hasFailed) {
                printJournal(context);
            }
        }
    }

    private static void printJournal(ExtensionContext context) {
        AaWorld world = context.getStore(NAMESPACE).get(AaWorld.class, AaWorld.class);
        if (world == null) {
            return;
        }
        String journal;
        try {
            journal = world.describeJournal();
        } catch (RuntimeException | ApiError error) {
            // The failure of the test matters more.
            journal = "cannot be read: " + error;
        }
        System.err.printf("%njournal of the mockaa world %s, of the test %s:%n%s%n",
                world.name(), context.getDisplayName(), journal);
    }
}
