package dev.atelier.model;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.InvalidCheckpointException.Reason;
import java.util.List;
import java.util.Locale;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A hypernetwork as AUTOMATIC1111 trains them: small networks between what a UNet's attention looks at and its keys and
 * values. Each changes what it sees, x, to x + strength · network(x); there are two for each width of x that it is for.
 *
 * @param file its tensors, as in {@code 768.k.linear.0.weight}
 * @param widths those of x: 320, 640, 768 and 1280 for SD 1.x
 * @param linears where in each network the linear layers are
 * @param norms where layer normalisations are
 * @param activation what follows a linear layer, and the last only if {@code activatesLast}
 */
public record Hypernetwork(
        Checkpoint file,
        double strength,
        SortedSet<Integer> widths,
        SortedSet<Integer> linears,
        SortedSet<Integer> norms,
        Activation activation,
        boolean activatesLast) {
    private static final Pattern WEIGHT = Pattern.compile("(\\d{1,5})\\.[kv]\\.linear\\.(\\d{1,3})\\.weight");

    /** By the names that files have for them. */
    enum Activation {
        LINEAR {
            @Override
            <T> T apply(Ops<T> ops, T x) {
                return x;
            }
        },
        RELU {
            @Override
            <T> T apply(Ops<T> ops, T x) {
                return ops.relu(x);
            }
        },
        LEAKYRELU {
            @Override
            <T> T apply(Ops<T> ops, T x) {
                return ops.leakyRelu(x, 0.01);
            }
        },
        /** PyTorch's Hardswish, x · min(max(x + 3, 0), 6) / 6, in spite of the name. */
        SWISH {
            @Override
            <T> T apply(Ops<T> ops, T x) {
                T right = ops.relu(ops.add(x, number(ops, 3)));
                T left = ops.relu(ops.add(x, number(ops, -3)));
                return ops.scale(ops.mul(x, ops.add(right, ops.scale(left, -1))), 1 / 6.0);
            }
        },
        TANH {
            @Override
            <T> T apply(Ops<T> ops, T x) {
                return ops.tanh(x);
            }
        },
        SIGMOID {
            @Override
            <T> T apply(Ops<T> ops, T x) {
                return ops.add(ops.scale(ops.tanh(ops.scale(x, 0.5)), 0.5), number(ops, 0.5f));
            }
        },
        SILU {
            @Override
            <T> T apply(Ops<T> ops, T x) {
                return ops.silu(x);
            }
        },
        GELU {
            @Override
            <T> T apply(Ops<T> ops, T x) {
                return ops.gelu(x);
            }
        };

        abstract <T> T apply(Ops<T> ops, T x);

        private static <T> T number(Ops<T> ops, float value) {
            return ops.constant(FloatArray.of(new float[] {value}, 1));
        }
    }

    /** The names of the activations that are known. */
    public static List<String> activations() {
        return Stream.concat(
                        Stream.of(Activation.values()).map(one -> one.name().toLowerCase(Locale.ROOT)),
                        Stream.of("hardswish"))
                .toList();
    }

    /**
     * Recognises a hypernetwork.
     *
     * @throws InvalidCheckpointException if the file is none, or has an activation that is not known
     */
    public static Hypernetwork of(Checkpoint file, double strength) {
        SortedSet<Integer> widths = new TreeSet<>();
        SortedSet<Integer> linears = new TreeSet<>();
        SortedSet<Integer> norms = new TreeSet<>();
        file.tensors().forEach((name, tensor) -> {
            Matcher weight = WEIGHT.matcher(name);
            if (weight.matches()) {
                widths.add(Integer.valueOf(weight.group(1)));
                (tensor.shape().rank() == 1 ? norms : linears).add(Integer.valueOf(weight.group(2)));
            }
        });
        if (linears.isEmpty()) {
            throw new InvalidCheckpointException(file.name(), Reason.UNKNOWN_LAYOUT, "it is no hypernetwork");
        }
        return new Hypernetwork(
                file,
                strength,
                widths,
                linears,
                norms,
                activation(file),
                Boolean.parseBoolean(file.metadata().getOrDefault("activate_output", "true")));
    }

    private static Activation activation(Checkpoint file) {
        String name = file.metadata().getOrDefault("activation_func", "linear");
        try {
            return name.equals("hardswish") ? Activation.SWISH : Activation.valueOf(name.toUpperCase(Locale.ROOT));
        } catch (IllegalArgumentException e) {
            throw new InvalidCheckpointException(
                    file.name(),
                    Reason.UNKNOWN_LAYOUT,
                    "its activation \"%s\" is not known here; known are %s".formatted(name, activations()),
                    e);
        }
    }

    /**
     * What keys or values are made of.
     *
     * @param part {@code k} or {@code v}
     * @param layers those of this hypernetwork
     * @param width of x
     */
    <T> T change(String part, Layers<T> layers, T x, int width) {
        if (!widths.contains(width)) {
            return x;
        }
        Layers<T> network = layers.at(width + "." + part + ".linear");
        T y = x;
        for (int layer = 0; layer <= Math.max(linears.last(), norms.isEmpty() ? 0 : norms.last()); layer++) {
            String name = Integer.toString(layer);
            if (norms.contains(layer)) {
                y = network.layerNorm(name, y);
            } else if (linears.contains(layer)) {
                y = network.linear(name, y);
                y = layer < linears.last() || activatesLast ? activation.apply(layers.ops, y) : y;
            }
        }
        return layers.ops.add(x, layers.ops.scale(y, strength));
    }
}
