package dev.atelier.engine.torch;

import dev.atelier.checkpoint.Tensor;

/**
 * A LoRA of one layer (Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models"): to what the layer makes of x comes
 * scale · up(down(x)). Of a convolution, {@code down} is one too, with the layer's stride and padding, and {@code up} one of
 * 1 × 1.
 *
 * @param name what its factors are called: name{@code .lora_down.weight} and name{@code .lora_up.weight}
 * @param weight the name of the layer's weight in the checkpoint
 * @param third which third of the weight's rows the layer is, 0 to 2; -1 for all of them
 * @param down where the first factor starts, {@code [rank, in]} or {@code [rank, in, k, k]}
 * @param up where the second starts, {@code [out, rank]} or {@code [out, rank, 1, 1]}
 */
public record Adapter(String name, String weight, int third, Tensor down, Tensor up, double scale) {
    /** What the parameter of the first factor is called. */
    public String downName() {
        return name + ".lora_down.weight";
    }

    /** What the parameter of the second factor is called. */
    public String upName() {
        return name + ".lora_up.weight";
    }
}
