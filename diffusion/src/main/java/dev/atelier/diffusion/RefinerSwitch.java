package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;
import java.util.function.IntFunction;

/**
 * A run that one model begins and another finishes, SDXL's refiner say. The other takes over, for good, at the first call
 * of which as large a share of the training timesteps lies behind as asked: AUTOMATIC1111's rule.
 */
final class RefinerSwitch implements Denoiser {
    private final IntFunction<Denoiser> refiner;
    private final NoiseSchedule schedule;
    private final double switchAt;
    private Denoiser current;
    private boolean switched;
    private int calls;

    /**
     * @param refiner makes the denoiser that takes over, from the number of calls before
     * @param switchAt share of the way from noise to picture, 0 to 1
     */
    RefinerSwitch(Denoiser base, IntFunction<Denoiser> refiner, NoiseSchedule schedule, double switchAt) {
        this.current = base;
        this.refiner = refiner;
        this.schedule = schedule;
        this.switchAt = switchAt;
    }

    @Override
    public FloatArray denoise(FloatArray x, float sigma) {
        return at(sigma).denoise(x, sigma);
    }

    @Override
    public Guided guide(FloatArray x, float sigma) {
        return at(sigma).guide(x, sigma);
    }

    private Denoiser at(float sigma) {
        if (!switched && schedule.shareBehind(sigma) >= switchAt) {
            current = refiner.apply(calls);
            switched = true;
        }
        calls++;
        return current;
    }
}
