import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Progress;
import dev.atelier.engine.onnx.OnnxModel;
import dev.atelier.model.FloatArray;
import dev.atelier.model.StableDiffusion;
import dev.atelier.model.UNetConditioning;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/**
 * Atelier's side of race.py. Reads commands, a line each, and answers with the seconds that each took: {@code load FILE}
 * (up to the end of encoding a prompt), {@code step}, {@code decode}; {@code memory} answers with gigabytes.
 */
final class Contestant {
    private static OnnxModel model;

    void main() throws IOException {
        long sinceStart = System.currentTimeMillis()
                - ManagementFactory.getRuntimeMXBean().getStartTime();
        System.out.println(sinceStart / 1e3);
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            String[] command = line.split(" ", 2);
            long before = System.nanoTime();
            switch (command[0]) {
                case "load" -> load(Path.of(command[1]));
                case "step" ->
                    model.predictNoise(
                            random(2, 4, 64, 64), new float[] {500, 500}, UNetConditioning.of(random(2, 77, 768)));
                case "decode" -> model.decode(random(1, 4, 64, 64));
                default -> {}
            }
            System.out.println(command[0].equals("memory") ? gigabytes() : (System.nanoTime() - before) / 1e9);
        }
    }

    /** Loads, or switches to, a checkpoint. */
    private static void load(Path file) {
        StableDiffusion read = StableDiffusion.of(Checkpoints.open(file));
        if (model == null) {
            model = OnnxModel.load(read, Progress.NONE);
        } else {
            model.switchTo(read, Progress.NONE);
        }
        int[][] prompts = new int[2][77];
        model.encodeText(prompts);
    }

    /** The anonymous memory of this process, resident: mapped files are not in it. */
    private static double gigabytes() throws IOException {
        String line = Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(status -> status.startsWith("RssAnon"))
                .findFirst()
                .orElseThrow();
        return Long.parseLong(line.replaceAll("\\D", "")) * 1024 / 1e9;
    }

    private static FloatArray random(int... shape) {
        Random random = new Random(1);
        int size = 1;
        for (int axis : shape) {
            size *= axis;
        }
        float[] values = new float[size];
        for (int i = 0; i < size; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return FloatArray.of(values, shape);
    }
}
