package dev.atelier.server.a1111;

import dev.atelier.diffusion.ContactSheet;
import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.ScriptText;
import dev.atelier.server.db.Json;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a request is drawn as that names one of AUTOMATIC1111's scripts: several requests, one after the other.
 *
 * @param cells the requests, in the order in which they are drawn
 * @param isLoop whether each starts from the picture of the one before it
 * @param sheets makes what stands in the answer before the pictures, of the first picture of each cell, in order of their
 *     places
 * @param keepsPictures whether they are in the answer themselves
 * @param parameters what infotext says of a sheet besides
 */
record Script(List<Cell> cells, boolean isLoop, Sheets sheets, boolean keepsPictures, Map<String, String> parameters) {
    /** By the names that the API knows them by, on both pages and on that of img2img. */
    static final List<String> ON_BOTH = List.of("prompt matrix", "prompts from file or textbox", "x/y/z plot");

    static final List<String> FROM_PICTURES = List.of("loopback", "sd upscale");

    private static final String SD_UPSCALE = "sd upscale"; // a setting of one request, not several

    private static final int MOST_PICTURES = 1000;
    private static final Set<String> WHOLE = Set.of(
            "seed",
            "subseed",
            "seed_resize_from_h",
            "seed_resize_from_w",
            "batch_size",
            "n_iter",
            "steps",
            "width",
            "height");
    private static final Set<String> NUMBERS = Set.of("subseed_strength", "cfg_scale");
    private static final Set<String> SWITCHES =
            Set.of("restore_faces", "tiling", "do_not_save_samples", "do_not_save_grid");
    private static final Set<String> TEXTS = Set.of("prompt", "negative_prompt", "sampler_name");

    /** @param place where its pictures belong in the answer, from 0 */
    record Cell(int place, ObjectNode body) {}

    @FunctionalInterface
    interface Sheets {
        List<BufferedImage> of(List<BufferedImage> pictures);
    }

    /**
     * The script that a request names.
     *
     * @throws IllegalArgumentException if there is none of this name, or if its arguments cannot be used
     */
    static Optional<Script> of(Values values) {
        String name = name(values);
        if (name.isEmpty() || name.equals("none") || isSdUpscale(values)) {
            return Optional.empty();
        }
        boolean fromPicture = values.isKnown("init_images");
        ObjectNode body = ((ObjectNode) values.given()).deepCopy();
        body.remove(List.of("script_name", "script_args"));
        JsonNode args = values.json("script_args");
        JsonNode arguments = args == null ? Json.MAPPER.createArrayNode() : args;
        if (!ON_BOTH.contains(name) && !(fromPicture && FROM_PICTURES.contains(name))) {
            throw new IllegalArgumentException("Script '%s' not found".formatted(values.textOrEmpty("script_name")));
        }
        return Optional.of(
                switch (name) {
                    case "prompt matrix" -> promptMatrix(seeded(body), arguments);
                    case "prompts from file or textbox" -> promptsFromText(body, arguments);
                    case "x/y/z plot" -> plot(body, arguments, fromPicture);
                    default -> loopback(seeded(body), arguments);
                });
    }

    private static String name(Values values) {
        return values.textOrEmpty("script_name").strip().toLowerCase(Locale.ROOT);
    }

    /** Whether a picture is to be drawn over in tiles. */
    static boolean isSdUpscale(Values values) {
        return values.isKnown("init_images") && name(values).equals(SD_UPSCALE);
    }

    private static ObjectNode seeded(ObjectNode body) {
        if (body.path("seed").asLong(-1) == -1) {
            body.put("seed", GenerationRequest.randomSeed());
        }
        return body;
    }

    private static String text(JsonNode arguments, int index, String otherwise) {
        return arguments.path(index).asString(otherwise);
    }

    private static boolean isTrue(JsonNode arguments, int index, boolean otherwise) {
        return arguments.path(index).asBoolean(otherwise);
    }

    /** A prompt whose parts behind bars are there or not, in all combinations. */
    private static Script promptMatrix(ObjectNode body, JsonNode arguments) {
        boolean isAtStart = isTrue(arguments, 0, false);
        boolean hasOtherSeeds = isTrue(arguments, 1, false);
        String field = text(arguments, 2, "positive").equals("negative") ? "negative_prompt" : "prompt";
        String delimiter = text(arguments, 3, "comma").equals("space") ? " " : ", ";
        List<String> parts = ScriptText.parts(body.path(field).asString(""));
        int more = parts.size() - 1;
        if (more > 8) {
            throw new IllegalArgumentException("a prompt matrix has at most 8 parts behind the first");
        }
        List<Cell> cells = new ArrayList<>();
        for (int bits = 0; bits < 1 << more; bits++) {
            List<String> chosen = chosen(parts, bits);
            chosen.add(isAtStart ? chosen.size() : 0, parts.getFirst());
            ObjectNode one = body.deepCopy()
                    .put(field, String.join(delimiter, chosen))
                    .put("batch_size", 1)
                    .put("n_iter", 1);
            cells.add(new Cell(
                    bits, hasOtherSeeds ? one.put("seed", body.path("seed").asLong() + bits) : one));
        }
        int across = 1 << ((more + 1) / 2);
        List<String> columns = IntStream.range(0, across)
                .mapToObj(bits -> String.join(", ", chosen(parts, bits)))
                .toList();
        List<String> rows = IntStream.range(0, (1 << more) / across)
                .mapToObj(bits -> String.join(", ", chosen(parts, bits * across)))
                .toList();
        int margin = arguments.path(4).asInt(0);
        return new Script(
                cells,
                false,
                pictures -> List.of(new ContactSheet(columns, rows, pictures, margin).draw()),
                true,
                Map.of("Script", "Prompt matrix"));
    }

    private static List<String> chosen(List<String> parts, int bits) {
        List<String> chosen = new ArrayList<>();
        for (int i = 1; i < parts.size(); i++) {
            if (((bits >> (i - 1)) & 1) == 1) {
                chosen.add(parts.get(i));
            }
        }
        return chosen;
    }

    /** A request for each line; before version 1.7 the arguments had no place for the prompt. */
    private static Script promptsFromText(ObjectNode body, JsonNode arguments) {
        boolean countsSeeds = isTrue(arguments, 0, false);
        boolean sharesSeed = isTrue(arguments, 1, false);
        boolean hasPlace = arguments.size() > 3;
        boolean isBefore = hasPlace && text(arguments, 2, "").equals("start");
        List<String> lines = text(arguments, hasPlace ? 3 : 2, "")
                .lines()
                .map(String::strip)
                .filter(line -> !line.isEmpty())
                .toList();
        if (lines.isEmpty() || lines.size() > MOST_PICTURES) {
            throw new IllegalArgumentException(
                    "script_args: 1 to %d lines with a prompt each".formatted(MOST_PICTURES));
        }
        ObjectNode common = countsSeeds || sharesSeed ? seeded(body) : body;
        long each = common.path("batch_size").asLong(1) * common.path("n_iter").asLong(1);
        List<Cell> cells = new ArrayList<>();
        for (String line : lines) {
            ObjectNode one = common.deepCopy();
            if (countsSeeds) {
                one.put("seed", common.path("seed").asLong() + each * cells.size());
            }
            set(line, one, hasPlace, isBefore);
            cells.add(new Cell(cells.size(), one));
        }
        return new Script(cells, false, _ -> List.of(), true, Map.of());
    }

    private static void set(String line, ObjectNode body, boolean hasPlace, boolean isBefore) {
        Map<String, String> tags = line.startsWith("--") ? tags(line) : Map.of("prompt", line);
        tags.forEach((name, value) -> {
            String given = body.path(name).asString("");
            if (name.equals("sd_model")) {
                ObjectNode settings = body.path("override_settings") instanceof ObjectNode old
                        ? old
                        : body.putObject("override_settings");
                settings.put(Options.CHECKPOINT, value);
            } else if (WHOLE.contains(name)) {
                body.put(name, Long.parseLong(value));
            } else if (NUMBERS.contains(name)) {
                body.put(name, Double.parseDouble(value));
            } else if (SWITCHES.contains(name)) {
                body.put(name, value.equals("true"));
            } else if (!TEXTS.contains(name)) {
                throw new IllegalArgumentException("unknown commandline option: --" + name);
            } else if (hasPlace && name.endsWith("prompt") && !given.isEmpty()) {
                body.put(name, isBefore ? value + " " + given : given + " " + value);
            } else {
                body.put(name, value);
            }
        });
    }

    private static Map<String, String> tags(String line) {
        Map<String, String> tags = new LinkedHashMap<>();
        String name = "";
        for (String word : ScriptText.words(line)) {
            if (word.startsWith("--")) {
                name = word.substring(2);
                tags.put(name, "");
            } else {
                tags.merge(name, word, (before, more) -> before.isEmpty() ? more : before + " " + more);
            }
        }
        return tags;
    }

    private static Script plot(ObjectNode given, JsonNode arguments, boolean fromPicture) {
        ObjectNode body = isTrue(arguments, 12, false) ? given : seeded(given);
        boolean readsText = isTrue(arguments, 17, false);
        List<Axis> axes = new ArrayList<>();
        List<List<String>> values = new ArrayList<>();
        Map<String, String> parameters = new LinkedHashMap<>(Map.of("Script", "X/Y/Z plot"));
        for (int i = 0; i < 3; i++) {
            Axis axis = Axis.numbered(arguments.path(3 * i).asLong(0), fromPicture);
            List<String> chosen = readsText ? List.of() : Axis.chosen(arguments.path(3 * i + 2));
            axes.add(axis);
            values.add(axis.values(text(arguments, 3 * i + 1, ""), chosen));
            if (axis.kind() != Axis.Kind.NOTHING) {
                String letter = "XYZ".substring(i, i + 1);
                parameters.put(letter + " Type", axis.label());
                parameters.put(letter + " Values", String.join(", ", values.get(i)));
            }
        }
        int width = values.get(0).size();
        int height = values.get(1).size();
        long count = (long) width * height * values.get(2).size();
        if (count > MOST_PICTURES) {
            throw new IllegalArgumentException("a plot has at most %d pictures".formatted(MOST_PICTURES));
        }
        List<Cell> cells = new ArrayList<>();
        for (int place = 0; place < count; place++) {
            int[] at = {place % width, place / width % height, place / width / height};
            ObjectNode one = body.deepCopy();
            long seed = body.path("seed").asLong(-1) + varied(arguments, at, width, height);
            for (int i = 0; i < 3; i++) {
                axes.get(i).apply(one, values.get(i).get(at[i]), values.get(i));
            }
            // unless an axis sets it
            boolean isCommon = body.has("seed") && one.path("seed").equals(body.path("seed"));
            cells.add(new Cell(place, isCommon ? one.put("seed", seed) : one));
        }
        cells.sort(Comparator.comparing(cell -> loaded(cell.place, axes, values)));
        List<List<String>> labels = IntStream.range(0, 3)
                .mapToObj(i -> isTrue(arguments, 9, true)
                        ? values.get(i).stream().map(axes.get(i)::label).toList()
                        : values.get(i).stream().map(_ -> "").toList())
                .toList();
        boolean hasSheets = isTrue(arguments, 11, false) && labels.get(2).size() > 1;
        int margin = arguments.path(16).asInt(0);
        return new Script(
                cells,
                false,
                pictures -> sheets(labels, pictures, margin, hasSheets),
                isTrue(arguments, 10, false),
                parameters);
    }

    /** How far the seed of a cell is from the common one. */
    private static long varied(JsonNode arguments, int[] at, int width, int height) {
        boolean x = isTrue(arguments, 13, false);
        boolean y = isTrue(arguments, 14, false);
        boolean z = isTrue(arguments, 15, false);
        int columns = x ? width : 1;
        int rows = y ? height : 1;
        return (x ? at[0] : 0) + (y ? (long) at[1] * columns : 0) + (z ? (long) at[2] * columns * rows : 0);
    }

    /** What of a cell makes a model load, so that cells of one model are drawn one after the other. */
    private static String loaded(int place, List<Axis> axes, List<List<String>> values) {
        StringBuilder models = new StringBuilder();
        int rest = place;
        for (int i = 0; i < axes.size(); i++) {
            int size = values.get(i).size();
            models.append(axes.get(i).loads() ? values.get(i).get(rest % size) : "")
                    .append('\n');
            rest /= size;
        }
        return models.toString();
    }

    private static List<BufferedImage> sheets(
            List<List<String>> labels, List<BufferedImage> pictures, int margin, boolean withParts) {
        int size = labels.get(0).size() * labels.get(1).size();
        List<BufferedImage> parts = new ArrayList<>();
        for (int i = 0; i < labels.get(2).size(); i++) {
            parts.add(new ContactSheet(labels.get(0), labels.get(1), pictures.subList(i * size, (i + 1) * size), margin)
                    .draw());
        }
        List<BufferedImage> sheets = new ArrayList<>();
        sheets.add(
                parts.size() == 1
                        ? parts.getFirst()
                        : new ContactSheet(labels.get(2), List.of(""), parts, margin).draw());
        sheets.addAll(withParts ? parts : List.of());
        return sheets;
    }

    /** Each picture drawn over the one before it. */
    private static Script loopback(ObjectNode body, JsonNode arguments) {
        int loops = Math.clamp(arguments.path(0).asInt(4), 1, 32);
        double last = arguments.path(1).asDouble(0.5);
        String curve = text(arguments, 2, "Linear");
        if (!text(arguments, 3, "None").equals("None")) {
            throw new IllegalArgumentException("script_args: there is no model here that describes pictures");
        }
        if (body.path("n_iter").asInt(1) > 1) {
            throw new IllegalArgumentException("n_iter: a loopback is drawn once; ask for several");
        }
        double first = body.path("denoising_strength").asDouble(0.75);
        List<Cell> cells = new ArrayList<>();
        for (int i = 0; i < loops; i++) {
            double progress = loops == 1 ? 0 : (double) i / (loops - 1);
            double share = switch (curve) {
                case "Aggressive" -> Math.sin(progress * Math.PI / 2);
                case "Lazy" -> 1 - Math.cos(progress * Math.PI / 2);
                default -> progress;
            };
            ObjectNode one = body.deepCopy()
                    .put("batch_size", 1)
                    .put("seed", body.path("seed").asLong() + i)
                    .put("denoising_strength", first + (last - first) * share);
            cells.add(new Cell(i, i == 0 ? one : one.put("inpainting_fill", 1)));
        }
        return new Script(
                cells,
                true,
                pictures -> loops == 1
                        ? List.of()
                        : List.of(new ContactSheet(times(loops), List.of(""), pictures, 0).draw()),
                true,
                Map.of("Final denoising strength", Double.toString(last), "Denoising curve", curve));
    }

    private static List<String> times(int count) {
        return IntStream.range(0, count).mapToObj(_ -> "").toList();
    }
}
