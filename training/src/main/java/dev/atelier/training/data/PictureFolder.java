package dev.atelier.training.data;

import dev.atelier.diffusion.ImageFile;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Pictures on disk with what they show, as people keep them: a folder of pictures with captions in text files beside them;
 * kohya's folders {@code 10_sks dog} of pictures to see ten times in an epoch; or a folder with a {@code metadata.jsonl} that
 * names files and their captions, as Hugging Face's image folders have; or kohya's JSON of captions by file.
 */
public final class PictureFolder {
    /**
     * What was found.
     *
     * @param skipped files that cannot be used, with the reason
     */
    public record Contents(List<TrainingPicture> pictures, List<String> skipped) {
        public Contents {
            pictures = List.copyOf(pictures);
            skipped = List.copyOf(skipped);
        }
    }

    private static final String METADATA = "metadata.jsonl";
    private static final Pattern PICTURE = Pattern.compile("(.+)\\.(?:png|jpe?g|bmp|gif|tiff?|webp|avif|jxl)");
    private static final Pattern MASK = Pattern.compile("(.+)(?:\\.mask|-masklabel)\\.png");
    private static final Pattern REPEATED = Pattern.compile("(\\d{1,6})_(.*)");
    private static final List<String> CAPTIONS = List.of(".txt", ".caption");
    private static final int MAX_CAPTION_BYTES = 1 << 16;
    private static final long MAX_METADATA_BYTES = 1L << 28;

    private final String otherwise;
    private final List<TrainingPicture> pictures = new ArrayList<>();
    private final List<String> skipped = new ArrayList<>();

    private PictureFolder(String otherwise) {
        this.otherwise = otherwise;
    }

    /**
     * Looks at every picture below {@code folder}, which takes a while.
     *
     * @param otherwise the caption of a picture that has none
     * @throws IllegalArgumentException if there is no picture that can be used
     */
    public static Contents read(Path folder, String otherwise) throws IOException {
        Path list = folder.resolve(METADATA);
        return read(folder, Files.exists(list) ? list : null, otherwise);
    }

    /**
     * The same, of the pictures that a list names.
     *
     * @param list lines of JSON, or kohya's object of captions and tags by file; null for all pictures that lie in the folder
     */
    public static Contents read(Path folder, @Nullable Path list, String otherwise) throws IOException {
        if (!Files.isDirectory(folder)) {
            throw new IllegalArgumentException(folder + " is not a folder of pictures");
        }
        PictureFolder found = new PictureFolder(otherwise);
        if (list != null) {
            found.addListed(folder, list);
        } else {
            found.addFolders(folder);
        }
        if (found.pictures.isEmpty()) {
            throw new IllegalArgumentException(
                    "%s holds no picture that can be used; pictures lie in it, or in folders in it like \"10_sks dog\"%s"
                            .formatted(folder, found.skipped.isEmpty() ? "" : ": " + found.skipped.getFirst()));
        }
        return new Contents(found.pictures, found.skipped);
    }

    private void addFolders(Path folder) throws IOException {
        for (Path child : children(folder)) {
            Matcher repeated = REPEATED.matcher(child.getFileName().toString());
            if (Files.isDirectory(child) && repeated.matches()) {
                int repeats = Integer.parseInt(repeated.group(1));
                if (repeats < 1) {
                    skipped.add(child + ": its name asks for no repeats");
                    continue;
                }
                addPictures(child, repeats, repeated.group(2).strip());
            }
        }
        if (pictures.isEmpty()) {
            addPictures(folder, 1, "");
        }
    }

    private static List<Path> children(Path folder) throws IOException {
        try (Stream<Path> children = Files.list(folder)) {
            return children.filter(child -> !child.getFileName().toString().startsWith("."))
                    .sorted()
                    .toList();
        }
    }

    private void addPictures(Path folder, int repeats, String subject) throws IOException {
        for (Path file : children(folder)) {
            String name = file.getFileName().toString();
            Matcher picture = PICTURE.matcher(name.toLowerCase(Locale.ROOT));
            if (Files.isDirectory(file)
                    || !picture.matches()
                    || MASK.matcher(name).matches()) {
                continue;
            }
            String stem = name.substring(0, picture.end(1));
            String caption = caption(folder, stem);
            String shown = caption != null ? caption : subject.isEmpty() ? otherwise : subject;
            add(file, shown, repeats, mask(folder, stem));
        }
    }

    private static @Nullable String caption(Path folder, String stem) throws IOException {
        for (String extension : CAPTIONS) {
            Path file = folder.resolve(stem + extension);
            if (Files.isRegularFile(file)) {
                return lines(file);
            }
        }
        return null;
    }

    private static String lines(Path file) throws IOException {
        if (Files.size(file) > MAX_CAPTION_BYTES) {
            throw new IOException("%s is too long for a caption".formatted(file));
        }
        try {
            return Files.readString(file)
                    .lines()
                    .map(String::strip)
                    .filter(line -> !line.isEmpty())
                    .collect(Collectors.joining("\n"));
        } catch (CharacterCodingException e) {
            throw new IOException("the caption %s is not UTF-8 text".formatted(file), e);
        }
    }

    private static @Nullable Path mask(Path folder, String stem) {
        return Stream.of(".mask.png", "-masklabel.png")
                .map(ending -> folder.resolve(stem + ending))
                .filter(Files::isRegularFile)
                .findFirst()
                .orElse(null);
    }

    private void addListed(Path folder, Path list) throws IOException {
        if (Files.size(list) > MAX_METADATA_BYTES) {
            throw new IOException("%s has more than %d bytes".formatted(list, MAX_METADATA_BYTES));
        }
        if (list.toString().endsWith(".json")) {
            JsonNode all = entry(list, 1, Files.readString(list));
            for (Map.Entry<String, JsonNode> entry : all.properties()) {
                addListed(folder, entry.getKey(), entry.getValue());
            }
            return;
        }
        int line = 0;
        for (String text : Files.readAllLines(list)) {
            line++;
            if (!text.isBlank()) {
                addListed(folder, entry(list, line, text), list + ", line " + line);
            }
        }
    }

    private static JsonNode entry(Path list, int line, String text) throws IOException {
        try {
            return JsonMapper.shared().readTree(text);
        } catch (JacksonException e) {
            throw new IOException("%s, line %d: %s".formatted(list, line, e.getOriginalMessage()), e);
        }
    }

    private void addListed(Path folder, JsonNode entry, String place) throws IOException {
        String name = text(entry, "file_name", "image_path", "image");
        if (name == null) {
            skipped.add(place + ": it names no file (\"file_name\")");
            return;
        }
        addListed(folder, name, entry);
    }

    private void addListed(Path folder, String name, JsonNode entry) {
        Path file = folder.resolve(name);
        String text = text(entry, "text", "caption", "prompt");
        String tags = text(entry, "tags");
        String caption = text == null ? tags : tags == null || tags.isBlank() ? text : text + ", " + tags;
        JsonNode repeats = entry.get("num_repeats");
        String stem = file.getFileName().toString().replaceFirst("\\.[^.]*$", "");
        add(
                file,
                caption == null ? otherwise : caption.strip(),
                repeats == null ? 1 : Math.max(1, repeats.asInt(1)),
                mask(file.resolveSibling(""), stem));
    }

    private static @Nullable String text(JsonNode entry, String... names) {
        for (String name : names) {
            JsonNode value = entry.get(name);
            if (value != null && value.isString()) {
                return value.asString();
            }
        }
        return null;
    }

    private void add(Path file, String caption, int repeats, @Nullable Path mask) {
        try {
            BufferedImage image = ImageFile.read(file);
            pictures.add(new TrainingPicture(
                    file, image.getWidth(), image.getHeight(), caption, CaptionRule.NONE, repeats, mask));
        } catch (IOException e) {
            skipped.add("%s: %s".formatted(file, e.getMessage()));
        }
    }
}
