package dev.atelier.checkpoint;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * Lists what a file would make Python import and call, without running anything of it. Two readers look at it: a lenient one that
 * follows every pickle in the file as far as it goes, whatever is wrong with the container (names, flags, checksums,
 * compression, extension), and the strict one that opens checkpoints, whose refusal is part of the report.
 */
public final class PickleScan {
    private static final int MAX_STREAM = PickleMachine.MAX_BYTES;
    private static final int MAX_RECORDS = 200_000;
    private static final long LOCAL = 0x04034b50L;
    private static final long CENTRAL = 0x02014b50L;
    private static final long END = 0x06054b50L;
    private static final long END64 = 0x06064b50L;
    private static final long LOCATOR64 = 0x07064b50L;
    private static final byte[] SEVEN_ZIP = {'7', 'z', (byte) 0xBC, (byte) 0xAF, 0x27, 0x1C};

    /** Records of torch's archives that no loader takes for a pickle. */
    private static final Set<String> PLAIN =
            Set.of("version", "byteorder", "serialization_id", ".format_version", ".storage_alignment");

    private static final Set<String> EXTENSIONS =
            Set.of("ckpt", "pt", "pth", "bin", "pkl", "pickle", "safetensors", "joblib", "npy");

    private final MappedFile file;
    private final ScanReport.Collector found = new ScanReport.Collector();

    private PickleScan(MappedFile file) {
        this.file = file;
    }

    /**
     * Scans one file.
     *
     * @throws java.io.UncheckedIOException if it cannot be read
     */
    public static ScanReport of(Path path) {
        return new PickleScan(MappedFile.open(path)).scan();
    }

    /** Whether a file found in a folder is worth scanning: by its name, or because it starts as a pickle or an archive does. */
    public static boolean concerns(Path path) {
        String name = path.getFileName().toString().toLowerCase(java.util.Locale.ROOT);
        if (EXTENSIONS.contains(name.substring(name.lastIndexOf('.') + 1))) {
            return true;
        }
        MappedFile file = MappedFile.open(path);
        return ZipRecords.looksLike(file)
                || startsAsPickle(file.array(0, (int) Math.min(2, file.size())))
                || isSevenZip(file);
    }

    private ScanReport scan() {
        String container;
        if (ZipRecords.looksLike(file)) {
            container = "zip archive";
            scanZip();
        } else if (isSevenZip(file)) {
            container = "7z archive";
            found.problem("", 0, "it is a 7z archive, which hides its content from scanners; no checkpoint is one");
        } else if (TorchLegacyReader.looksLike(file)) {
            container = "PyTorch file from before 1.6";
            // magic, protocol, properties of the machine, object, list of storages; then raw numbers
            PickleScanner.scan("pickles", start(), 5, found);
        } else if (SafetensorsReader.looksLike(file)) {
            container = "safetensors, which holds no pickle";
        } else if (file.size() > 262 && isTar()) {
            container = "tar archive";
            found.problem("", 0, "it is a tar archive: PyTorch's format of 2016, which unpickles its members");
        } else {
            container = "bare pickle";
            PickleScanner.scan("pickle", start(), Integer.MAX_VALUE, found);
        }
        Optional<String> refusal = refusal();
        if (found.size() == 0 && container.equals("bare pickle")) {
            container = "unknown";
        }
        return found.report(file.path(), container, refusal);
    }

    private Optional<String> refusal() {
        try {
            Checkpoints.open(file.path());
            return Optional.empty();
        } catch (InvalidCheckpointException e) {
            return Optional.of(e.problem());
        }
    }

    private byte[] start() {
        return file.array(0, (int) Math.min(MAX_STREAM, file.size()));
    }

    private static boolean startsAsPickle(byte[] start) {
        return start.length >= 2 && start[0] == (byte) 0x80 && start[1] >= 0 && start[1] <= 5;
    }

    private static boolean isSevenZip(MappedFile file) {
        return file.size() >= SEVEN_ZIP.length && Arrays.equals(file.array(0, SEVEN_ZIP.length), SEVEN_ZIP);
    }

    private boolean isTar() {
        return new String(file.array(257, 5), StandardCharsets.US_ASCII).equals("ustar");
    }

    /** By the directory at the end, which is what loaders go by; where there is none, by the headers in front. */
    private void scanZip() {
        try {
            long end = findEnd();
            if (end >= 0) {
                scanDirectory(end);
            } else {
                found.problem("", file.size(), "the directory of the archive is missing");
                scanHeaders();
            }
        } catch (IndexOutOfBoundsException _) {
            found.problem("", 0, "the directory of the archive points outside the file");
            scanHeaders();
        }
    }

    private long findEnd() {
        for (long at = file.size() - 22; at >= Math.max(0, file.size() - 22 - 0xFFFF); at--) {
            if (file.u32(at) == END) {
                return at;
            }
        }
        return -1;
    }

    private void scanDirectory(long end) {
        long position = file.u32(end + 16);
        if (end >= 20 && file.u32(end - 20) == LOCATOR64 && file.u32(file.u64(end - 12)) == END64) {
            position = file.u64(file.u64(end - 12) + 48);
        }
        for (int record = 0; record < MAX_RECORDS && file.u32(position) == CENTRAL; record++) {
            int nameLength = file.u16(position + 28);
            String name = new String(file.array(position + 46, nameLength), StandardCharsets.UTF_8);
            scanRecord(name, position, nameLength);
            position += 46L + nameLength + file.u16(position + 30) + file.u16(position + 32);
        }
    }

    private void scanRecord(String name, long central, int nameLength) {
        long packed = file.u32(central + 20);
        long header = file.u32(central + 42);
        long extraEnd = central + 46 + nameLength + file.u16(central + 30);
        for (long extra = central + 46 + nameLength; extra + 4 <= extraEnd; extra += 4 + file.u16(extra + 2)) {
            if (file.u16(extra) == 1) { // zip64: the sizes and the offset that did not fit, in this order
                long at = extra + 4;
                at += file.u32(central + 24) == 0xFFFF_FFFFL ? 8 : 0;
                if (packed == 0xFFFF_FFFFL) {
                    packed = file.u64(at);
                    at += 8;
                }
                header = header == 0xFFFF_FFFFL ? file.u64(at) : header;
            }
        }
        if (file.u32(header) != LOCAL) {
            found.problem(name, header, "its header is not where the directory says");
            return;
        }
        long begin = header + 30 + file.u16(header + 26) + file.u16(header + 28);
        scanPayload(name, file.u16(central + 10), begin, Math.clamp(packed, 0, Math.max(0, file.size() - begin)));
    }

    /** The records one behind the other, as far as their headers tell sizes. */
    private void scanHeaders() {
        long at = 0;
        for (int record = 0; record < MAX_RECORDS && at + 30 <= file.size() && file.u32(at) == LOCAL; record++) {
            int nameLength = file.u16(at + 26);
            long begin = at + 30 + nameLength + file.u16(at + 28);
            if (begin > file.size()) {
                return;
            }
            String name = new String(file.array(at + 30, nameLength), StandardCharsets.UTF_8);
            long size = file.u32(at + 18);
            scanPayload(
                    name, file.u16(at + 8), begin, Math.min(size == 0 ? Long.MAX_VALUE : size, file.size() - begin));
            at = begin + size;
            if (size == 0) {
                return; // the size stands behind the data
            }
        }
    }

    private void scanPayload(String name, int method, long begin, long size) {
        String last = name.substring(name.lastIndexOf('/') + 1);
        boolean storage = name.matches("[^/]+/data/\\d+");
        byte[] bytes = file.array(begin, (int) Math.min(MAX_STREAM, size));
        if (method == 8) {
            bytes = inflated(bytes);
        }
        if (PLAIN.contains(last) || (storage && !startsAsPickle(bytes))) {
            return;
        }
        ScanReport.Collector inside = new ScanReport.Collector();
        PickleScanner.scan(name, bytes, Integer.MAX_VALUE, inside);
        ScanReport report = inside.report(file.path(), "", Optional.empty());
        // what merely starts with the byte of some operation is not a pickle
        if (last.endsWith(".pkl")
                || (startsAsPickle(bytes) && !storage)
                || !report.globals().isEmpty()) {
            PickleScanner.scan(name, bytes, Integer.MAX_VALUE, found);
        }
    }

    private static byte[] inflated(byte[] packed) {
        Inflater inflater = new Inflater(true);
        try {
            inflater.setInput(packed);
            byte[] bytes = new byte[(int) Math.min(MAX_STREAM, 1024L * packed.length)];
            return Arrays.copyOf(bytes, inflater.inflate(bytes));
        } catch (DataFormatException _) {
            return packed;
        } finally {
            inflater.end();
        }
    }
}
