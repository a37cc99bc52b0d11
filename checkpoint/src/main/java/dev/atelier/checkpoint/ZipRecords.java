package dev.atelier.checkpoint;

import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.BAD_ARCHIVE;
import static dev.atelier.checkpoint.InvalidCheckpointException.shortened;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.zip.CRC32;

/**
 * The records of a zip file written by {@code torch.save}: stored (never compressed) payloads below one top-level folder.
 *
 * <pre>
 * [local header, payload]*  [central header]*  (zip64 end record, zip64 locator)?  end record
 * </pre>
 *
 * Only the central directory is trusted, and each local header must agree with it: scanners that read one and loaders
 * that read the other have been played off against each other (CVE-2025-1944, CVE-2025-1945).
 */
final class ZipRecords {
    private static final long END = 0x06054b50L;
    private static final long END64 = 0x06064b50L;
    private static final long LOCATOR64 = 0x07064b50L;
    private static final long CENTRAL = 0x02014b50L;
    private static final long LOCAL = 0x04034b50L;
    private static final long SATURATED = 0xFFFF_FFFFL;
    private static final int SATURATED_COUNT = 0xFFFF;
    private static final int MAX_RECORDS = 200_000;
    private static final int CRC_BLOCK = 1 << 20;

    /** What torch writes; anything else in the archive is not a checkpoint's business. */
    private static final Pattern RECORD = Pattern.compile(
            "data/\\d+|data\\.pkl|version|byteorder|\\.data/serialization_id|\\.format_version|\\.storage_alignment");

    private record Central(String name, long checksum, long size, long header) {}

    private record Payload(String name, long begin, long end) {}

    private final MappedFile file;
    private final Map<String, MemorySegment> records = new LinkedHashMap<>();
    private final Map<String, Long> checksums = new LinkedHashMap<>();
    private byte[] comment = {};

    private ZipRecords(MappedFile file) {
        this.file = file;
    }

    static boolean looksLike(MappedFile file) {
        return file.size() >= 4 && file.u32(0) == LOCAL;
    }

    /** Reads the directory of {@code file}; payloads stay mapped. */
    static ZipRecords open(MappedFile file) {
        ZipRecords zip = new ZipRecords(file);
        try {
            zip.readDirectory();
        } catch (IndexOutOfBoundsException e) {
            throw new InvalidCheckpointException(
                    file.path(),
                    BAD_ARCHIVE,
                    "the zip directory points outside the file; it is truncated or damaged",
                    e);
        }
        return zip;
    }

    /** The payload of {@code name}, which is relative to the top-level folder, for example {@code data/0}. */
    Optional<MemorySegment> find(String name) {
        return Optional.ofNullable(records.get(name));
    }

    /** Reads all payloads and returns the names of those whose CRC-32 is not the directory's. */
    List<String> damaged() {
        return records.entrySet().parallelStream()
                .filter(record -> !Objects.equals(checksums.get(record.getKey()), crc32(record.getValue())))
                .map(Map.Entry::getKey)
                .toList();
    }

    private static long crc32(MemorySegment payload) {
        CRC32 crc = new CRC32();
        for (long done = 0; done < payload.byteSize(); done += CRC_BLOCK) {
            crc.update(payload.asSlice(done, Math.min(CRC_BLOCK, payload.byteSize() - done))
                    .asByteBuffer());
        }
        return crc.getValue();
    }

    /** The comment at the end of the file. */
    byte[] comment() {
        return comment;
    }

    private void readDirectory() {
        long end = findEnd();
        comment = file.array(end + 22, file.u16(end + 20));
        long count = file.u16(end + 10);
        long position = file.u32(end + 16);
        if (end >= 20 && file.u32(end - 20) == LOCATOR64) {
            long end64 = checked(file.u64(end - 20 + 8));
            if (file.u32(end64) != END64) {
                throw invalid("the zip64 end record is not where its locator says");
            }
            long count64 = checked(file.u64(end64 + 32));
            long position64 = checked(file.u64(end64 + 48));
            if ((count != SATURATED_COUNT && count != count64) || (position != SATURATED && position != position64)) {
                throw invalid("the two end records of the zip directory contradict each other");
            }
            count = count64;
            position = position64;
        }
        if (count > MAX_RECORDS) {
            throw invalid("the zip directory claims %d records, more than %d".formatted(count, MAX_RECORDS));
        }
        List<Payload> payloads = new ArrayList<>();
        String folder = "";
        for (long i = 0; i < count; i++) {
            Central central = readCentral(position);
            position += 46L + file.u16(position + 28) + file.u16(position + 30) + file.u16(position + 32);
            if (i == 0) {
                folder = central.name.substring(0, central.name.indexOf('/') + 1);
            }
            String name = recordName(central.name, folder);
            Payload payload = locate(central);
            payloads.add(payload);
            if (records.put(name, file.bytes().asSlice(payload.begin, payload.end - payload.begin)) != null) {
                throw invalid("the record \"%s\" is there twice".formatted(shortened(name)));
            }
            checksums.put(name, central.checksum);
        }
        checkDisjoint(payloads);
    }

    private String recordName(String name, String folder) {
        String record = name.startsWith(folder) ? name.substring(folder.length()) : "";
        if (folder.length() < 2 || !RECORD.matcher(record).matches()) {
            throw invalid(
                    record.startsWith("code/") || record.equals("constants.pkl")
                            ? "it is a TorchScript program, not a checkpoint"
                            : "the record \"%s\" does not belong in a checkpoint".formatted(shortened(name)));
        }
        return record;
    }

    /** The end record is the last thing in the file, but for a comment whose length it states. */
    private long findEnd() {
        for (long at = file.size() - 22; at >= Math.max(0, file.size() - 22 - 0xFFFF); at--) {
            if (file.u32(at) == END && at + 22 + file.u16(at + 20) == file.size()) {
                return at;
            }
        }
        throw invalid("the zip directory is missing at the end; the file is truncated");
    }

    private Central readCentral(long at) {
        if (file.u32(at) != CENTRAL) {
            throw invalid("byte %d should start an entry of the zip directory".formatted(at));
        }
        long packed = file.u32(at + 20);
        long size = file.u32(at + 24);
        int nameLength = file.u16(at + 28);
        int extraLength = file.u16(at + 30);
        long header = file.u32(at + 42);
        String name = new String(file.array(at + 46, nameLength), StandardCharsets.UTF_8);
        requirePlain(name, file.u16(at + 8), file.u16(at + 10));
        if (size == SATURATED || packed == SATURATED || header == SATURATED) {
            long extra = findZip64Extra(at + 46 + nameLength, extraLength, name);
            if (size == SATURATED) {
                size = checked(file.u64(extra));
                extra += 8;
            }
            if (packed == SATURATED) {
                packed = checked(file.u64(extra));
                extra += 8;
            }
            if (header == SATURATED) {
                header = checked(file.u64(extra));
            }
        }
        if (packed != size) {
            throw invalid(
                    "the stored record \"%s\" claims two sizes, %d and %d".formatted(shortened(name), packed, size));
        }
        return new Central(name, file.u32(at + 16), size, header);
    }

    private void requirePlain(String name, int flags, int method) {
        if ((flags & 1) != 0) {
            throw invalid("the record \"%s\" is encrypted".formatted(shortened(name)));
        }
        if (method != 0) {
            throw invalid("the record \"%s\" is compressed, which torch.save never does".formatted(shortened(name)));
        }
    }

    private long findZip64Extra(long at, int length, String name) {
        for (long end = at + length; at + 4 <= end; at += 4 + file.u16(at + 2)) {
            if (file.u16(at) == 1) {
                return at + 4;
            }
        }
        throw invalid("the record \"%s\" lacks its zip64 sizes".formatted(shortened(name)));
    }

    private Payload locate(Central central) {
        long at = central.header;
        if (file.u32(at) != LOCAL) {
            throw invalid("the record \"%s\" has no local header at byte %d".formatted(shortened(central.name), at));
        }
        int nameLength = file.u16(at + 26);
        String local = new String(file.array(at + 30, nameLength), StandardCharsets.UTF_8);
        if (!local.equals(central.name)) {
            throw invalid("the record \"%s\" is called \"%s\" in its local header"
                    .formatted(shortened(central.name), shortened(local)));
        }
        requirePlain(central.name, file.u16(at + 6), file.u16(at + 8));
        long begin = at + 30 + nameLength + file.u16(at + 28);
        if (central.size > file.size() - begin) {
            throw invalid("the record \"%s\" reaches beyond the end of the file; it is truncated"
                    .formatted(shortened(central.name)));
        }
        return new Payload(central.name, begin, begin + central.size);
    }

    private void checkDisjoint(List<Payload> payloads) {
        payloads.sort(Comparator.comparingLong(Payload::begin));
        for (int i = 1; i < payloads.size(); i++) {
            if (payloads.get(i).begin < payloads.get(i - 1).end) {
                throw invalid("the records \"%s\" and \"%s\" overlap"
                        .formatted(shortened(payloads.get(i - 1).name), shortened(payloads.get(i).name)));
            }
        }
    }

    private long checked(long offset) {
        if (offset < 0 || offset > file.size()) {
            throw new IndexOutOfBoundsException();
        }
        return offset;
    }

    private InvalidCheckpointException invalid(String problem) {
        return new InvalidCheckpointException(file.path(), BAD_ARCHIVE, problem);
    }
}
