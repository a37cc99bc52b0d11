package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Expected values: {@code get_learned_conditioning_prompt_schedules} of AUTOMATIC1111's modules/prompt_parser.py, 1.10.1. */
class PromptTimelineTest {

    @ParameterizedTest
    @CsvSource(delimiter = ';', quoteCharacter = '`', textBlock = """
                    test                      ; 10{test}
                    a [b:3]                   ; 3{a } 10{a b}
                    a [b: 3]                  ; 3{a } 10{a b}
                    a [[[b]]:2]               ; 2{a } 10{a [[b]]}
                    [(a:2):3]                 ; 3{} 10{(a:2)}
                    a [b : c : 1] d           ; 1{a b  d} 10{a  c  d}
                    a[b:[c:d:2]:1]e           ; 1{abe} 2{ace} 10{ade}
                    a [unbalanced             ; 10{a [unbalanced}
                    a [b:.5] c                ; 5{a  c} 10{a b c}
                    a [{b|d{:.5] c            ; 10{a [{b|d{:.5] c}
                    ((a][:b:c [d:3]           ; 3{((a][:b:c } 10{((a][:b:c d}
                    [a|(b:1.1)]               ; 1{a} 2{(b:1.1)} 3{a} 4{(b:1.1)} 5{a} 6{(b:1.1)} 7{a} 8{(b:1.1)} 9{a} 10{(b:1.1)}
                    [a::3]                    ; 3{a} 10{}
                    [:a:3]                    ; 3{} 10{a}
                    [a:3]                     ; 3{} 10{a}
                    [a:b:0]                   ; 10{b}
                    [a:b:-1]                  ; 10{b}
                    [a:b:0.0]                 ; 10{b}
                    [a:b:1.0]                 ; 10{a}
                    [a:b:11]                  ; 10{a}
                    [a:b:1e1]                 ; 10{a}
                    [a:b:1]                   ; 1{a} 10{b}
                    [a:b:0.55]                ; 5{a} 10{b}
                    [fe|]male                 ; 1{female} 2{male} 3{female} 4{male} 5{female} 6{male} 7{female} 8{male} 9{female} 10{male}
                    [a||b]                    ; 1{a} 2{} 3{b} 4{a} 5{} 6{b} 7{a} 8{} 9{b} 10{a}
                    [a|[b|c]]                 ; 1{a} 2{c} 3{a} 4{c} 5{a} 6{c} 7{a} 8{c} 9{a} 10{c}
                    [a:[b|c]:5]               ; 1{a} 2{a} 3{a} 4{a} 5{a} 6{c} 7{b} 8{c} 9{b} 10{c}
                    (a:[1.2:1.4:5])           ; 5{(a:1.2)} 10{(a:1.4)}
                    [a:5:10]                  ; 10{a}
                    [1:2]                     ; 2{} 10{1}
                    [a|b:c]                   ; 10{[a|b:c]}
                    [a:b|c:3]                 ; 10{[a:b|c:3]}
                    [(a|b):c:5]               ; 10{[(a|b):c:5]}
                    a | b [c:d:3]             ; 10{a | b [c:d:3]}
                    (a|b)                     ; 10{(a|b)}
                    [a:b:3] c\\               ; 10{[a:b:3] c\\}
                    [\\[a\\]:b:3]             ; 3{\\[a\\]} 10{b}
                    [a:b] [c:d:5]             ; 5{[a:b] c} 10{[a:b] d}
                    [a:b:c:5]                 ; 10{[a:b:c:5]}
                    [a:b:5%]                  ; 10{[a:b:5%]}
                    """)
    void promptEditingIsPlannedAsAutomatic1111PlansIt(String prompt, String expected) {
        assertThat(describe(PromptTimeline.of(prompt, EditingTimes.first(10, false))))
                .isEqualTo(expected);
    }

    /** What {@code modules/prompt_parser.py} plans for a second pass of 8 steps after 20, and with old timelines for 10 steps. */
    @ParameterizedTest
    @CsvSource(delimiter = ';', textBlock = """
                    a [b:c:.5] d            ; 8{a c d}           ; 5{a b d} 10{a c d}
                    a [b:c:1.5] d           ; 4{a b d} 8{a c d}  ; 1{a b d} 10{a c d}
                    a [b:c:25] d            ; 5{a b d} 8{a c d}  ; 10{a b d}
                    a [b:c:12] d            ; 8{a c d}           ; 10{a b d}
                    a [b:c:0.3] [d:e:1.2]   ; 1{a c d} 8{a c e}  ; 1{a b d} 3{a b e} 10{a c e}
                    [b:c:0.99]              ; 8{c}               ; 9{b} 10{c}
                    [b:c:1.0]               ; 8{c}               ; 1{b} 10{c}
                    [b:c:1e-1]              ; 8{c}               ; 1{b} 10{c}
                    [b::22]                 ; 2{b} 8{}           ; 10{b}
                    """)
    void aSecondPassCountsOnAndOldTimelinesCountOtherwise(String prompt, String second, String old) {
        EditingTimes first = EditingTimes.first(20, false);
        assertThat(describe(PromptTimeline.of(prompt, first.second(8)))).isEqualTo(second);
        EditingTimes ofOld = EditingTimes.first(10, true);
        assertThat(describe(PromptTimeline.of(prompt, ofOld))).isEqualTo(old);
        assertThat(ofOld.second(8)).isEqualTo(ofOld);
    }

    @Test
    void anEmptyPromptStaysEmpty() {
        assertThat(describe(PromptTimeline.of("", EditingTimes.first(10, false))))
                .isEqualTo("10{}");
    }

    /** AUTOMATIC1111's own off-by-one: its calls count from 0, its steps from 1. */
    @Test
    void anEntryUpToStepKCoversTheFirstKPlusOneCalls() {
        Timeline<String> timeline = PromptTimeline.of("[a:b:2]", EditingTimes.first(4, false));
        assertThat(timeline.at(0)).isEqualTo("a");
        assertThat(timeline.at(2)).isEqualTo("a");
        assertThat(timeline.at(3)).isEqualTo("b");
        assertThat(timeline.at(4)).isEqualTo("b");
    }

    @Test
    void afterThePlannedCallsTheFirstEntryComesBack() {
        assertThat(PromptTimeline.of("[a:b:2]", EditingTimes.first(4, false)).at(5))
                .isEqualTo("a");
    }

    @ParameterizedTest
    @ValueSource(strings = {"(", "[", "[a:", "[a:b:", "[a|", "\\", ":", "(a)", "[:  "})
    @Timeout(20)
    void hostilePromptsTakeLittleTime(String part) {
        String prompt = part.repeat(20_000);
        assertThat(PromptTimeline.of(prompt, EditingTimes.first(10, false)).at(0))
                .isEqualTo(prompt);
    }

    @Test
    void bracketsThatAreNestedTooDeepAreText() {
        String prompt = "[".repeat(5000) + "a" + ":1]".repeat(5000);
        assertThat(PromptTimeline.of(prompt, EditingTimes.first(10, false)).at(0))
                .startsWith("[[[")
                .contains(":1]:1]");
    }

    private static String describe(Timeline<String> timeline) {
        return timeline.entries().stream()
                .map(entry -> entry.end() + "{" + entry.value() + "}")
                .collect(Collectors.joining(" "));
    }
}
