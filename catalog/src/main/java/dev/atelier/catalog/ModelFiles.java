package dev.atelier.catalog;

import dev.atelier.checkpoint.FileStamp;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The models below a folder: files by their extension, a folder of diffusers as one, the shards of a model by their index.
 * Links are followed; hidden files and folders are not models.
 */
public final class ModelFiles extends SimpleFileVisitor<Path> {
    private static final List<String> EXTENSIONS =
            List.of(".safetensors", ".ckpt", ".pt", ".pth", ".bin", ".safetensors.index.json");
    private static final String DIFFUSERS_INDEX = "model_index.json";
    private static final Pattern SHARD = Pattern.compile("(.*)-\\d{5}-of-\\d{5}\\.safetensors");

    /** More levels than anyone sorts models into, fewer than a loop of links would make. */
    private static final int DEPTH = 32;

    private final Path root;
    private final List<FileStamp> models = new ArrayList<>();
    private final List<Path> unreadable = new ArrayList<>();

    private ModelFiles(Path root) {
        this.root = root;
    }

    /** Looks through a folder; one that is not there has none. */
    public static ModelFiles below(Path root) {
        ModelFiles files = new ModelFiles(root);
        try {
            Files.walkFileTree(root, Set.of(FileVisitOption.FOLLOW_LINKS), DEPTH, files);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return files;
    }

    public List<FileStamp> models() {
        return models;
    }

    /** Folders that could not be listed: what lies below them is unknown, not gone. */
    List<Path> unreadable() {
        return unreadable;
    }

    @Override
    public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
        if (!folder.equals(root) && isHidden(folder)) {
            return FileVisitResult.SKIP_SUBTREE;
        }
        Path index = folder.resolve(DIFFUSERS_INDEX);
        if (Files.isRegularFile(index)) {
            FileStamp of = FileStamp.of(index);
            models.add(new FileStamp(folder, of.size(), of.modified(), of.identity()));
            return FileVisitResult.SKIP_SUBTREE;
        }
        return FileVisitResult.CONTINUE;
    }

    @Override
    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
        if (attributes.isRegularFile() && !isHidden(file) && hasExtension(file) && !isShardOfIndex(file)) {
            models.add(new FileStamp(file, attributes.size(), attributes.lastModifiedTime(), attributes.fileKey()));
        }
        return FileVisitResult.CONTINUE;
    }

    @Override
    public FileVisitResult visitFileFailed(Path file, IOException failure) {
        if (!(failure instanceof FileSystemLoopException)) {
            unreadable.add(file);
        }
        return FileVisitResult.CONTINUE;
    }

    @Override
    public FileVisitResult postVisitDirectory(Path folder, @Nullable IOException failure) {
        if (failure != null) {
            unreadable.add(folder);
        }
        return FileVisitResult.CONTINUE;
    }

    private static boolean isHidden(Path path) {
        return path.getFileName().toString().startsWith(".");
    }

    private static boolean hasExtension(Path file) {
        String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
        return EXTENSIONS.stream().anyMatch(name::endsWith);
    }

    private static boolean isShardOfIndex(Path file) {
        Matcher shard = SHARD.matcher(file.getFileName().toString());
        return shard.matches() && Files.exists(file.resolveSibling(shard.group(1) + ".safetensors.index.json"));
    }
}
