package dev.atelier.server.worker;

import java.util.List;

/**
 * What a job that draws leaves behind.
 *
 * @param notes what the user should know, such as a LoRA that is not there
 */
public record GenerateResult(List<Image> images, List<String> notes) {
    public GenerateResult {
        notes = notes == null ? List.of() : List.copyOf(notes); // jobs of earlier versions have none
    }

    /**
     * @param key of the PNG file in the store
     * @param infotext AUTOMATIC1111's description of the picture
     */
    public record Image(String key, long seed, int width, int height, String infotext) {}
}
