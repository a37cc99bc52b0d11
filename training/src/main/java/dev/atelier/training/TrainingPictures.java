package dev.atelier.training;

import dev.atelier.checkpoint.VaeHash;
import dev.atelier.model.FloatArray;
import dev.atelier.model.StableDiffusion;
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
import org.jspecify.annotations.Nullable;

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
        Path folder = Files.createDirectories(plan.output().state().resolve("latents"));
        String autoencoder = VaeHash.of(model.checkpoint())
                .orElseThrow(() -> new IllegalArgumentException("the model has no autoencoder to see pictures with"));
        TrainingPictures all = new TrainingPictures(
                new PictureLatents(folder, autoencoder, randomness),
                new PictureLatents(folder, autoencoder, randomness),
                new PictureLatents(folder, autoencoder, randomness));
        Encoding encoding = new Encoding(model.nativeSize(), encoder, listener);
        for (TrainingData source : plan.sources()) {
            List<TrainingPicture> found = new ArrayList<>(read(source, source.folder(), source.list(), listener));
            List<TrainingPicture> measured = source.validation() == null
                    ? split(found, source.validationSplit(), randomness)
                    : read(source, source.validation(), null, listener);
            encoding.add(found, source, all.proper);
            encoding.add(measured, source, all.validation);
        }
        for (TrainingData source : plan.classSources()) {
            encoding.add(read(source, source.folder(), source.list(), listener), source, all.ofClass);
        }
        if (plan.data().prior().isWanted()) {
            encoding.add(ClassPictures.of(model, plan, listener), plan.data(), all.ofClass);
        }
        Stream.of(all.proper, all.ofClass, all.validation)
                .flatMap(latents -> latents.skipped().stream())
                .forEach(listener::skipped);
        if (all.proper.pictures().isEmpty()) {
            throw new IllegalArgumentException(
                    "no picture in %s can be used".formatted(plan.data().folder()));
        }
        return all;
    }

    /** @param usual the side of pictures if nothing is said */
    private record Encoding(int usual, UnaryOperator<FloatArray> encoder, TrainingListener listener) {
        void add(List<TrainingPicture> pictures, TrainingData source, PictureLatents latents) {
            latents.add(pictures, source, source.buckets(usual), encoder, listener);
        }
    }

    private static List<TrainingPicture> read(
            TrainingData data, Path folder, @Nullable Path list, TrainingListener listener) throws IOException {
        PictureFolder.Contents contents = list == null
                ? PictureFolder.read(folder, data.caption())
                : PictureFolder.read(folder, list, data.caption());
        contents.skipped().forEach(listener::skipped);
        return contents.pictures().stream()
                .map(picture -> picture.with(data.repeats(), data.rule()))
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

    /** All captions there are, as they are when nothing is left to chance. */
    Stream<String> captions() {
        return Stream.of(proper, ofClass, validation)
                .flatMap(all -> all.pictures().stream())
                .map(TrainingPicture::plainCaption)
                .distinct();
    }

    /** Whether every caption is always the same, or nothing. */
    boolean captionsAreFixed() {
        return Stream.of(proper, ofClass)
                .flatMap(all -> all.pictures().stream())
                .allMatch(picture -> picture.rule().isFixed());
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
