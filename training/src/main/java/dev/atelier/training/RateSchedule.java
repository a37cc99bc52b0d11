package dev.atelier.training;

import java.util.List;

/**
 * By what the learning rate is multiplied, step by step. Names and formulas are those of diffusers'
 * {@code optimization.py} and of kohya's additions to it, so a schedule of theirs has the same numbers here.
 */
public sealed interface RateSchedule {
    /** At a step, counted from 0. */
    double factor(int step);

    /**
     * {@code constant}, and with {@code warmup} steps on the way up {@code constant_with_warmup}. All schedules rise from 0: the
     * first step of a warm-up moves nothing.
     */
    record Constant(int warmup) implements RateSchedule {
        @Override
        public double factor(int step) {
            return step < warmup ? rise(step, warmup) : 1;
        }
    }

    /** {@code linear}: falls to 0 at {@code steps}. */
    record Linear(int warmup, int steps) implements RateSchedule {
        @Override
        public double factor(int step) {
            return step < warmup ? rise(step, warmup) : Math.max(0, 1 - progress(step, warmup, steps));
        }
    }

    /**
     * {@code cosine}, and with {@code least} above 0 {@code cosine_with_min_lr}.
     *
     * @param cycles 0.5 for half a wave, from the top to the bottom
     * @param least what is left at the bottom
     */
    record Cosine(int warmup, int steps, double cycles, double least) implements RateSchedule {
        @Override
        public double factor(int step) {
            if (step < warmup) {
                return rise(step, warmup);
            }
            double wave = wave(2 * cycles * progress(step, warmup, steps));
            return Math.max(0, wave * (1 - least) + least);
        }
    }

    /** {@code cosine_with_restarts}: {@code cycles} times from the top to the bottom. */
    record Restarts(int warmup, int steps, int cycles) implements RateSchedule {
        @Override
        public double factor(int step) {
            if (step < warmup) {
                return rise(step, warmup);
            }
            double progress = progress(step, warmup, steps);
            return progress >= 1 ? 0 : wave(cycles * progress % 1);
        }
    }

    /**
     * {@code polynomial}.
     *
     * @param end the learning rate at the end, as a share of that at the top; diffusers has 1e-7, in absolute terms
     */
    record Polynomial(int warmup, int steps, double power, double end) implements RateSchedule {
        @Override
        public double factor(int step) {
            if (step < warmup) {
                return rise(step, warmup);
            }
            double left = Math.max(0, 1 - progress(step, warmup, steps));
            return (1 - end) * Math.pow(left, power) + end;
        }
    }

    /** {@code piecewise_constant}. */
    record Piecewise(List<Piece> pieces, double last) implements RateSchedule {
        /** @param until the first step that it does not hold for */
        public record Piece(double factor, int until) {}

        public Piecewise {
            pieces = List.copyOf(pieces);
        }

        /** @param rule as diffusers writes it: {@code 1:10,0.1:20,0.01} is 1 before step 10, 0.1 before 20, then 0.01 */
        public static Piecewise of(String rule) {
            String[] parts = rule.split(",", -1);
            try {
                return new Piecewise(
                        List.of(parts).subList(0, parts.length - 1).stream()
                                .map(part -> part.split(":", 2))
                                .map(part -> new Piece(Double.parseDouble(part[0]), Integer.parseInt(part[1])))
                                .toList(),
                        Double.parseDouble(parts[parts.length - 1]));
            } catch (IndexOutOfBoundsException | NumberFormatException e) {
                throw new IllegalArgumentException(
                        "a piecewise learning rate is written 1:10,0.1:20,0.01, not \"" + rule + "\"", e);
            }
        }

        @Override
        public double factor(int step) {
            return pieces.stream()
                    .filter(piece -> step < piece.until())
                    .findFirst()
                    .map(Piece::factor)
                    .orElse(last);
        }
    }

    /**
     * {@code inverse_sqrt}: falls with the root of the number of steps.
     *
     * @param scale after how many steps it has fallen to 0.7; kohya's is {@code warmup}, or 10,000 where that is 0
     */
    record InverseRoot(int warmup, int scale) implements RateSchedule {
        @Override
        public double factor(int step) {
            return step < warmup ? rise(step, warmup) : 1 / Math.sqrt((double) (step + scale - warmup) / scale);
        }
    }

    /**
     * {@code warmup_stable_decay}: up, level, and along half a wave down.
     *
     * @param decay how many steps the way down takes
     * @param least where it starts and ends
     */
    record StableDecay(int warmup, int stable, int decay, double least) implements RateSchedule {
        @Override
        public double factor(int step) {
            int down = step - warmup - stable;
            double height =
                    step < warmup ? rise(step, warmup) : down < 0 ? 1 : down < decay ? wave((double) down / decay) : 0;
            return height * (1 - least) + least;
        }
    }

    /** OneTrainer's {@code rex} (Chen et al. 2022, "REX: Revisiting Budgeted Training with an Improved Schedule"). */
    record Rex(int warmup, int steps) implements RateSchedule {
        private static final double BEND = 0.9;

        @Override
        public double factor(int step) {
            if (step < warmup) {
                return rise(step, warmup);
            }
            double left = Math.max(0, 1 - progress(step, warmup, steps));
            return left / (1 - BEND + BEND * left);
        }
    }

    private static double rise(int step, int warmup) {
        return (double) step / warmup;
    }

    private static double progress(int step, int warmup, int steps) {
        return (double) (step - warmup) / Math.max(1, steps - warmup);
    }

    /** From 1 at 0 to 0 at 1. */
    private static double wave(double halves) {
        return 0.5 * (1 + Math.cos(Math.PI * halves));
    }
}
