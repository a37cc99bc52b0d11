package dev.atelier.model;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.IntConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.zip.GZIPInputStream;

/**
 * CLIP's byte-level byte-pair encoding, with the ids of Hugging Face's {@code CLIPTokenizer} (transformers 5, and the
 * fast tokenizer of earlier versions).
 *
 * <p>The vocabulary of 49,408 ids: the 256 bytes, the same bytes at the end of a word, one id for each of the 48,894
 * merges, BOS, EOS. SD 1.x, SD 2.x and both encoders of SDXL share it. Instances are immutable.
 */
public final class ClipTokenizer {
    /** {@code <|startoftext|>}. */
    public static final int BOS = 49406;

    /** {@code <|endoftext|>}. */
    public static final int EOS = 49407;

    /** How many ids the text encoder reads at once, BOS and EOS included. */
    public static final int WINDOW = 77;

    /** How many ids there are. */
    public static final int VOCABULARY = 49408;

    private static final String MERGES = "clip-merges.txt.gz";
    private static final int BYTES = 256;
    private static final String END_OF_WORD = "</w>";
    private static final Pattern SPECIAL_TOKEN = Pattern.compile("<\\|(start|end)oftext\\|>");
    private static final Pattern WORD =
            Pattern.compile("'s|'t|'re|'ve|'m|'ll|'d|\\p{L}+|\\p{N}|[^\\p{IsWhite_Space}\\p{L}\\p{N}]+");

    private static final class Standard {
        static final ClipTokenizer TOKENIZER = load(MERGES);
    }

    private final int[] idByByte;
    private final BytePairMerges merges;

    private ClipTokenizer(int[] idByByte, BytePairMerges merges) {
        this.idByByte = idByByte;
        this.merges = merges;
    }

    /** The tokenizer of every Stable Diffusion text encoder; loaded once, on first use. */
    public static ClipTokenizer standard() {
        return Standard.TOKENIZER;
    }

    /**
     * The ids of {@code text}, any number of them, without BOS and EOS around them. Letter case and the amount of white
     * space make no difference; {@code <|startoftext|>} and {@code <|endoftext|>} in the text become BOS and EOS.
     */
    public int[] encode(String text) {
        IntStream.Builder ids = IntStream.builder();
        Matcher special = SPECIAL_TOKEN.matcher(text);
        int from = 0;
        while (special.find()) {
            encodeWords(text.substring(from, special.start()), ids);
            ids.accept(special.group(1).equals("start") ? BOS : EOS);
            from = special.end();
        }
        encodeWords(text.substring(from), ids);
        return ids.build().toArray();
    }

    private void encodeWords(String text, IntConsumer ids) {
        // letters are lowered one by one, so there is no final sigma
        String normal = Normalizer.normalize(text, Normalizer.Form.NFC)
                .replace('Σ', 'σ')
                .toLowerCase(Locale.ROOT);
        Matcher word = WORD.matcher(normal);
        while (word.find()) {
            for (int id : encodeWord(word.group())) {
                ids.accept(id);
            }
        }
    }

    private int[] encodeWord(String word) {
        byte[] utf8 = word.getBytes(StandardCharsets.UTF_8);
        int[] symbols = new int[utf8.length];
        for (int i = 0; i < utf8.length; i++) {
            symbols[i] = idByByte[Byte.toUnsignedInt(utf8[i])];
        }
        symbols[symbols.length - 1] += BYTES; // the same byte at the end of a word
        return merges.apply(symbols);
    }

    private static ClipTokenizer load(String resource) {
        int[] idByByte = new int[BYTES];
        Map<String, Integer> idByToken = new HashMap<>();
        for (int id = 0; id < BYTES; id++) {
            ByteSymbol symbol = ByteSymbol.ALPHABET.get(id);
            idByByte[symbol.value()] = id;
            idByToken.put(symbol.text(), id);
            idByToken.put(symbol.text() + END_OF_WORD, BYTES + id);
        }
        BytePairMerges merges = new BytePairMerges();
        int id = 2 * BYTES;
        for (String line : lines(resource)) {
            int space = line.indexOf(' ');
            String left = line.substring(0, space);
            String right = line.substring(space + 1);
            merges.add(
                    Objects.requireNonNull(idByToken.get(left), left),
                    Objects.requireNonNull(idByToken.get(right), right),
                    id);
            idByToken.put(left + right, id);
            id++;
        }
        return new ClipTokenizer(idByByte, merges);
    }

    /** The merges in order of rank, each two symbols with a blank between them. */
    static List<String> mergeLines() {
        return lines(MERGES);
    }

    private static List<String> lines(String resource) {
        try (InputStream stored = Objects.requireNonNull(ClipTokenizer.class.getResourceAsStream(resource), resource);
                BufferedReader lines = new BufferedReader(
                        new InputStreamReader(new GZIPInputStream(stored), StandardCharsets.UTF_8))) {
            return lines.lines().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
