"""How long Atelier takes to write a checkpoint, next to copying the same bytes and to a plain script of PyTorch.

    python files.py make FOLDER KEYS.json     the inputs: 19.7 GB of seeded random weights
    python files.py run FOLDER [--atelier ./atelier] [--runs 3] [--only merge-fp16]

Whole commands, one after the other in each round, so that what else the machine does hits all alike. Each writes the same number of
bytes, and all are on the disk (fsync) before the clock stops; before each the inputs are read once, so they come from memory as far
as they fit. "atelier" knows its inputs' hashes from an earlier run, as it does from the second use of a file on; "unknown" has to
compute them. "disk" is what the disk takes for so many zeros, written past the page cache by dd. Printed are medians, all ratios
taken within one round. Peak memory is resident anonymous memory, sampled every 10 ms.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
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
    """The most anonymous memory that a process holds; the launcher becomes the Java machine, so that is the same one."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak, self.over = pid, 0, False

    def run(self):
        status = Path(f"/proc/{self.pid}/status")
        while not self.over:
            try:
                text = status.read_text()
                self.peak = max(self.peak, int(text.split("RssAnon:")[1].split()[0]) if "RssAnon:" in text else 0)
            except OSError:
                pass
            time.sleep(0.01)


def timed(command, environment=None):
    start = time.monotonic()
    process = subprocess.Popen(
        command,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, **(environment or {})},
    )
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
    for task, (inputs, arguments) in TASKS.items():
        if only and task not in only:
            continue
        files = [str(folder / f"{name}.safetensors") for name in inputs]
        out, copy = folder / "out.safetensors", folder / "copy.safetensors"
        ours = [atelier] + [a.format(*files) for a in arguments] + ["--overwrite", "-o", str(out)]
        timed(ours)
        size = out.stat().st_size
        commands = {
            "atelier": ours,
            "unknown": ours,
            "copy": ["bash", "-c", f"cp '{out}' '{copy}' && sync '{copy}'"],
            "disk": ["dd", "if=/dev/zero", f"of={copy}", "bs=4M", f"count={size}", "iflag=count_bytes", "oflag=direct"],
            "script": [sys.executable, str(HERE / "plain.py"), task, *files, str(copy)],
        }
        rounds = []
        for _ in range(runs):
            row = {}
            for name, command in commands.items():
                copy.unlink(missing_ok=True)
                for file in [str(out)] if name == "copy" else files:
                    subprocess.run(["cat", file], stdout=subprocess.DEVNULL, check=True)
                if name in ("atelier", "unknown"):
                    out.unlink(missing_ok=True)
                with tempfile.TemporaryDirectory() as empty:
                    forgetful = {"XDG_CACHE_HOME": empty, "XDG_DATA_HOME": empty} if name == "unknown" else {}
                    row[name] = timed(command, forgetful)
            rounds.append(row)
            print("   ", task, {name: f"{s:.2f} s, {m:.0f} MiB" for name, (s, m) in row.items()}, flush=True)
        times = {name: [row[name][0] for row in rounds] for name in commands}

        def ratio(name, other):
            return statistics.median(row[name][0] / row[other][0] for row in rounds)

        print(
            f"{task}: {size / 1e9:.2f} GB written; "
            + ", ".join(f"{name} {statistics.median(t):.2f} s ({min(t):.2f} - {max(t):.2f})" for name, t in times.items())
            + f"; {ratio('atelier', 'copy'):.2f} times copying, {ratio('script', 'atelier'):.1f} times as fast as the script;"
            + f" with unknown hashes {ratio('unknown', 'copy'):.2f} and {ratio('script', 'unknown'):.1f};"
            + f" peak {max(row['unknown'][1] for row in rounds):.0f} MiB, the script's"
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
