package dev.atelier.checkpoint;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * The hashes by which a file is known to other programs. All of them are lower-case hex digits.
 *
 * @param sha256 of the whole file, 64 digits
 * @param autoV1 the old short hash of AUTOMATIC1111 (8 digits): SHA-256 of 64 KiB from offset 1 MiB on, as far as the
 *     file reaches. Every file of at most 1 MiB has {@code e3b0c442}
 * @param dataSha256 of what follows the header of a safetensors file (64 digits), so the same whatever the metadata says;
 *     kohya's {@code sshs_model_hash}. Empty for other formats
 */
public record FileHashes(String sha256, String autoV1, Optional<String> dataSha256) {
    /** Where AUTOMATIC1111 reads, and how much ({@code modules/sd_models.py}, {@code model_hash}). */
    private static final long AUTO_V1_OFFSET = 0x100000;

    private static final long AUTO_V1_LENGTH = 0x10000;

    private static final int AUTO_V1_DIGITS = 8;
    private static final int AUTO_V2_DIGITS = 10;
    private static final int AUTO_V3_DIGITS = 12;

    /** The short hash in infotexts and titles of AUTOMATIC1111: ten digits. */
    public String autoV2() {
        return sha256.substring(0, AUTO_V2_DIGITS);
    }

    /** The hash by which AUTOMATIC1111 and Civitai know a LoRA: twelve digits; empty unless the file is safetensors. */
    public Optional<String> autoV3() {
        return dataSha256.map(hash -> hash.substring(0, AUTO_V3_DIGITS));
    }

    /**
     * Reads the file once from the disk; its two long hashes are computed at the same time.
     *
     * @throws java.io.UncheckedIOException if the file cannot be read
     */
    public static FileHashes of(Path path, Progress progress) {
        FileStamp stamp = FileStamp.of(path);
        MappedFile file = MappedFile.open(path);
        Optional<CompletableFuture<String>> data = data(file).map(bytes -> {
            CompletableFuture<String> hash = new CompletableFuture<>();
            Thread.ofPlatform()
                    .daemon()
                    .start(() -> hash.completeAsync(() -> FileHash.sha256(bytes, Progress.NONE), Runnable::run));
            return hash;
        });
        String whole = FileHash.sha256(file.bytes(), progress);
        Optional<String> dataHash = data.map(FileHashes::join);
        stamp.requireUnchanged();
        return new FileHashes(whole, autoV1(file), dataHash);
    }

    /** The old short hash of AUTOMATIC1111; reads at most 64 KiB. */
    public static String autoV1(Path path) {
        return autoV1(MappedFile.open(path));
    }

    private static String autoV1(MappedFile file) {
        long begin = Math.min(AUTO_V1_OFFSET, file.size());
        long length = Math.min(AUTO_V1_LENGTH, file.size() - begin);
        return FileHash.sha256(file.bytes().asSlice(begin, length), Progress.NONE)
                .substring(0, AUTO_V1_DIGITS);
    }

    private static Optional<MemorySegment> data(MappedFile file) {
        if (!SafetensorsReader.looksLike(file) || 8 + file.u64(0) > file.size()) {
            return Optional.empty();
        }
        return Optional.of(file.bytes().asSlice(8 + file.u64(0)));
    }

    private static String join(CompletableFuture<String> hash) {
        try {
            return hash.join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : e;
        }
    }
}
