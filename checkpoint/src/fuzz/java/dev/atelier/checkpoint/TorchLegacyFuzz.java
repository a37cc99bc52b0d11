package dev.atelier.checkpoint;

import com.code_intelligence.jazzer.junit.FuzzTest;

class TorchLegacyFuzz {
    @FuzzTest(maxDuration = "5m")
    void anyBytesOpenOrAreRefused(byte[] bytes) {
        Opening.of(bytes, TorchLegacyReader::read);
    }
}
