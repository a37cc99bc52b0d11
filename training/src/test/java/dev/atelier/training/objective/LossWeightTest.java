package dev.atelier.training.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.checkpoint.PredictionType;
import dev.atelier.model.AlphasCumprod;
import dev.atelier.training.Examples;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Held to kohya's functions and to the formulas of the papers. */
class LossWeightTest {
    private static final PredictionType EPSILON = PredictionType.EPSILON;
    private static final PredictionType V = PredictionType.V;

    private static void check(JsonNode row, String column, double actual) {
        double expected = row.get(column).doubleValue();
        assertThat(actual).as("%s at %s", column, row).isCloseTo(expected, within(1e-9 * Math.abs(expected)));
    }

    @Test
    void weightsAreThoseOfKohyaAndThePapers() {
        JsonNode rows = Examples.of("loss_weights").get("rows");
        assertThat(rows).hasSizeGreaterThan(20);
        for (JsonNode row : rows) {
            double snr = row.get("snr").doubleValue();
            double gamma = row.get("gamma").doubleValue();
            check(row, "min_snr_eps", new LossWeight.MinSnr(gamma).at(snr, EPSILON));
            check(row, "min_snr_v", new LossWeight.MinSnr(gamma).at(snr, V));
            check(row, "soft_min_snr_eps", new LossWeight.SoftMinSnr(gamma).at(snr, EPSILON));
            check(row, "debiased_eps_kohya", new LossWeight.Debiased().at(snr, EPSILON));
            check(row, "debiased_v_kohya", new LossWeight.Debiased().at(snr, V));
            check(row, "scale_v_like_noise", new LossWeight.VLikeNoise().at(snr, V));
            check(row, "v_pred_like_loss_factor_0p1", new LossWeight.NoiseLikeV(0.1).at(snr, EPSILON));
            check(row, "p2_gamma1_eps", new LossWeight.P2(1).at(snr, EPSILON));
            check(row, "p2_gamma1_v", new LossWeight.P2(1).at(snr, V));
        }
    }

    @Test
    void widthsOfHuberAreKohyas() {
        for (JsonNode row : Examples.of("loss_weights").get("rows")) {
            int timestep = row.get("t").intValue();
            double snr = row.get("snr").doubleValue();
            double alpha = snr / (snr + 1);
            check(row, "huber_snr_c0p1", new HuberWidth.Snr(0.1).at(timestep, alpha));
            check(row, "huber_exp_c0p1", new HuberWidth.Exponential(0.1, 1).at(timestep, alpha));
        }
        assertThat(new HuberWidth.Constant(0.2).at(3, 0.5)).isEqualTo(0.2);
    }

    @Test
    void meansOverAllTimesteps() {
        JsonNode means = Examples.of("loss_weight_means").get("means");
        for (int gamma : new int[] {1, 3, 5, 10, 20}) {
            check(means, "min_snr_eps_gamma" + gamma, new LossWeight.MinSnr(gamma), EPSILON);
            check(means, "min_snr_v_gamma" + gamma, new LossWeight.MinSnr(gamma), V);
        }
        check(means, "debiased_eps", new LossWeight.Debiased(), EPSILON);
        check(means, "debiased_v_kohya", new LossWeight.Debiased(), V);
        check(means, "scale_v_like_noise", new LossWeight.VLikeNoise(), V);
        check(means, "soft_min_snr_eps_gamma5", new LossWeight.SoftMinSnr(5), EPSILON);
    }

    private static void check(JsonNode means, String name, LossWeight weight, PredictionType prediction) {
        float[] alphas = AlphasCumprod.scaledLinear();
        double mean = IntStream.range(0, alphas.length)
                .mapToDouble(t -> weight.at(alphas[t] / (1.0 - alphas[t]), prediction))
                .average()
                .orElseThrow();
        // of the first timesteps, 1 - ᾱ keeps four digits in the table's fp32
        assertThat(mean).as(name).isCloseTo(means.get(name).doubleValue(), within(2e-6 * mean));
    }

    @Test
    void ofPureNoiseWeightsAreTheirLimits() {
        assertThat(new LossWeight.MinSnr(5).at(0, EPSILON)).isEqualTo(1);
        assertThat(new LossWeight.MinSnr(5).at(0, V)).isZero();
        assertThat(new LossWeight.SoftMinSnr(5).at(0, EPSILON)).isEqualTo(1);
        assertThat(new LossWeight.Debiased().at(0, V)).isEqualTo(1);
        assertThat(new LossWeight.VLikeNoise().at(3, EPSILON)).isEqualTo(1);
        assertThat(new LossWeight.NoiseLikeV(0.1).at(3, V)).isEqualTo(1);
        assertThat(new LossWeight.Equal().at(3, V)).isEqualTo(1);
        assertThat(new LossWeight.SoftMinSnr(5).at(5, V)).isCloseTo(2.5 / 6, within(1e-12));
    }
}
