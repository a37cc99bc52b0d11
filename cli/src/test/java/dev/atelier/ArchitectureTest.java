package dev.atelier;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.ACCESS_STANDARD_STREAMS;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static java.util.Map.entry;
import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.NullMarked;

/** The arrows between the modules. They point down only; Maven enforces most of them, this test the rest. */
@AnalyzeClasses(
        packages = "dev.atelier",
        importOptions = {ImportOption.DoNotIncludeTests.class, ArchitectureTest.Shipped.class})
class ArchitectureTest {
    /** Leaves out the tests that every engine must pass, which lie in a module of their own. */
    static final class Shipped implements ImportOption {
        @Override
        public boolean includes(Location location) {
            return !location.contains("/dev/atelier/engine/contract/");
        }
    }

    private static final String CHECKPOINT = "dev.atelier.checkpoint";
    private static final String CATALOG = "dev.atelier.catalog";
    private static final String MERGE = "dev.atelier.merge";
    private static final String MODEL = "dev.atelier.model";
    private static final String DIFFUSION = "dev.atelier.diffusion";
    private static final String ONNX = "dev.atelier.engine.onnx";
    private static final String TORCH = "dev.atelier.engine.torch";
    private static final String LIBRARY = "dev.atelier";
    private static final String TRAINING = "dev.atelier.training";
    private static final String SERVER = "dev.atelier.server";
    private static final String CLI = "dev.atelier.cli";

    /** What each package may use besides itself. */
    private static final Map<String, Set<String>> ARROWS = Map.ofEntries(
            entry(CHECKPOINT, Set.of()),
            entry(CATALOG, Set.of(CHECKPOINT)),
            entry(MERGE, Set.of(CHECKPOINT)),
            entry(MODEL, Set.of(CHECKPOINT)),
            entry(DIFFUSION, Set.of(MODEL, CHECKPOINT)),
            entry(ONNX, Set.of(MODEL, CHECKPOINT)),
            entry(TORCH, Set.of(MODEL, CHECKPOINT)),
            entry(LIBRARY, Set.of(CHECKPOINT, MERGE, MODEL, DIFFUSION, ONNX, TORCH)),
            entry(TRAINING, Set.of(DIFFUSION, TORCH, MODEL, CHECKPOINT)),
            entry(SERVER, Set.of(CHECKPOINT, CATALOG, MERGE, MODEL, DIFFUSION, TORCH, LIBRARY, TRAINING)),
            entry(CLI, Set.of(CHECKPOINT, CATALOG, MERGE, MODEL, DIFFUSION, ONNX, TORCH, LIBRARY, TRAINING, SERVER)));

    /** A module missing from the import, or a package without arrows, would make every rule below hold for nothing. */
    @ArchTest
    static void everyPackageHasItsArrows(JavaClasses production) {
        Set<String> packages = production.stream().map(ArchitectureTest::rootOf).collect(toSet());
        assertThat(packages).isEqualTo(ARROWS.keySet());
    }

    @ArchTest
    static void arrowsPointDown(JavaClasses production) {
        ARROWS.forEach((from, to) -> classes()
                .that()
                .resideInAPackage(all(from))
                .should()
                .onlyDependOnClassesThat(resideOutsideOfPackage("dev.atelier..")
                        .or(resideInAPackage(all(from)))
                        .or(resideInAnyPackage(
                                to.stream().map(ArchitectureTest::all).toArray(String[]::new))))
                .check(production));
    }

    @ArchTest
    static final ArchRule packagesFormNoCycle =
            slices().matching("dev.atelier.(**)").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule onlyTheEngineTouchesLibtorch = noClasses()
            .that()
            .resideOutsideOfPackage(TORCH + "..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.bytedeco..");

    @ArchTest
    static final ArchRule onlyTheEngineTouchesOnnxRuntime = noClasses()
            .that()
            .resideOutsideOfPackage(ONNX + "..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("ai.onnxruntime..");

    @ArchTest
    static final ArchRule onlyThoseWhoDrawKnowImages = noClasses()
            .that()
            .resideOutsideOfPackages(DIFFUSION + "..", TRAINING + "..", SERVER + "..", CLI + "..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("java.awt..", "javax.imageio..");

    @ArchTest
    static final ArchRule onlyTheCommandPrints =
            noClasses().that().resideOutsideOfPackage(CLI + "..").should(ACCESS_STANDARD_STREAMS);

    @ArchTest
    static final ArchRule nothingIsNullUnlessItSaysSo = classes()
            .should(new ArchCondition<>("be in a @NullMarked package") {
                @Override
                public void check(JavaClass type, ConditionEvents events) {
                    boolean marked = type.getPackage()
                            .tryGetPackageInfo()
                            .filter(info -> info.isAnnotatedWith(NullMarked.class))
                            .isPresent();
                    events.add(new SimpleConditionEvent(type, marked, type.getName()));
                }
            });

    /** A package with those below it; below the library's lie all others, which are not part of it. */
    private static String all(String root) {
        return root.equals(LIBRARY) ? root : root + "..";
    }

    private static String rootOf(JavaClass type) {
        return ARROWS.keySet().stream()
                .filter(root -> !root.equals(LIBRARY) && (type.getPackageName() + ".").startsWith(root + "."))
                .findFirst()
                .orElse(type.getPackageName());
    }
}
