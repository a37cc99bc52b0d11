package dev.atelier.model;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Objects;

/**
 * The model that comes with Atelier: trained from nothing by {@code atelier train scratch --recipe shapes}, in the layout
 * of Stable Diffusion 1 at a two-hundredth of its size. It draws coloured shapes, 128 × 128 pixels.
 */
public final class DemoModel {
    private static final String RESOURCE = "shapes.safetensors";

    private DemoModel() {}

    /**
     * The model as a file. A checkpoint is mapped, and what lies in a jar cannot be: the first call unpacks it into
     * {@code folder}, under a name that changes with its content.
     *
     * @throws UncheckedIOException if {@code folder} cannot be written
     */
    public static Path unpack(Path folder) {
        try (InputStream stored = Objects.requireNonNull(DemoModel.class.getResourceAsStream(RESOURCE), RESOURCE)) {
            byte[] bytes = stored.readAllBytes();
            String hash = HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(bytes))
                    .substring(0, 10);
            Path file = folder.resolve("shapes-" + hash + ".safetensors");
            if (!Files.exists(file)) {
                Files.createDirectories(folder);
                Path part = Files.createTempFile(folder, "shapes", ".part");
                Files.write(part, bytes);
                Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
            }
            return file;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }
}
