package dev.atelier.training;

import dev.atelier.engine.torch.DenoisingBatch;
import dev.atelier.model.FloatArray;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** What text encoders that do not change have made of captions. */
final class TextEncodings {
    private final Map<String, DenoisingBatch.Encoded> known = new HashMap<>();

    /** @param encoder reads one caption */
    TextEncodings(
            Collection<String> captions, Function<String, DenoisingBatch.Encoded> encoder, TrainingListener listener) {
        for (String caption : captions) {
            known.put(caption, encoder.apply(caption));
            listener.prepared("reading captions", known.size(), captions.size());
        }
    }

    DenoisingBatch.Encoded of(List<String> captions) {
        List<DenoisingBatch.Encoded> parts = captions.stream().map(known::get).toList();
        return new DenoisingBatch.Encoded(
                stacked(parts.stream().map(DenoisingBatch.Encoded::context).toList()),
                parts.getFirst().pooled() == null
                        ? null
                        : stacked(parts.stream().map(TextEncodings::pooled).toList()));
    }

    private static FloatArray pooled(DenoisingBatch.Encoded encoded) {
        @Nullable FloatArray pooled = encoded.pooled();
        if (pooled == null) {
            throw new IllegalStateException("some captions have a vector and others have none");
        }
        return pooled;
    }

    private static FloatArray stacked(List<FloatArray> arrays) {
        int length = arrays.getFirst().values().length;
        float[] all = new float[arrays.size() * length];
        for (int i = 0; i < arrays.size(); i++) {
            System.arraycopy(arrays.get(i).values(), 0, all, i * length, length);
        }
        int[] shape = arrays.getFirst().shape();
        shape[0] = arrays.size();
        return FloatArray.of(all, shape);
    }
}
