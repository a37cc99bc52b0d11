package dev.atelier.server.job;

/** {@code QUEUED → RUNNING → SUCCEEDED | FAILED | CANCELLED}; a job whose worker stops is queued again. */
public enum JobState {
    QUEUED,
    RUNNING,
    SUCCEEDED,
    FAILED,
    CANCELLED;

    /** Whether nothing more will happen. */
    public boolean isFinal() {
        return this != QUEUED && this != RUNNING;
    }
}
