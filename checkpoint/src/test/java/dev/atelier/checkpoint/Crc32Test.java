package dev.atelier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import java.util.zip.CRC32;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class Crc32Test {
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 1000, 99_999, 100_000})
    void partsGiveTheChecksumOfTheWhole(int cut) {
        byte[] bytes = new byte[100_000];
        new Random(cut).nextBytes(bytes);

        int second = Crc32.followedBy(0, crc(bytes, cut, bytes.length));
        int first = Crc32.followedBy(bytes.length - cut, crc(bytes, 0, cut));

        assertThat(first ^ second).isEqualTo(crc(bytes, 0, bytes.length));
    }

    private static int crc(byte[] bytes, int from, int to) {
        CRC32 crc = new CRC32();
        crc.update(bytes, from, to - from);
        return (int) crc.getValue();
    }
}
