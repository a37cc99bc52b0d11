package dev.atelier.training;

import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.DType;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Shape;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.diffusion.ImageFile;
import dev.atelier.diffusion.PicturePart;
import dev.atelier.model.FloatArray;
import dev.atelier.training.data.Buckets;
import dev.atelier.training.data.TrainingPicture;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * What the autoencoder makes of pictures, on disk, so that it has to run only once for each. A file is called after all that it
 * depends on, the picture's bytes included, so that it never stands for something else.
 */
final class PictureLatents {
    private static final String MOMENTS = "moments";
    private static final String MASK = "mask";

    /** A way to see a picture. */
    private record View(PicturePart part, Path file) {}

    private final Path folder;
    private final String autoencoder;
    private final Randomness randomness;
    private final List<TrainingPicture> pictures = new ArrayList<>();
    private final List<List<View>> views = new ArrayList<>();
    private final List<String> skipped = new ArrayList<>();

    /**
     * @param folder where the files are kept
     * @param autoencoder what tells the autoencoder from others
     */
    PictureLatents(Path folder, String autoencoder, Randomness randomness) {
        this.folder = folder;
        this.autoencoder = autoencoder;
        this.randomness = randomness;
    }

    /**
     * Encodes pictures that have not been before.
     *
     * @param plan which parts of them are seen
     * @param encoder gives moments {@code [1, 8, h, w]} of {@code [1, 3, h, w]}
     */
    void add(
            List<TrainingPicture> added,
            TrainingData plan,
            Buckets buckets,
            UnaryOperator<FloatArray> encoder,
            TrainingListener listener) {
        int done = 0;
        for (TrainingPicture picture : added) {
            try {
                views.add(views(picture, plan, buckets.place(picture.width(), picture.height()), encoder));
                pictures.add(picture);
            } catch (IOException | IllegalArgumentException e) {
                skipped.add("%s: %s".formatted(picture.file(), e.getMessage()));
            }
            listener.prepared("encoding pictures", ++done, added.size());
        }
    }

    private List<View> views(
            TrainingPicture picture, TrainingData plan, Buckets.Placement placement, UnaryOperator<FloatArray> encoder)
            throws IOException {
        byte[] bytes = Files.readAllBytes(picture.file());
        BufferedImage image = null;
        List<View> all = new ArrayList<>();
        for (PicturePart part : parts(plan, placement)) {
            Path file = folder.resolve(key(picture, plan.masks(), bytes, part) + ".safetensors");
            if (!Files.exists(file)) {
                image = image == null ? ImageFile.read(bytes) : image;
                encoded(picture, plan.masks(), image, part, encoder).writeTo(file, Progress.NONE);
            }
            all.add(new View(part, file));
        }
        return all;
    }

    private List<PicturePart> parts(TrainingData plan, Buckets.Placement placement) {
        int spareX = placement.resizedWidth() - placement.width();
        int spareY = placement.resizedHeight() - placement.height();
        List<PicturePart> parts = new ArrayList<>();
        for (int crop = 0; crop < Math.max(1, plan.crops()); crop++) {
            RandomGenerator random = randomness.at("crop", (long) views.size() * plan.crops() + crop);
            boolean middle = plan.crops() == 0;
            PicturePart part = new PicturePart(
                    placement.resizedWidth(),
                    placement.resizedHeight(),
                    middle ? spareX / 2 : random.nextInt(spareX + 1),
                    middle ? spareY / 2 : random.nextInt(spareY + 1),
                    placement.width(),
                    placement.height(),
                    false);
            parts.add(part);
            if (plan.mirror()) {
                parts.add(part.mirror());
            }
        }
        return parts;
    }

    private String key(TrainingPicture picture, boolean masks, byte[] bytes, PicturePart part) throws IOException {
        Path mask = picture.mask();
        return sha256(
                "%s %s %s ".formatted(autoencoder, part, masks).getBytes(StandardCharsets.UTF_8),
                bytes,
                masks && mask != null ? Files.readAllBytes(mask) : new byte[0]);
    }

    private Checkpoint encoded(
            TrainingPicture picture,
            boolean masks,
            BufferedImage image,
            PicturePart part,
            UnaryOperator<FloatArray> encoder)
            throws IOException {
        FloatArray moments = encoder.apply(part.colors(image));
        for (float value : moments.values()) {
            if (!Float.isFinite(value)) {
                throw new IOException("the autoencoder makes a value of it that is not finite");
            }
        }
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        tensors.put(MOMENTS, tensor(moments));
        FloatArray mask = masks ? mask(picture, image, part) : null;
        if (mask != null) {
            tensors.put(MASK, tensor(shrunk(mask, part.width() / moments.size(3))));
        }
        return Checkpoint.of(List.of(), tensors, Map.of());
    }

    private static Tensor tensor(FloatArray array) {
        long[] sizes = new long[array.shape().length];
        for (int axis = 0; axis < sizes.length; axis++) {
            sizes[axis] = array.size(axis);
        }
        return Tensor.of(DType.F32, Shape.of(sizes), MemorySegment.ofArray(array.values()));
    }

    private static @Nullable FloatArray mask(TrainingPicture picture, BufferedImage image, PicturePart part)
            throws IOException {
        Path mask = picture.mask();
        if (mask != null) {
            return part.lightness(ImageFile.read(mask));
        }
        return image.getColorModel().hasAlpha() ? part.opacity(image) : null;
    }

    /** The mean of each square of {@code factor} × {@code factor}. */
    private static FloatArray shrunk(FloatArray mask, int factor) {
        int height = mask.size(2) / factor;
        int width = mask.size(3) / factor;
        float[] means = new float[height * width];
        for (int y = 0; y < height * factor; y++) {
            for (int x = 0; x < width * factor; x++) {
                means[y / factor * width + x / factor] += mask.values()[y * mask.size(3) + x] / (factor * factor);
            }
        }
        return FloatArray.of(means, 1, 1, height, width);
    }

    List<TrainingPicture> pictures() {
        return pictures;
    }

    /** Pictures that cannot be used, with the reason. */
    List<String> skipped() {
        return skipped;
    }

    /** What tells these pictures, with their captions and the ways in which they are seen, from others. */
    String digest() {
        List<String> all = new ArrayList<>();
        for (int i = 0; i < pictures.size(); i++) {
            TrainingPicture picture = pictures.get(i);
            all.add("%d %s %s"
                    .formatted(
                            picture.repeats(),
                            picture.caption(),
                            views.get(i).stream()
                                    .map(View::file)
                                    .map(Path::getFileName)
                                    .toList()));
        }
        return sha256(String.join("\n", all).getBytes(StandardCharsets.UTF_8));
    }

    private static String sha256(byte[]... parts) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (byte[] part : parts) {
                digest.update(part);
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java has SHA-256", e);
        }
    }

    /** The size of each picture, for people. */
    List<String> sizes() {
        return views.stream()
                .map(all -> all.getFirst().part())
                .map(part -> part.width() + " × " + part.height())
                .toList();
    }

    /**
     * Some pictures of one size as the UNet sees them.
     *
     * @param latents drawn from their distributions, {@code [n, 4, h, w]}
     * @param mask what counts, {@code [n, 1, h, w]} in [0, 1]; null if no picture has one
     * @param pictures that they are of
     * @param parts what is seen of each
     */
    record Sample(
            FloatArray latents, @Nullable FloatArray mask, List<TrainingPicture> pictures, List<PicturePart> parts) {}

    /** @param scale what the latents are multiplied by */
    Sample sample(List<Integer> chosen, double scale, RandomGenerator random) {
        List<Checkpoint> files = new ArrayList<>();
        List<PicturePart> parts = new ArrayList<>();
        for (int picture : chosen) {
            List<View> all = views.get(picture);
            View view = all.get(random.nextInt(all.size()));
            files.add(Checkpoints.open(view.file()));
            parts.add(view.part());
        }
        long[] sizes = files.getFirst().tensor(MOMENTS).shape().sizes();
        int height = (int) sizes[2];
        int width = (int) sizes[3];
        int elements = (int) sizes[1] / 2 * height * width;
        float[] latents = new float[files.size() * elements];
        for (int row = 0; row < files.size(); row++) {
            float[] moments = read(files.get(row).tensor(MOMENTS));
            for (int i = 0; i < elements; i++) {
                double deviation = Math.exp(0.5 * Math.clamp(moments[elements + i], -30, 20));
                latents[row * elements + i] = (float) (scale * (moments[i] + deviation * random.nextGaussian()));
            }
        }
        return new Sample(
                FloatArray.of(latents, files.size(), (int) sizes[1] / 2, height, width),
                masks(files, height, width),
                chosen.stream().map(pictures::get).toList(),
                parts);
    }

    private static float[] read(Tensor stored) {
        float[] values = new float[Math.toIntExact(stored.shape().elements())];
        stored.read(0, MemorySegment.ofArray(values));
        return values;
    }

    private static @Nullable FloatArray masks(List<Checkpoint> files, int height, int width) {
        if (files.stream().noneMatch(file -> file.has(MASK))) {
            return null;
        }
        int cells = height * width;
        float[] all = new float[files.size() * cells];
        for (int row = 0; row < files.size(); row++) {
            float[] mask = files.get(row).find(MASK).map(PictureLatents::read).orElseGet(() -> ones(cells));
            System.arraycopy(mask, 0, all, row * cells, cells);
        }
        return FloatArray.of(all, files.size(), 1, height, width);
    }

    private static float[] ones(int count) {
        float[] ones = new float[count];
        Arrays.fill(ones, 1);
        return ones;
    }
}
