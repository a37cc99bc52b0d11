package dev.atelier.server.studio;

import dev.atelier.catalog.Catalog;
import dev.atelier.catalog.Model;
import dev.atelier.catalog.ModelKind;
import dev.atelier.catalog.ModelQuery;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Component;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** What a model needs, and what of the catalog goes with it. */
final class Compatibility {
    private static final int COUNTED = 200;

    private final Catalog catalog;
    private final Model model;
    private final Checkpoint checkpoint;

    Compatibility(Catalog catalog, Model model, Checkpoint checkpoint) {
        this.catalog = catalog;
        this.model = model;
        this.checkpoint = checkpoint;
    }

    /** Models whose LoRAs, embeddings and control networks are each other's. */
    private enum Family {
        SD1("Stable Diffusion 1", "sd1"),
        SD2("Stable Diffusion 2", "sd2"),
        SDXL("Stable Diffusion XL", "sdxl");

        final String label;
        final String architectures;

        Family(String label, String architectures) {
            this.label = label;
            this.architectures = architectures;
        }
    }

    private Optional<Family> family() {
        return Stream.of(Family.values())
                .filter(family -> model.label().contains(family.label))
                .findFirst();
    }

    /** Sentences. */
    List<String> notes() {
        List<String> notes = new ArrayList<>();
        String family = family().map(known -> known.label + " checkpoint").orElse("checkpoint of its family");
        switch (model.kind()) {
            case LORA -> notes.add("Needs a %s: lora(MODEL, %s:0.8).".formatted(family, model.stem()));
            case EMBEDDING -> notes.add("Needs a %s, and its name in the prompt.".formatted(family));
            case CONTROLNET -> notes.add("Steers a %s.".formatted(family));
            case VAE -> notes.add("Takes the place of a checkpoint's own: MODEL.vae(%s).".formatted(model.stem()));
            case HYPERNETWORK -> notes.add("Is named in a prompt: <hypernet:%s:1>.".formatted(model.stem()));
            case UPSCALER -> notes.add("Makes pictures larger: the upscaler \"%s\".".formatted(model.stem()));
            case OTHER -> notes.add("Is a part, not a whole model; it cannot be drawn with.");
            case CHECKPOINT -> addCheckpointNotes(notes);
        }
        return notes;
    }

    private void addCheckpointNotes(List<String> notes) {
        switch (model.architecture()) {
            case SD1_INPAINTING -> notes.add("Made for Inpaint: it sees the picture around the mask.");
            case SD1_PIX2PIX -> notes.add("Made to change a picture by an instruction: img2img.");
            case SDXL_REFINER -> notes.add("Finishes what a Stable Diffusion XL model has begun.");
            case SD3_OR_FLUX -> notes.add("Can be inspected and converted here, but not drawn with.");
            default -> {}
        }
        if (lacks(Component.VAE)) {
            notes.add("Has no VAE, which drawing needs: %s.vae(FILE).".formatted(model.stem()));
        }
        if (lacks(Component.UNET)) {
            notes.add("Has no UNet; it cannot be drawn with.");
        }
    }

    private boolean lacks(Component component) {
        return checkpoint.tensors().sequencedKeySet().stream().noneMatch(name -> Component.of(name) == component);
    }

    /** What there is in the catalog for it, of each kind. */
    List<Map<String, Object>> goesWith() {
        return family().map(family -> switch (model.kind()) {
                    case CHECKPOINT ->
                        Stream.of(
                                        count(family, ModelKind.LORA, "LoRA"),
                                        count(family, ModelKind.EMBEDDING, "embeddings"),
                                        count(family, ModelKind.CONTROLNET, "ControlNets"),
                                        count(family, ModelKind.CHECKPOINT, "checkpoints to merge it with"))
                                .flatMap(Optional::stream)
                                .toList();
                    case LORA, EMBEDDING, CONTROLNET ->
                        count(family, ModelKind.CHECKPOINT, "checkpoints").stream()
                                .toList();
                    case VAE, HYPERNETWORK, UPSCALER, OTHER -> List.<Map<String, Object>>of();
                })
                .orElse(List.of());
    }

    private Optional<Map<String, Object>> count(Family family, ModelKind kind, String what) {
        long count = catalog.list(query(family, kind).limitedTo(COUNTED)).models().stream()
                .filter(other -> other.id() != model.id())
                .count();
        return count == 0
                ? Optional.empty()
                : Optional.of(Map.of("count", count, "more", count >= COUNTED - 1, "what", what));
    }

    private static ModelQuery query(Family family, ModelKind kind) {
        ModelQuery query = ModelQuery.ALL.ofKind(kind).onlyBroken(false);
        return kind == ModelKind.CHECKPOINT ? query.ofFamily(family.architectures) : query.matching(family.label);
    }

    /** A checkpoint to try it with. */
    Optional<String> companion() {
        if (model.kind() == ModelKind.CHECKPOINT) {
            return Optional.empty();
        }
        return family().map(family -> query(family, ModelKind.CHECKPOINT))
                .or(() ->
                        Optional.of(ModelQuery.ALL.ofKind(ModelKind.CHECKPOINT).onlyBroken(false)))
                .map(query -> catalog.list(query.limitedTo(1)).models())
                .flatMap(found -> found.stream().findFirst())
                .map(Model::name);
    }
}
