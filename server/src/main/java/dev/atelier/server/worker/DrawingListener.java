package dev.atelier.server.worker;

import dev.atelier.diffusion.GeneratedImage;
import dev.atelier.diffusion.GenerationListener;
import dev.atelier.diffusion.PngFile;
import dev.atelier.server.job.JobControl;
import dev.atelier.server.job.Wish;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;

/** Tells a job's watchers how its drawing goes, and the drawing what they ask for. */
final class DrawingListener implements GenerationListener {
    /** Shares of the time, from looking at the demo model and at SD 1.5. */
    private static final Map<Phase, Double> SHARES =
            Map.of(Phase.ENCODING, 0.02, Phase.SAMPLING, 0.88, Phase.UPSCALING, 0.0, Phase.DECODING, 0.1);

    private final JobControl control;
    private final List<String> notes = new ArrayList<>();
    private final Map<Phase, Double> parts = new EnumMap<>(Phase.class);

    DrawingListener(JobControl control) {
        this.control = control;
    }

    @Override
    public void progress(Phase phase, int done, int total) {
        parts.put(phase, total == 0 ? 0 : (double) done / total);
        double fraction = parts.entrySet().stream()
                .mapToDouble(part -> SHARES.getOrDefault(part.getKey(), 0.0) * part.getValue())
                .sum();
        control.report(phase.name().toLowerCase(Locale.ROOT), done, total, fraction);
    }

    @Override
    public void note(String text) {
        notes.add(text);
    }

    /** What was told so far. */
    List<String> notes() {
        return List.copyOf(notes);
    }

    @Override
    public Course step(Supplier<List<BufferedImage>> pictures) {
        if (control.wantsPreview()) {
            try {
                control.preview(PngFile.encode(new GeneratedImage(pictures.get().getFirst(), 0, "")));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        Wish wish = control.takeWish();
        return wish == Wish.INTERRUPT ? Course.STOP : wish == Wish.SKIP ? Course.SKIP : Course.CONTINUE;
    }
}
