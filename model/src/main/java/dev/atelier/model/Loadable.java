package dev.atelier.model;

/** What engines load into memory. */
public sealed interface Loadable permits Network, ControlNetModel, T2iAdapterModel, TinyDecoderModel {}
