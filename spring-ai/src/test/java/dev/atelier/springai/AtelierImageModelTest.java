package dev.atelier.springai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.Atelier;
import dev.atelier.diffusion.ImageFile;
import dev.atelier.diffusion.PngFile;
import dev.atelier.model.DemoModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.ai.image.ImageMessage;
import org.springframework.ai.image.ImageOptionsBuilder;
import org.springframework.ai.image.ImagePrompt;
import org.springframework.ai.image.ImageResponse;

class AtelierImageModelTest {
    @TempDir
    static Path folder;

    @Test
    void drawsWhatThePromptAsksFor() throws IOException {
        try (Atelier atelier = Atelier.open(DemoModel.unpack(folder))) {
            ImageResponse response = new AtelierImageModel(
                            atelier, request -> request.steps(2).seed(1))
                    .call(new ImagePrompt(
                            List.of(new ImageMessage("a fox"), new ImageMessage("blurry", -1f)),
                            ImageOptionsBuilder.builder()
                                    .width(64)
                                    .height(72)
                                    .n(2)
                                    .build()));

            assertThat(response.getResults()).hasSize(2);
            byte[] png =
                    Base64.getDecoder().decode(response.getResult().getOutput().getB64Json());
            assertThat(ImageFile.read(png).getHeight()).isEqualTo(72);
            Path file = Files.write(folder.resolve("fox.png"), png);
            assertThat(PngFile.readInfotext(file).orElseThrow())
                    .startsWith("a fox\nNegative prompt: blurry\nSteps: 2, ")
                    .contains("Size: 64x72");
        }
    }
}
