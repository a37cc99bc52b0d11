package dev.atelier.cli;

import dev.atelier.checkpoint.Progress;
import java.io.Console;
import java.util.Optional;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** A progress bar with rate and time left on stderr, if that is a terminal; otherwise nothing. */
final class Bar implements AutoCloseable {
    private final String task;
    private final String unit;
    private final long unitSize;
    private @Nullable ProgressBar bar;

    private Bar(String task, String unit, long unitSize) {
        this.task = task;
        this.unit = unit;
        this.unitSize = unitSize;
    }

    /** Counts bytes. */
    static Bar bytes(String task) {
        return new Bar(task, " MB", 1_000_000);
    }

    /** Counts whatever {@code unit} says, for example " steps". */
    static Bar of(String task, String unit) {
        return new Bar(task, unit, 1);
    }

    /** Counts millions, or whatever {@code size} is, of what is updated. */
    static Bar of(String task, String unit, long size) {
        return new Bar(task, unit, size);
    }

    Progress progress() {
        return this::update;
    }

    void update(long done, long total) {
        if (!onTerminal()) {
            return;
        }
        if (bar == null) {
            bar = new ProgressBarBuilder()
                    .setTaskName(task)
                    .setInitialMax(total)
                    .setUnit(unit, unitSize)
                    .setStyle(ProgressBarStyle.ASCII)
                    .showSpeed()
                    .build();
        }
        bar.stepTo(done);
    }

    /** What stands behind the bar. */
    void message(String text) {
        if (bar != null) {
            bar.setExtraMessage(" " + text);
        }
    }

    private static boolean onTerminal() {
        return Optional.ofNullable(System.console()).filter(Console::isTerminal).isPresent();
    }

    @Override
    public void close() {
        if (bar != null) {
            bar.close();
        }
    }
}
