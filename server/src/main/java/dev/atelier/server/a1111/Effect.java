package dev.atelier.server.a1111;

/** What a field does here, of those that AUTOMATIC1111's requests may have. */
enum Effect {
    /** What it does there. */
    OBEYED,
    /** Nothing: it may say what it likes. */
    IGNORED,
    /** An error, unless it says what goes without saying. */
    REFUSED
}
