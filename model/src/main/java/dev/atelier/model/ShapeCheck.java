package dev.atelier.model;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.InvalidCheckpointException.Reason;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.Supplier;

/**
 * Runs the networks on shapes alone. Since it is the networks' own code that runs, it asks for exactly the tensors that
 * generating will ask for, and a file that passes cannot fail later for a missing or misshapen one.
 */
final class ShapeCheck implements Ops<ShapeCheck.Value>, Weights<ShapeCheck.Value> {
    private static final int LATENT_CHANNELS = 4;

    /** A value of which only the shape is known; {@code weight} is its name in the checkpoint if it comes from there. */
    record Value(Shape shape, String weight) {
        long size(int axis) {
            return shape.size(axis);
        }

        int rank() {
            return shape.rank();
        }
    }

    private final Checkpoint checkpoint;

    private ShapeCheck(Checkpoint checkpoint) {
        this.checkpoint = checkpoint;
    }

    /** @throws InvalidCheckpointException naming the first tensor that is missing or does not fit */
    static void run(StableDiffusion model) {
        ShapeCheck check = new ShapeCheck(model.checkpoint());
        long side = 1L << (model.unet().levels() - 1);
        Value context = new ClipTextEncoder<>(check, check, model.text()).forward(value(1, ClipTokenizer.WINDOW));
        Value latents = new UNet<>(check, check, model.unet())
                .forward(value(1, LATENT_CHANNELS, side, side), value(1, 1), context);
        Value image = new VaeDecoder<>(check, check, model.vae()).forward(latents);
        if (latents.size(1) != LATENT_CHANNELS || image.size(1) != 3) {
            throw check.mismatch(
                    "the networks turn %s latents into %s noise and %s pictures, where 4, 4 and 3 channels are due"
                            .formatted(LATENT_CHANNELS, latents.size(1), image.size(1)));
        }
    }

    private static Value value(long... sizes) {
        return new Value(Shape.of(sizes), "");
    }

    @Override
    public Value get(String name) {
        Tensor tensor = checkpoint.tensor(name);
        if (!tensor.dtype().isNumeric()) {
            throw new InvalidCheckpointException(
                    checkpoint.name(),
                    Reason.UNKNOWN_DTYPE,
                    "the tensor \"%s\" is of type %s, which cannot be computed with".formatted(name, tensor.dtype()));
        }
        if (tensor.shape().rank() == 0 || tensor.shape().elements() == 0) {
            throw mismatch("the tensor \"%s\" is %s".formatted(name, tensor.shape()));
        }
        return new Value(tensor.shape(), name);
    }

    @Override
    public Shape shape(String name) {
        Shape shape = checkpoint.tensor(name).shape();
        if (shape.rank() != 4) {
            throw mismatch("the tensor \"%s\" is %s, but a convolution's weight has 4 axes".formatted(name, shape));
        }
        return shape;
    }

    @Override
    public Value constant(FloatArray values) {
        return value(Arrays.stream(values.shape()).asLongStream().toArray());
    }

    @Override
    public Value add(Value a, Value b) {
        return broadcast(a, b);
    }

    @Override
    public Value mul(Value a, Value b) {
        return broadcast(a, b);
    }

    private Value broadcast(Value a, Value b) {
        long[] sizes = a.rank() >= b.rank() ? a.shape.sizes() : b.shape.sizes();
        Value shorter = a.rank() >= b.rank() ? b : a;
        for (int axis = sizes.length - 1, other = shorter.rank() - 1; other >= 0; axis--, other--) {
            if (sizes[axis] == 1) {
                sizes[axis] = shorter.size(other);
            } else if (shorter.size(other) != 1 && shorter.size(other) != sizes[axis]) {
                throw mismatch("%s and %s cannot be added".formatted(spoken(a), spoken(b)));
            }
        }
        return value(sizes);
    }

    @Override
    public Value scale(Value x, double factor) {
        return x;
    }

    @Override
    public Value addToChannels(Value image, Value perChannel) {
        if (image.size(1) != perChannel.size(1)) {
            throw mismatch(
                    "a time embedding of width %d meets %d channels".formatted(perChannel.size(1), image.size(1)));
        }
        return image;
    }

    @Override
    public Value sin(Value x) {
        return x;
    }

    @Override
    public Value cos(Value x) {
        return x;
    }

    @Override
    public Value silu(Value x) {
        return x;
    }

    @Override
    public Value gelu(Value x) {
        return x;
    }

    @Override
    public Value quickGelu(Value x) {
        return x;
    }

    @Override
    public Value linear(Value x, Value weight, Value bias) {
        requireShape(bias, weight.size(0));
        return linear(x, weight);
    }

    @Override
    public Value linear(Value x, Value weight) {
        long[] sizes = x.shape.sizes();
        requireShape(weight, weight.size(0), sizes[sizes.length - 1]);
        sizes[sizes.length - 1] = weight.size(0);
        return value(sizes);
    }

    @Override
    public Value conv2d(Value image, Value weight, Value bias, int stride, int padding) {
        long kernel = weight.size(2) | 1; // all are odd: 3 or 1
        requireShape(weight, weight.size(0), image.size(1), kernel, kernel);
        requireShape(bias, weight.size(0));
        return value(
                image.size(0),
                weight.size(0),
                (image.size(2) + 2L * padding - kernel) / stride + 1,
                (image.size(3) + 2L * padding - kernel) / stride + 1);
    }

    @Override
    public Value pad(Value image, int rows, int columns) {
        return value(image.size(0), image.size(1), image.size(2) + rows, image.size(3) + columns);
    }

    @Override
    public Value groupNorm(Value image, int groups, Value weight, Value bias, double epsilon) {
        requireShape(weight, image.size(1));
        requireShape(bias, image.size(1));
        if (image.size(1) % groups != 0) {
            throw mismatch(
                    "the %d channels at \"%s\" do not divide into %d groups; a model that was trained with another"
                                    .formatted(image.size(1), weight.weight, groups)
                            + " number says so in its metadata, atelier.norm_num_groups");
        }
        return image;
    }

    @Override
    public Value layerNorm(Value x, Value weight, Value bias, double epsilon) {
        requireShape(weight, x.size(x.rank() - 1));
        requireShape(bias, x.size(x.rank() - 1));
        return x;
    }

    @Override
    public Value attention(Value q, Value k, Value v, int heads, boolean causal) {
        if (q.size(2) != k.size(2) || q.size(2) != v.size(2) || q.size(2) % heads != 0) {
            throw mismatch("attention of %d heads over queries %s, keys %s and values %s"
                    .formatted(heads, q.shape, k.shape, v.shape));
        }
        return q;
    }

    @Override
    public Value embedding(Value table, Value ids) {
        return value(ids.size(0), ids.size(1), table.size(1));
    }

    @Override
    public Value concat(int axis, Value a, Value b) {
        long[] sizes = a.shape.sizes();
        sizes[axis] += b.size(axis);
        return value(sizes);
    }

    @Override
    public List<Value> split(Value x, int parts) {
        long[] sizes = x.shape.sizes();
        sizes[sizes.length - 1] /= parts;
        return Collections.nCopies(parts, value(sizes));
    }

    @Override
    public Value upsample2x(Value image) {
        return value(image.size(0), image.size(1), image.size(2) * 2, image.size(3) * 2);
    }

    @Override
    public Value cropTo(Value image, Value like) {
        return value(image.size(0), image.size(1), like.size(2), like.size(3));
    }

    @Override
    public Value toTokens(Value image) {
        return value(image.size(0), image.size(2) * image.size(3), image.size(1));
    }

    @Override
    public Value toImage(Value tokens, Value like) {
        return value(tokens.size(0), tokens.size(2), like.size(2), like.size(3));
    }

    @Override
    public Value scope(Supplier<Value> part) {
        return part.get();
    }

    private void requireShape(Value weight, long... sizes) {
        if (!weight.shape.equals(Shape.of(sizes))) {
            throw mismatch(
                    "the tensor \"%s\" is %s, but %s is due".formatted(weight.weight, weight.shape, Shape.of(sizes)));
        }
    }

    private static String spoken(Value value) {
        return value.weight.isEmpty() ? value.shape.toString() : "\"%s\" %s".formatted(value.weight, value.shape);
    }

    private InvalidCheckpointException mismatch(String problem) {
        return new InvalidCheckpointException(checkpoint.name(), Reason.SHAPE_MISMATCH, problem);
    }
}
