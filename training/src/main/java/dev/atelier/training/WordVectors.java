package dev.atelier.training;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.engine.torch.Trainable;
import dev.atelier.model.ClipTokenizer;
import dev.atelier.model.Embedding;
import dev.atelier.model.FloatArray;
import dev.atelier.model.StableDiffusion;
import dev.atelier.model.TextEncoderConfig;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The vectors of a new word, one set for each text encoder. */
final class WordVectors {
    private WordVectors() {}

    /**
     * Where they start: at those of a file, or of {@code plan.initial}, over and over if it has fewer tokens than there are vectors.
     *
     * @throws IllegalArgumentException if the file is of another family, or has more vectors or fewer
     */
    static List<Tensor> initial(StableDiffusion model, TrainingMethod.Word plan) {
        Path file = plan.from();
        return file == null ? known(model, plan) : stored(model, plan, file);
    }

    private static List<Tensor> stored(StableDiffusion model, TrainingMethod.Word plan, Path file) {
        List<FloatArray> parts = Embedding.open(file).parts();
        List<Integer> widths = parts.stream().map(part -> part.size(1)).toList();
        List<Integer> expected = model.text().stream()
                .map(encoder -> (int)
                        model.checkpoint().tensor(encoder.tokenTable()).shape().size(1))
                .toList();
        int count = parts.getFirst().size(0);
        if (!widths.equals(expected) || count != plan.vectors()) {
            throw new IllegalArgumentException("%s has %d vectors of %s numbers, and %d of %s are to be trained"
                    .formatted(file, count, widths, plan.vectors(), expected));
        }
        return parts.stream()
                .map(part -> Tensor.of(DType.F32, Shape.of(count, part.size(1)), MemorySegment.ofArray(part.values())))
                .toList();
    }

    private static List<Tensor> known(StableDiffusion model, TrainingMethod.Word plan) {
        int[] ids = ClipTokenizer.standard().encode(plan.initial());
        List<Tensor> all = new ArrayList<>();
        for (TextEncoderConfig encoder : model.text()) {
            Tensor table = model.checkpoint().tensor(encoder.tokenTable()).to(DType.F32);
            int width = (int) table.shape().size(1);
            float[] vectors = new float[plan.vectors() * width];
            float[] vector = new float[width];
            for (int i = 0; i < plan.vectors(); i++) {
                table.read((long) ids[i % ids.length] * width, vector, width);
                System.arraycopy(vector, 0, vectors, i * width, width);
            }
            all.add(Tensor.of(DType.F32, Shape.of(plan.vectors(), width), MemorySegment.ofArray(vectors)));
        }
        return all;
    }

    /** The word as prompts for pictures name it. */
    static Embedding embedding(Checkpoint trained, StableDiffusion model, TrainingMethod.Word plan) {
        List<FloatArray> parts = new ArrayList<>();
        for (int i = 0; i < model.text().size(); i++) {
            Tensor vectors = trained.tensor(Trainable.wordsName(i));
            float[] values = new float[Math.toIntExact(vectors.shape().elements())];
            vectors.read(0, MemorySegment.ofArray(values));
            parts.add(FloatArray.of(values, plan.vectors(), values.length / plan.vectors()));
        }
        return new Embedding(plan.word(), "", parts);
    }

    /**
     * A file with them: of one text encoder {@code emb_params} as kohya's scripts write it, or under the word itself as diffusers
     * does, which AUTOMATIC1111 reads both; of XL's two {@code clip_l} and {@code clip_g}.
     */
    static Checkpoint file(Checkpoint trained, StableDiffusion model, TrainingMethod.Word plan, LoraNaming naming) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        if (model.text().size() > 1) {
            tensors.put("clip_l", trained.tensor(Trainable.wordsName(0)));
            tensors.put("clip_g", trained.tensor(Trainable.wordsName(1)));
        } else {
            String name = naming == LoraNaming.KOHYA ? "emb_params" : plan.word();
            tensors.put(name, trained.tensor(Trainable.wordsName(0)));
        }
        return Checkpoint.of(List.of(), tensors, Map.of());
    }
}
