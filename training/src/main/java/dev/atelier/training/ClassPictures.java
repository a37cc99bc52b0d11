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
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Pictures of the class that a subject belongs to. If the folder has pictures of the user's, they are taken; otherwise the model
 * draws them before it is trained. Each drawn one carries its settings, as all pictures of Atelier do, and is drawn again if its
 * prompt was another.
 */
final class ClassPictures {
    private static final int STEPS = 25;
    private static final double CFG_SCALE = 7.5;
    private static final String DRAWING = "drawing pictures of the class";
    private static final Pattern DRAWN = Pattern.compile("\\d+\\.png|\\..*");

    private ClassPictures() {}

    /** The pictures of the plan's class, of which those that are missing are drawn, each with a seed of its own. */
    static List<TrainingPicture> of(StableDiffusion model, TrainingPlan plan, TrainingListener listener)
            throws IOException {
        TrainingData.Prior prior = plan.data().prior();
        Path folder = Files.createDirectories(
                prior.folder() != null ? prior.folder() : plan.output().state().resolve("class"));
        TrainingData.Size size = plan.data().size(model.nativeSize());
        if (!holdsOthers(folder)) {
            GenerationRequest request = GenerationRequest.of(prior.prompt())
                    .size(size.width(), size.height())
                    .steps(STEPS)
                    .cfgScale(CFG_SCALE);
            draw(model, folder, request, missing(folder, prior, plan.course().seed()), listener);
        }
        PictureFolder.Contents contents = PictureFolder.read(folder, prior.prompt());
        contents.skipped().forEach(listener::skipped);
        return contents.pictures().stream()
                .map(picture -> picture.with(1, plan.data().rule()))
                .toList();
    }

    private static boolean holdsOthers(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.anyMatch(
                    file -> !DRAWN.matcher(file.getFileName().toString()).matches());
        }
    }

    private static Path file(Path folder, long seed) {
        return folder.resolve(seed + ".png");
    }

    /** The seeds of the pictures that have to be drawn. */
    private static List<Long> missing(Path folder, TrainingData.Prior prior, long seed) throws IOException {
        List<Long> missing = new ArrayList<>();
        for (long each = seed; each < seed + prior.count(); each++) {
            Path file = file(folder, each);
            boolean isThere = Files.exists(file)
                    && PngFile.readInfotext(file)
                            .filter(settings -> settings.startsWith(prior.prompt() + "\n"))
                            .isPresent();
            if (!isThere) {
                missing.add(each);
            }
        }
        return missing;
    }

    private static void draw(
            StableDiffusion model, Path folder, GenerationRequest request, List<Long> seeds, TrainingListener listener)
            throws IOException {
        if (seeds.isEmpty()) {
            return;
        }
        try (TorchModel drawing = TorchModel.load(model, Progress.NONE)) {
            Pipeline pipeline = new Pipeline(drawing, () -> new ModelLabel("class", null), "Atelier");
            int done = 0;
            for (long seed : seeds) {
                int before = done++;
                GeneratedImage image = pipeline.generate(
                                request.seed(seed), (_, _, _) -> listener.prepared(DRAWING, before, seeds.size()))
                        .getFirst();
                PngFile.write(file(folder, seed), image);
                listener.prepared(DRAWING, done, seeds.size());
            }
        }
    }
}
