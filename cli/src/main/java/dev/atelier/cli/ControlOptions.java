package dev.atelier.cli;

import dev.atelier.diffusion.ControlMode;
import dev.atelier.diffusion.ControlPasses;
import dev.atelier.diffusion.ControlUnit;
import dev.atelier.diffusion.Extraction;
import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.ImageFile;
import dev.atelier.diffusion.ResizeMode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import picocli.CommandLine.Option;

/** Pictures that control what is drawn. */
final class ControlOptions {
    private static final String GRAMMAR = "NET:PICTURE[:KEY=VALUE…]";

    private static final Map<String, ControlMode> MODES =
            Map.of("balanced", ControlMode.BALANCED, "prompt", ControlMode.PROMPT, "control", ControlMode.CONTROL);
    private static final Map<String, ResizeMode> RESIZE_MODES = Map.of(
            "crop", ResizeMode.CROP_AND_RESIZE, "fill", ResizeMode.RESIZE_AND_FILL, "stretch", ResizeMode.JUST_RESIZE);
    private static final Map<String, ControlPasses> PASSES =
            Map.of("first", ControlPasses.FIRST, "second", ControlPasses.SECOND);

    @Option(
            names = "--control",
            paramLabel = GRAMMAR,
            description =
                    "A ControlNet or T2I-Adapter, a file or the name of one in --models, and the picture it is shown; an empty"
                            + " PICTURE is that of --init. Keys: weight=0…2, start=0…1, end=0…1, mode=balanced, prompt or control,"
                            + " extract=lineart, canny, scribble, … (see the"
                            + " documentation) with thresholds a= and b=, region=PICTURE, white where it controls, resize=crop, fill or"
                            + " stretch, pass=first or second of a hires fix. May be given several times.")
    private List<String> controls = List.of();

    /** The files of the ControlNets. */
    List<Path> files(Models models) {
        return controls.stream().map(text -> models.file(parts(text)[0])).toList();
    }

    GenerationRequest applyTo(GenerationRequest request, Models models) throws IOException {
        List<ControlUnit> units = new ArrayList<>();
        for (String text : controls) {
            String[] parts = parts(text);
            String file = models.file(parts[0]).getFileName().toString();
            String name = file.lastIndexOf('.') > 0 ? file.substring(0, file.lastIndexOf('.')) : file;
            ControlUnit unit = ControlUnit.of(name, parts[1].isEmpty() ? null : ImageFile.read(Path.of(parts[1])));
            for (int i = 2; i < parts.length; i++) {
                unit = with(unit, parts[i]);
            }
            units.add(unit);
        }
        return units.isEmpty() ? request : request.controls(units);
    }

    private static String[] parts(String text) {
        String[] parts = text.split(":", -1);
        if (parts.length < 2) {
            throw new IllegalArgumentException("--control is %s, not \"%s\"".formatted(GRAMMAR, text));
        }
        return parts;
    }

    private static ControlUnit with(ControlUnit unit, String setting) throws IOException {
        int equals = setting.indexOf('=');
        String key = equals < 0 ? setting : setting.substring(0, equals);
        String value = setting.substring(equals + 1);
        return switch (key) {
            case "weight" -> unit.weight(number(setting, value));
            case "start" -> unit.between(number(setting, value), unit.end());
            case "end" -> unit.between(unit.start(), number(setting, value));
            case "mode" -> unit.mode(word(setting, MODES));
            case "extract" -> unit.extraction(Extraction.named(value));
            case "a" -> unit.thresholds(List.of(number(setting, value)));
            case "b" -> unit.thresholds(thresholds(unit, number(setting, value)));
            case "region" -> unit.region(ImageFile.read(Path.of(value)));
            case "resize" -> unit.resizeMode(word(setting, RESIZE_MODES));
            case "pass" -> unit.passes(word(setting, PASSES));
            default ->
                throw new IllegalArgumentException(
                        "--control knows weight, start, end, mode, extract, a, b, region, resize and pass, not \"%s\""
                                .formatted(setting));
        };
    }

    private static List<Double> thresholds(ControlUnit unit, double b) {
        if (unit.thresholds().isEmpty()) {
            throw new IllegalArgumentException("--control has b=%s without a= before it".formatted(b));
        }
        return List.of(unit.thresholds().getFirst(), b);
    }

    private static double number(String setting, String value) {
        try {
            return Double.parseDouble(value);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("\"%s\" needs a number".formatted(setting), e);
        }
    }

    private static <T> T word(String setting, Map<String, T> words) {
        T value = words.get(setting.substring(setting.indexOf('=') + 1).toLowerCase(Locale.ROOT));
        if (value == null) {
            throw new IllegalArgumentException("--control knows %s, not \"%s\""
                    .formatted(String.join(", ", new TreeSet<>(words.keySet())), setting));
        }
        return value;
    }
}
