package dev.atelier.checkpoint;

import static dev.atelier.checkpoint.Refusals.assertRefused;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FailedDownloadTest {
    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({
        "model.safetensors, <!DOCTYPE html><html><body>Log in</body></html>, a web page",
        "model.ckpt, '\n  <html lang=\"en\">', a web page",
        "model.safetensors, <?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>, a web page",
        "model.safetensors, version https://git-lfs.github.com/spec/v1\\noid sha256:6ce0161689, git lfs pull",
    })
    void saysWhatCameInsteadOfTheModel(String name, String content, String said) throws IOException {
        Path file = Files.writeString(folder.resolve(name), content);
        assertRefused(file, InvalidCheckpointException.Reason.UNKNOWN_FORMAT, said);
    }
}
