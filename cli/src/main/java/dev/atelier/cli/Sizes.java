package dev.atelier.cli;

import java.util.Locale;

/** Sizes as people read them. */
final class Sizes {
    private Sizes() {}

    /** For example "2.13 GB"; decimal units, as disks and file managers count. */
    static String of(long bytes) {
        String[] units = {"bytes", "kB", "MB", "GB", "TB"};
        double value = bytes;
        int unit = 0;
        while (value >= 1000 && unit < units.length - 1) {
            value /= 1000;
            unit++;
        }
        return unit == 0
                ? bytes + " bytes"
                : String.format(Locale.ROOT, value < 100 ? "%.2f %s" : "%.0f %s", value, units[unit]);
    }
}
