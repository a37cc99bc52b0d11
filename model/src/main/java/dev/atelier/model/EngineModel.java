package dev.atelier.model;

import com.sun.management.OperatingSystemMXBean;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.PredictionType;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Shape;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What all engines have in common: they check what is about to enter native code, and hold in memory as many of a model's
 * networks as it has room for. Those used longest ago make place for the next.
 *
 * @param <N> a network with its weights, ready to run
 */
public abstract class EngineModel<N extends EngineModel.LoadedNetwork> implements DiffusionModel {

    /** Something that holds native memory. */
    public interface LoadedNetwork extends AutoCloseable {
        /** Takes the weights of a model that is built alike; false where it can only be loaded anew. */
        default boolean become(StableDiffusion other) {
            return false;
        }

        @Override
        void close();
    }

    // the rest is for intermediate results, the pictures, the JVM, and the files that the system keeps in memory
    private static final double SHARE_OF_MEMORY = 0.5;

    private final long room;
    private StableDiffusion model;
    private final SequencedMap<Loadable, N> loaded = new LinkedHashMap<>(); // in the order of their last use
    private final Set<Network> outdated =
            EnumSet.noneOf(Network.class); // those in memory with weights of a former model
    private NetworkSettings settings = NetworkSettings.DEFAULT; // of those in memory
    private @Nullable PredictionType prediction;

    protected EngineModel(StableDiffusion model) {
        this(model, (long) (SHARE_OF_MEMORY
                * ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getTotalMemorySize()));
    }

    /** @param room how many bytes of weights may be in memory at once; a single network may take more */
    protected EngineModel(StableDiffusion model, long room) {
        this.model = model;
        this.room = room;
        this.prediction = model.prediction();
    }

    /** The weights in use. */
    protected final StableDiffusion model() {
        return model;
    }

    /**
     * Goes on with other weights of the same shapes, or with other hypernetworks. Networks of which not a tensor is another stay as they are; the rest
     * take their weights when they are next used.
     */
    public final void become(StableDiffusion other) {
        if (!other.unet().equals(model.unet())) { // other hypernetworks
            close(Network.UNET);
        }
        for (Loadable loadable : loaded.keySet()) {
            if (loadable instanceof Network network && !hasSameWeights(network, other)) {
                outdated.add(network);
            }
        }
        model = other;
    }

    private void close(Network network) {
        N open = loaded.remove(network);
        if (open != null) {
            open.close();
        }
    }

    private boolean hasSameWeights(Network network, StableDiffusion other) {
        return model.weights(network).stream()
                .allMatch(name -> other.checkpoint()
                        .tensor(name)
                        .equals(model.checkpoint().tensor(name)));
    }

    /** Whether {@code other} differs in nothing but its weights, so that this can {@link #switchTo} it. */
    public final boolean isBuiltLike(StableDiffusion other) {
        return other.family() == model.family()
                && other.text().equals(model.text())
                && other.unet().equals(model.unet())
                && other.vae().equals(model.vae())
                && other.networks().equals(model.networks())
                && model.networks().stream()
                        .allMatch(network -> shapes(other, network).equals(shapes(model, network)));
    }

    private static Map<String, Shape> shapes(StableDiffusion model, Network network) {
        return model.weights(network).stream()
                .collect(Collectors.toMap(
                        name -> name, name -> model.checkpoint().tensor(name).shape()));
    }

    /**
     * Goes on as another model {@link #isBuiltLike built like} this one, which takes less time than to load it. What is in
     * memory and the first step takes is ready then.
     */
    public final void switchTo(StableDiffusion other, Progress progress) {
        become(other);
        prediction = other.prediction();
        List<Network> next = model.networks().stream()
                .filter(network -> network != Network.VAE_DECODER && network != Network.VAE_ENCODER)
                .filter(loaded::containsKey)
                .toList();
        long total = next.stream().mapToLong(this::size).sum();
        long done = 0;
        for (Network network : next) {
            network(network);
            done += size(network);
            progress.update(done, total);
        }
    }

    @Override
    public int nativeSize() {
        return model.statedSize().orElseGet(DiffusionModel.super::nativeSize);
    }

    /** Loads a network's weights and makes it ready to run. */
    protected abstract N open(Network network, NetworkSettings settings, Progress progress);

    /** Loads a ControlNet's weights and makes it ready to run. */
    protected abstract N open(ControlNetModel controlNet);

    /** Loads a T2I-Adapter's weights and makes it ready to run. */
    protected abstract N open(T2iAdapterModel adapter);

    /** Loads a tiny decoder's weights and makes it ready to run. */
    protected abstract N open(TinyDecoderModel decoder);

    /** Runs a text encoder. */
    protected abstract ClipTextEncoder.Encoded<FloatArray> encode(
            N textEncoder, int[][] tokens, ClipTextEncoder.Inserted<FloatArray> inserted);

    /** Runs the UNet, or its outermost blocks around what was kept. */
    protected abstract UNetAnswer predict(N unet, UNet.Input<FloatArray> input, UNetShortcut shortcut);

    /** Runs a ControlNet. */
    protected abstract List<FloatArray> control(N controlNet, UNet.Input<FloatArray> input, FloatArray picture);

    /** Runs a T2I-Adapter on {@link T2iAdapterModel#cells}. */
    protected abstract List<FloatArray> adapt(N adapter, FloatArray cells);

    /** Runs a decoder, the VAE's or a tiny one. */
    protected abstract FloatArray decode(N decoder, FloatArray latents);

    /** Runs the VAE encoder: {@code [n, 8, h/f, w/f]}, as {@link VaeEncoder} gives it. */
    protected abstract FloatArray encode(N encoder, FloatArray pictures);

    /**
     * Loads what the first step of drawing from text takes and there is room for, in the order of use. {@code progress}
     * counts bytes of weights.
     */
    protected final void load(Progress progress) {
        Map<Network, Long> fitting = new LinkedHashMap<>();
        long total = 0;
        for (Network network : model.networks()) {
            long size = size(network);
            if (network == Network.VAE_DECODER || network == Network.VAE_ENCODER || total + size > room) {
                break;
            }
            fitting.put(network, size);
            total += size;
        }
        long before = 0;
        long all = total;
        for (Map.Entry<Network, Long> entry : fitting.entrySet()) {
            long start = before;
            loaded.put(entry.getKey(), open(entry.getKey(), settings, (done, _) -> progress.update(start + done, all)));
            before += entry.getValue();
        }
        progress.update(all, all);
    }

    private N network(Loadable network) {
        N ready = loaded.remove(network);
        boolean isOutdated = network instanceof Network own && outdated.remove(own);
        if (ready != null && isOutdated) {
            ready = inPlace(ready);
        }
        if (ready == null) {
            long needed = size(network);
            while (!loaded.isEmpty()
                    && needed + loaded.keySet().stream().mapToLong(this::size).sum() > room) {
                loaded.pollFirstEntry().getValue().close();
            }
            ready = switch (network) {
                case Network own -> open(own, settings, Progress.NONE);
                case ControlNetModel controlNet -> open(controlNet);
                case T2iAdapterModel adapter -> open(adapter);
                case TinyDecoderModel decoder -> open(decoder);
            };
        }
        loaded.put(network, ready);
        return ready;
    }

    /** The network with the weights of the model at hand, or nothing, and closed, where it cannot take them. */
    private @Nullable N inPlace(N network) {
        boolean taken = false;
        try {
            taken = network.become(model);
        } finally {
            if (!taken) {
                network.close();
            }
        }
        return taken ? network : null;
    }

    private long size(Loadable network) {
        return bytes(network, settings);
    }

    /** How much memory a network's weights take: here, where all are fp32. */
    protected long bytes(Loadable network, NetworkSettings wanted) {
        return switch (network) {
            case Network own -> size(model.checkpoint(), model.weights(own));
            case ControlNetModel controlNet -> size(controlNet.checkpoint(), controlNet.weights());
            case T2iAdapterModel adapter -> size(adapter.checkpoint(), adapter.weights());
            case TinyDecoderModel decoder -> size(decoder.checkpoint(), decoder.weights());
        };
    }

    private static long size(Checkpoint checkpoint, Collection<String> weights) {
        return weights.stream()
                .mapToLong(name -> checkpoint.tensor(name).shape().elements() * Float.BYTES)
                .sum();
    }

    @Override
    public final List<Integer> tokenWidths() {
        return model.tokenWidths();
    }

    @Override
    public final TextEncoding encodeText(List<TextWindow> windows, int clipSkip) {
        List<Integer> widths = tokenWidths();
        windows.forEach(window -> requireReadable(window, widths));
        int[][] tokens = windows.stream()
                .map(window -> window.tokens().stream().mapToInt(id -> id).toArray())
                .toArray(int[][]::new);
        stopAt(clipSkip);
        List<FloatArray> parts = new ArrayList<>();
        FloatArray pooled = null;
        for (int i = 0; i < model.text().size(); i++) {
            N encoder = network(i == 0 ? Network.TEXT_ENCODER : Network.TEXT_ENCODER_2);
            ClipTextEncoder.Encoded<FloatArray> encoded =
                    encode(encoder, model.text().get(i).padded(tokens), TextWindow.inserted(windows, i, widths.get(i)));
            parts.add(encoded.context());
            pooled = encoded.pooled() != null ? encoded.pooled() : pooled;
        }
        return new TextEncoding(parts, pooled);
    }

    private static void requireReadable(TextWindow window, List<Integer> widths) {
        boolean known = window.tokens().stream().allMatch(id -> id >= 0 && id < ClipTokenizer.VOCABULARY);
        if (window.tokens().size() != ClipTokenizer.WINDOW || !known) {
            throw new IllegalArgumentException("not a window of 77 CLIP tokens: " + window.tokens());
        }
        for (TextWindow.Placed placed : window.embeddings()) {
            Embedding embedding = placed.embedding();
            boolean isInside = placed.position() >= 0 && placed.position() < ClipTokenizer.WINDOW;
            if (!isInside || !embedding.widths().equals(widths)) {
                throw new IllegalArgumentException("the embedding \"%s\" of widths %s at %d; this model's are %s"
                        .formatted(embedding.name(), embedding.widths(), placed.position(), widths));
            }
        }
    }

    private void stopAt(int clipSkip) {
        if (clipSkip < 1 || clipSkip > model.text().getFirst().layers()) {
            throw new IllegalArgumentException("clip skip must be between 1 and %d, but is %d"
                    .formatted(model.text().getFirst().layers(), clipSkip));
        }
        if (model.family() == Family.SD1) {
            use(new NetworkSettings(clipSkip, settings.endless()));
        }
    }

    @Override
    public final void endless(boolean value) {
        use(new NetworkSettings(settings.clipSkip(), value));
    }

    /** Frees the networks that are another one with these settings. */
    private void use(NetworkSettings wanted) {
        for (Loadable loadable : List.copyOf(loaded.keySet())) {
            if (loadable instanceof Network network && !settings.suits(network, wanted)) {
                Objects.requireNonNull(loaded.remove(network)).close();
            }
        }
        settings = wanted;
    }

    @Override
    public final FloatArray predictNoise(FloatArray latents, float[] timesteps, UNetConditioning conditioning) {
        return predictNoise(latents, timesteps, conditioning, UNetShortcut.NONE).noise();
    }

    @Override
    public final UNetAnswer predictNoise(
            FloatArray latents, float[] timesteps, UNetConditioning conditioning, UNetShortcut shortcut) {
        UNetConfig unet = model.unet();
        FloatArray vector = conditioning.vector();
        FloatArray image = conditioning.image();
        requireWidth("a context", unet.contextWidth(), conditioning.context().size(2));
        requireWidth("a vector", unet.vectorWidth(), vector == null ? 0 : vector.size(1));
        requireWidth("an image", unet.inputChannels() - UNetConfig.LATENT_CHANNELS, image == null ? 0 : image.size(1));
        int depth = shortcut.depth();
        if (depth < 0 || depth > unet.finestBlocks()) {
            throw new IllegalArgumentException(
                    "the depth of DeepCache must be between 1 and %d for this model, but is %d"
                            .formatted(unet.finestBlocks(), depth));
        }
        boolean merges = unet.transformerDepth().getFirst() > 0; // SDXL has nothing to merge
        // what was kept knows nothing of that
        boolean controlled =
                !conditioning.control().isEmpty() || !conditioning.adapted().isEmpty();
        UNetShortcut suited = new UNetShortcut(
                merges ? shortcut.mergedTokens() : 0, controlled ? 0 : depth, controlled ? null : shortcut.deep());
        FloatArray t = FloatArray.of(timesteps, timesteps.length, 1);
        int distinct = vector == null ? distinct(latents, t, image) : latents.size(0);
        UNet.Input<FloatArray> input = new UNet.Input<>(
                latents.rows(0, distinct),
                t.rows(0, distinct),
                conditioning.context(),
                vector,
                image == null ? null : image.rows(0, distinct),
                conditioning.control(),
                conditioning.adapted(),
                latents.size(0) / distinct);
        return predict(network(Network.UNET), input, suited);
    }

    /** After how many rows those of all arrays repeat themselves. */
    private static int distinct(@Nullable FloatArray... arrays) {
        int rows = Objects.requireNonNull(arrays[0]).size(0);
        return IntStream.rangeClosed(1, rows)
                .filter(period -> rows % period == 0)
                .filter(period -> Stream.of(arrays).allMatch(array -> array == null || array.repeatsAfter(period)))
                .findFirst()
                .orElseThrow();
    }

    @Override
    public final List<FloatArray> control(
            ControlNetModel controlNet,
            FloatArray latents,
            float[] timesteps,
            UNetConditioning conditioning,
            FloatArray picture) {
        if (!controlNet.fits(model.unet())) {
            throw foreign(
                    controlNet,
                    "a ControlNet for %s".formatted(controlNet.family().label()));
        }
        FloatArray t = FloatArray.of(timesteps, timesteps.length, 1);
        return control(
                network(controlNet),
                new UNet.Input<>(latents, t, conditioning.context(), conditioning.vector(), null),
                picture);
    }

    @Override
    public final List<FloatArray> adapt(T2iAdapterModel adapter, FloatArray picture) {
        if (!adapter.fits(model)) {
            throw foreign(adapter, "a T2I-Adapter for another model, of %s channels".formatted(adapter.channels()));
        }
        return adapt(network(adapter), adapter.cells(picture));
    }

    private InvalidCheckpointException foreign(ControlModel control, String what) {
        return new InvalidCheckpointException(
                control.checkpoint().name(),
                InvalidCheckpointException.Reason.SHAPE_MISMATCH,
                "it is %s, and this model is %s".formatted(what, model.family().label()));
    }

    private static void requireWidth(String what, int expected, int actual) {
        if (actual != expected) {
            throw new IllegalArgumentException(
                    "%s of %d channels, where this UNet needs %d".formatted(what, actual, expected));
        }
    }

    @Override
    public final FloatArray decode(FloatArray latents) {
        return decode(network(Network.VAE_DECODER), latents);
    }

    @Override
    public final FloatArray decode(TinyDecoderModel decoder, FloatArray latents) {
        return decode(network(decoder), latents);
    }

    @Override
    public final FloatArray encode(FloatArray pictures) {
        int unit = spatialFactor();
        if (pictures.size(1) != 3 || pictures.size(2) % unit != 0 || pictures.size(3) % unit != 0) {
            throw new IllegalArgumentException(
                    "pictures %s; this VAE needs 3 channels and sides that are multiples of %d"
                            .formatted(pictures, unit));
        }
        if (!model.networks().contains(Network.VAE_ENCODER)) {
            throw new InvalidCheckpointException(
                    model.checkpoint().name(),
                    InvalidCheckpointException.Reason.MISSING_TENSOR,
                    "it has no VAE encoder, which a picture to start from needs");
        }
        FloatArray moments = encode(network(Network.VAE_ENCODER), pictures);
        int latents = pictures.size(0);
        int size = moments.values().length / latents / 2;
        float[] means = new float[latents * size];
        for (int i = 0; i < means.length; i++) {
            means[i] = (float) (moments.values()[i / size * 2 * size + i % size]
                    * model.vae().latentScale());
        }
        return FloatArray.of(means, latents, moments.size(1) / 2, moments.size(2), moments.size(3));
    }

    @Override
    public final Family family() {
        return model.family();
    }

    @Override
    public final PredictionType prediction() {
        if (prediction == null) {
            prediction = PredictionProbe.of(this, model.unet());
        }
        return prediction;
    }

    @Override
    public final float[] alphasCumprod() {
        return model.alphasCumprod();
    }

    @Override
    public final int spatialFactor() {
        return model.vae().spatialFactor();
    }

    @Override
    public final int inputChannels() {
        return model.unet().inputChannels();
    }

    @Override
    public final void release() {
        loaded.values().forEach(LoadedNetwork::close);
        loaded.clear();
    }

    @Override
    public final void close() {
        release();
    }
}
