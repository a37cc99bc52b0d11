package dev.atelier.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class TrainingProcessesTest {
    private static final String JAVA =
            Path.of(System.getProperty("java.home"), "bin", "java").toString();

    @Test
    @Timeout(value = 1, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void aProcessThatEndsAtItsStartIsNotWaitedFor() throws IOException {
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        try (TrainingProcesses processes = new TrainingProcesses()) {
            assertThatThrownBy(() -> processes.spread(3, port, List.of(JAVA, "--no-such-option")))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("of 3 ended at its start, with exit code 1")
                    .hasMessageContaining("fatal exception");
            assertThat(processes.reason(new IllegalStateException("connection closed")))
                    .hasMessageContaining("of 3 ended in the training, with exit code 1");
        }
    }
}
