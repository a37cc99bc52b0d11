package dev.atelier.diffusion;

import dev.atelier.model.DiffusionModel;

/** A second model that finishes what the first began, loaded when it is needed. */
public interface Refiner {
    /** The model, loaded if it is not. */
    DiffusionModel model();

    /** What infotext says about it. */
    ModelLabel label();

    /** Frees its memory until it is needed again. */
    void release();
}
