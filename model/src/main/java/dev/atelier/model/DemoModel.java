package dev.atelier.model;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Objects;

/**
 * The model that comes with Atelier: trained from nothing by {@code atelier train scratch --recipe shapes}, in the layout
 * of Stable Diffusion 1 at a two-hundredth of its size. It draws coloured shapes, 128 × 128 pixels.
 */
public final class DemoModel {
    private static final String RESOURCE = "shapes.safetensors";

    /** Of its content, which takes a tenth of a second to read and to hash. */
    static final String SHA256 = "f7909c0be1b625c83f1c90386945531f74c91cd717fe9ebf8a85517574d0372e";

    private DemoModel() {}

    /**
     * The model as a file. A checkpoint is mapped, and what lies in a jar cannot be: the first call unpacks it into
     * {@code folder}, under a name that changes with its content.
     *
     * @throws UncheckedIOException if {@code folder} cannot be written
     */
    public static Path unpack(Path folder) {
        Path file = folder.resolve("shapes-" + SHA256.substring(0, 10) + ".safetensors");
        if (Files.exists(file)) {
            return file;
        }
        try (InputStream stored = Objects.requireNonNull(DemoModel.class.getResourceAsStream(RESOURCE), RESOURCE)) {
            Files.createDirectories(folder);
            Path part = Files.createTempFile(folder, "shapes", ".part");
            Files.copy(stored, part, StandardCopyOption.REPLACE_EXISTING);
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
            return file;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
