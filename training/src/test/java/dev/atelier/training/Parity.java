package dev.atelier.training;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.engine.contract.Reference;
import java.util.Locale;
import java.util.function.Predicate;

/** How far what is computed here is from what other software computed. Prints each measurement as a row of a table. */
record Parity(String what, Reference reference) {
    private static final double LIMIT = 1e-4;

    /** Holds the greatest error of {@code quantity} to 1e-4. */
    void measured(String quantity, double error) {
        System.out.printf(Locale.ROOT, "parity | %s | %s | %.1e |%n", what, quantity, error);
        assertThat(error).as("%s: %s", what, quantity).isLessThan(LIMIT);
    }

    /** ‖actual − due‖ / ‖due‖ over the last elements of all tensors that the reference has under {@code prefix}. */
    void gradients(String prefix, Checkpoint actual) {
        double difference = 0;
        double size = 0;
        for (String name : names(prefix)) {
            float[] due = reference.array(prefix + name).values();
            float[] own = tail(actual.tensor(name), due.length);
            for (int i = 0; i < due.length; i++) {
                difference += Math.pow((double) own[i] - due[i], 2);
                size += Math.pow(due[i], 2);
            }
        }
        assertThat(size).isPositive();
        measured("gradients of the first step, relative", Math.sqrt(difference / size));
    }

    /** The greatest difference of the last elements of all tensors that the reference has under {@code prefix}. */
    void weights(String prefix, Checkpoint actual, Predicate<String> compared) {
        double greatest = 0;
        for (String name : names(prefix)) {
            if (compared.test(name)) {
                float[] due = reference.array(prefix + name).values();
                greatest = Math.max(greatest, greatest(tail(actual.tensor(name), due.length), due));
            }
        }
        measured("weights after ten steps, absolute", greatest);
    }

    /** The greatest difference of what LyCORIS has shrunk, relative to it; nothing where it shrinks nothing. */
    void shrunk(String prefix, Checkpoint actual) {
        double greatest = 0;
        for (String name : names(prefix)) {
            float[] due = reference.array(prefix + name).values();
            float[] own = tail(actual.tensor(name), due.length);
            greatest = Math.max(greatest, greatest(own, due) / greatest(due, new float[due.length]));
        }
        measured("parts of a limited norm, relative", greatest);
    }

    static double greatest(float[] actual, float[] due) {
        double greatest = 0;
        for (int i = 0; i < due.length; i++) {
            greatest = Math.max(greatest, Math.abs(actual[i] - due[i]));
        }
        return greatest;
    }

    private Iterable<String> names(String prefix) {
        return reference.file().tensors().keySet().stream()
                .filter(name -> name.startsWith(prefix))
                .map(name -> name.substring(prefix.length()))
                .toList();
    }

    private static float[] tail(Tensor tensor, int count) {
        float[] values = new float[count];
        tensor.read(tensor.shape().elements() - count, values, count);
        return values;
    }
}
