package dev.atelier.browser;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;

import com.microsoft.playwright.Browser;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import com.microsoft.playwright.assertions.PlaywrightAssertions;
import com.microsoft.playwright.options.AriaRole;
import com.microsoft.playwright.options.ColorScheme;
import dev.atelier.Engine;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Progress;
import dev.atelier.checkpoint.Tensor;
import dev.atelier.model.DemoModel;
import dev.atelier.server.Server;
import dev.atelier.server.ServerOptions;
import dev.atelier.server.Storage;
import dev.atelier.server.WorkOptions;
import dev.atelier.server.job.Worker;
import dev.atelier.server.outbound.Hosts;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The documentation's pictures of the page; run by name only. */
class DocumentationPictures {
    private static final List<String> PROMPTS = List.of(
            "a yellow star on a purple background",
            "a green square on a white background",
            "an orange square on a blue background",
            "a yellow star on a black background",
            "a blue triangle on a yellow background",
            "a red circle on a blue background");

    @Test
    void areTaken(@TempDir Path folder) throws IOException {
        Path models = Files.createDirectories(folder.resolve("models"));
        Checkpoint shapes = Checkpoints.open(DemoModel.unpack(folder));
        shapes.writeTo(models.resolve("shapes-base.safetensors"), Progress.NONE);
        shapes.map((name, tensor) -> name.startsWith("first_stage_model.decoder.conv_out.") ? negative(tensor) : tensor)
                .writeTo(models.resolve("night.safetensors"), Progress.NONE);
        WorkOptions work =
                new WorkOptions(Storage.in(folder.resolve("data")), models, 1, Engine.ONNX, Worker.Pace.STANDARD);
        try (Server server = Server.start(
                        new ServerOptions("127.0.0.1", 0, work, null, 100, null, Set.of(), Hosts.NONE, Hosts.NONE));
                Playwright playwright = Programs.playwright();
                Browser browser = Programs.chromium(playwright)) {
            Page page = browser.newPage(
                    new Browser.NewPageOptions().setViewportSize(1180, 760).setColorScheme(ColorScheme.LIGHT));
            page.setDefaultTimeout(60_000);
            PlaywrightAssertions.setDefaultAssertionTimeout(60_000);
            create(page, "http://127.0.0.1:%d/".formatted(server.port()));
            merge(page, "http://127.0.0.1:%d/#merge".formatted(server.port()));
        }
    }

    private static void create(Page page, String address) {
        page.navigate(address);
        page.getByLabel("Model or expression").fill("0.9*shapes-base + 0.1*night");
        assertThat(page.getByText("nothing is written")).isVisible();
        for (String prompt : PROMPTS) {
            page.getByLabel("Prompt", new Page.GetByLabelOptions().setExact(true))
                    .fill(prompt);
            page.keyboard().press("Control+Enter");
            assertThat(page.locator(".thumb[aria-selected=true]")).hasAttribute("title", prompt);
        }
        page.evaluate("document.activeElement.blur()");
        take(page, "studio-create");
    }

    private static void merge(Page page, String address) {
        page.navigate(address);
        page.getByLabel("Primary model (A)").fill("shapes-base");
        page.getByLabel("Secondary model (B)").fill("night");
        page.getByLabel("Prompt", new Page.GetByLabelOptions().setExact(true))
                .fill("a blue triangle on a yellow background");
        page.getByLabel("Custom Name (Optional)").fill("dusk");
        assertThat(page.getByText("dusk.safetensors")).isVisible();
        page.getByRole(
                        AriaRole.BUTTON,
                        new Page.GetByRoleOptions().setName("Preview").setExact(true))
                .click();
        assertThat(page.locator(".cell-frame img[src*=images]")).hasCount(5);
        page.evaluate("document.activeElement.blur()");
        take(page, "studio-merge");
    }

    private static void take(Page page, String name) {
        page.waitForTimeout(500); // for what moves
        page.screenshot(new Page.ScreenshotOptions().setPath(Path.of("../docs/images", name + ".png")));
    }

    /** The picture's negative: the last layer's numbers with the other sign, which is the highest bit of each. */
    private static Tensor negative(Tensor tensor) {
        byte[] bytes = new byte[(int) tensor.byteSize()];
        tensor.read(0, MemorySegment.ofArray(bytes));
        int size = (int) tensor.dtype().bytes(1);
        for (int i = size - 1; i < bytes.length; i += size) {
            bytes[i] ^= (byte) 0x80;
        }
        return Tensor.of(tensor.dtype(), tensor.shape(), MemorySegment.ofArray(bytes));
    }
}
