package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Expected values: {@code parse_prompt_attention} of AUTOMATIC1111's modules/prompt_parser.py, 1.10.1. */
class PromptSegmentTest {

    @ParameterizedTest
    @CsvSource(delimiter = ';', quoteCharacter = '`', textBlock = """
                    normal text               ; {normal text}1.0
                    a (b) c                   ; {a }1.0 {b}1.1 { c}1.0
                    ((a))                     ; {a}1.2100000000000002
                    (((a)))                   ; {a}1.3310000000000004
                    [a]                       ; {a}0.9090909090909091
                    [[a]]                     ; {a}0.8264462809917354
                    ([a])                     ; {a}1.0
                    (a:1.5)                   ; {a}1.5
                    (a: 1.5 )                 ; {a}1.5
                    (a:.5)                    ; {a}0.5
                    (a:+1.2)                  ; {a}1.2
                    (a:-1)                    ; {a}-1.0
                    ((a:1.5))                 ; {a}1.6500000000000001
                    (a (b:2) c)               ; {a }1.1 {b}2.2 { c}1.1
                    [a:1.5]                   ; {a:1.5}0.9090909090909091
                    (a:1.5                    ; {a:1.5}1.1
                    (a:1,5)                   ; {a:1,5}1.1
                    (a:b:1.2)                 ; {a:b}1.2
                    a:1.5)                    ; {a:1.5)}1.0
                    (a]                       ; {a]}1.1
                    ((a) b                    ; {a}1.2100000000000002 { b}1.1
                    \\(a\\)                   ; {(a)}1.0
                    \\\\(a)                   ; {\\}1.0 {a}1.1
                    \\a                       ; {a}1.0
                    a\\                       ; {a}1.0
                    ()                        ; {}1.0
                    (:1.2)                    ; {}1.0
                    (a:1.2) (b:1.2)           ; {a}1.2 { }1.0 {b}1.2
                    a BREAK b                 ; {a}1.0 {BREAK}-1.0 {b}1.0
                    aBREAK b                  ; {aBREAK b}1.0
                    a BREAK BREAK b           ; {a}1.0 {BREAK}-1.0 {}1.0 {BREAK}-1.0 {b}1.0
                    BREAK                     ; {}1.0 {BREAK}-1.0 {}1.0
                    (a BREAK b:1.2)           ; {a}1.2 {BREAK}-1.2 {b}1.2
                    """)
    void bracketsAreReadAsAutomatic1111ReadsThem(String prompt, String expected) {
        assertThat(describe(prompt)).isEqualTo(expected);
    }

    @Test
    void anEmptyPromptIsOneEmptySegment() {
        assertThat(PromptSegment.parse("")).containsExactly(new PromptSegment("", 1));
    }

    /** AUTOMATIC1111 stops with an error here. */
    @Test
    void whatOnlyLooksLikeANumberIsText() {
        assertThat(describe("(a:1.5.2)")).isEqualTo("{a:1.5.2)}1.1");
    }

    @Test
    void onlyAnUnweightedBreakIsOne() {
        assertThat(PromptSegment.parse("a BREAK b"))
                .extracting(PromptSegment::isBreak)
                .containsExactly(false, true, false);
        assertThat(PromptSegment.parse("(a BREAK b)"))
                .extracting(PromptSegment::isBreak)
                .containsOnly(false);
    }

    @ParameterizedTest
    @ValueSource(strings = {"(", "[", ":", "\\", " ", ")", ":1", "BREAK "})
    @Timeout(20)
    void hostilePromptsTakeLittleTime(String part) {
        List<PromptSegment> segments = PromptSegment.parse(part.repeat(100_000));
        assertThat(segments).isNotEmpty();
    }

    private static String describe(String prompt) {
        return PromptSegment.parse(prompt).stream()
                .map(segment -> "{" + segment.text() + "}" + segment.weight())
                .collect(Collectors.joining(" "));
    }
}
