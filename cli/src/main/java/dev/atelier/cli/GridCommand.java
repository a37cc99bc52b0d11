package dev.atelier.cli;

import dev.atelier.Atelier;
import dev.atelier.diffusion.ContactSheet;
import dev.atelier.diffusion.GeneratedImage;
import dev.atelier.diffusion.GenerationListener;
import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.Infotext;
import dev.atelier.diffusion.PngFile;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Unmatched;

@Command(
        name = "grid",
        description = {
            "Draws a grid of pictures that differ in one, two or three options, and writes it as one PNG with labels.",
            "",
            "Takes everything that 'atelier generate' takes, and what changes along the axes: any option of it, or the word"
                    + " prompt, whose first value is replaced by the others wherever it stands. Numbers may be ranges: 1-5,"
                    + " 1-9 (+2) in steps of 2, 1-10 [4] for four of them.",
            "",
            "Examples:",
            "  atelier grid \"a red circle on a blue background\" --x steps=5,10,20 \\",
            "      --y \"sampler=Euler a,DPM++ 2M Karras\"",
            "  atelier grid \"a red circle on a blue background\" \\",
            "      --x \"prompt=circle,square,star\" --y cfg=1-9[3]",
            "  atelier grid \"a castle\" --x \"model=anime,photo,0.5*anime + 0.5*photo\" \\",
            "      --models ~/models",
            "  atelier grid \"a red circle|on a blue background|large\" --matrix -o matrix.png",
            "",
        },
        customSynopsis = "atelier grid PROMPT [OPTION OF generate…] --x OPTION=VALUES [--y …]%n",
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class GridCommand implements Callable<Integer> {
    private static final int MOST_PICTURES = 10_000;

    @Option(names = "--x", paramLabel = "OPTION=VALUES", description = "What changes from column to column.")
    private @Nullable String x;

    @Option(names = "--y", paramLabel = "OPTION=VALUES", description = "What changes from row to row.")
    private @Nullable String y;

    @Option(names = "--z", paramLabel = "OPTION=VALUES", description = "What changes from one grid to the next below.")
    private @Nullable String z;

    @Option(
            names = "--matrix",
            description =
                    "Take the parts of the prompt behind the first, between bars, with and without: all combinations.")
    private boolean matrix;

    @Option(names = "--margin", paramLabel = "PIXELS", description = "Between the pictures. Default: ${DEFAULT-VALUE}.")
    private int margin = 2;

    @Option(names = "--keep", paramLabel = "FOLDER", description = "Also write each picture into this folder.")
    private @Nullable Path keep;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            description = "The PNG file. Default: ${DEFAULT-VALUE}.")
    private Path output = Path.of("grid.png");

    @Option(names = "--overwrite", description = "Replace output files that exist.")
    private boolean overwrite;

    @Unmatched
    private List<String> arguments = new ArrayList<>();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    /** A picture of the grid. */
    private record Cell(int place, List<GridAxis.Setting> settings) {
        /** What of it needs a model of its own. */
        String model() {
            return settings.stream()
                    .filter(GridAxis.Setting::isOfModel)
                    .toList()
                    .toString();
        }

        List<String> arguments(List<String> common) {
            List<String> all = new ArrayList<>(common);
            settings.forEach(setting -> all.addAll(setting.arguments()));
            return all;
        }
    }

    @Override
    public Integer call() throws IOException {
        Main.requireNew(output, overwrite);
        GenerateCommand common = GenerateCommand.of(arguments);
        GenerationRequest request = common.request();
        List<String> fixed = new ArrayList<>(arguments);
        if (!common.isSeeded()) {
            fixed.addAll(List.of("--seed", Long.toString(request.seed())));
        }
        List<GridAxis> axes = axes(request);
        List<Cell> cells = cells(axes);
        List<BufferedImage> pictures =
                new ArrayList<>(cells.stream().map(_ -> (BufferedImage) null).toList());
        String infotext = draw(cells, fixed, pictures);
        PngFile.write(output, new GeneratedImage(sheet(axes, pictures), request.seed(), described(infotext, axes)));
        spec.commandLine().getOut().printf("%s (%d pictures)%n", output, cells.size());
        spec.commandLine().getOut().flush();
        return 0;
    }

    private List<GridAxis> axes(GenerationRequest request) {
        if (matrix) {
            if (x != null || y != null || z != null) {
                throw new IllegalArgumentException("--matrix has axes of its own: leave --x, --y and --z out");
            }
            return Stream.concat(GridAxis.matrix(request.prompt()).stream(), Stream.of(GridAxis.NONE))
                    .toList();
        }
        if (x == null && y == null) {
            throw new IllegalArgumentException("say what changes, as in --x steps=5,10,20, or --matrix");
        }
        CommandSpec options = GenerateCommand.options();
        List<GridAxis> axes = new ArrayList<>();
        for (String text : new String[] {x, y, z}) {
            axes.add(text == null ? GridAxis.NONE : GridAxis.of(text, options, request));
        }
        return axes;
    }

    /** Row after row, grid after grid. */
    private static List<Cell> cells(List<GridAxis> axes) {
        List<GridAxis.Setting> columns = axes.get(0).settings();
        List<GridAxis.Setting> rows = axes.get(1).settings();
        List<GridAxis.Setting> grids = axes.get(2).settings();
        if ((long) columns.size() * rows.size() * grids.size() > MOST_PICTURES) {
            throw new IllegalArgumentException("a grid has at most %d pictures".formatted(MOST_PICTURES));
        }
        List<Cell> cells = new ArrayList<>();
        for (GridAxis.Setting grid : grids) {
            for (GridAxis.Setting row : rows) {
                for (GridAxis.Setting column : columns) {
                    cells.add(new Cell(cells.size(), List.of(column, row, grid)));
                }
            }
        }
        return cells;
    }

    /** Those of one model after the other, so that each is loaded once. Returns the infotext of the first. */
    private String draw(List<Cell> cells, List<String> fixed, List<BufferedImage> pictures) throws IOException {
        List<Cell> ordered =
                cells.stream().sorted(Comparator.comparing(Cell::model)).toList();
        Set<String> notes = new LinkedHashSet<>();
        String infotext = "";
        String loaded = null;
        Atelier atelier = null;
        try (Bar bar = Bar.of("Drawing", " pictures")) {
            for (int i = 0; i < ordered.size(); i++) {
                Cell cell = ordered.get(i);
                GenerateCommand command = GenerateCommand.of(cell.arguments(fixed));
                if (atelier == null || !cell.model().equals(loaded)) {
                    close(atelier);
                    atelier = command.open();
                    loaded = cell.model();
                }
                GenerationRequest request = command.requestFor(atelier);
                for (GridAxis.Setting setting : cell.settings()) {
                    request = setting.change().apply(request);
                }
                GeneratedImage image =
                        atelier.generate(request, new NotesOnly(notes)).getFirst();
                pictures.set(cell.place(), image.pixels());
                infotext = cell.place() == 0 ? image.infotext() : infotext;
                if (keep != null) {
                    keep(keep, cell.place(), image);
                }
                bar.update(i + 1, ordered.size());
            }
        } finally {
            close(atelier);
        }
        notes.forEach(note -> spec.commandLine().getErr().println("atelier: " + note));
        return infotext;
    }

    private static void close(@Nullable Atelier atelier) {
        if (atelier != null) {
            atelier.close();
        }
    }

    private void keep(Path folder, int place, GeneratedImage image) throws IOException {
        Files.createDirectories(folder);
        Path file = folder.resolve("%04d.png".formatted(place + 1));
        Main.requireNew(file, overwrite);
        PngFile.write(file, image);
    }

    private BufferedImage sheet(List<GridAxis> axes, List<BufferedImage> pictures) {
        List<String> columns = labels(axes.get(0));
        List<String> rows = labels(axes.get(1));
        List<String> grids = labels(axes.get(2));
        int size = columns.size() * rows.size();
        List<BufferedImage> sheets = new ArrayList<>();
        for (int i = 0; i < grids.size(); i++) {
            sheets.add(new ContactSheet(columns, rows, pictures.subList(i * size, (i + 1) * size), margin).draw());
        }
        return axes.get(2).isNone() ? sheets.getFirst() : new ContactSheet(List.of(""), grids, sheets, margin).draw();
    }

    private static List<String> labels(GridAxis axis) {
        return axis.settings().stream().map(GridAxis.Setting::label).toList();
    }

    /** As AUTOMATIC1111's scripts add to it. */
    private String described(String infotext, List<GridAxis> axes) {
        Infotext first = Infotext.parse(infotext);
        Map<String, String> parameters = new LinkedHashMap<>(first.parameters());
        if (matrix) {
            parameters.put("Script", "Prompt matrix");
        } else {
            parameters.put("Script", "X/Y/Z plot");
            for (int i = 0; i < axes.size(); i++) {
                if (!axes.get(i).isNone()) {
                    String letter = "XYZ".substring(i, i + 1);
                    parameters.put(letter + " Type", axes.get(i).type());
                    parameters.put(
                            letter + " Values", String.join(", ", axes.get(i).values()));
                }
            }
        }
        return new Infotext(first.prompt(), first.negativePrompt(), parameters).text();
    }

    private record NotesOnly(Set<String> notes) implements GenerationListener {
        @Override
        public void note(String text) {
            notes.add(text);
        }

        @Override
        public void progress(Phase phase, int done, int total) {
            // the bar counts pictures
        }
    }
}
