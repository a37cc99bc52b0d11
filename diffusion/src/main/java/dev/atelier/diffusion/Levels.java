package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;
import java.util.Arrays;

/**
 * The noise levels of a run and what it starts from: {@code signal·picture + noise·n} with unit normal n.
 *
 * @param all the levels of the whole run, of which this may be the end
 * @param sigmas the levels that remain, falling
 * @param end what the sampler's result is multiplied with to be a latent
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record Levels(float[] all, float[] sigmas, double signal, double noise, double end) {

    static Levels fromNoise(SamplerChoice choice, NoiseSchedule schedule, SamplerOptions options, int steps) {
        LatentSpace space = choice.name().space();
        float[] sigmas = choice.sigmas(schedule, options, steps);
        LatentSpace start = options.schedule().sgmNoise() ? LatentSpace.VARIANCE_PRESERVING : space;
        return new Levels(sigmas, sigmas, 0, start.start(sigmas[0]), space.end(last(sigmas)));
    }

    /** @param extraNoise how much noise is added besides the first level's */
    static Levels fromPicture(
            SamplerChoice choice,
            NoiseSchedule schedule,
            SamplerOptions options,
            Strength strength,
            double extraNoise) {
        if (strength.planned() == 0) { // AUTOMATIC1111 has no answer to no strength and exact steps
            return new Levels(new float[] {0}, new float[] {0}, 1, 0, 1);
        }
        return switch (choice.name()) {
            case DDIM, DDIM_CFG_PLUS_PLUS, PLMS, UNIPC ->
                variancePreserving(choice, schedule, options, strength, extraNoise);
            case DPM_FAST, DPM_ADAPTIVE -> endsOnly(schedule, strength, extraNoise);
            default -> exploding(choice.sigmas(schedule, options, strength.planned()), strength, extraNoise);
        };
    }

    private static Levels exploding(float[] all, Strength strength, double extraNoise) {
        float[] sigmas = Arrays.copyOfRange(all, Math.max(0, strength.planned() - strength.last() - 1), all.length);
        return new Levels(all, sigmas, 1, sigmas[0] + extraNoise, 1);
    }

    /** Samplers that take nothing from the levels but the first, the last above 0, and their number. */
    private static Levels endsOnly(NoiseSchedule schedule, Strength strength, double extraNoise) {
        Levels levels = exploding(Scheduler.UNIFORM.sigmas(schedule, strength.planned()), strength, extraNoise);
        float[] ends = levels.sigmas.clone();
        ends[ends.length - 1] = ends[Math.max(0, ends.length - 2)];
        return new Levels(levels.all, ends, 1, levels.noise, 1);
    }

    /**
     * As CompVis has it, the noise is that of one timestep above the first that the network is called for; and that
     * network is called once less often than timesteps remain.
     */
    private static Levels variancePreserving(
            SamplerChoice choice,
            NoiseSchedule schedule,
            SamplerOptions options,
            Strength strength,
            double extraNoise) {
        int[] timesteps = SigmaSpacing.compvisTimesteps(schedule, strength.planned());
        double added = schedule.tableSigma(timesteps[Math.min(strength.last(), timesteps.length - 1)]);
        int count = Math.max(1, strength.last());
        float[] sigmas;
        if (choice.name() == SamplerName.UNIPC) {
            sigmas = SigmaSpacing.unipc(schedule, options.uniPc(), timesteps[count - 1], count);
        } else {
            float[] all = choice.sigmas(schedule, options, strength.planned());
            sigmas = Arrays.copyOfRange(all, all.length - count, all.length);
        }
        double signal = Math.sqrt((1 + (double) sigmas[0] * sigmas[0]) / (1 + added * added));
        double end = LatentSpace.VARIANCE_PRESERVING.end(last(sigmas));
        return new Levels(sigmas, sigmas, signal, signal * (added + extraNoise), end);
    }

    private static float last(float[] sigmas) {
        return sigmas[sigmas.length - 1];
    }

    int steps() {
        return sigmas.length - 1;
    }

    FloatArray start(FloatArray unitNoise) {
        return Latents.scale(unitNoise, (float) noise);
    }

    FloatArray start(FloatArray picture, FloatArray unitNoise) {
        return Latents.weighted(signal, picture, noise, unitNoise);
    }
}
