package dev.atelier.server.studio;

import dev.atelier.catalog.Model;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.diffusion.GeneratedImage;
import dev.atelier.diffusion.ImageFile;
import dev.atelier.diffusion.PngFile;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import javax.imageio.ImageIO;

/**
 * The picture beside a model, where AUTOMATIC1111 looks for it ({@code NAME.preview.png}, {@code NAME.png}, …), or the
 * thumbnail in its metadata.
 */
final class CoverPicture {
    private static final List<String> ENDINGS =
            List.of(".preview.png", ".png", ".preview.jpg", ".jpg", ".preview.jpeg", ".jpeg");
    private static final String THUMBNAIL = "modelspec.thumbnail";
    private static final String DATA = "data:image/";
    private static final int SIDE = 384;
    private static final long MAX_FILE = 30L << 20;

    private CoverPicture() {}

    private static Path beside(Model model, String ending) {
        String file = String.valueOf(model.path().getFileName());
        int dot = file.lastIndexOf('.');
        return model.path().resolveSibling((dot > 0 ? file.substring(0, dot) : file) + ending);
    }

    /** The file beside the model, if there is one. */
    static Optional<Path> file(Model model) {
        return ENDINGS.stream()
                .map(ending -> beside(model, ending))
                .filter(Files::isRegularFile)
                .findFirst();
    }

    /** A small JPEG of it. */
    static Optional<byte[]> small(Model model) throws IOException {
        Optional<Path> file = file(model);
        Optional<byte[]> picture = file.isPresent() ? read(file.get()) : thumbnail(model);
        return picture.isEmpty() ? picture : Optional.of(jpeg(scaled(ImageFile.read(picture.get()))));
    }

    private static Optional<byte[]> read(Path file) throws IOException {
        return Files.size(file) > MAX_FILE ? Optional.empty() : Optional.of(Files.readAllBytes(file));
    }

    private static Optional<byte[]> thumbnail(Model model) {
        return model.problem().isPresent()
                ? Optional.empty()
                : Stream.ofNullable(Checkpoints.open(model.path()).metadata().get(THUMBNAIL))
                        .filter(uri -> uri.startsWith(DATA))
                        .map(uri -> Base64.getMimeDecoder().decode(uri.substring(uri.indexOf(',') + 1)))
                        .findFirst();
    }

    /** Puts a picture beside the model. */
    static void write(Model model, byte[] picture) throws IOException {
        PngFile.write(beside(model, ENDINGS.getFirst()), new GeneratedImage(scaled(ImageFile.read(picture)), 0, ""));
    }

    private static BufferedImage scaled(BufferedImage picture) {
        double scale = Math.min(1, (double) SIDE / Math.max(picture.getWidth(), picture.getHeight()));
        int width = Math.max(1, (int) Math.round(picture.getWidth() * scale));
        int height = Math.max(1, (int) Math.round(picture.getHeight() * scale));
        BufferedImage small = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = small.createGraphics();
        graphics.setRenderingHint(RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BILINEAR);
        // the JDK's own way to average over all pixels when it makes a picture much smaller
        graphics.drawImage(picture.getScaledInstance(width, height, java.awt.Image.SCALE_AREA_AVERAGING), 0, 0, null);
        graphics.dispose();
        return small;
    }

    private static byte[] jpeg(BufferedImage picture) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ImageIO.write(picture, "jpeg", out);
        return out.toByteArray();
    }
}
