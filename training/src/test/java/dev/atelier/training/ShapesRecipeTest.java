package dev.atelier.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Component;
import dev.atelier.checkpoint.Progress;
import dev.atelier.engine.torch.OptimizerSettings;
import dev.atelier.engine.torch.TorchModel;
import dev.atelier.engine.torch.TorchTrainer;
import dev.atelier.model.DiffusionModel;
import dev.atelier.model.FloatArray;
import dev.atelier.model.StableDiffusion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ShapesRecipeTest {
    private static final ShapesRecipe.Plan SHORT =
            new ShapesRecipe.Plan(7, 32, new LearningRate(1e-3, 2, 2, 4), new LearningRate(1e-3, 2, 2, 4), 2);

    @TempDir
    private Path folder;

    @Test
    void aTrainingThatWasStoppedGivesTheSameModelInTheEnd() throws IOException {
        Path straight = folder.resolve("straight.safetensors");
        new ShapesRecipe(folder.resolve("straight"), SHORT, step -> {}).run(straight);

        Path stopped = folder.resolve("stopped.safetensors");
        stopAt("autoencoder", 2, stopped);
        stopAt("denoiser", 1, stopped);
        stopAt("denoiser", 3, stopped);
        new ShapesRecipe(folder.resolve("stopped"), SHORT, step -> {}).run(stopped);

        assertThat(Files.mismatch(stopped, straight)).isEqualTo(-1);
        String table = "denoiser-loss.csv";
        assertThat(folder.resolve("stopped").resolve(table))
                .hasSameTextualContentAs(folder.resolve("straight").resolve(table));
        assertThat(folder.resolve("stopped").resolve("denoiser-loss.svg"))
                .content()
                .contains("<polyline");
    }

    private void stopAt(String stage, int step, Path output) {
        ShapesRecipe recipe = new ShapesRecipe(folder.resolve("stopped"), SHORT, done -> {
            if (done.stage().equals(stage) && done.step() == step) {
                throw new CancellationException("enough");
            }
        });
        assertThatThrownBy(() -> recipe.run(output)).isInstanceOf(CancellationException.class);
        assertThat(output).doesNotExist();
    }

    @Test
    void aFreshModelHasTheNamesOfStableDiffusionAndFitsTogether() {
        Checkpoint fresh = FreshModel.create(ShapesRecipe.DIMENSIONS, new SplittableRandom(1));
        StableDiffusion model = StableDiffusion.of(fresh);
        assertThat(model.unet().levels()).isEqualTo(3);
        assertThat(fresh.byteSize() / 2).isLessThan(12_000_000);
        try (TorchTrainer trainer = TorchTrainer.of(model, _ -> false, OptimizerSettings.DEFAULT)) {
            FloatArray moments = trainer.encode(FloatArray.of(new float[3 * 64 * 64], 1, 3, 64, 64));
            assertThat(moments.shape()).containsExactly(1, 8, 8, 8);
        }
    }

    @Test
    void largerLatentsLeaveTheAutoencoderAsItIs() {
        Checkpoint fresh = FreshModel.create(ShapesRecipe.DIMENSIONS, new SplittableRandom(1));
        Checkpoint scaled = ShapesRecipe.scaled(fresh, 3);
        FloatArray picture = Randomness.normal(new SplittableRandom(2), 1, 3, 64, 64);
        FloatArray before = throughAutoencoder(fresh, picture, 1);
        FloatArray after = throughAutoencoder(scaled, picture, 3);
        for (int i = 0; i < before.values().length; i++) {
            assertThat(after.values()[i]).isCloseTo(before.values()[i], within(1e-4f));
        }
    }

    /** Encodes, checks how large the means are, and decodes them. */
    private static FloatArray throughAutoencoder(Checkpoint checkpoint, FloatArray picture, double k) {
        StableDiffusion model = StableDiffusion.of(checkpoint);
        try (TorchTrainer trainer = TorchTrainer.of(
                        model, name -> Component.of(name) == Component.UNET, OptimizerSettings.DEFAULT);
                DiffusionModel decoder = TorchModel.load(model, Progress.NONE)) {
            float[] moments = trainer.encode(picture).values();
            float[] latents = new float[moments.length / 2];
            for (int i = 0; i < latents.length; i++) {
                latents[i] = (float) (moments[i] * model.vae().latentScale());
            }
            assertThat(moments[latents.length] - 2 * Math.log(k)).isLessThan(0);
            return decoder.decode(FloatArray.of(latents, 1, 4, 8, 8));
        }
    }

    @Test
    void theLearningRateRisesHoldsAndFalls() {
        LearningRate rate = new LearningRate(1, 10, 40, 100);
        assertThat(rate.at(0)).isEqualTo(0.1);
        assertThat(rate.at(9)).isEqualTo(1);
        assertThat(rate.at(60)).isEqualTo(1);
        assertThat(rate.at(80)).isEqualTo(0.5, within(1e-12));
        assertThat(rate.at(99)).isBetween(0.0, 0.01);
    }
}
