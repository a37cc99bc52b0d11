package dev.atelier.server.studio;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Layout;
import dev.atelier.checkpoint.Recognition;
import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.server.http.HttpError;
import dev.atelier.server.models.ModelLibrary;
import dev.atelier.server.worker.TrainTask;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A training.
 *
 * @param model a name or an expression; null for the first model
 * @param method lora or dreambooth
 * @param name of the new file, without ending
 * @param pictures 1 to 100, what is to be learnt
 * @param instancePrompt the caption of pictures that have none, with a word for what they show: "a photo of sks dog"
 * @param classPrompt for prior preservation, "a photo of dog": the model is to draw these as it did
 * @param rate the learning rate
 * @param resolution in pixels; null for the model's own
 */
record TrainRequest(
        @Nullable String model,
        @Nullable String method,
        @Nullable String name,
        @Nullable List<Picture> pictures,
        @Nullable String instancePrompt,
        @Nullable String classPrompt,
        @Nullable Integer classPictures,
        @Nullable Integer steps,
        @Nullable Integer batch,
        @Nullable Double rate,
        @Nullable Integer rank,
        @Nullable Boolean textEncoder,
        @Nullable Integer resolution,
        @Nullable Boolean mirror,
        @Nullable List<String> samplePrompts,
        @Nullable Integer sampleEvery,
        @Nullable Long seed) {
    private static final int MAX_PICTURES = 100;
    private static final int MAX_STEPS = 1_000_000;

    /**
     * @param image base64, with or without {@code data:image/png;base64,} before it
     * @param caption null for the instance prompt
     */
    record Picture(@Nullable String image, @Nullable String caption) {
        private TrainTask.Picture kept(Function<String, String> keep) {
            if (image == null) {
                throw new HttpError(422, "pictures: an image is missing");
            }
            return new TrainTask.Picture(keep.apply(image), caption == null ? "" : caption);
        }
    }

    /**
     * The job's request.
     *
     * @param keep stores a picture and gives its key
     */
    TrainTask task(ModelLibrary library, Function<String, String> keep) {
        String base = model == null || model.isBlank()
                ? library.shelf().list().getFirst().name()
                : model.strip();
        NewModel planned = NewModel.of(library, base, name == null ? "" : name, null);
        if (Files.exists(library.folder().resolve(planned.file()))) {
            throw new HttpError(409, "%s exists; choose another name".formatted(planned.file()));
        }
        if (pictures == null || pictures.isEmpty() || pictures.size() > MAX_PICTURES) {
            throw new HttpError(422, "pictures: a training takes 1 to %d".formatted(MAX_PICTURES));
        }
        if (instancePrompt == null || instancePrompt.isBlank()) {
            throw new HttpError(
                    422, "instancePrompt is missing: what the pictures show, such as \"a photo of sks dog\"");
        }
        TrainTask.Method what = what();
        boolean isLora = what == TrainTask.Method.LORA;
        double speed = rate == null ? isLora ? 1e-4 : 5e-6 : rate;
        if (!(speed > 0 && speed <= 1)) {
            throw new HttpError(422, "rate is above 0 and at most 1, not " + rate);
        }
        Checkpoint checkpoint = Layout.normalize(planned.model().checkpoint());
        int side = within("resolution", resolution, NativeSize.of(checkpoint, Recognition.of(checkpoint)), 64, 2048);
        return new TrainTask(
                base,
                what,
                planned.file(),
                pictures.stream().map(picture -> picture.kept(keep)).toList(),
                instancePrompt.strip(),
                classPrompt == null || classPrompt.isBlank() ? null : classPrompt.strip(),
                within("classPictures", classPictures, 50, 1, 1000),
                within("steps", steps, 800, 1, MAX_STEPS),
                within("batch", batch, 1, 1, 64),
                speed,
                within("rank", rank, 16, 1, 1024),
                textEncoder == null ? isLora : textEncoder,
                side / 8 * 8,
                mirror != null && mirror,
                samplePrompts == null
                        ? List.of()
                        : samplePrompts.stream()
                                .filter(text -> !text.isBlank())
                                .limit(4)
                                .toList(),
                within("sampleEvery", sampleEvery, 0, 0, MAX_STEPS),
                seed == null || seed == -1 ? GenerationRequest.randomSeed() : seed);
    }

    private TrainTask.Method what() {
        return Arrays.stream(TrainTask.Method.values())
                .filter(value -> method == null || JobViews.word(value).equals(method))
                .findFirst()
                .orElseThrow(() -> new HttpError(422, "method is lora or dreambooth, not \"%s\"".formatted(method)));
    }

    private static int within(String name, @Nullable Integer value, int standard, int low, int high) {
        if (value == null) {
            return standard;
        }
        if (value < low || value > high) {
            throw new HttpError(422, "%s is %d to %d, not %d".formatted(name, low, high, value));
        }
        return value;
    }
}
