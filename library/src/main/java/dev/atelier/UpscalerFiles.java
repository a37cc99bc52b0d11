package dev.atelier;

import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.FileStamp;
import dev.atelier.model.UpscalerModel;
import dev.atelier.model.UpscalingNetwork;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Upscaling networks by the names of their files, without extension, or by those that AUTOMATIC1111 has for the files of
 * Real-ESRGAN's authors. One at a time is in memory.
 */
final class UpscalerFiles implements AutoCloseable {
    private static final Set<String> EXTENSIONS = Set.of("safetensors", "pth", "pt", "ckpt", "bin");
    private static final Set<String> FOLDERS = Set.of("esrgan", "realesrgan", "upscale_models", "upscalers");
    private static final Map<String, String> FILES = Map.of(
            "R-ESRGAN General 4xV3", "realesr-general-x4v3",
            "R-ESRGAN General WDN 4xV3", "realesr-general-wdn-x4v3",
            "R-ESRGAN AnimeVideo", "realesr-animevideov3",
            "R-ESRGAN 4x+", "RealESRGAN_x4plus",
            "R-ESRGAN 4x+ Anime6B", "RealESRGAN_x4plus_anime_6B",
            "R-ESRGAN 2x+", "RealESRGAN_x2plus");

    private final ModelOptions options;
    private final List<Path> files;
    private final List<Path> models;
    private @Nullable FileStamp loaded;
    private @Nullable UpscalingNetwork network;

    /** @param models folders of models of all kinds */
    UpscalerFiles(ModelOptions options, List<Path> files, List<Path> models) {
        this.options = options;
        this.files = files;
        this.models = models;
    }

    /** @throws IllegalArgumentException if there is none; the message says which file it takes */
    Path file(String name) {
        List<Path> all = new ArrayList<>(files);
        models.forEach(folder -> all.addAll(ModelTree.files(folder, EXTENSIONS)));
        String stem = FILES.getOrDefault(name, name);
        return ModelTree.named(name, all, FOLDERS)
                .or(() -> ModelTree.named(stem, all, FOLDERS))
                .orElseThrow(() -> new IllegalArgumentException(
                        ("there is no upscaler \"%s\": it takes a file %s.pth or .safetensors in a folder of models, such"
                                        + " as models/ESRGAN")
                                .formatted(name, stem)));
    }

    /** As {@link dev.atelier.diffusion.ExtraNetworks#upscaler}. */
    UpscalingNetwork open(String name) {
        Path file = file(name);
        FileStamp stamp = FileStamp.of(file);
        UpscalingNetwork current = network;
        if (current != null && stamp.equals(loaded)) {
            return current;
        }
        UpscalerModel model = UpscalerModel.of(Checkpoints.open(file));
        close();
        UpscalingNetwork opened = options.load(model);
        network = opened;
        loaded = stamp;
        return opened;
    }

    /** Frees the network in memory; another may be opened. */
    @Override
    public void close() {
        UpscalingNetwork current = network;
        network = null;
        if (current != null) {
            current.close();
        }
    }
}
