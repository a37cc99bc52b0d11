import dev.atelier.Atelier;
import dev.atelier.Engine;
import dev.atelier.diffusion.GenerationRequest;
import dev.atelier.diffusion.PngFile;
import dev.atelier.diffusion.SamplerChoice;
import dev.atelier.server.Server;
import dev.atelier.server.ServerOptions;
import dev.atelier.server.Storage;
import dev.atelier.server.WorkOptions;
import dev.atelier.server.job.Worker;
import dev.atelier.server.outbound.Hosts;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the server costs: see README.md. Arguments: overhead | polls | catalog, and an empty folder; or first, and an address. */
final class Load {
    private static final HttpClient CLIENT =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    public static void main(String[] arguments) throws Exception {
        if (arguments[0].equals("first")) {
            first(arguments[1]);
            return;
        }
        Path folder = Path.of(arguments[1]);
        if (arguments[0].equals("catalog")) {
            makeModels(folder.resolve("models"), 10_000);
        }
        WorkOptions work = new WorkOptions(
                Storage.in(folder.resolve("data")), folder.resolve("models"), 1, Engine.ONNX, Worker.Pace.STANDARD);
        try (Server server = Server.start(
                new ServerOptions("127.0.0.1", 0, work, null, 1000, null, Set.of(), Hosts.NONE, Hosts.NONE))) {
            String base = "http://127.0.0.1:" + server.port();
            switch (arguments[0]) {
                case "overhead" -> overhead(base, folder);
                case "polls" -> polls(base);
                case "catalog" -> catalog(base);
                default -> throw new IllegalArgumentException(arguments[0]);
            }
        }
    }

    private static String send(String url, String body) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url));
        if (body != null) {
            request.POST(BodyPublishers.ofString(body));
        }
        var response = CLIENT.send(request.build(), BodyHandlers.ofString());
        if (response.statusCode() != 200) {
            throw new IllegalStateException(response.statusCode() + " " + response.body());
        }
        return response.body();
    }

    /** A connection that stays open, and as little around it as can be: what is measured is the server. */
    private static final class Connection implements AutoCloseable {
        private final Socket socket;
        private final BufferedInputStream in;

        Connection(String base) throws Exception {
            URI address = URI.create(base);
            socket = new Socket(address.getHost(), address.getPort());
            socket.setTcpNoDelay(true);
            in = new BufferedInputStream(socket.getInputStream(), 1 << 16);
        }

        static byte[] post(String path, String body) {
            return "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                    .formatted(path, body.length(), body)
                    .getBytes(StandardCharsets.US_ASCII);
        }

        static byte[] get(String path) {
            return ("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n").getBytes(StandardCharsets.US_ASCII);
        }

        byte[] exchange(byte[] request) throws Exception {
            socket.getOutputStream().write(request);
            String status = line();
            if (!status.contains(" 200 ")) {
                throw new IllegalStateException(status);
            }
            int length = -1;
            for (String header = line(); !header.isEmpty(); header = line()) {
                if (header.toLowerCase(Locale.ROOT).startsWith("content-length:")) {
                    length = Integer.parseInt(header.substring(15).strip());
                }
            }
            return in.readNBytes(length);
        }

        private String line() throws Exception {
            StringBuilder line = new StringBuilder();
            for (int b = in.read(); b != '\n'; b = in.read()) {
                if (b != '\r') {
                    line.append((char) b);
                }
            }
            return line.toString();
        }

        @Override
        public void close() throws Exception {
            socket.close();
        }
    }

    private static final String PICTURE = "{\"prompt\": \"a red circle\", \"steps\": 4, \"seed\": 1, \"width\": 128, \"height\": 128,"
            + " \"sampler_name\": \"Euler\", \"cfg_scale\": 7}";

    /** The first pictures of a server that has just been started: what each took beyond the time in which its job ran. */
    private static void first(String base) throws Exception {
        int count = 80;
        List<Double> taken = new ArrayList<>();
        byte[] request = Connection.post("/sdapi/v1/txt2img", PICTURE);
        warm(request);
        try (Connection connection = new Connection(base)) {
            for (int i = 0; i < count; i++) {
                long start = System.nanoTime();
                connection.exchange(request);
                taken.add((System.nanoTime() - start) / 1e6);
                Thread.sleep(30);
            }
        }
        Matcher job = Pattern.compile("\"startedAt\":\"([^\"]+)\",\"finishedAt\":\"([^\"]+)\"")
                .matcher(send(base + "/api/v1/jobs?limit=" + count, null));
        for (int i = count - 1; i >= 0 && job.find(); i--) {
            Duration run = Duration.between(Instant.parse(job.group(1)), Instant.parse(job.group(2)));
            taken.set(i, taken.get(i) - run.toMillis());
        }
        for (int[] range : new int[][] {{0, 1}, {1, 5}, {5, 10}, {10, 20}, {20, 40}, {40, 80}}) {
            print("pictures %d to %d beyond their jobs, ms".formatted(range[0] + 1, range[1]), taken.subList(range[0], range[1]));
        }
    }

    /** Exchanges with one who knows one answer, so that it is the server that is cold, and not its caller. */
    private static void warm(byte[] request) throws Exception {
        byte[] head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 52000\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
        byte[] answer = Arrays.copyOf(head, head.length + 52_000);
        try (ServerSocket one = new ServerSocket(0);
                Connection connection = new Connection("http://127.0.0.1:" + one.getLocalPort());
                Socket other = one.accept()) {
            Thread.ofPlatform().daemon().start(() -> {
                try {
                    while (other.getInputStream().readNBytes(request.length).length == request.length) {
                        other.getOutputStream().write(answer);
                    }
                } catch (IOException _) {
                    // that was all
                }
            });
            for (int i = 0; i < 10_000; i++) {
                connection.exchange(request);
            }
        }
        Thread.sleep(500);
    }

    /** The same small picture in this process and over HTTP, in turns, each after a rest in which what the other left can end. */
    private static void overhead(String base, Path folder) throws Exception {
        Path demo;
        try (var files = Files.list(folder.resolve("data/demo"))) {
            demo = files.filter(file -> file.toString().endsWith(".safetensors")).findFirst().orElseThrow();
        }
        GenerationRequest request = GenerationRequest.of("a red circle")
                .steps(4)
                .seed(1)
                .size(128, 128)
                .sampler(SamplerChoice.named("Euler", null))
                .cfgScale(7);
        byte[] picture = Connection.post("/sdapi/v1/txt2img", PICTURE);
        List<Double> inProcess = new ArrayList<>();
        List<Double> overHttp = new ArrayList<>();
        try (Atelier atelier = Atelier.open(demo);
                Connection connection = new Connection(base)) {
            for (int i = -500; i < 300; i++) {
                Thread.sleep(i < 0 ? 0 : 30);
                long start = System.nanoTime();
                PngFile.encode(atelier.generate(request).getFirst());
                long drawn = System.nanoTime();
                Thread.sleep(i < 0 ? 0 : 30);
                long sent = System.nanoTime();
                connection.exchange(picture);
                long end = System.nanoTime();
                if (i >= 0) {
                    inProcess.add((drawn - start) / 1e6);
                    overHttp.add((end - sent) / 1e6);
                }
            }
        }
        print("picture in process, ms", inProcess);
        print("picture over HTTP, ms", overHttp);
    }

    /** How often all callers together can ask how a task is. */
    private static void polls(String base) throws Exception {
        String models = send(base + "/v3/model", null);
        String model = models.replaceAll("(?s).*?\"sd_name\":\"([^\"]+)\".*", "$1");
        String answer = send(
                base + "/v3/async/txt2img",
                "{\"request\": {\"model_name\": \"%s\", \"prompt\": \"x\", \"width\": 128, \"height\": 128, \"steps\": 1,"
                        .formatted(model) + " \"image_num\": 1, \"sampler_name\": \"Euler\"}}");
        String path = "/v3/async/task-result?task_id=" + answer.replaceAll(".*:\"|\"}", "");
        while (!send(base + path, null).contains("TASK_STATUS_SUCCEED")) {
            Thread.sleep(100);
        }
        for (int callers : new int[] {1, 8, 32}) {
            for (int round = 0; round < 3; round++) {
                List<Double> times = pollFor(base, path, callers, Duration.ofSeconds(4));
                if (round > 0) {
                    System.out.printf("%d callers: %.0f polls a second%n", callers, times.size() / 4.0);
                    print("  a poll, ms", times);
                }
            }
        }
    }

    private static List<Double> pollFor(String base, String path, int callers, Duration time) throws Exception {
        long end = System.nanoTime() + time.toNanos();
        List<Double> all = new ArrayList<>();
        try (var executor = Executors.newFixedThreadPool(callers)) {
            byte[] poll = Connection.get(path);
            List<Future<List<Double>>> running = new ArrayList<>();
            for (int i = 0; i < callers; i++) {
                running.add(executor.submit(() -> {
                    List<Double> times = new ArrayList<>();
                    try (Connection connection = new Connection(base)) {
                        while (System.nanoTime() < end) {
                            long start = System.nanoTime();
                            connection.exchange(poll);
                            times.add((System.nanoTime() - start) / 1e6);
                        }
                    }
                    return times;
                }));
            }
            for (Future<List<Double>> each : running) {
                all.addAll(each.get());
            }
        }
        return all;
    }

    /** Searches of many words, each answered by a page. */
    private static void catalog(String base) throws Exception {
        long start = System.nanoTime();
        for (int last = 9_950; last < 10_000; last++) { // of each folder
            while (!send("%s/api/v1/models?q=%05d".formatted(base, last), null).contains("-%05d.".formatted(last))) {
                Thread.sleep(100);
            }
        }
        System.out.printf("10,000 models catalogued after %.1f s%n", (System.nanoTime() - start) / 1e9);
        List<Double> scans = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            long begin = System.nanoTime();
            send(base + "/sdapi/v1/refresh-checkpoints", "");
            scans.add((System.nanoTime() - begin) / 1e6);
        }
        print("looking again, none changed, ms", scans);
        for (String route : List.of(
                "/api/v1/models?limit=50&q=", "/v3/model?pagination.limit=50&filter.query=", "/v2/models?x=", "/sdapi/v1/sd-models?x=")) {
            List<Double> times = new ArrayList<>();
            int count = route.endsWith("x=") ? 60 : 400;
            for (int i = -30; i < count; i++) {
                String word = WORDS[Math.floorMod(i, WORDS.length)] + (i % 3 == 0 ? "" : Integer.toString(Math.floorMod(i * 7919, 100)));
                long begin = System.nanoTime();
                send(base + route + word, null);
                if (i >= 0) {
                    times.add((System.nanoTime() - begin) / 1e6);
                }
            }
            print(route + "…, ms", times);
        }
    }

    private static final String[] WORDS = {"anime", "photo", "paint", "real", "dream", "style", "mix", "toon"};

    /** Sparse files of 2 GB, each a safetensors file of SD 1.5's marking tensors. */
    private static void makeModels(Path folder, int count) throws Exception {
        Files.createDirectories(folder);
        for (int i = 0; i < count; i++) {
            String name = "%s-%s-%05d".formatted(WORDS[i % WORDS.length], WORDS[i / 7 % WORDS.length], i);
            Path file = folder.resolve("%02d".formatted(i % 50)).resolve(name + ".safetensors");
            Files.createDirectories(file.getParent());
            long weights = (2L << 30) + 4L * i;
            String header = ("{\"__metadata__\":{\"modelspec.title\":\"%s\"},\"model.diffusion_model.input_blocks.0.0.weight\":"
                            + "{\"dtype\":\"F32\",\"shape\":[%d],\"data_offsets\":[0,%d]}}")
                    .formatted(name, weights / 4, weights);
            byte[] bytes = header.getBytes(StandardCharsets.UTF_8);
            try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
                out.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(bytes.length).array());
                out.write(bytes);
                out.setLength(8 + bytes.length + weights);
            }
        }
    }

    private static void print(String what, List<Double> times) {
        double[] sorted = times.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        System.out.printf(
                "%-48s median %7.2f   p90 %7.2f   p99 %7.2f   max %7.2f   (%d)%n",
                what,
                sorted[sorted.length / 2],
                sorted[sorted.length * 9 / 10],
                sorted[sorted.length * 99 / 100],
                sorted[sorted.length - 1],
                sorted.length);
    }
}
