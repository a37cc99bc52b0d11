package dev.atelier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.diffusion.GeneratedImage;
import dev.atelier.diffusion.ImageFile;
import dev.atelier.diffusion.PngFile;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UpscaleCommandTest {
    @TempDir
    Path folder;

    @Test
    void aPictureBecomesLargerAndKeepsItsSettings() throws IOException {
        Path fox = folder.resolve("fox.png");
        String infotext = "a fox\nSteps: 1, Sampler: Euler, Seed: 5";
        PngFile.write(fox, new GeneratedImage(new BufferedImage(40, 24, BufferedImage.TYPE_INT_RGB), 5, infotext));
        Run run = Run.atelier("upscale", fox, "--upscaler", "Lanczos", "--by", "2");
        assertThat(run.exitCode()).as(run.err()).isZero();
        Path large = folder.resolve("fox-upscaled.png");
        assertThat(run.out()).isEqualTo("%s (80 × 48)%n".formatted(large));
        assertThat(ImageFile.read(large).getWidth()).isEqualTo(80);
        assertThat(PngFile.readInfotext(large)).hasValue(infotext);
        assertThat(Run.atelier("upscale", fox, "--upscaler", "Nearest").exitCode())
                .isEqualTo(2);

        Run missing = Run.atelier("upscale", fox, "--upscaler", "R-ESRGAN 4x+", "--overwrite");
        assertThat(missing.exitCode()).isEqualTo(2);
        assertThat(missing.err()).contains("RealESRGAN_x4plus.pth");
    }
}
