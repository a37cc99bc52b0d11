package dev.atelier.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.FieldSource;
import tools.jackson.databind.JsonNode;

class RateScheduleTest {
    static final List<Arguments> SCHEDULES = List.of(
            Arguments.of("constant_with_warmup", new RateSchedule.Constant(100)),
            Arguments.of("linear", new RateSchedule.Linear(100, 1000)),
            Arguments.of("cosine", new RateSchedule.Cosine(100, 1000, 0.5, 0)),
            Arguments.of("cosine_with_min_lr_rate0.1_cycles0.5", new RateSchedule.Cosine(100, 1000, 0.5, 0.1)),
            Arguments.of("cosine_with_restarts_cycles3", new RateSchedule.Restarts(100, 1000, 3)),
            Arguments.of("polynomial_power1", new RateSchedule.Polynomial(100, 1000, 1, 1e-3)),
            Arguments.of("polynomial_power2", new RateSchedule.Polynomial(100, 1000, 2, 1e-3)),
            Arguments.of(
                    "piecewise_constant_1:10,0.1:20,0.01:30,0.005",
                    RateSchedule.Piecewise.of("1:10,0.1:20,0.01:30,0.005")),
            Arguments.of("inverse_sqrt_timescale_default", new RateSchedule.InverseRoot(100, 100)),
            Arguments.of("warmup_stable_decay_w100_s600_d300_min0.1", new RateSchedule.StableDecay(100, 600, 300, 0.1)),
            Arguments.of("rex_onetrainer_steps1000_nowarmup", new RateSchedule.Rex(0, 1000)));

    @ParameterizedTest
    @FieldSource("SCHEDULES")
    void hasTheNumbersOfDiffusersAndOthers(String name, RateSchedule schedule) {
        JsonNode examples = Examples.of("lr_schedules");
        JsonNode steps = examples.get("steps");
        JsonNode factors = examples.get("schedules").get(name).get("multiplier");
        assertThat(steps).hasSize(factors.size()).isNotEmpty();
        for (int i = 0; i < steps.size(); i++) {
            assertThat(schedule.factor(steps.get(i).intValue()))
                    .as("step %s", steps.get(i))
                    .isCloseTo(factors.get(i).doubleValue(), within(1e-11));
        }
    }

    @Test
    void constantIsConstant() {
        assertThat(new RateSchedule.Constant(0).factor(0)).isEqualTo(1);
        assertThat(new RateSchedule.Constant(0).factor(123_456)).isEqualTo(1);
    }

    @Test
    void aRuleThatCannotBeReadIsShown() {
        for (String rule : List.of("", "1:10,", "1,0.1", "1:x,0.1")) {
            assertThatThrownBy(() -> RateSchedule.Piecewise.of(rule))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("\"" + rule + "\"");
        }
    }
}
