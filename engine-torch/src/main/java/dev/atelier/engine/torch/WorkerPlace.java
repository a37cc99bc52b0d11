package dev.atelier.engine.torch;

import java.util.Map;
import java.util.Optional;

/**
 * Which of several processes this one is. They train one model together, each on other batches.
 *
 * @param rank from 0 on; 0 is the one that writes files
 * @param size how many there are
 * @param host where process 0 can be reached
 * @param port on which it listens
 */
public record WorkerPlace(int rank, int size, String host, int port) {
    private static final String RANK = "RANK";
    private static final String SIZE = "WORLD_SIZE";
    private static final String HOST = "MASTER_ADDR";
    private static final String PORT = "MASTER_PORT";

    public WorkerPlace {
        if (rank < 0 || rank >= size || port < 1 || port > 65_535) {
            throw new IllegalArgumentException("there is no process %d of %d at port %d".formatted(rank, size, port));
        }
    }

    /**
     * As torchrun and its like tell the processes that they start: by the variables RANK, WORLD_SIZE, MASTER_ADDR and
     * MASTER_PORT.
     */
    public static Optional<WorkerPlace> of(Map<String, String> environment) {
        String size = environment.get(SIZE);
        if (size == null || size.equals("1")) {
            return Optional.empty();
        }
        try {
            return Optional.of(new WorkerPlace(
                    Integer.parseInt(variable(environment, RANK)),
                    Integer.parseInt(size),
                    variable(environment, HOST),
                    Integer.parseInt(variable(environment, PORT))));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("%s, %s and %s have to be numbers".formatted(RANK, SIZE, PORT), e);
        }
    }

    private static String variable(Map<String, String> environment, String name) {
        String value = environment.get(name);
        if (value == null) {
            throw new IllegalArgumentException("%s is set, but %s is not".formatted(SIZE, name));
        }
        return value;
    }

    /** What {@link #of} reads: for processes that are started from here. */
    public Map<String, String> environment() {
        return Map.of(
                RANK, Integer.toString(rank), SIZE, Integer.toString(size), HOST, host, PORT, Integer.toString(port));
    }
}
