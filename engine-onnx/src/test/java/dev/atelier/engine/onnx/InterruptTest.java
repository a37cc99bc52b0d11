package dev.atelier.engine.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Progress;
import dev.atelier.model.ClipTokenizer;
import dev.atelier.model.DemoModel;
import dev.atelier.model.FloatArray;
import dev.atelier.model.StableDiffusion;
import dev.atelier.model.UNetConditioning;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Path;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.io.TempDir;

/** A process that is told to end, as by Ctrl-C, in the middle of a step does so as any other. */
class InterruptTest {
    private static final int SIGTERM = 15;

    @TempDir
    private Path folder;

    /** Runs the UNet without end, and says so once it does. */
    public static void main(String[] arguments) {
        OnnxModel model = OnnxModel.load(
                StableDiffusion.of(Checkpoints.open(DemoModel.unpack(Path.of(arguments[0])))), Progress.NONE);
        UNetConditioning text = UNetConditioning.of(
                model.encodeText(new int[2][ClipTokenizer.WINDOW]).context());
        FloatArray latents = FloatArray.of(new float[2 * 4 * 64 * 64], 2, 4, 64, 64);
        while (true) {
            model.predictNoise(latents, new float[] {500, 500}, text);
            System.out.write('.');
            System.out.flush();
        }
    }

    @RepeatedTest(5)
    void inTheMiddleOfAStep() throws IOException, InterruptedException {
        Process drawing = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-XX:+UseSerialGC",
                        "-XX:ErrorFile=" + folder.resolve("crash.log"),
                        "-cp",
                        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                        InterruptTest.class.getName(),
                        folder.toString())
                .directory(folder.toFile())
                .redirectError(Redirect.INHERIT)
                .start();
        assertThat(drawing.getInputStream().read()).isEqualTo('.');
        drawing.destroy();
        assertThat(drawing.waitFor()).isEqualTo(128 + SIGTERM);
        assertThat(folder.resolve("crash.log")).doesNotExist();
    }
}
