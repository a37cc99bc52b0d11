package dev.atelier.model;

/** The two layouts of a CLIP text encoder: what its tensors are called, and which activation goes with it. */
enum TextEncoderNames {
    /** OpenAI's CLIP as transformers has it. */
    TRANSFORMERS(
            "embeddings.token_embedding.weight",
            "embeddings.position_embedding.weight",
            "encoder.layers.",
            "layer_norm1",
            "layer_norm2",
            "self_attn",
            "mlp.fc1",
            "mlp.fc2",
            "final_layer_norm"),
    /** LAION's OpenCLIP. */
    OPEN_CLIP(
            "token_embedding.weight",
            "positional_embedding",
            "transformer.resblocks.",
            "ln_1",
            "ln_2",
            "attn",
            "mlp.c_fc",
            "mlp.c_proj",
            "ln_final");

    final String tokens;
    final String positions;
    final String layers;
    final String norm1;
    final String norm2;
    final String attention;
    final String widen;
    final String narrow;
    final String finalNorm;

    TextEncoderNames(
            String tokens,
            String positions,
            String layers,
            String norm1,
            String norm2,
            String attention,
            String widen,
            String narrow,
            String finalNorm) {
        this.tokens = tokens;
        this.positions = positions;
        this.layers = layers;
        this.norm1 = norm1;
        this.norm2 = norm2;
        this.attention = attention;
        this.widen = widen;
        this.narrow = narrow;
        this.finalNorm = finalNorm;
    }
}
