package dev.atelier.engine.onnx;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtEnvironment.ThreadingOptions;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.CompletableFuture;

/** ONNX Runtime's environment, of which a process has one, with the threads that all its sessions share. */
final class Environment {
    static final OrtEnvironment ORT = Start.onLargeStack();

    private Environment() {}

    /** A class of its own, because the other thread would wait for this one to be ready. */
    private static final class Start {
        private static final long STACK_BYTES = 256L << 20;

        /** Any that the library knows: these functions are at the same places in all. */
        private static final int API_VERSION = 14;

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
                retain();
                return environment;
            } catch (OrtException e) {
                throw new IllegalStateException("ONNX Runtime could not start: " + e.getMessage(), e);
            }
        }

        /**
         * Takes a second reference to the environment, by {@code OrtApi.CreateEnv}: ONNX Runtime's shutdown hook gives back
         * the first, and would free what a run that Ctrl-C interrupts still works with.
         */
        @SuppressWarnings("restricted")
        private static void retain() {
            Linker linker = Linker.nativeLinker();
            FunctionDescriptor getApiBase = FunctionDescriptor.of(table(2));
            FunctionDescriptor getApi = FunctionDescriptor.of(table(4), ValueLayout.JAVA_INT);
            FunctionDescriptor createEnv = FunctionDescriptor.of(
                    ValueLayout.ADDRESS, ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS);
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment base = (MemorySegment)
                        linker.downcallHandle(SymbolLookup.loaderLookup().findOrThrow("OrtGetApiBase"), getApiBase)
                                .invokeExact();
                MemorySegment api = (MemorySegment)
                        linker.downcallHandle(function(base, 0), getApi).invokeExact(API_VERSION);
                MemorySegment _ = (MemorySegment) linker.downcallHandle(function(api, 3), createEnv)
                        .invokeExact(4, arena.allocateFrom(OrtEnvironment.DEFAULT_NAME), arena.allocate(8));
            } catch (Throwable e) {
                throw new IllegalStateException("ONNX Runtime's environment could not be kept", e);
            }
        }

        /** A pointer to a struct of pointers to functions. */
        @SuppressWarnings("restricted")
        private static AddressLayout table(int functions) {
            return ValueLayout.ADDRESS.withTargetLayout(MemoryLayout.sequenceLayout(functions, ValueLayout.ADDRESS));
        }

        private static MemorySegment function(MemorySegment table, int index) {
            return table.getAtIndex(ValueLayout.ADDRESS, index);
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
