package dev.atelier.engine.torch;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;

/** See {@link OptimizerSettings.AdamW8bit}. */
final class AdamW8bit implements Optimizer {
    private static final long LEAST = 4096;
    private static final int BLOCK = 256;
    private static final int BLOCKS_AT_ONCE = 64;

    /**
     * One of the two moving averages.
     *
     * @param numbers fp32, or codes
     * @param scales what the codes of a block are multiplied by; empty if there are none
     */
    private record Average(MemorySegment numbers, MemorySegment scales, DynamicCode code) {
        boolean isCoded() {
            return scales.byteSize() > 0;
        }

        void read(long from, float[] into, byte[] codes, int length) {
            if (!isCoded()) {
                MemorySegment.copy(numbers, ValueLayout.JAVA_FLOAT, from * Float.BYTES, into, 0, length);
                return;
            }
            float scale = scales.getAtIndex(ValueLayout.JAVA_FLOAT, from / BLOCK);
            MemorySegment.copy(numbers, ValueLayout.JAVA_BYTE, from, codes, 0, length);
            for (int i = 0; i < length; i++) {
                into[i] = code.decode(codes[i]) * scale;
            }
        }

        void write(long from, float[] values, byte[] codes, int length) {
            if (!isCoded()) {
                MemorySegment.copy(values, 0, numbers, ValueLayout.JAVA_FLOAT, from * Float.BYTES, length);
                return;
            }
            float scale = 0;
            for (int i = 0; i < length; i++) {
                scale = Math.max(scale, Math.abs(values[i]));
            }
            scales.setAtIndex(ValueLayout.JAVA_FLOAT, from / BLOCK, scale);
            float factor = scale == 0 ? 0 : 1 / scale;
            for (int i = 0; i < length; i++) {
                codes[i] = code.encode(values[i] * factor);
            }
            MemorySegment.copy(codes, 0, numbers, ValueLayout.JAVA_BYTE, from, length);
        }
    }

    private record Weight(
            String name, long size, MemorySegment values, MemorySegment gradients, Average mean, Average variance) {}

    private final OptimizerSettings.AdamW settings;
    private final Parameters parameters;
    private final Map<String, Tensor> state = new LinkedHashMap<>();
    private final List<Weight> weights = new ArrayList<>();

    AdamW8bit(OptimizerSettings.AdamW settings, Parameters parameters) {
        this.settings = settings;
        this.parameters = parameters;
        parameters.forEach((name, shape) -> weights.add(new Weight(
                name,
                shape.elements(),
                parameters.memory(parameters.values(), name),
                parameters.memory(parameters.gradients(), name),
                average("exp_avg.", name, shape.elements(), DynamicCode.SIGNED),
                average("exp_avg_sq.", name, shape.elements(), DynamicCode.UNSIGNED))));
    }

    private Average average(String kind, String name, long size, DynamicCode code) {
        boolean coded = size >= LEAST;
        MemorySegment numbers = zeros(kind + name, size, coded ? torch.ScalarType.Byte : torch.ScalarType.Float);
        MemorySegment scales = coded
                ? zeros(kind + "absmax." + name, Math.ceilDiv(size, BLOCK), torch.ScalarType.Float)
                : MemorySegment.NULL;
        return new Average(numbers, scales, code);
    }

    private MemorySegment zeros(String name, long size, torch.ScalarType type) {
        Tensor zeros = torch.zeros(new long[] {size}, new TensorOptions(type));
        state.put(name, zeros);
        return Tensors.memory(zeros);
    }

    @Override
    public void step(double rate, int step) {
        for (Weight weight : weights) {
            double own = rate * parameters.factor(weight.name);
            int blocks = Math.toIntExact(Math.ceilDiv(weight.size, BLOCK));
            Rates rates = new Rates(
                    (float) settings.beta1(),
                    (float) (1 - settings.beta1()),
                    (float) settings.beta2(),
                    (float) (1 - settings.beta2()),
                    (float) settings.epsilon(),
                    (float) (1 - own * settings.weightDecay()),
                    (float) (own / (1 - Math.pow(settings.beta1(), step))),
                    (float) (1 / Math.sqrt(1 - Math.pow(settings.beta2(), step))));
            IntStream.range(0, Math.ceilDiv(blocks, BLOCKS_AT_ONCE)).parallel().forEach(part -> {
                Scratch scratch = new Scratch();
                int first = part * BLOCKS_AT_ONCE;
                for (int block = first; block < Math.min(blocks, first + BLOCKS_AT_ONCE); block++) {
                    scratch.move(weight, (long) block * BLOCK, rates);
                }
            });
        }
    }

    /** @param correction what the roots of squared gradients are multiplied by while their average is young */
    private record Rates(
            float beta1,
            float new1,
            float beta2,
            float new2,
            float epsilon,
            float shrink,
            float stride,
            float correction) {}

    /** A block in arrays, whose loops the JVM turns into vector code. */
    private static final class Scratch {
        private final float[] m = new float[BLOCK];
        private final float[] v = new float[BLOCK];
        private final float[] g = new float[BLOCK];
        private final float[] w = new float[BLOCK];
        private final byte[] codes = new byte[BLOCK];

        void move(Weight weight, long from, Rates rates) {
            int length = (int) Math.min(BLOCK, weight.size - from);
            weight.mean.read(from, m, codes, length);
            weight.variance.read(from, v, codes, length);
            MemorySegment.copy(weight.gradients, ValueLayout.JAVA_FLOAT, from * Float.BYTES, g, 0, length);
            MemorySegment.copy(weight.values, ValueLayout.JAVA_FLOAT, from * Float.BYTES, w, 0, length);
            move(length, rates);
            MemorySegment.copy(w, 0, weight.values, ValueLayout.JAVA_FLOAT, from * Float.BYTES, length);
            weight.mean.write(from, m, codes, length);
            weight.variance.write(from, v, codes, length);
        }

        private void move(int length, Rates rates) {
            for (int i = 0; i < length; i++) {
                m[i] = m[i] * rates.beta1 + g[i] * rates.new1;
                v[i] = v[i] * rates.beta2 + g[i] * g[i] * rates.new2;
            }
            for (int i = 0; i < length; i++) {
                w[i] = w[i] * rates.shrink
                        - rates.stride * m[i] / ((float) Math.sqrt(v[i]) * rates.correction + rates.epsilon);
            }
        }
    }

    @Override
    public Map<String, Tensor> vectors() {
        return Map.of();
    }

    @Override
    public Map<String, Tensor> others() {
        return state;
    }
}
