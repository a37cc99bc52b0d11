package dev.atelier.server.models;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FolderShelfTest {
    @TempDir
    Path folder;

    private void file(String name) throws IOException {
        Path file = folder.resolve("models").resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, "no matter");
    }

    @Test
    void namesAllFilesAndDrawsWithCheckpoints() throws IOException {
        for (String name : List.of(
                "Anime.safetensors",
                "old.ckpt",
                "old.vae.ckpt",
                "embeddings/face.pt",
                "ESRGAN/4x-UltraSharp.pth",
                "loras/style.safetensors",
                "stray.pth",
                ".hidden.safetensors",
                ".private/alice/mine.safetensors",
                "sharded/model-00001-of-00002.safetensors",
                "sharded/model.safetensors.index.json",
                "diffusers-model/model_index.json",
                "diffusers-model/unet/diffusion_pytorch_model.safetensors",
                "readme.txt")) {
            file(name);
        }
        FolderShelf shelf = new FolderShelf(folder.resolve("models"), folder.resolve("cache"));
        assertThat(shelf.list())
                .extracting(ModelFile::name)
                .containsSubsequence(
                        ".private/alice/mine.safetensors",
                        "Anime.safetensors",
                        "diffusers-model",
                        "old.ckpt",
                        "sharded/model.safetensors.index.json")
                .hasSize(6); // and the one that is part of Atelier
        assertThat(shelf.files())
                .extracting(ModelFile::name)
                .contains(
                        "embeddings/face.pt",
                        "ESRGAN/4x-UltraSharp.pth",
                        "loras/style.safetensors",
                        "old.vae.ckpt",
                        "stray.pth")
                .hasSize(11);
    }
}
