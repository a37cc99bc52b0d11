package dev.atelier.engine.onnx;

import java.util.List;

/** Convolutions see beyond an edge what lies at the opposite one. */
final class EndlessOps extends GraphOps {
    EndlessOps(OnnxGraph graph) {
        super(graph);
    }

    @Override
    public GraphValue conv2d(GraphValue image, GraphValue weight, GraphValue bias, int stride, int padding) {
        GraphValue wider = padding == 0
                ? image
                : graph.onnx(
                        "Pad",
                        List.of(image, graph.constant(0, 0, padding, padding, 0, 0, padding, padding)),
                        Attribute.of("mode", "wrap"));
        return super.conv2d(wider, weight, bias, stride, 0);
    }

    /** ONNX Runtime would compute it of weights that it cannot read. */
    @Override
    GraphValue perChannel(GraphValue weight) {
        return graph.isWeight(weight) ? graph.in(WeightForm.PER_CHANNEL, weight) : super.perChannel(weight);
    }
}
