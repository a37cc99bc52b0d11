package dev.atelier.server.studio;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class StudioPageTest {
    private static final Pattern IMPORT = Pattern.compile("'\\./([a-z-]+\\.js)'");

    @Test
    void noScriptImportsItselfByWayOfOthers() throws IOException {
        Map<String, List<String>> imports = new TreeMap<>();
        try (DirectoryStream<Path> scripts = Files.newDirectoryStream(Path.of("src/main/resources/studio"), "*.js")) {
            for (Path script : scripts) {
                imports.put(
                        script.getFileName().toString(),
                        IMPORT.matcher(Files.readString(script))
                                .results()
                                .map(found -> found.group(1))
                                .toList());
            }
        }
        assertThat(imports).containsKey("app.js");
        for (String script : imports.keySet()) {
            Set<String> reached = new HashSet<>();
            imports.get(script).forEach(other -> reach(other, imports, reached));
            assertThat(reached).as("what %s imports", script).doesNotContain(script);
        }
    }

    private static void reach(String script, Map<String, List<String>> imports, Set<String> reached) {
        if (reached.add(script)) {
            imports.get(script).forEach(other -> reach(other, imports, reached));
        }
    }
}
