package dev.atelier;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.FileHash;
import dev.atelier.checkpoint.Progress;
import dev.atelier.diffusion.GeneratedImage;
import dev.atelier.diffusion.GenerationListener;
import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.ModelLabel;
import dev.atelier.diffusion.PngFile;
import dev.atelier.engine.contract.Miniature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CancellationException;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class AtelierTest {
    @TempDir
    static Path folder;

    private static Path miniature;

    @BeforeAll
    static void unpack() {
        miniature = Miniature.unpack(folder);
    }

    @Test
    void theExampleOfTheDocumentationDraws() throws IOException {
        Path picture = folder.resolve("fox.png");
        Example.draw(miniature, picture);
        assertThat(ImageIO.read(picture.toFile()).getHeight()).isEqualTo(192);
        String hash = FileHash.sha256(miniature, Progress.NONE).substring(0, 10);
        assertThat(PngFile.readInfotext(picture).orElseThrow())
                .contains("Model hash: " + hash + ", Model: "
                        + miniature.getFileName().toString().replace(".safetensors", ""));
    }

    @ParameterizedTest
    @EnumSource
    void theSameRequestGivesTheSamePictureAfterACancelledOne(Engine engine) throws IOException {
        try (Atelier atelier = Atelier.open(miniature, engine, Progress.NONE)) {
            GenerationRequest request = atelier.request("a cat").size(64, 72).steps(3);
            byte[] first = PngFile.encode(atelier.generate(request).getFirst());
            GenerationListener impatient = (phase, done, total) -> {
                if (phase == GenerationListener.Phase.SAMPLING && done == 2) {
                    throw new CancellationException("enough");
                }
            };
            assertThatThrownBy(() -> atelier.generate(request, impatient)).isInstanceOf(CancellationException.class);
            assertThat(PngFile.encode(atelier.generate(request).getFirst())).isEqualTo(first);
        }
    }

    @Test
    void aCheckpointWithoutAFileHasTheNameItIsGiven() {
        try (Atelier atelier = Atelier.open(
                Checkpoints.open(miniature), new ModelLabel("half of each", null), Engine.ONNX, Progress.NONE)) {
            List<GeneratedImage> images =
                    atelier.generate(atelier.request("a cat").size(64, 64).steps(1));
            assertThat(images.getFirst().infotext())
                    .contains("Model: half of each")
                    .doesNotContain("hash");
        }
    }

    @Test
    void aHashIsRememberedUntilTheFileChanges() throws IOException {
        Cache cache = new Cache(folder.resolve("cache"));
        Path file = Files.writeString(folder.resolve("file"), "one");
        String one = cache.sha256(file, Progress.NONE);
        assertThat(one).isEqualTo(FileHash.sha256(file, Progress.NONE));
        Progress never = (done, total) -> {
            throw new AssertionError("read again");
        };
        assertThat(cache.sha256(file, never)).isEqualTo(one);
        Files.writeString(file, "other");
        assertThat(cache.sha256(file, Progress.NONE)).isEqualTo(FileHash.sha256(file, Progress.NONE));
    }
}
