package dev.atelier.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class EmaScheduleTest {
    /** In the order of the columns. */
    private static final List<EmaSchedule> SCHEDULES = List.of(
            new EmaSchedule.Diffusers(0.9999, 0, 0),
            new EmaSchedule.Warmup(0.9999, 0, 0, 1, 2 / 3.0),
            new EmaSchedule.Warmup(0.9999, 0, 0, 1, 0.75),
            new EmaSchedule.Diffusers(0.999, 0, 100),
            new EmaSchedule.LitEma(0.9999),
            new EmaSchedule.LitEma(0.999));

    @Test
    void decaysAreThoseOfDiffusersAndOthers() {
        for (JsonNode row : Examples.of("ema").get("decay_rows")) {
            for (int i = 0; i < SCHEDULES.size(); i++) {
                assertThat(SCHEDULES.get(i).decay(row.get(0).intValue()))
                        .as("%s at update %s", SCHEDULES.get(i), row.get(0))
                        .isCloseTo(row.get(i + 1).doubleValue(), within(1e-11));
            }
        }
    }

    @Test
    void anAverageThatStartsAt0FollowsANumberThatGrows() {
        follow(new EmaSchedule.Diffusers(0.9999, 0, 0), "diffusers_scalar_trajectory_[n,decay,shadow]");
        follow(new EmaSchedule.LitEma(0.9999), "litema_scalar_trajectory_[n,decay,shadow]");
        assertThat(new EmaSchedule.Constant(0.9).decay(7)).isEqualTo(0.9);
    }

    private static void follow(EmaSchedule schedule, String example) {
        double average = 0;
        for (JsonNode row : Examples.of("ema").get(example)) {
            int update = row.get(0).intValue();
            average -= (1 - schedule.decay(update)) * (average - update);
            assertThat(average).as("update %d", update).isCloseTo(row.get(2).doubleValue(), within(1e-10));
        }
    }
}
