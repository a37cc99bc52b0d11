package dev.atelier.engine.onnx;

import dev.atelier.engine.onnx.OnnxGraph.ElementType;
import dev.atelier.model.ClipTextEncoder;
import dev.atelier.model.StableDiffusion;
import dev.atelier.model.UNet;
import dev.atelier.model.VaeDecoder;
import java.util.List;

/**
 * The networks of a model. Each becomes a graph by running its own code on {@link GraphOps}. How many pictures there
 * are, and how large, is left open: one graph serves all.
 */
enum Network {
    TEXT_ENCODER("text_encoder") {
        @Override
        void build(StableDiffusion model, OnnxGraph graph, GraphOps ops, GraphWeights weights) {
            GraphValue tokens = graph.input("tokens", ElementType.INT64, List.of("n", "77"));
            GraphValue context = new ClipTextEncoder<>(ops, weights, model.text()).forward(tokens);
            graph.output("context", context, List.of("n", "77", "context_width"));
        }
    },
    UNET("unet") {
        @Override
        void build(StableDiffusion model, OnnxGraph graph, GraphOps ops, GraphWeights weights) {
            List<String> latents = List.of("n", "4", "height", "width");
            GraphValue noise = new UNet<>(ops, weights, model.unet())
                    .forward(
                            graph.input("latents", ElementType.FLOAT, latents),
                            graph.input("timesteps", ElementType.FLOAT, List.of("n", "1")),
                            graph.input("context", ElementType.FLOAT, List.of("n", "context_tokens", "context_width")));
            graph.output("noise", noise, latents);
        }
    },
    VAE_DECODER("vae_decoder") {
        @Override
        void build(StableDiffusion model, OnnxGraph graph, GraphOps ops, GraphWeights weights) {
            GraphValue latents = graph.input("latents", ElementType.FLOAT, List.of("n", "4", "height", "width"));
            GraphValue pictures = new VaeDecoder<>(ops, weights, model.vae()).forward(latents);
            graph.output("pictures", pictures, List.of("n", "3", "picture_height", "picture_width"));
        }
    };

    private final String label;

    Network(String label) {
        this.label = label;
    }

    /** What diffusers calls the network's folder. */
    String label() {
        return label;
    }

    OnnxGraph trace(StableDiffusion model, WeightFile file) {
        OnnxGraph graph = new OnnxGraph(label);
        build(model, graph, new GraphOps(graph), new GraphWeights(model.checkpoint(), graph, file));
        return graph;
    }

    abstract void build(StableDiffusion model, OnnxGraph graph, GraphOps ops, GraphWeights weights);
}
