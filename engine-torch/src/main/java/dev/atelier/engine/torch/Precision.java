package dev.atelier.engine.torch;

import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.DeviceType;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * In what precision networks compute while they are trained. Weights, gradients, losses and the optimiser's state are fp32 in any
 * case; with the others, matrix products and convolutions run on rounded copies (Micikevicius et al. 2018, "Mixed Precision
 * Training").
 */
public enum Precision {
    /** fp32 all along. */
    FULL,

    /** bfloat16: the range of fp32, with 8 bits of precision. */
    BF16,

    /** fp16, whose range is small, so that losses are scaled up to keep gradients from vanishing. */
    FP16;

    /** Turns autocast on for this thread, until closed. */
    Scope on(DeviceType device) {
        if (this == FULL) {
            return () -> {};
        }
        boolean caching = torch.is_autocast_cache_enabled();
        torch.set_autocast_dtype(device, this == BF16 ? ScalarType.BFloat16 : ScalarType.Half);
        torch.set_autocast_cache_enabled(false); // a copy made without gradients must not be used where they are wanted
        torch.set_autocast_enabled(device, true);
        return () -> {
            torch.set_autocast_enabled(device, false);
            torch.set_autocast_cache_enabled(caching);
        };
    }

    /** A stretch of a thread's work. */
    interface Scope extends AutoCloseable {
        @Override
        void close();
    }
}
