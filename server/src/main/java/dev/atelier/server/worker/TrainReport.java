package dev.atelier.server.worker;

import dev.atelier.server.db.Json;
import dev.atelier.server.store.ObjectStore;
import dev.atelier.training.TrainingStep;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Stream;

/** How a training goes, in the store, where every server can look: the losses, and the pictures drawn on the way. */
public final class TrainReport {
    private static final int MOST_POINTS = 500;

    private final ObjectStore store;
    private final String job;
    private final Path drawn;
    private final List<TrainingStep> steps = new ArrayList<>();
    private final TreeSet<String> samples = new TreeSet<>();

    /** @param drawn the folder in which samples appear */
    TrainReport(ObjectStore store, String job, Path drawn) {
        this.store = store;
        this.job = job;
        this.drawn = drawn;
    }

    /** @param losses pairs of step and loss, at most 500 */
    private record Content(List<double[]> losses, List<String> samples) {}

    /** Where the report of a job is. */
    public static String key(String job) {
        return "training/%s/report.json".formatted(job);
    }

    /** Where a sample of a job is. */
    public static String sampleKey(String job, String name) {
        return "training/%s/%s".formatted(job, name);
    }

    /** What the store has of a job; an empty report before the training has begun. */
    public static byte[] read(ObjectStore store, String job) throws IOException {
        Optional<byte[]> report = store.read(key(job));
        return report.isPresent() ? report.get() : Json.MAPPER.writeValueAsBytes(new Content(List.of(), List.of()));
    }

    void add(TrainingStep step) {
        steps.add(step);
    }

    double lastLoss() {
        return steps.isEmpty() ? 0 : steps.getLast().loss();
    }

    /** Puts what is new into the store. */
    void publish() throws IOException {
        if (Files.isDirectory(drawn)) {
            try (Stream<Path> files = Files.list(drawn)) {
                for (Path file : files.toList()) {
                    String name = file.getFileName().toString();
                    if (name.endsWith(".png") && !name.startsWith(".") && samples.add(name)) {
                        store.put(sampleKey(job, name), Files.readAllBytes(file));
                    }
                }
            }
        }
        store.put(key(job), Json.MAPPER.writeValueAsBytes(new Content(points(), List.copyOf(samples))));
    }

    /** The mean of each stretch, so that a long training has no more points than a short one. */
    private List<double[]> points() {
        int stretch = Math.ceilDiv(Math.max(1, steps.size()), MOST_POINTS);
        List<double[]> points = new ArrayList<>();
        for (int from = 0; from < steps.size(); from += stretch) {
            List<TrainingStep> part = steps.subList(from, Math.min(steps.size(), from + stretch));
            points.add(new double[] {
                part.getLast().step(),
                part.stream().mapToDouble(TrainingStep::loss).average().orElseThrow()
            });
        }
        return points;
    }

    /** All that is in the store. */
    List<String> keys() {
        return Stream.concat(Stream.of(key(job)), samples.stream().map(name -> sampleKey(job, name)))
                .toList();
    }
}
