package dev.atelier.engine.onnx;

import ai.onnxruntime.OrtEnvironment;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * ONNX Runtime's native libraries, unpacked from its jar for as long as it takes to load them. It does that itself, but
 * leaves its folder behind at every start, and the 28 MB in it where the program is killed.
 */
record NativeLibraries(Path folder) implements AutoCloseable {
    /** Where ONNX Runtime looks for its libraries before it unpacks them. */
    private static final String PATH_PROPERTY = "onnxruntime.native.path";

    private static final List<String> FILES =
            List.of(System.mapLibraryName("onnxruntime"), System.mapLibraryName("onnxruntime4j_jni"));

    /** Unpacks the libraries of this platform; if the jar has none, says so later, in ONNX Runtime's own words. */
    static NativeLibraries unpack() throws IOException {
        Path folder = Files.createTempDirectory("atelier");
        for (String file : FILES) {
            String resource = "/ai/onnxruntime/native/%s/%s".formatted(platform(), file);
            try (InputStream stored = OrtEnvironment.class.getResourceAsStream(resource)) {
                if (stored != null) {
                    Files.copy(stored, folder.resolve(file));
                }
            }
        }
        System.setProperty(PATH_PROPERTY, folder.toString());
        return new NativeLibraries(folder);
    }

    private static String platform() {
        String system = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
        String processor = System.getProperty("os.arch", "").equals("aarch64") ? "aarch64" : "x64";
        if (system.contains("win")) {
            return "win-" + processor;
        }
        return (system.contains("mac") ? "osx-" : "linux-") + processor;
    }

    /** Deletes the files; what is loaded stays loaded. */
    @Override
    public void close() {
        System.clearProperty(PATH_PROPERTY);
        try {
            for (String file : FILES) {
                Files.deleteIfExists(folder.resolve(file));
            }
            Files.delete(folder);
        } catch (IOException _) {
            // Windows keeps the files of loaded libraries; its own cleaning of the folder will find them
        }
    }
}
