import io.github.robothy.sdwebui.sdk.SdWebui;
import io.github.robothy.sdwebui.sdk.models.options.Image2ImageOptions;
import io.github.robothy.sdwebui.sdk.models.options.Txt2ImageOptions;
import io.github.robothy.sdwebui.sdk.models.results.Image2ImageResult;
import io.github.robothy.sdwebui.sdk.models.results.Txt2ImgResult;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.util.Base64;
import java.util.List;
import javax.imageio.ImageIO;

/** sdwebui-java-sdk (Robothy/sdwebui-java-sdk) against a running server: java -cp … SdWebuiRun.java URL. */
final class SdWebuiRun {
    private static boolean failed;

    public static void main(String[] arguments) throws Exception {
        SdWebui sd = SdWebui.create(arguments[0]);
        // its systemInfo() finds no service of its own, whatever the server says
        check("getSdModels", !sd.getSdModels().isEmpty(), sd.getSdModels().getFirst().getTitle());
        check("getFaceRestorers", sd.getFaceRestorers() != null, sd.getFaceRestorers());
        Txt2ImgResult drawn = sd.txt2Img(Txt2ImageOptions.builder()
                .prompt("a red circle")
                .samplerName("DPM++ 2M Karras")
                .steps(4)
                .cfgScale(7)
                .seed(7)
                .width(128)
                .height(128)
                .build());
        check("txt2Img", size(drawn.getImages().getFirst()).equals("128x128"), size(drawn.getImages().getFirst()));
        Image2ImageResult changed = sd.img2img(Image2ImageOptions.builder()
                .prompt("a blue square")
                .samplerName("Euler a")
                .steps(4)
                .seed(7)
                .cfgScale(7)
                .denoisingStrength(0.5)
                .width(128)
                .height(128)
                .initImages(List.of(drawn.getImages().getFirst()))
                .build());
        check("img2img", size(changed.getImages().getFirst()).equals("128x128"), size(changed.getImages().getFirst()));
        System.exit(failed ? 1 : 0);
    }

    private static String size(String base64) throws Exception {
        BufferedImage image = ImageIO.read(new ByteArrayInputStream(Base64.getDecoder().decode(base64)));
        return image.getWidth() + "x" + image.getHeight();
    }

    private static void check(String name, boolean condition, Object shown) {
        failed |= !condition;
        System.out.printf("%s %s: %s%n", condition ? "ok    " : "FAILED", name, shown);
    }
}
