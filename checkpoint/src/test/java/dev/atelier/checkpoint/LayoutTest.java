package dev.atelier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LayoutTest {
    private static final String CLIP = "cond_stage_model.transformer.";

    private static String normalized(String name) {
        Checkpoint one = Checkpoint.of(List.of(), Map.of(name, Bits.floats(1)), Map.of());
        return Layout.normalize(one).tensors().firstEntry().getKey();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "embeddings.position_ids",
                "embeddings.token_embedding.weight",
                "encoder.layers.0.self_attn.k_proj.weight",
                "final_layer_norm.bias"
            })
    void aTextEncoderWithoutTheTextModelLevelGetsIt(String name) {
        assertThat(normalized(CLIP + name)).isEqualTo(CLIP + "text_model." + name);
    }

    @ParameterizedTest
    @CsvSource({
        "cond_stage_model.transformer.text_model.encoder.layers.0.mlp.fc1.bias",
        "cond_stage_model.transformer.encoders.weight",
        "cond_stage_model.model.transformer.resblocks.0.attn.in_proj_weight",
        "model.diffusion_model.out.2.bias",
        "first_stage_model.encoder.conv_in.weight",
        "encoder.conv_in.weight",
        "x.cond_stage_model.transformer.encoder.weight",
        "cond_stage_model.transformer"
    })
    void everyOtherNameStays(String name) {
        assertThat(normalized(name)).isEqualTo(name);
    }

    @Test
    void theOldNamesOfAWholeModelBecomeThePublishedOnes() {
        Checkpoint published = Fixtures.model("sd15");
        Map<String, Tensor> old = new LinkedHashMap<>();
        published
                .tensors()
                .forEach((name, tensor) -> old.put(name.replace("transformer.text_model.", "transformer."), tensor));
        assertThat(old)
                .doesNotContainKeys(published.tensors().keySet().stream()
                        .filter(name -> name.contains("text_model"))
                        .toArray(String[]::new));

        Checkpoint normalized = Layout.normalize(Checkpoint.of(List.of(Path.of("old")), old, Map.of("format", "pt")));

        assertThat(normalized.tensors()).isEqualTo(published.tensors());
        assertThat(normalized.tensors().keySet())
                .containsExactlyElementsOf(published.tensors().keySet());
        assertThat(normalized.sources()).containsExactly(Path.of("old"));
        assertThat(normalized.metadata()).containsEntry("format", "pt");
    }

    @ParameterizedTest
    @CsvSource({
        "model.diffusion_model.out.2.bias, UNET",
        "first_stage_model.encoder.conv_in.weight, VAE",
        "cond_stage_model.transformer.text_model.embeddings.position_ids, TEXT_ENCODER",
        "model_ema.decay, EMA",
        "alphas_cumprod, OTHER",
        "first_stage_modelx, OTHER",
    })
    void aNameTellsItsComponent(String name, Component component) {
        assertThat(Component.of(name)).isEqualTo(component);
    }

    @Test
    void theComponentsOfAPublishedModelAreComplete() {
        Checkpoint model = Fixtures.model("sd15");

        Map<Component, Long> parameters = new LinkedHashMap<>();
        model.tensors().forEach((name, tensor) -> {
            if (!name.endsWith("position_ids")) {
                parameters.merge(Component.of(name), tensor.shape().elements(), Long::sum);
            }
        });

        assertThat(parameters)
                .containsOnly(
                        Map.entry(Component.UNET, 859_520_964L),
                        Map.entry(Component.VAE, 83_653_863L),
                        Map.entry(Component.TEXT_ENCODER, 123_060_480L));
    }
}
