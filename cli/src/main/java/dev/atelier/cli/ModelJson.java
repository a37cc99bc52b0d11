package dev.atelier.cli;

import dev.atelier.catalog.Model;
import java.util.Locale;
import tools.jackson.core.JsonGenerator;

/** A model of the catalog as JSON. */
final class ModelJson {
    private ModelJson() {}

    static void write(JsonGenerator json, Model model) {
        json.writeStartObject();
        json.writeStringProperty("name", model.name());
        json.writeStringProperty("title", model.title());
        json.writeStringProperty("path", model.path().toString());
        json.writeStringProperty("kind", model.kind().toString());
        json.writeStringProperty("architecture", model.architecture().name().toLowerCase(Locale.ROOT));
        json.writeStringProperty("model", model.label());
        json.writeStringProperty("types", model.dtypes());
        json.writeStringProperty("parts", model.components());
        json.writeNumberProperty("tensors", model.tensors());
        json.writeNumberProperty("bytes", model.size());
        json.writeStringProperty("modified", model.modified().toString());
        json.writeName("problem").writeString(model.problem().orElse(null));
        json.writeName("sha256").writeString(model.sha256().orElse(null));
        json.writeName("autov1").writeString(model.autoV1().orElse(null));
        json.writeName("autov3").writeString(model.autoV3().orElse(null));
        json.writeEndObject();
    }
}
