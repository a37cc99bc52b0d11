package dev.atelier.diffusion;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.model.FloatArray;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;

/** A file of tensors beside the tests; the README there says where they come from. */
record Fixture(Checkpoint file) {
    static Fixture open(String name) {
        try {
            return new Fixture(Checkpoints.open(Path.of(Objects.requireNonNull(Fixture.class.getResource(name), name)
                    .toURI())));
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    FloatArray array(String name) {
        Tensor tensor = file.tensor(name);
        float[] values = new float[Math.toIntExact(tensor.shape().elements())];
        tensor.read(0, values, values.length);
        return FloatArray.of(
                values,
                Arrays.stream(tensor.shape().sizes()).mapToInt(Math::toIntExact).toArray());
    }

    Bitmap bitmap(String name) {
        FloatArray array = array(name);
        int[] levels = new int[array.values().length];
        for (int i = 0; i < levels.length; i++) {
            levels[i] = (int) array.values()[i];
        }
        return new Bitmap(array.size(0), array.size(1), array.size(2), levels);
    }
}
