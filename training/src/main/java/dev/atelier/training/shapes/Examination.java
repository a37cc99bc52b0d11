package dev.atelier.training.shapes;

import dev.atelier.diffusion.GeneratedImage;
import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.model.FloatArray;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * How well a model draws what captions say, in combinations of form, colour and background that it was never shown, at the
 * default settings of {@code atelier generate}.
 *
 * @param answers a picture of each scene
 */
public record Examination(List<Answer> answers) {
    private static final int SIDE = 128;

    /**
     * One picture.
     *
     * @param right which of the attributes that the caption names it shows
     */
    public record Answer(Scene scene, BufferedImage picture, Set<Examiner.Attribute> right) {
        boolean isRight() {
            return right.equals(Examiner.named(scene));
        }
    }

    /** Hears how far an examination is. */
    @FunctionalInterface
    public interface Listener {
        void answered(int done, int total);
    }

    /** Draws pictures. */
    @FunctionalInterface
    public interface Artist {
        List<GeneratedImage> draw(GenerationRequest request);
    }

    /** @param seed of the first picture; the others have the ones that follow */
    public static Examination of(Artist artist, List<Scene> scenes, long seed, Listener listener) {
        List<Answer> answers = new ArrayList<>();
        for (Scene scene : scenes) {
            GenerationRequest request =
                    GenerationRequest.of(scene.caption()).size(SIDE, SIDE).seed(seed + answers.size());
            GeneratedImage image = artist.draw(request).getFirst();
            answers.add(new Answer(scene, image.pixels(), Examiner.right(scene, numbers(image.pixels()))));
            listener.answered(answers.size(), scenes.size());
        }
        return new Examination(List.copyOf(answers));
    }

    /** The share of pictures that show an attribute, of those whose caption names it. */
    public Map<Examiner.Attribute, Double> shares() {
        Map<Examiner.Attribute, Double> shares = new EnumMap<>(Examiner.Attribute.class);
        for (Examiner.Attribute attribute : Examiner.Attribute.values()) {
            long named = answers.stream()
                    .filter(answer -> Examiner.named(answer.scene()).contains(attribute))
                    .count();
            long right = answers.stream()
                    .filter(answer -> answer.right().contains(attribute))
                    .count();
            shares.put(attribute, named == 0 ? 1 : (double) right / named);
        }
        return shares;
    }

    /** The share of attributes that are right, of all that the captions name. */
    public double share() {
        return answers.stream().mapToDouble(answer -> answer.right().size()).sum()
                / answers.stream()
                        .mapToDouble(answer -> Examiner.named(answer.scene()).size())
                        .sum();
    }

    /** The share of pictures with nothing wrong. */
    public double faultless() {
        return answers.stream().filter(Answer::isRight).count() / (double) answers.size();
    }

    /** The pictures side by side, row by row. */
    public BufferedImage sheet(int columns) {
        int gap = 4;
        int rows = (answers.size() + columns - 1) / columns;
        int cell = SIDE + gap;
        BufferedImage sheet = new BufferedImage(columns * cell + gap, rows * cell + gap, BufferedImage.TYPE_INT_RGB);
        int[] line = new int[sheet.getWidth()];
        Arrays.fill(line, 0x808080);
        for (int y = 0; y < sheet.getHeight(); y++) {
            sheet.setRGB(0, y, line.length, 1, line, 0, line.length);
        }
        for (int i = 0; i < answers.size(); i++) {
            BufferedImage picture = answers.get(i).picture();
            int[] pixels = picture.getRGB(0, 0, SIDE, SIDE, null, 0, SIDE);
            sheet.setRGB(gap + i % columns * cell, gap + i / columns * cell, SIDE, SIDE, pixels, 0, SIDE);
        }
        return sheet;
    }

    private static FloatArray numbers(BufferedImage image) {
        int height = image.getHeight();
        int width = image.getWidth();
        float[] values = new float[3 * height * width];
        int[] pixels = image.getRGB(0, 0, width, height, null, 0, width);
        for (int channel = 0; channel < 3; channel++) {
            int shift = 16 - 8 * channel;
            for (int i = 0; i < pixels.length; i++) {
                values[channel * pixels.length + i] = (pixels[i] >> shift & 0xff) / 127.5f - 1;
            }
        }
        return FloatArray.of(values, 3, height, width);
    }
}
