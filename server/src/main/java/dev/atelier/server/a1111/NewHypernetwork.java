package dev.atelier.server.a1111;

import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.checkpoint.TorchFile;
import dev.atelier.model.Hypernetwork;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleSupplier;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A hypernetwork for training to fill, as AUTOMATIC1111 makes it.
 *
 * @param sizes the widths of what it changes
 * @param structure how wide its layers are, as multiples of that; begins and ends with 1
 * @param activation by AUTOMATIC1111's names; {@code linear} and null for none
 * @param dropout how often a number behind each layer is left out of a step, one more than there are layers
 */
record NewHypernetwork(
        String name,
        List<Integer> sizes,
        List<Double> structure,
        @Nullable String activation,
        Initialization initialization,
        boolean hasNorms,
        List<Double> dropout) {
    private static final int MOST_WIDTH = 1 << 15;
    private static final long MOST_WEIGHTS = 1 << 29;

    /** PyTorch's initialisations; those called Kaiming have the gain of a ReLU, √2, for every activation. */
    enum Initialization {
        NORMAL("Normal") {
            @Override
            double draw(RandomGenerator random, int in, int out) {
                return random.nextGaussian() * 0.01;
            }
        },
        XAVIER_UNIFORM("XavierUniform") {
            @Override
            double draw(RandomGenerator random, int in, int out) {
                return uniform(random, Math.sqrt(6.0 / (in + out)));
            }
        },
        XAVIER_NORMAL("XavierNormal") {
            @Override
            double draw(RandomGenerator random, int in, int out) {
                return random.nextGaussian() * Math.sqrt(2.0 / (in + out));
            }
        },
        KAIMING_UNIFORM("KaimingUniform") {
            @Override
            double draw(RandomGenerator random, int in, int out) {
                return uniform(random, Math.sqrt(6.0 / in));
            }
        },
        KAIMING_NORMAL("KaimingNormal") {
            @Override
            double draw(RandomGenerator random, int in, int out) {
                return random.nextGaussian() * Math.sqrt(2.0 / in);
            }
        };

        private final String label;

        Initialization(String label) {
            this.label = label;
        }

        /** @throws IllegalArgumentException if there is none of that name */
        static Initialization named(String label) {
            for (Initialization one : values()) {
                if (one.label.equals(label)) {
                    return one;
                }
            }
            throw new IllegalArgumentException("Key %s is not defined as initialization!".formatted(label));
        }

        /** A weight of a layer from {@code in} numbers to {@code out}. */
        abstract double draw(RandomGenerator random, int in, int out);

        private static double uniform(RandomGenerator random, double bound) {
            return random.nextDouble(-bound, bound);
        }
    }

    /** @throws IllegalArgumentException if the structure is none, or larger than a file should be */
    NewHypernetwork {
        name = NewEmbedding.fileName(name);
        if (structure.size() < 2 || structure.getFirst() != 1 || structure.getLast() != 1) {
            throw new IllegalArgumentException("Multiplier Sequence should start and end with size 1!");
        }
        if (activation != null && !Hypernetwork.activations().contains(activation)) {
            throw new IllegalArgumentException("hypernetwork uses an unsupported activation function: %s; there are %s"
                    .formatted(activation, Hypernetwork.activations()));
        }
        if (dropout.size() != structure.size() || !dropout.stream().allMatch(share -> share >= 0 && share < 1)) {
            throw new IllegalArgumentException("Dropout probability should be 0 or float between 0 and 1!");
        }
        if (sizes.isEmpty()) {
            throw new IllegalArgumentException("enable_sizes names no width");
        }
        long weights = 0;
        for (int size : sizes) {
            for (int i = 1; i < structure.size(); i++) {
                double in = size * structure.get(i - 1);
                double out = size * structure.get(i);
                if (!(Math.min(in, out) >= 1 && Math.max(in, out) <= MOST_WIDTH)) {
                    throw new IllegalArgumentException("a layer from %s to %s numbers".formatted(in, out));
                }
                weights += 2 * (long) in * (long) out;
            }
        }
        if (weights > MOST_WEIGHTS) {
            throw new IllegalArgumentException(
                    "%d weights are more than the %d that are made".formatted(weights, MOST_WEIGHTS));
        }
    }

    /**
     * As a request describes it. Multiples and shares may come as a list, too.
     *
     * @throws IllegalArgumentException if it describes none
     */
    static NewHypernetwork of(Values values) {
        List<Double> structure = numbers(values, "layer_structure");
        return new NewHypernetwork(
                values.textOrEmpty("name"),
                numbers(values, "enable_sizes").stream().map(Double::intValue).toList(),
                structure,
                values.text("activation_func"),
                Initialization.named(values.textOrEmpty("weight_init")),
                values.isTrue("add_layer_norm"),
                values.isTrue("use_dropout") && values.text("dropout_structure") != null
                        ? numbers(values, "dropout_structure")
                        : Collections.nCopies(structure.size(), 0.0));
    }

    private static List<Double> numbers(Values values, String field) {
        try {
            return Stream.of(values.textOrEmpty(field).split(","))
                    .filter(text -> !text.isBlank())
                    .map(text -> Double.valueOf(text.strip()))
                    .toList();
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("%s: %s".formatted(field, e.getMessage()), e);
        }
    }

    /**
     * Writes it.
     *
     * @return its file, {@code NAME.pt} in {@code folder}
     * @throws IllegalArgumentException if there is one and it is not to be overwritten, or the name is empty
     */
    Path write(Path folder, boolean overwrite, RandomGenerator random) throws IOException {
        Path file = NewEmbedding.newFile(folder, name, ".pt", overwrite);
        Files.createDirectories(folder);
        Map<Object, @Nullable Object> root = new LinkedHashMap<>();
        for (int size : sizes) {
            root.put(size, List.of(network(size, random), network(size, random))); // for keys and for values
        }
        root.put("step", 0);
        root.put("name", name);
        root.put("layer_structure", structure);
        root.put("activation_func", activation);
        root.put("is_layer_norm", hasNorms);
        root.put("weight_initialization", initialization.label);
        root.put("sd_checkpoint", null);
        root.put("sd_checkpoint_name", null);
        root.put("activate_output", false);
        root.put("use_dropout", dropout.stream().anyMatch(share -> share > 0));
        root.put("dropout_structure", dropout);
        root.put("last_layer_dropout", dropout.get(dropout.size() - 2) > 0);
        root.put("optional_info", null);
        TorchFile.write(root, file, Progress.NONE);
        return file;
    }

    /** Its tensors by the places of their layers: activations and dropouts have a place, too. */
    private Map<String, Tensor> network(int size, RandomGenerator random) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        int place = 0;
        for (int i = 1; i < structure.size(); i++) {
            int in = (int) (size * structure.get(i - 1));
            int out = (int) (size * structure.get(i));
            put(tensors, place++, Shape.of(out, in), () -> initialization.draw(random, in, out));
            boolean isActivated = activation != null && !activation.equals("linear") && i < structure.size() - 1;
            place += isActivated ? 1 : 0;
            if (hasNorms) {
                put(tensors, place++, Shape.of(out), () -> Initialization.NORMAL.draw(random, out, out));
            }
            place += dropout.get(i) > 0 ? 1 : 0;
        }
        return tensors;
    }

    private static void put(Map<String, Tensor> tensors, int place, Shape weight, DoubleSupplier draw) {
        float[] weights = new float[(int) weight.elements()];
        for (int i = 0; i < weights.length; i++) {
            weights[i] = (float) draw.getAsDouble();
        }
        float[] bias = new float[(int) weight.size(0)];
        tensors.put("linear.%d.weight".formatted(place), Tensor.of(DType.F32, weight, MemorySegment.ofArray(weights)));
        tensors.put(
                "linear.%d.bias".formatted(place),
                Tensor.of(DType.F32, Shape.of(bias.length), MemorySegment.ofArray(bias)));
    }
}
