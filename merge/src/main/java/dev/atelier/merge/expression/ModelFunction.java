package dev.atelier.merge.expression;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Component;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Slim;
import dev.atelier.merge.rebasin.AttentionBalance;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * A function of expressions that makes another of one checkpoint and takes nothing else.
 *
 * @param meaning half a sentence
 */
public record ModelFunction(String name, String meaning, UnaryOperator<Checkpoint> operation) {
    private static final List<ModelFunction> ALL = List.of(
            new ModelFunction(
                    "prune", "without EMA copies, training leftovers and tables of the schedule", Slim::prune),
            new ModelFunction("ema", "the averaged weights in place of the last trained ones", Slim::emaOnly),
            new ModelFunction(
                    "exchange-ema",
                    "the averaged weights and the last trained ones in each other's place",
                    Slim::exchangeEma),
            new ModelFunction("drop-ema", "without the averaged weights", Slim::dropEma),
            new ModelFunction("repair", "with sound position_ids", Slim::repairPositionIds),
            new ModelFunction(
                    "balance-attention",
                    "queries as strong as keys, and values as what is made of them; the same pictures",
                    AttentionBalance::of),
            new ModelFunction("fp16", "in half precision", model -> model.cast(DType.F16)),
            new ModelFunction("bf16", "in bfloat16", model -> model.cast(DType.BF16)),
            new ModelFunction("fp32", "in single precision", model -> model.cast(DType.F32)),
            new ModelFunction("fp8_e4m3fn", "in 8 bits where that is bearable", model -> model.cast(DType.F8_E4M3)),
            new ModelFunction("fp8_e5m2", "in 8 bits of wider range", model -> model.cast(DType.F8_E5M2)),
            new ModelFunction("only-unet", "the UNet on its own", model -> Slim.only(Component.UNET, model)),
            new ModelFunction("only-vae", "the VAE on its own", model -> Slim.only(Component.VAE, model)),
            new ModelFunction(
                    "only-text-encoder",
                    "the text encoders on their own",
                    model -> Slim.only(Component.TEXT_ENCODER, model)));

    public static List<ModelFunction> all() {
        return ALL;
    }

    static Optional<ModelFunction> named(String name) {
        return ALL.stream().filter(function -> function.name.equals(name)).findFirst();
    }

    static Stream<String> names() {
        return ALL.stream().map(ModelFunction::name);
    }
}
