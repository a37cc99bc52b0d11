package dev.atelier.model;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.InvalidCheckpointException;
import dev.atelier.checkpoint.InvalidCheckpointException.Reason;
import dev.atelier.checkpoint.Layout;
import java.util.ArrayList;
import java.util.List;
import java.util.SequencedSet;
import java.util.stream.Stream;

/**
 * A checkpoint that holds a {@link T2iAdapter}. Obtained by {@link #of}, which has checked that every tensor is there and
 * that all shapes fit together.
 *
 * @param checkpoint its tensors under the names of its authors
 * @param isLight whether its blocks are narrower inside
 * @param blocks residual blocks per level: 2, or 4 in light ones
 * @param cell how many pixels it takes together in both directions: 8, and 16 for XL
 * @param channels of what it adds, at each level
 */
public record T2iAdapterModel(Checkpoint checkpoint, boolean isLight, int blocks, int cell, List<Integer> channels)
        implements Loadable, ControlModel {
    static final int LEVELS = 4;

    private static final int XL_CELL = 16;

    public T2iAdapterModel {
        channels = List.copyOf(channels);
    }

    /** @throws InvalidCheckpointException naming what is missing, what does not fit, or what is not known */
    public static T2iAdapterModel of(Checkpoint file) {
        Checkpoint checkpoint = Layout.normalize(file);
        KeyTree keys = new KeyTree(checkpoint);
        Stream.of("skep.weight", "down_opt.op.weight")
                .filter(end -> checkpoint.tensors().keySet().stream().anyMatch(name -> name.endsWith(end)))
                .findFirst()
                .ifPresent(end -> {
                    throw new InvalidCheckpointException(
                            file.name(), Reason.UNKNOWN_LAYOUT, "a T2I-Adapter with tensors \"%s\"".formatted(end));
                });
        boolean isLight = checkpoint.has("body.0.out_conv.weight");
        int blocks = isLight ? keys.count("body.0.body.") : keys.count("body.") / LEVELS;
        List<Integer> channels = new ArrayList<>();
        for (int level = 0; level < LEVELS; level++) {
            String last = isLight ? "body.%d.out_conv" : "body.%d.block2";
            channels.add((int) keys.size(last.formatted(isLight ? level : level * blocks) + ".weight", 0));
        }
        long inputs = keys.size(isLight ? "body.0.in_conv.weight" : "conv_in.weight", 1);
        boolean isXl = inputs % (XL_CELL * XL_CELL) == 0;
        T2iAdapterModel model =
                new T2iAdapterModel(checkpoint, isLight, blocks, isXl ? XL_CELL : ControlNet.PIXELS, channels);
        ShapeCheck.run(model);
        return model;
    }

    /** How many channels of a picture it looks at: 3, or 1, the first. */
    int pictureChannels() {
        String first = isLight ? "body.0.in_conv.weight" : "conv_in.weight";
        return (int) checkpoint.tensor(first).shape().size(1) / (cell * cell);
    }

    /** Whether the image is halved before a level; XL's UNet halves it in other places. */
    boolean halves(int level) {
        return cell == XL_CELL ? level == 2 : level > 0;
    }

    /** Whether what it adds fits to a UNet. */
    boolean fits(StableDiffusion model) {
        List<Integer> outputs = model.unet().outputChannels(model.checkpoint());
        return model.unet().adapterPlaces().stream().map(outputs::get).toList().equals(channels)
                && (cell == XL_CELL) == model.family().isXl();
    }

    /**
     * Pixels taken together: {@code [n, c·cell², h/cell, w/cell]} of {@code picture [n, 3, h, w]}; what a side lacks of
     * whole cells is black.
     */
    FloatArray cells(FloatArray picture) {
        int channels = pictureChannels();
        int height = Math.ceilDiv(picture.size(2), cell);
        int width = Math.ceilDiv(picture.size(3), cell);
        float[] cells = new float[picture.size(0) * channels * cell * cell * height * width];
        int to = 0;
        for (int n = 0; n < picture.size(0); n++) {
            for (int plane = 0; plane < channels * cell * cell; plane++) {
                int rows = (n * picture.size(1) + plane / (cell * cell)) * picture.size(2);
                for (int i = 0; i < height * width; i++) {
                    int y = i / width * cell + plane / cell % cell;
                    int x = i % width * cell + plane % cell;
                    boolean isInside = y < picture.size(2) && x < picture.size(3);
                    cells[to++] = isInside ? picture.values()[(rows + y) * picture.size(3) + x] : 0;
                }
            }
        }
        return FloatArray.of(cells, picture.size(0), channels * cell * cell, height, width);
    }

    /** The names of its tensors, in the order of their use. */
    public SequencedSet<String> weights() {
        return ShapeCheck.run(this);
    }
}
