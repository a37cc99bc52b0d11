package dev.atelier.model;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.InvalidCheckpointException.Reason;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedSet;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/**
 * Runs the networks on shapes alone. Since it is the networks' own code that runs, it asks for exactly the tensors that
 * generating will ask for, and a file that passes cannot fail later for a missing or misshapen one.
 */
final class ShapeCheck implements Ops<ShapeCheck.Value>, Weights<ShapeCheck.Value> {
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
    private final SequencedSet<String> used = new LinkedHashSet<>();

    private ShapeCheck(Checkpoint checkpoint) {
        this.checkpoint = checkpoint;
    }

    /** @throws InvalidCheckpointException naming the first tensor that is missing or does not fit */
    static void run(StableDiffusion model) {
        ShapeCheck check = new ShapeCheck(model.checkpoint());
        UNetConfig unet = model.unet();
        long contextWidth = 0;
        long pooledWidth = 0;
        for (TextEncoderConfig text : model.text()) {
            ClipTextEncoder.Encoded<Value> encoded = check.encode(text);
            contextWidth += encoded.context().size(2);
            Value pooled = encoded.pooled();
            pooledWidth += pooled == null ? 0 : pooled.size(1);
        }
        if (contextWidth != unet.contextWidth()) {
            throw check.mismatch("its UNet attends to vectors of %d numbers, but its text encoders make such of %d"
                    .formatted(unet.contextWidth(), contextWidth));
        }
        int sizes = model.family().isXl() ? SizeConditioning.width(model.family()) : 0;
        if (pooledWidth + sizes != unet.vectorWidth()) {
            throw check.mismatch("its UNet takes a vector of %d numbers beside the text, where %d are due"
                    .formatted(unet.vectorWidth(), pooledWidth + sizes));
        }
        Value latents = check.denoise(unet);
        Value picture = check.decode(model.vae());
        if (latents.size(1) != UNetConfig.LATENT_CHANNELS || picture.size(1) != 3) {
            throw check.mismatch(
                    "the networks turn %s latents into %s noise and %s pictures, where 4, 4 and 3 channels are due"
                            .formatted(UNetConfig.LATENT_CHANNELS, latents.size(1), picture.size(1)));
        }
    }

    /** The names of the tensors that a network is made of, in the order of their use. */
    static SequencedSet<String> weights(StableDiffusion model, Network network) {
        ShapeCheck check = new ShapeCheck(model.checkpoint());
        switch (network) {
            case TEXT_ENCODER -> check.encode(model.text().getFirst());
            case TEXT_ENCODER_2 -> check.encode(model.text().getLast());
            case UNET -> check.denoise(model.unet());
            case VAE_DECODER -> check.decode(model.vae());
            case VAE_ENCODER -> check.encode(model.vae());
        }
        return Collections.unmodifiableSequencedSet(check.used);
    }

    private ClipTextEncoder.Encoded<Value> encode(TextEncoderConfig text) {
        return new ClipTextEncoder<>(this, this, text).forward(value(1, ClipTokenizer.WINDOW), 1);
    }

    private Value denoise(UNetConfig unet) {
        long side = 1L << (unet.levels() - 1);
        int more = unet.inputChannels() - UNetConfig.LATENT_CHANNELS;
        return new UNet<>(this, this, unet)
                .forward(new UNet.Input<>(
                        value(1, UNetConfig.LATENT_CHANNELS, side, side),
                        value(1, 1),
                        value(1, ClipTokenizer.WINDOW, unet.contextWidth()),
                        unet.vectorWidth() == 0 ? null : value(1, unet.vectorWidth()),
                        more == 0 ? null : value(1, more, side, side)));
    }

    /** @throws InvalidCheckpointException naming the first tensor that is missing or does not fit */
    static void run(ControlNetModel model) {
        new ShapeCheck(model.checkpoint()).control(model.config());
    }

    /** The names of the tensors that a ControlNet is made of, in the order of their use. */
    static SequencedSet<String> weights(ControlNetModel model) {
        ShapeCheck check = new ShapeCheck(model.checkpoint());
        check.control(model.config());
        return Collections.unmodifiableSequencedSet(check.used);
    }

    /** @throws InvalidCheckpointException naming the first tensor that is missing or does not fit */
    static SequencedSet<String> run(TinyDecoderModel model) {
        ShapeCheck check = new ShapeCheck(model.checkpoint());
        Value picture = new TinyDecoder<>(check, check).forward(value(1, UNetConfig.LATENT_CHANNELS, 1, 1));
        if (picture.size(1) != 3) {
            throw check.mismatch("it gives pictures of %d channels, where 3 are due".formatted(picture.size(1)));
        }
        return Collections.unmodifiableSequencedSet(check.used);
    }

    /** @throws InvalidCheckpointException naming the first tensor that is missing or does not fit */
    static SequencedSet<String> run(UpscalerModel model) {
        ShapeCheck check = new ShapeCheck(model.checkpoint());
        Value picture = new UpscalerNet<>(check, check, model).forward(value(1, 3, 4, 4));
        if (picture.size(1) != 3) {
            throw check.mismatch("it gives pictures of %d channels, where 3 are due".formatted(picture.size(1)));
        }
        return Collections.unmodifiableSequencedSet(check.used);
    }

    /** @throws InvalidCheckpointException naming the first tensor that is missing or does not fit */
    static SequencedSet<String> run(T2iAdapterModel model) {
        ShapeCheck check = new ShapeCheck(model.checkpoint());
        long channels = (long) model.pictureChannels() * model.cell() * model.cell();
        new T2iAdapter<>(check, check, model).forward(value(1, channels, 1, 1));
        return Collections.unmodifiableSequencedSet(check.used);
    }

    private void control(UNetConfig unet) {
        long side = 1L << (unet.levels() - 1);
        ControlNet<Value> net = new ControlNet<>(this, this, unet);
        Value picture = net.read(value(1, 3, ControlNet.PIXELS * side, ControlNet.PIXELS * side));
        net.forward(
                new UNet.Input<>(
                        value(1, UNetConfig.LATENT_CHANNELS, side, side),
                        value(1, 1),
                        value(1, ClipTokenizer.WINDOW, unet.contextWidth()),
                        unet.vectorWidth() == 0 ? null : value(1, unet.vectorWidth()),
                        null),
                picture);
    }

    private Value decode(VaeConfig vae) {
        return new VaeDecoder<>(this, this, vae).forward(value(1, UNetConfig.LATENT_CHANNELS, 1, 1));
    }

    private void encode(VaeConfig vae) {
        Value moments =
                new VaeEncoder<>(this, this, vae).forward(value(1, 3, vae.spatialFactor(), vae.spatialFactor()));
        if (moments.size(1) != 2 * UNetConfig.LATENT_CHANNELS) {
            throw mismatch("its VAE encoder gives %d channels, where 4 means and 4 variances are due"
                    .formatted(moments.size(1)));
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
        used.add(name);
        return new Value(tensor.shape(), name);
    }

    @Override
    public Shape shape(String name, int rank) {
        Shape shape = checkpoint.tensor(name).shape();
        if (shape.rank() != rank) {
            throw mismatch("the tensor \"%s\" is %s, but this layer's weight has %d axes".formatted(name, shape, rank));
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
    public Value tanh(Value x) {
        return x;
    }

    @Override
    public Value relu(Value x) {
        return x;
    }

    @Override
    public Value leakyRelu(Value x, double slope) {
        return x;
    }

    @Override
    public Value prelu(Value image, Value slopes) {
        requireShape(slopes, image.size(1));
        return image;
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
    public Value matmul(Value x, Value matrix) {
        long[] sizes = x.shape.sizes();
        if (matrix.rank() != 2 || matrix.size(0) != sizes[sizes.length - 1]) {
            throw mismatch("%s cannot be multiplied with %s".formatted(spoken(x), spoken(matrix)));
        }
        sizes[sizes.length - 1] = matrix.size(1);
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
    public Value onMergedTokens(Value tokens, Value compared, Value image, double share, UnaryOperator<Value> network) {
        return network.apply(tokens);
    }

    @Override
    public Value embedding(Value table, Value ids) {
        return value(ids.size(0), ids.size(1), table.size(1));
    }

    @Override
    public Value tokenOfLargest(Value x, Value ids) {
        return value(x.size(0), x.size(2));
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
    public Value halve(Value image) {
        return value(image.size(0), image.size(1), (image.size(2) + 1) / 2, (image.size(3) + 1) / 2);
    }

    @Override
    public Value pixelShuffle(Value image, int factor) {
        long channels = image.size(1) / ((long) factor * factor);
        return value(image.size(0), channels, image.size(2) * factor, image.size(3) * factor);
    }

    @Override
    public Value pixelUnshuffle(Value picture, int factor) {
        long channels = picture.size(1) * factor * factor;
        return value(picture.size(0), channels, picture.size(2) / factor, picture.size(3) / factor);
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
