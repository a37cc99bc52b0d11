package dev.atelier.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How many singular values of a layer a LoRA keeps. */
final class RankOptions {
    @Option(
            names = "--rank",
            paramLabel = "N",
            description = "The rank, or with a --sv option the largest: of matrices and 1x1 convolutions.")
    private @Nullable Integer rank;

    @Option(names = "--conv-rank", paramLabel = "N", description = "The same for larger convolutions.")
    private @Nullable Integer convolution;

    @Option(
            names = "--sv-ratio",
            paramLabel = "R",
            description = "Keep singular values above the largest divided by R. These three are kohya's.")
    private @Nullable Double ratio;

    @Option(
            names = "--sv-fro",
            paramLabel = "SHARE",
            description = "Keep as many as hold this share of the Frobenius norm, for example 0.9.")
    private @Nullable Double frobenius;

    @Option(
            names = "--sv-cumulative",
            paramLabel = "SHARE",
            description = "Keep as many as hold this share of the sum of all.")
    private @Nullable Double cumulative;

    /** As the parameters of an expression; those that are not given are missing. */
    Map<String, String> parameters() {
        Map<String, String> parameters = new LinkedHashMap<>();
        put(parameters, "rank", rank);
        put(parameters, "conv", convolution);
        put(parameters, "sv_ratio", ratio);
        put(parameters, "sv_fro", frobenius);
        put(parameters, "sv_cumulative", cumulative);
        return parameters;
    }

    private static void put(Map<String, String> parameters, String name, @Nullable Number value) {
        if (value != null) {
            parameters.put(name, value.toString());
        }
    }
}
