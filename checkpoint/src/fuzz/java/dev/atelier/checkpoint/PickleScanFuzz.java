package dev.atelier.checkpoint;

import com.code_intelligence.jazzer.junit.FuzzTest;

class PickleScanFuzz {
    @FuzzTest(maxDuration = "5m")
    void anyBytesEndInAReport(byte[] bytes) {
        PickleScanner.scan("fuzzed", bytes, Integer.MAX_VALUE, new ScanReport.Collector());
    }
}
