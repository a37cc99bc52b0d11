package dev.atelier.cli;

import dev.atelier.server.Workplace;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

@Command(
        name = "worker",
        description = {
            "Draws what servers queue, until Ctrl-C.",
            "",
            "Any number of workers, on any number of machines, take jobs from one database. Each sees the same models under "
                    + "the same names. What a worker was doing when it died is done by another.",
            "",
            "Options may also stand in the environment or in a file, as those of \"atelier serve\".",
            "",
            "Examples:",
            "  atelier worker --models /models \\",
            "      --database-url postgresql://atelier@db/atelier --store s3://pictures",
            "",
        },
        sortOptions = false,
        defaultValueProvider = ServeDefaults.class,
        mixinStandardHelpOptions = true)
final class WorkerCommand implements Callable<Integer> {
    @Mixin
    private WorkplaceOptions work = new WorkplaceOptions();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws InterruptedException {
        Workplace workplace = Workplace.start(work.options());
        Runtime.getRuntime().addShutdownHook(new Thread(workplace::close, "shutdown"));
        spec.commandLine().getOut().println("Waiting for jobs");
        spec.commandLine().getOut().flush();
        new CountDownLatch(1).await();
        return 0;
    }
}
