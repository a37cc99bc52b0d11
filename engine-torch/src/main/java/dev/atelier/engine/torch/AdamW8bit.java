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

        void read(long from, float[] into, int length) {
            if (!isCoded()) {
                MemorySegment.copy(numbers, ValueLayout.JAVA_FLOAT, from * Float.BYTES, into, 0, length);
                return;
            }
            float scale = scales.getAtIndex(ValueLayout.JAVA_FLOAT, from / BLOCK);
            for (int i = 0; i < length; i++) {
                into[i] = code.decode(numbers.get(ValueLayout.JAVA_BYTE, from + i)) * scale;
            }
        }

        void write(long from, float[] values, int length) {
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
                numbers.set(ValueLayout.JAVA_BYTE, from + i, code.encode(values[i] * factor));
            }
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
        double correction = 1 / Math.sqrt(1 - Math.pow(settings.beta2(), step));
        for (Weight weight : weights) {
            double own = rate * parameters.factor(weight.name);
            float shrink = (float) (1 - own * settings.weightDecay());
            float stride = (float) (own / (1 - Math.pow(settings.beta1(), step)));
            int blocks = Math.toIntExact(Math.ceilDiv(weight.size, BLOCK));
            IntStream.range(0, Math.ceilDiv(blocks, BLOCKS_AT_ONCE)).parallel().forEach(part -> {
                float[] mean = new float[BLOCK];
                float[] variance = new float[BLOCK];
                int first = part * BLOCKS_AT_ONCE;
                for (int block = first; block < Math.min(blocks, first + BLOCKS_AT_ONCE); block++) {
                    move(weight, (long) block * BLOCK, mean, variance, shrink, stride, (float) correction);
                }
            });
        }
    }

    private void move(Weight weight, long from, float[] m, float[] v, float shrink, float stride, float correction) {
        float beta1 = (float) settings.beta1();
        float beta2 = (float) settings.beta2();
        float new1 = (float) (1 - settings.beta1());
        float new2 = (float) (1 - settings.beta2());
        float epsilon = (float) settings.epsilon();
        int length = (int) Math.min(BLOCK, weight.size - from);
        weight.mean.read(from, m, length);
        weight.variance.read(from, v, length);
        for (int i = 0; i < length; i++) {
            float g = weight.gradients.getAtIndex(ValueLayout.JAVA_FLOAT, from + i);
            m[i] = m[i] * beta1 + g * new1;
            v[i] = v[i] * beta2 + g * g * new2;
            float moved = weight.values.getAtIndex(ValueLayout.JAVA_FLOAT, from + i) * shrink
                    - stride * m[i] / ((float) Math.sqrt(v[i]) * correction + epsilon);
            weight.values.setAtIndex(ValueLayout.JAVA_FLOAT, from + i, moved);
        }
        weight.mean.write(from, m, length);
        weight.variance.write(from, v, length);
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
