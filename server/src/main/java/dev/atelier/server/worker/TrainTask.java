package dev.atelier.server.worker;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The request of a job that trains.
 *
 * @param model of the shelf, or an expression of several
 * @param method what is trained
 * @param file what it becomes, its path below the models folder
 * @param instancePrompt caption of pictures that have none
 * @param classPrompt of pictures that the model is to keep drawing as before; null for none
 * @param rank of a LoRA
 * @param textEncoder whether the text encoder is trained as well
 * @param side that pictures are cut to, about, in pixels
 * @param mirror whether pictures are seen mirrored half of the time
 * @param samplePrompts what is drawn now and then, to look at
 */
public record TrainTask(
        String model,
        Method method,
        String file,
        List<Picture> pictures,
        String instancePrompt,
        @Nullable String classPrompt,
        int classPictures,
        int steps,
        int batch,
        double rate,
        int rank,
        boolean textEncoder,
        int side,
        boolean mirror,
        List<String> samplePrompts,
        int sampleEvery,
        long seed) {

    /** What of a model is trained. */
    public enum Method {
        LORA,
        /** All of the UNet, and the text encoder if that is asked for. */
        DREAMBOOTH
    }

    /** @param key of the store */
    public record Picture(String key, String caption) {}
}
