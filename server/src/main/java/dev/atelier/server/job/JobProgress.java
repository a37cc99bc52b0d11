package dev.atelier.server.job;

/**
 * How far a job has come.
 *
 * @param phase the part of the work, in lower case
 * @param done units of this phase that are done
 * @param total units of this phase, 0 if unknown
 * @param fraction of the whole job, 0 to 1
 * @param previews how many previews there have been; a new number is a new picture
 */
public record JobProgress(String phase, int done, int total, double fraction, int previews) {
    public static final JobProgress NONE = new JobProgress("", 0, 0, 0, 0);
}
