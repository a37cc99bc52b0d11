package dev.atelier.diffusion;

import dev.atelier.model.ControlModel;
import dev.atelier.model.Embedding;
import dev.atelier.model.TinyDecoderModel;
import dev.atelier.model.UpscalingNetwork;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * What a request may name besides its model: embeddings in its prompts, changes of the model in tags such as
 * {@code <lora:style:0.6>}, ControlNets and upscaling networks.
 */
public interface ExtraNetworks {

    /** There are none. */
    ExtraNetworks NONE = new ExtraNetworks() {
        @Override
        public Collection<Embedding> embeddings(Consumer<String> notes) {
            return List.of();
        }

        @Override
        public Map<String, String> apply(List<PromptTag> tags, Consumer<String> notes) {
            tags.forEach(tag -> notes.accept("<%s:…> has no effect here".formatted(tag.type())));
            return Map.of();
        }
    };

    /**
     * The embeddings that there are now, of any family. Of two with the same name the first counts.
     *
     * @param notes is told of new files that cannot be read
     */
    Collection<Embedding> embeddings(Consumer<String> notes);

    /**
     * Makes the model of the pipeline what the tags of a prompt say, and nothing else. Called before every pass.
     *
     * @param notes is told what cannot be done; drawing goes on
     * @return what infotext says under {@code Lora hashes}: names and short hashes
     */
    Map<String, String> apply(List<PromptTag> tags, Consumer<String> notes);

    /**
     * A ControlNet or T2I-Adapter by its name.
     *
     * @throws IllegalArgumentException if there is none of this name
     * @throws dev.atelier.checkpoint.InvalidCheckpointException if it is neither
     */
    default ControlModel controlNet(String name) {
        throw new IllegalArgumentException("there is no ControlNet \"%s\" here".formatted(name));
    }

    /**
     * An upscaling network by its name, which stays open until another is asked for.
     *
     * @throws IllegalArgumentException if there is none of this name
     * @throws dev.atelier.checkpoint.InvalidCheckpointException if it is none
     */
    default UpscalingNetwork upscaler(String name) {
        throw new IllegalArgumentException(
                "there is no upscaler \"%s\"; known are %s".formatted(name, Upscaler.known()));
    }

    /** What shows pictures on the way better than colours alone. */
    default Optional<TinyDecoderModel> previewDecoder() {
        return Optional.empty();
    }
}
