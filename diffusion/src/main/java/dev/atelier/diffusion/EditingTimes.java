package dev.atelier.diffusion;

/**
 * What the numbers of prompt editing stand for in a pass.
 *
 * @param steps how many steps the pass has, counted in calls of the network
 * @param before how many the pass before it had, whose numbers go on in this one; 0 for the first pass
 * @param isOld AUTOMATIC1111's "old prompt editing timelines": below 1 a number is a share of the steps, point or not
 */
record EditingTimes(int steps, int before, boolean isOld) {
    static EditingTimes first(int steps, boolean isOld) {
        return new EditingTimes(steps, 0, isOld);
    }

    /** Those of a second pass; old timelines are planned for the first and say the same again. */
    EditingTimes second(int stepsOfSecond) {
        return isOld ? this : new EditingTimes(stepsOfSecond, steps, false);
    }

    /** The last step before a switch; 0 or less for what has been behind all along. */
    int step(String number) {
        double value = Double.parseDouble(number);
        if (isOld) {
            return (int) Math.min(steps, value < 1 ? value * steps : value);
        }
        boolean isShare = number.contains(".");
        double share = before > 0 ? value - 1 : value;
        return (int) Math.min(steps, isShare ? share * steps : value - before);
    }
}
