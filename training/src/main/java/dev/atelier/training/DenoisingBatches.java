package dev.atelier.training;

import dev.atelier.diffusion.PicturePart;
import dev.atelier.engine.torch.DenoisingBatch;
import dev.atelier.engine.torch.TorchTrainer;
import dev.atelier.model.FloatArray;
import dev.atelier.model.SizeConditioning;
import dev.atelier.model.StableDiffusion;
import dev.atelier.training.data.TrainingPicture;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Batches as an engine takes them, from pictures, captions and what is asked of them. */
final class DenoisingBatches {
    /** What a network gets of captions. */
    interface Texts {
        DenoisingBatch.Text of(List<String> captions);
    }

    private final StableDiffusion model;
    private final float[] alphasCumprod;
    private final TrainingObjective plan;
    private final CaptionTokens tokens;

    DenoisingBatches(StableDiffusion model, float[] alphasCumprod, TrainingObjective plan, CaptionTokens tokens) {
        this.model = model;
        this.alphasCumprod = alphasCumprod;
        this.plan = plan;
        this.tokens = tokens;
    }

    /** Captions that the text encoders read in the step. */
    DenoisingBatch.Captions captions(List<String> captions) {
        return new DenoisingBatch.Captions(windows(captions), tokens.windows(), plan.clipSkip());
    }

    /** What text encoders that do not change make of captions. */
    DenoisingBatch.Encoded encode(TorchTrainer encoder, List<String> captions) {
        return encoder.encodeText(captions(captions));
    }

    private int[][] windows(List<String> captions) {
        return captions.stream().map(tokens::all).flatMap(Stream::of).toArray(int[][]::new);
    }

    /** @param captions of each picture */
    DenoisingBatch of(
            PictureLatents.Sample sample, Denoising.Question question, List<String> captions, Texts texts, long seed) {
        List<String> distinct = captions.stream().distinct().toList();
        FloatArray mask = sample.mask();
        return new DenoisingBatch(
                question.noisy(),
                question.timesteps(),
                texts.of(distinct),
                captions.stream().mapToInt(distinct::indexOf).toArray(),
                sizes(sample),
                plan.loss().with(widths(question.timesteps())),
                question.target(),
                question.weights(),
                mask == null ? null : plan.masks().weights(mask),
                seed);
    }

    private float[] widths(float[] timesteps) {
        float[] widths = new float[timesteps.length];
        for (int i = 0; i < widths.length; i++) {
            int timestep = (int) timesteps[i];
            widths[i] = (float) plan.huber().schedule().at(timestep, alphasCumprod[timestep]);
        }
        return widths;
    }

    /** What SDXL is told: how large the picture was, what was cut off, how large it is now. */
    private @Nullable FloatArray sizes(PictureLatents.Sample sample) {
        if (!model.family().isXl()) {
            return null;
        }
        int count = sample.pictures().size();
        float[] all = new float[0];
        int width = 0;
        for (int i = 0; i < count; i++) {
            TrainingPicture picture = sample.pictures().get(i);
            PicturePart part = sample.parts().get(i);
            float[] row = new SizeConditioning(
                            picture.width(), picture.height(), part.left(), part.top(), part.width(), part.height())
                    .vector(FloatArray.of(new float[0], 1, 0), model.family(), 0)
                    .values();
            if (i == 0) {
                width = row.length;
                all = new float[count * width];
            }
            System.arraycopy(row, 0, all, i * width, width);
        }
        return FloatArray.of(all, count, width);
    }
}
