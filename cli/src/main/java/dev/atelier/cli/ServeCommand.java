package dev.atelier.cli;

import dev.atelier.server.Server;
import dev.atelier.server.ServerOptions;
import dev.atelier.server.http.BasicAuth;
import dev.atelier.server.outbound.Hosts;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "serve",
        description = {
            "Serves a web page and HTTP APIs (AUTOMATIC1111's, Novita's and its own) until Ctrl-C.",
            "",
            "Every request is a job that survives the end of this process: what was waiting or running is done after the "
                    + "next start.",
            "",
            "Each option may also be given in the environment (--port as ATELIER_PORT) or in a file of lines such as "
                    + "\"port = 8080\", named in ATELIER_CONFIG or by default ~/.config/atelier/serve.properties. The "
                    + "command line wins over the environment, and the environment over the file.",
            "",
            "Examples:",
            "  atelier serve --models ~/models",
            "  atelier serve --host 0.0.0.0 --port 8080 --api-auth alice:secret",
            "  atelier serve --workers 0 --database-url postgresql://atelier@db/atelier \\",
            "      --store s3://pictures",
            "",
        },
        sortOptions = false,
        defaultValueProvider = ServeDefaults.class,
        mixinStandardHelpOptions = true)
final class ServeCommand implements Callable<Integer> {
    @Option(
            names = "--host",
            paramLabel = "ADDRESS",
            defaultValue = "127.0.0.1",
            description = "Where to listen; 0.0.0.0 is everywhere, and needs --api-auth. Default: ${DEFAULT-VALUE}, "
                    + "which only this machine can reach.")
    private String host = "";

    @Option(names = "--port", paramLabel = "N", defaultValue = "7860", description = "Default: ${DEFAULT-VALUE}.")
    private int port;

    @Mixin
    private WorkplaceOptions work = new WorkplaceOptions();

    @Option(
            names = "--api-auth",
            paramLabel = "USER:PASSWORD",
            split = ",",
            description = "Who may call; several are separated by commas.")
    private List<String> credentials = List.of();

    @Option(
            names = "--queue",
            paramLabel = "N",
            defaultValue = "1000",
            description = "Jobs that may wait; more are refused with 429. Default: ${DEFAULT-VALUE}.")
    private int queue;

    @Option(
            names = "--keep",
            paramLabel = "DAYS",
            description = "How long finished jobs and their pictures are kept. Default: for ever.")
    private @Nullable Integer keep;

    @Option(
            names = "--cors-allow-origins",
            paramLabel = "ORIGIN",
            split = ",",
            description = "Web pages of other servers that may call, such as https://example.org.")
    private Set<String> origins = Set.of();

    @Option(
            names = "--webhook-hosts",
            paramLabel = "HOST",
            split = ",",
            description = "Hosts whose webhooks are called although their addresses are private, such as localhost.")
    private List<String> webhookHosts = List.of();

    @Option(
            names = "--download-from",
            paramLabel = "HOST",
            split = ",",
            description =
                    "Hosts from which models, and pictures in requests, may be fetched by their address, such as huggingface.co,*.hf.co. "
                            + "Default: none.")
    private List<String> downloadHosts = List.of();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws InterruptedException {
        Server server = Server.start(new ServerOptions(
                host,
                port,
                work.options(),
                credentials.isEmpty() ? null : new BasicAuth(credentials),
                queue,
                keep == null ? null : Duration.ofDays(keep),
                origins,
                new Hosts(webhookHosts),
                new Hosts(downloadHosts)));
        Runtime.getRuntime().addShutdownHook(new Thread(server::close, "shutdown"));
        PrintWriter out = spec.commandLine().getOut();
        out.printf("Listening on http://%s:%d%n", host, server.port());
        out.flush();
        new CountDownLatch(1).await();
        return 0;
    }
}
