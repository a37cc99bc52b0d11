import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.engine.onnx.OnnxModel;
import dev.atelier.model.ControlNetModel;
import dev.atelier.model.FloatArray;
import dev.atelier.model.StableDiffusion;
import dev.atelier.model.UNetConditioning;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.LongStream;

/**
 * Holds the ONNX Runtime engine at full size to what {@code reference/make_reference.py parity} has recorded. Arguments: the
 * checkpoint and the recording; with a ControlNet as third, that of {@code reference/make_control_reference.py --full}.
 */
final class Parity {
    private static Checkpoint recorded;

    void main(String[] arguments) {
        recorded = Checkpoints.open(Path.of(arguments[1]));
        try (OnnxModel model =
                OnnxModel.load(StableDiffusion.of(Checkpoints.open(Path.of(arguments[0]))), Progress.NONE)) {
            if (arguments.length > 2) {
                control(model, ControlNetModel.of(Checkpoints.open(Path.of(arguments[2]))));
                return;
            }
            FloatArray ids = array("text.input_ids");
            int[][] tokens = new int[ids.size(0)][ids.size(1)];
            for (int i = 0; i < ids.values().length; i++) {
                tokens[i / ids.size(1)][i % ids.size(1)] = (int) ids.values()[i];
            }
            report("text.last_hidden_state", model.encodeText(tokens).context());
            float[] timesteps = array("unet.timesteps").values();
            UNetConditioning context = UNetConditioning.of(array("unet.context"));
            report("unet.output", model.predictNoise(array("unet.latents"), timesteps, context));
            report("vae.image", model.decode(array("vae.latents")));
        }
    }

    private static void control(OnnxModel model, ControlNetModel net) {
        float[] timesteps = array("timesteps").values();
        UNetConditioning context = UNetConditioning.of(array("context"));
        List<FloatArray> added = model.control(net, array("latents"), timesteps, context, array("picture"));
        for (int i = 0; i < added.size(); i++) {
            report("control_" + i, added.get(i));
        }
        report("noise", model.predictNoise(array("latents"), timesteps, context.withControl(added)));
    }

    private static void report(String name, FloatArray actual) {
        float[] expected = array(name).values();
        double error = 0;
        double norm = 0;
        for (int i = 0; i < expected.length; i++) {
            error += Math.pow(actual.values()[i] - expected[i], 2);
            norm += Math.pow(expected[i], 2);
        }
        System.out.printf("%s: relative error %.1e%n", name, Math.sqrt(error / norm));
    }

    private static FloatArray array(String name) {
        Tensor tensor = recorded.tensor(name);
        int[] shape = LongStream.of(tensor.shape().sizes()).mapToInt(Math::toIntExact).toArray();
        float[] values = new float[Math.toIntExact(tensor.shape().elements())];
        float[] block = new float[4096];
        for (int first = 0; first < values.length; first += block.length) {
            int count = Math.min(block.length, values.length - first);
            tensor.read(first, block, count);
            System.arraycopy(block, 0, values, first, count);
        }
        return FloatArray.of(values, shape);
    }
}
