package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class InfotextTest {

    private static Infotext infotext(String prompt, String negativePrompt, ModelLabel model) {
        GenerationRequest request = GenerationRequest.of(prompt)
                .negativePrompt(negativePrompt)
                .sampler("Euler")
                .seed(42)
                .size(512, 768)
                .rng(NoiseSource.CPU);
        return Infotext.of(request, 0, model, "Atelier 1.0");
    }

    private static Infotext infotext(String prompt, String sampler, SamplerOptions options, EmphasisMode emphasis) {
        return Infotext.of(
                GenerationRequest.of(prompt)
                        .sampler(sampler)
                        .seed(42)
                        .size(512, 768)
                        .rng(NoiseSource.CPU)
                        .samplerOptions(options)
                        .emphasis(emphasis),
                0,
                new ModelLabel("m", null),
                "Atelier 1.0");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    Euler         | Sampler: Euler, Schedule type: Automatic       | Sigma churn: 3.0, Sigma tmin: 0.05, Sigma tmax: 50.0, Sigma noise: 1.003
                    Euler a       | Sampler: Euler a, Schedule type: Automatic     | Eta: 0.5
                    DPM2 a Simple | Sampler: DPM2 a, Schedule type: Simple         | Eta: 0.5, Sigma noise: 1.003
                    DPM++ 2M SDE  | Sampler: DPM++ 2M SDE, Schedule type: Exponential | Eta: 0.5, Sigma noise: 1.003
                    DDIM          | Sampler: DDIM, Schedule type: Automatic        | Eta DDIM: 0.5
                    LMS Normal    | Sampler: LMS, Schedule type: Normal            |
                    """)
    void aSamplersOwnSettingsAreWrittenAndReadBack(String sampler, String names, @Nullable String settings) {
        SamplerOptions options = new SamplerOptions(0.5, 3, 0.05, 50, 1.003);
        Infotext infotext = infotext("a (cat)", sampler, options, EmphasisMode.NO_NORM);
        String written = settings == null ? "" : settings + ", ";
        assertThat(infotext.text())
                .contains(names)
                .endsWith("RNG: CPU, " + written + "Emphasis: No norm, Version: Atelier 1.0");
        assertThat(Infotext.parse(infotext.text())).isEqualTo(infotext);
    }

    @ParameterizedTest
    @CsvSource({"Euler", "Euler a", "DDIM", "DPM fast", "DPM++ SDE"})
    void defaultsAreNotWritten(String sampler) {
        assertThat(infotext("a cat", sampler, SamplerOptions.DEFAULT, EmphasisMode.IGNORE)
                        .text())
                .endsWith("RNG: CPU, Version: Atelier 1.0");
        assertThat(infotext("(a cat)", sampler, SamplerOptions.DEFAULT, EmphasisMode.ORIGINAL)
                        .text())
                .endsWith("RNG: CPU, Version: Atelier 1.0");
    }

    @Test
    void withoutNegativePromptAndHashTheirPartsAreLeftOut() {
        assertThat(infotext("a cat", "", new ModelLabel("m", null)).text()).isEqualTo("""
                        a cat
                        Steps: 20, Sampler: Euler, Schedule type: Automatic, CFG scale: 7.0, Seed: 42, Size: 512x768, \
                        Model: m, RNG: CPU, Version: Atelier 1.0""");
    }

    @Test
    void withoutAPromptOnlyTheParametersRemain() {
        assertThat(infotext("", "", new ModelLabel("m", null)).text()).startsWith("Steps: 20, ");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
                    plain-name_v1.5       | Model: plain-name_v1.5, RNG
                    0.7*anime + 0.3*photo | Model: 0.7*anime + 0.3*photo, RNG
                    lora(A, style:0.6)    | Model: "lora(A, style:0.6)", RNG
                    a:"b\\c"              | Model: "a:\\"b\\\\c\\"", RNG
                    "quoted"              | Model: "\\"quoted\\"", RNG
                    ` blank`              | Model: " blank", RNG
                    猫:モデル               | Model: "猫:モデル", RNG
                    """)
    void valuesAreQuotedOnlyWhereTheyWouldNotReadBack(String name, String expected) {
        Infotext infotext = infotext("a", "b", new ModelLabel(name, null));
        assertThat(infotext.text()).contains(expected);
        assertThat(Infotext.parse(infotext.text())).isEqualTo(infotext);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "a cat",
                "",
                "two\nlines, Steps: 3",
                "猫、かわいい 🐱, (best:1.2)",
                "ends with a colon:",
                "Steps: 1, Sampler: x, Seed: 2"
            })
    void whatIsWrittenReadsBack(String prompt) {
        Infotext infotext = infotext(prompt, "blurry,\nlow quality", new ModelLabel("line\nbreak\t\u0001", "00ff"));
        assertThat(Infotext.parse(infotext.text())).isEqualTo(infotext);
    }

    @Test
    void parametersKeepTheirOrder() {
        Infotext infotext = infotext("a", "b", new ModelLabel("m", "00ff"));
        assertThat(Infotext.parse(infotext.text()).parameters().keySet())
                .containsExactly(
                        "Steps",
                        "Sampler",
                        "Schedule type",
                        "CFG scale",
                        "Seed",
                        "Size",
                        "Model hash",
                        "Model",
                        "RNG",
                        "Version");
    }

    @Test
    void automatic1111sOwnInfotextIsRead() {
        Infotext infotext = Infotext.parse("""
                a cat
                Negative prompt: blurry
                Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7.0, Seed: 42, Size: 512x512, \
                Model hash: 6ce0161689, Model: v1-5-pruned-emaonly, Clip skip: 2, Lora hashes: "style: 0123456789ab", \
                Version: v1.10.1""");
        Map<String, String> expected = new LinkedHashMap<>();
        expected.put("Steps", "20");
        expected.put("Sampler", "DPM++ 2M");
        expected.put("Schedule type", "Karras");
        expected.put("CFG scale", "7.0");
        expected.put("Seed", "42");
        expected.put("Size", "512x512");
        expected.put("Model hash", "6ce0161689");
        expected.put("Model", "v1-5-pruned-emaonly");
        expected.put("Clip skip", "2");
        expected.put("Lora hashes", "style: 0123456789ab");
        expected.put("Version", "v1.10.1");
        assertThat(infotext).isEqualTo(new Infotext("a cat", "blurry", expected));
    }

    @Test
    void aTextWithoutParametersIsAPrompt() {
        assertThat(Infotext.parse("a cat\nmood: calm, light: soft"))
                .isEqualTo(new Infotext("a cat\nmood: calm, light: soft", "", Map.of()));
    }

    @Test
    void aQuoteThatIsNotClosedIsAnOrdinaryCharacter() {
        assertThat(ParameterLine.parse("Aa: \"x, Bb: \"y\\\", Cc: \"a\" b"))
                .containsExactlyInAnyOrderEntriesOf(Map.of("Aa", "\"x", "Bb", "\"y\\\"", "Cc", "\"a\" b"));
    }

    @Test
    void jsonEscapesAreUnderstood() {
        assertThat(ParameterLine.parse("Key: \"\\u0041\\/\\b\\f\\r\\ud83d\\udc31\""))
                .containsExactlyEntriesOf(Map.of("Key", "A/\b\f\r🐱"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"a", ":", "a b-", "\"\\n", "aa: \"", "aa: \"\\\"b, "})
    @Timeout(20)
    void hostileLinesTakeLinearTime(String part) {
        assertThat(ParameterLine.parse(part.repeat(500_000))).hasSizeLessThan(3);
    }

    private static Infotext of(GenerationRequest request) {
        return Infotext.of(request, 0, new ModelLabel("m", "00ff"), "Atelier 1.0");
    }

    private static SamplerOptions with(ScheduleOptions schedule) {
        return new SamplerOptions(null, 0, 0, 0, 1, schedule, UniPcOptions.DEFAULT);
    }

    @Test
    void noiseLevelsAreToldAsAutomatic1111TellsThem() {
        GenerationRequest request = GenerationRequest.of("a")
                .sampler("DPM++ 2M Karras")
                .samplerOptions(with(new ScheduleOptions(0.1, 10, 5, 0.4, 0.6, true, true)));
        assertThat(of(request).parameters())
                .containsEntry("Schedule min sigma", "0.1")
                .containsEntry("Schedule max sigma", "10.0")
                .containsEntry("Schedule rho", "5.0")
                .containsEntry("Discard penultimate sigma", "True")
                .containsEntry("SGM noise multiplier", "True")
                .doesNotContainKey("Beta schedule alpha");
        assertThat(of(request.sampler("DDIM")).parameters()).doesNotContainKey("Schedule min sigma");
    }

    static Stream<GenerationRequest> requests() {
        GenerationRequest request =
                GenerationRequest.of("a (cat:1.2)").negativePrompt("dog").seed(42);
        return Stream.of(
                request,
                request.sampler("Euler a")
                        .steps(7)
                        .cfgScale(4.5)
                        .size(640, 72)
                        .clipSkip(2)
                        .noiseSeedDelta(31337),
                request.sampler("DDIM")
                        .samplerOptions(new SamplerOptions(0.5, 0, 0, 0, 1))
                        .rng(NoiseSource.CPU),
                request.sampler("Heun SGM Uniform").samplerOptions(new SamplerOptions(null, 3, 0.05, 50, 1.003)),
                request.sampler("DPM++ 2M Karras")
                        .samplerOptions(with(new ScheduleOptions(0.1, 10, 5, 0.6, 0.6, true, true))),
                request.sampler("Euler Beta")
                        .samplerOptions(with(new ScheduleOptions(0, 0, 0, 0.4, 0.9, false, false))),
                request.sampler("TCD")
                        .samplerOptions(new SamplerOptions(0.2, 0, 0, 0, 1))
                        .noiseSeedDelta(3),
                request.tiling(true),
                request.variation(new Variation(7, 0.25)).seedResizeFrom(new Size(512, 256)),
                request.emphasis(EmphasisMode.NO_NORM),
                request.hiresFix(HiresFix.by(1.75)
                        .upscaler(new Upscaler("Latent (nearest-exact)"))
                        .denoisingStrength(0.55)
                        .steps(9)
                        .sampler(SamplerChoice.named("Euler a"))
                        .prompts("a large cat, sharp", "a large dog")),
                request.hiresFix(HiresFix.to(0, 1024).extraNoise(0.2)),
                request.sampler("UniPC")
                        .samplerOptions(new SamplerOptions(
                                null,
                                0,
                                0,
                                0,
                                1,
                                ScheduleOptions.DEFAULT,
                                UniPcOptions.named("vary_coeff", "time_quadratic", 5, false))),
                request.noiseTable(new NoiseTable(true, true)).oldTimelines(true));
    }

    @ParameterizedTest
    @MethodSource("requests")
    void aRequestComesBackFromItsInfotext(GenerationRequest request) {
        Infotext infotext = of(request);
        assertThat(of(Infotext.parse(infotext.text()).request())).isEqualTo(infotext);
    }

    @Test
    void automatic1111sOwnInfotextBecomesARequest() {
        GenerationRequest request = Infotext.parse("""
                a castle
                Negative prompt: blurry
                Steps: 28, Sampler: DPM++ 2M SDE Karras, CFG scale: 5, Seed: 3100412345, Size: 512x768, \
                Model hash: 6ce0161689, Denoising strength: 0.55, Clip skip: 2, Hires upscale: 2, \
                Hires upscaler: Latent (nearest-exact), Version: v1.6.0""").request();
        assertThat(request.sampler()).isEqualTo(SamplerChoice.named("DPM++ 2M SDE Karras"));
        assertThat(request.seed()).isEqualTo(3100412345L);
        assertThat(request.hiresFix())
                .isEqualTo(HiresFix.by(2)
                        .upscaler(new Upscaler("Latent (nearest-exact)"))
                        .denoisingStrength(0.55));
    }

    @Test
    void theGuidanceByAPictureIsRead() {
        GenerationRequest request = Infotext.parse("a\nSteps: 3, CFG scale: 7, Image CFG scale: 2.5, Seed: 1")
                .request();
        assertThat(request.imageCfgScale()).isEqualTo(2.5);
    }

    @Test
    void aSettingThatCannotBeUsedIsNamed() {
        assertThatThrownBy(() -> Infotext.parse("a\nSteps: many, Sampler: Euler, Seed: 1")
                        .request())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("Steps: many");
    }
}
