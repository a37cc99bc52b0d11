package dev.atelier.diffusion;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.ImageWriter;
import javax.imageio.metadata.IIOMetadata;
import javax.imageio.metadata.IIOMetadataNode;
import javax.imageio.stream.FileImageInputStream;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.ImageOutputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/**
 * PNG files that carry infotext where AUTOMATIC1111 puts it and looks for it: in a chunk with the keyword
 * {@code parameters} before the image data, {@code tEXt} if Latin-1 can spell the text and uncompressed {@code iTXt}
 * if not.
 */
public final class PngFile {
    private static final String KEYWORD = "parameters";

    // the JDK's tree of PNG metadata: see "PNG Metadata Format Specification" in javax.imageio.metadata
    private static final String FORMAT = "javax_imageio_png_1.0";

    private PngFile() {}

    /**
     * Writes the picture and its infotext. The file appears under its name only when it is complete, and replaces one
     * that was there.
     *
     * @throws IOException if the folder does not exist or the disk does not take it; nothing is left behind
     */
    public static void write(Path file, GeneratedImage image) throws IOException {
        byte[] png = encode(image);
        Path part = file.resolveSibling(".%s.%d.part"
                .formatted(file.getFileName(), ProcessHandle.current().pid()));
        try {
            Files.write(
                    part,
                    png,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING,
                    StandardOpenOption.WRITE,
                    StandardOpenOption.SYNC);
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(part);
        }
    }

    /** The bytes of the PNG file. */
    public static byte[] encode(GeneratedImage image) throws IOException {
        BufferedImage pixels = image.pixels();
        ImageWriter writer = ImageIO.getImageWritersByFormatName("png").next();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ImageOutputStream out = new MemoryCacheImageOutputStream(bytes)) {
            IIOMetadata metadata =
                    writer.getDefaultImageMetadata(ImageTypeSpecifier.createFromRenderedImage(pixels), null);
            metadata.mergeTree(FORMAT, textTree(image.infotext()));
            writer.setOutput(out);
            writer.write(new IIOImage(pixels, null, metadata));
        } finally {
            writer.dispose();
        }
        return bytes.toByteArray();
    }

    /**
     * The infotext of a PNG file.
     *
     * @return empty if the file carries none
     * @throws IOException if the file cannot be read or is no PNG file
     */
    public static Optional<String> readInfotext(Path file) throws IOException {
        try (ImageInputStream in = new FileImageInputStream(file.toFile())) {
            return readInfotext(in);
        }
    }

    /** As {@link #readInfotext(Path)} for bytes in memory. */
    public static Optional<String> readInfotext(byte[] png) throws IOException {
        try (ImageInputStream in = new MemoryCacheImageInputStream(new ByteArrayInputStream(png))) {
            return readInfotext(in);
        }
    }

    private static Optional<String> readInfotext(ImageInputStream in) throws IOException {
        CompressedChunks.requireModest(in);
        ImageReader reader = ImageIO.getImageReadersByFormatName("png").next();
        try {
            reader.setInput(in);
            Element root = (Element) reader.getImageMetadata(0).getAsTree(FORMAT);
            return text(root, "tEXtEntry", "value").or(() -> text(root, "iTXtEntry", "text"));
        } finally {
            reader.dispose();
        }
    }

    private static IIOMetadataNode textTree(String text) {
        boolean latin1 = StandardCharsets.ISO_8859_1.newEncoder().canEncode(text);
        IIOMetadataNode entry = new IIOMetadataNode(latin1 ? "tEXtEntry" : "iTXtEntry");
        entry.setAttribute("keyword", KEYWORD);
        if (latin1) {
            entry.setAttribute("value", text);
        } else {
            entry.setAttribute("compressionFlag", "FALSE");
            entry.setAttribute("compressionMethod", "0");
            entry.setAttribute("languageTag", "");
            entry.setAttribute("translatedKeyword", "");
            entry.setAttribute("text", text);
        }
        IIOMetadataNode chunk = new IIOMetadataNode(latin1 ? "tEXt" : "iTXt");
        chunk.appendChild(entry);
        IIOMetadataNode root = new IIOMetadataNode(FORMAT);
        root.appendChild(chunk);
        return root;
    }

    private static Optional<String> text(Element root, String entryName, String attribute) {
        NodeList entries = root.getElementsByTagName(entryName);
        for (int i = 0; i < entries.getLength(); i++) {
            Element entry = (Element) entries.item(i);
            if (entry.getAttribute("keyword").equals(KEYWORD)) {
                return Optional.of(entry.getAttribute(attribute));
            }
        }
        return Optional.empty();
    }
}
