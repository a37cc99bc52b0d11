package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Collectors;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The rules of {@code get_multicond_prompt_list} in AUTOMATIC1111's modules/prompt_parser.py, 1.10.1. */
class PromptPartTest {

    @ParameterizedTest
    @CsvSource(delimiter = ';', quoteCharacter = '`', textBlock = """
                    a AND b                   ; {a}1.0 { b}1.0
                    a:1.2 AND b : -.5         ; {a}1.2 { b}-0.5
                    a :2. AND b:+3            ; {a}2.0 { b}3.0
                    a                         ; {a}1.0
                    ratio 16:9                ; {ratio 16}9.0
                    (a:1.2)                   ; {(a:1.2)}1.0
                    a:b                       ; {a:b}1.0
                    a:1e1                     ; {a:1e1}1.0
                    a:                        ; {a:}1.0
                    a ANDb sAND c             ; {a ANDb sAND c}1.0
                    AND                       ; {}1.0 {}1.0
                    `a  AND  b `              ; {a}1.0 {  b}1.0
                    """)
    void partsAndTheirWeightsAreThoseOfAutomatic1111(String prompt, String expected) {
        assertThat(PromptPart.parse(prompt).stream()
                        .map(part -> "{" + part.text() + "}" + part.weight())
                        .collect(Collectors.joining(" ")))
                .isEqualTo(expected);
    }
}
