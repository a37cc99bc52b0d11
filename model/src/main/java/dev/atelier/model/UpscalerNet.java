package dev.atelier.model;

/**
 * The networks that make pictures larger: RRDBNet of ESRGAN (Wang et al. 2018, arXiv 1809.00219), with the pixel unshuffling
 * of Real-ESRGAN (Wang et al. 2021, arXiv 2107.10833, section 3.3), and the latter's SRVGGNetCompact.
 */
public final class UpscalerNet<T> {
    private static final double LEAK = 0.2;
    private static final double RESIDUAL = 0.2;

    private final Ops<T> ops;
    private final Layers<T> layers;
    private final UpscalerModel model;

    public UpscalerNet(Ops<T> ops, Weights<T> weights, UpscalerModel model) {
        this.ops = ops;
        this.layers = new Layers<>(ops, weights, 1, "");
        this.model = model;
    }

    /** As {@link UpscalingNetwork#enlarge}. */
    public T forward(T pictures) {
        return switch (model.design()) {
            case UpscalerModel.Rrdb rrdb -> rrdb(pictures, rrdb);
            case UpscalerModel.Compact compact -> compact(pictures, compact);
        };
    }

    private T rrdb(T pictures, UpscalerModel.Rrdb design) {
        T first = layers.conv(
                "conv_first", design.unshuffle() == 1 ? pictures : ops.pixelUnshuffle(pictures, design.unshuffle()));
        T x = first;
        for (int i = 0; i < design.blocks(); i++) {
            x = residualInResidual(layers.at("body." + i), x);
        }
        x = ops.add(first, layers.conv("conv_body", x));
        for (int i = 1; i <= design.doublings(); i++) {
            x = leaky(layers.conv("conv_up" + i, ops.upsample2x(x)));
        }
        return layers.conv("conv_last", leaky(layers.conv("conv_hr", x)));
    }

    private T residualInResidual(Layers<T> block, T input) {
        return ops.scope(() -> {
            T x = input;
            for (int i = 1; i <= 3; i++) {
                x = dense(block.at("rdb" + i), x);
            }
            return ops.add(input, ops.scale(x, RESIDUAL));
        });
    }

    private T dense(Layers<T> block, T input) {
        return ops.scope(() -> {
            T all = input;
            for (int i = 1; i <= 4; i++) {
                all = ops.concat(1, all, leaky(block.conv("conv" + i, all)));
            }
            return ops.add(input, ops.scale(block.conv("conv5", all), RESIDUAL));
        });
    }

    private T leaky(T x) {
        return ops.leakyRelu(x, LEAK);
    }

    private T compact(T pictures, UpscalerModel.Compact design) {
        T x = pictures;
        T base = pictures;
        for (int i = 0; i < design.lastLayer(); i += 2) {
            x = ops.prelu(layers.conv("body." + i, x), layers.weight("body." + (i + 1) + ".weight"));
        }
        x = ops.pixelShuffle(layers.conv("body." + design.lastLayer(), x), design.scale());
        for (int scale = design.scale(); scale > 1; scale /= 2) {
            base = ops.upsample2x(base);
        }
        return ops.add(x, base);
    }
}
