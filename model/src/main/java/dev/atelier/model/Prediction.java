package dev.atelier.model;

/** What a UNet was trained to tell of a noisy latent √ᾱ·x0 + √(1 − ᾱ)·ε. */
public enum Prediction {
    /** The noise ε (Ho et al. 2020, arXiv 2006.11239). */
    EPSILON,

    /** v = √ᾱ·ε − √(1 − ᾱ)·x0 (Salimans and Ho 2022, arXiv 2202.00512). */
    V
}
