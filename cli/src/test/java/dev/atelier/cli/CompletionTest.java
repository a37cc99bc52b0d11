package dev.atelier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The completion script in a real bash. */
class CompletionTest {
    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({
        "gen, generate", //
        "generate --neg, --negative",
        "lora ex, extract",
        "models list --kind checkp, checkpoint",
    })
    void completesWhatIsTyped(String typed, String completed) throws Exception {
        assertThat(candidates(typed.split(" "))).contains(completed);
    }

    @Test
    void coversEveryCommand() throws Exception {
        assertThat(candidates(""))
                .containsAll(Main.commandLine().getSubcommands().keySet());
    }

    private String[] candidates(String... words) throws IOException, InterruptedException {
        Path script = folder.resolve("completion.sh");
        Files.writeString(script, Run.atelier("completion").out());
        String complete = """
                source "$0"; COMP_WORDS=(atelier "$@"); COMP_CWORD=$#; _complete_atelier; printf '%s\\n' "${COMPREPLY[@]}"
                """;
        List<String> command = new ArrayList<>(List.of("bash", "-c", complete, script.toString()));
        command.addAll(List.of(words));
        Process bash = new ProcessBuilder(command).redirectErrorStream(true).start();
        String out = new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(bash.waitFor()).as(out).isZero();
        return out.lines().map(String::strip).toArray(String[]::new);
    }
}
