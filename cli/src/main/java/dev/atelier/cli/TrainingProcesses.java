package dev.atelier.cli;

import dev.atelier.engine.torch.WorkerGroup;
import dev.atelier.engine.torch.WorkerPlace;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * The processes of one training: those that this one starts, with the same arguments, or those that torchrun or its like started,
 * of which it is one.
 */
final class TrainingProcesses implements AutoCloseable {
    private static final Duration LAST_WORDS = Duration.ofSeconds(1);

    private final List<Process> others = new ArrayList<>();
    private final List<Path> logs = new ArrayList<>(); // what they say
    private @Nullable WorkerGroup workers;

    TrainingProcesses() {}

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
        } catch (RuntimeException e) {
            processes.close();
            throw e;
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
        spread(count, port, command);
    }

    /** @param command what the others run; it is told its place by the environment */
    void spread(int count, int port, List<String> command) throws IOException {
        for (int rank = 1; rank < count; rank++) {
            Path said = Files.createTempFile("atelier-process-" + rank, ".log");
            logs.add(said);
            ProcessBuilder builder =
                    new ProcessBuilder(command).redirectOutput(Redirect.DISCARD).redirectError(said.toFile());
            builder.environment().putAll(new WorkerPlace(rank, count, "127.0.0.1", port).environment());
            others.add(builder.start());
        }
        workers = join(new WorkerPlace(0, count, "127.0.0.1", port));
    }

    /** Waits for the others; one that ends before it has come would be waited for in vain. */
    private WorkerGroup join(WorkerPlace place) throws IOException {
        CompletableFuture<WorkerGroup> joined = new CompletableFuture<>();
        Thread.ofPlatform().daemon().start(() -> {
            try {
                joined.complete(WorkerGroup.join(place));
            } catch (RuntimeException | Error e) {
                joined.completeExceptionally(e);
            }
        });
        for (Process other : others) {
            CompletableFuture<Boolean> _ = other.onExit().thenApply(_ -> joined.cancel(false));
        }
        try {
            return joined.join();
        } catch (CancellationException e) {
            throw new IllegalStateException(ended("at its start").orElse("another process ended at its start"), e);
        } catch (CompletionException e) {
            throw new IllegalStateException("the processes do not find each other: " + e.getMessage(), e);
        }
    }

    /** Why a training together has failed: a process that has ended takes the others with it. */
    RuntimeException reason(RuntimeException failure) {
        try {
            for (Process other : others) {
                if (other.waitFor(LAST_WORDS)) {
                    break;
                }
            }
            return ended("in the training")
                    .<RuntimeException>map(said -> new UncheckedIOException(new IOException(said, failure)))
                    .orElse(failure);
        } catch (IOException e) {
            failure.addSuppressed(e);
            return failure;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return failure;
        }
    }

    /** Which process has ended, and its last words. */
    private Optional<String> ended(String when) throws IOException {
        for (int i = 0; i < others.size(); i++) {
            if (!others.get(i).isAlive()) {
                List<String> lines = Files.readAllLines(logs.get(i)).stream()
                        .filter(line -> !line.isBlank())
                        .toList();
                return Optional.of("process %d of %d ended %s, with exit code %d%s"
                        .formatted(
                                i + 2,
                                others.size() + 1,
                                when,
                                others.get(i).exitValue(),
                                lines.isEmpty() ? "" : ": " + lines.getLast()));
            }
        }
        return Optional.empty();
    }

    /** Whether this process is the one that writes files. */
    boolean leads() {
        return workers == null || workers.leads();
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
        try {
            for (Path log : logs) {
                Files.deleteIfExists(log);
            }
        } catch (IOException _) {
            // a file of a few lines stays in the folder for temporary ones
        }
    }
}
