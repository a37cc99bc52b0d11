package dev.atelier.engine.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/** The examples of protobuf.dev's description of the wire format, and what they leave out. */
class ProtobufMessageTest {
    @Test
    void aNumberTakesSevenBitsAByte() {
        assertThat(hex(new ProtobufMessage().set(1, 150))).isEqualTo("089601");
        assertThat(hex(new ProtobufMessage().set(1, 0))).isEqualTo("0800");
        assertThat(hex(new ProtobufMessage().set(1, Long.MAX_VALUE))).isEqualTo("08ffffffffffffffff7f");
    }

    @Test
    void aNegativeNumberTakesTenBytes() {
        assertThat(hex(new ProtobufMessage().set(1, -2))).isEqualTo("08feffffffffffffffff01");
    }

    @Test
    void aFieldNumberBeyondFifteenTakesTwoBytes() {
        assertThat(hex(new ProtobufMessage().set(20, 1))).isEqualTo("a00101");
    }

    @Test
    void textHasItsLengthInBytesBeforeIt() {
        assertThat(hex(new ProtobufMessage().set(2, "testing"))).isEqualTo("120774657374696e67");
        assertThat(hex(new ProtobufMessage().set(2, "é"))).isEqualTo("1202c3a9");
    }

    @Test
    void aMessageLiesInAnotherLikeText() {
        ProtobufMessage inner = new ProtobufMessage().set(1, 150);
        assertThat(hex(new ProtobufMessage().set(3, inner))).isEqualTo("1a03089601");
    }

    @Test
    void aFloatTakesFourBytesLowestFirst() {
        assertThat(hex(new ProtobufMessage().set(2, 1.5f))).isEqualTo("150000c03f");
    }

    private static String hex(ProtobufMessage message) {
        return HexFormat.of().formatHex(message.toBytes());
    }
}
