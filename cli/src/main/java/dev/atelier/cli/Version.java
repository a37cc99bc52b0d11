package dev.atelier.cli;

import dev.atelier.Atelier;
import picocli.CommandLine.IVersionProvider;

/** The version that the build wrote into the jar. */
final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
        return new String[] {Atelier.version(), "Java " + Runtime.version()};
    }
}
