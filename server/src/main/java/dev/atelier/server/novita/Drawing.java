package dev.atelier.server.novita;

import dev.atelier.server.key.Order;
import dev.atelier.server.key.Price;
import dev.atelier.server.worker.GenerateTask;
import java.net.URI;
import org.jspecify.annotations.Nullable;

/**
 * A request that has been read and found good.
 *
 * @param linkTtl how many seconds the links to its pictures are good
 * @param outcome a test: how it is to end, without anything being drawn; null for a real one
 * @param webhook whom to tell when it is done; null for nobody
 */
record Drawing(
        TaskType type,
        GenerateTask task,
        ImageType imageType,
        int linkTtl,
        @Nullable Outcome outcome,
        @Nullable URI webhook) {

    /** How a test ends. */
    enum Outcome {
        TASK_STATUS_SUCCEED,
        TASK_STATUS_FAILED
    }

    /** What it costs, at {@code endpoint}. */
    Order order(String endpoint) {
        int images = or(task.batchSize(), 1) * or(task.batchCount(), 1);
        int width = or(task.width(), 512);
        int height = or(task.height(), 512);
        int steps = or(task.steps(), 20);
        long cost = task.hiresFix() == null
                ? Price.ofImage(width, height, steps)
                : Price.ofHiresImage(width, height, steps, scale(width, height));
        return new Order(
                endpoint, task.model() == null ? "" : task.model(), images, width, height, steps, images * cost);
    }

    private double scale(int width, int height) {
        var hires = task.hiresFix();
        if (hires == null) {
            return 0;
        }
        boolean isSized = hires.width() > 0 || hires.height() > 0;
        return isSized ? Math.max((double) hires.width() / width, (double) hires.height() / height) : hires.scale();
    }

    private static int or(@Nullable Integer value, int otherwise) {
        return value == null ? otherwise : value;
    }
}
