package dev.atelier.diffusion;

/** What sets a sampler apart from others, for whoever plans a run or describes it. */
public enum SamplerTrait {
    /** It calls the network twice a step. Prompt scheduling counts calls. */
    SECOND_ORDER,
    /** One more noise level is planned, and the last but one left out. */
    DISCARDS_PENULTIMATE,
    /** It has noise levels of its own; a scheduler makes no difference. */
    OWN_LEVELS,
    /** Guidance is CFG++ (Chung et al. 2024, arXiv 2406.08070): the noise that stays is what the negative prompt sees. */
    CFG_PLUS_PLUS,
    /** Its noise is a Brownian path over the noise levels. */
    BROWNIAN_NOISE,
    /** AUTOMATIC1111's "eta noise seed delta" applies to it. */
    USES_ENSD,
    /** It knows {@link SamplerOptions#eta}. */
    ETA,
    /** It knows {@link SamplerOptions#churn} with its limits. */
    CHURN,
    /** It knows {@link SamplerOptions#noise}. */
    NOISE
}
