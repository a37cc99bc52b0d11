package dev.atelier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whatever bytes a file holds, it opens or is refused: no other exception, and no memory for what it merely claims. */
@Timeout(60)
class CheckpointFuzzTest {
    private static final int RUNS = 20_000;

    /** Bytes that mean something to one of the parsers. */
    private static final byte[] MEANINGFUL = "\0\1\2\7\u007f{}[]\",:0919-.eE\\u()].tuRbQqhjXc\n".getBytes();

    private static final long[] NUMBERS = {
        0, 1, -1, 2, 127, 255, 256, 65_535, Integer.MAX_VALUE, Long.MAX_VALUE, 1L << 40
    };

    private static byte[] read(String fixture) throws IOException {
        return Files.readAllBytes(Fixtures.path(fixture));
    }

    @Test
    void aMutatedSafetensorsFileOpensOrIsRefused() throws IOException {
        fuzz(4711, SafetensorsReader::read, read("state-dict.safetensors"), read("names.safetensors"));
    }

    @Test
    void aMutatedCheckpointOpensOrIsRefused() throws IOException {
        fuzz(4712, TorchZipReader::read, read("views.ckpt"), read("parameters.ckpt"), read("untyped-storage.ckpt"));
    }

    @Test
    void aMutatedPickleOpensOrIsRefused() throws IOException {
        // as above, but every mutation hits data.pkl, which is the first record
        Random random = new Random(4713);
        byte[] file = read("lightning.ckpt");
        int runs = RUNS / 2;
        int opened = 0;
        for (int run = 0; run < runs; run++) {
            byte[] mutant = mutate(random, file, 64, 2850);
            opened += open(mutant, TorchZipReader::read, run) ? 1 : 0;
        }
        assertThat(opened).isBetween(runs / 100, runs - runs / 100);
    }

    private static void fuzz(long seed, Function<MappedFile, Checkpoint> reader, byte[]... files) {
        Random random = new Random(seed);
        int opened = 0;
        for (int run = 0; run < RUNS; run++) {
            byte[] file = files[run % files.length];
            byte[] mutant = mutate(random, file, 0, file.length);
            if (random.nextInt(10) == 0) {
                mutant = Arrays.copyOf(mutant, random.nextInt(mutant.length + 10));
            }
            opened += open(mutant, reader, run) ? 1 : 0;
        }
        // the test is worth something only if it goes both ways
        assertThat(opened).isBetween(RUNS / 100, RUNS - RUNS / 100);
    }

    /** A copy with a few bytes between {@code from} and {@code to} changed. */
    private static byte[] mutate(Random random, byte[] file, int from, int to) {
        ByteBuffer mutant = ByteBuffer.wrap(file.clone()).order(ByteOrder.LITTLE_ENDIAN);
        for (int change = random.nextInt(4); change >= 0; change--) {
            int at = random.nextInt(from, to - 8);
            switch (random.nextInt(6)) {
                case 0 -> mutant.put(at, (byte) random.nextInt(256));
                case 1 -> mutant.put(at, (byte) (mutant.get(at) ^ (1 << random.nextInt(8))));
                case 2 -> mutant.put(at, MEANINGFUL[random.nextInt(MEANINGFUL.length)]);
                case 3 -> mutant.putLong(at, NUMBERS[random.nextInt(NUMBERS.length)]);
                case 4 -> mutant.putInt(at, (int) NUMBERS[random.nextInt(NUMBERS.length)]);
                default -> {
                    int length = random.nextInt(1, 9);
                    mutant.put(at, mutant.array(), random.nextInt(from, to - 8), length);
                }
            }
        }
        return mutant.array();
    }

    /** Whether {@code bytes} open; reads every tensor if they do. */
    private static boolean open(byte[] bytes, Function<MappedFile, Checkpoint> reader, int run) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment mapped = arena.allocate(Math.max(1, bytes.length)).asSlice(0, bytes.length);
            mapped.copyFrom(MemorySegment.ofArray(bytes));
            Checkpoint checkpoint = reader.apply(new MappedFile(Path.of("mutant"), mapped.asReadOnly()));
            checkpoint.tensors().values().forEach(Bits::of);
            return true;
        } catch (InvalidCheckpointException refusal) {
            assertThat(refusal.getMessage()).startsWith("mutant: ").hasSizeLessThan(1000);
            return false;
        } catch (RuntimeException | Error e) {
            throw new AssertionError("run %d: %s".formatted(run, HexFormat.of().formatHex(bytes)), e);
        }
    }
}
