package dev.atelier.server.db;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/** The PostgreSQL that is installed on this machine, running for a test; a test that asks for it is skipped where there is none. */
public final class LocalPostgres implements AutoCloseable {
    /** As whom it runs where the tests run as root; the user that Debian makes for it. */
    private static final String USER = "postgres";

    private final Path bin;
    private final Path folder;
    private final int port;
    private final AtomicInteger databases = new AtomicInteger();

    private LocalPostgres(Path bin, Path folder, int port) {
        this.bin = bin;
        this.folder = folder;
        this.port = port;
    }

    public static LocalPostgres start() throws IOException {
        Optional<Path> bin = bin();
        Assumptions.assumeTrue(bin.isPresent(), "no PostgreSQL on this machine");
        int port;
        try (ServerSocket socket = new ServerSocket(0)) {
            port = socket.getLocalPort();
        }
        Path folder = Files.createTempDirectory("atelier-postgres");
        if (isRoot()) {
            Files.setOwner(
                    folder,
                    FileSystems.getDefault().getUserPrincipalLookupService().lookupPrincipalByName(USER));
        }
        LocalPostgres postgres = new LocalPostgres(bin.get(), folder, port);
        postgres.run("initdb", "-D", "data", "-U", "atelier", "--auth=trust", "--no-sync", "-E", "UTF8");
        String options = "-p %d -k %s -F -c listen_addresses=127.0.0.1".formatted(port, folder);
        postgres.run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start");
        return postgres;
    }

    private static boolean isRoot() {
        return "root".equals(System.getProperty("user.name"));
    }

    /** The newest of Debian's, or what is on the path. */
    private static Optional<Path> bin() throws IOException {
        Path debian = Path.of("/usr/lib/postgresql");
        List<Path> folders = new ArrayList<>();
        if (Files.isDirectory(debian)) {
            try (Stream<Path> versions = Files.list(debian)) {
                versions.sorted((a, b) -> b.compareTo(a))
                        .map(version -> version.resolve("bin"))
                        .forEach(folders::add);
            }
        }
        Stream.of(System.getenv("PATH").split(":")).map(Paths::get).forEach(folders::add);
        return folders.stream()
                .filter(folder -> Files.isExecutable(folder.resolve("initdb")))
                .findFirst();
    }

    private void run(String program, String... arguments) throws IOException {
        List<String> command = new ArrayList<>();
        if (isRoot()) {
            // it refuses to run as root, whose path may lack /usr/sbin
            command.addAll(List.of("/usr/sbin/runuser", "-u", USER, "--"));
        }
        command.add(bin.resolve(program).toString());
        command.addAll(List.of(arguments));
        File output = folder.resolve(program + ".out").toFile();
        Process process = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output)
                .start();
        boolean isAlive = process.onExit()
                .completeOnTimeout(process, 60, TimeUnit.SECONDS)
                .join()
                .isAlive();
        assertThat(isAlive).as("%s goes on", program).isFalse();
        assertThat(process.exitValue())
                .as("%s: %s", program, Files.readString(output.toPath()))
                .isZero();
    }

    /** The address of a new, empty database. */
    public URI createDatabase() throws IOException {
        String name = "test" + databases.incrementAndGet();
        run("createdb", "-h", "127.0.0.1", "-p", Integer.toString(port), "-U", "atelier", name);
        return URI.create("postgresql://atelier:any@127.0.0.1:%d/%s".formatted(port, name));
    }

    @Override
    public void close() throws IOException {
        run("pg_ctl", "-D", "data", "-m", "immediate", "stop");
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
