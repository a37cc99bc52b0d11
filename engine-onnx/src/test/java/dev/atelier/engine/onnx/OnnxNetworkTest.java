package dev.atelier.engine.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Progress;
import dev.atelier.engine.onnx.FastOps.Size;
import dev.atelier.model.DemoModel;
import dev.atelier.model.Network;
import dev.atelier.model.NetworkSettings;
import dev.atelier.model.StableDiffusion;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which sessions of a network stay for the next run. */
class OnnxNetworkTest {
    private OnnxNetwork unet;

    @BeforeEach
    void load(@TempDir Path folder) {
        StableDiffusion demo = StableDiffusion.of(Checkpoints.open(DemoModel.unpack(folder)));
        unet = OnnxNetwork.load(demo, Network.UNET, NetworkSettings.DEFAULT, Progress.NONE);
    }

    @AfterEach
    void close() {
        unet.close();
    }

    private static GraphForm whole(int count, int side) {
        return GraphForm.of(new Size(count, side, side));
    }

    private static GraphForm shallow(int count, int side) {
        return new GraphForm(new Size(count, side, side), 0, 1, false, false, 1);
    }

    @Test
    void twoNumbersOfImagesMayTakeTurns() {
        OnnxSession one = unet.session(whole(1, 16));
        OnnxSession two = unet.session(whole(2, 16));
        assertThat(unet.session(whole(1, 16))).isSameAs(one);
        assertThat(unet.session(whole(2, 16))).isSameAs(two);
    }

    @Test
    void aThirdNumberTakesThePlaceOfTheOneUsedLongestAgo() {
        OnnxSession one = unet.session(whole(1, 16));
        OnnxSession two = unet.session(whole(2, 16));
        OnnxSession three = unet.session(whole(3, 16));
        assertThat(unet.session(whole(2, 16))).isSameAs(two);
        assertThat(unet.session(whole(3, 16))).isSameAs(three);
        assertThat(unet.session(whole(1, 16))).isNotSameAs(one);
    }

    @Test
    void wholeAndShallowRunsMayTakeTurns() {
        OnnxSession whole = unet.session(whole(2, 16));
        OnnxSession shallow = unet.session(shallow(2, 16));
        unet.session(whole(1, 16));
        unet.session(shallow(1, 16));
        assertThat(unet.session(whole(2, 16))).isSameAs(whole);
        assertThat(unet.session(shallow(2, 16))).isSameAs(shallow);
    }

    @Test
    void anotherSizeOrShareOfMergedTokensTakesThePlaceOfAll() {
        OnnxSession whole = unet.session(whole(1, 16));
        OnnxSession shallow = unet.session(shallow(1, 16));
        unet.session(whole(1, 24));
        assertThat(unet.session(whole(1, 16))).isNotSameAs(whole);
        assertThat(unet.session(shallow(1, 16))).isNotSameAs(shallow);
        OnnxSession exact = unet.session(whole(1, 16));
        unet.session(new GraphForm(new Size(1, 16, 16), 0.5, 0, false, false, 1));
        assertThat(unet.session(whole(1, 16))).isNotSameAs(exact);
    }
}
