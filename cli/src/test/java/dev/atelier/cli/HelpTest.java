package dev.atelier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import java.util.List;
import java.util.stream.Stream;
import picocli.CommandLine.Command;

/** What --help prints is 80 columns wide: a longer example would be broken in the middle of a word. */
@AnalyzeClasses(packagesOf = HelpTest.class, importOptions = ImportOption.DoNotIncludeTests.class)
class HelpTest {
    private static final int WIDTH = 79;

    @ArchTest
    static void synopsesFitTheirLine(JavaClasses production) {
        List<String> synopses = production.stream()
                .filter(type -> type.isAnnotatedWith(Command.class))
                .flatMap(type ->
                        Stream.of(type.getAnnotationOfType(Command.class).customSynopsis()))
                .toList();
        assertThat(synopses)
                .isNotEmpty()
                .allSatisfy(
                        line -> assertThat("Usage: " + line.replace("%n", "")).hasSizeLessThanOrEqualTo(WIDTH));
    }

    @ArchTest
    static void examplesFitTheirLine(JavaClasses production) {
        List<String> indented = production.stream()
                .filter(type -> type.isAnnotatedWith(Command.class))
                .flatMap(type ->
                        Stream.of(type.getAnnotationOfType(Command.class).description()))
                .filter(line -> line.startsWith("  "))
                .toList();
        assertThat(indented)
                .hasSizeGreaterThan(50)
                .allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(WIDTH));
    }
}
