package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ScriptTextTest {
    private static final String LONG = "a, ".repeat(50_000);

    @Test
    void wordsMayBeLong() {
        assertThat(ScriptText.words("--prompt \"a \\\"dog\\\"\" it's' 'q r'z"))
                .containsExactly("--prompt", "a \"dog\"", "its", "q rz");
        assertThat(ScriptText.words("--prompt \"%s\" 'b'".formatted(LONG))).containsExactly("--prompt", LONG, "b");
    }

    @Test
    void valuesMayBeLong() {
        assertThat(ScriptText.values("a, \"b, \"\"c\"\"\", d")).containsExactly("a", "b, \"c\"", "d");
        assertThat(ScriptText.values("\"%s\", b".formatted(LONG))).containsExactly(LONG, "b");
    }
}
