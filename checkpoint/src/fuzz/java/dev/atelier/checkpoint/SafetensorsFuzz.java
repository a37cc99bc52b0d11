package dev.atelier.checkpoint;

import com.code_intelligence.jazzer.junit.FuzzTest;

class SafetensorsFuzz {
    @FuzzTest(maxDuration = "5m")
    void anyBytesOpenOrAreRefused(byte[] bytes) {
        Opening.of(bytes, SafetensorsReader::read);
    }
}
