package dev.atelier.engine.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.engine.contract.Reference;
import dev.atelier.engine.torch.OptimizerSettings.Adafactor;
import dev.atelier.engine.torch.OptimizerSettings.AdamW;
import dev.atelier.engine.torch.OptimizerSettings.Lion;
import dev.atelier.engine.torch.OptimizerSettings.Prodigy;
import dev.atelier.engine.torch.OptimizerSettings.Sgd;
import dev.atelier.model.FloatArray;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Held to torch.optim, transformers, lion-pytorch and prodigyopt; see the README beside the numbers. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OptimizerTest {
    private static final int STEPS = 10;
    private static final List<String> NAMES = List.of("vector", "matrix", "kernel", "zero");
    private static final double ROOT = Math.sqrt(0.999);

    static final List<Arguments> RUNS = List.of(
            Arguments.of("adamw", 1e-3, OptimizerSettings.DEFAULT),
            Arguments.of("adamw_other", 1e-2, new AdamW(0.8, 0.99, 1e-6, 0.1)),
            Arguments.of("sgd", 1e-2, new Sgd(0, false, 0)),
            Arguments.of("sgd_momentum", 1e-2, new Sgd(0.9, false, 0.01)),
            Arguments.of("sgd_nesterov", 1e-2, new Sgd(0.9, true, 0.01)),
            Arguments.of("lion", 1e-4, Lion.DEFAULT),
            Arguments.of("lion_other", 1e-3, new Lion(0.95, 0.98, 0.1)),
            Arguments.of("adafactor", 7.0, Adafactor.DEFAULT),
            Arguments.of("adafactor_warmup", 7.0, new Adafactor(1e-30, 1e-3, 1, -0.8, 0, 0, true, true, true)),
            Arguments.of("adafactor_fixed", 1e-3, Adafactor.FIXED),
            Arguments.of(
                    "adafactor_moment", 1e-3, new Adafactor(1e-30, 1e-3, 0.5, -0.8, 0.9, 0.01, false, false, false)),
            Arguments.of("prodigy", 1.0, Prodigy.DEFAULT),
            Arguments.of(
                    "prodigy_corrected",
                    1.0,
                    new Prodigy(0.9, 0.999, ROOT, 1e-8, 0.01, true, true, true, 1e-6, 50, Double.POSITIVE_INFINITY)),
            Arguments.of(
                    "prodigy_coupled",
                    0.5,
                    new Prodigy(
                            0.8,
                            0.99,
                            Math.sqrt(0.99),
                            1e-8,
                            0.1,
                            false,
                            false,
                            false,
                            1e-4,
                            2,
                            Double.POSITIVE_INFINITY)),
            Arguments.of("prodigy_slow", 1.0, new Prodigy(0.9, 0.999, 0.9, 1e-8, 0, true, false, false, 1e-6, 1, 1.5)));

    private Reference reference;

    @BeforeAll
    void open(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("optimizers.safetensors");
        try (InputStream stored = open("optimizers.safetensors")) {
            Files.copy(stored, file);
        }
        reference = new Reference(Checkpoints.open(file));
    }

    private static InputStream open(String name) {
        return Objects.requireNonNull(OptimizerTest.class.getResourceAsStream(name), name);
    }

    private Map<String, Tensor> start() {
        Map<String, Tensor> start = new LinkedHashMap<>();
        for (String name : NAMES) {
            start.put(name, reference.file().tensor("start." + name));
        }
        return start;
    }

    private void step(Optimizer optimizer, Parameters parameters, double rate, int step) {
        try (PointerScope _ = new PointerScope();
                NoGradGuard _ = new NoGradGuard()) {
            parameters.gradients().zero_();
            for (String name : NAMES) {
                float[] gradient = reference
                        .array("gradients." + name)
                        .rows(step - 1, step)
                        .values();
                MemorySegment.copy(
                        MemorySegment.ofArray(gradient),
                        0,
                        parameters.memory(parameters.gradients(), name),
                        0,
                        4L * gradient.length);
            }
            optimizer.step(rate, step);
        }
    }

    private static float[] values(Parameters parameters, String name) {
        return parameters.memory(parameters.values(), name).toArray(ValueLayout.JAVA_FLOAT);
    }

    @ParameterizedTest
    @FieldSource("RUNS")
    void tenStepsAgreeWithPython(String run, double rate, OptimizerSettings settings) {
        try (Parameters parameters = new Parameters(start(), _ -> 1);
                Optimizer optimizer = Optimizer.of(settings, parameters)) {
            for (int step = 1; step <= STEPS; step++) {
                step(optimizer, parameters, rate, step);
                if (step <= 2 || step == STEPS) {
                    for (String name : NAMES) {
                        float[] actual = values(parameters, name);
                        float[] expected =
                                reference.array(run + "." + step + "." + name).values();
                        for (int i = 0; i < actual.length; i++) {
                            // what starts at 0 shows the moves alone, however small
                            float size = name.equals("zero")
                                    ? 1e-4f * Math.abs(expected[i])
                                    : 5e-7f * Math.max(1, Math.abs(expected[i]));
                            assertThat(actual[i]).as("%s after %d", name, step).isCloseTo(expected[i], within(size));
                        }
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @FieldSource("RUNS")
    void goesOnBitForBitFromItsState(String run, double rate, OptimizerSettings settings) {
        try (Parameters whole = new Parameters(start(), _ -> 1);
                Optimizer uninterrupted = Optimizer.of(settings, whole);
                Parameters second = new Parameters(start(), _ -> 1)) {
            for (int step = 1; step <= 4; step++) {
                step(uninterrupted, whole, rate, step);
            }
            try (Optimizer resumed = Optimizer.of(settings, second)) {
                copy(whole.values(), second.values());
                uninterrupted.vectors().forEach((name, state) -> copy(state, of(resumed.vectors(), name)));
                uninterrupted.others().forEach((name, state) -> copy(state, of(resumed.others(), name)));
                for (int step = 5; step <= STEPS; step++) {
                    step(uninterrupted, whole, rate, step);
                    step(resumed, second, rate, step);
                }
                for (String name : NAMES) {
                    assertThat(values(second, name)).as(run).isEqualTo(values(whole, name));
                }
            }
        }
    }

    private static org.bytedeco.pytorch.Tensor of(Map<String, org.bytedeco.pytorch.Tensor> state, String name) {
        return Objects.requireNonNull(state.get(name), name);
    }

    private static void copy(org.bytedeco.pytorch.Tensor from, org.bytedeco.pytorch.Tensor to) {
        Tensors.memory(to).copyFrom(Tensors.memory(from));
    }

    static Stream<Arguments> fiveSteps() {
        Prodigy prodigy = Prodigy.DEFAULT;
        return Stream.of(
                Arguments.of("adamw_lr1e-3_wd1e-2", 1e-3, OptimizerSettings.DEFAULT, false),
                Arguments.of("adamw_lr5e-6_wd1e-2", 5e-6, OptimizerSettings.DEFAULT, false),
                Arguments.of("lion_lr1e-4_wd1e-2_betas0.9_0.99", 1e-4, new Lion(0.9, 0.99, 0.01), false),
                Arguments.of("sgd_nesterov_lr1e-2_mom0.9", 1e-2, Sgd.DEFAULT, false),
                Arguments.of("sgd_momentum_lr1e-2_mom0.9_wd1e-2", 1e-2, new Sgd(0.9, false, 0.01), false),
                Arguments.of("prodigy_lr1/default_wd0.01", 1.0, prodigy(0.01, false, false, 1), false),
                Arguments.of("prodigy_lr1/bias_correction", 1.0, prodigy(0.01, true, false, 1), false),
                Arguments.of("prodigy_lr1/bias_correction_safeguard", 1.0, prodigy(0.01, true, true, 1), false),
                Arguments.of("prodigy_lr1/d_coef2", 1.0, prodigy(0.01, false, false, 2), false),
                Arguments.of("adafactor_vector_lr1e-3_fixed", 1e-3, Adafactor.FIXED, false),
                Arguments.of("adafactor_matrix2x2_lr1e-3_fixed", 1e-3, Adafactor.FIXED, true),
                Arguments.of("adafactor_matrix2x2_relative_scale", 0.0, Adafactor.DEFAULT, true),
                Arguments.of(
                        "adafactor_matrix2x2_relative_scale_warmup_init",
                        0.0,
                        new Adafactor(1e-30, 1e-3, 1, -0.8, 0, 0, true, true, true),
                        true),
                Arguments.of(
                        "adafactor_vector_fixed_beta1_0.9_wd0.01",
                        1e-3,
                        new Adafactor(1e-30, 1e-3, 1, -0.8, 0.9, 0.01, false, false, false),
                        false));
    }

    private static Prodigy prodigy(double decay, boolean corrected, boolean safeguarded, double coefficient) {
        return new Prodigy(
                0.9,
                0.999,
                ROOT,
                1e-8,
                decay,
                true,
                corrected,
                safeguarded,
                1e-6,
                coefficient,
                Double.POSITIVE_INFINITY);
    }

    @ParameterizedTest
    @MethodSource
    void fiveSteps(String run, double rate, OptimizerSettings settings, boolean asMatrix) {
        JsonNode numbers = JsonMapper.shared().readTree(open("five-steps.json"));
        JsonNode expected = numbers.get("trajectories");
        for (String part : run.split("/")) {
            expected = expected.get(part);
        }
        JsonNode weights = expected.isArray() ? expected : expected.get("params");
        Shape shape = asMatrix ? Shape.of(2, 2) : Shape.of(4);
        Map<String, Tensor> start =
                Map.of("w", Tensor.of(DType.F32, shape, MemorySegment.ofArray(floats(numbers.get("initial")))));
        try (Parameters parameters = new Parameters(start, _ -> 1);
                Optimizer optimizer = Optimizer.of(settings, parameters);
                PointerScope _ = new PointerScope();
                NoGradGuard _ = new NoGradGuard()) {
            for (int step = 0; step < weights.size(); step++) {
                float[] gradient = floats(numbers.get("gradients_per_step").get(step));
                parameters
                        .view(parameters.gradients(), "w")
                        .copy_(Tensors.of(FloatArray.of(gradient, asMatrix ? new int[] {2, 2} : new int[] {4})));
                optimizer.step(rate, step + 1);
                float[] due = floats(weights.get(step));
                float[] actual = values(parameters, "w");
                for (int i = 0; i < due.length; i++) {
                    assertThat(actual[i]).as("step %d", step + 1).isCloseTo(due[i], within(5e-7f));
                }
            }
        }
    }

    private static float[] floats(JsonNode array) {
        float[] values = new float[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.get(i).floatValue();
        }
        return values;
    }

    @ParameterizedTest
    @FieldSource("RUNS")
    void aFactorIsAsGoodAsAnotherRate(String run, double rate, OptimizerSettings settings) {
        if (settings instanceof Prodigy) {
            assertThatThrownBy(() -> {
                        try (Parameters parameters = new Parameters(start(), name -> name.equals("zero") ? 0.5 : 1);
                                Optimizer _ = Optimizer.of(settings, parameters)) {}
                    })
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("one learning rate");
            return;
        }
        boolean ignoresRate = settings instanceof Adafactor adafactor && adafactor.relativeStep();
        try (Parameters mixed = new Parameters(start(), name -> name.equals("matrix") ? 0.25 : 1);
                Optimizer one = Optimizer.of(settings, mixed);
                Parameters slow = new Parameters(start(), _ -> ignoresRate ? 0.25 : 1);
                Optimizer other = Optimizer.of(settings, slow)) {
            for (int step = 1; step <= 3; step++) {
                step(one, mixed, rate, step);
                step(other, slow, rate / 4, step);
            }
            assertThat(values(mixed, "matrix")).isEqualTo(values(slow, "matrix"));
            assertThat(values(mixed, "vector")).isNotEqualTo(values(slow, "vector"));
        }
    }

    @Test
    void warmupInitNeedsRelativeStep() {
        assertThatThrownBy(() -> new Adafactor(1e-30, 1e-3, 1, -0.8, 0, 0, false, false, true))
                .hasMessageContaining("relative_step");
    }
}
