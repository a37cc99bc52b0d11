package dev.atelier.model;

import java.util.List;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/**
 * The tensor operations that the networks are written in. An engine gives {@code T} its meaning: a native tensor, and
 * the operations run at once; a node of a graph, and they build it; a shape, and they check that a file fits together.
 *
 * <p>Images are {@code [n, channels, height, width]}, token sequences {@code [n, tokens, width]}.
 */
public interface Ops<T> {
    /** A tensor of constants. */
    T constant(FloatArray values);

    /** a + b, broadcast as NumPy does. */
    T add(T a, T b);

    /** a · b, elementwise, broadcast as NumPy does. */
    T mul(T a, T b);

    /** x · factor */
    T scale(T x, double factor);

    /** Adds {@code perChannel [n, channels]} to every pixel of {@code image}. */
    T addToChannels(T image, T perChannel);

    T sin(T x);

    T cos(T x);

    T tanh(T x);

    /** max(x, 0) */
    T relu(T x);

    /** x where it is positive, and slope · x elsewhere. */
    T leakyRelu(T x, double slope);

    /** The same for images with a slope for each channel; {@code slopes [channels]}. */
    T prelu(T image, T slopes);

    /** x · σ(x) */
    T silu(T x);

    /** The exact GELU, x · Φ(x). */
    T gelu(T x);

    /** x · σ(1.702 x), OpenAI CLIP's approximation of GELU. */
    T quickGelu(T x);

    /** x·Wᵀ + b over the last axis; {@code weight [out, in]}, {@code bias [out]}. */
    T linear(T x, T weight, T bias);

    /** x·Wᵀ over the last axis. */
    T linear(T x, T weight);

    /** {@link #linear(Object, Object, Object)}, its last axis cut into equal parts. */
    default List<T> linear(T x, T weight, T bias, int parts) {
        return split(linear(x, weight, bias), parts);
    }

    /** x·M; {@code matrix [in, out]}. */
    T matmul(T x, T matrix);

    /** 2-D convolution with zero padding on all sides; {@code weight [out, in, k, k]}, {@code bias [out]}. */
    T conv2d(T image, T weight, T bias, int stride, int padding);

    /** Adds rows of zeros below an image and columns of zeros to its right. */
    T pad(T image, int rows, int columns);

    /** Normalises each group of channels of an image over its pixels, then scales and shifts per channel. */
    T groupNorm(T image, int groups, T weight, T bias, double epsilon);

    /** Normalises over the last axis, then scales and shifts. */
    T layerNorm(T x, T weight, T bias, double epsilon);

    /**
     * Multi-head attention softmax(q·kᵀ / √d)·v with d = width / heads; each head takes a contiguous slice of the width.
     *
     * @param q {@code [n, tokens, width]}
     * @param k {@code [n, other tokens, width]}
     * @param v as {@code k}
     * @param causal whether a token sees only itself and those before it
     */
    T attention(T q, T k, T v, int heads, boolean causal);

    /**
     * Runs {@code network} on fewer tokens (Bolya and Hoffman 2023, arXiv 2303.17604). Of each 2 × 2 pixels the first keeps
     * its token; of the others, {@code share} of all tokens, those most like one of the first are averaged into that one.
     * What the network says of a token, it says of all that went into it.
     *
     * @param tokens {@code [n, h·w, width]}
     * @param compared whose cosines say how like each other the tokens are, {@code [n, h·w, any width]}
     * @param image whose height and width are those of the tokens
     * @param network takes {@code [n, fewer tokens, width]} and gives as many
     * @return {@code [n, h·w, width]}
     */
    T onMergedTokens(T tokens, T compared, T image, double share, UnaryOperator<T> network);

    /** Runs a network that sees each of {@code tokens [n, tokens, width]} alone; an engine may run it on some at a time. */
    default T eachToken(T tokens, UnaryOperator<T> network) {
        return network.apply(tokens);
    }

    /** The rows of {@code table [rows, width]} at {@code ids [n, tokens]} (integers). */
    T embedding(T table, T ids);

    /**
     * Of each row of {@code x [n, tokens, width]}, the token at which {@code ids [n, tokens]} (integers) is largest; the
     * first of equals. {@code [n, width]}.
     */
    T tokenOfLargest(T x, T ids);

    T concat(int axis, T a, T b);

    /** Cuts the last axis into equal parts. */
    List<T> split(T x, int parts);

    /** Doubles height and width by repeating pixels. */
    T upsample2x(T image);

    /** Halves height and width, rounded up, by the means of 2 × 2 pixels, or of as many as there are. */
    T halve(T image);

    /** Squares of {@code factor²} pixels out of as many channels: {@code [n, c·factor², h, w]} to {@code [n, c, h·factor, w·factor]}. */
    T pixelShuffle(T image, int factor);

    /** The way back, for pictures of three channels: {@code [n, 3, h, w]} to {@code [n, 3·factor², h/factor, w/factor]}. */
    T pixelUnshuffle(T picture, int factor);

    /** The rows and columns of an image that {@code like} has too: what lies beyond its height and width is cut off. */
    T cropTo(T image, T like);

    /** {@code [n, c, h, w]} to {@code [n, h·w, c]}, row by row. */
    T toTokens(T image);

    /** {@code [n, h·w, c]} back to {@code [n, c, h, w]}, with the height and width of {@code like}. */
    T toImage(T tokens, T like);

    /**
     * Runs a part of a network; an eager engine frees everything it made on the way, except the result, and one that trains may
     * run the part a second time. UNet and text encoder do nothing outside of such parts.
     */
    T scope(Supplier<T> part);
}
