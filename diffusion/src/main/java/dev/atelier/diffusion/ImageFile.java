package dev.atelier.diffusion;

import java.awt.color.ColorSpace;
import java.awt.geom.AffineTransform;
import java.awt.image.AffineTransformOp;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Optional;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.metadata.IIOMetadata;
import javax.imageio.metadata.IIOMetadataNode;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;
import org.w3c.dom.NodeList;

/** Pictures that people hand in: PNG, JPEG, GIF, BMP, TIFF. */
public final class ImageFile {
    /** The most pixels that a picture may have: 100 million, 400 MB when it is unpacked. */
    public static final long MAX_PIXELS = 100_000_000;

    private static final int ORIENTATION = 0x0112;
    private static final int MOST_TAGS = 1000;

    private ImageFile() {}

    /**
     * Reads a picture and turns it upright, where the camera said which way is up.
     *
     * @throws IOException if the file cannot be read, is no picture, or is larger than {@link #MAX_PIXELS}; the message
     *     names it
     */
    public static BufferedImage read(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            return read(in, file.toString());
        }
    }

    /** As {@link #read(Path)} for bytes in memory. */
    public static BufferedImage read(byte[] bytes) throws IOException {
        return read(new ByteArrayInputStream(bytes), "the picture");
    }

    private static BufferedImage read(InputStream bytes, String name) throws IOException {
        try (ImageInputStream in = new MemoryCacheImageInputStream(bytes)) {
            CompressedChunks.requireModest(in);
            Iterator<ImageReader> readers = ImageIO.getImageReaders(in);
            if (!readers.hasNext()) {
                throw new IOException(name + " is not a PNG, JPEG, GIF, BMP or TIFF picture");
            }
            ImageReader reader = readers.next();
            try {
                reader.setInput(in, false, false);
                long pixels = (long) reader.getWidth(0) * reader.getHeight(0);
                if (pixels > MAX_PIXELS) {
                    throw new IOException("%s has %d × %d pixels, more than the %d million that are read"
                            .formatted(name, reader.getWidth(0), reader.getHeight(0), MAX_PIXELS / 1_000_000));
                }
                BufferedImage image = withLevelsAsStored(reader.read(0));
                return upright(image, orientation(reader));
            } catch (RuntimeException e) {
                throw new IOException("%s cannot be read: %s".formatted(name, e.getMessage()), e);
            } finally {
                reader.dispose();
            }
        }
    }

    /** Java takes greys for amounts of light, and would brighten them; they are levels like those of colours. */
    private static BufferedImage withLevelsAsStored(BufferedImage image) {
        ColorModel model = image.getColorModel();
        if (model.getColorSpace().getType() != ColorSpace.TYPE_GRAY || model instanceof IndexColorModel) {
            return image;
        }
        int w = image.getWidth();
        int h = image.getHeight();
        Raster raster = image.getRaster();
        BufferedImage copy = new BufferedImage(w, h, BufferedImage.TYPE_INT_ARGB);
        int[] levels = new int[w];
        int[] alphas = new int[w];
        int bits = model.getComponentSize(0) - Byte.SIZE;
        for (int y = 0; y < h; y++) {
            raster.getSamples(0, y, w, 1, 0, levels);
            if (model.hasAlpha()) {
                raster.getSamples(0, y, w, 1, 1, alphas);
            }
            for (int x = 0; x < w; x++) {
                int alpha = model.hasAlpha() ? alphas[x] >> bits : 0xFF;
                levels[x] = alpha << 24 | (levels[x] >> bits) * 0x010101;
            }
            copy.setRGB(0, y, w, 1, levels, 0, w);
        }
        return copy;
    }

    /** EXIF's number for how the picture lies, 1 if it lies right or does not say. */
    private static int orientation(ImageReader reader) {
        try {
            IIOMetadata metadata = reader.getImageMetadata(0);
            if (metadata == null || metadata.getNativeMetadataFormatName() == null) {
                return 1;
            }
            IIOMetadataNode root = (IIOMetadataNode) metadata.getAsTree(metadata.getNativeMetadataFormatName());
            return exif(root).map(ImageFile::orientation).orElse(1);
        } catch (IOException | RuntimeException _) {
            return 1; // a picture is worth more than what stands beside it
        }
    }

    /** The TIFF structure in a JPEG's APP1 segment or a PNG's eXIf chunk. */
    private static Optional<byte[]> exif(IIOMetadataNode root) {
        NodeList segments = root.getElementsByTagName("unknown");
        for (int i = 0; i < segments.getLength(); i++) {
            IIOMetadataNode segment = (IIOMetadataNode) segments.item(i);
            byte[] header = "Exif\0\0".getBytes(StandardCharsets.US_ASCII);
            if (segment.getAttribute("MarkerTag").equals("225")
                    && segment.getUserObject() instanceof byte[] bytes
                    && bytes.length > header.length
                    && Arrays.equals(bytes, 0, header.length, header, 0, header.length)) {
                return Optional.of(Arrays.copyOfRange(bytes, header.length, bytes.length));
            }
        }
        NodeList chunks = root.getElementsByTagName("UnknownChunk");
        for (int i = 0; i < chunks.getLength(); i++) {
            IIOMetadataNode chunk = (IIOMetadataNode) chunks.item(i);
            if (chunk.getAttribute("type").equals("eXIf") && chunk.getUserObject() instanceof byte[] bytes) {
                return Optional.of(bytes);
            }
        }
        return Optional.empty();
    }

    private static int orientation(byte[] tiff) {
        ByteBuffer buffer =
                ByteBuffer.wrap(tiff).order(tiff[0] == 'I' ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
        int directory = buffer.getInt(4);
        int tags = Math.min(Short.toUnsignedInt(buffer.getShort(directory)), MOST_TAGS);
        for (int i = 0; i < tags; i++) {
            int entry = directory + 2 + 12 * i;
            if (Short.toUnsignedInt(buffer.getShort(entry)) == ORIENTATION) {
                return buffer.getShort(entry + 8);
            }
        }
        return 1;
    }

    private static BufferedImage upright(BufferedImage image, int orientation) {
        int w = image.getWidth();
        int h = image.getHeight();
        AffineTransform turn = switch (orientation) {
            case 2 -> new AffineTransform(-1, 0, 0, 1, w, 0);
            case 3 -> new AffineTransform(-1, 0, 0, -1, w, h);
            case 4 -> new AffineTransform(1, 0, 0, -1, 0, h);
            case 5 -> new AffineTransform(0, 1, 1, 0, 0, 0);
            case 6 -> new AffineTransform(0, 1, -1, 0, h, 0);
            case 7 -> new AffineTransform(0, -1, -1, 0, h, w);
            case 8 -> new AffineTransform(0, -1, 1, 0, 0, w);
            default -> new AffineTransform();
        };
        if (turn.isIdentity()) {
            return image;
        }
        BufferedImage source = new BufferedImage(w, h, BufferedImage.TYPE_INT_ARGB);
        source.setRGB(0, 0, w, h, image.getRGB(0, 0, w, h, null, 0, w), 0, w);
        boolean sideways = orientation >= 5;
        BufferedImage turned = new BufferedImage(sideways ? h : w, sideways ? w : h, BufferedImage.TYPE_INT_ARGB);
        return new AffineTransformOp(turn, AffineTransformOp.TYPE_NEAREST_NEIGHBOR).filter(source, turned);
    }
}
