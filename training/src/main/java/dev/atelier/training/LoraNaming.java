package dev.atelier.training;

/** How the tensors of a small file are called. */
enum LoraNaming {
    /** As kohya's scripts do, which every program reads. */
    KOHYA,
    /** As diffusers does. */
    DIFFUSERS
}
