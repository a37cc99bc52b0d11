package dev.atelier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.engine.contract.Miniature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The library of models, as a user types it. */
class ModelsCommandTest {
    @TempDir
    Path folder;

    private Path models;
    private String catalog;

    @BeforeEach
    void makeALibrary() throws IOException {
        models = Files.createDirectory(folder.resolve("models"));
        Files.move(Miniature.unpack(folder), models.resolve("tiny.safetensors"));
        Files.writeString(models.resolve("broken.ckpt"), "nothing");
        catalog = "--catalog=" + folder.resolve("catalog.db");
    }

    @Test
    void aScannedLibraryIsListedAndSearched() {
        Run scan = Run.atelier("models", "scan", models, catalog);
        assertThat(scan.exitCode()).as(scan.err()).isZero();
        assertThat(scan.out())
                .contains("2 models (2 added, 0 changed, 0 moved, 0 removed)")
                .contains("1 of them cannot be used");
        assertThat(Run.atelier("models", "scan", catalog).out()).contains("2 models (0 added");
        assertThat(Run.atelier("models", "list", catalog).out())
                .contains("tiny.safetensors")
                .contains("Stable Diffusion 1.x, F16, I64")
                .contains("broken.ckpt");
        assertThat(Run.atelier("models", "list", "--broken", catalog).out())
                .contains("it starts with 6e 6f 74 68")
                .doesNotContain("tiny");
        assertThat(Run.atelier("models", "find", "TIN", catalog).out()).contains("tiny.safetensors");
        assertThat(Run.atelier("models", "find", "giant", catalog).out()).isEqualTo("None.%n".formatted());
        JsonNode json = JsonMapper.shared()
                .readTree(Run.atelier("models", "list", "--kind", "checkpoint", "--json", catalog)
                        .out());
        assertThat(json).hasSize(1);
        assertThat(json.get(0).get("architecture").asString()).isEqualTo("sd1");
    }

    @Test
    void showHashesTheModelThatIsMeant() {
        Run.atelier("models", "scan", models, catalog);
        Run show = Run.atelier("models", "show", "tiny", catalog);
        assertThat(show.exitCode()).as(show.err()).isZero();
        assertThat(show.out()).contains("AutoV3").contains("text encoder, UNet, VAE");
        Run typo = Run.atelier("models", "show", "tinny", catalog);
        assertThat(typo.exitCode()).isEqualTo(2);
        assertThat(typo.err()).contains("did you mean \"tiny\"?");
    }

    @Test
    void dupesCountWhatTheyWaste() throws IOException {
        Files.copy(models.resolve("tiny.safetensors"), models.resolve("copy.safetensors"));
        Run.atelier("models", "scan", models, catalog);
        assertThat(Run.atelier("models", "dupes", catalog).out())
                .contains("The same file")
                .contains("Duplicates: 1");
        Run.atelier("models", "forget", models, catalog);
        assertThat(Run.atelier("models", "list", catalog).out()).contains("models scan FOLDER");
    }

    @Test
    void namesInExpressionsAreThoseOfTheCatalog() {
        Run.atelier("models", "scan", models, catalog);
        CatalogNames names = new CatalogNames(folder.resolve("catalog.db"));
        assertThat(names.find("tiny")).contains(models.resolve("tiny.safetensors"));
        assertThat(names.find("giant")).isEqualTo(Optional.empty());
        assertThat(names.known()).containsExactly("tiny");
    }

    @ParameterizedTest
    @ValueSource(strings = {"scan", "list", "find", "show", "dupes", "forget"})
    void everySubcommandExplainsItselfWithExamples(String command) {
        assertThat(Run.atelier("models", command, "--help").out())
                .contains("Examples:")
                .contains("atelier models " + command);
    }
}
