package dev.atelier.checkpoint;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A file is not a checkpoint that can be used. The message is one sentence that names the file and, where there is one,
 * the tensor, key or byte at fault.
 */
public final class InvalidCheckpointException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Why a file was refused; the safetensors reasons follow the order in which its validation runs. */
    public enum Reason {
        HEADER_TOO_SMALL,
        HEADER_TOO_LARGE,
        HEADER_BEYOND_FILE,
        HEADER_NOT_UTF8,
        HEADER_NOT_JSON,
        DUPLICATE_NAME,
        BAD_NAME,
        UNKNOWN_DTYPE,
        TOO_MANY_TENSORS,
        INVALID_OFFSET,
        SIZE_OVERFLOW,
        MISALIGNED,
        SIZE_MISMATCH,
        INCOMPLETE_BUFFER,
        UNKNOWN_FORMAT,
        BAD_INDEX,
        BAD_ARCHIVE,
        BAD_PICKLE,
        FORBIDDEN_GLOBAL,
        MISSING_TENSOR,
        SHAPE_MISMATCH,
        UNKNOWN_LAYOUT
    }

    private final transient Path file;
    private final Reason reason;
    private final String problem;

    public InvalidCheckpointException(Path file, Reason reason, String problem) {
        super(file + ": " + visible(problem));
        this.file = file;
        this.reason = reason;
        this.problem = problem;
    }

    public InvalidCheckpointException(Path file, Reason reason, String problem, Throwable cause) {
        super(file + ": " + visible(problem), cause);
        this.file = file;
        this.reason = reason;
        this.problem = problem;
    }

    /** The message without the file's name. */
    public String problem() {
        return problem;
    }

    public Path file() {
        return file;
    }

    public Reason reason() {
        return reason;
    }

    /** Text from a file, short enough to be quoted in a message. */
    static String shortened(@Nullable String text) {
        return text == null ? "" : text.length() > 120 ? text.substring(0, 120) + "…" : text;
    }

    /** Names come from strangers: without the characters that could drive a terminal or reorder the line. */
    private static String visible(String problem) {
        return problem.replaceAll("[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}]", "?");
    }
}
