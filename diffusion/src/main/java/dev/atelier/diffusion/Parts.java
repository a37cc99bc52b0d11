package dev.atelier.diffusion;

import java.awt.image.BufferedImage;
import java.util.List;
import java.util.function.Supplier;

/** The parts of a picture that are drawn one after the other, each as a request of its own. */
final class Parts {
    private final GenerationListener listener;
    private final int count;
    private int begun;
    private GenerationListener.Course course = GenerationListener.Course.CONTINUE;

    Parts(GenerationListener listener, int count) {
        this.listener = listener;
        this.count = count;
    }

    boolean isStopped() {
        return course == GenerationListener.Course.STOP;
    }

    /** What listens to the next of them. */
    GenerationListener next() {
        int before = begun++;
        return new GenerationListener() {
            @Override
            public void progress(Phase phase, int done, int total) {
                listener.progress(phase, before * total + done, count * total);
            }

            @Override
            public void note(String text) {
                listener.note(text);
            }

            @Override
            public Course step(Supplier<List<BufferedImage>> pictures) {
                course = listener.step(pictures);
                return course;
            }
        };
    }
}
