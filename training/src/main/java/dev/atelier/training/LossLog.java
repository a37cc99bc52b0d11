package dev.atelier.training;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The losses of a training: a table for programs and a curve for people. */
final class LossLog {
    private static final String HEADER = "step,learning_rate,loss,gradient_norm";
    private static final int WIDTH = 800;
    private static final int HEIGHT = 400;

    private final Path table;
    private final Path curve;
    private final List<String> rows = new ArrayList<>();
    private final List<Double> losses = new ArrayList<>();

    /** @param path of the files, without extension */
    LossLog(Path path) {
        this.table = path.resolveSibling(path.getFileName() + ".csv");
        this.curve = path.resolveSibling(path.getFileName() + ".svg");
    }

    /** Reads the first {@code steps} rows of what an earlier run wrote. */
    void resume(int steps) {
        if (!Files.exists(table)) {
            return;
        }
        try {
            for (String row :
                    Files.readAllLines(table).stream().skip(1).limit(steps).toList()) {
                rows.add(row);
                losses.add(Double.valueOf(row.split(",", -1)[2]));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void add(TrainingStep step) {
        rows.add(String.format(Locale.ROOT, "%d,%.4g,%.6f,%.4g", step.step(), step.rate(), step.loss(), step.norm()));
        losses.add(step.loss());
    }

    /** Replaces both files. */
    void write() {
        try {
            replace(table, HEADER + "\n" + String.join("\n", rows) + "\n");
            replace(curve, svg());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void replace(Path file, String content) throws IOException {
        Path part = file.resolveSibling("." + file.getFileName() + ".part");
        Files.writeString(part, content);
        Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /** The loss over the steps, on a logarithmic scale: the mean of each of up to 200 stretches. */
    private String svg() {
        int stretches = Math.min(200, losses.size());
        double[] means = new double[stretches];
        double least = Double.MAX_VALUE;
        double most = Double.MIN_VALUE;
        for (int i = 0; i < stretches; i++) {
            int from = (int) ((long) losses.size() * i / stretches);
            int to = (int) ((long) losses.size() * (i + 1) / stretches);
            means[i] = losses.subList(from, to).stream()
                    .mapToDouble(Double::doubleValue)
                    .average()
                    .orElseThrow();
            least = Math.min(least, means[i]);
            most = Math.max(most, means[i]);
        }
        StringBuilder points = new StringBuilder();
        for (int i = 0; i < stretches; i++) {
            double height = most > least ? Math.log(means[i] / least) / Math.log(most / least) : 0.5;
            points.append(String.format(
                    Locale.ROOT,
                    "%.1f,%.1f ",
                    60 + (WIDTH - 80.0) * i / Math.max(1, stretches - 1),
                    HEIGHT - 40 - (HEIGHT - 60) * height));
        }
        return String.format(
                Locale.ROOT,
                """
                <svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="13">
                <rect width="100%%" height="100%%" fill="white"/>
                <path d="M60 20V%d H%d" fill="none" stroke="black"/>
                <text x="52" y="25" text-anchor="end">%.3g</text>
                <text x="52" y="%d" text-anchor="end">%.3g</text>
                <text x="60" y="%d">0</text>
                <text x="%d" y="%d" text-anchor="end">step %d</text>
                <polyline points="%s" fill="none" stroke="#2060c0" stroke-width="2"/>
                </svg>
                """,
                WIDTH,
                HEIGHT,
                HEIGHT - 40,
                WIDTH - 20,
                most,
                HEIGHT - 36,
                least,
                HEIGHT - 20,
                WIDTH - 20,
                HEIGHT - 20,
                losses.size(),
                points.toString().strip());
    }
}
