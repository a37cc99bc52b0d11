package dev.atelier;

import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Progress;
import dev.atelier.diffusion.ModelLabel;
import dev.atelier.diffusion.Refiner;
import dev.atelier.model.DiffusionModel;
import dev.atelier.model.StableDiffusion;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** A refiner from a file, which has been checked and is loaded when it is its turn. */
final class LazyRefiner implements Refiner, AutoCloseable {
    private final StableDiffusion checked;
    private final ModelOptions options;
    private final String name;
    private final BackgroundHash hash;
    private @Nullable DiffusionModel loaded;

    LazyRefiner(Path checkpoint, String name, ModelOptions options) {
        this.checked = StableDiffusion.of(Checkpoints.open(checkpoint));
        this.options = options;
        this.name = name;
        this.hash = BackgroundHash.of(checkpoint);
    }

    @Override
    public DiffusionModel model() {
        DiffusionModel model = loaded != null ? loaded : options.load(checked, Progress.NONE);
        loaded = model;
        return model;
    }

    @Override
    public ModelLabel label() {
        return new ModelLabel(name, hash.get());
    }

    @Override
    public void release() {
        if (loaded != null) {
            loaded.release();
        }
    }

    @Override
    public void close() {
        hash.close();
        if (loaded != null) {
            loaded.close();
        }
    }
}
