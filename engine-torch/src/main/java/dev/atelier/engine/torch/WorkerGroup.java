package dev.atelier.engine.torch;

import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.time.Duration;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.javacpp.SizeTPointer;
import org.bytedeco.javacpp.chrono.Milliseconds;
import org.bytedeco.pytorch.ProcessGroupGloo;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.TCPStore;
import org.bytedeco.pytorch.TCPStoreOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;

/**
 * Several processes that train one model together, through libtorch's own distributed package (gloo, for CPUs). Every process
 * computes the gradients of batches of its own; their mean is what moves the weights, and as all processes start with the same
 * weights and make the same moves, these stay the same everywhere.
 *
 * <p>A process that dies takes the others with it: their next call throws.
 */
public final class WorkerGroup implements AutoCloseable {
    /** Elements that are sent at once: the 25 MB of PyTorch's DistributedDataParallel. */
    private static final long BUCKET = 25 * (1 << 20) / Float.BYTES;

    private static final Duration PATIENCE = Duration.ofDays(1); // the first may draw pictures while others wait

    private final WorkerPlace place;
    private final TCPStore store;
    private final ProcessGroupGloo group;

    private WorkerGroup(WorkerPlace place, TCPStore store, ProcessGroupGloo group) {
        this.place = place;
        this.store = store;
        this.group = group;
    }

    /** Waits for all others to join too. Must not be called within a pointer scope. */
    public static WorkerGroup join(WorkerPlace place) {
        Loader.load(org.bytedeco.javacpp.presets.javacpp.class);
        TCPStore store = store(place);
        ProcessGroupGloo.Options options = ProcessGroupGloo.Options.create(new Milliseconds(PATIENCE.toMillis()));
        options.devices().push_back(ProcessGroupGloo.createDeviceForHostname(ownAddress(place)));
        return new WorkerGroup(place, store, new ProcessGroupGloo(store, place.rank(), place.size(), options));
    }

    private static TCPStore store(WorkerPlace place) {
        TCPStoreOptions options = new TCPStoreOptions()
                .port((short) place.port())
                .isServer(place.rank() == 0)
                .numWorkers(new SizeTPointer(1).put(place.size()))
                .useLibUV(false);
        return new TCPStore(place.host(), options);
    }

    /** The address of this machine from which process 0 is reached. */
    private static String ownAddress(WorkerPlace place) {
        try (DatagramSocket socket = new DatagramSocket()) {
            socket.connect(new InetSocketAddress(place.host(), place.port())); // finds a way and sends nothing
            return socket.getLocalAddress().getHostAddress();
        } catch (SocketException e) {
            throw new IllegalArgumentException("no way leads to %s: %s".formatted(place.host(), e.getMessage()), e);
        }
    }

    /** Whether this is the process that writes files. */
    public boolean leads() {
        return place.rank() == 0;
    }

    /** Returns when all processes have called it. */
    public void await() {
        mean(0);
    }

    /** Which process this is. */
    public WorkerPlace place() {
        return place;
    }

    /** The mean of a number over all processes. */
    public double mean(double value) {
        try (PointerScope _ = new PointerScope()) {
            Tensor number = org.bytedeco.pytorch.global.torch.zeros(1).add(new Scalar(value));
            average(number);
            return number.item_double();
        }
    }

    /** Replaces a vector by its mean over all processes. */
    void average(Tensor vector) {
        forEachBucket(vector, bucket -> {
            group.allreduce(bucket)._wait();
            bucket.get(0).div_(new Scalar((double) place.size()));
        });
    }

    /** Replaces a vector by that of process 0. */
    void spread(Tensor vector) {
        forEachBucket(vector, bucket -> group.broadcast(bucket)._wait());
    }

    private interface Bucket {
        void send(TensorVector bucket);
    }

    private static void forEachBucket(Tensor vector, Bucket action) {
        long size = vector.size(0);
        for (long from = 0; from < size; from += BUCKET) {
            try (PointerScope _ = new PointerScope()) {
                action.send(new TensorVector(vector.narrow(0, from, Math.min(BUCKET, size - from))));
            }
        }
    }

    @Override
    public void close() {
        group.close();
        store.close();
    }
}
