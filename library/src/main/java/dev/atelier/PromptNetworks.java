package dev.atelier;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.FileStamp;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.diffusion.ExtraNetworks;
import dev.atelier.diffusion.PromptTag;
import dev.atelier.model.ControlModel;
import dev.atelier.model.Embedding;
import dev.atelier.model.EngineModel;
import dev.atelier.model.Hypernetwork;
import dev.atelier.model.StableDiffusion;
import dev.atelier.model.TinyDecoderModel;
import dev.atelier.model.UpscalingNetwork;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * What requests may name beside the model. Adds the LoRAs and hypernetworks that a prompt names to the model of an engine, as views: only the networks that they
 * change are loaded again, and nothing if the last prompt had the same.
 */
final class PromptNetworks implements ExtraNetworks, AutoCloseable {
    private static final Set<String> LORA = Set.of("lora", "lyco");
    private static final String HYPERNETWORK = "hypernet";

    private final StableDiffusion plain;
    private final EngineModel<?> engine;
    private final EmbeddingFolders embeddings;
    private final LoraFolders loras;
    private final HypernetworkFolders hypernetworks;
    private final ControlNetFiles controlNets;
    private final UpscalerFiles upscalers;
    private final Optional<TinyDecoderModel> previewDecoder;
    private List<Use> applied = List.of();
    private List<Hypernetwork> appliedHypernetworks = List.of();

    /** @param name as the prompt has it */
    private record Use(String name, FileStamp stamp, Strengths strengths) {}

    private record Strengths(double text, double unet) {
        /** @throws NumberFormatException if one is no number */
        static Strengths of(PromptTag tag) {
            double text = Double.parseDouble(tag.argument(1, "te").orElse("1"));
            return new Strengths(
                    text, tag.argument(2, "unet").map(Double::parseDouble).orElse(text));
        }
    }

    PromptNetworks(StableDiffusion plain, EngineModel<?> engine, ModelOptions options) {
        this.plain = plain;
        this.engine = engine;
        this.embeddings = options.embeddings();
        this.loras = options.loras();
        this.hypernetworks = options.hypernetworks();
        this.controlNets = options.controlNets(plain.checkpoint());
        this.upscalers = options.upscalers();
        this.previewDecoder = options.previewDecoder(plain.family());
    }

    @Override
    public Collection<Embedding> embeddings(Consumer<String> notes) {
        return embeddings.embeddings(notes);
    }

    @Override
    public Optional<TinyDecoderModel> previewDecoder() {
        return previewDecoder;
    }

    @Override
    public ControlModel controlNet(String name) {
        return controlNets.find(name);
    }

    @Override
    public UpscalingNetwork upscaler(String name) {
        return upscalers.open(name);
    }

    @Override
    public Map<String, String> apply(List<PromptTag> tags, Consumer<String> notes) {
        List<Hypernetwork> changing = tags.stream()
                .filter(tag ->
                        tag.type().equals(HYPERNETWORK) && !tag.positional().isEmpty())
                .flatMap(tag -> hypernetwork(tag, notes).stream())
                .toList();
        Map<String, Strengths> strengths = new LinkedHashMap<>(); // of a name that comes twice, the last count for both
        List<String> names = new ArrayList<>();
        for (PromptTag tag : tags) {
            if (tag.type().equals(HYPERNETWORK)) {
                continue;
            }
            if (!LORA.contains(tag.type())) {
                notes.accept("<%s:…> is left out of the prompt: only LoRAs and hypernetworks are known here"
                        .formatted(tag.type()));
            } else if (!tag.positional().isEmpty()) {
                String name = tag.positional().getFirst();
                names.add(name);
                try {
                    strengths.put(name, Strengths.of(tag));
                } catch (NumberFormatException _) {
                    notes.accept("the strength of the LoRA \"%s\" is no number, so no LoRA is added".formatted(name));
                    return become(List.of(), List.of(), changing);
                }
                if (tag.argument(3, "dyn").isPresent()) {
                    notes.accept("the LoRA \"%s\" is added with all of its ranks".formatted(name));
                }
            }
        }
        List<Use> uses = new ArrayList<>();
        List<LoraFile> files = new ArrayList<>();
        for (String name : names) {
            find(name, notes).ifPresent(file -> {
                uses.add(new Use(name, file.stamp(), strengths.getOrDefault(name, new Strengths(1, 1))));
                files.add(file);
            });
        }
        return become(uses, files, changing);
    }

    private Optional<Hypernetwork> hypernetwork(PromptTag tag, Consumer<String> notes) {
        String name = tag.positional().getFirst();
        try {
            double strength = Double.parseDouble(tag.argument(1, "strength").orElse("1"));
            Optional<Hypernetwork> found = hypernetworks.find(name).map(file -> Hypernetwork.of(file, strength));
            // refuses what does not fit
            found.ifPresent(hypernetwork -> plain.withHypernetworks(List.of(hypernetwork)));
            if (found.isEmpty()) {
                notes.accept("there is no hypernetwork \"%s\"; the picture is drawn without it".formatted(name));
            }
            return found;
        } catch (NumberFormatException _) {
            notes.accept("the strength of the hypernetwork \"%s\" is no number; it is left out".formatted(name));
        } catch (InvalidCheckpointException | UncheckedIOException e) {
            notes.accept("the hypernetwork \"%s\" cannot be used: %s".formatted(name, e.getMessage()));
        }
        return Optional.empty();
    }

    private Optional<LoraFile> find(String name, Consumer<String> notes) {
        try {
            Optional<LoraFile> file = loras.find(name);
            if (file.isEmpty()) {
                notes.accept("there is no LoRA \"%s\"; the picture is drawn without it".formatted(name));
                return file;
            }
            int without = file.get().lora().unmatched(plain.checkpoint()).size();
            if (without > 0) {
                notes.accept("%d tensors of the LoRA \"%s\" have no place in this model".formatted(without, name));
            }
            // refuses what fits nowhere
            var _ = file.get().lora().bake(plain.checkpoint(), 1, 1);
            return file;
        } catch (InvalidCheckpointException | UncheckedIOException e) {
            notes.accept("the LoRA \"%s\" cannot be used: %s".formatted(name, e.getMessage()));
            return Optional.empty();
        }
    }

    private Map<String, String> become(List<Use> uses, List<LoraFile> files, List<Hypernetwork> changing) {
        Map<String, String> hashes = new LinkedHashMap<>();
        Checkpoint model = plain.checkpoint();
        for (int i = 0; i < uses.size(); i++) {
            Use use = uses.get(i);
            hashes.put(use.name, files.get(i).hash());
            model = files.get(i).lora().bake(model, use.strengths.unet, use.strengths.text);
        }
        if (!uses.equals(applied) || !changing.equals(appliedHypernetworks)) {
            engine.become(plain.withWeights(model).withHypernetworks(changing));
            applied = List.copyOf(uses);
            appliedHypernetworks = changing;
        }
        return hashes;
    }

    /** Frees what is no part of the model. */
    @Override
    public void close() {
        upscalers.close();
    }
}
