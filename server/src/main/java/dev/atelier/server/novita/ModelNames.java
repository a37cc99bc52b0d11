package dev.atelier.server.novita;

import dev.atelier.diffusion.Upscaler;
import dev.atelier.server.models.ModelFile;
import dev.atelier.server.models.ModelShelf;
import dev.atelier.server.worker.Enlargement;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/** What requests call models: with or without an extension, in capitals or not. */
record ModelNames(ModelShelf shelf) {
    private static final List<String> EXTENSIONS = List.of(".safetensors", ".ckpt", ".pt", ".pth", ".bin");

    /** The upscaling networks of both versions. */
    private static final Set<String> OF_SERVICE = Set.of(
            "ESRGAN_4x",
            "R-ESRGAN 4x+",
            "R-ESRGAN 4x+ Anime6B",
            "RealESRGAN_x4plus_anime_6B",
            "RealESRNet_x4plus",
            "4x-UltraSharp");

    ModelNames visibleTo(String owner) {
        return new ModelNames(shelf.visibleTo(owner));
    }

    /**
     * The name of a model of the shelf, or the expression itself.
     *
     * @param field what it is called in messages
     */
    String checkpoint(String field, String name) {
        Optional<ModelFile> file = find(name);
        if (file.isPresent()) {
            if (!shelf.list().contains(file.get())) {
                throw new ProblemException(
                        Problem.UNKNOWN_MODEL,
                        "%s: \"%s\" is no checkpoint; GET /v3/model?filter.types=checkpoint lists those there are"
                                .formatted(field, name));
            }
            return file.get().name();
        }
        try {
            var _ = shelf.resolve(name);
            return name;
        } catch (IllegalArgumentException e) {
            throw new ProblemException(
                    Problem.UNKNOWN_MODEL,
                    "%s: there is no model \"%s\"; GET /v3/model lists those there are".formatted(field, name));
        }
    }

    /**
     * A model with the VAE that is named, if one is.
     *
     * @param field what it is called in messages
     */
    String withVae(String model, String field, String vae) {
        if (vae.isEmpty() || vae.equals("None") || vae.equals("Automatic")) {
            return model;
        }
        ModelFile file = find(vae)
                .orElseThrow(() -> new ProblemException(
                        Problem.UNKNOWN_MODEL, "%s: there is no VAE \"%s\"".formatted(field, vae)));
        return shelf.withVae(model, file);
    }

    /**
     * The name by which prompts call a file of the shelf, without folder and extension.
     *
     * @param field what it is called in messages
     * @param kind what the file should be, for messages
     */
    String stem(String field, String kind, String name) {
        return found(field, kind, name).stem();
    }

    /** The name of a file of the shelf. */
    String file(String field, String kind, String name) {
        return found(field, kind, name).name();
    }

    private ModelFile found(String field, String kind, String name) {
        return find(name)
                .orElseThrow(() -> new ProblemException(
                        Problem.UNKNOWN_MODEL, "%s: there is no %s \"%s\"".formatted(field, kind, name)));
    }

    /** The name by which prompts call an embedding; drawing says so if there is none. */
    String embedding(String name) {
        return find(name).map(ModelFile::stem).orElse(name.replaceFirst("\\.(safetensors|pt|bin)$", ""));
    }

    /**
     * An upscaler of finished pictures. The clients name a network of the service's whenever their users do not, so where
     * one of those is not there, Lanczos stands in for it.
     *
     * @param field what it is called in messages
     */
    Enlargement.Choice upscaler(String field, String name) {
        try {
            Upscaler upscaler = name.isEmpty() ? Upscaler.LANCZOS : shelf.upscaler(name);
            if (!upscaler.isLatent()) {
                return new Enlargement.Choice(upscaler, null);
            }
        } catch (IllegalArgumentException e) {
            if (OF_SERVICE.contains(name)) {
                return new Enlargement.Choice(Upscaler.LANCZOS, e.getMessage());
            }
        }
        throw new ProblemException(Problem.UNKNOWN_MODEL, "%s: there is no upscaler \"%s\"".formatted(field, name));
    }

    private Optional<ModelFile> find(String name) {
        String plain = name.toLowerCase(Locale.ROOT);
        return shelf.find(name)
                .or(() -> first(file -> file.name().toLowerCase(Locale.ROOT).equals(plain)))
                .or(() -> first(file ->
                        withoutExtension(file.name().toLowerCase(Locale.ROOT)).equals(withoutExtension(plain))))
                .or(() -> first(file -> file.stem().toLowerCase(Locale.ROOT).equals(withoutExtension(plain))));
    }

    private Optional<ModelFile> first(Predicate<ModelFile> condition) {
        return shelf.files().stream().filter(condition).findFirst();
    }

    private static String withoutExtension(String name) {
        return EXTENSIONS.stream()
                .filter(name::endsWith)
                .findFirst()
                .map(extension -> name.substring(0, name.length() - extension.length()))
                .orElse(name);
    }
}
