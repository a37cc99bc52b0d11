package dev.atelier.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What holds for every method of the catalogue. */
class MergeMethodsTest {
    static final List<String> METHODS =
            MergeMethods.all().stream().map(MergeMethod::name).toList();

    /** Methods that do not lie between their inputs, so that equal inputs need not come out again. */
    private static final Set<String> NOT_BETWEEN = Set.of("subtract", "sigmoid-sum", "perpendicular", "plus-random");

    private static Tensor merge(String name, List<Tensor> inputs) {
        MergeMethod method = MergeMethods.named(name);
        Operands in = new Operands("model.diffusion_model.x.weight", inputs);
        return method.over(List.of(in)).of(in, method.settings(Map.of()));
    }

    /** As many models as the method needs. */
    private static List<Tensor> models(String name, DType dtype, Shape shape, IntFunction<double[]> values) {
        return IntStream.rangeClosed(1, 9)
                .filter(count -> takes(MergeMethods.named(name), count))
                .limit(1)
                .boxed()
                .flatMap(count -> IntStream.range(0, count).boxed())
                .<Tensor>map(model -> new InMemory(dtype, shape, values.apply(model)))
                .toList();
    }

    private static boolean takes(MergeMethod method, int count) {
        try {
            method.requireModels(count);
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private static double[] random(long seed, int count) {
        Random random = new Random(seed);
        return random.doubles(count, -1, 1).toArray();
    }

    /** mergekit 0.1.4 (a6e4028), ramplus_tl with r 0.1, alpha 0.2 on PyTorch 2.13, which computes the factors in fp32. */
    @Test
    void ramplusGivesTheNumbersOfMergekit() {
        List<Tensor> inputs = List.of(
                InMemory.exact(0.5, -1.25, 2, 0.125, 1.5, 0.75, -0.5, 3),
                InMemory.exact(0.75, -1.25, 2, -0.375, 1.5, 1.75, -0.375, 3),
                InMemory.exact(1, -0.5, 2, 0.125, 1.5, 0.5, -0.5, 3),
                InMemory.exact(0.5, -1.25, 2, 1.125, 1.500005, 0.75, -0.5, 1));
        assertThat(read(merge("ramplus", inputs)))
                .containsExactly(
                        new double[] {
                            0.875, -0.48500001430511475, 2, 0.375, 1.5, 1.125, -0.3725000023841858, 0.9600000381469727
                        },
                        within(1e-7));
    }

    @Test
    void methodsOfOneOperationAreThatOperation() {
        Tensor a = InMemory.exact(1.5, -2, 0.25);
        Tensor b = InMemory.exact(0.5, 3, 0.25);
        assertThat(read(merge("subtract", List.of(a, b)))).containsExactly(1, -5, 0);
        for (String method : List.of("scale", "self")) {
            MergeMethod scale = MergeMethods.named(method);
            Operands in = new Operands("model.diffusion_model.x.weight", List.of(a));
            assertThat(read(scale.over(List.of(in)).of(in, scale.settings(Map.of("alpha", "-2")))))
                    .containsExactly(-3, 4, -0.5);
        }
    }

    /** Bit for bit what a loop over the elements gives. */
    @Test
    void aLinearCombinationIsSummedInFp64AndRoundedOnce() {
        int count = 16_000;
        List<Tensor> inputs = IntStream.range(0, 5)
                .<Tensor>mapToObj(model -> new InMemory(DType.F16, Shape.of(count), random(model, count)))
                .toList();
        double[] weights = {0.3, -1.7, 0.1, 2.9, 1e-3};
        MergeMethod linear = MergeMethods.named("linear");
        Operands in = new Operands("model.x", inputs);
        double[] actual =
                read(linear.over(List.of(in)).of(in, linear.settings(Map.of("weights", "0.3,-1.7,0.1,2.9,0.001"))));
        List<double[]> values = inputs.stream().map(MergeMethodsTest::read).toList();
        for (int i = 0; i < count; i++) {
            double total = 0;
            for (int model = 0; model < weights.length; model++) {
                total += weights[model] * values.get(model)[i];
            }
            float sum = (float) (total / Arrays.stream(weights).sum());
            assertThat(actual[i]).isEqualTo(Float.float16ToFloat(Float.floatToFloat16(sum)));
        }
    }

    @Test
    void namesAreUniqueAndEverythingIsDocumented() {
        assertThat(METHODS).doesNotHaveDuplicates().allMatch(name -> name.matches("[a-z]+(-[a-z]+)*"));
        for (MergeMethod method : MergeMethods.all()) {
            assertThat(method.formula()).as(method.name()).isNotBlank();
            assertThat(method.source()).as(method.name()).isNotBlank();
            assertThat(method.inputs()).as(method.name()).isNotEmpty();
            assertThat(method.parameters().stream().map(Parameter::name))
                    .as(method.name())
                    .doesNotHaveDuplicates();
            for (Parameter<?> parameter : method.parameters()) {
                assertThat(parameter.parse(parameter.standardText()))
                        .as("%s %s", method, parameter.name())
                        .isEqualTo(parameter.standard());
            }
        }
    }

    @ParameterizedTest
    @FieldSource("METHODS")
    void aTensorReadInPiecesAndReadAgainIsTheSame(String method) {
        Shape shape = Shape.of(64, 32, 3, 3); // a little more than a block
        int count = (int) shape.elements();
        Tensor merged = merge(method, models(method, DType.F16, shape, model -> random(model, count)));

        byte[] whole = Tensors.bits(merged);
        byte[] pieces = new byte[whole.length];
        for (int offset = pieces.length; offset > 0; ) {
            int length = Math.min(2 * 5001, offset); // from the end on, unlike a writer
            offset -= length;
            merged.read(offset, MemorySegment.ofArray(pieces).asSlice(offset, length));
        }

        assertThat(merged.dtype()).isEqualTo(DType.F16);
        assertThat(merged.shape()).isEqualTo(shape);
        assertThat(pieces).isEqualTo(whole);
        assertThat(Tensors.bits(merged)).isEqualTo(whole);
    }

    @ParameterizedTest
    @FieldSource("METHODS")
    void modelsThatAreAllAlikeStayAsTheyAre(String method) {
        Shape shape = Shape.of(6, 5);
        double[] values = random(7, 30);
        double[] merged = read(merge(method, models(method, DType.F64, shape, _ -> values.clone())));

        if (NOT_BETWEEN.contains(method)) {
            assertThat(merged).isNotEqualTo(values);
        } else if (method.equals("fisher")) {
            double[] positive = Arrays.stream(values).map(Math::abs).toArray();
            assertThat(read(merge(method, models(method, DType.F64, shape, _ -> positive))))
                    .containsExactly(positive, within(1e-9));
        } else {
            assertThat(merged).containsExactly(values, within(1e-9));
        }
    }

    @ParameterizedTest
    @FieldSource("METHODS")
    void zerosScalarsAndEmptyTensorsGiveNumbers(String method) {
        for (Shape shape : List.of(Shape.of(4, 3), Shape.of(3), Shape.of(1), Shape.of(), Shape.of(0), Shape.of(2, 0))) {
            int count = (int) shape.elements();
            assertThat(read(merge(method, models(method, DType.F64, shape, _ -> new double[count]))))
                    .as("zeros %s", shape)
                    .hasSize(count)
                    .doesNotContain(Double.NaN);
            assertThat(read(merge(method, models(method, DType.F64, shape, model -> random(model, count)))))
                    .as("numbers %s", shape)
                    .hasSize(count)
                    .doesNotContain(Double.NaN);
        }
    }

    private static double[] read(Tensor tensor) {
        double[] values = new double[(int) tensor.shape().elements()];
        tensor.read(0, values, values.length);
        return values;
    }

    @ParameterizedTest
    @ValueSource(strings = {"dare", "della", "dropout", "plus-random"})
    void aRandomMethodDependsOnSeedAndNameOnly(String name) {
        MergeMethod method = MergeMethods.named(name);
        Shape shape = Shape.of(20, 30);
        List<Tensor> inputs = models(name, DType.F64, shape, model -> random(model, 600));

        double[] once = run(method, "model.a", inputs, "1");
        assertThat(run(method, "model.a", inputs, "1")).isEqualTo(once);
        assertThat(run(method, "model.a", inputs, "2")).isNotEqualTo(once);
        assertThat(run(method, "model.b", inputs, "1")).isNotEqualTo(once);
    }

    private static double[] run(MergeMethod method, String key, List<Tensor> inputs, String seed) {
        Operands in = new Operands(key, inputs);
        return read(method.over(List.of(in)).of(in, method.settings(Map.of("seed", seed))));
    }

    @Test
    void masksKeepTheShareThatTheyShould() {
        Operands in = new Operands("model.a", List.of(InMemory.exact(new double[10_000])));
        for (RandomStream stream : RandomStream.values()) {
            RandomStream.Mask mask = stream.mask(3, in, 2, (model, _) -> model == 0 ? 0.1 : 0.7);
            for (int model = 0; model < 2; model++) {
                int of = model;
                long kept = IntStream.range(0, 10_000)
                        .filter(i -> mask.keeps(of, i))
                        .count();
                // four standard deviations
                assertThat((double) kept).as(stream.name()).isCloseTo(model == 0 ? 1000 : 7000, within(190.0));
            }
        }
    }

    @Test
    void addedNoiseIsNormal() {
        Tensor noisy = merge("plus-random", List.of(InMemory.exact(new double[10_000])));
        double[] values = read(noisy);

        assertThat(Arrays.stream(values).average().orElseThrow()).isCloseTo(0, within(0.0004));
        assertThat(Math.sqrt(Arrays.stream(values).map(v -> v * v).average().orElseThrow()))
                .isCloseTo(0.01, within(0.0003));
        assertThat(Arrays.stream(values).filter(v -> Math.abs(v) < 0.01).count() / 10_000.0)
                .isCloseTo(0.6827, within(0.02));
    }

    @Test
    void aKroneckerProductIsItsOwnNearest() {
        double[] left = random(1, 4 * 2);
        double[] right = random(2, 3 * 5);
        double[] product = new double[12 * 10];
        for (int i = 0; i < product.length; i++) {
            int row = i / 10;
            int column = i % 10;
            product[i] = left[row / 3 * 2 + column / 5] * right[row % 3 * 5 + column % 5];
        }
        Shape shape = Shape.of(12, 10);
        assertThat(Kronecker.factors(shape, 0.434)).containsExactly(4L, 3L, 2L, 5L);
        assertThat(nearestKronecker(product, shape, 0.434)).containsExactly(product, within(1e-12));
    }

    /** NumPy 2's singular value decomposition of the rearranged matrix, whose largest values are 5.59 and 5.20. */
    @Test
    void theNearestKroneckerProductIsThatOfTheSingularValueDecomposition() {
        Shape shape = Shape.of(24, 20);
        double[] values = IntStream.range(0, 480)
                .mapToDouble(i -> Math.sin((double) i * i * 0.37 + 1))
                .toArray();
        assertThat(Kronecker.factors(shape, 0.5)).containsExactly(4L, 6L, 5L, 4L);
        double[] nearest = nearestKronecker(values, shape, 0.5);
        assertThat(IntStream.of(0, 1, 77, 250, 479).mapToDouble(i -> nearest[i]))
                .usingElementComparator((a, b) -> Math.abs(a - b) < 1e-10 ? 0 : 1)
                .containsExactly(
                        -0.10501081607807905,
                        -0.22266095853877432,
                        0.023292959631653985,
                        0.2301323786493813,
                        0.8133138194166658);
    }

    private static double[] nearestKronecker(double[] values, Shape shape, double ratio) {
        Tensor zeros = new InMemory(DType.F64, shape, new double[values.length]);
        Operands in = new Operands("x", List.of(zeros, new InMemory(DType.F64, shape, values)));
        LowRank.Element nearest = Kronecker.nearest(in, ratio);
        return IntStream.range(0, values.length).mapToDouble(nearest::of).toArray();
    }

    @Test
    void anOrderStatisticIsTheSortedElement() {
        double[] values = Arrays.stream(random(5, 40_000))
                .map(v -> Math.rint(v * 500) / 8)
                .toArray();
        double[] sorted = Arrays.stream(values).map(Math::abs).sorted().toArray();
        Operands in = new Operands("x", List.of(InMemory.exact(values)));
        for (long k : new long[] {0, 1, 777, 20_000, 39_999}) {
            OrderStatistic found = OrderStatistic.of(in, k, (x, _) -> Math.abs(x[0]));
            assertThat(found.value()).isEqualTo(sorted[(int) k]);
            assertThat(Math.abs(values[(int) found.index()])).isEqualTo(found.value());
            long atLeast = IntStream.range(0, values.length)
                    .filter(i -> found.atMost(Math.abs(values[i]), i))
                    .count();
            assertThat(atLeast).isEqualTo(40_000 - k);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 12, 77, 97})
    void theFourierTransformIsItsDefinitionAndBack(int n) {
        float[] real = singles(random(n, 2 * n * 3));
        float[] imaginary = singles(random(n + 1, 2 * n * 3));
        float[] transformed = real.clone();
        float[] transformedImaginary = imaginary.clone();

        Fourier.transform(transformed, transformedImaginary, n, 3, -1);
        for (int k = 0; k < n; k++) {
            double sum = 0;
            for (int i = 0; i < n; i++) {
                double angle = -2 * Math.PI * k * i / n;
                sum += real[n * 3 + i * 3 + 1] * Math.cos(angle) - imaginary[n * 3 + i * 3 + 1] * Math.sin(angle);
            }
            assertThat(transformed[n * 3 + k * 3 + 1]).isCloseTo((float) sum, within(2e-6f));
        }
        Fourier.transform(transformed, transformedImaginary, n, 3, 1);
        assertThat(transformed).containsExactly(real, within(1e-6f));
        assertThat(transformedImaginary).containsExactly(imaginary, within(1e-6f));
    }

    private static float[] singles(double[] values) {
        float[] singles = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            singles[i] = (float) values[i];
        }
        return singles;
    }

    /** A line of one row, of rows and columns, and the axes of a tensor, the longest even or odd: what passes is what should. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 9, 4000, 6000, 4913})
    void aFilteredLineIsTheInverseOfItsFilteredTransform(int n) {
        double[] values = random(n, n);
        Spectrum spectrum = Spectrum.ofLine(n);
        IntStream.range(0, n).forEach(i -> spectrum.set(i, values[i]));
        spectrum.filter(frequencies -> {
            int frequency = frequencies[0] + spectrum.rows() * frequencies[1];
            return 1.0 / (1 + Math.min(frequency, n - frequency));
        });
        float[] real = singles(values);
        float[] imaginary = new float[n];
        Fourier.transform(real, imaginary, n, 1, -1);
        for (int i = 0; i < n; i++) {
            float share = 1f / (1 + Math.min(i, n - i));
            real[i] *= share;
            imaginary[i] *= share;
        }
        Fourier.transform(real, imaginary, n, 1, 1);
        for (int i = 0; i < n; i++) {
            assertThat(spectrum.get(i)).isCloseTo(real[i], within(1e-6f));
        }
    }

    @Test
    void ranksAreWhatSortingGivesWhereverManyValuesAreEqual() {
        double[] values = random(3, 50_000);
        for (int i = 0; i < values.length; i++) {
            values[i] = i % 3 == 0 ? 0 : Math.rint(values[i] * 1000) / 64;
        }
        int[] order = Order.ascending(values);
        int[] ranks = Order.ranks(new Operands("x", List.of(InMemory.exact(values))), 1000, (x, _) -> x[0]);
        for (int rank = 0; rank < order.length; rank++) {
            assertThat(ranks[order[rank]]).isEqualTo(rank);
        }
    }

    @Test
    void mistakesInSettingsAreNamed() {
        MergeMethod slerp = MergeMethods.named("slerp");

        assertThatIllegalArgumentException()
                .isThrownBy(() -> MergeMethods.named("lerp"))
                .withMessageContaining("no merge method \"lerp\"")
                .withMessageContaining("weighted-sum");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> slerp.settings(Map.of("beta", "1")))
                .withMessage("slerp has no parameter \"beta\"; it has t, variant");
        for (String wrong : new String[] {"half", "", "NaN", "Infinity"}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> slerp.settings(Map.of("t", wrong)))
                    .withMessage("slerp: t must be any number, not \"%s\"", wrong);
        }
        assertThatIllegalArgumentException()
                .isThrownBy(() -> slerp.settings(Map.of("variant", "mecha")))
                .withMessageContaining("norm-interpolating, mergekit");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> slerp.requireModels(3))
                .withMessage("slerp merges 2 models, but 3 are given; it takes A, B");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> MergeMethods.named("della").settings(Map.of("normalize", "yes")))
                .withMessageContaining("true or false");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> MergeMethods.named("dare").settings(Map.of("seed", "1.5")))
                .withMessageContaining("a whole number");
    }

    @Test
    void weightsMustFitTheModels() {
        MergeMethod linear = MergeMethods.named("linear");
        Operands in = new Operands(
                "x", Stream.<Tensor>generate(() -> InMemory.exact(1)).limit(3).toList());

        assertThatIllegalArgumentException()
                .isThrownBy(() -> linear.over(List.of(in)).of(in, linear.settings(Map.of("weights", "1,2"))))
                .withMessage("weights has 2 numbers, but there are 3 models");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> linear.over(List.of(in)).of(in, linear.settings(Map.of("weights", "1,-2,1"))))
                .withMessageContaining("must not sum to 0");
    }
}
