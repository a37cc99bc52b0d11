package dev.atelier;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.ModelLabel;
import dev.atelier.merge.rebasin.AttentionBalance;
import dev.atelier.merge.rebasin.Rebasin;
import java.awt.image.BufferedImage;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** That neurons only change places that may. */
class RebasinTest {
    private static BufferedImage picture(Checkpoint model) {
        try (Atelier atelier =
                Atelier.open(model, new ModelLabel("model", null), ModelOptions.DEFAULT, Progress.NONE)) {
            return atelier.generate(GenerationRequest.of("a red circle on a blue background")
                            .seed(1)
                            .steps(4)
                            .size(128, 128))
                    .getFirst()
                    .pixels();
        }
    }

    private static Checkpoint random(Checkpoint layout) {
        Random random = new Random(5);
        return layout.map((_, tensor) -> {
            float[] values = new float[(int) tensor.shape().elements()];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) random.nextGaussian();
            }
            return tensor.dtype().isFloating()
                    ? Tensor.of(DType.F32, tensor.shape(), MemorySegment.ofArray(values))
                    : tensor;
        });
    }

    @Test
    void inAnotherOrderAModelDrawsTheSamePictureAndFindsItsOwnOrderAgain() {
        Checkpoint model = Checkpoints.open(Atelier.demoFile());
        Rebasin moved = Rebasin.of(model, random(model), Progress.NONE);
        assertThat(moved.moved()).isGreaterThan(moved.neurons() / 2);

        assertSamePicture(model, moved.checkpoint());

        Rebasin again = Rebasin.of(moved.checkpoint(), model, Progress.NONE);
        model.tensors()
                .forEach((name, tensor) -> assertThat(bytes(again.checkpoint().tensor(name)))
                        .as(name)
                        .isEqualTo(bytes(tensor)));
        assertThat(Rebasin.of(model, model, Progress.NONE).moved()).isZero();
    }

    @Test
    void withBalancedAttentionAModelDrawsTheSamePicture() {
        Checkpoint model = Checkpoints.open(Atelier.demoFile()).cast(DType.F32);
        Checkpoint balanced = AttentionBalance.of(model);
        assertThat(model.tensors().keySet().stream()
                        .filter(name -> !Arrays.equals(bytes(model.tensor(name)), bytes(balanced.tensor(name))))
                        .filter(name -> name.contains("attn")))
                .isNotEmpty();
        assertSamePicture(model, balanced);
    }

    private static void assertSamePicture(Checkpoint one, Checkpoint other) {
        BufferedImage expected = picture(one);
        BufferedImage actual = picture(other);
        for (int i = 0; i < 128 * 128; i++) {
            for (int shift = 0; shift < 24; shift += 8) {
                int wanted = expected.getRGB(i % 128, i / 128) >> shift & 255;
                assertThat(actual.getRGB(i % 128, i / 128) >> shift & 255).isBetween(wanted - 1, wanted + 1);
            }
        }
    }

    private static byte[] bytes(Tensor tensor) {
        byte[] bytes = new byte[(int) tensor.byteSize()];
        tensor.read(0, MemorySegment.ofArray(bytes));
        return bytes;
    }
}
