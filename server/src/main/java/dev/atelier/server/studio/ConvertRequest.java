package dev.atelier.server.studio;

import dev.atelier.merge.expression.ModelExpression;
import dev.atelier.merge.expression.ModelFunction;
import dev.atelier.merge.expression.ModelNames;
import dev.atelier.server.http.HttpError;
import dev.atelier.server.models.ModelLibrary;
import dev.atelier.server.worker.WriteTask;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Another form of a model.
 *
 * @param model a name or an expression
 * @param steps functions of expressions, in their order: ema, prune, fp16, …
 * @param name of the new file without ending
 * @param format safetensors or ckpt
 */
record ConvertRequest(
        @Nullable String model,
        @Nullable List<String> steps,
        @Nullable String name,
        @Nullable String format,
        @Nullable Boolean overwrite) {

    private String expression(ModelNames names) {
        if (model == null || model.isBlank()) {
            throw new HttpError(422, "model is missing: what is to be converted");
        }
        ModelExpression converted = ModelExpression.of(model.strip(), names);
        for (String step : steps == null ? List.<String>of() : steps) {
            List<String> known =
                    ModelFunction.all().stream().map(ModelFunction::name).toList();
            if (!known.contains(step)) {
                throw new HttpError(422, "there is no step \"%s\"; there are %s".formatted(step, known));
            }
            converted = ModelExpression.call(step, List.of(converted), Map.of());
        }
        return converted.text();
    }

    NewModel plan(ModelLibrary library) {
        return NewModel.of(library, expression(library.shelf().names()), name == null ? "" : name, format);
    }

    WriteTask task(NewModel planned) {
        return new WriteTask(
                planned.expression(), planned.file(), Boolean.TRUE.equals(overwrite), true, true, null, null);
    }
}
