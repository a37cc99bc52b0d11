package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.model.ClipTokenizer;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TokenWindowsTest {
    private static final int COMMA = 267;

    @Test
    void anEmptyPromptIsOneWindowOfPadding() {
        int[][] windows = TokenWindows.of(new int[0]);
        assertThat(windows).hasDimensions(1, 77);
        assertThat(windows[0][0]).isEqualTo(ClipTokenizer.BOS);
        assertThat(Arrays.copyOfRange(windows[0], 1, 77)).containsOnly(ClipTokenizer.EOS);
    }

    @Test
    void aShortPromptIsPaddedWithEos() {
        int[][] windows = TokenWindows.of(ClipTokenizer.standard().encode("a photo of a cat"));
        assertThat(windows).hasDimensions(1, 77);
        assertThat(Arrays.copyOf(windows[0], 8)).containsExactly(49406, 320, 1125, 539, 320, 2368, 49407, 49407);
    }

    @Test
    void seventyFiveTokensFillOneWindow() {
        int[] tokens = words(75);
        int[][] windows = TokenWindows.of(tokens);
        assertThat(windows).hasDimensions(1, 77);
        assertThat(content(windows[0])).containsExactly(tokens);
    }

    @Test
    void theSeventySixthTokenOpensAWindow() {
        int[] tokens = words(76);
        int[][] windows = TokenWindows.of(tokens);
        assertThat(windows).hasDimensions(2, 77);
        assertThat(content(windows[0])).containsExactly(Arrays.copyOf(tokens, 75));
        assertThat(content(windows[1])).containsExactly(tokens[75]);
    }

    @Test
    void whatFollowsALateCommaMovesToTheNextWindow() {
        int[] tokens = words(100);
        tokens[55] = COMMA; // 75 − 55 = 20, the farthest that counts
        int[][] windows = TokenWindows.of(tokens);
        assertThat(content(windows[0])).containsExactly(Arrays.copyOf(tokens, 56));
        assertThat(content(windows[1])).containsExactly(Arrays.copyOfRange(tokens, 56, 100));
    }

    @Test
    void aCommaFartherBackMovesNothing() {
        int[] tokens = words(100);
        tokens[54] = COMMA;
        int[][] windows = TokenWindows.of(tokens);
        assertThat(content(windows[0])).containsExactly(Arrays.copyOf(tokens, 75));
        assertThat(content(windows[1])).containsExactly(Arrays.copyOfRange(tokens, 75, 100));
    }

    @Test
    void aCommaThatIsItselfTheSeventySixthTokenMovesNothing() {
        int[] tokens = words(80);
        tokens[60] = COMMA;
        tokens[75] = COMMA;
        int[][] windows = TokenWindows.of(tokens);
        assertThat(content(windows[0])).containsExactly(Arrays.copyOf(tokens, 75));
        assertThat(content(windows[1])).containsExactly(Arrays.copyOfRange(tokens, 75, 80));
    }

    @Test
    void aCommaCountsOnlyInItsOwnWindow() {
        int[] tokens = words(76 + 75);
        tokens[74] = COMMA;
        int[][] windows = TokenWindows.of(tokens);
        assertThat(windows).hasDimensions(3, 77);
        assertThat(content(windows[1])).containsExactly(Arrays.copyOfRange(tokens, 75, 150));
    }

    @Test
    void noTokenIsLostOrReordered() {
        int[] tokens = words(1000);
        for (int i = 0; i < tokens.length; i += 13) {
            tokens[i] = COMMA;
        }
        int[] joined = Arrays.stream(TokenWindows.of(tokens))
                .flatMapToInt(window -> Arrays.stream(content(window)))
                .toArray();
        assertThat(joined).containsExactly(tokens);
    }

    private static int[] words(int count) {
        return IntStream.range(1000, 1000 + count).toArray();
    }

    private static int[] content(int[] window) {
        return Arrays.stream(window)
                .filter(token -> token != ClipTokenizer.BOS && token != ClipTokenizer.EOS)
                .toArray();
    }
}
