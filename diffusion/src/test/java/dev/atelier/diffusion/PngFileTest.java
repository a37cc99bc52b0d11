package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PngFileTest {
    private static final String LATIN = "café,\nNegative prompt: naïve\nSteps: 20";
    private static final String JAPANESE = "猫 🐱,\nNegative prompt: blurry\nSteps: 20";

    @TempDir
    Path folder;

    record Chunk(String type, byte[] data) {}

    private static GeneratedImage image(String infotext) {
        BufferedImage pixels = new BufferedImage(16, 8, BufferedImage.TYPE_INT_RGB);
        pixels.setRGB(3, 2, 0x123456);
        return new GeneratedImage(pixels, 1, infotext);
    }

    private static List<Chunk> chunks(byte[] png) {
        ByteBuffer bytes = ByteBuffer.wrap(png);
        assertThat(bytes.getLong()).isEqualTo(0x89504E470D0A1A0AL);
        List<Chunk> chunks = new ArrayList<>();
        while (bytes.hasRemaining()) {
            byte[] data = new byte[bytes.getInt()];
            byte[] type = new byte[4];
            bytes.get(type).get(data).getInt();
            chunks.add(new Chunk(new String(type, StandardCharsets.US_ASCII), data));
        }
        return chunks;
    }

    @Test
    void latinInfotextIsATextChunkBeforeTheImageData() throws IOException {
        List<Chunk> chunks = chunks(PngFile.encode(image(LATIN)));
        assertThat(chunks).extracting(Chunk::type).containsExactly("IHDR", "tEXt", "IDAT", "IEND");
        assertThat(chunks.get(1).data).isEqualTo(("parameters\0" + LATIN).getBytes(StandardCharsets.ISO_8859_1));
    }

    @Test
    void otherInfotextIsAnUncompressedInternationalTextChunk() throws IOException {
        List<Chunk> chunks = chunks(PngFile.encode(image(JAPANESE)));
        assertThat(chunks).extracting(Chunk::type).containsExactly("IHDR", "iTXt", "IDAT", "IEND");
        // keyword, compression flag, compression method, language, translated keyword, text
        assertThat(chunks.get(1).data)
                .isEqualTo(("parameters\0" + "\0" + "\0" + "\0" + "\0" + JAPANESE).getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void pixelsAreEightBitRgb() throws IOException {
        byte[] header = chunks(PngFile.encode(image(LATIN))).getFirst().data;
        assertThat(header).containsExactly(0, 0, 0, 16, 0, 0, 0, 8, 8, 2, 0, 0, 0);
    }

    @ParameterizedTest
    @ValueSource(strings = {LATIN, JAPANESE, "", "a \"quoted\" & <tagged> prompt"})
    void whatIsWrittenReadsBack(String infotext) throws IOException {
        Path file = folder.resolve("picture.png");
        PngFile.write(file, image(infotext));
        assertThat(PngFile.readInfotext(file)).contains(infotext);
        assertThat(ImageIO.read(file.toFile()).getRGB(3, 2)).isEqualTo(0xFF123456);
    }

    @Test
    void writingReplacesAnOlderFileAndLeavesNothingElse() throws IOException {
        Path file = folder.resolve("picture.png");
        Files.writeString(file, "old");
        PngFile.write(file, image(LATIN));
        assertThat(PngFile.readInfotext(file)).contains(LATIN);
        assertThat(folder).isDirectoryContaining(path -> path.equals(file));
        try (var files = Files.list(folder)) {
            assertThat(files).containsExactly(file);
        }
    }

    @Test
    void aFailedWriteLeavesNothing() throws IOException {
        Path occupied =
                Files.createDirectories(folder.resolve("picture.png/inside")).getParent();
        assertThatThrownBy(() -> PngFile.write(occupied, image(LATIN))).isInstanceOf(IOException.class);
        try (var files = Files.list(folder)) {
            assertThat(files).containsExactly(occupied);
        }
    }

    @Test
    void aMissingFolderIsAnError() {
        assertThatThrownBy(() -> PngFile.write(folder.resolve("missing/picture.png"), image(LATIN)))
                .isInstanceOf(IOException.class);
    }

    @Test
    void aPictureWithoutInfotextHasNone() throws IOException {
        Path file = folder.resolve("plain.png");
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        ImageIO.write(image("").pixels(), "png", bytes);
        Files.write(file, bytes.toByteArray());
        assertThat(PngFile.readInfotext(file)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "not a picture, whatever its name says"})
    void aFileThatIsNoPngIsAnError(String content) throws IOException {
        Path file = Files.writeString(folder.resolve("text.png"), content);
        assertThatThrownBy(() -> PngFile.readInfotext(file)).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> PngFile.readInfotext(folder.resolve("missing.png")))
                .isInstanceOf(IOException.class);
    }
}
