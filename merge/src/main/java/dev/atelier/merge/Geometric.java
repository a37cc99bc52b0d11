package dev.atelier.merge;

import static dev.atelier.merge.Interpolation.ratio;

import java.util.List;

/** Products and powers of weights; the power of a negative weight is complex, and the result its real part. */
final class Geometric {
    private static final Parameter<Double> SHARE = Parameter.between("alpha", 0.5, 0, 1, "the share of B");
    private static final Parameter<Double> STRENGTH = Parameter.number("alpha", 1, "the strength");

    static final List<MergeMethod> METHODS = List.of(
            MergeMethod.named("geometric-sum")
                    .formula("Re(A^(1 - alpha) * B^alpha)")
                    .inputs("A", "B")
                    .multiplier(SHARE)
                    .source("sd-mecha geometric_sum")
                    .pairs(p -> {
                        double alpha = p.of(SHARE);
                        return (a, b) -> alpha == 0 ? a : alpha == 1 ? b : geometricSum(a, b, alpha);
                    }),
            MergeMethod.named("multiply-quotient")
                    .formula("Re(A*(B/C)^e), e = alpha*max(0, -a*b/max(|a|, |b|)^2), a = ln|A/C|, b = ln|B/C|")
                    .inputs("A", "B", "C")
                    .multiplier(STRENGTH)
                    .source("sd-mecha multiply_quotient")
                    .triples(p -> {
                        double alpha = p.of(STRENGTH);
                        return (a, b, c) -> multiplyQuotient(a, b, c, alpha);
                    }));

    private Geometric() {}

    private static double geometricSum(double a, double b, double alpha) {
        double phase = Math.PI * ((a < 0 ? 1 - alpha : 0) + (b < 0 ? alpha : 0));
        return Math.pow(Math.abs(a), 1 - alpha) * Math.pow(Math.abs(b), alpha) * Math.cos(phase);
    }

    private static double multiplyQuotient(double a, double b, double c, double alpha) {
        double logA = Math.log(Math.abs(a)) - Math.log(Math.abs(c));
        double logB = Math.log(Math.abs(b)) - Math.log(Math.abs(c));
        double larger = Math.max(Math.abs(logA), Math.abs(logB));
        double exponent = alpha * Math.max(0, -ratio(logA * logB, larger * larger));
        double quotient = b / c;
        double power = Math.pow(Math.abs(quotient), exponent) * (quotient < 0 ? Math.cos(Math.PI * exponent) : 1);
        return Double.isNaN(a * power) ? a : a * power;
    }
}
