package dev.atelier.diffusion;

/** Of a picture, in pixels. */
public record Size(int width, int height) {
    @Override
    public String toString() {
        return width + "x" + height;
    }
}
