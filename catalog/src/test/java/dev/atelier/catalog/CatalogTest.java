package dev.atelier.catalog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.atelier.checkpoint.FileHashes;
import dev.atelier.checkpoint.Progress;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class CatalogTest {
    @TempDir
    Path temporary;

    private Path folder;
    private Catalog catalog;

    @BeforeEach
    void open() {
        folder = temporary.resolve("models");
        catalog = Catalog.open(temporary.resolve("data").resolve("catalog.db"));
    }

    @AfterEach
    void close() {
        catalog.close();
    }

    @Test
    void aScanFindsWhatEachFileIs() throws IOException {
        ModelFile.lora(8).metadata("title", "Ink wash").in(folder, "style/ink.safetensors");
        ModelFile.vae(8).in(folder, "better.safetensors");
        Files.writeString(folder.resolve("damaged.ckpt"), "nothing");
        Files.writeString(folder.resolve("notes.txt"), "not a model");
        ModelFile.lora(8).in(folder, ".trash/old.safetensors");

        ScanReport report = scan();

        assertThat(report).isEqualTo(new ScanReport(3, 0, 0, 0, 0, 1, List.of()));
        List<Model> models = catalog.list(ModelQuery.ALL).models();
        assertThat(models)
                .extracting(Model::name, Model::kind)
                .containsExactly(
                        tuple("better.safetensors", ModelKind.VAE),
                        tuple("damaged.ckpt", ModelKind.OTHER),
                        tuple("style/ink.safetensors", ModelKind.LORA));
        assertThat(models.get(1).problem().orElseThrow()).contains("6e 6f 74 68");
        Model ink = models.get(2);
        assertThat(ink.dtypes()).isEqualTo("F16");
        assertThat(ink.tensors()).isEqualTo(1);
        assertThat(ink.size()).isEqualTo(Files.size(ink.path()));
        assertThat(ink.problem()).isEmpty();
        assertThat(ink.title()).isEqualTo("style/ink.safetensors");
        assertThat(catalog.folders()).containsExactly(folder);
    }

    @Test
    void aSecondScanSeesWhatIsNewChangedMovedAndGone() throws IOException {
        Path changed = ModelFile.lora(8).in(folder, "changed.safetensors");
        Path moved = ModelFile.lora(9).in(folder, "moved.safetensors");
        Path gone = ModelFile.lora(10).in(folder, "gone.safetensors");
        ModelFile.lora(11).in(folder, "same.safetensors");
        scan();
        catalog.hash(Progress.NONE);
        Model before = catalog.named("moved");

        ModelFile.lora(12).in(folder, "changed.safetensors");
        Files.createDirectories(folder.resolve("new"));
        Files.move(moved, folder.resolve("new/name.safetensors"));
        Files.delete(gone);
        ModelFile.lora(13).in(folder, "added.safetensors");

        assertThat(scan()).isEqualTo(new ScanReport(1, 1, 1, 1, 1, 0, List.of()));
        Model after = catalog.named("new/name");
        assertThat(after.id()).isEqualTo(before.id());
        assertThat(after.sha256()).isEqualTo(before.sha256()).isPresent();
        assertThat(catalog.named("changed").sha256()).isEmpty();
        assertThat(catalog.named("changed").size()).isEqualTo(Files.size(changed));
        assertThatThrownBy(() -> catalog.named("gone")).isInstanceOf(NoSuchModelException.class);
        assertThat(scan().changedAnything()).isFalse();
    }

    @Test
    void aFileOfTheSameSizeIsLookedAtAgainOnceItsTimeIsAnother() throws IOException {
        Path file = ModelFile.lora(8).in(folder, "a.safetensors");
        scan();
        ModelFile.lora(8).metadata("a", "b").in(folder, "b.safetensors");
        Files.setLastModifiedTime(file, FileTime.from(Instant.parse("2026-01-01T00:00:00Z")));
        assertThat(scan()).isEqualTo(new ScanReport(1, 1, 0, 0, 0, 0, List.of()));
    }

    @Test
    void hashesAreThoseOfTheFilesAndAreKept() throws IOException {
        Path file = ModelFile.lora(1_000_000).in(folder, "large.safetensors");
        scan();
        Model fresh = catalog.named("large");
        assertThat(fresh.autoV1()).contains(FileHashes.autoV1(file));
        assertThat(fresh.sha256()).isEmpty();
        Model hashed = catalog.hashed(fresh, Progress.NONE);
        FileHashes expected = FileHashes.of(file, Progress.NONE);
        assertThat(hashed.sha256()).contains(expected.sha256());
        assertThat(hashed.dataSha256()).isEqualTo(expected.dataSha256());
        assertThat(hashed.title()).isEqualTo("large.safetensors [%s]".formatted(expected.autoV2()));
        catalog.close();
        catalog = Catalog.open(temporary.resolve("data").resolve("catalog.db"));
        scan();
        List<Long> totals = new ArrayList<>();
        catalog.hash((done, total) -> totals.add(total));
        assertThat(totals).containsOnly(0L); // nothing was left to hash
        assertThat(catalog.named("large")).isEqualTo(hashed);
    }

    @Test
    void namesHashesAndTitlesAllLeadToTheModel() {
        ModelFile.lora(8).in(folder, "style/Ink-Wash_v2.safetensors");
        ModelFile.lora(9).in(folder, "style/other.safetensors");
        scan();
        catalog.hash(Progress.NONE);
        Model ink = catalog.named("Ink-Wash_v2");
        String sha256 = ink.sha256().orElseThrow();
        for (String name : List.of(
                "style/Ink-Wash_v2.safetensors",
                "STYLE/ink-wash_V2",
                "ink-wash_v2.safetensors",
                "ink-wash",
                sha256,
                sha256.substring(0, 10),
                ink.dataSha256().orElseThrow().substring(0, 12),
                "Ink-Wash_v2 [%s]".formatted(sha256.substring(0, 10)),
                "a name it once had [%s]".formatted(sha256.substring(0, 10)))) {
            assertThat(catalog.named(name)).as(name).isEqualTo(ink);
        }
    }

    @Test
    void aWrongNameBringsTheRightOnes() {
        ModelFile.lora(8).in(folder, "dreamlike-photoreal.safetensors");
        ModelFile.lora(9).in(folder, "a/twin.safetensors");
        ModelFile.lora(10).in(folder, "b/twin.safetensors");
        scan();
        assertThatThrownBy(() -> catalog.named("dreamlike-photorael"))
                .isInstanceOf(NoSuchModelException.class)
                .hasMessage("no model is called \"dreamlike-photorael\"; did you mean \"dreamlike-photoreal\"?");
        assertThatThrownBy(() -> catalog.named("nothing like it")).hasMessage("no model is called \"nothing like it\"");
        assertThatThrownBy(() -> catalog.named("twin"))
                .hasMessageContaining("\"a/twin.safetensors\", \"b/twin.safetensors\"");
        assertThat(catalog.named("b/twin").name()).isEqualTo("b/twin.safetensors");
        catalog.hash(Progress.NONE);
        assertThatThrownBy(() -> catalog.named("dreamlike-photoreal [0123456789]"))
                .isInstanceOf(NoSuchModelException.class); // its hash is known to be another
    }

    /** Distances by hand: the first three are single mistakes, a swap of neighbours counts as one. */
    @ParameterizedTest
    @CsvSource({
        "kitten, sitten, 1",
        "form, from, 1",
        "abc, abcd, 1",
        "kitten, sitting, 3",
        "'', abc, 3",
        "same, same, 0"
    })
    void distanceCountsMistakes(String a, String b, int expected) {
        assertThat(NearNames.distance(a, b)).isEqualTo(expected);
    }

    @Test
    void searchFindsPartsOfNamesMetadataAndHashes() {
        ModelFile.lora(8).metadata("ss_tag", "watercolour sketch").in(folder, "xyzInk_v2.safetensors");
        ModelFile.lora(9).in(folder, "photo.safetensors");
        ModelFile.vae(10).in(folder, "ink-vae.safetensors");
        scan();
        assertThat(search("ink")).containsExactly("ink-vae.safetensors", "xyzInk_v2.safetensors");
        assertThat(search("WATERCOLOUR ink")).containsExactly("xyzInk_v2.safetensors");
        assertThat(search("v2")).containsExactly("xyzInk_v2.safetensors");
        assertThat(search("\"quoted\" OR *")).isEmpty();
        assertThat(search("")).hasSize(3);
        assertThat(names(ModelQuery.ALL.matching("ink").ofKind(ModelKind.VAE))).containsExactly("ink-vae.safetensors");
        assertThat(names(ModelQuery.ALL.ofFamily("lora"))).hasSize(2);
        assertThat(names(ModelQuery.ALL.onlyBroken(true))).isEmpty();
        Model photo = catalog.hashed(catalog.named("photo"), Progress.NONE);
        assertThat(search(photo.shortHash().orElseThrow())).containsExactly("photo.safetensors");
    }

    @ParameterizedTest
    @EnumSource
    void pagesFollowOneAnotherWithoutGapOrOverlap(ModelQuery.Sort sort) throws IOException {
        for (int i = 0; i < 25; i++) {
            Path file = ModelFile.lora(8 + i % 3).in(folder, "m%02d.safetensors".formatted(24 - i));
            Files.setLastModifiedTime(file, FileTime.from(Instant.ofEpochSecond(1_700_000_000 + i % 4, 123_456_789)));
        }
        scan();
        List<String> paged = new ArrayList<>();
        ModelQuery query = ModelQuery.ALL.sortedBy(sort).limitedTo(4);
        ModelPage page = catalog.list(query);
        page.models().forEach(model -> paged.add(model.name()));
        while (page.next().isPresent()) {
            page = catalog.list(query.after(page.next().get()));
            page.models().forEach(model -> paged.add(model.name()));
        }
        assertThat(paged).hasSize(25).isEqualTo(names(ModelQuery.ALL.sortedBy(sort)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"nonsense", "", "MTI", "////"})
    void aCursorFromElsewhereIsRefused(String cursor) {
        assertThatThrownBy(() -> catalog.list(ModelQuery.ALL.after(cursor)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("is not a cursor");
    }

    @Test
    void duplicatesAreFoundByTheirWeights() throws IOException {
        Path first = ModelFile.lora(5000).in(folder, "first.safetensors");
        Files.copy(first, folder.resolve("copy.safetensors"));
        Files.createLink(folder.resolve("link.safetensors"), first);
        ModelFile.vae(6000).in(folder, "vae.safetensors");
        ModelFile.vae(6000).metadata("title", "other").in(folder, "relabelled.safetensors");
        ModelFile.lora(7000).in(folder, "alone.safetensors");
        scan();
        List<Duplicates> found = catalog.duplicates(Progress.NONE);
        assertThat(found).hasSize(2);
        assertThat(found.get(0).identical()).isFalse();
        assertThat(found.get(0).models()).extracting(Model::stem).containsExactly("relabelled", "vae");
        assertThat(found.get(1).identical()).isTrue();
        assertThat(found.get(1).models()).extracting(Model::stem).containsExactly("copy", "first", "link");
        assertThat(found.get(1).bytes()).isEqualTo(Files.size(first)); // the link takes no room
        assertThat(catalog.named("alone").sha256()).isEmpty(); // there was no need to read it
    }

    @Test
    void aWatchTellsOfNewModels() throws Exception {
        Files.createDirectories(folder);
        scan();
        BlockingQueue<ScanReport> heard = new LinkedBlockingQueue<>();
        try (var _ = catalog.watch(Duration.ofMillis(20), heard::add)) {
            ModelFile.lora(8).in(temporary, "ready.safetensors");
            Files.move(temporary.resolve("ready.safetensors"), folder.resolve("new.safetensors"));
            assertThat(heard.poll(20, TimeUnit.SECONDS).added()).isEqualTo(1);
        }
    }

    @Test
    void whatIsForgottenIsNotTouched() {
        Path file = ModelFile.lora(8).in(folder, "a.safetensors");
        scan();
        catalog.forget(folder);
        assertThat(catalog.list(ModelQuery.ALL).models()).isEmpty();
        assertThat(catalog.folders()).isEmpty();
        assertThat(file).exists();
    }

    @Test
    void aMissingFolderKeepsItsModels() throws IOException {
        ModelFile.lora(8).in(folder, "a.safetensors");
        scan();
        Files.move(folder, temporary.resolve("unplugged"));
        assertThatThrownBy(this::scan)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("not a folder");
        assertThat(catalog.list(ModelQuery.ALL).models()).hasSize(1);
    }

    @Test
    void aFileThatIsNoCatalogIsLeftAlone() throws IOException {
        Path file = Files.writeString(temporary.resolve("letter.txt"), "Dear catalog, ".repeat(100));
        assertThatThrownBy(() -> Catalog.open(file))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("letter.txt");
        assertThat(file).content().startsWith("Dear catalog");
    }

    @Test
    void tenThousandFilesAreOpenedOnce() throws IOException {
        for (int i = 0; i < 10_000; i++) {
            ModelFile.lora(1000 + i).in(folder, "d%02d/model-%05d.safetensors".formatted(i % 50, i));
        }
        assertThat(scan().added()).isEqualTo(10_000);
        Files.delete(folder.resolve("d07/model-00007.safetensors"));
        Files.move(folder.resolve("d08/model-00008.safetensors"), folder.resolve("d09/renamed.safetensors"));
        ModelFile.lora(1).in(folder, "d10/model-00010.safetensors");
        assertThat(scan()).isEqualTo(new ScanReport(0, 1, 1, 1, 9_997, 0, List.of()));
        assertThat(search("model-00042")).containsExactly("d42/model-00042.safetensors");
    }

    private ScanReport scan() {
        return catalog.scan(folder, Progress.NONE);
    }

    private List<String> search(String text) {
        return names(ModelQuery.ALL.matching(text));
    }

    private List<String> names(ModelQuery query) {
        return catalog.list(query).models().stream().map(Model::name).toList();
    }
}
