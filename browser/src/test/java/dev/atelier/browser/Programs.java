package dev.atelier.browser;

import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.Playwright;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The system's Node and Chromium, or those that {@code NODE} and {@code CHROMIUM} name. */
final class Programs {
    private Programs() {}

    static Playwright playwright() {
        return Playwright.create(new Playwright.CreateOptions()
                .setEnv(Map.of(
                        "PLAYWRIGHT_NODEJS_PATH",
                        find("NODE", "node", "nodejs").toString(),
                        "PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD",
                        "1")));
    }

    static Browser chromium(Playwright playwright) {
        return playwright
                .chromium()
                .launch(new BrowserType.LaunchOptions()
                        .setExecutablePath(find("CHROMIUM", "chromium", "chromium-browser", "google-chrome"))
                        .setArgs(List.of("--no-sandbox"))); // which root needs
    }

    private static Path find(String variable, String... names) {
        String given = System.getenv(variable);
        if (given != null) {
            return Path.of(given);
        }
        return Stream.of(System.getenv("PATH").split(":"))
                .flatMap(folder -> Stream.of(names).map(name -> Path.of(folder, name)))
                .filter(Files::isExecutable)
                .findFirst()
                .orElseThrow(() -> new IllegalStateException(
                        "there is no %s on this machine; %s may name one".formatted(names[0], variable)));
    }
}
