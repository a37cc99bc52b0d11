package dev.atelier.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atelier.Atelier;
import dev.atelier.diffusion.ImageFile;
import dev.atelier.model.DemoModel;
import dev.langchain4j.data.image.Image;
import dev.langchain4j.model.image.ImageModel;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtelierImageModelTest {
    @TempDir
    static Path folder;

    private static BufferedImage read(Image image) throws IOException {
        return ImageFile.read(Base64.getDecoder().decode(image.base64Data()));
    }

    private static Image base64(BufferedImage image) throws IOException {
        ByteArrayOutputStream png = new ByteArrayOutputStream();
        ImageIO.write(image, "png", png);
        return Image.builder()
                .base64Data(Base64.getEncoder().encodeToString(png.toByteArray()))
                .build();
    }

    @Test
    void drawsAndEdits() throws IOException {
        try (Atelier atelier = Atelier.open(DemoModel.unpack(folder))) {
            ImageModel model = new AtelierImageModel(
                    atelier, request -> request.size(64, 72).steps(2).seed(1));

            List<Image> drawn = model.generate("a fox", 2).content();
            assertThat(drawn).hasSize(2).extracting(Image::mimeType).containsOnly("image/png");
            assertThat(read(drawn.getFirst()).getHeight()).isEqualTo(72);
            assertThat(model.generate("a fox").content().base64Data())
                    .isEqualTo(drawn.getFirst().base64Data());

            BufferedImage transparent = new BufferedImage(64, 72, BufferedImage.TYPE_INT_ARGB);
            for (int y = 0; y < 72; y++) {
                for (int x = 0; x < 32; x++) {
                    transparent.setRGB(x, y, 0xFF000000);
                }
            }
            BufferedImage edited = read(
                    model.edit(drawn.getFirst(), base64(transparent), "a cat").content());
            BufferedImage before = read(drawn.getFirst());
            assertThat(edited.getRGB(5, 30)).isEqualTo(before.getRGB(5, 30));
            assertThat(edited.getRGB(60, 30)).isNotEqualTo(before.getRGB(60, 30));

            Image elsewhere = Image.builder().url("https://example.org/fox.png").build();
            assertThatThrownBy(() -> model.edit(elsewhere, "a cat")).isInstanceOf(IllegalArgumentException.class);
        }
    }
}
