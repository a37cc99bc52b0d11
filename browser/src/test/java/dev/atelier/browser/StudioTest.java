package dev.atelier.browser;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.Download;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import com.microsoft.playwright.assertions.LocatorAssertions;
import com.microsoft.playwright.assertions.PlaywrightAssertions;
import com.microsoft.playwright.options.AriaRole;
import com.microsoft.playwright.options.BoundingBox;
import com.microsoft.playwright.options.ColorScheme;
import dev.atelier.Engine;
import dev.atelier.checkpoint.Checkpoint;
import dev.atelier.checkpoint.Checkpoints;
import dev.atelier.checkpoint.Progress;
import dev.atelier.model.DemoModel;
import dev.atelier.server.Server;
import dev.atelier.server.ServerOptions;
import dev.atelier.server.Storage;
import dev.atelier.server.WorkOptions;
import dev.atelier.server.job.Worker;
import dev.atelier.server.outbound.Hosts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The page as a user uses it. Pictures of all screens are left in {@code target/screenshots}. */
class StudioTest {
    /** What a hostile prompt or file would like to be. */
    private static final String MARKUP = "<img src=x onerror=\"document.title='taken'\">";

    @TempDir
    static Path folder;

    private static Server server;
    private static Playwright playwright;
    private static Browser browser;

    private final List<String> complaints = new ArrayList<>();
    private BrowserContext context;
    private Page page;

    @BeforeAll
    static void start() throws IOException {
        Path models = Files.createDirectories(folder.resolve("models/style"));
        Checkpoint demo = Checkpoints.open(DemoModel.unpack(folder));
        demo.writeTo(models.resolve("ink drawing (v2).safetensors"), Progress.NONE);
        demo.withMetadata(Map.of(
                        "modelspec.title",
                        MARKUP,
                        "atelier.norm_num_groups",
                        "4",
                        "atelier.num_attention_heads",
                        "4",
                        "atelier.text_num_attention_heads",
                        "4"))
                .writeTo(models.resolve("watercolour.safetensors"), Progress.NONE);
        Files.writeString(models.resolve("torn.safetensors"), "not a model");
        WorkOptions work = new WorkOptions(
                Storage.in(folder.resolve("data")), folder.resolve("models"), 1, Engine.ONNX, Worker.Pace.STANDARD);
        server = Server.start(
                new ServerOptions("127.0.0.1", 0, work, null, 100, null, Set.of(), Hosts.NONE, Hosts.NONE));
        PlaywrightAssertions.setDefaultAssertionTimeout(60_000); // the machine may be busy
        playwright = Programs.playwright();
        browser = Programs.chromium(playwright);
    }

    @AfterAll
    static void stop() {
        playwright.close();
        server.close();
    }

    @BeforeEach
    void open() {
        open(1360, 860, ColorScheme.LIGHT);
    }

    private void open(int width, int height, ColorScheme colours) {
        context = browser.newContext(
                new Browser.NewContextOptions().setViewportSize(width, height).setColorScheme(colours));
        page = context.newPage();
        page.onPageError(complaints::add);
        page.onConsoleMessage(message -> {
            // a mistake that is told to the user
            if (message.type().equals("error") && !message.text().contains("status of 422")) {
                complaints.add(message.text());
            }
        });
        page.onRequest(request -> {
            if (!request.url().startsWith(address())
                    && !request.url().startsWith("data:")
                    && !request.url().startsWith("blob:")) {
                complaints.add("asked for " + request.url());
            }
        });
        page.navigate(address());
    }

    @AfterEach
    void close() {
        context.close();
        assertThat(complaints).isEmpty();
    }

    private static String address() {
        return "http://127.0.0.1:" + server.port() + "/";
    }

    private Locator button(String name) {
        return page.getByRole(
                AriaRole.BUTTON, new Page.GetByRoleOptions().setName(name).setExact(true));
    }

    /** The summary of a group under More. */
    private Locator group(String name) {
        return page.locator("fieldset.more summary", new Page.LocatorOptions().setHasText(name));
    }

    private Locator labelled(String label) {
        return page.getByLabel(label, new Page.GetByLabelOptions().setExact(true));
    }

    private void draw(String prompt) {
        assertThat(labelled("Width").first()).hasValue("128"); // the model's own size
        labelled("Sampling steps").first().fill("4");
        labelled("Sampling steps").first().press("Tab");
        labelled("Prompt").fill(prompt);
        labelled("Prompt").press("Control+Enter");
        assertThat(page.getByText("Generation data")).isVisible();
        assertThat(page.locator(".infotext")).containsText(prompt);
    }

    private void screenshot(String name) {
        page.screenshot(new Page.ScreenshotOptions().setPath(Path.of("target/screenshots", name + ".png")));
    }

    @Test
    void drawsWithTheKeyboardAlone() {
        draw("a red circle on a blue background");
        screenshot("create");
        button("Reuse seed").click();
        String seed = labelled("Seed").inputValue();
        assertThat(page.locator(".infotext")).containsText("Seed: " + seed);
        Download saved =
                page.waitForDownload(() -> page.getByRole(AriaRole.LINK, new Page.GetByRoleOptions().setName("Save"))
                        .click());
        assertThat(saved.suggestedFilename()).endsWith(seed + ".png");
    }

    @Test
    void aFailureIsToldOnceAndThePictureBeforeItStays() {
        draw("a blue star");
        labelled("Model or expression").fill("style/torn");
        labelled("Prompt").press("Control+Enter");
        assertThat(page.locator(".toast.error")).containsText("A job failed");
        assertThat(page.locator(".infotext")).containsText("a blue star");
        assertThat(button("Reuse seed")).isVisible();
        page.waitForTimeout(500);
        assertThat(page.locator(".toast.error")).hasCount(1);
    }

    private boolean isFocused(Locator element) {
        return Boolean.TRUE.equals(element.evaluate("element => element === document.activeElement"));
    }

    @Test
    void goesThroughCreateByTabAlone() {
        assertThat(labelled("Width").first()).hasValue("128");
        page.keyboard().press("Tab");
        assertThat(page.getByText("Skip to content")).isInViewport();
        page.keyboard().press("Enter");
        assertThat(isFocused(page.locator("#screen"))).isTrue();
        page.keyboard().press("Tab"); // the mode
        page.keyboard().press("Tab");
        page.keyboard().type("a red square");
        page.keyboard().press("Tab");
        page.keyboard().press("Tab");
        page.keyboard().press("Enter"); // Generate
        assertThat(page.locator(".infotext")).containsText("a red square");
        page.keyboard().press("Control+Enter");
        assertThat(page.locator(".thumb:nth-child(2)")).isVisible();
        Locator reachable = page.locator(".thumb[tabindex='0']");
        assertThat(reachable).hasCount(1);
        reachable.focus();
        page.keyboard().press("ArrowRight");
        assertThat(isFocused(page.locator(".thumb:nth-child(2)"))).isTrue();
        assertThat(page.locator(".thumb:nth-child(2)")).hasAttribute("aria-selected", "true");
    }

    @Test
    void aModelIsLookedAtAndUsedByTheKeyboardAlone() {
        page.navigate(address() + "#models");
        assertThat(page.locator(".model-row").first()).isVisible();
        page.keyboard().press("/");
        page.keyboard().type("watercolour");
        assertThat(page.getByText("1 model")).isVisible();
        page.keyboard().press("ArrowDown");
        assertThat(page.locator(".model-list")).hasAttribute("aria-activedescendant", Pattern.compile("model-\\d+"));
        assertThat(page.locator(".model-head")).isVisible();
        page.keyboard().press("Tab");
        assertThat(isFocused(button("Close"))).isTrue();
        page.keyboard().press("Escape");
        assertThat(page.locator(".model-head")).isHidden();
        assertThat(isFocused(page.locator(".model-list"))).isTrue();
        page.keyboard().press("ArrowUp");
        assertThat(page.locator(".model-head")).isVisible();
        button("Draw with it").press("Enter");
        assertThat(labelled("Model or expression")).hasValue("style/watercolour.safetensors");
        assertThat(isFocused(page.locator("#screen"))).isTrue();
    }

    @Test
    void aMaskIsPaintedByTheKeyboardAlone() {
        draw("a blue square");
        button("Send to inpaint").press("Enter");
        Locator editor = page.locator(".mask-editor");
        assertThat(editor).isVisible();
        assertThat(editor.locator("img")).hasJSProperty("complete", true);
        editor.focus();
        page.keyboard().press("Space");
        page.keyboard().press("Shift+ArrowRight");
        page.keyboard().press("Shift+ArrowRight");
        labelled("Prompt").press("Control+Enter");
        assertThat(page.locator(".infotext")).containsText("Mask blur: 4");
    }

    /** What is focused, as {@code name}, or what it lacks. */
    private static final String FOCUSED = """
            () => {
                const element = document.activeElement;
                if (element === document.body) return null;
                const labels = [...element.labels ?? []];
                const name = element.ariaLabel || labels.map((label) => label.textContent).join(' ') || element.textContent || element.title || element.placeholder;
                if (!name.trim()) return `nameless: ${element.outerHTML.slice(0, 200)}`;
                const seen = [element, ...labels].some((shown) => getComputedStyle(shown).outlineStyle !== 'none');
                return seen ? name.trim() : `unseen: ${element.outerHTML.slice(0, 200)}`;
            }""";

    @ParameterizedTest
    @ValueSource(strings = {"create", "models", "merge", "train", "jobs", "api"})
    void everythingHasANameAndIsSeenWhereTabComes(String screen) {
        page.navigate(address() + "#" + screen);
        assertThat(page.locator("main > *").first()).isVisible();
        page.waitForTimeout(500);
        List<Object> names = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            page.keyboard().press("Tab");
            Object name = page.evaluate(FOCUSED);
            if (name == null) {
                break;
            }
            names.add(name);
        }
        assertThat(names).hasSizeBetween(9, 299); // brand, six screens, and what the screen has; then it ends
        assertThat(names)
                .allSatisfy(name ->
                        assertThat(name.toString()).doesNotStartWith("nameless").doesNotStartWith("unseen"));
    }

    @Test
    void inpaintsUnderABrush() {
        draw("a green square");
        button("Send to inpaint").click();
        Locator mask = page.locator(".mask-stage canvas");
        mask.scrollIntoViewIfNeeded();
        BoundingBox box = mask.boundingBox();
        page.mouse().move(box.x + box.width * 0.3, box.y + box.height * 0.5);
        page.mouse().down();
        page.mouse()
                .move(
                        box.x + box.width * 0.7,
                        box.y + box.height * 0.5,
                        new com.microsoft.playwright.Mouse.MoveOptions().setSteps(8));
        page.mouse().up();
        screenshot("inpaint");
        button("Generate").click();
        assertThat(page.locator(".infotext")).containsText("Mask blur: 4");
    }

    @Test
    void anExpressionIsExplainedAndAMistakeToldWhileItIsTyped() {
        Locator model = labelled("Model or expression");
        model.fill("0.5*watercolour + 0.5*watercolor");
        assertThat(page.getByText("there is no such file or model as \"watercolor\""))
                .isVisible();
        assertThat(model).hasAttribute("aria-invalid", "true");
        model.fill("0.5*watercolour + 0.5*'ink drawing (v2)'");
        assertThat(page.getByText("nothing is written")).isVisible();
    }

    @Test
    void findsAModelByKeyboardAndShowsIt() {
        page.navigate(address() + "#models");
        assertThat(page.locator(".model-row").first()).isVisible();
        page.keyboard().press("/");
        page.keyboard().type("style/water");
        assertThat(page.getByText("1 model")).isVisible();
        page.keyboard().press("ArrowDown");
        assertThat(page.getByRole(AriaRole.HEADING, new Page.GetByRoleOptions().setName(MARKUP)))
                .isVisible();
        screenshot("models");
    }

    @Test
    void previewsAMergeOverMAndThenSavesIt() {
        page.navigate(address() + "#merge");
        labelled("Primary model (A)").fill("style/ink drawing (v2).safetensors");
        labelled("Secondary model (B)").fill("watercolour");
        labelled("Prompt").fill("a blue triangle");
        labelled("Values of M").fill("0, 0.5, 1");
        labelled("Custom Name (Optional)").fill("both");
        assertThat(page.getByText("both.safetensors")).isVisible();
        button("Preview").click();
        assertThat(page.locator(".cell-frame img[src*=images]")).hasCount(3);
        screenshot("merge");
        page.locator(".cell").nth(1).getByRole(AriaRole.BUTTON).click();
        assertThat(page.locator(".expression")).containsText("alpha=0.5");
        button("Merge").click();
        assertThat(page.getByText("Checkpoint saved to both.safetensors")).isVisible();
        assertThat(folder.resolve("models/both.safetensors")).exists();
        page.getByRole(AriaRole.LINK, new Page.GetByRoleOptions().setName("Show"))
                .click();
        assertThat(page.locator(".lineage")).containsText("weighted-sum(A, B");
    }

    private void drawWith(String training) {
        labelled("Training of " + training + ".safetensors")
                .getByRole(AriaRole.BUTTON, new Locator.GetByRoleOptions().setName("Draw with it"))
                .click();
    }

    @Test
    void trainsALoraFromDroppedPicturesAndDrawsWithIt() {
        page.navigate(address() + "#train");
        assertThat(labelled("Resolution")).hasValue("128");
        page.setInputFiles("#train-files", Path.of("../docs/images/circle.png"));
        labelled("Instance prompt").fill("a red circle");
        labelled("Name").fill("circle-lora");
        labelled("Training steps").first().fill("2");
        labelled("Training steps").first().press("Tab");
        button("Start training").click();
        assertThat(page.getByText("Saved to circle-lora.safetensors"))
                .isVisible(new LocatorAssertions.IsVisibleOptions().setTimeout(180_000));
        assertThat(page.locator(".loss").first()).isVisible();
        screenshot("train");
        drawWith("circle-lora");
        assertThat(labelled("Model or expression")).hasValue(Pattern.compile("lora\\(.*circle-lora.*"));
    }

    @Test
    void trainsAWholeModelFromThePage() {
        page.navigate(address() + "#train");
        page.getByRole(AriaRole.RADIO, new Page.GetByRoleOptions().setName("DreamBooth"))
                .click();
        page.setInputFiles("#train-files", Path.of("../docs/images/circle.png"));
        labelled("Instance prompt").fill("a sks circle");
        labelled("Name").fill("circle-model");
        labelled("Training steps").first().fill("2");
        labelled("Training steps").first().press("Tab");
        button("Start training").click();
        assertThat(page.getByText("Saved to circle-model.safetensors"))
                .isVisible(new LocatorAssertions.IsVisibleOptions().setTimeout(180_000));
        screenshot("train-dreambooth");
        drawWith("circle-model");
        assertThat(labelled("Model or expression")).hasValue(Pattern.compile("circle-model.*"));
    }

    @Test
    void whatFewPicturesNeedIsUnderMore() {
        group("Variation").click();
        labelled("Variation strength").first().fill("0.5");
        labelled("Variation strength").first().press("Tab");
        labelled("Variation seed").fill("5");
        labelled("Variation seed").press("Tab");
        group("Shortcuts").click();
        labelled("DeepCache interval").first().fill("2");
        labelled("DeepCache interval").first().press("Tab");
        group("VAE and pattern").click();
        labelled("Tiling").check();
        group("ControlNet").click();
        group("Refiner").click();
        draw("a red square");
        assertThat(page.locator(".infotext")).containsText("Variation seed: 5, Variation seed strength: 0.5");
        page.locator("fieldset.more").scrollIntoViewIfNeeded();
        screenshot("create-more");
        page.navigate(address() + "#api");
        assertThat(page.locator(".code").first()).containsText("\"cacheInterval\": 2");
    }

    @Test
    void jobsAreListedAndCanBeRetried() {
        draw("a yellow circle");
        page.navigate(address() + "#jobs");
        Locator job = page.locator(".job", new Page.LocatorOptions().setHasText("a yellow circle"))
                .first();
        assertThat(job).containsText("succeeded");
        screenshot("jobs");
        int before = page.locator(".job").count();
        job.getByRole(AriaRole.BUTTON, new Locator.GetByRoleOptions().setName("Retry"))
                .click();
        assertThat(page.locator(".job")).hasCount(before + 1);
    }

    @Test
    void thePlaygroundSaysWhatCreateIsSetTo() {
        labelled("Prompt").fill("it's a \"quoted\" circle");
        page.navigate(address() + "#api");
        assertThat(page.locator(".code").first()).containsText("it'\\''s a \\\"quoted\\\" circle");
        page.getByRole(AriaRole.RADIO, new Page.GetByRoleOptions().setName("AUTOMATIC1111"))
                .click();
        assertThat(page.locator(".code").first()).containsText("/sdapi/v1/txt2img");
        screenshot("api");
    }

    @Test
    void whatAPromptSaysIsNeverMarkup() {
        draw(MARKUP);
        page.navigate(address() + "#jobs");
        assertThat(page.locator(".job").first()).containsText(MARKUP);
        assertThat(page).hasTitle(Pattern.compile("Jobs"));
        assertThat(page.locator("img[src=x]")).hasCount(0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"create", "models", "merge", "train", "jobs", "api"})
    void fitsAPhone(String screen) {
        context.close();
        open(390, 844, ColorScheme.DARK);
        page.navigate(address() + "#" + screen);
        page.waitForLoadState();
        assertThat(page.locator("main > *").first()).isVisible();
        page.waitForTimeout(500);
        screenshot(screen + "-phone");
        assertThat(page.evaluate("document.documentElement.scrollWidth")).isEqualTo(390);
        assertThat(page.evaluate("getComputedStyle(document.body).backgroundColor"))
                .isEqualTo("rgb(20, 21, 23)");
    }
}
