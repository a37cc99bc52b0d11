package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.model.FloatArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Held to AUTOMATIC1111's own code; see the README beside the numbers. */
class SoftInpaintingTest {
    private final Fixture fixture = Fixture.open("soft-inpainting.safetensors");

    private static SoftInpainting settings(String name) {
        return name.equals("usual") ? SoftInpainting.DEFAULT : new SoftInpainting(0.6, 1.5, 2.5, 0.4, 1.25, 3.5);
    }

    @ParameterizedTest
    @ValueSource(strings = {"usual", "other"})
    void aStepKeepsWhatTheNoiseLeaves(String name) {
        FloatArray drawn = Latents.repeat(row("share"), 2);
        FloatArray blended = settings(name).blend(fixture.array("kept"), fixture.array("drawn"), drawn, 3.25);
        FloatArray expected = fixture.array(name + ".blended");
        for (int i = 0; i < expected.values().length; i++) {
            assertThat(blended.values()[i]).isCloseTo(expected.values()[i], within(2e-6f));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"usual", "other"})
    void thePictureShowsWhatHasChanged(String name) {
        FloatArray masks = fixture.array(name + ".masks");
        for (int picture = 0; picture < 2; picture++) {
            Bitmap cells = settings(name)
                    .cells(
                            fixture.array("kept").rows(picture, picture + 1),
                            fixture.array("drawn").rows(picture, picture + 1),
                            row("share"));
            for (int i = 0; i < cells.levels().length; i++) {
                assertThat((float) cells.levels()[i])
                        .isCloseTo(masks.values()[picture * cells.levels().length + i], within(1f));
            }
        }
    }

    private FloatArray row(String name) {
        FloatArray array = fixture.array(name);
        return FloatArray.of(array.values(), 1, array.size(0), array.size(1), array.size(2));
    }

    @Test
    void whatDidNotChangeIsShownAsItWas() {
        FloatArray same = Latents.filled(1, 1, 4, 8, 8);
        Bitmap mask = SoftInpainting.DEFAULT.mask(same, same, Latents.filled(1, 1, 4, 8, 8), new Size(64, 64));
        assertThat(mask.levels()).containsOnly(0);
    }
}
