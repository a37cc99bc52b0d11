package dev.atelier.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

/** Every command that the documentation and the help show, held against the options there are. */
class DocumentedCommandsTest {
    private static final Path ROOT = Path.of("..");

    /** In a block or between backticks; a backslash at the end of a line goes on in the next. */
    private static final Pattern COMMAND =
            Pattern.compile("(?m)(?:^ *(?:\\$ )?|`)\\./atelier ((?:[^\\\\`\n]|\\\\\n|\\\\.)+)");

    /** As a shell splits them: words, quoted or not, up to a comment, a pipe or a semicolon. */
    private static final Pattern WORD =
            Pattern.compile("(?:\"(?:[^\"\\\\]|\\\\.)*\"|'[^']*'|\\\\\n|\\\\.|[^\\s\"'|;#>\\\\]|(?<=\\S)#)+|\\s[|;#>]");

    static Stream<String> commands() throws IOException {
        return Stream.concat(pages(), help(Main.commandLine()))
                .flatMap(text -> COMMAND.matcher(text).results().map(found -> found.group(1)))
                .filter(command -> !command.contains("…"));
    }

    private static Stream<String> pages() throws IOException {
        List<String> texts = new ArrayList<>(List.of(Files.readString(ROOT.resolve("README.md"))));
        try (DirectoryStream<Path> pages = Files.newDirectoryStream(ROOT.resolve("docs"), "*.md")) {
            for (Path page : pages) {
                texts.add(Files.readString(page));
            }
        }
        return texts.stream();
    }

    private static Stream<String> help(CommandLine command) {
        String text = String.join("\n", command.getCommandSpec().usageMessage().description());
        return Stream.concat(
                Stream.of(text.replaceAll("(?m)^  atelier ", "./atelier ").replaceAll("(?m) {2,}\\(.*$", "")),
                command.getSubcommands().values().stream().flatMap(DocumentedCommandsTest::help));
    }

    @Test
    void thereAreMany() throws IOException {
        assertThat(commands()).hasSizeGreaterThan(200);
    }

    @ParameterizedTest
    @MethodSource("commands")
    void isOneThatCanBeGiven(String command) {
        String[] words = words(command);
        assertThatCode(() -> Main.commandLine(words).parseArgs(words)).doesNotThrowAnyException();
    }

    private static String[] words(String command) {
        List<String> words = new ArrayList<>();
        for (MatchResult found : (Iterable<MatchResult>) WORD.matcher(command).results()::iterator) {
            String word = found.group();
            if (Character.isWhitespace(word.charAt(0))) {
                break;
            }
            String plain = word.replace("\\\n", "").replace("\\|", "|").replaceAll("[\"']", "");
            if (!plain.isEmpty()) {
                words.add(plain);
            }
        }
        return words.toArray(String[]::new);
    }
}
