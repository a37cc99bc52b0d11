package dev.atelier.training;

import dev.atelier.checkpoint.VaeHash;
import dev.atelier.model.FloatArray;
import dev.atelier.model.StableDiffusion;
import dev.atelier.training.data.Buckets;
import dev.atelier.training.data.PictureFolder;
import dev.atelier.training.data.TrainingPicture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * All pictures of a training, encoded.
 *
 * @param proper those to learn
 * @param ofClass those of the class, which are kept
 * @param validation those to measure on
 */
record TrainingPictures(PictureLatents proper, PictureLatents ofClass, PictureLatents validation) {
    /**
     * Finds, draws and encodes them.
     *
     * @param encoder gives moments {@code [1, 8, h, w]} of {@code [1, 3, h, w]}
     */
    static TrainingPictures of(
            StableDiffusion model,
            TrainingPlan plan,
            Randomness randomness,
            UnaryOperator<FloatArray> encoder,
            TrainingListener listener)
            throws IOException {
        TrainingData data = plan.data();
        List<TrainingPicture> found = new ArrayList<>(read(data, data.folder(), listener));
        List<TrainingPicture> measured = data.validation() == null
                ? split(found, data.validationSplit(), randomness)
                : read(data, data.validation(), listener);
        List<TrainingPicture> drawn = data.prior().isWanted() ? ClassPictures.of(model, plan, listener) : List.of();
        Path folder = Files.createDirectories(plan.output().state().resolve("latents"));
        String autoencoder = VaeHash.of(model.checkpoint())
                .orElseThrow(() -> new IllegalArgumentException("the model has no autoencoder to see pictures with"));
        Buckets buckets = data.buckets(model.nativeSize());
        List<PictureLatents> all = Stream.of(found, drawn, measured)
                .map(pictures -> {
                    PictureLatents latents = new PictureLatents(folder, autoencoder, data, buckets, randomness);
                    latents.add(pictures, encoder, listener);
                    latents.skipped().forEach(listener::skipped);
                    return latents;
                })
                .toList();
        if (all.getFirst().pictures().isEmpty()) {
            throw new IllegalArgumentException("no picture in %s can be used".formatted(data.folder()));
        }
        return new TrainingPictures(all.get(0), all.get(1), all.get(2));
    }

    private static List<TrainingPicture> read(TrainingData data, Path folder, TrainingListener listener)
            throws IOException {
        PictureFolder.Contents contents = PictureFolder.read(folder, data.caption());
        contents.skipped().forEach(listener::skipped);
        return contents.pictures().stream()
                .map(picture -> picture.repeated(data.repeats()))
                .toList();
    }

    /** Takes a share of the pictures out of {@code found}. */
    private static List<TrainingPicture> split(List<TrainingPicture> found, double share, Randomness randomness) {
        List<TrainingPicture> shuffled = new ArrayList<>(found);
        Collections.shuffle(shuffled, Random.from(randomness.at("validation split", 0)));
        List<TrainingPicture> taken = shuffled.subList(0, (int) Math.round(share * found.size()));
        found.removeAll(taken);
        return taken;
    }

    /** All captions there are. */
    Stream<String> captions() {
        return Stream.of(proper, ofClass, validation)
                .flatMap(all -> all.pictures().stream())
                .map(TrainingPicture::caption)
                .distinct();
    }

    /** What there is, for people. */
    List<String> lines() {
        Map<String, Integer> sizes = new LinkedHashMap<>();
        proper.sizes().forEach(size -> sizes.merge(size, 1, Integer::sum));
        int repeated =
                proper.pictures().stream().mapToInt(TrainingPicture::repeats).sum();
        List<String> lines = new ArrayList<>();
        lines.add("%d pictures, %d with repeats: %s"
                .formatted(
                        proper.pictures().size(),
                        repeated,
                        sizes.entrySet().stream()
                                .map(size -> size.getValue() + " of " + size.getKey())
                                .collect(Collectors.joining(", "))));
        if (!ofClass.pictures().isEmpty()) {
            lines.add("%d pictures of the class, one batch beside each"
                    .formatted(ofClass.pictures().size()));
        }
        if (!validation.pictures().isEmpty()) {
            lines.add(
                    "%d pictures to measure on".formatted(validation.pictures().size()));
        }
        return lines;
    }
}
