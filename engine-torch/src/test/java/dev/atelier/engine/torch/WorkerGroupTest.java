package dev.atelier.engine.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atelier.model.FloatArray;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

class WorkerGroupTest {
    private interface Work<R> {
        R with(WorkerGroup group);
    }

    private static <R> List<R> together(int size, Work<R> work) throws Exception {
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        try (ExecutorService threads = Executors.newFixedThreadPool(size)) {
            List<Future<R>> results = new ArrayList<>();
            for (int rank = 0; rank < size; rank++) {
                WorkerPlace place = new WorkerPlace(rank, size, "127.0.0.1", port);
                results.add(threads.submit(() -> {
                    try (WorkerGroup group = WorkerGroup.join(place)) {
                        return work.with(group);
                    }
                }));
            }
            List<R> all = new ArrayList<>();
            for (Future<R> result : results) {
                all.add(result.get());
            }
            return all;
        }
    }

    @Test
    void averagesAreTheSameEverywhere() throws Exception {
        int length = 7_000_000; // more than a bucket
        List<float[]> results = together(3, group -> {
            float[] own = new float[length];
            Arrays.fill(own, group.place().rank() + 1);
            own[length - 1] = group.place().rank() * 9;
            try (PointerScope _ = new PointerScope()) {
                Tensor vector = Tensors.of(FloatArray.of(own, length));
                group.average(vector);
                float[] mean = Tensors.toArray(vector).values();
                return new float[] {
                    mean[0],
                    mean[length - 2],
                    mean[length - 1],
                    (float) group.mean(group.place().rank())
                };
            }
        });
        assertThat(results).hasSize(3).allSatisfy(mean -> assertThat(mean).containsExactly(2, 2, 9, 1));
    }

    @Test
    void allTakeWhatTheFirstHas() throws Exception {
        List<Float> results = together(2, group -> {
            try (PointerScope _ = new PointerScope()) {
                Tensor vector =
                        Tensors.of(FloatArray.of(new float[] {group.place().rank() + 5}, 1));
                group.spread(vector);
                return vector.item_float();
            }
        });
        assertThat(results).containsExactly(5f, 5f);
    }

    @Test
    void placesGoThroughTheEnvironment() {
        WorkerPlace place = new WorkerPlace(1, 4, "10.0.0.7", 29_500);
        assertThat(WorkerPlace.of(place.environment())).contains(place);
        assertThat(WorkerPlace.of(Map.of())).isEmpty();
        assertThat(WorkerPlace.of(Map.of("WORLD_SIZE", "1"))).isEmpty();
        assertThatThrownBy(() -> WorkerPlace.of(Map.of("WORLD_SIZE", "2", "RANK", "0")))
                .hasMessageContaining("MASTER_ADDR is not");
        assertThatThrownBy(() -> WorkerPlace.of(
                        Map.of("WORLD_SIZE", "2", "RANK", "x", "MASTER_ADDR", "localhost", "MASTER_PORT", "1")))
                .hasMessageContaining("RANK");
        assertThatThrownBy(() -> new WorkerPlace(2, 2, "localhost", 29_500)).hasMessageContaining("2 of 2");
    }
}
