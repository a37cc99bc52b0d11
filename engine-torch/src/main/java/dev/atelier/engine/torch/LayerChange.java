package dev.atelier.engine.torch;

import java.util.Map;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * What an {@link Adapter} makes of a layer, from the values that its parts have now.
 *
 * @param third which third of the weight's rows it is of; -1 for all of them
 */
record LayerChange(int third, Adapter.Form form, Map<String, Tensor> parts, double scale) {
    Tensor part(String name) {
        Tensor part = parts.get(name);
        if (part == null) {
            throw new IllegalArgumentException("a %s has no %s".formatted(form, name));
        }
        return part;
    }

    /** What is added to a weight, unscaled, of a {@link Adapter.Form#LOHA} or {@link Adapter.Form#LOKR}. */
    Tensor whole(Tensor weight) {
        if (form == Adapter.Form.LOHA) {
            return hadamard().view_as(weight);
        }
        Tensor first = part("lokr_w1");
        Tensor second = second();
        if (weight.dim() == 4) {
            second = second.view(second.size(0), weight.size(1) / first.size(1), weight.size(2), weight.size(3));
            first = first.unsqueeze(2).unsqueeze(3);
        }
        return torch.kron(first, second);
    }

    private Tensor hadamard() {
        return part("hada_w1_a").matmul(part("hada_w1_b")).mul(part("hada_w2_a").matmul(part("hada_w2_b")));
    }

    private Tensor second() {
        return parts.containsKey("lokr_w2")
                ? part("lokr_w2")
                : part("lokr_w2_a").matmul(part("lokr_w2_b"));
    }

    /** The Frobenius norm of what is added to a weight, unscaled. */
    double norm() {
        return switch (form) {
            case LORA, DORA -> {
                Tensor d = part("lora_down.weight").flatten(1, -1);
                Tensor u = part("lora_up.weight").flatten(1, -1);
                // ‖u·d‖² = tr(uᵀu · ddᵀ), of matrices as small as the rank
                Tensor square = u.t().matmul(u).mul(d.matmul(d.t())).sum();
                yield Math.sqrt(Math.max(0, square.item_double()));
            }
            case LOHA -> norm(hadamard());
            case LOKR -> norm(part("lokr_w1")) * norm(second());
        };
    }

    private static double norm(Tensor x) {
        return x.norm().item_double();
    }

    /** How long each row of the changed weight is, {@code [out]}, of a {@link Adapter.Form#DORA}. Takes no gradients. */
    Tensor lengths(Tensor weight) {
        try (NoGradGuard _ = new NoGradGuard()) {
            Tensor low = part("lora_up.weight")
                    .flatten(1, -1)
                    .matmul(part("lora_down.weight").flatten(1, -1));
            return weight.flatten(1, -1)
                    .add(low.mul(new Scalar(scale)))
                    .norm(new ScalarOptional(new Scalar(2.0)), new long[] {1}, false);
        }
    }
}
