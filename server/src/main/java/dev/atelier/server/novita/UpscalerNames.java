package dev.atelier.server.novita;

import dev.atelier.diffusion.Upscaler;

/** The upscalers of both versions. There are no networks among them: whoever names one gets Lanczos. */
final class UpscalerNames {
    private UpscalerNames() {}

    /** An upscaler of finished pictures. */
    static Upscaler choose(String field, String name) {
        return switch (name) {
            case "Nearest" -> Upscaler.NEAREST;
            case "",
                    "Lanczos",
                    "ESRGAN_4x",
                    "R-ESRGAN 4x+",
                    "R-ESRGAN 4x+ Anime6B",
                    "RealESRGAN_x4plus_anime_6B",
                    "RealESRNet_x4plus",
                    "4x-UltraSharp" -> Upscaler.LANCZOS;
            default ->
                throw new ProblemException(
                        Problem.UNKNOWN_MODEL, "%s: there is no upscaler \"%s\"".formatted(field, name));
        };
    }
}
