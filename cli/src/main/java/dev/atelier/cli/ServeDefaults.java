package dev.atelier.cli;

import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;

/** Options that the command line leaves open: from the environment, then from a file, then the option's own default. */
final class ServeDefaults implements IDefaultValueProvider {
    private final Map<String, String> environment;
    private final Properties file;

    ServeDefaults() {
        this(System.getenv());
    }

    ServeDefaults(Map<String, String> environment) {
        this.environment = environment;
        this.file = read(environment);
    }

    private static Properties read(Map<String, String> environment) {
        Properties properties = new Properties();
        String named = environment.get("ATELIER_CONFIG");
        Path path = named != null
                ? Path.of(named)
                : folder("XDG_CONFIG_HOME", ".config").resolve("serve.properties");
        if (named == null && !Files.exists(path)) {
            return properties;
        }
        try (Reader reader = Files.newBufferedReader(path)) {
            properties.load(reader);
            return properties;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public @Nullable String defaultValue(ArgSpec argument) {
        if (!(argument instanceof OptionSpec option) || !option.longestName().startsWith("--")) {
            return null;
        }
        String name = option.longestName().substring(2);
        String variable =
                environment.get("ATELIER_" + name.toUpperCase(Locale.ROOT).replace('-', '_'));
        return variable != null ? variable : file.getProperty(name);
    }

    /** Where a user's data goes: the folder that the XDG base directory specification names. */
    static Path dataFolder() {
        return folder("XDG_DATA_HOME", ".local/share");
    }

    private static Path folder(String variable, String below) {
        String set = System.getenv(variable);
        Path base = set != null && !set.isEmpty() ? Path.of(set) : Path.of(System.getProperty("user.home"), below);
        return base.resolve("atelier");
    }
}
