package dev.atelier.server.novita;

/** A request that cannot be done; the message names the field and says what to change. */
final class ProblemException extends RuntimeException {
    private final Problem problem;

    ProblemException(Problem problem, String message) {
        super(message);
        this.problem = problem;
    }

    Problem problem() {
        return problem;
    }
}
