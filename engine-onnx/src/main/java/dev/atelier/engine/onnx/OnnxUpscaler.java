package dev.atelier.engine.onnx;

import dev.atelier.engine.onnx.FastOps.Size;
import dev.atelier.model.FloatArray;
import dev.atelier.model.UpscalerModel;
import dev.atelier.model.UpscalingNetwork;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Objects;

/** An upscaling network on ONNX Runtime, in fp32 on the CPU. */
public final class OnnxUpscaler implements UpscalingNetwork {
    private final OnnxNetwork network;
    private final int scale;

    private OnnxUpscaler(OnnxNetwork network, int scale) {
        this.network = network;
        this.scale = scale;
    }

    /**
     * Loads the weights.
     *
     * @throws UncheckedIOException if the folder for temporary files cannot be written
     */
    public static OnnxUpscaler load(UpscalerModel model) {
        return new OnnxUpscaler(OnnxNetwork.load(model), model.scale());
    }

    @Override
    public int scale() {
        return scale;
    }

    @Override
    public FloatArray enlarge(FloatArray pictures) {
        GraphForm form = GraphForm.of(new Size(pictures.size(0), pictures.size(2), pictures.size(3)));
        return Objects.requireNonNull(
                network.session(form).run(Map.of("pictures", pictures)).get("larger"));
    }

    @Override
    public void close() {
        network.close();
    }
}
