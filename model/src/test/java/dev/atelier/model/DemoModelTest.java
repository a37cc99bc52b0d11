package dev.atelier.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.checkpoint.FileHash;
import dev.atelier.checkpoint.Progress;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DemoModelTest {
    @Test
    void itsNameSaysWhatItHolds(@TempDir Path folder) throws IOException {
        Path file = DemoModel.unpack(folder);
        String sha256 = FileHash.sha256(file, Progress.NONE);
        assertThat(DemoModel.SHA256).isEqualTo(sha256);
        assertThat(file).hasFileName("shapes-" + sha256.substring(0, 10) + ".safetensors");
        assertThat(DemoModel.unpack(folder)).isEqualTo(file);
    }
}
