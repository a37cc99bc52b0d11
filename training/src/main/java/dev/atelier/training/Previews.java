package dev.atelier.training;

import dev.atelier.diffusion.ExtraNetworks;
import dev.atelier.diffusion.GeneratedImage;
import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.ModelLabel;
import dev.atelier.diffusion.Pipeline;
import dev.atelier.diffusion.PngFile;
import dev.atelier.diffusion.PromptTag;
import dev.atelier.engine.torch.TorchTrainer;
import dev.atelier.model.DiffusionModel;
import dev.atelier.model.Embedding;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Pictures that show how far a training is, drawn as {@code generate} draws them. They take no random numbers from the training.
 *
 * @param folder where they lie
 * @param seed of each
 * @param listener hears of every step of a picture, and may stop it there
 */
record Previews(Path folder, List<String> prompts, TrainingData.Size size, long seed, TrainingListener listener) {
    /**
     * Draws all prompts with the weights that {@code trainer} has now.
     *
     * @param words that prompts may name
     */
    void draw(TorchTrainer trainer, List<Embedding> words, int step) {
        if (prompts.isEmpty()) {
            return;
        }
        try (DiffusionModel model = trainer.model()) {
            Files.createDirectories(folder);
            Pipeline pipeline = new Pipeline(
                    model, null, null, new Words(words), () -> new ModelLabel("step " + step, null), "Atelier");
            for (int i = 0; i < prompts.size(); i++) {
                GenerationRequest request = GenerationRequest.of(prompts.get(i))
                        .size(size.width(), size.height())
                        .seed(seed);
                int before = i;
                GeneratedImage image = pipeline.generate(
                                request,
                                (_, _, _) -> listener.prepared("drawing after step " + step, before, prompts.size()))
                        .getFirst();
                PngFile.write(folder.resolve("step-%06d-%d.png".formatted(step, i + 1)), image);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private record Words(List<Embedding> words) implements ExtraNetworks {
        @Override
        public Collection<Embedding> embeddings(Consumer<String> notes) {
            return words;
        }

        @Override
        public Map<String, String> apply(List<PromptTag> tags, Consumer<String> notes) {
            return ExtraNetworks.NONE.apply(tags, notes);
        }
    }
}
