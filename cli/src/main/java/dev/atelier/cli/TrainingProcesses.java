package dev.atelier.cli;

import dev.atelier.engine.torch.WorkerGroup;
import dev.atelier.engine.torch.WorkerPlace;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The processes of one training: those that this one starts, with the same arguments, or those that torchrun or its like started,
 * of which it is one.
 */
final class TrainingProcesses implements AutoCloseable {
    private final List<Process> others = new ArrayList<>();
    private @Nullable WorkerGroup workers;

    private TrainingProcesses() {}

    /**
     * Starts what there is to start, and waits until all have found each other.
     *
     * @param count how many on this machine, unless the environment says that this is one of several
     * @param arguments what {@code atelier} was called with
     */
    static TrainingProcesses start(int count, List<String> arguments) {
        if (count < 1) {
            throw new IllegalArgumentException("there is at least one process, not " + count);
        }
        TrainingProcesses processes = new TrainingProcesses();
        Optional<WorkerPlace> place = WorkerPlace.of(System.getenv());
        try {
            if (place.isPresent()) {
                processes.workers = WorkerGroup.join(place.get());
            } else if (count > 1) {
                processes.spread(count, arguments);
            }
            return processes;
        } catch (IOException e) {
            processes.close();
            throw new IllegalStateException("cannot start another process: " + e.getMessage(), e);
        }
    }

    private void spread(int count, List<String> arguments) throws IOException {
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
        command.addAll(arguments);
        for (int rank = 1; rank < count; rank++) {
            ProcessBuilder builder =
                    new ProcessBuilder(command).redirectOutput(Redirect.DISCARD).redirectError(Redirect.DISCARD);
            builder.environment().putAll(new WorkerPlace(rank, count, "127.0.0.1", port).environment());
            others.add(builder.start());
        }
        workers = WorkerGroup.join(new WorkerPlace(0, count, "127.0.0.1", port));
    }

    /** What holds them together; null if this is the only one. */
    @Nullable
    WorkerGroup workers() {
        return workers;
    }

    @Override
    public void close() {
        if (workers != null) {
            workers.close();
        }
        others.forEach(Process::destroy);
    }
}
