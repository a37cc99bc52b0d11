package dev.atelier.server.job;

/** What somebody asks of a running job. */
public enum Wish {
    /** Stop, and forget what was done. */
    CANCEL,
    /** Stop early and keep what there is. */
    INTERRUPT,
    /** Stop this picture early, and go on with the next. */
    SKIP
}
