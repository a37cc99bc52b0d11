package dev.atelier.catalog;

import dev.atelier.checkpoint.Architecture;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;

/**
 * A file, or a folder of diffusers, as the catalog knows it.
 *
 * @param id stays the same when the file is moved or renamed
 * @param name the path below the folder that was scanned, with {@code /} between its parts
 * @param label architecture and variant for people, for example "LoRA for Stable Diffusion XL"
 * @param dtypes the element types, the most frequent first, for example "F16, I64"
 * @param components the parts that are there, for example "text encoder, UNet, VAE"
 * @param problem why the file cannot be used
 * @param autoV1 AUTOMATIC1111's old short hash; empty for folders and for files that cannot be read
 * @param sha256 of the whole file, once {@link Catalog#hash} has been there
 * @param dataSha256 of the weights without the header of a safetensors file, likewise
 */
public record Model(
        long id,
        Path path,
        String name,
        long size,
        Instant modified,
        ModelKind kind,
        Architecture architecture,
        String label,
        String dtypes,
        String components,
        int tensors,
        Optional<String> problem,
        Optional<String> autoV1,
        Optional<String> sha256,
        Optional<String> dataSha256) {
    private static final int SHORT_HASH = 10;
    private static final int LORA_HASH = 12;

    /** The short hash in titles and infotexts: ten digits of {@link #sha256}. */
    public Optional<String> shortHash() {
        return sha256.map(hash -> hash.substring(0, SHORT_HASH));
    }

    /** The hash by which LoRA are known: twelve digits of {@link #dataSha256}. */
    public Optional<String> autoV3() {
        return dataSha256.map(hash -> hash.substring(0, LORA_HASH));
    }

    /** As AUTOMATIC1111 lists it: the name, followed by the short hash in brackets once that is known. */
    public String title() {
        return shortHash().map(hash -> "%s [%s]".formatted(name, hash)).orElse(name);
    }

    /** The file's name without folder and extension. */
    public String stem() {
        return stem(name);
    }

    static String stem(String name) {
        String file = name.substring(name.lastIndexOf('/') + 1);
        int dot = file.lastIndexOf('.');
        return dot > 0 ? file.substring(0, dot) : file;
    }
}
