package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SamplerChoiceTest {

    @ParameterizedTest
    @CsvSource(
            nullValues = "null",
            value = {
                "DPM++ 2M, null, DPM++ 2M Karras",
                "DPM++ 2M, Automatic, DPM++ 2M Karras",
                "DPM++ 2M, automatic, DPM++ 2M Karras",
                "DPM++ 2M, Uniform, DPM++ 2M Uniform",
                "DPM++ 2M, uniform, DPM++ 2M Uniform",
                "DPM++ 2M Karras, null, DPM++ 2M Karras",
                "DPM++ 2M Automatic, null, DPM++ 2M Karras",
                "Euler, null, Euler Uniform",
                "Euler Karras, null, Euler Karras",
                "Euler karras, null, Euler Karras",
                "Euler Karras, Uniform, Euler Karras"
            })
    void namesAreReadAsAutomatic1111ReadsThem(String sampler, String scheduler, String choice) {
        assertThat(SamplerChoice.named(sampler, scheduler)).hasToString(choice);
    }

    @Test
    void anUnknownSamplerIsRefusedWithTheKnownNames() {
        assertThatThrownBy(() -> SamplerChoice.named("DPM++ 5M Karras"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("unknown sampler \"DPM++ 5M\"; known are DPM++ 2M, Euler, each alone or followed by a"
                        + " scheduler: Automatic, Karras, Uniform");
        assertThatThrownBy(() -> SamplerChoice.named("k_euler")).hasMessageContaining("unknown sampler \"k_euler\"");
    }

    @Test
    void anUnknownSchedulerIsRefusedWithTheKnownNames() {
        assertThatThrownBy(() -> SamplerChoice.named("Euler", "Cosine"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("unknown scheduler \"Cosine\"; known are Automatic, Karras, Uniform");
    }
}
