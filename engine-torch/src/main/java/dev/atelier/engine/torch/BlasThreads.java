package dev.atelier.engine.torch;

import java.util.function.Supplier;
import org.bytedeco.openblas.presets.openblas_nolapack;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorBase;
import org.bytedeco.pytorch.VoidTensorHook;

/**
 * How many threads a matrix product has. libtorch's attention splits its work itself and calls BLAS from each of its threads; if BLAS
 * splits it once more, all wait for one another, and that takes twice the time. Everything else calls BLAS from one thread.
 *
 * <p>The number is one for the whole process. It decides about speed alone, so it does no harm if two threads change it.
 */
final class BlasThreads {
    private static final int ALL = openblas_nolapack.blas_get_num_threads();

    private static final Hook ONE = new Hook(1);
    private static final Hook AS_BEFORE = new Hook(ALL);

    /** Called when a tensor's gradient is there. */
    private static final class Hook extends VoidTensorHook {
        private final int threads;

        @SuppressWarnings("this-escape")
        Hook(int threads) {
            this.threads = threads;
            retainReference(); // past the pointer scope that happens to be open
        }

        @Override
        public void call(TensorBase gradient) {
            openblas_nolapack.blas_set_num_threads(threads);
        }
    }

    private BlasThreads() {}

    /** One thread for {@code work}, if that is what libtorch splits. */
    static Tensor one(Supplier<Tensor> work) {
        if (ALL == 1) {
            return work.get();
        }
        openblas_nolapack.blas_set_num_threads(1);
        try {
            return work.get();
        } finally {
            openblas_nolapack.blas_set_num_threads(ALL);
        }
    }

    /** One thread also while the gradients of {@code result} become those of {@code operands}. */
    static void oneBetween(Tensor result, Tensor... operands) {
        if (ALL == 1 || !result.requires_grad()) {
            return;
        }
        result.register_hook(ONE);
        for (Tensor operand : operands) {
            if (operand.requires_grad()) {
                operand.register_hook(AS_BEFORE);
            }
        }
    }
}
