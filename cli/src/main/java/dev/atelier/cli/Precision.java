package dev.atelier.cli;

import dev.atelier.checkpoint.DType;
import java.util.Locale;

/** The precisions a checkpoint can be written in, as users spell them. */
enum Precision {
    FP16(DType.F16),
    BF16(DType.BF16),
    FP32(DType.F32),
    FP8_E4M3FN(DType.F8_E4M3),
    FP8_E5M2(DType.F8_E5M2);

    private final DType dtype;

    Precision(DType dtype) {
        this.dtype = dtype;
    }

    DType dtype() {
        return dtype;
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
