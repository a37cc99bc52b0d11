package dev.atelier.server.outbound;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.util.List;

/** Which addresses belong to the internet at large, by IANA's registries of special-purpose addresses (RFC 6890). */
final class PublicAddress {
    private record Block(int network, int bits) {
        static Block of(int a, int b, int c, int bits) {
            return new Block(a << 24 | b << 16 | c << 8, bits);
        }

        boolean contains(int address) {
            return (address ^ network) >>> (32 - bits) == 0;
        }
    }

    private static final List<Block> SPECIAL = List.of(
            Block.of(0, 0, 0, 8), // this network
            Block.of(10, 0, 0, 8), // private
            Block.of(100, 64, 0, 10), // carriers' own
            Block.of(127, 0, 0, 8), // loopback
            Block.of(169, 254, 0, 16), // link-local, with the clouds' metadata services
            Block.of(172, 16, 0, 12), // private
            Block.of(192, 0, 0, 24), // protocols
            Block.of(192, 0, 2, 24), // documentation
            Block.of(192, 88, 99, 24), // relays of 6to4
            Block.of(192, 168, 0, 16), // private
            Block.of(198, 18, 0, 15), // benchmarks
            Block.of(198, 51, 100, 24), // documentation
            Block.of(203, 0, 113, 24), // documentation
            Block.of(224, 0, 0, 4), // multicast
            Block.of(240, 0, 0, 4)); // reserved, and broadcast

    private PublicAddress() {}

    static boolean is(InetAddress address) {
        byte[] bytes = address.getAddress();
        if (address instanceof Inet4Address) {
            return isPublic(v4(bytes, 0));
        }
        int first = ((bytes[0] & 0xff) << 8) | (bytes[1] & 0xff);
        int second = ((bytes[2] & 0xff) << 8) | (bytes[3] & 0xff);
        if (first == 0x64 && second == 0xff9b) {
            return isPublic(v4(bytes, 12)); // an IPv4 address behind NAT64
        }
        if (first == 0x2002) {
            return isPublic(v4(bytes, 2)); // an IPv4 address in 6to4
        }
        boolean isGlobal = first >>> 13 == 1; // 2000::/3, all that is given out
        boolean isSpecial =
                (first == 0x2001 && (second < 0x200 || second == 0xdb8)) // Teredo and other protocols; documentation
                        || (first == 0x3fff && second < 0x1000); // documentation
        return isGlobal && !isSpecial;
    }

    private static boolean isPublic(int address) {
        return SPECIAL.stream().noneMatch(block -> block.contains(address));
    }

    private static int v4(byte[] bytes, int from) {
        return ((bytes[from] & 0xff) << 24)
                | ((bytes[from + 1] & 0xff) << 16)
                | ((bytes[from + 2] & 0xff) << 8)
                | (bytes[from + 3] & 0xff);
    }
}
