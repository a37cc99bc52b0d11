package dev.atelier.merge;

import static dev.atelier.merge.Interpolation.clamp;
import static dev.atelier.merge.Interpolation.lerp;
import static dev.atelier.merge.Interpolation.ratio;

import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.DoubleStream;

/** Weighted sums whose share follows from how alike A and B are, column by column (along axis 0). */
final class Cosine {
    private static final Parameter<Double> ALPHA = Parameter.number("alpha", 1, "what is taken off the similarity");
    private static final Parameter<Double> SHIFT = Parameter.number("alpha", 0, "larger moves towards B");

    static final List<MergeMethod> METHODS = List.of(
            MergeMethod.named("cosine-a")
                    .formula("lerp(A, B, 1 - clip(s - alpha, 0, 1)), s = cos(A, B) along axis 0")
                    .inputs("A", "B")
                    .multiplier(ALPHA)
                    .source("sd-mecha add_cosine_a")
                    .tensors((in, p) -> {
                        double alpha = p.of(ALPHA);
                        return in.after(() -> Columns.of(in).cosines(), s -> blend(s, alpha));
                    }),
            MergeMethod.named("cosine-b")
                    .formula("lerp(A, B, 1 - clip(s - alpha, 0, 1)), s = (cos(A, B) along axis 0 + cos(A, B))/2")
                    .inputs("A", "B")
                    .multiplier(ALPHA)
                    .source("sd-mecha add_cosine_b")
                    .tensors((in, p) -> {
                        double alpha = p.of(ALPHA);
                        return in.after(() -> Columns.of(in).withWhole(), s -> blend(s, alpha));
                    }),
            MergeMethod.named("cosine-a-supermerger")
                    .formula("lerp(B, A, clip((s - low)/(high - low) - |alpha|, 0, 1)), s as in cosine-b on columns of"
                            + " norm 1; low and high over all tensors but the VAE's")
                    .inputs("A", "B")
                    .multiplier(SHIFT)
                    .source("SuperMerger cosineA")
                    .models(all -> {
                        Supplier<Range> range = new Once<>(() -> Range.of(all, Columns::cosines));
                        return (in, p) -> {
                            double alpha = Math.abs(p.of(SHIFT));
                            return isVae(in)
                                    ? in.first()
                                    : in.after(
                                            () -> range.get()
                                                    .scale(Columns.of(in).normalizedWithWhole(), alpha),
                                            Cosine::shareOfA);
                        };
                    }),
            MergeMethod.named("cosine-b-supermerger")
                    .formula("lerp(B, A, clip((s - low)/(high - low) - alpha, 0, 1)), s as in cosine-b;"
                            + " low and high over all tensors but the VAE's")
                    .inputs("A", "B")
                    .multiplier(SHIFT)
                    .source("SuperMerger cosineB")
                    .models(all -> {
                        Supplier<Range> range = new Once<>(() -> Range.of(all, Columns::withWhole));
                        return (in, p) -> {
                            double alpha = p.of(SHIFT);
                            return isVae(in)
                                    ? in.first()
                                    : in.after(
                                            () -> range.get()
                                                    .scale(Columns.of(in).withWhole(), alpha),
                                            Cosine::shareOfA);
                        };
                    }));

    private Cosine() {}

    private static Operands.Indexed blend(double[] similarity, double alpha) {
        return (x, index) -> lerp(x[0], x[1], 1 - clamp(similarity[(int) (index % similarity.length)] - alpha, 0, 1));
    }

    private static Operands.Indexed shareOfA(double[] share) {
        return (x, index) -> lerp(x[1], x[0], share[(int) (index % share.length)]);
    }

    private static boolean isVae(Operands in) {
        return in.key().contains("first_stage_model");
    }

    /** Dot products and squared norms of A and B, for each column and for the whole tensor. */
    private static final class Columns {
        private final double[] dots;
        private final double[] a;
        private final double[] b;

        Columns(double[] dots, double[] a, double[] b) {
            this.dots = dots;
            this.a = a;
            this.b = b;
        }

        static Columns of(Operands in) {
            int columns = Math.toIntExact(in.rowLength());
            if (in.shape().rank() == 1) {
                columns = 1;
            }
            Columns sums = new Columns(new double[columns], new double[columns], new double[columns]);
            in.sweep((x, index) -> {
                int column = (int) (index % sums.dots.length);
                sums.dots[column] += x[0] * x[1];
                sums.a[column] += x[0] * x[0];
                sums.b[column] += x[1] * x[1];
            });
            return sums;
        }

        double[] cosines() {
            double[] cosines = new double[dots.length];
            for (int i = 0; i < cosines.length; i++) {
                cosines[i] = dots[i] / (Math.max(Math.sqrt(a[i]), 1e-8) * Math.max(Math.sqrt(b[i]), 1e-8));
            }
            return cosines;
        }

        double[] withWhole() {
            double norms = Math.sqrt(DoubleStream.of(a).sum())
                    * Math.sqrt(DoubleStream.of(b).sum());
            return halfway(ratio(DoubleStream.of(dots).sum(), norms));
        }

        /** As {@link #withWhole} once each column has been divided by its norm. */
        double[] normalizedWithWhole() {
            double columnsOfA = DoubleStream.of(a).filter(square -> square > 0).count();
            double columnsOfB = DoubleStream.of(b).filter(square -> square > 0).count();
            double dot = DoubleStream.of(cosines()).sum();
            return halfway(ratio(dot, Math.sqrt(columnsOfA) * Math.sqrt(columnsOfB)));
        }

        private double[] halfway(double whole) {
            double[] similarity = cosines();
            for (int i = 0; i < similarity.length; i++) {
                similarity[i] = (similarity[i] + whole) / 2;
            }
            return similarity;
        }
    }

    /** Between which values the similarities of a model lie, without the lowest and the highest hundredth. */
    record Range(double low, double high) {
        private static Range of(List<Operands> all, Function<Columns, double[]> similarity) {
            double[] pool = all.stream()
                    .filter(in -> !isVae(in))
                    .flatMapToDouble(in -> DoubleStream.of(similarity.apply(Columns.of(in))))
                    .filter(s -> !Double.isNaN(s))
                    .sorted()
                    .toArray();
            double first = percentile(pool, 0.01);
            double[] upper = DoubleStream.of(pool).filter(s -> s >= first).toArray();
            double last = percentile(upper, 0.99);
            double[] kept = DoubleStream.of(upper).filter(s -> s <= last).toArray();
            return kept.length == 0 ? new Range(0, 0) : new Range(kept[0], kept[kept.length - 1]);
        }

        /** The order statistic, or the mean of the two next to it. */
        private static double percentile(double[] sorted, double share) {
            if (sorted.length == 0) {
                return 0;
            }
            double position = share * (sorted.length - 1);
            return (sorted[(int) Math.floor(position)] + sorted[(int) Math.ceil(position)]) / 2;
        }

        /** The share of A; 1 where all similarities are one and the same, which leaves no scale. */
        private double[] scale(double[] similarity, double alpha) {
            return Arrays.stream(similarity)
                    .map(s -> high == low ? 1 : clamp((s - low) / (high - low) - alpha, 0, 1))
                    .toArray();
        }
    }
}
