package dev.atelier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Progress;
import dev.atelier.engine.contract.Miniature;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Files that cannot be used: one sentence that names the file and the place, exit code 2, nothing written. */
class BadInputTest {
    @TempDir
    static Path folder;

    private static Path good;

    @BeforeAll
    static void unpack() {
        good = Miniature.unpack(folder);
    }

    static List<Arguments> badFiles() throws IOException {
        Path miniature = Miniature.unpack(folder);
        byte[] bytes = Files.readAllBytes(miniature);
        return List.of(
                Arguments.of(file("truncated.safetensors", Arrays.copyOf(bytes, bytes.length - 1000)), "truncated"),
                Arguments.of(file("cut-header.safetensors", Arrays.copyOf(bytes, 500)), "truncated"),
                Arguments.of(file("magic.safetensors", "GIF89a and so on".getBytes(StandardCharsets.UTF_8)), "header"),
                Arguments.of(file("magic.ckpt", "GIF89a and so on".getBytes(StandardCharsets.UTF_8)), "47 49 46"),
                Arguments.of(file("empty.ckpt", new byte[0]), "empty"),
                Arguments.of(safetensors("overlap.safetensors", """
                                {"one":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},\
                                "two":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12), "\"two\""),
                Arguments.of(
                        file(
                                "huge.safetensors",
                                ByteBuffer.allocate(64).putLong(-1).array()),
                        "18446744073709551615"),
                Arguments.of(
                        without("first_stage_model.decoder.conv_in.bias"), "first_stage_model.decoder.conv_in.bias"),
                Arguments.of(safetensors("unknown.safetensors", """
                                {"weird.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4), "weird.weight"),
                Arguments.of(pickle("evil.ckpt", "cos\nsystem\n(X\u0004\0\0\0truetR."), "os.system"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("badFiles")
    void drawingWithABadFileFailsInOneSentenceAndWritesNothing(Path file, String place) throws IOException {
        Path picture = folder.resolve("picture.png");
        expectRefusal(Run.atelier("generate", "a cat", "--model", file, "-o", picture), file, place);
        assertThat(picture).doesNotExist();
        assertNothingIsLeftBehind();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("badFiles")
    void mergingABadFileFailsInOneSentenceAndWritesNothing(Path file, String place) throws IOException {
        if (file.getFileName().toString().startsWith("without")) {
            return; // a file that lacks a tensor merges: A's tensor is kept, as in the web UI
        }
        Path merged = folder.resolve("merged.safetensors");
        expectRefusal(
                Run.atelier("merge", good, file, "-o", merged),
                file,
                place.equals("weird.weight") ? "nothing to merge" : place);
        assertThat(merged).doesNotExist();
        assertNothingIsLeftBehind();
    }

    @Test
    void theMissingFileIsNamed() {
        Run run = Run.atelier("inspect", folder.resolve("nowhere.safetensors"));
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("nowhere.safetensors").contains("no such file");
    }

    @Test
    void anInputIsNeverOverwritten() throws IOException {
        Path a = Files.copy(good, folder.resolve("a.safetensors"));
        byte[] before = Files.readAllBytes(a);
        Run run = Run.atelier("merge", a, good, "-o", a, "--overwrite");
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("one of the inputs");
        assertThat(Files.readAllBytes(a)).isEqualTo(before);
    }

    @Test
    void anExistingFileIsKeptUnlessToldOtherwise() throws IOException {
        Path existing = Files.writeString(folder.resolve("kept.safetensors"), "precious");
        Run run = Run.atelier("merge", good, good, "-o", existing);
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("kept.safetensors exists").contains("--overwrite");
        assertThat(existing).hasContent("precious");
    }

    private static void expectRefusal(Run run, Path file, String place) {
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err().lines()).hasSize(1);
        assertThat(run.err()).startsWith("atelier: ").contains(file.toString()).contains(place);
        assertThat(run.out()).isEmpty();
    }

    private static void assertNothingIsLeftBehind() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files.map(Path::toString)).noneMatch(name -> name.endsWith(".part"));
        }
    }

    private static Path file(String name, byte[] bytes) throws IOException {
        return Files.write(folder.resolve(name), bytes);
    }

    private static Path safetensors(String name, String header, int dataBytes) throws IOException {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        return file(
                name,
                ByteBuffer.allocate(8 + json.length + dataBytes)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(json.length)
                        .put(json)
                        .array());
    }

    private static Path without(String tensor) {
        Path file = folder.resolve("without.safetensors");
        if (!Files.exists(file)) {
            Checkpoints.open(Miniature.unpack(folder))
                    .filter(name -> !name.equals(tensor))
                    .writeTo(file, Progress.NONE);
        }
        return file;
    }

    private static Path pickle(String name, String program) {
        byte[] code = program.getBytes(StandardCharsets.ISO_8859_1);
        Path file = folder.resolve(name);
        try (OutputStream out = Files.newOutputStream(file);
                ZipOutputStream zip = new ZipOutputStream(out)) {
            ZipEntry entry = new ZipEntry("archive/data.pkl");
            CRC32 checksum = new CRC32();
            checksum.update(code);
            entry.setMethod(ZipEntry.STORED);
            entry.setSize(code.length);
            entry.setCrc(checksum.getValue());
            zip.putNextEntry(entry);
            zip.write(code);
            zip.closeEntry();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return file;
    }
}
