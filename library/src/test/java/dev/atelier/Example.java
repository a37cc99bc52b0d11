package dev.atelier;

// @start region="example"
import dev.atelier.diffusion.GeneratedImage;
import dev.atelier.diffusion.PngFile;
import java.io.IOException;
import java.nio.file.Path;

final class Example {
    static void draw(Path checkpoint, Path picture) throws IOException {
        try (Atelier atelier = Atelier.open(checkpoint)) {
            GeneratedImage fox = atelier.generate(atelier.request("portrait of a fox, oil painting")
                            .negativePrompt("blurry")
                            .size(128, 192)
                            .steps(4)
                            .seed(42))
                    .getFirst();
            PngFile.write(picture, fox);
        }
    }

    private Example() {}
}
// @end
