package dev.atelier.diffusion;

import dev.atelier.model.FloatArray;
import java.util.ArrayList;
import java.util.List;

/** The last few arrays of a multistep method. */
final class Recent {
    private final List<FloatArray> newestFirst = new ArrayList<>();
    private final int capacity;

    Recent(int capacity) {
        this.capacity = capacity;
    }

    void add(FloatArray newest) {
        if (newestFirst.size() == capacity) {
            newestFirst.removeLast();
        }
        newestFirst.addFirst(newest);
    }

    int size() {
        return newestFirst.size();
    }

    /** The newest for 0, the one before it for 1. */
    FloatArray ago(int count) {
        return newestFirst.get(count);
    }
}
