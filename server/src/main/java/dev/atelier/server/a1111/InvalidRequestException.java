package dev.atelier.server.a1111;

import java.util.List;

/** A body that does not fit its fields; answered with 422 and the list of what does not. */
final class InvalidRequestException extends RuntimeException {
    private final transient List<Problem> problems;

    /**
     * One thing that does not fit.
     *
     * @param loc where: {@code body} and the name of a field, or the place of the letter at which it is no JSON any more
     * @param type pydantic's name of the error
     */
    record Problem(List<?> loc, String msg, String type) {}

    InvalidRequestException(List<Problem> problems) {
        super(problems.toString());
        this.problems = List.copyOf(problems);
    }

    InvalidRequestException(List<?> loc, String msg, String type) {
        this(List.of(new Problem(loc, msg, type)));
    }

    List<Problem> problems() {
        return problems;
    }
}
