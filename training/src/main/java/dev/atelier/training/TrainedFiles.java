package dev.atelier.training;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Component;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.engine.torch.TorchTrainer;
import dev.atelier.model.StableDiffusion;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What a training makes, as files.
 *
 * @param loras of a training of LoRAs
 * @param metadata of a file after so many steps
 */
record TrainedFiles(
        StableDiffusion model,
        TrainingPlan plan,
        @Nullable LoraModules loras,
        IntFunction<Map<String, String>> metadata) {

    /** Writes the result. */
    void write(TorchTrainer trainer) {
        write(trainer, plan.output().file(), trainer.step());
    }

    /** Writes the result so far, and deletes those from before that are not to be kept. */
    void write(TorchTrainer trainer, int step) {
        Path file = plan.output().at(step);
        write(trainer, file, step);
        if (plan.output().kept() == null) {
            return;
        }
        try (Stream<Path> siblings = Files.list(file.toAbsolutePath().getParent())) {
            List<Path> written =
                    siblings.filter(sibling -> isBefore(sibling, step)).sorted().toList();
            for (Path old : written.subList(
                    0, Math.max(0, written.size() - plan.output().kept()))) {
                Files.delete(old);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private boolean isBefore(Path sibling, int step) {
        String name = sibling.getFileName().toString();
        String last = plan.output().at(step).getFileName().toString();
        return name.length() == last.length()
                && name.replaceFirst("-step\\d{8}", "").equals(last.replaceFirst("-step\\d{8}", ""))
                && name.compareTo(last) <= 0;
    }

    private void write(TorchTrainer trainer, Path file, int step) {
        boolean averaged = plan.course().averages().schedule() != null;
        Checkpoint values = averaged && !plan.output().keepAverages() ? trainer.averages() : trainer.values();
        Checkpoint result = switch (plan.method()) {
            case TrainingMethod.Lora _ ->
                loras == null ? values : loras.file(values, plan.output().naming());
            case TrainingMethod.Word word ->
                WordVectors.file(values, model, word, plan.output().naming());
            case TrainingMethod.Weights _ -> whole(values, averaged ? trainer.averages() : values, step);
        };
        Map<String, String> all = new LinkedHashMap<>(
                plan.method() instanceof TrainingMethod.Weights
                        ? model.checkpoint().metadata()
                        : Map.of());
        all.putAll(metadata.apply(step));
        result.cast(plan.output().written().dtype()).withMetadata(all).writeTo(file, Progress.NONE);
    }

    /**
     * The model with other weights. Averages that the model came with are left out: they are those of other weights. {@code averages}
     * take their place if they are asked for, named as CompVis does.
     */
    private Checkpoint whole(Checkpoint values, Checkpoint averages, int step) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        model.checkpoint().tensors().forEach((name, tensor) -> {
            if (Component.of(name) != Component.EMA) {
                tensors.put(name, values.find(name).orElse(tensor));
            }
        });
        EmaSchedule average = plan.course().averages().schedule();
        if (plan.output().keepAverages() && average != null) {
            averages.tensors().forEach((name, tensor) -> {
                if (Component.of(name) == Component.UNET) {
                    tensors.put("model_ema." + name.substring("model.".length()).replace(".", ""), tensor);
                }
            });
            tensors.put("model_ema.decay", Tensor.of(DType.F32, Shape.of(), MemorySegment.ofArray(new float[] {
                (float) average.decay(Integer.MAX_VALUE)
            })));
            tensors.put(
                    "model_ema.num_updates", Tensor.of(DType.I32, Shape.of(), MemorySegment.ofArray(new int[] {step})));
        }
        return Checkpoint.of(model.checkpoint().sources(), tensors, Map.of());
    }
}
