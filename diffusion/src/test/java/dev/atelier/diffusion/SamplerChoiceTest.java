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
                "Euler, null, Euler Automatic",
                "Euler Karras, null, Euler Karras",
                "Euler karras, null, Euler Karras",
                "Euler Karras, Uniform, Euler Karras",
                "Euler SGM Uniform, null, Euler SGM Uniform",
                "Euler SGMUniform, null, Euler SGM Uniform",
                "Euler a, sgm_uniform, Euler a SGM Uniform",
                "DPM++ 2M SDE, null, DPM++ 2M SDE Exponential",
                "DPM++ 2M SDE Heun Karras, null, DPM++ 2M SDE Heun Karras",
                "DPM2 a, null, DPM2 a Karras",
                "Euler DDIM, null, Euler DDIM",
                "DDIM, null, DDIM Automatic",
                "DDIM Karras, null, DDIM Automatic",
                "UniPC, Karras, UniPC Automatic",
                "DPM fast, Karras, DPM fast Automatic",
                "LCM, null, LCM Automatic",
                "LCM, SGM Uniform, LCM SGM Uniform",
                "TCD, null, TCD SGM Uniform",
                "Euler a CFG++ Karras, null, Euler a CFG++ Karras"
            })
    void namesAreReadAsAutomatic1111ReadsThem(String sampler, String scheduler, String choice) {
        assertThat(SamplerChoice.named(sampler, scheduler)).hasToString(choice);
    }

    @Test
    void anUnknownSamplerIsRefusedWithTheKnownNames() {
        assertThatThrownBy(() -> SamplerChoice.named("DPM++ 5M Karras"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("unknown sampler \"DPM++ 5M Karras\"; known are DPM++ 2M, DPM++ SDE, DPM++ 2M SDE,"
                        + " DPM++ 2M SDE Heun, DPM++ 2S a, DPM++ 3M SDE, Euler a, Euler, LMS, Heun, DPM2, DPM2 a,"
                        + " DPM fast, DPM adaptive, Restart, DDIM, DDIM CFG++, PLMS, UniPC, LCM, HeunPP2, IPNDM, IPNDM_V,"
                        + " DEIS, DDPM, Euler CFG++, Euler a CFG++, DPM++ 2M CFG++, TCD, each alone or followed by a scheduler: Automatic, Uniform, Karras, Exponential, Polyexponential,"
                        + " SGM Uniform, KL Optimal, Align Your Steps, Simple, Normal, DDIM, Beta");
        assertThatThrownBy(() -> SamplerChoice.named("k_euler")).hasMessageContaining("unknown sampler \"k_euler\"");
    }

    @Test
    void anUnknownSchedulerIsRefusedWithTheKnownNames() {
        assertThatThrownBy(() -> SamplerChoice.named("Euler", "Cosine"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("unknown scheduler \"Cosine\"; known are Automatic, Uniform, Karras, ");
    }
}
