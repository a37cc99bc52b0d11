package dev.atelier.merge;

import dev.atelier.checkpoint.Architecture;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Component;
import dev.atelier.checkpoint.Layout;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * How the tensors of a model are divided into blocks that users give weights to. The order and the names are those of
 * sdweb-merge-block-weighted-gui: BASE for all but the UNet, then its input, middle and output blocks.
 */
public enum Blocks {
    /** 26 blocks of Stable Diffusion 1 and 2. */
    SD(12, 12, "IN00", "BASE"),
    /** 20 blocks of Stable Diffusion XL. */
    SDXL(9, 9, "IN00", "BASE"),
    /** As SD, with the time embedding in BASE: sd-mecha. */
    SD_MECHA(12, 12, "BASE", "BASE"),
    /** As SDXL, with the time and label embeddings in BASE and a last block for the VAE: sd-mecha. */
    SDXL_MECHA(9, 9, "BASE", "VAE");

    private static final Pattern BLOCK = Pattern.compile("\\.(input|middle|output)_blocks?\\.(\\d+)\\.");

    @SuppressWarnings("ImmutableEnumChecker") // toList() makes it so
    private final List<String> names;

    private final String ofEmbeddings;
    private final String ofVae;

    Blocks(int inputs, int outputs, String ofEmbeddings, String ofVae) {
        this.names = Stream.of(
                        Stream.of("BASE"),
                        numbered("IN", inputs),
                        Stream.of("M00"),
                        numbered("OUT", outputs),
                        ofVae.equals("VAE") ? Stream.of("VAE") : Stream.<String>empty())
                .flatMap(part -> part)
                .toList();
        this.ofEmbeddings = ofEmbeddings;
        this.ofVae = ofVae;
    }

    private static Stream<String> numbered(String prefix, int count) {
        return IntStream.range(0, count).mapToObj(i -> "%s%02d".formatted(prefix, i));
    }

    /** The blocks that weights for this model are usually written for. */
    public static Blocks of(Checkpoint model) {
        return Architecture.of(Layout.normalize(model)) == Architecture.SDXL ? SDXL : SD;
    }

    /** The blocks in the order in which weights are listed. */
    public List<String> names() {
        return names;
    }

    /** The block that the tensor called {@code name} belongs to. */
    public String of(String name) {
        if (name.startsWith(Component.VAE.prefix())) {
            return ofVae;
        }
        if (!name.startsWith(Component.UNET.prefix())) {
            return "BASE";
        }
        if (name.contains("time_embed") || name.contains("label_emb")) {
            return ofEmbeddings;
        }
        if (name.contains(".out.")) {
            return names.reversed().stream()
                    .filter(block -> block.startsWith("OUT"))
                    .findFirst()
                    .orElseThrow();
        }
        Matcher block = BLOCK.matcher(name);
        if (!block.find()) {
            return "BASE";
        }
        return switch (block.group(1)) {
            case "input" -> "IN%02d".formatted(Integer.parseInt(block.group(2)));
            case "output" -> "OUT%02d".formatted(Integer.parseInt(block.group(2)));
            default -> "M00";
        };
    }
}
