package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.diffusion.TokenWindows.Window;
import dev.atelier.model.ClipTokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TokenWindowsTest {
    private static final int COMMA = 267;
    private static final List<String> WORDS = List.of("a", "photo", "of", "cat", "dog", "red", "blue", "on", "the");

    @Test
    void anEmptyPromptIsOneWindowOfPadding() {
        List<Window> windows = windows("");
        assertThat(windows).hasSize(1);
        List<Integer> tokens = windows.getFirst().text().tokens();
        assertThat(tokens).hasSize(77).first().isEqualTo(ClipTokenizer.BOS);
        assertThat(tokens.subList(1, 77)).containsOnly(ClipTokenizer.EOS);
        assertThat(TokenWindows.empty()).isEqualTo(windows.getFirst());
    }

    @Test
    void aShortPromptIsPaddedWithEos() {
        List<Window> windows = windows("a photo of a cat");
        assertThat(windows).hasSize(1);
        assertThat(windows.getFirst().text().tokens().subList(0, 8))
                .containsExactly(49406, 320, 1125, 539, 320, 2368, 49407, 49407);
    }

    @Test
    void seventyFiveTokensFillOneWindow() {
        assertThat(cut(words(75))).containsExactly(words(75));
    }

    @Test
    void theSeventySixthTokenOpensAWindow() {
        List<String> words = words(76);
        assertThat(cut(words)).containsExactly(words.subList(0, 75), words.subList(75, 76));
    }

    @Test
    void whatFollowsALateCommaMovesToTheNextWindow() {
        List<String> words = words(100, 55); // 75 − 55 = 20, the farthest that counts
        assertThat(cut(words)).containsExactly(words.subList(0, 56), words.subList(56, 100));
    }

    @Test
    void aCommaFartherBackMovesNothing() {
        List<String> words = words(100, 54);
        assertThat(cut(words)).containsExactly(words.subList(0, 75), words.subList(75, 100));
    }

    @Test
    void aCommaThatIsItselfTheSeventySixthTokenMovesNothing() {
        List<String> words = words(80, 60, 75);
        assertThat(cut(words)).containsExactly(words.subList(0, 75), words.subList(75, 80));
    }

    @Test
    void aCommaCountsOnlyInItsOwnWindow() {
        List<String> words = words(76 + 75, 74);
        assertThat(cut(words)).containsExactly(words.subList(0, 75), words.subList(75, 150), words.subList(150, 151));
    }

    @Test
    void noTokenIsLostOrReordered() {
        List<String> words = words(1000, IntStream.range(0, 77).map(i -> 13 * i).toArray());
        assertThat(cut(words).stream().flatMap(List::stream)).containsExactlyElementsOf(words);
    }

    @Test
    void aBreakClosesTheWindow() {
        assertThat(cut("a BREAK cat")).containsExactly(List.of("a"), List.of("cat"));
        assertThat(cut("BREAK cat")).containsExactly(List.of(), List.of("cat"));
        assertThat(cut("cat BREAK")).containsExactly(List.of("cat"));
    }

    @Test
    void weightsStayWithTheirTokens() {
        String prompt = "(" + String.join(" ", words(80, 60)) + ":1.5) [cat]";
        List<Window> windows = windows(prompt);
        assertThat(windows).hasSize(2);
        assertWeights(windows.get(0), 61, 0);
        assertWeights(windows.get(1), 19, 1);
    }

    @Test
    void howFarBackACommaMayLieIsASetting() {
        List<PromptSegment> words = PromptSegment.parse(String.join(" ", words(80, 60)));
        int moved = TokenWindows.of(words, Embeddings.NONE, 20)
                .get(1)
                .text()
                .tokens()
                .indexOf(ClipTokenizer.EOS);
        int stayed = TokenWindows.of(words, Embeddings.NONE, 14)
                .get(1)
                .text()
                .tokens()
                .indexOf(ClipTokenizer.EOS);
        assertThat(moved).isEqualTo(1 + 19);
        assertThat(stayed).isEqualTo(1 + 5);
    }

    private static void assertWeights(Window window, int more, int less) {
        Float[] expected = new Float[77];
        Arrays.fill(expected, 1f);
        Arrays.fill(expected, 1, 1 + more, 1.5f);
        Arrays.fill(expected, 1 + more, 1 + more + less, (float) (1 / 1.1));
        assertThat(window.weights()).containsExactly(expected);
    }

    private static List<Window> windows(String prompt) {
        return TokenWindows.of(PromptSegment.parse(prompt), Embeddings.NONE, 20);
    }

    /** Words of one token each, with commas at some places. */
    private static List<String> words(int count, int... commas) {
        return IntStream.range(0, count)
                .mapToObj(i -> Arrays.stream(commas).anyMatch(comma -> comma == i) ? "," : WORDS.get(i % WORDS.size()))
                .toList();
    }

    private static List<List<String>> cut(List<String> words) {
        return cut(String.join(" ", words));
    }

    /** The words of each window. */
    private static List<List<String>> cut(String prompt) {
        return windows(prompt).stream()
                .map(window -> window.text().tokens().stream()
                        .filter(token -> token != ClipTokenizer.BOS && token != ClipTokenizer.EOS)
                        .map(TokenWindowsTest::word)
                        .toList())
                .toList();
    }

    private static String word(int token) {
        return token == COMMA
                ? ","
                : WORDS.stream()
                        .filter(word -> ClipTokenizer.standard().encode(word)[0] == token)
                        .findFirst()
                        .orElseThrow();
    }
}
