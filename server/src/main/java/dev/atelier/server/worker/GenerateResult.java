package dev.atelier.server.worker;

import java.util.List;

/** What a job that draws leaves behind. */
public record GenerateResult(List<Image> images) {

    /**
     * @param key of the PNG file in the store
     * @param infotext AUTOMATIC1111's description of the picture
     */
    public record Image(String key, long seed, int width, int height, String infotext) {}
}
