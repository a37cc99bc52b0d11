package dev.atelier.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PictureFolderTest {
    @TempDir
    private Path folder;

    private Path picture(String name, int width, int height) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        ImageIO.write(new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB), "png", file.toFile());
        return file;
    }

    private void text(String name, String content) throws IOException {
        Files.writeString(folder.resolve(name), content);
    }

    @Test
    void captionsLieBesidePictures() throws IOException {
        Path first = picture("a.png", 30, 20);
        picture("b.PNG", 8, 8);
        picture("c.png", 8, 8);
        Path mask = picture("a.mask.png", 30, 20);
        text("a.txt", "a dog, outside\nsecond line");
        text("b.caption", "a cat");
        PictureFolder.Contents contents = PictureFolder.read(folder, "a thing");
        assertThat(contents.pictures())
                .extracting(TrainingPicture::caption)
                .containsExactly("a dog, outside\nsecond line", "a cat", "a thing");
        assertThat(contents.pictures().getFirst())
                .isEqualTo(
                        new TrainingPicture(first, 30, 20, "a dog, outside\nsecond line", CaptionRule.NONE, 1, mask));
    }

    @Test
    void kohyasFoldersSayHowOftenAndWhat() throws IOException {
        picture("10_sks dog/a.png", 8, 8);
        picture("10_sks dog/b.png", 8, 8);
        picture("1_cat/c.png", 8, 8);
        picture("0_never/d.png", 8, 8);
        picture("notes/e.png", 8, 8);
        text("10_sks dog/b.txt", "sks dog asleep");
        PictureFolder.Contents contents = PictureFolder.read(folder, "");
        assertThat(contents.pictures())
                .extracting(picture -> picture.repeats() + " " + picture.caption())
                .containsExactly("10 sks dog", "10 sks dog asleep", "1 cat");
        assertThat(contents.skipped()).singleElement().asString().contains("0_never");
    }

    @Test
    void aListNamesFilesAndCaptions() throws IOException {
        picture("images/a.png", 8, 8);
        text("metadata.jsonl", """
                {"file_name": "images/a.png", "text": "a fox"}
                {"file_name": "images/missing.png", "text": "nothing"}
                {"text": "no file"}
                """);
        PictureFolder.Contents contents = PictureFolder.read(folder, "");
        assertThat(contents.pictures()).extracting(TrainingPicture::caption).containsExactly("a fox");
        assertThat(contents.skipped()).hasSize(2).anyMatch(what -> what.contains("missing.png"));
    }

    @Test
    void kohyasMetadataNamesCaptionsAndTags() throws IOException {
        picture("a.png", 8, 8);
        picture("b.png", 8, 8);
        text("meta.json", """
                {"a.png": {"caption": "a fox", "tags": "snow, tree", "train_resolution": [64, 64]},
                 "b.png": {"tags": "wolf"}}
                """);
        PictureFolder.Contents contents = PictureFolder.read(folder, folder.resolve("meta.json"), "");
        assertThat(contents.pictures())
                .extracting(TrainingPicture::caption)
                .containsExactly("a fox, snow, tree", "wolf");
    }

    @Test
    void brokenPicturesAreNamedAndSkipped() throws IOException {
        picture("a.png", 8, 8);
        text("b.png", "no picture");
        text("c.webp", "RIFF");
        PictureFolder.Contents contents = PictureFolder.read(folder, "");
        assertThat(contents.pictures()).hasSize(1);
        assertThat(contents.skipped())
                .hasSize(2)
                .anyMatch(what -> what.contains("b.png"))
                .anyMatch(what -> what.contains("c.webp"));
    }

    @Test
    void aFolderWithoutPicturesIsRefused() {
        assertThatThrownBy(() -> PictureFolder.read(folder, ""))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("10_sks dog");
    }
}
