package dev.atelier.checkpoint;

import dev.atelier.checkpoint.PickleValue.Dict;
import dev.atelier.checkpoint.PickleValue.Int;
import dev.atelier.checkpoint.PickleValue.Text;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What a training program has put beside the weights of a .ckpt file: optimizer, callbacks, how far it got. */
public final class TrainingState {
    private TrainingState() {}

    /**
     * The entries beside {@code state_dict} in a file that {@code torch.save} has written since PyTorch 1.6, numbers with their value:
     * "global_step = 470000", "optimizer_states". Empty for any other file.
     */
    public static List<String> of(Path path) {
        List<String> entries = new ArrayList<>();
        if (!Files.isRegularFile(path)) {
            return entries;
        }
        MappedFile file = MappedFile.open(path);
        if (ZipRecords.looksLike(file)
                && TorchZipReader.object(file) instanceof Dict root
                && root.get("state_dict").isPresent()) {
            for (int i = 0; i < root.keys.size(); i++) {
                if (root.keys.get(i) instanceof Text(String name) && !name.equals("state_dict")) {
                    entries.add(root.values.get(i) instanceof Int(long value) ? name + " = " + value : name);
                }
            }
        }
        return entries;
    }
}
