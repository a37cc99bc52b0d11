package dev.atelier.merge.expression;

import static dev.atelier.merge.ModelFile.UNET;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Slim;
import dev.atelier.merge.Merge;
import dev.atelier.merge.MergeMethod;
import dev.atelier.merge.MergeMethods;
import dev.atelier.merge.ModelFile;
import dev.atelier.merge.Multipliers;
import dev.atelier.merge.Parameter;
import dev.atelier.merge.Tensors;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What expressions compute, which bits, and what they say of mistakes. */
class ModelExpressionTest {
    private static final Map<String, Path> FILES = Map.of(
            "A", reference("a"),
            "B", reference("b"),
            "C", reference("c"),
            "sd-v1-5", reference("a"),
            "inpainting", reference("inpaint-a"));

    private static final ModelNames NAMES = new ModelNames() {
        @Override
        public Optional<Path> find(String name) {
            return Optional.ofNullable(FILES.get(name));
        }

        @Override
        public Collection<String> known() {
            return FILES.keySet();
        }
    };

    private static final Checkpoint A = Checkpoints.open(FILES.get("A"));
    private static final Checkpoint B = Checkpoints.open(FILES.get("B"));
    private static final Checkpoint C = Checkpoints.open(FILES.get("C"));

    private static Path reference(String name) {
        try {
            return Path.of(ModelFile.class.getResource(name + ".safetensors").toURI());
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    private static Checkpoint resolved(String expression) {
        return ModelExpression.parse(expression).resolve(NAMES).checkpoint();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0.7*A + 0.3*B",
                "0.7 * A+0.3 * B",
                "(1 - 0.3)*A + 0.3*B",
                "A*0.7 + B*3 / 10",
                "A*0.7 - -0.3*B",
                "weighted-sum(A, B, 0.3)",
                "weighted-sum(A, B)",
                "weighted-sum(A, B, alpha=0.3)",
                "A.weighted-sum(B, 0.3)",
                "0.7*\"A\" + 0.3*'B'"
            })
    void aWeightedSumHasTheBitsOfTheWebUi(String expression) {
        Tensors.assertSame(resolved(expression), Checkpoints.open(reference("weighted-sum-0.3")));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "A + 0.7*(B - C)",
                "A + 0.7*B - 0.7*C",
                "add-difference(A, B, C, 0.7)",
                "add-difference(A, B, C, alpha=0.7)",
                "(A + (B - C)*0.7)"
            })
    void anAddedDifferenceHasTheBitsOfTheWebUi(String expression) {
        Tensors.assertSame(resolved(expression), Checkpoints.open(reference("add-difference-0.7")));
    }

    @Test
    void anythingElseIsSummedExactlyAndRoundedOnce() {
        MergeMethod linear = MergeMethods.named("linear");
        Checkpoint expected = Merge.with(
                linear,
                linear.settings(Map.of("weights", "0.5,0.3,0.2", "normalize", "false")),
                List.of(A, B, C),
                Multipliers.NONE,
                _ -> true);
        Tensors.assertSame(resolved("0.5*A + 0.3*B + 0.2*C"), expected);
        Tensors.assertSame(resolved("0.5*(A + 0.6*B) + 0.2*C"), expected);
    }

    /** What {@code C} shares with {@code A} and {@code B} at one place of an fp32 tensor, added up by hand. */
    @Test
    void coefficientsAreThoseOfTheFormula() {
        String name = "cond_stage_model.transformer.text_model.final_layer_norm.weight";
        double a = Tensors.floats(A.tensor(name))[3];
        double b = Tensors.floats(B.tensor(name))[3];
        double c = Tensors.floats(C.tensor(name))[3];
        assertThat(Tensors.floats(resolved("A + 0.5*(B - C) - 0.25*(A - C)/2").tensor(name))[3])
                .isEqualTo((float) (a * 0.875 + b * 0.5 - c * 0.375));
    }

    static Stream<String> methods() {
        return MergeMethods.all().stream().map(MergeMethod::name);
    }

    /** Every method of the catalogue under its name, with all of its parameters by name. */
    @ParameterizedTest
    @MethodSource("methods")
    void everyMethodIsAFunction(String name, @TempDir Path folder) {
        ModelFile file = new ModelFile().floats(UNET + "out.2.weight", Shape.of(2, 2), 1, 2, 3, 5);
        file.in(folder, "x.safetensors");
        new ModelFile()
                .floats(UNET + "out.2.weight", Shape.of(2, 2), 1, 7, 2, 4)
                .in(folder, "y.safetensors");
        MergeMethod method = MergeMethods.named(name);
        int count = IntStream.rangeClosed(1, 4)
                .filter(n -> accepts(method, n))
                .findFirst()
                .orElseThrow();
        List<String> models =
                IntStream.range(0, count).mapToObj(i -> i % 2 == 0 ? "x" : "y").toList();
        String named = method.parameters().stream()
                .map(parameter -> ", %s=\"%s\"".formatted(parameter.name(), parameter.standardText()))
                .collect(Collectors.joining());
        ModelNames names = new ModelFolders(List.of(folder));
        Checkpoint expected = Merge.with(
                method,
                method.settings(Map.of()),
                models.stream()
                        .map(model -> Checkpoints.open(folder.resolve(model + ".safetensors")))
                        .toList(),
                Multipliers.NONE,
                _ -> true);
        for (String arguments : List.of(named + ", compat=none", ", compat=none")) {
            Checkpoint actual = ModelExpression.parse("%s(%s%s)".formatted(name, String.join(", ", models), arguments))
                    .resolve(names)
                    .checkpoint();
            Tensors.assertSame(actual, expected);
        }
        assertThat(method.parameters().stream().map(Parameter::name)).doesNotContainAnyElementsOf(MergeCall.COMMON);
        assertThat(ModelFunction.names()).doesNotContain(name);
    }

    private static boolean accepts(MergeMethod method, int count) {
        try {
            method.requireModels(count);
            return true;
        } catch (IllegalArgumentException _) {
            return false;
        }
    }

    @Test
    void functionsChain() {
        Tensors.assertSame(
                resolved("(0.7*A + 0.3*B).prune().fp16()"),
                Slim.prune(Merge.weightedSum(A, B, 0.3)).cast(DType.F16));
        Tensors.assertSame(resolved("bf16(A.drop-ema())"), Slim.dropEma(A).cast(DType.BF16));
        Tensors.assertSame(
                resolved("slerp(A, 0.5*B + 0.5*C, 0.4).fp32()"),
                resolved("A.slerp(weighted-sum(B, C, 0.5), t=0.4).fp32()"));
    }

    @Test
    void blockWeightsAndFiltersAreArguments() {
        Checkpoint merged = resolved("weighted-sum(A, B, 0.3, only=\"^first_stage\", vae=1)");
        String vae = "first_stage_model.post_quant_conv.weight";
        Tensors.assertSame(vae, merged.tensor(vae), B.tensor(vae));
        Tensors.assertSame(
                UNET + "out.2.weight", merged.tensor(UNET + "out.2.weight"), A.tensor(UNET + "out.2.weight"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "A.safetensors",
                "my model (v2) + more.safetensors",
                "0.7",
                "it's.safetensors",
                "two \"words\".safetensors",
                "fp16(x).safetensors",
                "a-b_c.d,e:f=g.safetensors",
                "模型 1.safetensors"
            })
    void aFileThatExistsIsAnExpressionWhateverItIsCalled(String name, @TempDir Path folder) throws Exception {
        Files.copy(reference("a"), folder.resolve(name));
        ModelNames names = file -> ModelNames.PATHS.find(folder + "/" + file);
        ModelExpression expression = ModelExpression.of(name, names);
        assertThat(expression.singleName()).contains(name);
        assertThat(expression.swappedVae()).isEmpty();
        assertThat(expression.resolve(names).inputs().values()).containsExactly(folder.resolve(name));
        Checkpoint half = ModelExpression.call("fp16", List.of(expression), Map.of())
                .resolve(names)
                .checkpoint();
        Tensors.assertSame(half, A.cast(DType.F16));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "C:\\models\\a.v2-final.safetensors",
                "d:/models/a.safetensors",
                "~/models/a.safetensors",
                "/models/sub-dir/a.ckpt",
                "../a.b.c",
                "sd-v1-5-pruned",
                "2024/model",
                "モデル-1"
            })
    void pathsAreNamesWithoutQuotes(String path) {
        ModelNames names = name -> name.equals(path) ? Optional.of(FILES.get("A")) : Optional.empty();
        Tensors.assertSame(
                ModelExpression.parse("(%s).fp16()".formatted(path))
                        .resolve(names)
                        .checkpoint(),
                A.cast(DType.F16));
        Tensors.assertSame(
                ModelExpression.parse("%s.fp16()".formatted(path))
                        .resolve(names)
                        .checkpoint(),
                A.cast(DType.F16));
    }

    @Test
    void inputsAreNamedInOrderOfAppearanceAndOpenedOnce() {
        ResolvedModel model = ModelExpression.parse("B + 0.5*(A - B)").resolve(NAMES);
        assertThat(model.inputs().keySet()).containsExactly("B", "A");
        assertThat(model.checkpoint().sources()).containsExactly(FILES.get("B"), FILES.get("A"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            0.7*A + 0.3*Bee | 12 | there is no such file or model as "Bee"
            0.7*A + 0.3*inpaintng | 12 | did you mean "inpainting"?
            paint | 0 | did you mean "inpainting"?
            A-B | 0 | around a minus or a division write spaces
            A + | 3 | the expression ends here, where a model
            A B | 2 | "B" stands here, where an operator
            (A + B | 6 | the expression ends here, where ) or , is expected
            A $ B | 2 | cannot be part of an expression
            "A | 0 | not closed
            slrp(A, B) | 0 | there is no function "slrp"; did you mean "slerp"
            A.slrp(B) | 2 | there is no function "slrp"
            slerp(A, B, 2, tt=3) | 15 | slerp has no parameter "tt"
            ties(A, B, density=3) | 11 | density must be between 0 and 1
            slerp(A) | 0 | slerp merges 2 models, but 1 is given
            slerp(0.5, A, B) | 11 | models come before numbers
            max(A, B, 0.5) | 10 | models only
            slerp(A, B, 0.4, t=0.4) | 17 | t is given twice
            A - B | 2 | a difference of models is no model
            0.3 | 0 | this is a number
            A*B | 1 | multiplied and divided by numbers only
            2/A | 0 | there is no such file
            2 / A | 2 | multiplied and divided by numbers only
            A/0 | 0 | no such file
            (A)/0 | 3 | divided by 0
            A + 1 | 2 | a number and a model cannot be added
            A.prune(B) | 2 | prune takes a model and nothing else
            prune(A, strength=1) | 0 | prune takes a model and nothing else
            slerp(A:1, B) | 8 | only a LoRA is followed by a colon
            slerp(A, B, only="[") | 0 | not a regular expression
            inpainting + 0.5*(B - inpainting).prune() | 20 | a difference
            """)
    void aMistakeIsShownWhereItIs(String expression, int position, String problem) {
        ExpressionException mistake = catchThrowableOfType(ExpressionException.class, () -> resolved(expression));
        assertThat(mistake).isNotNull();
        assertThat(mistake.problem()).contains(problem);
        assertThat(mistake.position()).as(mistake.getMessage()).isEqualTo(position);
        assertThat(mistake.getMessage().lines().skip(1))
                .containsExactly("  " + expression, "  " + " ".repeat(position) + "^");
    }

    @Test
    void ofALongExpressionThePlaceIsShown() {
        String long1 = IntStream.range(0, 100).mapToObj(_ -> "0.1*A").collect(Collectors.joining(" + "));
        ExpressionException mistake =
                catchThrowableOfType(ExpressionException.class, () -> resolved(long1 + " + 0.1*Bee + " + long1));
        List<String> lines = mistake.getMessage().lines().toList();
        assertThat(lines.get(1)).hasSizeLessThan(110);
        assertThat(lines.get(1).substring(lines.get(2).indexOf('^'))).startsWith("Bee");
    }

    @Test
    void lengthAndDepthAreBounded() {
        assertThatThrownBy(() -> ModelExpression.parse("A".repeat(ModelExpression.MAX_LENGTH + 1)))
                .isInstanceOf(ExpressionException.class)
                .hasMessageContaining("10001 characters");
        for (String opening : List.of("(", "-", "prune(", "\"", "'", "1*(")) {
            assertThatThrownBy(() ->
                            ModelExpression.parse(opening.repeat(ModelExpression.MAX_LENGTH / opening.length() - 1)))
                    .as(opening)
                    .isInstanceOf(ExpressionException.class);
        }
        assertThatThrownBy(() -> ModelExpression.parse("A" + ".prune()".repeat(1000)))
                .hasMessageContaining("nested more than");
        for (String operator : List.of("+A", "*1", " - A")) {
            assertThatThrownBy(() -> ModelExpression.parse("A" + operator.repeat(2000)))
                    .hasMessageContaining("more than 500 operators");
        }
        assertThat(resolved("A" + " + 2*A - A".repeat(160)).tensors()).isNotEmpty();
    }

    @Test
    void aModelWithAnotherVaeIsToldFromOtherExpressions() {
        assertThat(ModelExpression.parse("vae(\"a b\", B)").swappedVae())
                .contains(new ModelExpression.SwappedVae("a b", "B"));
        for (String other : List.of("vae(0.5*A + 0.5*B, C)", "vae(A, fp16(B))", "A", "clip(A, B)")) {
            assertThat(ModelExpression.parse(other).swappedVae()).isEmpty();
        }
    }
}
