package dev.atelier.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.atelier.checkpoint.Checkpoint;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BlockWeightsTest {
    private static final Checkpoint SD1 = model("cond_stage_model.transformer.text_model.final_layer_norm.bias");
    private static final Checkpoint XL = model("conditioner.embedders.1.model.ln_final.weight");
    private static final String INPUT_8 = "model.diffusion_model.input_blocks.8.0.in_layers.0.bias";
    private static final String MIDDLE = "model.diffusion_model.middle_block.0.in_layers.0.bias";
    private static final String OUT = "model.diffusion_model.out.0.weight";
    private static final String TIME = "model.diffusion_model.time_embed.0.bias";
    private static final String VAE = "first_stage_model.encoder.mid.attn_1.to_out.0.weight";

    private static Checkpoint model(String name) {
        return Checkpoint.of(List.of(), Map.of(name, InMemory.exact(1)), Map.of());
    }

    /** 0, 1, 2, …, so that a weight says its place in the list. */
    private static BlockWeights counting(int count, Checkpoint model) {
        return BlockWeights.parse(
                IntStream.range(0, count).mapToObj(Integer::toString).collect(Collectors.joining(", ")), model);
    }

    private static double weight(BlockWeights weights, String name) {
        return weights.of(name).orElseThrow();
    }

    @Test
    void aListHasOneNumberPerBlock() {
        BlockWeights weights = counting(26, SD1);

        assertThat(weight(weights, INPUT_8)).isEqualTo(9);
        assertThat(weight(weights, MIDDLE)).isEqualTo(13);
        assertThat(weight(weights, OUT)).isEqualTo(25);
        assertThat(weight(weights, TIME)).isEqualTo(1);
        assertThat(weight(weights, VAE)).isZero();
    }

    @Test
    void xlTakesItsOwnListsAndThatOfStableDiffusion1() {
        BlockWeights own = counting(20, XL);
        assertThat(weight(own, INPUT_8)).isEqualTo(9);
        assertThat(weight(own, MIDDLE)).isEqualTo(10);
        assertThat(weight(own, OUT)).isEqualTo(19);
        assertThat(weight(own, TIME)).isEqualTo(1);

        BlockWeights mecha = counting(21, XL);
        assertThat(weight(mecha, VAE)).isEqualTo(20);
        assertThat(weight(mecha, TIME)).isZero();

        BlockWeights converted = counting(26, XL);
        assertThat(weight(converted, INPUT_8)).isEqualTo(9);
        assertThat(weight(converted, MIDDLE)).isEqualTo(13);
        assertThat(weight(converted, OUT)).isEqualTo(22);
    }

    @Test
    void aPresetIsFoundByItsName() {
        assertThat(weight(BlockWeights.parse(" WRAP08", SD1), OUT)).isEqualTo(1);
        assertThat(weight(BlockWeights.parse("WRAP08", SD1), MIDDLE)).isZero();
        assertThat(BlockPresets.names()).hasSize(38);
        assertThat(weight(BlockWeights.parse("GRAD_V", XL), MIDDLE)).isZero();
    }

    @Test
    void mistakesAreNamed() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> counting(20, SD1))
                .withMessage("26 block weights are needed, not 20");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> counting(25, XL))
                .withMessage("20 block weights are needed, not 25");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> BlockWeights.parse("1,,2", SD1))
                .withMessageContaining("\"\" is not a number");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> BlockWeights.parse("0.5", SD1))
                .withMessageContaining("no preset of block weights \"0.5\"")
                .withMessageContaining("GRAD_V");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ElementRules.parse("IN00:attn2", Blocks.SD))
                .withMessageContaining("BLOCKS:ELEMENTS:WEIGHT");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ElementRules.parse("IN00::R", Blocks.SD))
                .withMessageContaining("does not end with a number");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ElementRules.parse("IN09::1", Blocks.SDXL))
                .withMessageContaining("no block \"IN09\"");
    }
}
