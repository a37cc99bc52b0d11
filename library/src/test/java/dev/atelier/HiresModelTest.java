package dev.atelier;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.diffusion.GeneratedImage;
import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.HiresFix;
import dev.atelier.diffusion.ImageToImage;
import dev.atelier.diffusion.Upscaler;
import dev.atelier.model.DemoModel;
import java.awt.image.BufferedImage;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where another checkpoint draws the second pass, it does what it does with the first one's picture to start from. */
class HiresModelTest {
    @TempDir
    private Path folder;

    @Test
    void theSecondPassIsTheOtherModels() {
        Path first = DemoModel.unpack(folder);
        Checkpoint demo = Checkpoints.open(first);
        Path other = folder.resolve("other.safetensors");
        float[] bias = {0.1f, -0.1f, 0.2f, 0};
        demo.map((name, tensor) -> name.equals("model.diffusion_model.out.2.bias")
                        ? Tensor.of(DType.F32, tensor.shape(), MemorySegment.ofArray(bias))
                        : tensor)
                .writeTo(other, Progress.NONE);
        GenerationRequest request = GenerationRequest.of("a red circle")
                .steps(4)
                .sampler("Euler")
                .size(128, 128)
                .seed(3);

        BufferedImage small;
        try (Atelier atelier = Atelier.open(first)) {
            small = atelier.generate(request).getFirst().pixels();
        }
        GeneratedImage expected;
        try (Atelier atelier = Atelier.open(other)) {
            ImageToImage from = ImageToImage.of(small).denoisingStrength(0.7).exactSteps(true);
            expected = atelier.generate(request.imageToImage(from)).getFirst();
        }
        GeneratedImage drawn;
        try (Atelier atelier = Atelier.open(first, ModelOptions.DEFAULT.hires(other), Progress.NONE)) {
            HiresFix fix = HiresFix.by(1).upscaler(Upscaler.LANCZOS);
            drawn = atelier.generate(request.hiresFix(fix)).getFirst();
        }
        assertThat(levels(drawn.pixels())).isEqualTo(levels(expected.pixels()));
        assertThat(drawn.infotext()).containsPattern("Hires checkpoint: other \\[[0-9a-f]{10}]");
    }

    private static List<Integer> levels(BufferedImage image) {
        return Arrays.stream(image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth()))
                .boxed()
                .toList();
    }
}
