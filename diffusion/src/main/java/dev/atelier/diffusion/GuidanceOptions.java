package dev.atelier.diffusion;

/**
 * Where a run may do without the negative prompt, which saves half of the network's work there, under AUTOMATIC1111's
 * names. The picture becomes another one, the more the longer guidance is left out: early it sets the composition, late
 * little but contrast (Kynkäänniemi et al. 2024, arXiv 2404.07724).
 *
 * @param skipEarly "Skip Early CFG", the share of the run at whose beginning there is no guidance, 0 to 1
 * @param minSigma "NGMS", the noise level below which every other call of the network goes without, 0 to 15
 * @param minSigmaAll "NGMS all steps", whether all calls below it do
 * @param split whether prompt and negative prompt go through the network one after the other, which takes less memory
 *     and more time, and changes nothing but rounding
 */
public record GuidanceOptions(double skipEarly, double minSigma, boolean minSigmaAll, boolean split) {
    /** Guidance at every step. */
    public static final GuidanceOptions DEFAULT = new GuidanceOptions(0, 0, false, false);

    /** @throws IllegalArgumentException if a value is out of range; the message names it */
    public GuidanceOptions {
        GenerationRequest.within("skip early CFG", skipEarly, 1);
        GenerationRequest.within("NGMS", minSigma, 15);
    }

    /**
     * @param call of the network, from 0
     * @param calls planned in the whole run
     */
    boolean skips(int call, int calls, float sigma) {
        boolean early = skipEarly > 0 && (double) call / calls <= skipEarly;
        boolean late = sigma < minSigma && (minSigmaAll || call % 2 == 1);
        return early || late;
    }
}
