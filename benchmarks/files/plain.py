"""What a script does that merges, narrows or prunes a checkpoint with PyTorch and safetensors, and nothing clever.

    python plain.py merge-fp16|merge-full-fp32|fp32-to-fp16|prune INPUT... OUTPUT
"""

import os
import sys

from safetensors.torch import load_file, save_file

task, *inputs, output = sys.argv[1:]
model = load_file(inputs[0])
if task.startswith("merge"):
    other = load_file(inputs[1])
    for name in model:
        if "model" in name and name in other:
            model[name] = 0.7 * model[name] + 0.3 * other[name]
elif task == "fp32-to-fp16":
    model = {name: tensor.half() for name, tensor in model.items()}
else:
    model = {name: tensor for name, tensor in model.items() if not name.startswith("model_ema.")}
save_file(model, output)
with open(output, "rb") as file:
    os.fsync(file.fileno())
