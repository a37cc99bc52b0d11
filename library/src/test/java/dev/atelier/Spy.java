package dev.atelier;

import dev.atelier.model.DiffusionModel;
import dev.atelier.model.FloatArray;
import dev.atelier.model.UNetConditioning;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;

/** Writes down what goes into a model. */
final class Spy {
    /** Of each call of the UNet. */
    final List<FloatArray> contexts = new ArrayList<>();

    /** Of each call of the decoder. */
    final List<FloatArray> latents = new ArrayList<>();

    /** The same model, watched. */
    DiffusionModel on(DiffusionModel model) {
        return (DiffusionModel) Proxy.newProxyInstance(
                DiffusionModel.class.getClassLoader(),
                new Class<?>[] {DiffusionModel.class},
                (_, method, arguments) -> {
                    if (method.getName().equals("predictNoise")) {
                        contexts.add(((UNetConditioning) arguments[2]).context());
                    } else if (method.getName().equals("decode")) {
                        latents.add((FloatArray) arguments[0]);
                    }
                    try {
                        return method.invoke(model, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }
}
