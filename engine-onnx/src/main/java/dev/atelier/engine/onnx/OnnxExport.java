package dev.atelier.engine.onnx;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.model.Network;
import dev.atelier.model.StableDiffusion;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.Map;

/** Writes a model's networks as ONNX models, for programs that have ONNX Runtime but not Atelier. */
public final class OnnxExport {
    private static final String WEIGHTS = "weights.safetensors";

    private OnnxExport() {}

    /**
     * Writes {@code text_encoder/model.onnx}, {@code unet/model.onnx} and {@code vae_decoder/model.onnx} below
     * {@code folder}, for SDXL also {@code text_encoder_2/model.onnx}, each beside a file with its weights in fp32. Every {@code model.onnx} appears when its weights are
     * complete. {@code progress} counts bytes of weights.
     *
     * @throws UncheckedIOException if writing fails
     */
    public static void write(StableDiffusion model, Path folder, Progress progress) {
        Map<Network, Checkpoint> weights = new LinkedHashMap<>();
        for (Network network : model.networks()) {
            weights.put(network, weights(model.checkpoint(), NetworkGraph.toExport(model, network, WeightFile.NONE)));
        }
        long total = weights.values().stream().mapToLong(Checkpoint::byteSize).sum();
        long before = 0;
        for (Map.Entry<Network, Checkpoint> entry : weights.entrySet()) {
            long start = before;
            write(
                    model,
                    entry.getKey(),
                    entry.getValue(),
                    folder.resolve(entry.getKey().label()),
                    (done, _) -> progress.update(start + done, total));
            before += entry.getValue().byteSize();
        }
    }

    private static Checkpoint weights(Checkpoint checkpoint, OnnxGraph graph) {
        Map<String, Tensor> used = new LinkedHashMap<>();
        graph.weights()
                .forEach(weight -> used.put(
                        weight.tensor(), checkpoint.tensor(weight.tensor()).to(DType.F32)));
        return Checkpoint.of(checkpoint.sources(), used, checkpoint.metadata());
    }

    private static void write(
            StableDiffusion model, Network network, Checkpoint weights, Path folder, Progress progress) {
        try {
            Files.createDirectories(folder);
            Path file = folder.resolve(WEIGHTS);
            weights.writeTo(file, progress);
            Path part = folder.resolve("model.onnx.part");
            Files.write(
                    part,
                    NetworkGraph.toExport(model, network, WeightFile.of(file)).toBytes());
            Files.move(part, folder.resolve("model.onnx"), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
