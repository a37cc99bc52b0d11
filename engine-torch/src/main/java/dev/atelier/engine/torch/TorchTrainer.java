package dev.atelier.engine.torch;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Shape;
import dev.atelier.model.ClipTextEncoder;
import dev.atelier.model.ClipTokenizer;
import dev.atelier.model.DiffusionModel;
import dev.atelier.model.FloatArray;
import dev.atelier.model.Network;
import dev.atelier.model.StableDiffusion;
import dev.atelier.model.UNet;
import dev.atelier.model.VaeDecoder;
import dev.atelier.model.VaeEncoder;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.Set;
import java.util.function.Predicate;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * A Stable Diffusion model some of whose weights are being trained, on libtorch in fp32: takes batches, adds up their
 * gradients, and moves the weights. What a batch is made of, and when, is up to the caller, and so is all randomness.
 *
 * <p>Not thread-safe.
 */
public final class TorchTrainer implements AutoCloseable {
    private static final String WEIGHTS = "weights.";
    private static final String EMA = "ema.";
    private static final String OPTIMIZER = "optimizer.";
    private static final String STEP = "atelier.step";
    private static final String LOSS_SCALE = "atelier.loss_scale";

    private final StableDiffusion model;
    private final TorchWeights frozen;
    private final List<Adapter> adapters;
    private final Parameters parameters;
    private final @Nullable Tensor ema;
    private final Optimizer optimizer;
    private final TrainingOps ops;
    private final TorchModel.Live weights;
    private final List<ClipTextEncoder<Tensor>> textEncoders;
    private final UNet<Tensor> unet;
    private final VaeEncoder<Tensor> encoder;
    private final VaeDecoder<Tensor> decoder;
    private final Precision precision;
    private final @Nullable WorkerGroup workers;
    private LossScale scale = new LossScale();
    private int step;

    private TorchTrainer(
            StableDiffusion model,
            Trainable trainable,
            TorchWeights frozen,
            OptimizerSettings settings,
            TrainerOptions options) {
        this.model = model;
        this.frozen = frozen;
        this.parameters = new Parameters(trainable.initial(model.checkpoint()), trainable.rates());
        this.precision = options.precision();
        this.workers = options.workers();
        if (workers != null) {
            workers.spread(parameters.values());
        }
        this.ema = options.average() ? parameters.values().clone() : null;
        this.optimizer = Optimizer.of(settings, parameters);
        this.ops = new TrainingOps(options.checkpointing(), options.dropout());
        this.weights = new TorchModel.Live() {
            @Override
            public boolean contains(String name) {
                return parameters.contains(name) || frozen.contains(name);
            }

            @Override
            public Tensor get(String name) {
                return parameters.contains(name) ? parameters.leaf(name) : frozen.get(name);
            }

            @Override
            public Shape shape(String name, int rank) {
                return frozen.shape(name, rank);
            }
        };
        this.adapters = trainable.adapters();
        for (Adapter adapter : adapters) {
            Map<String, Tensor> parts = new LinkedHashMap<>();
            adapter.parts().keySet().forEach(part -> parts.put(part, parameters.leaf(adapter.parameter(part))));
            ops.adapt(
                    weights.get(adapter.weight()),
                    new LayerChange(adapter.third(), adapter.form(), parts, adapter.scale()));
        }
        this.textEncoders = model.text().stream()
                .map(config -> new ClipTextEncoder<>(ops, weights, config))
                .toList();
        for (int i = 0; i < trainable.words().size(); i++) {
            ops.extend(weights.get(model.text().get(i).tokenTable()), parameters.leaf(Trainable.wordsName(i)));
        }
        this.unet = new UNet<>(ops, weights, model.unet());
        this.encoder = new VaeEncoder<>(ops, weights, model.vae());
        this.decoder = new VaeDecoder<>(ops, weights, model.vae());
    }

    /**
     * Loads a model to train.
     *
     * @param trained the names of the tensors to train
     */
    public static TorchTrainer of(StableDiffusion model, Predicate<String> trained, OptimizerSettings settings) {
        return of(model, EnumSet.allOf(Network.class), Trainable.weights(trained), settings, TrainerOptions.DEFAULT);
    }

    /**
     * Loads what training takes.
     *
     * @param networks those that will run
     * @param trainable what changes
     */
    public static TorchTrainer of(
            StableDiffusion model,
            Set<Network> networks,
            Trainable trainable,
            OptimizerSettings settings,
            TrainerOptions options) {
        Set<String> used = new HashSet<>();
        model.networks().stream().filter(networks::contains).forEach(network -> used.addAll(model.weights(network)));
        used.removeIf(name -> trainable.weights().test(name));
        TorchWeights frozen = TorchWeights.load(model.checkpoint(), used::contains, Progress.NONE);
        return new TorchTrainer(model, trainable, frozen, settings, options);
    }

    /**
     * Adds the gradients of one batch of the denoising objective: the mean over the batch of each sample's weight times
     * its mean loss.
     *
     * @return the mean loss of each sample, without its weight
     */
    public float[] denoise(DenoisingBatch batch) {
        try (PointerScope _ = new PointerScope();
                Precision.Scope _ = precision.on(device())) {
            ops.train(batch.seed());
            Tensor errors = errors(batch);
            Tensor weights = Tensors.of(FloatArray.of(batch.weights(), batch.weights().length));
            Tensor loss = errors.mul(weights).mean();
            ops.backward(precision == Precision.FP16 ? loss.mul(new Scalar(scale.factor())) : loss);
            return Tensors.toArray(errors.detach()).values();
        }
    }

    /** The mean loss of each sample, as {@link #denoise} has it, without adding gradients. */
    public float[] evaluate(DenoisingBatch batch) {
        try (PointerScope _ = new PointerScope();
                NoGradGuard _ = new NoGradGuard();
                Precision.Scope _ = precision.on(device())) {
            ops.evaluate();
            return Tensors.toArray(errors(batch)).values();
        }
    }

    /** What the UNet answers to a batch, {@code [n, 4, h, w]}, without gradients. */
    public FloatArray answer(DenoisingBatch batch) {
        try (PointerScope _ = new PointerScope();
                NoGradGuard _ = new NoGradGuard();
                Precision.Scope _ = precision.on(device())) {
            ops.evaluate();
            return Tensors.toArray(predicted(batch));
        }
    }

    private torch.DeviceType device() {
        return parameters.values().device().type();
    }

    private Tensor errors(DenoisingBatch batch) {
        Tensor errors = Errors.of(batch.loss(), predicted(batch), Tensors.of(batch.target()));
        FloatArray mask = batch.mask();
        return (mask == null ? errors : errors.mul(Tensors.of(mask))).mean(1, 2, 3);
    }

    private Tensor predicted(DenoisingBatch batch) {
        ClipTextEncoder.Encoded<Tensor> text = switch (batch.text()) {
            case DenoisingBatch.Captions captions -> encoded(captions);
            case DenoisingBatch.Encoded encoded ->
                new ClipTextEncoder.Encoded<>(
                        Tensors.of(encoded.context()), encoded.pooled() == null ? null : Tensors.of(encoded.pooled()));
        };
        Tensor rows = Tensors.of(batch.captions());
        int n = batch.timesteps().length;
        return unet.forward(new UNet.Input<>(
                        Tensors.of(batch.noisy()),
                        Tensors.of(FloatArray.of(batch.timesteps(), n, 1)),
                        ops.scope(() -> text.context().index_select(0, rows)),
                        vector(text.pooled(), rows, batch.sizes()),
                        null))
                .to(torch.ScalarType.Float);
    }

    /** SDXL's: the whole text's vector, and beside it the sizes. */
    private @Nullable Tensor vector(@Nullable Tensor pooled, Tensor rows, @Nullable FloatArray sizes) {
        return pooled == null || sizes == null
                ? null
                : ops.scope(() -> ops.concat(1, pooled.index_select(0, rows), Tensors.of(sizes)));
    }

    private ClipTextEncoder.Encoded<Tensor> encoded(DenoisingBatch.Captions captions) {
        Tensor context = null;
        Tensor pooled = null;
        for (int i = 0; i < textEncoders.size(); i++) {
            int[][] padded = model.text().get(i).padded(captions.tokens());
            ClipTextEncoder.Encoded<Tensor> own = textEncoders.get(i).forward(Tensors.of(padded), captions.clipSkip());
            Tensor before = context;
            context = before == null ? own.context() : ops.scope(() -> ops.concat(2, before, own.context()));
            pooled = own.pooled() != null ? own.pooled() : pooled;
        }
        Tensor all = Objects.requireNonNull(context);
        return captions.windows() == 1
                ? new ClipTextEncoder.Encoded<>(all, pooled)
                : joined(all, pooled, captions.windows());
    }

    /** Windows of a caption as one text, as kohya joins them: one BOS, the 75 tokens of each, one EOS; the first one's vector. */
    private ClipTextEncoder.Encoded<Tensor> joined(Tensor context, @Nullable Tensor pooled, int windows) {
        int captions = (int) context.size(0) / windows;
        int read = ClipTokenizer.WINDOW - 2;
        Tensor joined = ops.scope(() -> {
            Tensor apart = context.view(captions, windows, ClipTokenizer.WINDOW, context.size(2));
            return torch.cat(
                    new TensorVector(
                            apart.select(1, 0).narrow(1, 0, 1),
                            apart.narrow(2, 1, read).flatten(1, 2),
                            apart.select(1, windows - 1).narrow(1, read + 1, 1)),
                    1);
        });
        return new ClipTextEncoder.Encoded<>(
                joined,
                pooled == null
                        ? null
                        : ops.scope(() -> pooled.view(captions, windows, pooled.size(1))
                                .select(1, 0)
                                .contiguous()));
    }

    /** What the text encoders make of captions. */
    public DenoisingBatch.Encoded encodeText(DenoisingBatch.Captions captions) {
        try (PointerScope _ = new PointerScope();
                NoGradGuard _ = new NoGradGuard()) {
            ops.evaluate();
            ClipTextEncoder.Encoded<Tensor> encoded = encoded(captions);
            Tensor pooled = encoded.pooled();
            return new DenoisingBatch.Encoded(
                    Tensors.toArray(encoded.context()), pooled == null ? null : Tensors.toArray(pooled));
        }
    }

    /**
     * Adds the gradients of one batch of the autoencoder's objective: mean absolute plus mean squared error of the
     * pictures, plus {@code klWeight} times the mean Kullback–Leibler divergence of a latent's distribution from the
     * standard normal one.
     *
     * @param pictures {@code [n, 3, h, w]} in [-1, 1]
     * @param noise standard normal, {@code [n, 4, h/f, w/f]}
     * @return the mean squared error of the pictures
     */
    public double reconstruct(FloatArray pictures, FloatArray noise, double klWeight) {
        try (PointerScope _ = new PointerScope()) {
            Tensor expected = Tensors.of(pictures);
            Tensor moments = encoder.forward(expected);
            Tensor mean = moments.narrow(1, 0, 4);
            Tensor logVariance = moments.narrow(1, 4, 4)
                    .clamp(new ScalarOptional(new Scalar(-30.0)), new ScalarOptional(new Scalar(20.0)));
            Tensor latents = mean.add(logVariance.mul(new Scalar(0.5)).exp().mul(Tensors.of(noise)));
            Tensor error = decoder.forward(latents.mul(new Scalar(model.vae().latentScale())))
                    .sub(expected);
            Tensor squared = error.square().mean();
            Tensor kl = mean.square()
                    .add(logVariance.exp())
                    .sub(logVariance)
                    .sub(new Scalar(1.0))
                    .mean()
                    .mul(new Scalar(0.5 * klWeight));
            squared.add(error.abs().mean()).add(kl).backward();
            return squared.item_float();
        }
    }

    /** The moments of the latents of {@code pictures}; see {@link VaeEncoder#forward}. */
    public FloatArray encode(FloatArray pictures) {
        try (PointerScope _ = new PointerScope();
                NoGradGuard _ = new NoGradGuard()) {
            ops.evaluate();
            return Tensors.toArray(encoder.forward(Tensors.of(pictures)));
        }
    }

    /**
     * Moves the weights by the gradients added up since the last call, and forgets these. Where several processes train together,
     * it is by the mean of all their gradients. Where a scaled loss has overflowed fp16, nothing moves and the next loss is scaled
     * less.
     *
     * @param rate the learning rate
     * @param maxNorm gradients are scaled down to this norm if theirs is greater
     * @param emaDecay how much of the moving average of the weights stays
     * @return the norm of the gradients before they were scaled down; 0 if nothing moved
     */
    public double update(double rate, double maxNorm, double emaDecay) {
        try (PointerScope _ = new PointerScope();
                NoGradGuard _ = new NoGradGuard()) {
            if (workers != null) {
                workers.average(parameters.gradients());
            }
            if (precision == Precision.FP16) {
                parameters.gradients().mul_(new Scalar(1 / scale.factor()));
            }
            double norm = norm();
            step++;
            if (precision == Precision.FP16) {
                scale.update(Double.isFinite(norm));
                if (!Double.isFinite(norm) && scale.factor() >= 1) {
                    parameters.gradients().zero_();
                    return 0;
                }
            }
            if (norm > maxNorm) {
                parameters.gradients().mul_(new Scalar(maxNorm / (norm + 1e-6))); // as torch's clip_grad_norm_
            }
            optimizer.step(rate, step - scale.skipped());
            if (ema != null) {
                ema.lerp_(parameters.values(), new Scalar(1 - emaDecay));
            }
            parameters.gradients().zero_();
            return norm;
        }
    }

    /** Of all gradients, in fp64: fp32 loses the fourth digit. Block by block, because libtorch converts a copy. */
    private double norm() {
        double[] squares = {0};
        parameters.forEachBlock((from, length, _) -> {
            double block = parameters
                    .gradients()
                    .narrow(0, from, length)
                    .norm(new ScalarOptional(new Scalar(2.0)), torch.ScalarType.Double)
                    .item_double();
            squares[0] += block * block;
        });
        return Math.sqrt(squares[0]);
    }

    /**
     * Pulls the vectors of new words towards a length.
     *
     * @param share of the way that is gone, between 0 and 1
     */
    public void pullWords(double length, double share) {
        try (PointerScope _ = new PointerScope();
                NoGradGuard _ = new NoGradGuard()) {
            for (int i = 0; parameters.contains(Trainable.wordsName(i)); i++) {
                Tensor vectors = parameters.view(parameters.values(), Trainable.wordsName(i));
                Tensor lengths = vectors.norm(new ScalarOptional(new Scalar(2.0)), new long[] {1}, true);
                // v/|v| · (|v| + share · (length - |v|))
                vectors.mul_(
                        lengths.reciprocal().mul(new Scalar(share * length)).add(new Scalar(1 - share)));
            }
        }
    }

    /**
     * Shrinks changes of layers that are longer than {@code most}: both factors of a LoRA alike, as kohya's {@code scale_weight_norms};
     * those of LoHa and LoKr as LyCORIS does.
     *
     * @param most the largest Frobenius norm of a change
     */
    public void limitAdapters(double most) {
        try (PointerScope _ = new PointerScope();
                NoGradGuard _ = new NoGradGuard()) {
            for (Adapter adapter : adapters) {
                Map<String, Tensor> parts = new LinkedHashMap<>();
                adapter.factors()
                        .forEach(
                                part -> parts.put(part, parameters.view(parameters.values(), adapter.parameter(part))));
                double norm = adapter.scale()
                        * new LayerChange(adapter.third(), adapter.form(), parts, adapter.scale()).norm();
                if (norm > most) {
                    List<String> shrunk =
                            adapter.form() == Adapter.Form.LOHA ? List.of("hada_w1_a") : List.copyOf(parts.keySet());
                    Scalar factor = new Scalar(Math.pow(most / norm, 1.0 / shrunk.size()));
                    shrunk.forEach(
                            part -> Objects.requireNonNull(parts.get(part)).mul_(factor));
                }
            }
        }
    }

    /** From now on these weights stay as they are. */
    public void freeze(Predicate<String> names) {
        parameters.freeze(names);
    }

    /**
     * The model as it is now, to draw with: weights that are trained are read live. Close it before the next step, and keep it no
     * longer than the trainer.
     */
    public DiffusionModel model() {
        ops.evaluate();
        return TorchModel.of(model, ops, weights);
    }

    /** How often {@link #update} has been called, in all runs. */
    public int step() {
        return step;
    }

    /** The model with the moving averages of the weights in place of those it started from. Reads live memory. */
    public Checkpoint averaged() {
        return with(averages());
    }

    /** The model with the weights of the last step in place of those it started from. Reads live memory. */
    public Checkpoint trained() {
        return with(values());
    }

    private Checkpoint with(Checkpoint all) {
        return model.checkpoint().map((name, tensor) -> all.find(name).orElse(tensor));
    }

    /** What is being trained, by name. Reads live memory. */
    public Checkpoint values() {
        return named(parameters.values());
    }

    /** The moving averages of what is being trained, by name. Reads live memory. */
    public Checkpoint averages() {
        if (ema == null) {
            throw new IllegalStateException("no averages are kept");
        }
        return named(ema);
    }

    /** The gradients added up since the last {@link #update}, by the names of the weights. Reads live memory. */
    public Checkpoint gradients() {
        return named(parameters.gradients());
    }

    private Checkpoint named(Tensor all) {
        SequencedMap<String, dev.atelier.checkpoint.Tensor> tensors = new LinkedHashMap<>();
        parameters.forEach((name, shape) ->
                tensors.put(name, dev.atelier.checkpoint.Tensor.of(DType.F32, shape, parameters.memory(all, name))));
        return Checkpoint.of(List.of(), tensors, Map.of());
    }

    /** What has to be kept to go on later as if nothing had happened. Reads live memory. */
    public Checkpoint state() {
        SequencedMap<String, dev.atelier.checkpoint.Tensor> tensors = new LinkedHashMap<>();
        vectors()
                .forEach((prefix, all) -> parameters.forEach((name, shape) -> tensors.put(
                        prefix + name,
                        dev.atelier.checkpoint.Tensor.of(DType.F32, shape, parameters.memory(all, name)))));
        optimizer.others().forEach((name, tensor) -> tensors.put(OPTIMIZER + name, Tensors.stored(tensor)));
        return Checkpoint.of(List.of(), tensors, Map.of(STEP, Integer.toString(step), LOSS_SCALE, scale.toString()));
    }

    /** Takes up where the trainer stood that {@code state} is from. */
    public void restore(Checkpoint state) {
        vectors()
                .forEach((prefix, all) -> parameters.forEach(
                        (name, _) -> state.tensor(prefix + name).read(0, parameters.memory(all, name))));
        optimizer
                .others()
                .forEach((name, tensor) -> state.tensor(OPTIMIZER + name).read(0, Tensors.memory(tensor)));
        step = Integer.parseInt(state.metadata().getOrDefault(STEP, "0"));
        String scaled = state.metadata().get(LOSS_SCALE);
        if (scaled != null) {
            scale = LossScale.parse(scaled);
        }
    }

    private Map<String, Tensor> vectors() {
        Map<String, Tensor> vectors = new LinkedHashMap<>();
        vectors.put(WEIGHTS, parameters.values());
        if (ema != null) {
            vectors.put(EMA, ema);
        }
        optimizer.vectors().forEach((name, all) -> vectors.put(OPTIMIZER + name + ".", all));
        return vectors;
    }

    @Override
    public void close() {
        optimizer.close();
        if (ema != null) {
            ema.close();
        }
        parameters.close();
        frozen.close();
    }
}
