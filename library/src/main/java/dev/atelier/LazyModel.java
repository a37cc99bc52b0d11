package dev.atelier;

import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Progress;
import dev.atelier.diffusion.ExtraNetworks;
import dev.atelier.diffusion.LaterModel;
import dev.atelier.diffusion.ModelLabel;
import dev.atelier.model.DiffusionModel;
import dev.atelier.model.EngineModel;
import dev.atelier.model.StableDiffusion;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** A model from a file, which has been checked and is loaded when it is its turn. */
final class LazyModel implements LaterModel, AutoCloseable {
    private final StableDiffusion checked;
    private final ModelOptions options;
    private final String name;
    private final BackgroundHash hash;
    private @Nullable EngineModel<?> loaded;
    private @Nullable PromptNetworks networks;

    LazyModel(Path checkpoint, String name, ModelOptions options) {
        this.checked = options.prediction(null).zeroTerminalSnr(null).model(Checkpoints.open(checkpoint));
        this.options = options;
        this.name = name;
        this.hash = BackgroundHash.of(checkpoint);
    }

    @Override
    public DiffusionModel model() {
        return engine();
    }

    private EngineModel<?> engine() {
        EngineModel<?> model = loaded != null ? loaded : options.load(checked, Progress.NONE);
        loaded = model;
        return model;
    }

    @Override
    public ExtraNetworks networks() {
        PromptNetworks known = networks != null ? networks : new PromptNetworks(checked, engine(), options);
        networks = known;
        return known;
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
        if (networks != null) {
            networks.close();
        }
        if (loaded != null) {
            loaded.close();
        }
    }
}
