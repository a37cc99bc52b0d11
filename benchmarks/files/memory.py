"""How much memory each merge method takes for the largest tensors of Stable Diffusion 1.5.

    python memory.py FOLDER [--atelier ./atelier] [--only rotate ties]

FOLDER gets three models of four tensors each, 178 MB of fp16: the token embedding, the largest convolution, and the largest matrices
that are higher and wider than square. Every method of "merge --list" merges as many of them as it needs. Printed is the peak of
resident anonymous memory, sampled every 10 ms, and how long the command took; the latter says little unless nothing else runs.
"""

import argparse
import re
import subprocess
from pathlib import Path

from files import timed

SHAPES = {
    "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight": (49408, 768),
    "model.diffusion_model.output_blocks.0.0.in_layers.2.weight": (1280, 2560, 3, 3),
    "model.diffusion_model.middle_block.1.transformer_blocks.0.ff.net.0.proj.weight": (10240, 1280),
    "model.diffusion_model.middle_block.1.transformer_blocks.0.ff.net.2.weight": (1280, 5120),
}


def make(folder):
    import numpy
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    random = numpy.random.default_rng(0)
    base = {name: random.standard_normal(shape, numpy.float32) * 0.05 for name, shape in SHAPES.items()}
    for letter in "abc":
        tuned = {name: value + random.standard_normal(value.shape, numpy.float32) * 0.01 for name, value in base.items()}
        save_file({name: value.astype(numpy.float16) for name, value in tuned.items()}, folder / f"{letter}.safetensors")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--atelier", default="./atelier")
    parser.add_argument("--only", nargs="*")
    options = parser.parse_args()
    files = [options.folder / f"{letter}.safetensors" for letter in "abc"]
    if not all(file.exists() for file in files):
        make(options.folder)
    out = options.folder / "out.safetensors"
    text = subprocess.run([options.atelier, "merge", "--list"], capture_output=True, text=True, check=True).stdout
    for method, models in re.findall(r"^([a-z-]+)  \((\d) models?", text, re.MULTILINE):
        if options.only and method not in options.only:
            continue
        inputs = [str(file) for file in (files * 2)[: int(models)]]
        command = [options.atelier, "merge", *inputs, "--method", method, "--overwrite", "-o", str(out)]
        seconds, peak = timed(command)
        print(f"{method}: {peak:.0f} MiB, {seconds:.1f} s", flush=True)
        out.unlink()


if __name__ == "__main__":
    main()
