package dev.atelier.cli;

import dev.atelier.diffusion.Upscaler;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * An upscaler as it is called: its label, the name of a network in the folders of models, or the network's file.
 *
 * @param file null where it is called by name
 */
record UpscalerOption(Upscaler upscaler, @Nullable Path file) {
    static UpscalerOption of(String text) {
        Path path = Path.of(text);
        if (!new Upscaler(text).isNetwork() || !Files.isRegularFile(path)) {
            return new UpscalerOption(new Upscaler(text), null);
        }
        String name = path.getFileName().toString();
        return new UpscalerOption(
                new Upscaler(name.lastIndexOf('.') > 0 ? name.substring(0, name.lastIndexOf('.')) : name), path);
    }

    /** The files among them. */
    static List<Path> files(@Nullable String... texts) {
        return Stream.of(texts)
                .flatMap(Stream::ofNullable)
                .map(UpscalerOption::of)
                .flatMap(option -> Stream.ofNullable(option.file))
                .toList();
    }
}
