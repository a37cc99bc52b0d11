package dev.atelier.engine.onnx;

import ai.onnxruntime.OrtEnvironment;
import dev.atelier.checkpoint.CacheFolder;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Locale;

/**
 * ONNX Runtime's native libraries, unpacked from its jar once. It does that itself, but at every start, and leaves its
 * folder behind, and the 28 MB in it where the program is killed.
 */
final class NativeLibraries {
    /** Where ONNX Runtime looks for its libraries before it unpacks them. */
    private static final String PATH_PROPERTY = "onnxruntime.native.path";

    private static final List<String> FILES =
            List.of(System.mapLibraryName("onnxruntime"), System.mapLibraryName("onnxruntime4j_jni"));

    private NativeLibraries() {}

    /** Has ONNX Runtime find its libraries in the user's cache; where that cannot be, it is left to unpack them itself. */
    static void provide() {
        String version = OrtEnvironment.class.getPackage().getImplementationVersion();
        if (version == null || System.getProperty(PATH_PROPERTY) != null) {
            return;
        }
        Path folder = CacheFolder.ofUser().resolve("onnxruntime-%s-%s".formatted(version, platform()));
        try {
            if (!Files.isDirectory(folder)) {
                unpack(folder);
            }
        } catch (IOException _) {
            // the disk is full, the folder is not ours, or another process was quicker
        }
        if (Files.isDirectory(folder)) {
            System.setProperty(PATH_PROPERTY, folder.toString());
        }
    }

    /** Unpacks the libraries; a folder that has its name is complete. */
    private static void unpack(Path folder) throws IOException {
        Files.createDirectories(folder.getParent());
        Path part = Files.createTempDirectory(folder.getParent(), "onnxruntime");
        try {
            for (String file : FILES) {
                String resource = "/ai/onnxruntime/native/%s/%s".formatted(platform(), file);
                try (InputStream stored = OrtEnvironment.class.getResourceAsStream(resource)) {
                    if (stored == null) {
                        throw new IOException("the jar has no " + resource);
                    }
                    Files.copy(stored, part.resolve(file));
                }
            }
            Files.move(part, folder, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            for (String file : FILES) {
                Files.deleteIfExists(part.resolve(file));
            }
            Files.deleteIfExists(part);
        }
    }

    private static String platform() {
        String system = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
        String processor = System.getProperty("os.arch", "").equals("aarch64") ? "aarch64" : "x64";
        if (system.contains("win")) {
            return "win-" + processor;
        }
        return (system.contains("mac") ? "osx-" : "linux-") + processor;
    }
}
