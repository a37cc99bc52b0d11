package dev.atelier.server.job;

/** Jobs of one lane wait for each other; a training of hours does not keep a picture waiting. */
public enum Lane {
    /** Seconds to minutes: pictures. */
    GENERATE("generate_tickets"),
    /** Minutes to hours: merging, converting, training. */
    WORKSHOP("workshop_tickets");

    private final String table;

    Lane(String table) {
        this.table = table;
    }

    /** db-scheduler's table. */
    String table() {
        return table;
    }
}
