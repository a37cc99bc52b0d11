package dev.atelier.checkpoint;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * By which the VAE baked into a checkpoint is known again, whatever file and precision it came in: the SHA-256 of its tensors, sorted by
 * name without prefix, as name, shape and values rounded to fp16.
 */
public final class VaeHash {
    private static final int BLOCK = Scratch.SIZE;

    private VaeHash() {}

    /** 64 hex digits; nothing, if {@code checkpoint} (in the single-file layout) holds no VAE. Reads all of it. */
    public static Optional<String> of(Checkpoint checkpoint) {
        Map<String, Tensor> vae = new TreeMap<>();
        String prefix = Component.VAE.prefix();
        boolean bare = checkpoint.has("decoder.conv_in.weight");
        checkpoint.tensors().forEach((name, tensor) -> {
            String plain = bare ? name : name.startsWith(prefix) ? name.substring(prefix.length()) : "";
            if (plain.matches("(encoder|decoder|quant_conv|post_quant_conv)\\..+")
                    && tensor.dtype().isFloating()) {
                vae.put(plain, tensor);
            }
        });
        if (vae.isEmpty()) {
            return Optional.empty();
        }
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment buffer = arena.allocate(2L * BLOCK, 8);
                vae.forEach((name, tensor) -> {
                    digest.update((name + " " + tensor.shape() + "\n").getBytes(StandardCharsets.UTF_8));
                    Tensor half = tensor.to(DType.F16);
                    for (long at = 0; at < half.byteSize(); at += buffer.byteSize()) {
                        MemorySegment block = buffer.asSlice(0, Math.min(buffer.byteSize(), half.byteSize() - at));
                        half.read(at, block);
                        digest.update(block.asByteBuffer());
                    }
                });
            }
            return Optional.of(HexFormat.of().formatHex(digest.digest()));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }
}
