package dev.atelier.checkpoint;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a pickle says, as data. Lists and dicts can contain themselves (a pickle can do that), so nothing here is ever
 * compared, hashed or printed in depth.
 */
sealed interface PickleValue {
    record Text(String value) implements PickleValue {}

    record Int(long value) implements PickleValue {}

    record Real(double value) implements PickleValue {}

    record Flag(boolean value) implements PickleValue {}

    record Bytes(int length) implements PickleValue {}

    enum None implements PickleValue {
        NONE
    }

    /** The boundary that MARK pushes. */
    enum Mark implements PickleValue {
        MARK
    }

    /** A list, tuple or set. */
    final class Sequence implements PickleValue {
        final List<PickleValue> items = new ArrayList<>();

        static Sequence of(List<PickleValue> items) {
            Sequence sequence = new Sequence();
            sequence.items.addAll(items);
            return sequence;
        }
    }

    /** A dict in insertion order. Pairs, not a hash map: keys come from strangers and need not be hashable. */
    final class Dict implements PickleValue {
        final List<PickleValue> keys = new ArrayList<>();
        final List<PickleValue> values = new ArrayList<>();

        void put(PickleValue key, PickleValue value) {
            keys.add(key);
            values.add(value);
        }

        /** The last value stored under a text key. */
        Optional<PickleValue> get(String key) {
            for (int i = keys.size() - 1; i >= 0; i--) {
                if (keys.get(i) instanceof Text(String text) && text.equals(key)) {
                    return Optional.of(values.get(i));
                }
            }
            return Optional.empty();
        }
    }

    /** A name in a module. Never looked up, never called. */
    record Global(String module, String name) implements PickleValue {
        @Override
        public String toString() {
            return module + "." + name;
        }
    }

    /** The result of a harmless call whose value nobody needs, such as a numpy scalar of the training state. */
    record Inert(Global origin) implements PickleValue {}

    /** A storage: {@code elements} of a type (bytes, if the tensor is to say the type) in the record {@code data/key}. */
    record Storage(DType dtype, boolean typed, String key, long elements) implements PickleValue {}

    /** A strided view of a storage; offset and strides count elements. */
    @SuppressWarnings("ArrayRecordComponent") // read once by the builder of the tensor, never compared
    record Strided(Storage storage, DType dtype, long offset, long[] sizes, long[] strides) implements PickleValue {}
}
