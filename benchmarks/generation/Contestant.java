import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Progress;
import dev.atelier.diffusion.Acceleration;
import dev.atelier.diffusion.GenerationListener;
import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.GuidanceOptions;
import dev.atelier.diffusion.ModelLabel;
import dev.atelier.diffusion.Pipeline;
import dev.atelier.engine.onnx.OnnxModel;
import dev.atelier.model.FloatArray;
import dev.atelier.model.StableDiffusion;
import dev.atelier.model.UNetConditioning;
import java.awt.image.BufferedImage;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import javax.imageio.ImageIO;

/**
 * Atelier's side of race.py. Reads commands, a line each, and answers with the seconds that each took: {@code load FILE}
 * (up to the end of encoding a prompt), {@code step}, {@code decode};
 * {@code memory} answers with gigabytes, {@code draw FILE INTERVAL DEPTH MERGED EARLY} with seconds and decibels.
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
                case "step" -> step();
                case "decode" -> model.decode(random(1, 4, 64, 64));
                default -> {}
            }
            System.out.println(
                    switch (command[0]) {
                        case "memory" -> gigabytes();
                        case "draw" -> draw(command[1].split(" "));
                        default -> (System.nanoTime() - before) / 1e9;
                    });
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

    /** As guidance does: the same latents for a prompt and a negative prompt. */
    private static void step() {
        float[] latents = random(1, 4, 64, 64).values();
        float[] twice = Arrays.copyOf(latents, 2 * latents.length);
        System.arraycopy(latents, 0, twice, latents.length, latents.length);
        model.predictNoise(
                FloatArray.of(twice, 2, 4, 64, 64),
                new float[] {500, 500},
                UNetConditioning.of(random(2, 77, 768)));
    }

    /**
     * Draws 512 × 512 pixels in 20 steps of DPM++ 2M Karras, CFG 7.
     *
     * @param options the PNG of the exact picture, which is written where there is none; interval and depth of DeepCache, 1
     *     for none; the share of tokens that are merged; the share of steps that leave the negative prompt out
     * @return seconds from noise to latents, and the PSNR in dB of the picture against the exact one
     */
    private static String draw(String[] options) throws IOException {
        GenerationRequest request = GenerationRequest.of("portrait of a fox")
                .seed(1)
                .acceleration(new Acceleration(
                        Integer.parseInt(options[1]),
                        Integer.parseInt(options[2]),
                        Double.parseDouble(options[3]),
                        0))
                .guidance(new GuidanceOptions(Double.parseDouble(options[4]), 0, false, false));
        long[] sampling = new long[2];
        GenerationListener listener = (phase, done, total) -> {
            if (phase == GenerationListener.Phase.SAMPLING && (done == 0 || done == total)) {
                sampling[done == 0 ? 0 : 1] = System.nanoTime();
            }
        };
        BufferedImage picture = new Pipeline(model, () -> new ModelLabel("contestant", null), "Atelier")
                .generate(request, listener)
                .getFirst()
                .pixels();
        File exact = new File(options[0]);
        if (!exact.exists()) {
            ImageIO.write(picture, "png", exact);
        }
        return (sampling[1] - sampling[0]) / 1e9 + " " + psnr(ImageIO.read(exact), picture);
    }

    private static double psnr(BufferedImage a, BufferedImage b) {
        double squares = 0;
        int[] left = a.getRaster().getPixels(0, 0, a.getWidth(), a.getHeight(), (int[]) null);
        int[] right = b.getRaster().getPixels(0, 0, b.getWidth(), b.getHeight(), (int[]) null);
        for (int i = 0; i < left.length; i++) {
            squares += Math.pow(left[i] - right[i], 2);
        }
        return 10 * Math.log10(255 * 255 / (squares / left.length));
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
