package dev.atelier.diffusion;

import dev.atelier.model.DiffusionModel;
import dev.atelier.model.FloatArray;
import java.util.function.UnaryOperator;

/**
 * The way between pixels and latents, for large pictures in tiles if that is wanted. Tiles overlap by a quarter and fade
 * into each other, as in diffusers.
 *
 * @param tiled whether pictures of more than {@link #TILE} latent cells along a side are cut up
 */
record Vae(DiffusionModel model, boolean tiled) {
    private static final int TILE = 64; // 512 pixels
    private static final int STEP = 48;

    /** As {@link DiffusionModel#decode}. */
    FloatArray decode(FloatArray latents) {
        return isSmall(latents, 1)
                ? model.decode(latents)
                : tiles(latents, TILE, STEP, model.spatialFactor(), 1, model::decode);
    }

    /** As {@link DiffusionModel#encode}. */
    FloatArray encode(FloatArray pictures) {
        int cell = model.spatialFactor();
        return isSmall(pictures, cell)
                ? model.encode(pictures)
                : tiles(pictures, TILE * cell, STEP * cell, 1, cell, model::encode);
    }

    private boolean isSmall(FloatArray x, int cell) {
        return !tiled || (x.size(2) <= TILE * cell && x.size(3) <= TILE * cell);
    }

    /**
     * @param tile side of a tile
     * @param step from one tile to the next
     * @param larger by how much a tile grows on its way
     * @param smaller by how much it shrinks
     */
    private static FloatArray tiles(
            FloatArray x, int tile, int step, int larger, int smaller, UnaryOperator<FloatArray> network) {
        int height = x.size(2) * larger / smaller;
        int width = x.size(3) * larger / smaller;
        int overlap = (tile - step) * larger / smaller;
        int kept = step * larger / smaller;
        FloatArray[] above = new FloatArray[(x.size(3) + step - 1) / step];
        FloatArray whole = FloatArray.of(new float[0], 0);
        for (int top = 0; top < x.size(2); top += step) {
            FloatArray left = whole;
            for (int column = 0; column * step < x.size(3); column++) {
                int start = column * step;
                FloatArray part = network.apply(Latents.crop(
                        x, top, start, Math.min(tile, x.size(2) - top), Math.min(tile, x.size(3) - start)));
                if (whole.values().length == 0) {
                    whole = Latents.filled(0, part.size(0), part.size(1), height, width);
                }
                if (top > 0) {
                    fade(above[column], part, overlap, true);
                }
                if (start > 0) {
                    fade(left, part, overlap, false);
                }
                above[column] = part;
                left = part;
                Latents.paste(
                        Latents.crop(part, 0, 0, Math.min(kept, part.size(2)), Math.min(kept, part.size(3))),
                        whole,
                        top * larger / smaller,
                        start * larger / smaller);
            }
        }
        return whole;
    }

    /** The end of one tile gives way to the beginning of the next, which is changed. */
    private static void fade(FloatArray before, FloatArray tile, int overlap, boolean downwards) {
        int axis = downwards ? 2 : 3;
        int extent = Math.min(Math.min(before.size(axis), tile.size(axis)), overlap);
        int offset = before.size(axis) - extent;
        int rows = downwards ? extent : Math.min(before.size(2), tile.size(2));
        int columns = downwards ? Math.min(before.size(3), tile.size(3)) : extent;
        for (int plane = 0; plane < tile.size(0) * tile.size(1); plane++) {
            for (int y = 0; y < rows; y++) {
                for (int x = 0; x < columns; x++) {
                    int from = (plane * before.size(2) + (downwards ? y + offset : y)) * before.size(3)
                            + (downwards ? x : x + offset);
                    int to = (plane * tile.size(2) + y) * tile.size(3) + x;
                    float share = (float) (downwards ? y : x) / extent;
                    tile.values()[to] = before.values()[from] * (1 - share) + tile.values()[to] * share;
                }
            }
        }
    }
}
