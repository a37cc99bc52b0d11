package dev.atelier;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.FileStamp;
import dev.atelier.model.ControlModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/** ControlNets and T2I-Adapters by the names of their files, without extension. */
final class ControlNetFiles {
    private static final Set<String> EXTENSIONS = Set.of("safetensors", "pth", "pt", "ckpt", "bin");
    private static final Set<String> NAMES =
            Set.of("controlnet", "controlnets", "t2i_adapter", "t2i-adapter", "t2iadapter");

    /** What AUTOMATIC1111's extension puts behind a name. */
    private static final Pattern HASH = Pattern.compile(" \\[[0-9a-f]{8}]$");

    private final List<Path> files;
    private final List<Path> models;
    private final Checkpoint unet;
    private final Map<FileStamp, ControlModel> opened = new HashMap<>();

    /**
     * @param models folders of models of all kinds
     * @param unet the model that those are for which hold but a difference to it
     */
    ControlNetFiles(List<Path> files, List<Path> models, Checkpoint unet) {
        this.files = files;
        this.models = models;
        this.unet = unet;
    }

    /** As {@link dev.atelier.diffusion.ExtraNetworks#controlNet}. */
    ControlModel find(String name) {
        List<Path> all = new ArrayList<>(files);
        models.forEach(folder -> all.addAll(ModelTree.files(folder, EXTENSIONS)));
        Path file = ModelTree.named(HASH.matcher(name).replaceFirst(""), all, NAMES)
                .orElseThrow(() -> new IllegalArgumentException("there is no ControlNet \"%s\"".formatted(name)));
        return opened.computeIfAbsent(FileStamp.of(file), stamp -> open(Checkpoints.open(stamp.path())));
    }

    private ControlModel open(Checkpoint checkpoint) {
        return ControlModel.of(ControlLora.isOne(checkpoint) ? ControlLora.of(checkpoint, unet) : checkpoint);
    }
}
