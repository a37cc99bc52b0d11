package dev.atelier.merge.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.merge.recipe.Step.Input;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RecipeTest {
    private static final String A = "a".repeat(64);
    private static final String B = "b".repeat(64);
    private static final String C = "c".repeat(64);

    @TempDir
    Path folder;

    private static Step step(String expression, String sha256) {
        SequencedMap<String, Input> inputs = new LinkedHashMap<>();
        inputs.put("A", new Input("größe \"1\".safetensors", 2_132_625_894L, sha256));
        return new Step("Atelier 1", expression, Format.CKPT, inputs);
    }

    @Test
    void jsonGivesAnEqualRecipeBack() throws IOException {
        SequencedMap<String, Step> ancestors = new LinkedHashMap<>();
        ancestors.put(A, step("A.prune()", B));
        Recipe recipe = new Recipe(step("A.fp16()", A), ancestors);
        Recipe read = Recipe.read(Files.writeString(folder.resolve("recipe.json"), recipe.json()));
        assertThat(read).isEqualTo(recipe);
        assertThat(read.json()).isEqualTo(recipe.json());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "[]",
                "{}",
                "{\"version\":\"1\"}",
                "{\"version\":1}",
                "{\"version\":1,\"program\":\"p\",\"expression\":\"A\",\"format\":\"gguf\"}",
                "{\"version\":1,\"program\":\"p\",\"expression\":\"A\",\"format\":\"ckpt\",\"inputs\":[]}",
                "{\"version\":1,\"program\":\"p\",\"expression\":\"A\",\"format\":\"ckpt\",\"inputs\":{\"A\":3}}",
                "{\"version\":1,\"program\":\"p\",\"expression\":\"A\",\"format\":\"ckpt\",\"inputs\":{\"A\":{\"file\":\"f\",\"sha256\":\"xyz\"}}}",
                "{\"version\":1,\"program\":\"p\",\"expression\":\"A\",\"format\":\"ckpt\",\"ancestors\":{\"x\":{}}}",
            })
    void whatIsNoRecipeIsRefusedByName(String text) throws IOException {
        Path file = Files.writeString(folder.resolve("bad.json"), text);
        assertThatThrownBy(() -> Recipe.read(file))
                .isInstanceOf(InvalidCheckpointException.class)
                .hasMessageContaining("bad.json: ");
    }

    /** The model that comes with Atelier has such an entry. */
    @Test
    void anEntryInWordsIsNoRecipe() throws IOException {
        String header = "{\"__metadata__\":{\"atelier.recipe\":\"shapes, seed 1\"}}";
        byte[] length = {(byte) header.length(), 0, 0, 0, 0, 0, 0, 0};
        Path file = folder.resolve("trained.safetensors");
        Files.write(file, length);
        Files.writeString(file, header, StandardOpenOption.APPEND);
        assertThat(Recipe.in(file)).isEmpty();
    }

    /** The entries as AUTOMATIC1111 writes them: A of the second merge is the first one. */
    @Test
    void mergesOfAutomatic1111AreRead() {
        Map<String, String> metadata =
                Map.of("format", "pt", "sd_merge_recipe", """
                {"type": "webui", "primary_model_hash": "%s", "secondary_model_hash": "%s", "tertiary_model_hash": null, \
                "interp_method": "Weighted sum", "multiplier": 0.3, "save_as_half": true, "custom_name": "mix", \
                "config_source": 0, "bake_in_vae": "None", "discard_weights": "", "is_inpainting": false, \
                "is_instruct_pix2pix": false}""".formatted(A, B), "sd_merge_models", """
                {"%s": {"name": "first.safetensors", "legacy_hash": "12345678", "sd_merge_recipe": {"type": "webui", \
                "primary_model_hash": "%s", "secondary_model_hash": "%s", "tertiary_model_hash": "%s", \
                "interp_method": "Add difference", "multiplier": 1.0, "save_as_half": false}}, \
                "%s": {"name": "sub/base.ckpt", "legacy_hash": "e3b0c442", "sd_merge_recipe": null}, \
                "%s": {"name": "other.safetensors", "legacy_hash": "9abcdef0", "sd_merge_recipe": null}}""".formatted(
                                A, B, C, C, B, C));
        Recipe recipe = WebUiMetadata.recipe(metadata).orElseThrow();
        assertThat(recipe.made().program()).isEqualTo("AUTOMATIC1111");
        assertThat(recipe.made().expression()).isEqualTo("weighted-sum(A, B, 0.3).fp16()");
        assertThat(recipe.made().inputs())
                .containsExactly(
                        Map.entry("A", new Input("first.safetensors", 0, A)),
                        Map.entry("B", new Input("sub/base.ckpt", 0, B)));
        assertThat(recipe.ancestors()).containsOnlyKeys(A);
        assertThat(recipe.ancestors().get(A).expression()).isEqualTo("add-difference(A, B, C, 1.0)");
        assertThat(recipe.ancestors().get(A).inputs().get("C")).isEqualTo(new Input("other.safetensors", 0, C));
    }

    @Test
    void extensionsAreNamedAndWhatIsDamagedIsLeftOut() {
        String superMerger =
                "{\"type\": \"sd-webui-supermerger\", \"model_a\": \"%s\", \"model_b\": \"%s\", \"model_c\": \"\"}"
                        .formatted(A, B);
        Recipe recipe =
                WebUiMetadata.recipe(Map.of("sd_merge_recipe", superMerger)).orElseThrow();
        assertThat(recipe.made().program()).isEqualTo("sd-webui-supermerger");
        assertThat(recipe.made().expression()).isEmpty();
        assertThat(recipe.made().inputs()).containsOnlyKeys("A", "B");
        assertThat(WebUiMetadata.recipe(Map.of("sd_merge_recipe", "{\"type\"", "sd_merge_models", "3")))
                .isEmpty();
        assertThat(WebUiMetadata.recipe(Map.of())).isEmpty();
    }
}
