package dev.atelier.engine.torch;

import dev.atelier.checkpoint.Component;
import dev.atelier.checkpoint.Progress;
import dev.atelier.model.ClipTextEncoder;
import dev.atelier.model.ClipTokenizer;
import dev.atelier.model.DiffusionModel;
import dev.atelier.model.FloatArray;
import dev.atelier.model.StableDiffusion;
import dev.atelier.model.UNet;
import dev.atelier.model.VaeDecoder;
import java.util.Arrays;
import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;

/** A Stable Diffusion model on libtorch, in fp32 on the CPU. */
public final class TorchModel implements DiffusionModel {
    private final StableDiffusion model;
    private final TorchWeights weights;
    private final ClipTextEncoder<Tensor> textEncoder;
    private final UNet<Tensor> unet;
    private final VaeDecoder<Tensor> decoder;

    private TorchModel(StableDiffusion model, TorchWeights weights) {
        this.model = model;
        this.weights = weights;
        TorchOps ops = new TorchOps();
        this.textEncoder = new ClipTextEncoder<>(ops, weights, model.text());
        this.unet = new UNet<>(ops, weights, model.unet());
        this.decoder = new VaeDecoder<>(ops, weights, model.vae());
    }

    /** Loads the weights that making pictures from text needs. {@code progress} counts bytes of the checkpoint. */
    public static TorchModel load(StableDiffusion model, Progress progress) {
        return new TorchModel(model, TorchWeights.load(model.checkpoint(), TorchModel::isUsed, progress));
    }

    private static boolean isUsed(String tensor) {
        return switch (Component.of(tensor)) {
            case TEXT_ENCODER -> !tensor.endsWith("position_ids");
            case UNET -> true;
            case VAE -> !tensor.contains(".encoder.") && !tensor.contains(".quant_conv.");
            case EMA, OTHER -> false;
        };
    }

    @Override
    public FloatArray encodeText(int[][] tokens) {
        for (int[] window : tokens) {
            boolean known = Arrays.stream(window).allMatch(id -> id >= 0 && id < ClipTokenizer.VOCABULARY);
            if (window.length != ClipTokenizer.WINDOW || !known) {
                throw new IllegalArgumentException("not a window of 77 CLIP tokens: " + Arrays.toString(window));
            }
        }
        return run(() -> textEncoder.forward(Tensors.of(tokens)));
    }

    @Override
    public FloatArray predictNoise(FloatArray latents, float[] timesteps, FloatArray context) {
        FloatArray t = FloatArray.of(timesteps, timesteps.length, 1);
        return run(() -> unet.forward(Tensors.of(latents), Tensors.of(t), Tensors.of(context)));
    }

    @Override
    public FloatArray decode(FloatArray latents) {
        return run(() -> decoder.forward(Tensors.of(latents)));
    }

    private static FloatArray run(Supplier<Tensor> network) {
        try (PointerScope _ = new PointerScope();
                NoGradGuard _ = new NoGradGuard()) {
            return Tensors.toArray(network.get());
        }
    }

    @Override
    public int spatialFactor() {
        return model.vae().spatialFactor();
    }

    @Override
    public float[] alphasCumprod() {
        return model.alphasCumprod();
    }

    @Override
    public void close() {
        weights.close();
    }
}
