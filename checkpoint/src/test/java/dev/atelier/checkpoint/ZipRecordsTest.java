package dev.atelier.checkpoint;

import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.BAD_ARCHIVE;
import static dev.atelier.checkpoint.InvalidCheckpointException.Reason.UNKNOWN_FORMAT;
import static dev.atelier.checkpoint.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ZipRecordsTest {
    private static final int PICKLE = 0;
    private static final int STORAGE = 2;

    @TempDir
    Path folder;

    private static ZipBytes checkpoint() {
        return ZipBytes.checkpoint(PickleBytes.stateDict().endDict(), new byte[24]);
    }

    private Path file(ByteBuffer bytes) {
        return SafetensorsBytes.in(folder, Arrays.copyOf(bytes.array(), bytes.limit()));
    }

    private Path file(ZipBytes zip) {
        return SafetensorsBytes.in(folder, zip.bytes());
    }

    @Test
    void aZipAsTorch113WritesItIsRead() {
        assertThat(Checkpoints.open(file(checkpoint())).tensors()).containsOnlyKeys("a");
    }

    @Test
    void aZip64FileIsRead() {
        assertThat(Checkpoints.open(file(checkpoint().build(true))).tensors()).containsOnlyKeys("a");
    }

    @Test
    void aCommentAtTheEndIsAllowed() {
        ZipBytes zip = checkpoint();
        ByteBuffer bytes = zip.build();
        ByteBuffer longer = ByteBuffer.allocate(bytes.limit() + 5).order(bytes.order());
        longer.put(bytes).put("hello".getBytes()).flip();
        longer.putShort(zip.end() + 20, (short) 5);

        assertThat(Checkpoints.open(file(longer)).tensors()).containsOnlyKeys("a");
    }

    @Test
    void everyRecordThatTorchWritesIsAllowed() {
        ZipBytes zip = checkpoint()
                .add("archive/.data/serialization_id", "0".repeat(40))
                .add("archive/.format_version", "1")
                .add("archive/.storage_alignment", "64");

        assertThat(Checkpoints.open(file(zip)).tensors()).containsOnlyKeys("a");
    }

    @Test
    void everyTruncationIsRefused() {
        byte[] whole = checkpoint().bytes();
        for (int length = 4; length < whole.length; length++) {
            assertRefused(SafetensorsBytes.in(folder, Arrays.copyOf(whole, length)), BAD_ARCHIVE, "truncated");
        }
        assertRefused(SafetensorsBytes.in(folder, Arrays.copyOf(whole, 3)), UNKNOWN_FORMAT, "50 4b 03");
    }

    @Test
    void aFileWithoutItsBeginningIsRefused() {
        byte[] whole = checkpoint().bytes();

        assertRefused(
                SafetensorsBytes.in(folder, Arrays.copyOfRange(whole, 1, whole.length)), UNKNOWN_FORMAT, "neither");
    }

    @Test
    void bytesInsertedAtTheFrontAreNoticed() {
        byte[] whole = checkpoint().bytes();
        byte[] shifted = new byte[whole.length + 4];
        System.arraycopy(whole, 0, shifted, 4, whole.length);
        System.arraycopy(whole, 0, shifted, 0, 4);

        assertRefused(SafetensorsBytes.in(folder, shifted), BAD_ARCHIVE, "should start an entry");
    }

    @Test
    void bytesBehindTheEndRecordAreNoticed() {
        byte[] whole = checkpoint().bytes();

        assertRefused(
                SafetensorsBytes.in(folder, Arrays.copyOf(whole, whole.length + 1)),
                BAD_ARCHIVE,
                "directory is missing");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void anEncryptedRecordIsRefused(boolean inDirectory) {
        ZipBytes zip = checkpoint();
        ByteBuffer bytes = zip.build();
        bytes.putShort(inDirectory ? zip.central(PICKLE) + 8 : zip.local(PICKLE) + 6, (short) 0x0809);

        assertRefused(file(bytes), BAD_ARCHIVE, "\"archive/data.pkl\"", "encrypted");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aCompressedRecordIsRefused(boolean inDirectory) {
        ZipBytes zip = checkpoint();
        ByteBuffer bytes = zip.build();
        bytes.putShort(inDirectory ? zip.central(PICKLE) + 10 : zip.local(PICKLE) + 8, (short) 8);

        assertRefused(file(bytes), BAD_ARCHIVE, "\"archive/data.pkl\"", "compressed");
    }

    @Test
    void aRecordThatIsThereTwiceIsRefused() {
        assertRefused(file(checkpoint().add("archive/data.pkl", "N.")), BAD_ARCHIVE, "data.pkl", "twice");
        assertRefused(file(checkpoint().add("archive/data/0", new byte[24])), BAD_ARCHIVE, "data/0", "twice");
    }

    @Test
    void aLocalNameUnlikeTheDirectorysIsRefused() {
        ZipBytes zip = checkpoint();
        ByteBuffer bytes = zip.build();
        bytes.put(zip.local(PICKLE) + 30, (byte) 'A');

        assertRefused(file(bytes), BAD_ARCHIVE, "\"archive/data.pkl\"", "\"Archive/data.pkl\"", "local header");
    }

    @Test
    void aDirectoryEntryThatPointsAtNoLocalHeaderIsRefused() {
        ZipBytes zip = checkpoint();
        ByteBuffer bytes = zip.build();
        bytes.putInt(zip.central(STORAGE) + 42, zip.local(STORAGE) + 1);

        assertRefused(file(bytes), BAD_ARCHIVE, "\"archive/data/0\"", "no local header");
    }

    @Test
    void aDirectoryEntryThatPointsBeyondTheFileIsRefused() {
        ZipBytes zip = checkpoint();
        ByteBuffer bytes = zip.build();
        bytes.putInt(zip.central(STORAGE) + 42, -2);

        assertRefused(file(bytes), BAD_ARCHIVE, "points outside the file");
    }

    @Test
    void overlappingRecordsAreRefused() {
        ZipBytes zip = checkpoint();
        ByteBuffer bytes = zip.build();
        int reach = zip.local(STORAGE + 1) - zip.local(STORAGE) + 100;
        bytes.putInt(zip.central(STORAGE) + 20, reach).putInt(zip.central(STORAGE) + 24, reach);

        assertRefused(file(bytes), BAD_ARCHIVE, "\"archive/data/0\" and \"archive/version\" overlap");
    }

    @Test
    void aRecordLargerThanTheFileIsRefused() {
        ZipBytes zip = checkpoint();
        ByteBuffer bytes = zip.build();
        int payload = zip.local(STORAGE) + 30 + "archive/data/0".length() + bytes.getShort(zip.local(STORAGE) + 28);
        int size = bytes.limit() - payload + 1; // smaller than the file, but one byte too many from there on
        bytes.putInt(zip.central(STORAGE) + 20, size).putInt(zip.central(STORAGE) + 24, size);

        assertRefused(file(bytes), BAD_ARCHIVE, "\"archive/data/0\"", "beyond the end of the file");
    }

    @Test
    void aStoredRecordOfTwoSizesIsRefused() {
        ZipBytes zip = checkpoint();
        ByteBuffer bytes = zip.build();
        bytes.putInt(zip.central(STORAGE) + 20, 23);

        assertRefused(file(bytes), BAD_ARCHIVE, "\"archive/data/0\"", "two sizes, 23 and 24");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "archive/../evil",
                "archive/data/../data.pkl",
                "archive/data/x",
                "archive/data/0/0",
                "archive/data/\u0661",
                "archive/evil.py",
                "archive/",
                "archive/Data.pkl",
                "archive/data.pkl ",
            })
    void aForeignRecordIsRefused(String name) {
        assertRefused(file(checkpoint().add(name, "x")), BAD_ARCHIVE, "\"" + name + "\"", "does not belong");
    }

    @ParameterizedTest
    @ValueSource(strings = {"archive/code/__torch__.py", "archive/constants.pkl"})
    void aTorchScriptProgramIsRefusedAsSuch(String name) {
        assertRefused(file(checkpoint().add(name, "x")), BAD_ARCHIVE, "TorchScript");
    }

    @ParameterizedTest
    @ValueSource(strings = {"other/data/1", "version", "archive2/version", "/archive/version", ""})
    void aSecondTopLevelFolderIsRefused(String name) {
        assertRefused(file(checkpoint().add(name, "x")), BAD_ARCHIVE, "does not belong");
    }

    @ParameterizedTest
    @ValueSource(strings = {"data.pkl", "/data.pkl", ""})
    void aZipWithoutATopLevelFolderIsRefused(String name) {
        assertRefused(
                file(new ZipBytes().add(name, PickleBytes.stateDict().endDict())), BAD_ARCHIVE, "does not belong");
    }

    @Test
    void aNameThatDrivesATerminalIsShownWithoutItsControlCharacters() {
        ZipBytes zip = new ZipBytes().add("a\u001b[2J/data.pkl", "N.");
        assertRefused(file(zip.add("a\u001b[2J/evil\u202e", "x")), BAD_ARCHIVE, "\"a?[2J/evil?\"");

        ZipBytes large = new ZipBytes().add("a\u001b[2J/data.pkl", "N.");
        ByteBuffer bytes = large.build();
        bytes.putInt(large.central(0) + 20, 100_000).putInt(large.central(0) + 24, 100_000);
        assertRefused(file(bytes), BAD_ARCHIVE, "\"a?[2J/data.pkl\"");
    }

    @Test
    void anOrdinaryZipIsRefused() {
        assertRefused(file(new ZipBytes().add("archive/version", "3\n")), BAD_ARCHIVE, "without data.pkl");
        assertRefused(file(new ZipBytes().add("META-INF/MANIFEST.MF", "")), BAD_ARCHIVE, "does not belong");
    }

    @Test
    void aDirectoryThatClaimsTooManyRecordsIsRefused() {
        ZipBytes zip = checkpoint();
        ByteBuffer bytes = zip.build();
        bytes.putShort(zip.end() + 8, (short) 5).putShort(zip.end() + 10, (short) 5);

        assertRefused(file(bytes), BAD_ARCHIVE, "should start an entry");
    }

    @Test
    void aZip64EndRecordThatIsNotThereIsRefused() {
        ZipBytes zip = checkpoint();
        ByteBuffer bytes = zip.build(true);
        bytes.putLong(zip.end() - 20 + 8, bytes.getLong(zip.end() - 20 + 8) - 1);
        assertRefused(file(bytes), BAD_ARCHIVE, "zip64 end record");

        for (long position : new long[] {-1, Long.MIN_VALUE, Long.MAX_VALUE, bytes.limit()}) {
            bytes.putLong(zip.end() - 20 + 8, position);
            assertRefused(file(bytes), BAD_ARCHIVE, "points outside the file");
        }
    }

    @Test
    void aZip64EndRecordThatContradictsTheEndRecordIsRefused() {
        ZipBytes zip = checkpoint();
        ByteBuffer bytes = zip.build(true);
        bytes.putShort(zip.end() + 10, (short) 3);
        assertRefused(file(bytes), BAD_ARCHIVE, "contradict");

        bytes.putShort(zip.end() + 10, (short) -1).putInt(zip.end() + 16, zip.central(1));
        assertRefused(file(bytes), BAD_ARCHIVE, "contradict");
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, Long.MAX_VALUE, 1L << 40})
    void zip64SizesBeyondTheFileAreRefused(long value) {
        ZipBytes zip = checkpoint();
        for (int field : new int[] {32, 48}) { // the end record's count and position
            ByteBuffer bytes = zip.build(true);
            bytes.putLong(zip.end() - 76 + field, value);
            assertRefused(file(bytes), BAD_ARCHIVE, "outside the file");
        }
        for (int field : new int[] {8, 16, 24}) { // a record's size, packed size and header
            ByteBuffer bytes = zip.build(true);
            bytes.putLong(zip.central(PICKLE) + 46 + "archive/data.pkl".length() + field, value);
            assertRefused(file(bytes), BAD_ARCHIVE, "outside the file");
        }
    }

    @Test
    void aZip64RecordWithoutItsSizesIsRefused() {
        ZipBytes zip = checkpoint();
        ByteBuffer bytes = zip.build(true);
        bytes.putShort(zip.central(PICKLE) + 46 + "archive/data.pkl".length() + 4, (short) 2);

        assertRefused(file(bytes), BAD_ARCHIVE, "\"archive/data.pkl\"", "zip64 sizes");
    }
}
