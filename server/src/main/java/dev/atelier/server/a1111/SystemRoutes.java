package dev.atelier.server.a1111;

import com.sun.management.OperatingSystemMXBean;
import dev.atelier.Atelier;
import java.lang.management.ManagementFactory;
import java.util.LinkedHashMap;
import java.util.Map;

/** About the machine. */
final class SystemRoutes {
    private SystemRoutes() {}

    /** {@code GET /sdapi/v1/memory}, in bytes. */
    static Map<String, Object> memory() {
        OperatingSystemMXBean system = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
        long total = system.getTotalMemorySize();
        long free = system.getFreeMemorySize();
        return Map.of(
                "ram", Map.of("free", free, "used", total - free, "total", total),
                "cuda", Map.of("error", "unavailable"));
    }

    /** {@code GET /internal/sysinfo}. */
    static Map<String, Object> info() {
        OperatingSystemMXBean system = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
        Map<String, Object> info = new LinkedHashMap<>();
        info.put("Platform", "%s-%s-%s".formatted(system.getName(), system.getVersion(), system.getArch()));
        info.put("Python", "none; Java " + System.getProperty("java.version"));
        info.put("Version", Atelier.version());
        info.put("CPU", Map.of("model", system.getArch(), "count logical", system.getAvailableProcessors()));
        info.put(
                "RAM",
                Map.of("total", gigabytes(system.getTotalMemorySize()), "free", gigabytes(system.getFreeMemorySize())));
        return info;
    }

    private static String gigabytes(long bytes) {
        return "%dGB".formatted(Math.round(bytes / 0x1p30));
    }
}
