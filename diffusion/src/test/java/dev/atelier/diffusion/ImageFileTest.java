package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.Transparency;
import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.ComponentColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.Raster;
import java.awt.image.WritableRaster;
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

    /** 16 levels of grey, with transparency or without, of 8 bits or 16: what Java's own conversion would brighten. */
    @ParameterizedTest
    @CsvSource({"png, 8, false", "png, 16, false", "png, 8, true", "png, 16, true", "tif, 8, false", "bmp, 8, false"})
    void greysKeepTheirLevels(String format, int bits, boolean transparent) throws IOException {
        int bands = transparent ? 2 : 1;
        WritableRaster raster = Raster.createInterleavedRaster(
                bits == 8 ? DataBuffer.TYPE_BYTE : DataBuffer.TYPE_USHORT, 16, 1, bands, null);
        int unit = bits == 8 ? 1 : 0x101;
        for (int x = 0; x < 16; x++) {
            raster.setSample(x, 0, 0, 17 * x * unit);
            if (transparent) {
                raster.setSample(x, 0, 1, (255 - x) * unit);
            }
        }
        ColorModel greys = new ComponentColorModel(
                ColorSpace.getInstance(ColorSpace.CS_GRAY),
                transparent,
                false,
                transparent ? Transparency.TRANSLUCENT : Transparency.OPAQUE,
                raster.getTransferType());
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        assertThat(ImageIO.write(new BufferedImage(greys, raster, false, null), format, bytes))
                .isTrue();
        BufferedImage read = ImageFile.read(bytes.toByteArray());
        for (int x = 0; x < 16; x++) {
            int alpha = transparent ? 255 - x : 255;
            assertThat(read.getRGB(x, 0)).isEqualTo(alpha << 24 | 17 * x * 0x010101);
        }
    }

    @Test
    void aGreyJpegIsAsDarkAsItSays() throws IOException {
        BufferedImage grey = new BufferedImage(16, 16, BufferedImage.TYPE_BYTE_GRAY);
        for (int pixel = 0; pixel < 256; pixel++) {
            grey.getRaster().setSample(pixel % 16, pixel / 16, 0, 100);
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        ImageIO.write(grey, "jpg", bytes);
        assertThat(ImageFile.read(bytes.toByteArray()).getRGB(5, 5) & 0xFF).isBetween(99, 101);
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
