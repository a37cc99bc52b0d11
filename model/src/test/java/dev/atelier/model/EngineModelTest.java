package dev.atelier.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Progress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which networks are in memory when. */
class EngineModelTest {
    private static final int[][] TOKENS = {new int[ClipTokenizer.WINDOW]};
    private static final FloatArray LATENTS = FloatArray.of(new float[4], 1, 4, 1, 1);

    private static StableDiffusion demo;

    @BeforeAll
    static void open(@TempDir Path folder) {
        demo = StableDiffusion.of(Checkpoints.open(DemoModel.unpack(folder)));
    }

    /** An engine that computes nothing and writes down what it loads and frees. */
    private static final class Recorder extends EngineModel<Recorder.Part> {
        private final List<String> log = new ArrayList<>();
        private final List<String> asked = new ArrayList<>();

        final class Part implements LoadedNetwork {
            private final Network network;

            Part(Network network) {
                this.network = network;
            }

            @Override
            public void close() {
                log.add("-" + network);
            }
        }

        Recorder(long room) {
            super(demo, room);
        }

        @Override
        protected Part open(Network network, NetworkSettings settings, Progress progress) {
            log.add("+" + network + (settings.clipSkip() > 1 ? " " + settings.clipSkip() : ""));
            return new Part(network);
        }

        @Override
        protected ClipTextEncoder.Encoded<FloatArray> encode(
                Part textEncoder, int[][] tokens, ClipTextEncoder.Inserted<FloatArray> inserted) {
            return new ClipTextEncoder.Encoded<>(FloatArray.of(new float[77 * 24], 1, 77, 24), null);
        }

        @Override
        protected UNetAnswer predict(Part unet, UNet.Input<FloatArray> input, UNetShortcut shortcut) {
            asked.add(input.latents().size(0) + " x " + input.repeats());
            return new UNetAnswer(input.latents(), shortcut.depth() == 0 ? null : input.latents());
        }

        @Override
        protected Part open(ControlNetModel controlNet) {
            throw new AssertionError("there is no ControlNet");
        }

        @Override
        protected Part open(T2iAdapterModel adapter) {
            throw new AssertionError("there is no T2I-Adapter");
        }

        @Override
        protected Part open(TinyDecoderModel decoder) {
            throw new AssertionError("there is no tiny decoder");
        }

        @Override
        protected List<FloatArray> control(Part part, UNet.Input<FloatArray> input, FloatArray picture) {
            throw new AssertionError("there is no ControlNet");
        }

        @Override
        protected List<FloatArray> adapt(Part part, FloatArray cells) {
            throw new AssertionError("there is no T2I-Adapter");
        }

        @Override
        protected FloatArray encode(Part part, FloatArray pictures) {
            throw new AssertionError("no picture is to be encoded");
        }

        @Override
        protected FloatArray decode(Part decoder, FloatArray latents) {
            return latents;
        }
    }

    private static void draw(DiffusionModel model) {
        UNetConditioning text = UNetConditioning.of(model.encodeText(TOKENS).context());
        model.predictNoise(LATENTS, new float[] {1}, text);
        model.decode(LATENTS);
    }

    private static long size(Network network) {
        return demo.weights(network).stream()
                .mapToLong(name -> demo.checkpoint().tensor(name).shape().elements() * Float.BYTES)
                .sum();
    }

    @Test
    void whereThereIsRoomEverythingIsLoadedOnceAndStays() {
        Recorder model = new Recorder(Long.MAX_VALUE);
        model.load(Progress.NONE);
        assertThat(model.log).containsExactly("+TEXT_ENCODER", "+UNET"); // what the first step takes
        draw(model);
        draw(model);
        assertThat(model.log).containsExactly("+TEXT_ENCODER", "+UNET", "+VAE_DECODER");
        model.close();
        assertThat(model.log).endsWith("-TEXT_ENCODER", "-UNET", "-VAE_DECODER");
    }

    @Test
    void whereThereIsNoneEachNetworkMakesPlaceForTheNext() {
        Recorder model = new Recorder(0);
        model.load(Progress.NONE);
        assertThat(model.log).isEmpty();
        draw(model);
        assertThat(model.log).containsExactly("+TEXT_ENCODER", "-TEXT_ENCODER", "+UNET", "-UNET", "+VAE_DECODER");
    }

    @Test
    void theNetworkUsedLongestAgoGoesFirst() {
        Recorder model = new Recorder(size(Network.UNET) + size(Network.VAE_DECODER));
        draw(model);
        assertThat(model.log).containsExactly("+TEXT_ENCODER", "-TEXT_ENCODER", "+UNET", "+VAE_DECODER");
    }

    @Test
    void whatWasReleasedIsLoadedAgainWhenItIsUsed() {
        Recorder model = new Recorder(Long.MAX_VALUE);
        model.load(Progress.NONE);
        model.release();
        model.log.clear();
        model.decode(LATENTS);
        assertThat(model.log).containsExactly("+VAE_DECODER");
    }

    @Test
    void anotherClipSkipIsAnotherTextEncoder() {
        Recorder model = new Recorder(Long.MAX_VALUE);
        model.load(Progress.NONE);
        model.log.clear();
        model.encodeText(TOKENS, 2);
        model.encodeText(TOKENS, 2);
        model.encodeText(TOKENS, 1);
        assertThat(model.log).containsExactly("-TEXT_ENCODER", "+TEXT_ENCODER 2", "-TEXT_ENCODER", "+TEXT_ENCODER");
    }

    /** Pairs of latents and their times. */
    @Test
    void latentsThatComeAgainAreSeenOnce() {
        Recorder model = new Recorder(Long.MAX_VALUE);
        for (float[] pairs : new float[][] {
            {1, 5, 1, 5}, {1, 5, 2, 5}, {1, 5, 1, 6}, {1, 5, 2, 6, 1, 5, 2, 6}, {1, 5, 2, 6, 2, 6, 1, 5}, {1, 5}
        }) {
            int n = pairs.length / 2;
            float[] latents = new float[4 * n];
            float[] times = new float[n];
            for (int row = 0; row < n; row++) {
                Arrays.fill(latents, 4 * row, 4 * row + 4, pairs[2 * row]);
                times[row] = pairs[2 * row + 1];
            }
            UNetConditioning text = UNetConditioning.of(FloatArray.of(new float[n * 77 * 24], n, 77, 24));
            model.predictNoise(FloatArray.of(latents, n, 4, 1, 1), times, text);
        }
        assertThat(model.asked).containsExactly("1 x 2", "2 x 1", "2 x 1", "2 x 2", "4 x 1", "1 x 1");
    }

    @Test
    void shortcutsTakeNoOtherWeights() {
        Recorder model = new Recorder(size(Network.UNET));
        UNetConditioning text = UNetConditioning.of(FloatArray.of(new float[77 * 24], 1, 77, 24));
        float[] times = {1};
        for (int depth : new int[] {1, 1, 2}) {
            FloatArray deep = model.predictNoise(LATENTS, times, text, new UNetShortcut(0, depth, null))
                    .deep();
            model.predictNoise(LATENTS, times, text, new UNetShortcut(0, depth, deep));
        }
        assertThat(model.log).containsExactly("+UNET");
        assertThatThrownBy(() -> model.predictNoise(LATENTS, times, text, new UNetShortcut(0, 3, null)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("between 1 and 2");
    }

    @Test
    void aClipSkipBeyondTheEncodersLayersIsRefused() {
        Recorder model = new Recorder(Long.MAX_VALUE);
        for (int clipSkip : new int[] {0, -1, 13}) {
            assertThatThrownBy(() -> model.encodeText(TOKENS, clipSkip))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("between 1 and 2");
        }
    }
}
