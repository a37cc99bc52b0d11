package dev.atelier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.Cache;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.FileHashes;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.engine.contract.Miniature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Recipes in what merge and convert make, explain and rebuild, as a user types them. */
class RecipeCommandsTest {
    private static final AtomicInteger COUNT = new AtomicInteger();

    @TempDir
    static Path folder;

    private static Path models;

    @BeforeAll
    static void makeModels() throws IOException {
        models = Files.createDirectories(folder.resolve("models"));
        Path a = Files.copy(Miniature.unpack(folder), models.resolve("a.safetensors"));
        run("merge", a, "--method", "scale", "-m", 1.1, "-o", models.resolve("b.safetensors"));
        run("merge", a, "--method", "scale", "-m", 0.9, "-o", models.resolve("c.safetensors"));
        lora(Checkpoints.open(a)).writeTo(models.resolve("style.safetensors"), Progress.NONE);
    }

    /** A LoRA whose up and down are weights that the model has anyway. */
    private static Checkpoint lora(Checkpoint model) {
        String layer = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn1.to_q.weight";
        Tensor square = model.tensor(layer);
        String name = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q";
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        tensors.put(name + ".lora_up.weight", square);
        tensors.put(name + ".lora_down.weight", square);
        return Checkpoint.of(model.sources(), tensors, Map.of()).cast(DType.F32);
    }

    private static Run run(Object... arguments) {
        Run run = Run.atelier(arguments);
        assertThat(run.exitCode()).as(run.err()).isZero();
        return run;
    }

    private static Path make(String ending, Object... arguments) {
        Path file = folder.resolve("made-%d.%s".formatted(COUNT.incrementAndGet(), ending));
        run(with(arguments, "--models", models, "-o", file));
        return file;
    }

    private static Object[] with(Object[] arguments, Object... more) {
        Object[] all = java.util.Arrays.copyOf(arguments, arguments.length + more.length, Object[].class);
        System.arraycopy(more, 0, all, arguments.length, more.length);
        return all;
    }

    @Test
    void theHashOfAResultIsKnownWithoutReadingIt() throws IOException {
        Path a = models.resolve("a.safetensors");
        make("safetensors", "convert", a, "--dtype", "fp16"); // from now on the hash of the input is known
        Path converted = make("safetensors", "convert", a, "--dtype", "fp16", "--hash");
        assertThat(Cache.ofUser().knownSha256(converted)).contains(sha256(converted));
    }

    private static String sha256(Path file) {
        return FileHashes.of(file, Progress.NONE).sha256();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "merge a b -m 0.25",
                "merge a b -m 0.25 --dtype bf16",
                "merge a b c -m 0.8",
                "merge a b --block-weights GRAD_V --text 0",
                "merge a b --elements IN04-IN08:attn2:0.5",
                "merge a b c --method ties --param density=0.3",
                "merge a b c --method dare --param seed=7",
                "merge lora(a,style:0.6)",
                "merge 0.5*a+0.3*b+0.2*(a+b+c).fp32()",
                "convert a --dtype fp16 --prune",
                "convert a --dtype fp8_e4m3fn",
                "convert a --vae b --unet c --text-encoder b",
                "convert a --extract text-encoder",
            })
    void aRebuiltFileIsTheSameToTheBit(String command) {
        Path made = make("safetensors", (Object[]) command.split(" "));
        Path again = folder.resolve(made.getFileName() + ".again");
        Run rebuilt = run("rebuild", made, "--models", models, "-o", again);
        assertThat(rebuilt.out()).contains("bit for bit the same as " + made);
        assertThat(sha256(again)).isEqualTo(sha256(made));
    }

    @Test
    void theRecipeAloneIsEnough() throws IOException {
        Path made = make("safetensors", "merge", "a", "b", "-m", 0.4, "--dtype", "fp16");
        Path recipe = Files.writeString(
                folder.resolve("recipe.json"), run("explain", made, "--json").out());
        Path again = folder.resolve("from-recipe.safetensors");
        run("rebuild", recipe, "--models", models, "-o", again);
        assertThat(again).hasSameBinaryContentAs(made);
    }

    @Test
    void theSameCommandGivesTheSameFileWhereverItsInputsLie() throws IOException {
        Path elsewhere = Files.createDirectories(folder.resolve("elsewhere"));
        Path a = Files.copy(models.resolve("a.safetensors"), elsewhere.resolve("a.safetensors"));
        Path b = Files.copy(models.resolve("b.safetensors"), elsewhere.resolve("b.safetensors"));
        Path there = elsewhere.resolve("merged.safetensors");
        run("merge", a, b, "-m", 0.4, "-o", there);
        assertThat(there).hasSameBinaryContentAs(make("safetensors", "merge", "a", "b", "-m", 0.4));
        assertThat(Checkpoints.open(there).metadata().toString()).doesNotContain(folder.toString());
    }

    @Test
    void explainPrintsTheLineageAsATree() {
        Path half = make("safetensors", "merge", "a", "b", "-m", 0.25, "--dtype", "fp16");
        Path made = make("safetensors", "merge", half, "a", "c");
        String version = dev.atelier.Atelier.version();
        String a = sha256(models.resolve("a.safetensors")).substring(0, 10);
        assertThat(run("explain", made).out().lines().map(line -> line.replaceAll("  \\d.*? MB", "")))
                .containsExactly(
                        made.toString(),
                        "  add-difference(A, B, C, alpha=0.3)  (%s)".formatted(version),
                        "  ├─ A  %s  sha256 %s"
                                .formatted(half.getFileName(), sha256(half).substring(0, 10)),
                        "  │     weighted-sum(A, B, alpha=0.25).fp16()  (%s)".formatted(version),
                        "  │     ├─ A  a.safetensors  sha256 " + a,
                        "  │     └─ B  b.safetensors  sha256 "
                                + sha256(models.resolve("b.safetensors")).substring(0, 10),
                        "  │           scale(A, alpha=1.1)  (%s)".formatted(version),
                        "  │           └─ A  a.safetensors  sha256 " + a,
                        "  ├─ B  a.safetensors  sha256 " + a,
                        "  └─ C  c.safetensors  sha256 "
                                + sha256(models.resolve("c.safetensors")).substring(0, 10),
                        "        scale(A, alpha=0.9)  (%s)".formatted(version),
                        "        └─ A  a.safetensors  sha256 " + a);
        JsonNode json =
                JsonMapper.shared().readTree(run("explain", made, "--json").out());
        assertThat(json.get("expression").asString()).isEqualTo("add-difference(A, B, C, alpha=0.3)");
        assertThat(json.at("/inputs/B/sha256").asString()).startsWith(a);
        assertThat(json.get("ancestors")).hasSize(3);
    }

    @Test
    void otherProgramsFindWhatTheyWriteThemselves() {
        Path half = make("safetensors", "merge", "0.75*a + 0.25*b", "--dtype", "fp16");
        Path made = make("safetensors", "merge", half, "a", "b", "-m", 0.8);
        Map<String, String> metadata = Checkpoints.open(made).metadata();
        JsonNode recipe = JsonMapper.shared().readTree(metadata.get("sd_merge_recipe"));
        assertThat(recipe.get("type").asString()).isEqualTo("webui");
        assertThat(recipe.get("primary_model_hash").asString()).isEqualTo(sha256(half));
        assertThat(recipe.get("interp_method").asString()).isEqualTo("Add difference");
        assertThat(recipe.get("multiplier").asDouble()).isEqualTo(0.8);
        assertThat(recipe.get("save_as_half").asBoolean()).isFalse();
        JsonNode inputs = JsonMapper.shared().readTree(metadata.get("sd_merge_models"));
        assertThat(inputs.propertyNames())
                .containsExactly(
                        sha256(half), sha256(models.resolve("a.safetensors")), sha256(models.resolve("b.safetensors")));
        JsonNode own = inputs.get(sha256(half)).get("sd_merge_recipe");
        assertThat(own.get("interp_method").asString()).isEqualTo("Weighted sum");
        assertThat(own.get("multiplier").asDouble()).isEqualTo(0.25);
        assertThat(own.get("save_as_half").asBoolean()).isTrue();
        assertThat(inputs.get(sha256(half)).get("legacy_hash").asString()).isEqualTo(FileHashes.autoV1(half));

        Path blocks = make("safetensors", "merge", made, "b", "--block-weights", "GRAD_V");
        assertThat(Checkpoints.open(blocks).metadata()).doesNotContainKeys("sd_merge_recipe", "sd_merge_models");
    }

    @Test
    void anInputIsFoundUnderAnotherNameAndMissedWhereThereIsNone() throws IOException {
        Path made = make("safetensors", "merge", "a", "b");
        Path some = Files.createDirectories(folder.resolve("some/deep"));
        Files.copy(models.resolve("a.safetensors"), some.resolve("x.ckpt"));
        Path again = folder.resolve("found.safetensors");
        Run missing = Run.atelier("rebuild", made, "--models", some.getParent(), "-o", again);
        assertThat(missing.exitCode()).isEqualTo(2);
        assertThat(missing.err())
                .startsWith("atelier: \"b.safetensors\", which the recipe calls B, is in none of the places looked at"
                        + " (sha256 " + sha256(models.resolve("b.safetensors")));
        assertThat(again).doesNotExist();

        Files.copy(models.resolve("b.safetensors"), some.resolve("y.safetensors"));
        run("rebuild", made, "--models", some.getParent(), "-o", again);
        assertThat(again).hasSameBinaryContentAs(made);
    }

    @Test
    void aChangedInputIsRefused() throws IOException {
        Path made = make("safetensors", "merge", "a", "b");
        Path changed = Files.createDirectories(folder.resolve("changed"));
        Files.copy(models.resolve("a.safetensors"), changed.resolve("a.safetensors"));
        byte[] b = Files.readAllBytes(models.resolve("b.safetensors"));
        b[b.length - 1] ^= 1;
        Path other = Files.write(changed.resolve("b.safetensors"), b);
        Path again = folder.resolve("never.safetensors");
        Run refused = Run.atelier("rebuild", made, "--models", changed, "-o", again);
        assertThat(refused.exitCode()).isEqualTo(2);
        assertThat(refused.err())
                .startsWith("atelier: %s is not the file that the recipe calls B: its sha256 starts with %s"
                        .formatted(other, sha256(other).substring(0, 10)));
        assertThat(again).doesNotExist();
    }

    @Test
    void aFileThatWasEditedAfterItWasMadeIsToldApart() {
        Path made = make("safetensors", "merge", "a", "b");
        run("metadata", made, "--set", "note=mine", "-i");
        Run differs = Run.atelier("rebuild", made, "--models", models, "-o", folder.resolve("unedited.safetensors"));
        assertThat(differs.exitCode()).isEqualTo(1);
        assertThat(differs.err()).contains("differs from " + made).contains("was changed after it was made");
    }

    @Test
    void diffusersFoldersCarryTheirRecipeInAFile() throws IOException {
        Path made = make("folder", "merge", "a", "b", "--layout", "diffusers");
        assertThat(run("explain", made).out()).contains("weighted-sum(A, B, alpha=0.3)");
        Path again = folder.resolve("again.folder");
        run("rebuild", made, "--models", models, "-o", again);
        try (var files = Files.walk(made)) {
            List<Path> all = files.filter(Files::isRegularFile).toList();
            assertThat(all).hasSizeGreaterThan(8);
            all.forEach(file -> assertThat(again.resolve(made.relativize(file))).hasSameBinaryContentAs(file));
        }
        Path single = make("safetensors", "convert", made, "--dtype", "fp32");
        run("rebuild", single, "--models", made, "-o", folder.resolve("single.again"));
    }

    @Test
    void ckptFilesCarryTheirRecipeToo() throws IOException {
        Path made = make("ckpt", "merge", "a", "b");
        assertThat(run("explain", made).out()).contains("weighted-sum(A, B, alpha=0.3)");
        assertThat(Run.atelier("scan", made).exitCode()).isZero();
        assertThat(Run.atelier("rebuild", made, "--models", models, "-o", folder.resolve("never.safetensors"))
                        .err())
                .contains("the recipe is that of a .ckpt file");
        Path again = folder.resolve("again.ckpt");
        run("rebuild", made, "--models", models, "-o", again);
        assertThat(again).hasSameBinaryContentAs(made);
    }

    @Test
    void whatCarriesNoRecipeIsSaidSo() throws IOException {
        Run none = Run.atelier("explain", models.resolve("a.safetensors"));
        assertThat(none.exitCode()).isEqualTo(2);
        assertThat(none.err()).contains("a.safetensors carries no recipe");
        Path broken = Files.writeString(folder.resolve("broken.json"), "{\"version\": 1, \"expression\": 3}");
        assertThat(Run.atelier("explain", broken).err()).contains("broken.json: its recipe is damaged");
        Path newer = Files.writeString(folder.resolve("newer.json"), "{\"version\": 2}");
        assertThat(Run.atelier("rebuild", newer, "-o", folder.resolve("never")).err())
                .contains("newer.json: its recipe is of version 2; this program reads 1");
    }
}
