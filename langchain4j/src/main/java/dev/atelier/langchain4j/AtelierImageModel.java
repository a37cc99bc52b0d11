package dev.atelier.langchain4j;

import dev.atelier.Atelier;
import dev.atelier.diffusion.GeneratedImage;
import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.ImageFile;
import dev.atelier.diffusion.ImageToImage;
import dev.atelier.diffusion.Inpainting;
import dev.atelier.diffusion.PngFile;
import dev.langchain4j.data.image.Image;
import dev.langchain4j.model.image.ImageModel;
import dev.langchain4j.model.output.Response;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Base64;
import java.util.List;
import java.util.function.UnaryOperator;

/** Pictures from a checkpoint. The model stays open; closing it is up to the caller. */
public final class AtelierImageModel implements ImageModel {
    private final Atelier atelier;
    private final UnaryOperator<GenerationRequest> settings;

    /** With default settings, and pictures of the size that the model was trained on. */
    public AtelierImageModel(Atelier atelier) {
        this(atelier, UnaryOperator.identity());
    }

    /** @param settings what every request is given, such as {@code request -> request.steps(30).size(512, 768)} */
    public AtelierImageModel(Atelier atelier, UnaryOperator<GenerationRequest> settings) {
        this.atelier = atelier;
        this.settings = settings;
    }

    @Override
    public Response<Image> generate(String prompt) {
        return Response.from(draw(request(prompt)).getFirst());
    }

    @Override
    public Response<List<Image>> generate(String prompt, int n) {
        return Response.from(draw(request(prompt).iterations(n)));
    }

    /** @param image as base64; an address is not fetched */
    @Override
    public Response<Image> edit(Image image, String prompt) {
        return Response.from(
                draw(request(prompt).imageToImage(ImageToImage.of(read(image)))).getFirst());
    }

    /** @param mask of which the transparent part is drawn anew, as in other image models of LangChain4j */
    @Override
    public Response<Image> edit(Image image, Image mask, String prompt) {
        Inpainting inpainting = Inpainting.of(read(mask)).inverted(true);
        return Response.from(
                draw(request(prompt).imageToImage(ImageToImage.of(read(image)).inpainting(inpainting)))
                        .getFirst());
    }

    private GenerationRequest request(String prompt) {
        return settings.apply(atelier.request(prompt));
    }

    private List<Image> draw(GenerationRequest request) {
        return atelier.generate(request).stream().map(AtelierImageModel::image).toList();
    }

    private static Image image(GeneratedImage drawn) {
        try {
            return Image.builder()
                    .base64Data(Base64.getEncoder().encodeToString(PngFile.encode(drawn)))
                    .mimeType("image/png")
                    .build();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static BufferedImage read(Image image) {
        if (image.base64Data() == null) {
            throw new IllegalArgumentException("a picture to edit must be given as base64 data, not as an address");
        }
        try {
            return ImageFile.read(Base64.getDecoder().decode(image.base64Data()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
