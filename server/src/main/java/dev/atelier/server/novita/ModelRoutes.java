package dev.atelier.server.novita;

import dev.atelier.server.http.WebServer;
import dev.atelier.server.models.ModelFile;
import dev.atelier.server.models.ModelShelf;
import io.javalin.http.Context;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What there is to draw with, in the words of both versions. */
record ModelRoutes(ModelShelf shelf) {
    private static final int PAGE = 20;
    private static final int MAX_PAGE = 100;
    // the Python client puts c_ before any cursor, also before one that has it
    private static final Pattern CURSOR = Pattern.compile("(?:c_)*(\\d{1,9})");
    private static final String CHECKPOINT = "checkpoint";

    /** {@code GET /v3/model}. */
    void v3(Context context) {
        Set<String> types = types(context);
        String query = parameter(context, "filter", "query").toLowerCase(Locale.ROOT);
        String visibility = parameter(context, "filter", "visibility");
        String source = parameter(context, "filter", "source");
        List<ModelFile> found = shelf.visibleTo(WebServer.owner(context)).list().stream()
                .filter(model -> types.isEmpty() || types.contains(CHECKPOINT))
                .filter(model -> visibility.isEmpty() || visibility.equals(model.isPrivate() ? "private" : "public"))
                .filter(model -> source.isEmpty())
                .filter(model -> model.name().toLowerCase(Locale.ROOT).contains(query))
                .filter(model -> matches(parameter(context, "filter", "is_sdxl"), looksLike(model, "xl")))
                .filter(model -> !isTrue(parameter(context, "filter", "is_inpainting")) || looksLike(model, "inpaint"))
                .filter(model -> matches(parameter(context, "filter", "is_nsfw"), false))
                .toList();
        int offset = offset(parameter(context, "pagination", "cursor"));
        int limit = limit(parameter(context, "pagination", "limit"));
        int end = Math.min(found.size(), offset + limit);
        List<?> page = found.subList(Math.min(offset, end), end).stream()
                .map(ModelRoutes::v3Model)
                .toList();
        context.json(Map.of("models", page, "pagination", Map.of("next_cursor", end < found.size() ? "c_" + end : "")));
    }

    /** Dotted names, or in brackets as the JavaScript client writes them. */
    private static String parameter(Context context, String group, String name) {
        return values(context, group, name).findFirst().orElse("");
    }

    private static Stream<String> values(Context context, String group, String name) {
        return Stream.of(
                        "%s.%s".formatted(group, name),
                        "%s[%s]".formatted(group, name),
                        "%s[%s][]".formatted(group, name))
                .flatMap(key -> context.queryParams(key).stream());
    }

    private static Set<String> types(Context context) {
        return Stream.concat(values(context, "filter", "types"), values(context, "filter", "type"))
                .flatMap(list -> Arrays.stream(list.split(",", -1)))
                .filter(type -> !type.isBlank())
                .map(type -> type.strip().toLowerCase(Locale.ROOT))
                .collect(Collectors.toSet());
    }

    private static boolean matches(String wanted, boolean is) {
        return wanted.isEmpty() || isTrue(wanted) == is;
    }

    private static boolean isTrue(String text) {
        return text.equalsIgnoreCase("true") || text.equals("1");
    }

    private static int offset(String cursor) {
        Matcher matcher = CURSOR.matcher(cursor);
        if (cursor.isEmpty()) {
            return 0;
        }
        if (!matcher.matches()) {
            throw new ProblemException(
                    Problem.INVALID, "pagination.cursor must be the next_cursor of another page, or c_ and a number");
        }
        return Integer.parseInt(matcher.group(1));
    }

    private static int limit(String limit) {
        if (limit.isEmpty()) {
            return PAGE;
        }
        if (!limit.matches("\\d{1,9}") || Integer.parseInt(limit) < 1 || Integer.parseInt(limit) > MAX_PAGE) {
            throw new ProblemException(
                    Problem.OUT_OF_RANGE, "pagination.limit: %s is outside [1, %d]".formatted(limit, MAX_PAGE));
        }
        return Integer.parseInt(limit);
    }

    private static Map<String, Object> v3Model(ModelFile model) {
        Map<String, Object> entry = new LinkedHashMap<>();
        entry.put("id", id(model));
        entry.put("name", model.stem());
        entry.put("hash_sha256", hash(model));
        entry.put("sd_name", model.name());
        entry.put("sd_name_in_api", model.name());
        entry.put("type", Map.of("name", CHECKPOINT, "display_name", "Checkpoint"));
        entry.put("categories", List.of());
        entry.put("status", 1);
        entry.put("tags", List.of());
        entry.put("cover_url", "");
        entry.put("source", "");
        entry.put("base_model", "");
        entry.put("base_model_type", looksLike(model, "inpaint") ? "Inpainting" : "Standard");
        entry.put("download_url", "");
        entry.put("download_url_ttl", 0);
        entry.put("is_sdxl", looksLike(model, "xl"));
        entry.put("is_nsfw", false);
        return entry;
    }

    /** {@code GET /v2/models}. */
    void v2(Context context) {
        String type = Objects.requireNonNullElse(context.queryParam("type"), "");
        boolean isListed = type.isEmpty() || type.equals(CHECKPOINT);
        List<?> models = isListed
                ? shelf.visibleTo(WebServer.owner(context)).list().stream()
                        .map(ModelRoutes::v2Model)
                        .toList()
                : List.of();
        context.json(V2Routes.envelope(0, "", Map.of("models", models)));
    }

    /** The clients sort and filter by most of these, and fail where they are missing. */
    private static Map<String, @Nullable Object> v2Model(ModelFile model) {
        Map<String, @Nullable Object> entry = new LinkedHashMap<>();
        entry.put("name", model.stem());
        entry.put("hash", hash(model));
        entry.put("sd_name", model.name());
        entry.put("third_source", "");
        entry.put("download_status", 1);
        entry.put("dependency_status", 1);
        entry.put("download_name", model.name());
        entry.put("type", CHECKPOINT);
        entry.put("civitai_version_id", 0);
        entry.put("civitai_model_id", 0);
        entry.put("civitai_nsfw", false);
        entry.put("civitai_tags", "");
        entry.put("civitai_download_count", 0);
        entry.put("civitai_favorite_count", 0);
        entry.put("civitai_comment_count", 0);
        entry.put("civitai_rating_count", 0);
        entry.put("civitai_rating", 0.0);
        entry.put("civitai_images", List.of());
        return entry;
    }

    /** A number that stays the same while the name does. */
    private static int id(ModelFile model) {
        return model.name().hashCode() & Integer.MAX_VALUE;
    }

    private static String hash(ModelFile model) {
        String hash = model.shortHash();
        return hash == null ? "" : hash.toUpperCase(Locale.ROOT);
    }

    private static boolean looksLike(ModelFile model, String word) {
        return model.name().toLowerCase(Locale.ROOT).contains(word);
    }
}
