package dev.atelier.cli;

import dev.atelier.diffusion.ImageFile;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Base64;
import javax.imageio.ImageIO;

/** The small picture of a model, as Model Spec wants it: a JPEG of at most 256×256 pixels in a data URI. */
final class Thumbnail {
    private static final int SIZE = 256;

    private Thumbnail() {}

    /** @throws IOException if the file is not a picture that can be read */
    static String dataUri(Path picture) throws IOException {
        BufferedImage original = ImageFile.read(picture);
        double scale = Math.min(1, (double) SIZE / Math.max(original.getWidth(), original.getHeight()));
        int width = Math.max(1, (int) Math.round(original.getWidth() * scale));
        int height = Math.max(1, (int) Math.round(original.getHeight() * scale));
        BufferedImage small = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = small.createGraphics();
        graphics.setRenderingHint(RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BICUBIC);
        graphics.drawImage(halved(original, width, height), 0, 0, width, height, Color.WHITE, null);
        graphics.dispose();
        ByteArrayOutputStream jpeg = new ByteArrayOutputStream();
        ImageIO.write(small, "jpeg", jpeg);
        return "data:image/jpeg;base64," + Base64.getEncoder().encodeToString(jpeg.toByteArray());
    }

    /** The picture halved until another time would be too much: interpolating over more pixels than that aliases. */
    private static BufferedImage halved(BufferedImage picture, int width, int height) {
        while (picture.getWidth() >= 2 * width && picture.getHeight() >= 2 * height) {
            BufferedImage half =
                    new BufferedImage(picture.getWidth() / 2, picture.getHeight() / 2, BufferedImage.TYPE_INT_RGB);
            Graphics2D graphics = half.createGraphics();
            graphics.setRenderingHint(RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BILINEAR);
            graphics.drawImage(picture, 0, 0, half.getWidth(), half.getHeight(), Color.WHITE, null);
            graphics.dispose();
            picture = half;
        }
        return picture;
    }
}
