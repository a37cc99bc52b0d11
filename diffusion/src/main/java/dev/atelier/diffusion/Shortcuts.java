package dev.atelier.diffusion;

import dev.atelier.model.DiffusionModel;
import dev.atelier.model.FloatArray;
import dev.atelier.model.UNetAnswer;
import dev.atelier.model.UNetConditioning;
import dev.atelier.model.UNetShortcut;
import java.util.ArrayList;
import java.util.List;

/**
 * The calls of a model's network in one run, with the run's {@link Acceleration}. An evaluation of the guided network is
 * one or several calls of it; what they kept is used again by those of the same place in later evaluations.
 */
final class Shortcuts {
    private final Acceleration acceleration;
    private final List<FloatArray> kept = new ArrayList<>(); // by the calls of an evaluation
    private int evaluations;
    private int call;

    Shortcuts(Acceleration acceleration) {
        this.acceleration = acceleration;
    }

    /** The guided network, whose evaluations are counted. */
    Denoiser counting(Denoiser guided) {
        return new Denoiser() {
            @Override
            public FloatArray denoise(FloatArray x, float sigma) {
                begin();
                return guided.denoise(x, sigma);
            }

            @Override
            public Guided guide(FloatArray x, float sigma) {
                begin();
                return guided.guide(x, sigma);
            }
        };
    }

    private void begin() {
        if (evaluations % acceleration.cacheInterval() == 0) {
            kept.clear();
        }
        evaluations++;
        call = 0;
    }

    /** As {@link DiffusionModel#predictNoise(FloatArray, float[], UNetConditioning)}. */
    FloatArray predictNoise(
            DiffusionModel model, FloatArray latents, float[] timesteps, UNetConditioning conditioning) {
        int place = call++;
        int rows = latents.size(0);
        double merged = acceleration.mergedTokens();
        int depth = acceleration.cacheInterval() == 1 ? 0 : acceleration.cacheDepth();
        // where guidance is left out, the rows of the prompt come first; where it comes back, some are missing
        boolean isKept = place < kept.size() && rows <= kept.get(place).size(0);
        UNetShortcut shortcut =
                new UNetShortcut(merged, depth, isKept ? kept.get(place).rows(0, rows) : null);
        UNetAnswer answer = model.predictNoise(latents, timesteps, conditioning, shortcut);
        FloatArray deep = answer.deep();
        if (deep != null) {
            kept.subList(Math.min(place, kept.size()), kept.size()).clear();
            kept.add(deep);
        }
        return answer.noise();
    }
}
