package dev.atelier.training;

import dev.atelier.training.log.EventFile;
import dev.atelier.training.log.LossCurve;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import javax.imageio.ImageIO;
import org.jspecify.annotations.Nullable;

/** The losses of a training: a table for programs, curves for people, and a file for TensorBoard. */
final class LossLog implements AutoCloseable {
    private static final String HEADER = "step,learning_rate,loss,gradient_norm";

    private final Path path;
    private final List<String> rows = new ArrayList<>();
    private final List<Double> losses = new ArrayList<>();
    private @Nullable EventFile events;

    /** @param path of the files, without extension */
    LossLog(Path path) {
        this.path = path;
    }

    private Path file(String kind) {
        return path.resolveSibling(path.getFileName() + "." + kind);
    }

    /** Reads the first {@code steps} rows of what an earlier run wrote. */
    void resume(int steps) {
        Path table = file("csv");
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
        note(step.step(), "loss/current", step.loss());
        note(step.step(), "lr", step.rate());
        note(step.step(), "norm/gradient", step.norm());
    }

    /** Something else that was measured; only TensorBoard shows it. */
    void note(int step, String tag, double value) {
        EventFile open = events;
        if (open == null) {
            open = EventFile.start(path.resolveSibling("events").resolve(path.getFileName()), step);
            events = open;
        }
        open.scalar(step, tag, value);
    }

    /** Replaces table and curves. */
    void write() {
        writeTable();
        draw();
    }

    /** Replaces the table. */
    void writeTable() {
        try {
            replace(file("csv"), text(HEADER + "\n" + String.join("\n", rows) + "\n"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Has Java load what curves are drawn with, which it no longer does while the program is being stopped. */
    static void prepare() {
        try {
            png(new LossCurve(List.of(1.0)).image());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Replaces the curves, if there is a loss. */
    void draw() {
        if (losses.isEmpty()) {
            return;
        }
        try {
            LossCurve curve = new LossCurve(losses);
            replace(file("svg"), text(curve.svg()));
            replace(file("png"), png(curve.image()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] text(String content) {
        return content.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] png(BufferedImage image) throws IOException {
        ByteArrayOutputStream png = new ByteArrayOutputStream();
        ImageIO.write(image, "png", png);
        return png.toByteArray();
    }

    private static void replace(Path file, byte[] content) throws IOException {
        Path part = file.resolveSibling("." + file.getFileName() + ".part");
        Files.write(part, content);
        Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    @Override
    public void close() {
        if (events != null) {
            events.close();
        }
    }
}
