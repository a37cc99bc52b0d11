package dev.atelier.diffusion;

import dev.atelier.model.ControlModel;
import dev.atelier.model.ControlNetModel;
import dev.atelier.model.DiffusionModel;
import dev.atelier.model.FloatArray;
import dev.atelier.model.T2iAdapterModel;
import dev.atelier.model.UNetConditioning;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The ControlNets and T2I-Adapters of a run.
 *
 * @param levels the noise levels of the run, falling, by which it is told how far it has come
 */
record Controls(List<Control> controls, List<Float> levels) {
    static final Controls NONE = new Controls(List.of(), List.of());

    /**
     * @param picture {@code [1, 3, 8h, 8w]}, values from 0 to 1
     * @param features what a T2I-Adapter says of it; empty for ControlNets
     * @param region {@code [1, 1, h, w]} of any size, the share of the control that each place gets; null for all of it
     */
    record Control(
            ControlUnit unit,
            ControlModel net,
            FloatArray picture,
            List<FloatArray> features,
            @Nullable FloatArray region) {}

    /**
     * The conditioning together with what the ControlNets and T2I-Adapters add at this noise level.
     *
     * @param latents as the network is given them
     */
    UNetConditioning with(
            UNetConditioning conditioning, DiffusionModel model, FloatArray latents, float[] timesteps, float sigma) {
        List<FloatArray> control = new ArrayList<>();
        List<FloatArray> adapted = new ArrayList<>();
        for (Control each : controls) {
            if (isActive(each.unit, sigma)) {
                switch (each.net) {
                    case ControlNetModel net -> {
                        FloatArray picture = Latents.repeat(each.picture, latents.size(0));
                        List<FloatArray> outputs = model.control(net, latents, timesteps, conditioning, picture);
                        add(outputs, each, conditioning, control);
                    }
                    case T2iAdapterModel _ ->
                        add(
                                each.features.stream()
                                        .map(feature -> Latents.repeat(feature, latents.size(0)))
                                        .toList(),
                                each,
                                conditioning,
                                adapted);
                }
            }
        }
        return conditioning.withControl(control).withAdapted(adapted);
    }

    private boolean isActive(ControlUnit unit, float sigma) {
        long done = levels.stream().filter(level -> level > sigma).count();
        double share = (double) done / Math.max(1, levels.size() - 1);
        return unit.weight() > 0 && share >= unit.start() && share <= unit.end();
    }

    private static void requireLayers(ControlUnit unit, int outputs) {
        if (!unit.layers().isEmpty() && unit.layers().size() != outputs) {
            throw new IllegalArgumentException(
                    "the ControlNet \"%s\" has %d outputs, but there are %d strengths for them"
                            .formatted(unit.net(), outputs, unit.layers().size()));
        }
    }

    private static void add(
            List<FloatArray> outputs, Control control, UNetConditioning conditioning, List<FloatArray> sum) {
        ControlUnit unit = control.unit;
        requireLayers(unit, outputs.size());
        for (int i = 0; i < outputs.size(); i++) {
            FloatArray output = outputs.get(i);
            double softening = control.net instanceof T2iAdapterModel
                    ? unit.mode().ofAdapter(i)
                    : unit.mode().strength(outputs.size() - 1 - i);
            double strength = unit.layers().isEmpty()
                    ? unit.weight() * softening
                    : unit.layers().get(i);
            float[] shares = control.region == null
                    ? new float[] {1}
                    : LatentResampling.BILINEAR
                            .resize(control.region, output.size(2), output.size(3))
                            .values();
            int row = output.values().length / output.size(0);
            for (int j = 0; j < output.values().length; j++) {
                boolean isFree = unit.mode() == ControlMode.CONTROL && conditioning.isNegative(j / row);
                output.values()[j] = isFree ? 0 : (float) (strength * shares[j % shares.length] * output.values()[j]);
            }
            if (i < sum.size()) {
                sum.set(i, Latents.plus(sum.get(i), 1, output));
            } else {
                sum.add(output);
            }
        }
    }
}
