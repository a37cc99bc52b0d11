package dev.atelier.server.novita;

import dev.atelier.catalog.ModelKind;
import dev.atelier.checkpoint.Architecture;
import dev.atelier.server.http.WebServer;
import dev.atelier.server.models.ModelFile;
import dev.atelier.server.models.ModelKinds;
import dev.atelier.server.models.ModelKinds.Kind;
import dev.atelier.server.models.ModelShelf;
import io.javalin.http.Context;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What there is to draw with, in the words of both versions. */
record ModelRoutes(ModelShelf shelf, ModelKinds kinds) {
    private static final int PAGE = 20;
    private static final int MAX_PAGE = 100;
    // the Python client puts c_ before any cursor, also before one that has it
    private static final Pattern CURSOR = Pattern.compile("(?:c_)*(\\d{1,9})");
    private static final Pattern TRAINED = Pattern.compile(".*-[0-9a-f]{10}\\.safetensors");

    /** What a file is, in the words of both versions. */
    private enum Type {
        CHECKPOINT("checkpoint", "Checkpoint"),
        LORA("lora", "LoRA"),
        VAE("vae", "VAE"),
        CONTROLNET("controlnet", "ControlNet"),
        TEXTUAL_INVERSION("textualinversion", "Textual Inversion"),
        UPSCALER("upscaler", "Upscaler");

        private final String word;
        private final String label;

        Type(String word, String label) {
            this.word = word;
            this.label = label;
        }

        String word() {
            return word;
        }
    }

    private record Listed(ModelFile file, Type type, Kind kind) {
        boolean isXl() {
            return kind.isXl() || (isUnknown() && looksLike("xl"));
        }

        boolean isInpainting() {
            return kind.isInpainting() || looksLike("inpaint");
        }

        private boolean isUnknown() {
            return kind.architecture() == Architecture.UNKNOWN;
        }

        private boolean looksLike(String word) {
            return file.name().toLowerCase(Locale.ROOT).contains(word);
        }

        String source() {
            return !file.isPrivate() ? "" : TRAINED.matcher(file.name()).matches() ? "training" : "uploading";
        }

        String baseModel() {
            return switch (kind.architecture()) {
                case SD1, SD1_INPAINTING, SD1_PIX2PIX -> "SD 1.5";
                case SD2 -> "SD 2.1";
                case SDXL, SDXL_REFINER -> "SDXL 1.0";
                default -> "";
            };
        }

        String hash() {
            String sha256 = kind.sha256() == null ? file.sha256() : kind.sha256();
            return sha256 == null ? "" : sha256.substring(0, 10).toUpperCase(Locale.ROOT);
        }

        /** LoRAs lose their extension, as the service's do. */
        String nameInRequests() {
            return type == Type.LORA ? file.stem() : file.name();
        }
    }

    /** All files that requests may name, models to draw with first. */
    private List<Listed> listed(Context context) {
        ModelShelf visible = shelf.visibleTo(WebServer.owner(context));
        Set<ModelFile> toDrawWith = new HashSet<>(visible.list());
        return visible.files().stream()
                .flatMap(file -> {
                    Kind kind = kinds.of(file);
                    return type(kind.kind(), toDrawWith.contains(file)).stream()
                            .map(type -> new Listed(file, type, kind));
                })
                .toList();
    }

    /** Empty for what is of no use on its own. A file that nobody has looked at yet is what its folder says. */
    private static Optional<Type> type(ModelKind kind, boolean isToDrawWith) {
        return switch (kind) {
            case CHECKPOINT -> Optional.of(Type.CHECKPOINT);
            case LORA -> Optional.of(Type.LORA);
            case VAE -> Optional.of(Type.VAE);
            case CONTROLNET -> Optional.of(Type.CONTROLNET);
            case EMBEDDING -> Optional.of(Type.TEXTUAL_INVERSION);
            case UPSCALER -> Optional.of(Type.UPSCALER);
            case HYPERNETWORK -> Optional.empty();
            case OTHER -> isToDrawWith ? Optional.of(Type.CHECKPOINT) : Optional.empty();
        };
    }

    /** {@code GET /v3/model}. */
    void v3(Context context) {
        Set<String> types = types(context);
        String query = parameter(context, "filter", "query").toLowerCase(Locale.ROOT);
        String visibility = parameter(context, "filter", "visibility");
        String source = parameter(context, "filter", "source");
        String sdxl = parameter(context, "filter", "is_sdxl");
        boolean onlyInpainting = isTrue(parameter(context, "filter", "is_inpainting"));
        List<Listed> found = listed(context).stream()
                .filter(model -> types.isEmpty() || types.contains(model.type().word()))
                .filter(model ->
                        visibility.isEmpty() || visibility.equals(model.file().isPrivate() ? "private" : "public"))
                .filter(model -> source.isEmpty() || source.equals(model.source()))
                .filter(model -> model.file().name().toLowerCase(Locale.ROOT).contains(query))
                .filter(model -> matches(sdxl, model.isXl()))
                .filter(model -> !onlyInpainting || model.isInpainting())
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
                .map(type -> type.equals("text_inversion") ? Type.TEXTUAL_INVERSION.word() : type)
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

    private static Map<String, Object> v3Model(Listed model) {
        ModelFile file = model.file();
        Map<String, Object> entry = new LinkedHashMap<>();
        entry.put("id", id(file));
        entry.put("name", file.stem());
        entry.put("hash_sha256", model.hash());
        entry.put("sd_name", file.name());
        entry.put("sd_name_in_api", model.nameInRequests());
        entry.put("type", Map.of("name", model.type().word(), "display_name", model.type().label));
        entry.put("categories", List.of());
        entry.put("status", 1);
        entry.put("tags", List.of());
        entry.put("cover_url", "");
        entry.put("source", model.source());
        entry.put("base_model", model.baseModel());
        entry.put("base_model_type", model.isInpainting() ? "Inpainting" : "Standard");
        entry.put("download_url", "");
        entry.put("download_url_ttl", 0);
        entry.put("is_sdxl", model.isXl());
        entry.put("is_nsfw", false);
        return entry;
    }

    /** {@code GET /v2/models}. */
    void v2(Context context) {
        String type = Objects.requireNonNullElse(context.queryParam("type"), "");
        List<?> models = listed(context).stream()
                .filter(model -> type.isEmpty() || model.type().word().equals(type))
                .map(ModelRoutes::v2Model)
                .toList();
        context.json(V2Routes.envelope(0, "", Map.of("models", models)));
    }

    /** The clients sort and filter by most of these, and fail where they are missing. */
    private static Map<String, @Nullable Object> v2Model(Listed listed) {
        ModelFile model = listed.file();
        Map<String, @Nullable Object> entry = new LinkedHashMap<>();
        entry.put("name", model.stem());
        entry.put("hash", listed.hash());
        entry.put("sd_name", model.name());
        entry.put("third_source", "");
        entry.put("download_status", 1);
        entry.put("dependency_status", 1);
        entry.put("download_name", model.name());
        entry.put("type", listed.type().word());
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
}
