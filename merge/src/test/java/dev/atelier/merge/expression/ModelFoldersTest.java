package dev.atelier.merge.expression;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelFoldersTest {
    @TempDir
    private Path folder;

    @BeforeEach
    void fill() throws IOException {
        for (String file : List.of(
                "anime.safetensors",
                "sd/photo.v2.ckpt",
                "sd/twin.safetensors",
                "xl/twin.safetensors",
                "notes.txt",
                "diffusers/model_index.json",
                "diffusers/unet/diffusion_pytorch_model.safetensors")) {
            Files.createDirectories(folder.resolve(file).getParent());
            Files.createFile(folder.resolve(file));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "anime, anime.safetensors",
        "anime.safetensors, anime.safetensors",
        "photo.v2, sd/photo.v2.ckpt",
        "sd/photo.v2, sd/photo.v2.ckpt",
        "sd\\photo.v2.ckpt, sd/photo.v2.ckpt",
        "xl/twin, xl/twin.safetensors",
        "diffusers, diffusers"
    })
    void aModelIsKnownByPathAndNameWithAndWithoutExtension(String name, String file) {
        assertThat(new ModelFolders(List.of(folder)).find(name)).contains(folder.resolve(file));
    }

    @Test
    void whatIsNoModelIsNotFound() {
        ModelFolders models = new ModelFolders(List.of(folder));
        assertThat(models.find("notes")).isEmpty();
        assertThat(models.find("diffusion_pytorch_model")).isEmpty();
        assertThat(models.find("\0")).isEmpty();
        assertThat(models.known()).contains("anime", "xl/twin").doesNotContain("notes");
    }

    @Test
    void anAmbiguousNameIsRefused() {
        assertThatThrownBy(() -> new ModelFolders(List.of(folder)).find("twin"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("sd")
                .hasMessageContaining("xl");
    }

    @Test
    void aFileThatExistsGoesFirst() {
        Path file = folder.resolve("sd/twin.safetensors");
        assertThat(new ModelFolders(List.of(folder)).find(file.toString())).contains(file);
    }
}
