package dev.atelier.diffusion;

import dev.atelier.model.DiffusionModel;

/** A model that takes over from another, loaded when it is its turn: for the second pass of a hires fix, or as a refiner. */
public interface LaterModel {
    /** The model, loaded if it is not. */
    DiffusionModel model();

    /** What prompts of a pass that is this model's may name. */
    default ExtraNetworks networks() {
        return ExtraNetworks.NONE;
    }

    /** What infotext says about it. */
    ModelLabel label();

    /** Frees its memory until it is needed again. */
    void release();
}
