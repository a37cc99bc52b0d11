package dev.atelier.model;

import dev.atelier.checkpoint.Architecture;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Layout;

/** A network by which a picture controls what is drawn. */
public sealed interface ControlModel permits ControlNetModel, T2iAdapterModel {
    Checkpoint checkpoint();

    /**
     * Recognises a ControlNet or a T2I-Adapter, in the layout of its authors or of diffusers.
     *
     * @throws dev.atelier.checkpoint.InvalidCheckpointException naming what is missing, what does not fit, or what kind of
     *     file this is instead
     */
    static ControlModel of(Checkpoint file) {
        return Architecture.of(Layout.normalize(file)) == Architecture.T2I_ADAPTER
                ? T2iAdapterModel.of(file)
                : ControlNetModel.of(file);
    }
}
