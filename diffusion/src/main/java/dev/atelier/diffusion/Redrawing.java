package dev.atelier.diffusion;

import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;

/** A picture that is made larger and drawn over in tiles, see {@link SdUpscale}. */
final class Redrawing {
    private final GenerationRequest request;
    private final SdUpscale how;
    private final GenerationListener listener;

    Redrawing(GenerationRequest request, SdUpscale how, GenerationListener listener) {
        this.request = request;
        this.how = how;
        this.listener = listener;
    }

    /** @param draw draws a batch of tiles */
    List<GeneratedImage> run(
            Upscaling upscaling, BiFunction<GenerationRequest, GenerationListener, List<GeneratedImage>> draw) {
        ImageToImage from = request.imageToImage();
        if (from == null || from.inpainting() != null || how.overlap() >= Math.min(request.width(), request.height())) {
            throw new IllegalArgumentException(
                    "SD upscale takes a picture to start from, no mask, and tiles larger than their overlap");
        }
        Bitmap given = upscaling.by(Source.onWhite(Bitmap.rgba(from.images().getFirst())), how.factor());
        TileGrid grid = new TileGrid(given.size(), new Size(request.width(), request.height()), how.overlap());
        List<Bitmap> tiles = grid.cut(given);
        int batches = Math.ceilDiv(tiles.size(), request.batchSize());
        Parts parts = new Parts(listener, batches * request.iterations());
        List<GeneratedImage> pictures = new ArrayList<>();
        for (int i = 0; i < request.iterations() && !parts.isStopped(); i++) {
            List<GeneratedImage> drawn = new ArrayList<>();
            for (int batch = 0; batch < batches && !parts.isStopped(); batch++) {
                int first = batch * request.batchSize();
                List<BufferedImage> images =
                        tiles.subList(first, Math.min(tiles.size(), first + request.batchSize())).stream()
                                .map(Bitmap::toImage)
                                .toList();
                GenerationRequest part = request.sdUpscale(null)
                        .batchSize(images.size())
                        .iterations(1)
                        .seed(request.seed() + i + batch)
                        .imageToImage(from.images(images));
                drawn.addAll(draw.apply(part, parts.next()));
            }
            TileGrid.Canvas canvas = grid.canvas(1);
            for (int t = 0; t < tiles.size(); t++) {
                canvas.add(t < drawn.size() ? Bitmap.rgba(drawn.get(t).pixels()).rgb() : tiles.get(t));
            }
            pictures.add(new GeneratedImage(
                    canvas.picture().toImage(),
                    request.seed() + i,
                    infotext(drawn.getFirst().infotext())));
        }
        return pictures;
    }

    /** Of the first tile, with what was done to the whole. */
    private String infotext(String ofTile) {
        Infotext infotext = Infotext.parse(ofTile);
        Map<String, String> parameters = new LinkedHashMap<>(infotext.parameters());
        parameters.put("SD upscale overlap", Integer.toString(how.overlap()));
        parameters.put("SD upscale upscaler", how.upscaler().label());
        return new Infotext(infotext.prompt(), infotext.negativePrompt(), parameters).text();
    }
}
