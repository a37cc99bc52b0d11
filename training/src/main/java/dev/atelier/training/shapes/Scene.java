package dev.atelier.training.shapes;

import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/** What a picture shows: one shape in one colour on a background of another. */
public record Scene(Form form, Hue hue, Hue background, Size size, Place place) {
    static final List<Form> FORMS = List.of(Form.values());
    static final List<Hue> HUES = List.of(Hue.values());
    private static final List<Place> ELSEWHERE = List.of(Place.LEFT, Place.RIGHT, Place.TOP, Place.BOTTOM);

    /** Size and place go unsaid in about this share of the pictures, each. */
    private static final double UNSAID = 0.45;

    /** One in this many combinations of form, colour and background is never trained on. */
    private static final int HELD_OUT = 10;

    /** A scene to train on. */
    static Scene random(RandomGenerator random) {
        while (true) {
            Scene scene = new Scene(
                    pick(FORMS, random),
                    pick(HUES, random),
                    pick(HUES, random),
                    random.nextDouble() < UNSAID ? Size.MEDIUM : random.nextBoolean() ? Size.SMALL : Size.LARGE,
                    random.nextDouble() < UNSAID ? Place.CENTER : pick(ELSEWHERE, random));
            if (scene.hue != scene.background && !scene.isHeldOut()) {
                return scene;
            }
        }
    }

    static <T> T pick(List<T> values, RandomGenerator random) {
        return values.get(random.nextInt(values.size()));
    }

    /** Whether this combination of form, colour and background is kept for the examination. */
    boolean isHeldOut() {
        int combination =
                (FORMS.indexOf(form) * HUES.size() + HUES.indexOf(hue)) * HUES.size() + HUES.indexOf(background);
        return combination * 7919 % 101 % HELD_OUT == 3; // scattered over all forms and colours
    }

    /** Every held-out combination with each size and each place that captions name, and with neither. */
    public static List<Scene> examination() {
        List<Scene> scenes = new ArrayList<>();
        for (Form form : FORMS) {
            for (Hue hue : HUES) {
                for (Hue background : HUES) {
                    if (hue != background && new Scene(form, hue, background, Size.MEDIUM, Place.CENTER).isHeldOut()) {
                        scenes.add(new Scene(form, hue, background, Size.MEDIUM, Place.CENTER));
                        scenes.add(new Scene(form, hue, background, Size.SMALL, Place.CENTER));
                        scenes.add(new Scene(form, hue, background, Size.LARGE, Place.CENTER));
                        for (Place place : ELSEWHERE) {
                            scenes.add(new Scene(form, hue, background, Size.MEDIUM, place));
                        }
                    }
                }
            }
        }
        return scenes;
    }

    /** The caption in its plain form: "a small red circle on the left on a blue background". */
    public String caption() {
        return "%son %s background".formatted(withArticle(subject()), withArticle(background.word()));
    }

    /** The caption in one of several wordings. */
    String caption(RandomGenerator random) {
        double wording = random.nextDouble();
        if (wording < 0.65) {
            return caption();
        }
        return wording < 0.85
                ? "%s, %s background".formatted(subject().strip(), background.word())
                : "%son %s".formatted(withArticle(subject()), background.word());
    }

    private String subject() {
        return words(size.word(), hue.word(), form.word(), place.words());
    }

    private static String withArticle(String words) {
        return (words.startsWith("orange") ? "an " : "a ") + words;
    }

    /** With a space behind each word. */
    private static String words(String... words) {
        StringBuilder text = new StringBuilder();
        for (String word : words) {
            if (!word.isEmpty()) {
                text.append(word).append(' ');
            }
        }
        return text.toString();
    }

    /** The shape as drawn: the size and the place with the freedom that words leave. */
    Figure figure(RandomGenerator random) {
        double radius = size.radius() * random.nextDouble(0.92, 1.08);
        double reach = 0.5 - radius - 0.04;
        double along = reach * random.nextDouble(0.85, 1);
        double jitter = 0.035;
        return new Figure(
                form,
                0.5 + place.x() * along + (place.x() == 0 ? random.nextDouble(-jitter, jitter) : 0),
                0.5 + place.y() * along + (place.y() == 0 ? random.nextDouble(-jitter, jitter) : 0),
                radius,
                hue.rgb());
    }
}
