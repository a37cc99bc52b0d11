package dev.atelier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atelier.checkpoint.InvalidCheckpointException.Reason;
import java.nio.file.Path;

/** What every refusal of a file has in common. */
final class Refusals {
    private Refusals() {}

    /** Opening {@code file} fails for this reason, in one short line that names the file and says {@code words}. */
    static void assertRefused(Path file, Reason reason, String... words) {
        assertThatThrownBy(() -> Checkpoints.open(file))
                .isInstanceOfSatisfying(InvalidCheckpointException.class, refusal -> {
                    assertThat(refusal.getMessage())
                            .startsWith(file + ": ")
                            .hasSizeLessThan(file.toString().length() + 500)
                            .doesNotContainPattern("[\\p{Cc}\\p{Cf}]");
                    for (String word : words) {
                        assertThat(refusal.getMessage()).contains(word);
                    }
                    assertThat(refusal.reason()).as(refusal.getMessage()).isEqualTo(reason);
                    assertThat(refusal.file()).isEqualTo(file);
                });
    }
}
