package dev.atelier.server.a1111;

import dev.atelier.diffusion.ContactSheet;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import tools.jackson.databind.node.ObjectNode;

/** A picture for each combination of the values along up to three axes. */
final class XyzPlot {
    private XyzPlot() {}

    static List<ScriptArgument> arguments(boolean fromPicture) {
        List<String> types = Axis.menu(fromPicture).stream().map(Axis::label).toList();
        List<ScriptArgument> arguments = new ArrayList<>();
        for (String axis : List.of("X", "Y", "Z")) {
            arguments.add(ScriptArgument.choice(axis + " type", types.get(axis.equals("X") ? 1 : 0), types));
            arguments.add(ScriptArgument.text(axis + " values", ""));
            arguments.add(ScriptArgument.choices(axis + " values"));
        }
        arguments.add(ScriptArgument.check("Draw legend", true));
        arguments.add(ScriptArgument.check("Include Sub Images", false));
        arguments.add(ScriptArgument.check("Include Sub Grids", false));
        arguments.add(ScriptArgument.check("Keep -1 for seeds", false));
        arguments.add(ScriptArgument.check("Vary seeds for X", false));
        arguments.add(ScriptArgument.check("Vary seeds for Y", false));
        arguments.add(ScriptArgument.check("Vary seeds for Z", false));
        arguments.add(ScriptArgument.slider("Grid margins (px)", 0, 0, 500, 2));
        arguments.add(ScriptArgument.check("Use text inputs instead of dropdowns", false));
        return List.copyOf(arguments);
    }

    static Script script(ObjectNode given, ScriptArguments arguments, boolean fromPicture) {
        ObjectNode body = arguments.isTrue(12) ? given : Script.seeded(given);
        boolean readsText = arguments.isTrue(17);
        List<Axis> axes = new ArrayList<>();
        List<List<String>> values = new ArrayList<>();
        Map<String, String> parameters = new LinkedHashMap<>(Map.of("Script", "X/Y/Z plot"));
        for (int i = 0; i < 3; i++) {
            Axis axis = Axis.numbered(arguments.json(3 * i).asLong(0), fromPicture);
            List<String> chosen = readsText ? List.of() : Axis.chosen(arguments.json(3 * i + 2));
            axes.add(axis);
            values.add(axis.values(arguments.text(3 * i + 1), chosen));
            if (axis.kind() != Axis.Kind.NOTHING) {
                String letter = "XYZ".substring(i, i + 1);
                parameters.put(letter + " Type", axis.label());
                parameters.put(letter + " Values", String.join(", ", values.get(i)));
            }
        }
        int width = values.get(0).size();
        int height = values.get(1).size();
        long count = (long) width * height * values.get(2).size();
        if (count > Script.MOST_PICTURES) {
            throw new IllegalArgumentException("a plot has at most %d pictures".formatted(Script.MOST_PICTURES));
        }
        List<Script.Cell> cells = new ArrayList<>();
        for (int place = 0; place < count; place++) {
            int[] at = {place % width, place / width % height, place / width / height};
            ObjectNode one = body.deepCopy();
            long seed = body.path("seed").asLong(-1) + varied(arguments, at, width, height);
            for (int i = 0; i < 3; i++) {
                axes.get(i).apply(one, values.get(i).get(at[i]), values.get(i));
            }
            // unless an axis sets it
            boolean isCommon = body.has("seed") && one.path("seed").equals(body.path("seed"));
            cells.add(new Script.Cell(place, isCommon ? one.put("seed", seed) : one));
        }
        cells.sort(Comparator.comparing(cell -> loaded(cell.place(), axes, values)));
        List<List<String>> labels = IntStream.range(0, 3)
                .mapToObj(i -> arguments.isTrue(9)
                        ? values.get(i).stream().map(axes.get(i)::label).toList()
                        : values.get(i).stream().map(_ -> "").toList())
                .toList();
        boolean hasSheets = arguments.isTrue(11) && labels.get(2).size() > 1;
        int margin = arguments.onSlider(16);
        return new Script(
                cells,
                false,
                pictures -> sheets(labels, pictures, margin, hasSheets),
                arguments.isTrue(10),
                parameters);
    }

    /** How far the seed of a cell is from the common one. */
    private static long varied(ScriptArguments arguments, int[] at, int width, int height) {
        boolean x = arguments.isTrue(13);
        boolean y = arguments.isTrue(14);
        boolean z = arguments.isTrue(15);
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
}
