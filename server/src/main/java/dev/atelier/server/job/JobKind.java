package dev.atelier.server.job;

/** What a job does. */
public enum JobKind {
    GENERATE(Lane.GENERATE),
    UPSCALE(Lane.GENERATE),
    MERGE(Lane.WORKSHOP),
    CONVERT(Lane.WORKSHOP),
    TRAIN(Lane.WORKSHOP);

    private final Lane lane;

    JobKind(Lane lane) {
        this.lane = lane;
    }

    public Lane lane() {
        return lane;
    }
}
