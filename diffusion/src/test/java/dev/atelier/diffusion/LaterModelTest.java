package dev.atelier.diffusion;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.model.DiffusionModel;
import dev.atelier.model.FloatArray;
import dev.atelier.model.UNetConditioning;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Two models that share a run, or a picture: who draws when, and who is in memory. */
class LaterModelTest {
    private static final float CAT = 2368 / 49408f;
    private static final float DOG = 1929 / 49408f;

    private final List<String> log = new ArrayList<>();
    private final List<Float> othersWords = new ArrayList<>();
    private final Recorder base = new Recorder("base");
    private final Recorder other = new Recorder("other");

    private final LaterModel later = new LaterModel() {
        @Override
        public DiffusionModel model() {
            return other;
        }

        @Override
        public ModelLabel label() {
            return new ModelLabel("later", "0123456789");
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
            if (name.equals("other")) {
                othersWords.add(conditioning.context().values()[1]);
            }
            return super.predictNoise(latents, timesteps, conditioning);
        }

        @Override
        public void release() {
            log.add(name + " leaves");
        }
    }

    private List<GeneratedImage> generate(GenerationRequest request) {
        return generate(request, null, later);
    }

    private List<GeneratedImage> generate(
            GenerationRequest request, @Nullable LaterModel hires, @Nullable LaterModel refiner) {
        Pipeline pipeline =
                new Pipeline(base, hires, refiner, ExtraNetworks.NONE, () -> new ModelLabel("xl", null), "Atelier 1.0");
        return pipeline.generate(request.sampler("Euler").steps(10).size(64, 64).seed(1), (phase, done, total) -> {});
    }

    @Test
    void theRefinerFinishesEveryPictureAndTheTwoAreNeverInMemoryTogether() {
        List<GeneratedImage> images = generate(GenerationRequest.of("a cat").iterations(2));
        assertThat(images)
                .hasSize(2)
                .allSatisfy(image ->
                        assertThat(image.infotext()).contains("Refiner: later [0123456789], Refiner switch at: 0.8"));
        List<String> once = List.of("base", "base leaves", "other", "other leaves");
        assertThat(log).startsWith(once.toArray(String[]::new));
        assertThat(log).filteredOn("other"::equals).hasSize(2);
    }

    @Test
    void withHiresFixItFinishesTheSecondPassAlone() {
        generate(GenerationRequest.of("a cat").hiresFix(HiresFix.by(2)));
        assertThat(log.indexOf("other")).isGreaterThan(log.lastIndexOf("base"));
    }

    @Test
    void theSecondPassOfAHiresFixMayBeAnothers() {
        HiresFix fix = HiresFix.by(2).prompts("dog", "");
        List<GeneratedImage> images =
                generate(GenerationRequest.of("a cat").iterations(2).hiresFix(fix), later, null);
        assertThat(log)
                .containsExactly(
                        "base", "base leaves", "other", "other leaves", "base", "base leaves", "other", "other leaves");
        assertThat(othersWords).containsOnly(DOG);
        assertThat(images)
                .hasSize(2)
                .allSatisfy(image -> assertThat(image.infotext()).contains("Hires checkpoint: later [0123456789]"));
    }

    @Test
    void withoutHiresFixItHasNoTurn() {
        List<GeneratedImage> images = generate(GenerationRequest.of("a cat"), later, null);
        assertThat(log).containsOnly("base");
        assertThat(images.getFirst().infotext()).doesNotContain("Hires checkpoint");
    }

    @Test
    void itsTurnMayNeverCome() {
        List<GeneratedImage> images = generate(GenerationRequest.of("a cat").refinerSwitchAt(1));
        assertThat(log).doesNotContain("other");
        assertThat(images.getFirst().infotext()).doesNotContain("Refiner");
    }

    /** Calls 5 to 9 are the refiner's, and the dog comes after call 8. */
    @Test
    void promptEditingGoesOnWhereItWas() {
        generate(GenerationRequest.of("[cat:dog:0.8]").refinerSwitchAt(0.5));
        assertThat(othersWords).containsExactly(CAT, CAT, CAT, CAT, DOG);
    }
}
