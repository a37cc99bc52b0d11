package dev.atelier.cli;

/** Text from files of strangers, without the characters that could drive a terminal or reorder a line. */
final class Visible {
    private Visible() {}

    static String text(String text) {
        return text.replaceAll("[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}]", "?");
    }
}
