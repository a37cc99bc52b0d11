package dev.atelier.server.studio;

import dev.atelier.Atelier;
import dev.atelier.catalog.Catalog;
import dev.atelier.catalog.Model;
import dev.atelier.catalog.ModelKind;
import dev.atelier.catalog.ModelQuery;
import dev.atelier.diffusion.ControlMode;
import dev.atelier.diffusion.Extraction;
import dev.atelier.diffusion.MaskedContent;
import dev.atelier.diffusion.ResizeMode;
import dev.atelier.diffusion.SamplerName;
import dev.atelier.diffusion.Scheduler;
import dev.atelier.diffusion.Upscaler;
import dev.atelier.merge.BlockPresets;
import dev.atelier.merge.MergeMethod;
import dev.atelier.merge.MergeMethods;
import dev.atelier.merge.Parameter;
import dev.atelier.merge.expression.ModelFunction;
import io.javalin.http.Context;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** {@code GET /api/v1/about}: what there is to choose from. */
record AboutRoute(Catalog catalog) {
    private static final int MOST = 1000;

    void show(Context context) {
        Map<String, Object> about = new LinkedHashMap<>();
        about.put("version", Atelier.version());
        about.put("samplers", labels(SamplerName.values(), SamplerName::label));
        about.put("schedulers", labels(Scheduler.values(), Scheduler::label));
        about.put(
                "upscalers",
                Stream.of(
                                Upscaler.OF_LATENTS.stream().map(Upscaler::label),
                                Upscaler.OF_PIXELS.stream().map(Upscaler::label),
                                catalog
                                        .list(ModelQuery.ALL
                                                .ofKind(ModelKind.UPSCALER)
                                                .onlyBroken(false)
                                                .limitedTo(MOST))
                                        .models()
                                        .stream()
                                        .map(Model::stem))
                        .flatMap(Function.identity())
                        .toList());
        about.put("resizeModes", labels(ResizeMode.values(), ResizeMode::label));
        about.put("controlModes", labels(ControlMode.values(), ControlMode::label));
        about.put("extractions", Extraction.labels());
        about.put("maskedContents", labels(MaskedContent.values(), MaskedContent::label));
        about.put("methods", MergeMethods.all().stream().map(AboutRoute::method).toList());
        about.put(
                "blockPresets",
                BlockPresets.names().stream()
                        .collect(Collectors.toMap(
                                Function.identity(), BlockPresets::weights, (a, _) -> a, LinkedHashMap::new)));
        about.put(
                "functions",
                ModelFunction.all().stream()
                        .map(function -> Map.of("name", function.name(), "meaning", function.meaning()))
                        .toList());
        context.json(about);
    }

    private static <E> List<String> labels(E[] values, Function<E, String> label) {
        return Arrays.stream(values).map(label).toList();
    }

    private static Map<String, @Nullable Object> method(MergeMethod method) {
        Map<String, @Nullable Object> view = new LinkedHashMap<>();
        view.put("name", method.name());
        view.put("formula", method.formula());
        view.put("inputs", method.inputs());
        view.put("models", method.models());
        view.put("multiplier", method.multiplier().map(Parameter::name).orElse(null));
        view.put(
                "parameters",
                method.parameters().stream().map(AboutRoute::parameter).toList());
        view.put("source", method.source());
        return view;
    }

    private static Map<String, String> parameter(Parameter<?> parameter) {
        return Map.of(
                "name", parameter.name(),
                "standard", parameter.standardText(),
                "range", parameter.range(),
                "meaning", parameter.meaning());
    }
}
