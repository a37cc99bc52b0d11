package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.model.FloatArray;
import dev.atelier.model.UNetConditioning;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PictureGuidanceTest {
    private static final FloatArray X = FloatArray.of(new float[] {1, 2, 3, 4, 5, 6, 7, 8}, 2, 4, 1, 1);
    private static final FloatArray PICTURE =
            FloatArray.of(new float[] {0.1f, 0.2f, 0.3f, 0.4f, 1, 2, 3, 4}, 2, 4, 1, 1);

    private final List<Integer> batches = new ArrayList<>();

    /** D = x + 10·text + 100·picture, row by row. */
    private Denoiser network(UNetConditioning conditioning) {
        return (x, sigma) -> {
            batches.add(x.size(0));
            FloatArray picture = Objects.requireNonNull(conditioning.image());
            float[] denoised = x.values().clone();
            int tokens = conditioning.context().size(1);
            for (int i = 0; i < denoised.length; i++) {
                float text = conditioning.context().values()[i / 4 * tokens];
                denoised[i] += 10 * text + 100 * picture.values()[i];
            }
            return FloatArray.of(denoised, x.shape());
        };
    }

    private static UNetConditioning text(float value, int tokens) {
        float[] values = new float[2 * tokens];
        Arrays.fill(values, value);
        return UNetConditioning.of(FloatArray.of(values, 2, tokens, 1));
    }

    @ParameterizedTest
    @ValueSource(ints = {77, 154})
    void textAndPictureGuideEachByTheirScale(int negativeTokens) {
        PictureGuidance guidance = new PictureGuidance(
                this::network, Conditioning.of(text(3, 77)), Timeline.always(text(1, negativeTokens)), PICTURE, 7, 1.5);
        FloatArray denoised = guidance.denoise(X, 1);
        for (int i = 0; i < 8; i++) {
            // 10·(1 + 7·(3 − 1)) from the texts, 1.5 · 100 from the picture
            assertThat(denoised.values()[i]).isCloseTo(X.values()[i] + 150 + 150 * PICTURE.values()[i], within(1e-3f));
        }
        assertThat(batches).isEqualTo(negativeTokens == 77 ? List.of(6) : List.of(2, 2, 2));
    }

    @Test
    void aPromptOfSeveralPartsIsRefused() {
        Conditioning.Part part = new Conditioning.Part(1, Timeline.always(text(3, 77)));
        assertThatThrownBy(() -> new PictureGuidance(
                        this::network,
                        new Conditioning(List.of(part, part)),
                        Timeline.always(text(1, 77)),
                        PICTURE,
                        7,
                        1.5))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("AND");
    }
}
