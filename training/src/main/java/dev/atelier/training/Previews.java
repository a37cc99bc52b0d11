package dev.atelier.training;

import dev.atelier.diffusion.GeneratedImage;
import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.ModelLabel;
import dev.atelier.diffusion.Pipeline;
import dev.atelier.diffusion.PngFile;
import dev.atelier.engine.torch.TorchTrainer;
import dev.atelier.model.DiffusionModel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Pictures that show how far a training is, drawn as {@code generate} draws them. They take no random numbers from the training.
 *
 * @param folder where they lie
 * @param size of their sides
 * @param seed of each
 */
record Previews(Path folder, List<String> prompts, int size, long seed) {
    /** Draws all prompts with the weights that {@code trainer} has now. */
    void draw(TorchTrainer trainer, int step) {
        if (prompts.isEmpty()) {
            return;
        }
        try (DiffusionModel model = trainer.model()) {
            Files.createDirectories(folder);
            Pipeline pipeline = new Pipeline(model, () -> new ModelLabel("step " + step, null), "Atelier");
            for (int i = 0; i < prompts.size(); i++) {
                GenerationRequest request =
                        GenerationRequest.of(prompts.get(i)).size(size, size).seed(seed);
                GeneratedImage image =
                        pipeline.generate(request, (_, _, _) -> {}).getFirst();
                PngFile.write(folder.resolve("step-%06d-%d.png".formatted(step, i + 1)), image);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
