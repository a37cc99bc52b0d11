package dev.atelier.model;

import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/** The files from which transformers' {@code CLIPTokenizer} is loaded, with the vocabulary of {@link ClipTokenizer}. */
public final class TokenizerFiles {
    private static final String BOS = "<|startoftext|>";
    private static final String EOS = "<|endoftext|>";

    private TokenizerFiles() {}

    /**
     * The files by name: {@code vocab.json}, {@code merges.txt}, {@code special_tokens_map.json} and
     * {@code tokenizer_config.json}.
     *
     * @param pad what fills a prompt up to 77 ids: EOS for CLIP, "!" for OpenCLIP
     */
    public static Map<String, byte[]> of(String pad) {
        List<String> merges = ClipTokenizer.mergeLines();
        Map<String, byte[]> files = new LinkedHashMap<>();
        files.put("merges.txt", utf8("#version: 0.2\n" + String.join("\n", merges) + "\n"));
        files.put("vocab.json", json(json -> {
            int id = 0;
            for (String token : vocabulary(merges)) {
                json.writeNumberProperty(token, id++);
            }
        }));
        files.put("special_tokens_map.json", json(json -> writeSpecialTokens(json, pad)));
        files.put("tokenizer_config.json", json(json -> {
            json.writeBooleanProperty("add_prefix_space", false);
            json.writeBooleanProperty("do_lower_case", true);
            json.writeStringProperty("errors", "replace");
            json.writeNumberProperty("model_max_length", ClipTokenizer.WINDOW);
            writeSpecialTokens(json, pad);
            json.writeStringProperty("tokenizer_class", "CLIPTokenizer");
        }));
        return files;
    }

    private static void writeSpecialTokens(JsonGenerator json, String pad) {
        json.writeStringProperty("bos_token", BOS);
        json.writeStringProperty("eos_token", EOS);
        json.writeStringProperty("pad_token", pad);
        json.writeStringProperty("unk_token", EOS);
    }

    private static Iterable<String> vocabulary(List<String> merges) {
        List<String> tokens = new java.util.ArrayList<>(ClipTokenizer.VOCABULARY);
        ByteSymbol.ALPHABET.forEach(symbol -> tokens.add(symbol.text()));
        ByteSymbol.ALPHABET.forEach(symbol -> tokens.add(symbol.text() + "</w>"));
        merges.forEach(merge -> tokens.add(merge.replace(" ", "")));
        tokens.add(BOS);
        tokens.add(EOS);
        return tokens;
    }

    private interface Members {
        void write(JsonGenerator json);
    }

    private static byte[] json(Members members) {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = new JsonFactory().createGenerator(ObjectWriteContext.empty(), text)) {
            json.writeStartObject();
            members.write(json);
            json.writeEndObject();
        }
        return utf8(text + "\n");
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
