package dev.atelier.training;

import dev.atelier.checkpoint.Progress;
import dev.atelier.diffusion.GeneratedImage;
import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.ModelLabel;
import dev.atelier.diffusion.Pipeline;
import dev.atelier.diffusion.PngFile;
import dev.atelier.engine.torch.TorchModel;
import dev.atelier.model.StableDiffusion;
import dev.atelier.training.data.PictureFolder;
import dev.atelier.training.data.TrainingPicture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Pictures of the class that a subject belongs to, drawn by the model before it is trained. Each carries its settings, as all
 * pictures of Atelier do; those that were drawn from another prompt lie in another folder and are not taken for these.
 */
final class ClassPictures {
    private static final int STEPS = 25;
    private static final double CFG_SCALE = 7.5;

    private ClassPictures() {}

    /**
     * The pictures of {@code prior}, of which those that are missing are drawn.
     *
     * @param width of the pictures that are drawn
     * @param seed of the first of them; the others' follow
     */
    static List<TrainingPicture> of(
            StableDiffusion model,
            TrainingPlan.Prior prior,
            int width,
            int height,
            long seed,
            TrainingListener listener)
            throws IOException {
        Path folder = Files.createDirectories(prior.folder());
        try (TorchModel drawing = missing(folder, prior, seed) ? TorchModel.load(model, Progress.NONE) : null) {
            for (int i = 0; drawing != null && i < prior.count(); i++) {
                Path file = file(folder, seed + i);
                if (!Files.exists(file)) {
                    GenerationRequest request = GenerationRequest.of(prior.prompt())
                            .size(width, height)
                            .steps(STEPS)
                            .cfgScale(CFG_SCALE)
                            .seed(seed + i);
                    Pipeline pipeline = new Pipeline(drawing, () -> new ModelLabel("class", null), "Atelier");
                    GeneratedImage image =
                            pipeline.generate(request, (_, _, _) -> {}).getFirst();
                    PngFile.write(file, image);
                }
                listener.prepared("drawing pictures of the class", i + 1, prior.count());
            }
        }
        PictureFolder.Contents contents = PictureFolder.read(folder, prior.prompt());
        contents.skipped().forEach(listener::skipped);
        return contents.pictures();
    }

    private static boolean missing(Path folder, TrainingPlan.Prior prior, long seed) throws IOException {
        boolean theirs = false;
        try (var files = Files.list(folder)) {
            theirs = files.anyMatch(file -> !file.getFileName().toString().matches("\\d+\\.png|\\..*"));
        }
        for (int i = 0; i < prior.count() && !theirs; i++) {
            if (!Files.exists(file(folder, seed + i))) {
                return true;
            }
        }
        return false;
    }

    private static Path file(Path folder, long seed) {
        return folder.resolve(seed + ".png");
    }
}
