package dev.atelier.engine.torch;

import dev.atelier.model.Network;
import org.bytedeco.pytorch.Context;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Where libtorch runs the networks, and in what precision.
 *
 * @param device {@code cpu}, {@code cuda} or, where there are several, {@code cuda:0}, {@code cuda:1}, …
 * @param precision of the text encoders and the UNet; the VAE, which overflows in fp16, stays in fp32
 */
public record TorchSettings(String device, Precision precision) {
    /** fp32 on the processor. */
    public static final TorchSettings DEFAULT = new TorchSettings("cpu", Precision.FP32);

    /** How many bits numbers have. Normalisations and softmax are summed up in fp32 whatever they are. */
    public enum Precision {
        FP32(torch.ScalarType.Float),
        /** fp32, of whose 23 bits a graphics card may leave 13 out where it multiplies. */
        TF32(torch.ScalarType.Float),
        BF16(torch.ScalarType.BFloat16),
        FP16(torch.ScalarType.Half);

        private final torch.ScalarType type;

        Precision(torch.ScalarType type) {
            this.type = type;
        }
    }

    /** @throws IllegalArgumentException if there is no device of such a name */
    public TorchSettings {
        if (!device.matches("cpu|cuda(:\\d{1,2})?")) {
            throw new IllegalArgumentException(
                    "a device is cpu, cuda, cuda:0, cuda:1, …, not \"%s\"".formatted(device));
        }
    }

    /** Whether weights have fewer bits than what comes in and goes out. */
    boolean isNarrow() {
        return precision.type != torch.ScalarType.Float;
    }

    private boolean isCuda() {
        return device.startsWith("cuda");
    }

    /**
     * Makes the device ready.
     *
     * @throws IllegalArgumentException if it cannot be used; the message says what it takes
     */
    void prepare() {
        if (!isCuda()) {
            return;
        }
        int index = device.contains(":") ? Integer.parseInt(device.substring(device.indexOf(':') + 1)) : 0;
        int devices = devices();
        if (index >= devices) {
            throw new IllegalArgumentException(
                    ("there is no device %s: CUDA finds %d. It takes an NVIDIA card, its driver, CUDA 13 with cuDNN 9 and"
                                    + " NCCL, and a build for them: ATELIER_GPU=1 ./atelier")
                            .formatted(device, devices));
        }
        Context context = torch.globalContext();
        context.setAllowTF32CuBLAS(precision == Precision.TF32);
        context.setAllowTF32CuDNN(precision == Precision.TF32);
        context.setBenchmarkCuDNN(true); // the same few shapes come at every step
    }

    private static int devices() {
        try {
            return torch.cuda_is_available() ? torch.cuda_device_count() : 0;
        } catch (LinkageError e) {
            throw new IllegalArgumentException("libtorch cannot be loaded: " + e.getMessage(), e);
        }
    }

    /** A tensor on the device. */
    Tensor place(Tensor tensor) {
        return isCuda() ? tensor.to(new Device(device), tensor.scalar_type()) : tensor;
    }

    /** A weight of {@code network} as it is computed with; {@code fp32} is freed where that is another tensor. */
    Tensor weight(Tensor fp32, Network network) {
        boolean isVae = network == Network.VAE_DECODER || network == Network.VAE_ENCODER;
        torch.ScalarType type = isVae ? torch.ScalarType.Float : precision.type;
        if (!isCuda() && type == torch.ScalarType.Float) {
            return fp32;
        }
        try (Device place = new Device(device)) {
            Tensor placed = fp32.to(place, type);
            fp32.close();
            if (!isCuda() || placed.dim() != 4) {
                return placed;
            }
            Tensor packed = placed.contiguous(torch.MemoryFormat.ChannelsLast); // what tensor cores convolve
            placed.close();
            return packed;
        }
    }
}
