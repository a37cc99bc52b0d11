package dev.atelier.server.metric;

import dev.atelier.server.job.JobState;
import dev.atelier.server.job.Jobs;
import dev.atelier.server.job.Lane;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.Locale;

/** What is counted and timed in this process. Thread-safe. */
public final class Metrics implements AutoCloseable {
    private static final Duration[] REQUEST_BUCKETS = {
        Duration.ofMillis(1),
        Duration.ofMillis(5),
        Duration.ofMillis(20),
        Duration.ofMillis(100),
        Duration.ofSeconds(1),
        Duration.ofSeconds(10),
        Duration.ofMinutes(1)
    };
    private static final Duration[] JOB_BUCKETS = {
        Duration.ofMillis(100),
        Duration.ofSeconds(1),
        Duration.ofSeconds(5),
        Duration.ofSeconds(20),
        Duration.ofMinutes(1),
        Duration.ofMinutes(10),
        Duration.ofHours(1)
    };

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final JvmGcMetrics collections = new JvmGcMetrics();

    public Metrics() {
        new JvmMemoryMetrics().bindTo(registry);
        collections.bindTo(registry);
        new ProcessorMetrics().bindTo(registry);
        new FileDescriptorMetrics().bindTo(registry);
        new UptimeMetrics().bindTo(registry);
    }

    /** Counts the queue when it is asked for. */
    public void watch(Jobs jobs) {
        for (Lane lane : Lane.values()) {
            for (JobState state : JobState.values()) {
                Gauge.builder("atelier.jobs", () -> jobs.count(lane, state))
                        .description("Jobs that the database holds")
                        .tag("lane", word(lane))
                        .tag("state", word(state))
                        .register(registry);
            }
        }
    }

    /** @param route as it was declared, such as {@code /v1/jobs/{id}}: paths of all kinds would be a series each */
    public void request(String method, String route, int status, Duration time) {
        Timer.builder("http.server.requests")
                .description("Answered requests")
                .serviceLevelObjectives(REQUEST_BUCKETS)
                .tag("method", method)
                .tag("route", route)
                .tag("status", Integer.toString(status))
                .register(registry)
                .record(time);
    }

    /** @param outcome such as {@code succeeded} */
    public void job(String kind, String outcome, Duration time) {
        Timer.builder("atelier.job.run")
                .description("Jobs that workers of this process have run")
                .serviceLevelObjectives(JOB_BUCKETS)
                .tag("kind", kind)
                .tag("outcome", outcome)
                .register(registry)
                .record(time);
    }

    private static String word(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT);
    }

    /** All figures in Prometheus' text format. */
    public String scrape() {
        return registry.scrape();
    }

    @Override
    public void close() {
        collections.close();
        registry.close();
    }
}
