"""How long Atelier takes to write a checkpoint, next to copying the same bytes and to a plain script of PyTorch.

    python files.py make FOLDER KEYS.json     the inputs: 19.7 GB of seeded random weights
    python files.py run FOLDER [--atelier ./atelier] [--runs 3] [--only merge-fp16]

Whole commands, one after the other in each round, so that what else the machine does hits all alike. Each writes the same number of
bytes, and all are on the disk (fsync) before the clock stops; the inputs are read once before, so they come from memory as far
as they fit. Printed are medians, all ratios taken within one round. Peak memory is resident anonymous memory, sampled every 10 ms.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SIZES = {"F16": 2, "F32": 4}


def shapes(keys):
    """The tensors of a checkpoint as it is published, and of one as training leaves it: with averages of the UNet."""
    plain = {name: entry["shape"] if isinstance(entry, dict) else entry for name, entry in keys.items()}
    full = dict(plain)
    for name, shape in plain.items():
        if name.startswith("model.diffusion_model."):
            full["model_ema." + name.removeprefix("model.").replace(".", "")] = shape
    return plain, full


def write(path, tensors, dtype, seed):
    """A safetensors file of numbers that repeat after 64 MB: what they are changes no time, and this is fast."""
    import numpy

    header, offset = {}, 0
    for name in sorted(tensors):
        size = SIZES[dtype]
        for axis in tensors[name]:
            size *= axis
        header[name] = {"dtype": dtype, "shape": tensors[name], "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    kind = numpy.float16 if dtype == "F16" else numpy.float32
    block = (numpy.random.default_rng(seed).standard_normal((64 << 20) // SIZES[dtype]) * 0.05).astype(kind).tobytes()
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        while offset > 0:
            file.write(block[: min(offset, len(block))])
            offset -= len(block)


def make(folder, keys):
    plain, full = shapes(json.loads(Path(keys).read_text()))
    folder.mkdir(parents=True, exist_ok=True)
    for seed, letter in enumerate("ab"):
        write(folder / f"{letter}-fp16.safetensors", plain, "F16", seed)
        write(folder / f"{letter}-full.safetensors", full, "F32", seed)


TASKS = {
    "merge-fp16": (["a-fp16", "b-fp16"], ["merge", "{0}", "{1}", "-m", "0.3"]),
    "merge-full-fp32": (["a-full", "b-full"], ["merge", "{0}", "{1}", "-m", "0.3"]),
    "fp32-to-fp16": (["a-full"], ["convert", "{0}", "--dtype", "fp16"]),
    "prune": (["a-full"], ["convert", "{0}", "--prune"]),
}


class Watch(threading.Thread):
    """The most anonymous memory that a process and its children hold together."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak, self.over = pid, 0, False

    def run(self):
        while not self.over:
            total = 0
            for status in Path("/proc").glob("[0-9]*/status"):
                try:
                    text = status.read_text()
                    if os.getpgid(int(status.parent.name)) == self.pid and "RssAnon:" in text:
                        total += int(text.split("RssAnon:")[1].split()[0])
                except (OSError, ProcessLookupError):
                    pass
            self.peak = max(self.peak, total)
            time.sleep(0.01)


def timed(command):
    start = time.monotonic()
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    watch = Watch(process.pid)
    watch.start()
    _, errors = process.communicate()
    seconds = time.monotonic() - start
    watch.over = True
    watch.join()
    if process.returncode:
        sys.exit(f"{command}: {errors.decode()[-500:]}")
    return seconds, watch.peak / 1024


def run(folder, atelier, runs, only):
    # a file's hash is computed once in its life and remembered; these commands find it there, or would measure that
    for task, (inputs, arguments) in TASKS.items():
        if only and task not in only:
            continue
        files = [str(folder / f"{name}.safetensors") for name in inputs]
        out, copy = folder / "out.safetensors", folder / "copy.safetensors"
        ours = [atelier] + [a.format(*files) for a in arguments] + ["--overwrite", "-o", str(out)]
        script = [sys.executable, str(HERE / "plain.py"), task, *files, str(copy)]
        copying = ["bash", "-c", f"cp '{out}' '{copy}' && sync '{copy}'"]
        for file in files:
            subprocess.run(["cat", file], stdout=subprocess.DEVNULL, check=True)
        timed(ours)
        rounds = []
        for _ in range(runs):
            row = {}
            for name, command in (("atelier", ours), ("copy", copying), ("script", script)):
                target = out if name == "atelier" else copy
                target.unlink(missing_ok=True) if name != "copy" else copy.unlink(missing_ok=True)
                row[name] = timed(command)
            rounds.append(row)
            print("   ", task, {name: f"{s:.2f} s, {m:.0f} MiB" for name, (s, m) in row.items()}, flush=True)
        size = out.stat().st_size / 1e9
        times = {name: [row[name][0] for row in rounds] for name in rounds[0]}
        of_copy = statistics.median(row["atelier"][0] / row["copy"][0] for row in rounds)
        of_script = statistics.median(row["script"][0] / row["atelier"][0] for row in rounds)
        print(
            f"{task}: {size:.2f} GB written; "
            + ", ".join(f"{name} {statistics.median(t):.2f} s ({min(t):.2f} - {max(t):.2f})" for name, t in times.items())
            + f"; {of_copy:.2f} times copying, {of_script:.1f} times as fast as the script;"
            + f" peak {max(row['atelier'][1] for row in rounds):.0f} MiB, the script's"
            + f" {max(row['script'][1] for row in rounds):.0f} MiB",
            flush=True,
        )
        out.unlink(missing_ok=True)
        copy.unlink(missing_ok=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["make", "run"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("keys", nargs="?")
    parser.add_argument("--atelier", default="./atelier")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", nargs="*")
    options = parser.parse_args()
    if options.command == "make":
        make(options.folder, options.keys)
    else:
        run(options.folder, options.atelier, options.runs, options.only)
