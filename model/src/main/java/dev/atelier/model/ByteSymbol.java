package dev.atelier.model;

import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A byte and the character that stands for it in the file of merges. GPT-2 and CLIP write a printable Latin-1 byte as
 * itself and every other byte as one of the characters from U+0100 on, so that no token holds a blank.
 */
record ByteSymbol(int value, String text) {

    /** All 256 bytes in the order of their token ids: the printable ones first. */
    static final List<ByteSymbol> ALPHABET = alphabet();

    private static List<ByteSymbol> alphabet() {
        Stream<ByteSymbol> printable = IntStream.range(0, 256)
                .filter(ByteSymbol::printable)
                .mapToObj(value -> new ByteSymbol(value, Character.toString(value)));
        int[] others =
                IntStream.range(0, 256).filter(value -> !printable(value)).toArray();
        Stream<ByteSymbol> renamed = IntStream.range(0, others.length)
                .mapToObj(i -> new ByteSymbol(others[i], Character.toString(0x100 + i)));
        return Stream.concat(printable, renamed).toList();
    }

    private static boolean printable(int value) {
        boolean softHyphen = value == 0xAD;
        boolean ascii = value > ' ' && value < 0x7F;
        return ascii || (value > 0xA0 && !softHyphen);
    }
}
