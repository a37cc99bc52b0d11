package dev.atelier.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.engine.contract.Miniature;
import dev.atelier.engine.torch.DenoisingBatch;
import dev.atelier.engine.torch.OptimizerSettings;
import dev.atelier.engine.torch.TorchTrainer;
import dev.atelier.model.ClipTokenizer;
import dev.atelier.model.FloatArray;
import dev.atelier.model.StableDiffusion;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CaptionTokensTest {
    private static final String LONG = "red ".repeat(80) + "blue";

    @Test
    void whatIsTooLongForOneWindowGoesOnInTheNext() {
        CaptionTokens tokens = new CaptionTokens(150, "", 0);
        int red = ClipTokenizer.standard().encode("red")[0];
        int blue = ClipTokenizer.standard().encode("blue")[0];
        int[][] windows = tokens.all(LONG);
        assertThat(windows).hasDimensions(2, 77);
        assertThat(windows[0]).startsWith(ClipTokenizer.BOS, red).endsWith(red, ClipTokenizer.EOS);
        assertThat(windows[1])
                .startsWith(ClipTokenizer.BOS, red, red, red, red, red, blue, ClipTokenizer.EOS)
                .endsWith(ClipTokenizer.EOS);
        assertThat(tokens.excess(LONG)).isZero();
        assertThat(new CaptionTokens().excess(LONG)).isEqualTo(6);
        assertThat(tokens.all("red")[1])
                .containsOnly(ClipTokenizer.BOS, ClipTokenizer.EOS)
                .startsWith(ClipTokenizer.BOS, ClipTokenizer.EOS);
    }

    /** One BOS, 75 tokens of each, one EOS: {@code get_hidden_states} of kohya's {@code train_util.py}. */
    @Test
    void windowsAreJoinedAsKohyaJoinsThem(@TempDir Path folder) {
        StableDiffusion model = StableDiffusion.of(Checkpoints.open(Miniature.unpack(folder)));
        int[][] windows = new CaptionTokens(150, "", 0).all(LONG);
        try (TorchTrainer trainer = TorchTrainer.of(model, _ -> false, OptimizerSettings.DEFAULT)) {
            FloatArray apart =
                    trainer.encodeText(new DenoisingBatch.Captions(windows, 1)).context();
            FloatArray joined = trainer.encodeText(new DenoisingBatch.Captions(windows, 2, 1))
                    .context();
            int width = apart.size(2);
            assertThat(joined.shape()).containsExactly(1, 152, width);
            for (int token = 0; token < 152; token++) {
                int from = token < 76 ? token : token - 75 + 77;
                for (int i = 0; i < width; i++) {
                    assertThat(joined.values()[token * width + i])
                            .isCloseTo(apart.values()[from * width + i], within(1e-6f));
                }
            }
        }
    }
}
