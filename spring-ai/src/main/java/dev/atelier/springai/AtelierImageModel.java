package dev.atelier.springai;

import dev.atelier.Atelier;
import dev.atelier.diffusion.GeneratedImage;
import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.PngFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Base64;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.image.Image;
import org.springframework.ai.image.ImageGeneration;
import org.springframework.ai.image.ImageMessage;
import org.springframework.ai.image.ImageModel;
import org.springframework.ai.image.ImageOptions;
import org.springframework.ai.image.ImagePrompt;
import org.springframework.ai.image.ImageResponse;

/** Pictures from a checkpoint, as base64 PNG. The model stays open; closing it is up to the caller. */
public final class AtelierImageModel implements ImageModel {
    private final Atelier atelier;
    private final UnaryOperator<GenerationRequest> settings;

    /** With default settings, and pictures of the size that the model was trained on. */
    public AtelierImageModel(Atelier atelier) {
        this(atelier, UnaryOperator.identity());
    }

    /** @param settings what every request is given before its own options, such as {@code request -> request.steps(30)} */
    public AtelierImageModel(Atelier atelier, UnaryOperator<GenerationRequest> settings) {
        this.atelier = atelier;
        this.settings = settings;
    }

    /** Messages of negative weight are the negative prompt. Of the options, n, width and height count. */
    @Override
    public ImageResponse call(ImagePrompt prompt) {
        GenerationRequest request = settings.apply(atelier.request(text(prompt, message -> weight(message) >= 0))
                .negativePrompt(text(prompt, message -> weight(message) < 0)));
        @Nullable ImageOptions options = prompt.getOptions();
        if (options != null) {
            request = request.size(or(options.getWidth(), request.width()), or(options.getHeight(), request.height()));
            request = request.iterations(or(options.getN(), request.iterations()));
        }
        return new ImageResponse(atelier.generate(request).stream()
                .map(AtelierImageModel::generation)
                .toList());
    }

    private static float weight(ImageMessage message) {
        @Nullable Float weight = message.getWeight();
        return weight == null ? 1 : weight;
    }

    private static int or(@Nullable Integer value, int otherwise) {
        return value == null ? otherwise : value;
    }

    private static String text(ImagePrompt prompt, Predicate<ImageMessage> which) {
        return prompt.getInstructions().stream()
                .filter(which)
                .map(ImageMessage::getText)
                .collect(Collectors.joining(", "));
    }

    private static ImageGeneration generation(GeneratedImage drawn) {
        try {
            String png = Base64.getEncoder().encodeToString(PngFile.encode(drawn));
            return new ImageGeneration(new Image(null, png));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
