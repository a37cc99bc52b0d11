package dev.atelier.model;

import java.util.ArrayList;
import java.util.List;

/**
 * A T2I-Adapter (Mou et al. 2023, "T2I-Adapter: Learning Adapters to Dig out More Controllable Ability for Text-to-Image
 * Diffusion Models", arXiv 2302.08453): a small network that sees a picture alone, once, and whose outputs are added to
 * the UNet's on its way down.
 */
public final class T2iAdapter<T> {
    private final Ops<T> ops;
    private final Layers<T> layers;
    private final T2iAdapterModel model;

    public T2iAdapter(Ops<T> ops, Weights<T> weights, T2iAdapterModel model) {
        this.ops = ops;
        this.layers = new Layers<>(ops, weights, 1, "");
        this.model = model;
    }

    /**
     * What is to be added at each of {@link UNetConfig#adapterPlaces}.
     *
     * @param cells see {@link T2iAdapterModel#cells}
     */
    public List<T> forward(T cells) {
        List<T> added = new ArrayList<>();
        T x = model.isLight() ? cells : layers.conv("conv_in", cells);
        for (int level = 0; level < T2iAdapterModel.LEVELS; level++) {
            x = model.halves(level) ? ops.halve(x) : x;
            x = model.isLight() ? light(layers.at("body." + level), x) : full(level * model.blocks(), x);
            added.add(x);
        }
        return added;
    }

    private T full(int first, T image) {
        String widening = "body.%d.in_conv".formatted(first);
        T x = model.checkpoint().has(widening + ".weight") ? layers.conv(widening, image) : image;
        for (int i = first; i < first + model.blocks(); i++) {
            x = block(layers.at("body." + i), x);
        }
        return x;
    }

    private T light(Layers<T> level, T image) {
        T x = level.conv("in_conv", image);
        for (int i = 0; i < model.blocks(); i++) {
            x = block(level.at("body." + i), x);
        }
        return level.conv("out_conv", x);
    }

    private T block(Layers<T> block, T x) {
        return ops.add(block.conv("block2", ops.leakyRelu(block.conv("block1", x), 0)), x);
    }
}
