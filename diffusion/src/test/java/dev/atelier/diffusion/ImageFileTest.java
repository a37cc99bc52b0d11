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
import java.util.Arrays;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ImageFileTest {

    /** 24 × 16 pixels, the upper left quarter red. */
    private static byte[] encoded(String format) throws IOException {
        BufferedImage image = new BufferedImage(24, 16, BufferedImage.TYPE_INT_RGB);
        for (int y = 0; y < 8; y++) {
            for (int x = 0; x < 12; x++) {
                image.setRGB(x, y, 0xFF0000);
            }
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        ImageIO.write(image, format, bytes);
        return bytes.toByteArray();
    }

    /** A TIFF directory with the one entry "orientation". */
    private static byte[] exif(int orientation) {
        return ByteBuffer.allocate(26)
                .put("MM\0*".getBytes(StandardCharsets.US_ASCII))
                .putInt(8)
                .putShort((short) 1)
                .putShort((short) 0x0112)
                .putShort((short) 3)
                .putInt(1)
                .putShort((short) orientation)
                .array();
    }

    private static byte[] jpeg(byte[] exif) throws IOException {
        byte[] plain = encoded("jpg");
        int start = 2 + 2 + ByteBuffer.wrap(plain).getShort(4); // behind the JFIF header, which must come first
        return ByteBuffer.allocate(plain.length + 10 + exif.length)
                .put(plain, 0, start)
                .putShort((short) 0xFFE1)
                .putShort((short) (8 + exif.length))
                .put("Exif\0\0".getBytes(StandardCharsets.US_ASCII))
                .put(exif)
                .put(plain, start, plain.length - start)
                .array();
    }

    private static byte[] png(byte[] exif) throws IOException {
        byte[] plain = encoded("png");
        byte[] chunk = ByteBuffer.allocate(4 + exif.length)
                .put("eXIf".getBytes(StandardCharsets.US_ASCII))
                .put(exif)
                .array();
        CRC32 crc = new CRC32();
        crc.update(chunk);
        int header = 8 + 25;
        return ByteBuffer.allocate(plain.length + 8 + chunk.length)
                .put(plain, 0, header)
                .putInt(exif.length)
                .put(chunk)
                .putInt((int) crc.getValue())
                .put(plain, header, plain.length - header)
                .array();
    }

    @ParameterizedTest
    @CsvSource({
        "1, 24, 16, 4, 4",
        "2, 24, 16, 20, 4",
        "3, 24, 16, 20, 12",
        "4, 24, 16, 4, 12",
        "5, 16, 24, 4, 4",
        "6, 16, 24, 12, 4",
        "7, 16, 24, 12, 20",
        "8, 16, 24, 4, 20",
        "99, 24, 16, 4, 4"
    })
    void thePictureIsTurnedUpright(int orientation, int width, int height, int redX, int redY) throws IOException {
        for (byte[] file : new byte[][] {jpeg(exif(orientation)), png(exif(orientation))}) {
            BufferedImage image = ImageFile.read(file);
            assertThat(image.getWidth()).isEqualTo(width);
            assertThat(image.getHeight()).isEqualTo(height);
            assertThat(image.getRGB(redX, redY) >> 16 & 0xFF).isGreaterThan(200);
            assertThat(image.getRGB(width - 1 - redX, redY) >> 16 & 0xFF).isLessThan(50);
            assertThat(image.getRGB(redX, height - 1 - redY) >> 16 & 0xFF).isLessThan(50);
        }
    }

    @Test
    void brokenExifDoesNotCostThePicture() throws IOException {
        assertThat(ImageFile.read(jpeg(new byte[] {'M', 'M', 0, 42, 0x7F, 0, 0, 0}))
                        .getWidth())
                .isEqualTo(24);
    }

    @Test
    void whatIsNoPictureIsNamed(@TempDir Path folder) throws IOException {
        Path text = Files.writeString(folder.resolve("notes.txt"), "not a picture");
        assertThatThrownBy(() -> ImageFile.read(text))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("notes.txt is not a PNG");
        Path cut = Files.write(folder.resolve("cut.png"), Arrays.copyOf(encoded("png"), 40));
        assertThatThrownBy(() -> ImageFile.read(cut)).isInstanceOf(IOException.class);
    }

    @Test
    void aPictureThatUnpacksToTooMuchIsRefusedBeforeItIs() throws IOException {
        byte[] bomb = encoded("png");
        ByteBuffer.wrap(bomb).putInt(16, 100_000).putInt(20, 100_000);
        CRC32 crc = new CRC32();
        crc.update(bomb, 12, 17);
        ByteBuffer.wrap(bomb).putInt(29, (int) crc.getValue());
        assertThatThrownBy(() -> ImageFile.read(bomb))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("100000 × 100000 pixels");
    }
}
