package dev.atelier.engine.onnx;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtEnvironment.ThreadingOptions;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import java.util.concurrent.CompletableFuture;

/** ONNX Runtime's environment, of which a process has one, with the threads that all its sessions share. */
final class Environment {
    static final OrtEnvironment ORT = Start.onLargeStack();

    private Environment() {}

    /** A class of its own, because the other thread would wait for this one to be ready. */
    private static final class Start {
        private static final long STACK_BYTES = 256L << 20;

        /**
         * When ONNX Runtime starts, it searches the process's command line by a recursion as deep as that is long: a long
         * prompt on it would end the process.
         */
        static OrtEnvironment onLargeStack() {
            CompletableFuture<OrtEnvironment> environment = new CompletableFuture<>();
            Thread.ofPlatform().name("onnxruntime").stackSize(STACK_BYTES).start(() -> {
                try {
                    environment.complete(create());
                } catch (Throwable e) {
                    environment.completeExceptionally(e);
                }
            });
            return environment.join();
        }

        private static OrtEnvironment create() {
            NativeLibraries.provide();
            try (ThreadingOptions threading = new ThreadingOptions()) {
                threading.setGlobalIntraOpNumThreads(threads());
                threading.setGlobalSpinControl(false); // waiting threads would take the cores from others
                // What goes wrong is in the exception; the log would print it a second time.
                OrtEnvironment environment = OrtEnvironment.getEnvironment(
                        OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL, OrtEnvironment.DEFAULT_NAME, threading);
                environment.setTelemetry(false);
                return environment;
            } catch (OrtException e) {
                throw new IllegalStateException("ONNX Runtime could not start: " + e.getMessage(), e);
            }
        }

        /** As many as OpenMP would use: {@code OMP_NUM_THREADS}, or all processors. */
        private static int threads() {
            String setting = System.getenv("OMP_NUM_THREADS");
            return setting != null && setting.matches("[1-9]\\d{0,3}")
                    ? Integer.parseInt(setting)
                    : Runtime.getRuntime().availableProcessors();
        }
    }
}
