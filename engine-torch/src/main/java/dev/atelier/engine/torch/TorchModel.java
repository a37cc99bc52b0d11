package dev.atelier.engine.torch;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Shape;
import dev.atelier.model.ClipTextEncoder;
import dev.atelier.model.ControlNet;
import dev.atelier.model.ControlNetModel;
import dev.atelier.model.EngineModel;
import dev.atelier.model.FloatArray;
import dev.atelier.model.Loadable;
import dev.atelier.model.Network;
import dev.atelier.model.NetworkSettings;
import dev.atelier.model.StableDiffusion;
import dev.atelier.model.T2iAdapter;
import dev.atelier.model.T2iAdapterModel;
import dev.atelier.model.TextEncoderConfig;
import dev.atelier.model.TinyDecoder;
import dev.atelier.model.TinyDecoderModel;
import dev.atelier.model.UNet;
import dev.atelier.model.UNetAnswer;
import dev.atelier.model.UNetConfig;
import dev.atelier.model.UNetShortcut;
import dev.atelier.model.VaeDecoder;
import dev.atelier.model.VaeEncoder;
import dev.atelier.model.Weights;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** A Stable Diffusion model on libtorch. */
public final class TorchModel extends EngineModel<TorchModel.Part> {

    /**
     * A network's weights. The network itself is but code.
     *
     * @param owned those that are freed with it
     */
    record Part(Loadable network, Weights<Tensor> weights, TorchWeights owned, NetworkSettings settings)
            implements LoadedNetwork {
        @Override
        public void close() {
            owned.close();
        }
    }

    /** Weights that are in memory already, for training. */
    interface Live extends Weights<Tensor> {
        boolean contains(String name);
    }

    private final TorchSettings settings;
    private final TorchOps ops;
    private final @Nullable Live live;

    private TorchModel(StableDiffusion model, TorchSettings settings, TorchOps ops, @Nullable Live live) {
        super(model);
        this.settings = settings;
        this.ops = ops;
        this.live = live;
    }

    /** A model that computes with {@code ops} and with {@code live}, as far as that goes; it loads the rest when it is needed. */
    static TorchModel of(StableDiffusion model, TorchOps ops, Live live) {
        return new TorchModel(model, TorchSettings.DEFAULT, ops, live);
    }

    /** Loads the weights that making pictures from text needs. {@code progress} counts bytes of weights. */
    public static TorchModel load(StableDiffusion model, Progress progress) {
        return load(model, TorchSettings.DEFAULT, progress);
    }

    /**
     * Loads it onto a device.
     *
     * @throws IllegalArgumentException if the device cannot be used; the message says what it takes
     */
    public static TorchModel load(StableDiffusion model, TorchSettings settings, Progress progress) {
        settings.prepare();
        TorchModel loaded = new TorchModel(model, settings, new TorchOps(settings), null);
        loaded.load(progress);
        return loaded;
    }

    @Override
    protected Part open(Network network, NetworkSettings wanted, Progress progress) {
        Set<String> used = new HashSet<>(model().weights(network));
        if (live == null) {
            TorchWeights weights = TorchWeights.load(
                    model().checkpoint(), used::contains, fp32 -> settings.weight(fp32, network), progress);
            return new Part(network, weights, weights, wanted);
        }
        used.removeIf(live::contains);
        TorchWeights rest = TorchWeights.load(model().checkpoint(), used::contains, progress);
        return new Part(
                network,
                new Weights<>() {
                    @Override
                    public Tensor get(String name) {
                        return used.contains(name) ? rest.get(name) : live.get(name);
                    }

                    @Override
                    public Shape shape(String name, int rank) {
                        return rest.shape(name, rank);
                    }
                },
                rest,
                wanted);
    }

    @Override
    protected Part open(ControlNetModel controlNet) {
        return open(controlNet, controlNet.checkpoint(), controlNet.weights(), Network.UNET);
    }

    @Override
    protected Part open(T2iAdapterModel adapter) {
        return open(adapter, adapter.checkpoint(), adapter.weights(), Network.UNET);
    }

    @Override
    protected Part open(TinyDecoderModel decoder) {
        return open(decoder, decoder.checkpoint(), decoder.weights(), Network.VAE_DECODER);
    }

    /** @param like the network whose precision it has */
    private Part open(Loadable network, Checkpoint checkpoint, Set<String> used, Network like) {
        TorchWeights weights =
                TorchWeights.load(checkpoint, used::contains, fp32 -> settings.weight(fp32, like), Progress.NONE);
        return new Part(network, weights, weights, NetworkSettings.DEFAULT);
    }

    @Override
    protected ClipTextEncoder.Encoded<FloatArray> encode(
            Part part, int[][] tokens, ClipTextEncoder.Inserted<FloatArray> inserted) {
        TextEncoderConfig config = part.network == Network.TEXT_ENCODER
                ? model().text().getFirst()
                : model().text().getLast();
        try (PointerScope _ = new PointerScope();
                NoGradGuard _ = new NoGradGuard()) {
            ClipTextEncoder.Inserted<Tensor> vectors =
                    new ClipTextEncoder.Inserted<>(ops.constant(inserted.kept()), ops.constant(inserted.vectors()));
            ClipTextEncoder.Encoded<Tensor> encoded = new ClipTextEncoder<>(ops, part.weights, config)
                    .forward(settings.place(Tensors.of(tokens)), vectors, part.settings.clipSkip());
            Tensor pooled = encoded.pooled();
            return new ClipTextEncoder.Encoded<>(
                    Tensors.toArray(encoded.context()), pooled == null ? null : Tensors.toArray(pooled));
        }
    }

    @Override
    protected UNetAnswer predict(Part part, UNet.Input<FloatArray> input, UNetShortcut shortcut) {
        int depth = shortcut.depth();
        FloatArray deep = shortcut.deep();
        try (PointerScope _ = new PointerScope();
                NoGradGuard _ = new NoGradGuard()) {
            UNet<Tensor> unet = new UNet<>(ops(part), part.weights, model().unet(), shortcut.mergedTokens());
            if (deep != null) {
                return new UNetAnswer(Tensors.toArray(unet.shallow(tensors(input), depth, ops.constant(deep))), null);
            }
            UNet.Output<Tensor> output = unet.outputs(tensors(input));
            return new UNetAnswer(
                    Tensors.toArray(output.noise()),
                    depth == 0 ? null : Tensors.toArray(output.deep().get(depth - 1)));
        }
    }

    private TorchOps ops(Part part) {
        return part.settings.endless() ? new EndlessOps(settings) : ops;
    }

    @Override
    protected List<FloatArray> control(Part part, UNet.Input<FloatArray> input, FloatArray picture) {
        UNetConfig config = ((ControlNetModel) part.network).config();
        try (PointerScope _ = new PointerScope();
                NoGradGuard _ = new NoGradGuard()) {
            ControlNet<Tensor> net = new ControlNet<>(ops, part.weights, config);
            return net.forward(tensors(input), net.read(ops.constant(picture))).stream()
                    .map(Tensors::toArray)
                    .toList();
        }
    }

    @Override
    protected List<FloatArray> adapt(Part part, FloatArray cells) {
        try (PointerScope _ = new PointerScope();
                NoGradGuard _ = new NoGradGuard()) {
            T2iAdapter<Tensor> adapter = new T2iAdapter<>(ops, part.weights, (T2iAdapterModel) part.network);
            return adapter.forward(ops.constant(cells)).stream()
                    .map(Tensors::toArray)
                    .toList();
        }
    }

    private UNet.Input<Tensor> tensors(UNet.Input<FloatArray> input) {
        return new UNet.Input<>(
                ops.constant(input.latents()),
                ops.constant(input.timesteps()),
                ops.constant(input.context()),
                orNull(input.vector()),
                orNull(input.image()),
                input.control().stream().map(ops::constant).toList(),
                input.adapted().stream().map(ops::constant).toList(),
                input.repeats());
    }

    private @Nullable Tensor orNull(@Nullable FloatArray values) {
        return values == null ? null : ops.constant(values);
    }

    @Override
    protected FloatArray decode(Part part, FloatArray latents) {
        return run(() -> part.network instanceof TinyDecoderModel
                ? new TinyDecoder<>(ops, part.weights).forward(ops.constant(latents))
                : new VaeDecoder<>(ops(part), part.weights, model().vae()).forward(ops.constant(latents)));
    }

    @Override
    protected FloatArray encode(Part part, FloatArray pictures) {
        return run(() -> new VaeEncoder<>(ops(part), part.weights, model().vae()).forward(ops.constant(pictures)));
    }

    private static FloatArray run(Supplier<Tensor> network) {
        try (PointerScope _ = new PointerScope();
                NoGradGuard _ = new NoGradGuard()) {
            return Tensors.toArray(network.get());
        }
    }
}
