package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.model.DiffusionModel;
import dev.atelier.model.FloatArray;
import dev.atelier.model.UNetConditioning;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Two models that share a run: who draws when, and who is in memory. */
class RefinerPipelineTest {
    private static final float CAT = 2368 / 49408f;
    private static final float DOG = 1929 / 49408f;

    private final List<String> log = new ArrayList<>();
    private final List<Float> refinersWords = new ArrayList<>();
    private final Recorder base = new Recorder("base");
    private final Recorder other = new Recorder("refiner");

    private final Refiner refiner = new Refiner() {
        @Override
        public DiffusionModel model() {
            return other;
        }

        @Override
        public ModelLabel label() {
            return new ModelLabel("xl-refiner", "0123456789");
        }

        @Override
        public void release() {
            other.release();
        }
    };

    private final class Recorder extends LinearModel {
        private final String name;

        Recorder(String name) {
            this.name = name;
        }

        @Override
        public FloatArray predictNoise(FloatArray latents, float[] timesteps, UNetConditioning conditioning) {
            if (log.isEmpty() || !log.getLast().equals(name)) {
                log.add(name);
            }
            if (name.equals("refiner")) {
                refinersWords.add(conditioning.context().values()[1]);
            }
            return super.predictNoise(latents, timesteps, conditioning);
        }

        @Override
        public void release() {
            log.add(name + " leaves");
        }
    }

    private List<GeneratedImage> generate(GenerationRequest request) {
        Pipeline pipeline =
                new Pipeline(base, refiner, ExtraNetworks.NONE, () -> new ModelLabel("xl", null), "Atelier 1.0");
        return pipeline.generate(request.sampler("Euler").steps(10).size(64, 64).seed(1), (phase, done, total) -> {});
    }

    @Test
    void theRefinerFinishesEveryPictureAndTheTwoAreNeverInMemoryTogether() {
        List<GeneratedImage> images = generate(GenerationRequest.of("a cat").iterations(2));
        assertThat(images)
                .hasSize(2)
                .allSatisfy(image -> assertThat(image.infotext())
                        .contains("Refiner: xl-refiner [0123456789], Refiner switch at: 0.8"));
        List<String> once = List.of("base", "base leaves", "refiner", "refiner leaves");
        assertThat(log).startsWith(once.toArray(String[]::new));
        assertThat(log).filteredOn("refiner"::equals).hasSize(2);
    }

    @Test
    void withHiresFixItFinishesTheSecondPassAlone() {
        generate(GenerationRequest.of("a cat").hiresFix(HiresFix.by(2)));
        assertThat(log.indexOf("refiner")).isGreaterThan(log.lastIndexOf("base"));
    }

    @Test
    void itsTurnMayNeverCome() {
        List<GeneratedImage> images = generate(GenerationRequest.of("a cat").refinerSwitchAt(1));
        assertThat(log).doesNotContain("refiner");
        assertThat(images.getFirst().infotext()).doesNotContain("Refiner");
    }

    /** Calls 5 to 9 are the refiner's, and the dog comes after call 8. */
    @Test
    void promptEditingGoesOnWhereItWas() {
        generate(GenerationRequest.of("[cat:dog:0.8]").refinerSwitchAt(0.5));
        assertThat(refinersWords).containsExactly(CAT, CAT, CAT, CAT, DOG);
    }
}
