package dev.atelier.checkpoint;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a file would ask Python for, were it loaded with the pickle machine.
 *
 * @param container what kind of file it is
 * @param globals each name that a pickle in it asks for, once, in order of appearance
 * @param problems what else speaks against loading it: ways to hide from scanners, damage, things that do not belong
 * @param refusal why this program's own reader does not open the file; nothing, if it does
 */
public record ScanReport(
        Path file, String container, List<Global> globals, List<Problem> problems, Optional<String> refusal) {

    /**
     * A name in a module.
     *
     * @param stream which pickle asks for it
     * @param position the byte within that pickle where it does so first
     * @param count how often it does
     * @param allowed whether checkpoints need it and it can do no harm
     */
    public record Global(String stream, long position, String module, String name, int count, boolean allowed) {
        /** The full name, such as "os.system". */
        public String qualifiedName() {
            return module + "." + name;
        }
    }

    /** Something that is wrong, and where. */
    public record Problem(String stream, long position, String text) {}

    /** Whether nothing was found that speaks against the file. */
    public boolean isClean() {
        return refusal.isEmpty() && problems.isEmpty() && globals.stream().allMatch(Global::allowed);
    }

    /** Gathers findings while a file is walked through. */
    static final class Collector {
        private record Key(String stream, String module, String name) {}

        private final Map<Key, Global> globals = new LinkedHashMap<>();
        private final List<Problem> problems = new ArrayList<>();

        void global(String stream, long position, String module, String name) {
            boolean allowed = TorchGlobals.isHarmless(new PickleValue.Global(module, name));
            globals.merge(
                    new Key(stream, module, name),
                    new Global(stream, position, module, name, 1, allowed),
                    (first, _) -> new Global(stream, first.position, module, name, first.count + 1, allowed));
        }

        void problem(String stream, long position, String text) {
            problems.add(new Problem(stream, position, text));
        }

        /** How much has been gathered. */
        int size() {
            return globals.size() + problems.size();
        }

        ScanReport report(Path file, String container, Optional<String> refusal) {
            return new ScanReport(file, container, List.copyOf(globals.values()), List.copyOf(problems), refusal);
        }
    }
}
