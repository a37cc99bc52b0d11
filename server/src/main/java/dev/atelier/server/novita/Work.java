package dev.atelier.server.novita;

import dev.atelier.server.db.Json;
import dev.atelier.server.job.JobKind;
import dev.atelier.server.key.Order;
import dev.atelier.server.key.Price;
import dev.atelier.server.worker.GenerateTask;
import dev.atelier.server.worker.UpscaleTask;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** What is to be done, and what it costs. */
sealed interface Work {
    JobKind kind();

    /** The model that it needs loaded; null for none. */
    @Nullable
    String model();

    /** The job's request. */
    JsonNode request();

    /** What it costs, at {@code endpoint}. */
    Order order(String endpoint);

    /** Pictures are drawn. */
    record Draw(GenerateTask task) implements Work {
        @Override
        public JobKind kind() {
            return JobKind.GENERATE;
        }

        @Override
        public @Nullable String model() {
            return task.model();
        }

        @Override
        public JsonNode request() {
            return Json.MAPPER.valueToTree(task);
        }

        @Override
        public Order order(String endpoint) {
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

    /** A picture of {@code width} × {@code height} is made larger. */
    record Enlarge(UpscaleTask task, int width, int height) implements Work {
        @Override
        public JobKind kind() {
            return JobKind.UPSCALE;
        }

        @Override
        public @Nullable String model() {
            return null;
        }

        @Override
        public JsonNode request() {
            return Json.MAPPER.valueToTree(task);
        }

        @Override
        public Order order(String endpoint) {
            long cost = Price.ofUpscaling(width, height, task.how().factorOf(width, height));
            return new Order(endpoint, task.how().first(), 1, width, height, 0, cost);
        }
    }
}
