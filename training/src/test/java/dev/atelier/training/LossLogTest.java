package dev.atelier.training;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LossLogTest {
    private static TrainingStep step(int number, double loss) {
        return new TrainingStep("denoiser", number, 100, 1e-4, loss, 0.5);
    }

    @Test
    void aTableAndCurvesGoOnWhereTheStateWas(@TempDir Path folder) throws IOException {
        try (LossLog log = new LossLog(folder.resolve("denoiser-loss"))) {
            for (int i = 1; i <= 10; i++) {
                log.add(step(i, 1.0 / i));
            }
            log.write();
        }
        try (LossLog log = new LossLog(folder.resolve("denoiser-loss"))) {
            log.resume(8);
            log.add(step(9, 0.5));
            log.write();
        }
        assertThat(folder.resolve("denoiser-loss.csv"))
                .content()
                .startsWith("step,learning_rate,loss,gradient_norm\n1,0.0001000,1.000000,0.5000\n")
                .endsWith("\n8,0.0001000,0.125000,0.5000\n9,0.0001000,0.500000,0.5000\n");
        assertThat(folder.resolve("denoiser-loss.svg")).content().contains("step 9", ">1.00<", ">0.125<");
        BufferedImage curve = ImageIO.read(folder.resolve("denoiser-loss.png").toFile());
        assertThat(curve.getWidth()).isEqualTo(800);
        assertThat(curve.getRGB(60, 20)).isEqualTo(0xff2060c0); // the first loss, the highest, at the top left
        assertThat(curve.getRGB(400, 30)).isEqualTo(0xffffffff);
        try (Stream<Path> files = Files.list(folder.resolve("events/denoiser-loss"))) {
            assertThat(files).isNotEmpty();
        }
    }

    @Test
    void nothingLearntIsNoCurve(@TempDir Path folder) {
        try (LossLog log = new LossLog(folder.resolve("denoiser-loss"))) {
            log.write();
        }
        assertThat(folder.resolve("denoiser-loss.csv")).exists();
        assertThat(folder.resolve("denoiser-loss.svg")).doesNotExist();
    }
}
