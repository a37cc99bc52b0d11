package dev.atelier.training.shapes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atelier.model.FloatArray;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ExaminerTest {
    @Test
    void whatIsDrawnByFormulaIsFoundToShowItsCaption() {
        SplittableRandom random = new SplittableRandom(1);
        for (Scene scene : Scene.examination()) {
            assertThat(Examiner.right(scene, Drawing.draw(scene, 128, random)))
                    .as(scene.caption())
                    .isEqualTo(Examiner.named(scene));
        }
    }

    @Test
    void everySceneToTrainOnIsUnlikeThoseOfTheExamination() {
        SplittableRandom random = new SplittableRandom(2);
        for (int i = 0; i < 5000; i++) {
            Scene scene = Scene.random(random);
            assertThat(Scene.examination())
                    .noneMatch(held -> held.form() == scene.form()
                            && held.hue() == scene.hue()
                            && held.background() == scene.background());
        }
    }

    @Test
    void theExaminationAsksForEveryFormAndColour() {
        assertThat(Scene.examination()).extracting(Scene::form).contains(Form.values());
        assertThat(Scene.examination()).extracting(Scene::hue).contains(Hue.values());
        assertThat(Scene.examination()).extracting(Scene::background).contains(Hue.values());
    }

    @Test
    void anotherPictureIsFoundToBeWrong() {
        SplittableRandom random = new SplittableRandom(3);
        Scene asked = new Scene(Form.CIRCLE, Hue.RED, Hue.BLUE, Size.SMALL, Place.LEFT);
        Scene drawn = new Scene(Form.STAR, Hue.GREEN, Hue.WHITE, Size.LARGE, Place.BOTTOM);
        assertThat(Examiner.right(asked, Drawing.draw(drawn, 128, random))).isEmpty();
    }

    @Test
    void anEmptyPictureShowsItsBackgroundAtMost() {
        Scene asked = new Scene(Form.CIRCLE, Hue.RED, Hue.BLACK, Size.SMALL, Place.LEFT);
        FloatArray empty = new Canvas(128, Hue.BLACK.rgb()).picture();
        assertThat(Examiner.right(asked, empty)).containsExactly(Examiner.Attribute.BACKGROUND);
    }

    @Test
    void captionsReadAsPeopleWriteThem() {
        assertThat(new Scene(Form.CIRCLE, Hue.RED, Hue.BLUE, Size.MEDIUM, Place.CENTER).caption())
                .isEqualTo("a red circle on a blue background");
        assertThat(new Scene(Form.STAR, Hue.WHITE, Hue.BLACK, Size.SMALL, Place.TOP).caption())
                .isEqualTo("a small white star at the top on a black background");
    }
}
