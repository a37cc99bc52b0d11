#!/usr/bin/env python3
"""Runs exported graphs of the miniatures in plain ONNX Runtime, and says how far they are from the reference numbers.

Usage:
  run_exported.py engine-contract/src/main/resources/dev/atelier/engine/contract FOLDER
where `atelier export onnx` has written FOLDER/miniature and FOLDER/sdxl.
"""
import os, sys

import numpy as np
import onnxruntime
from safetensors.numpy import load_file

EOS = 49407
references, exported = sys.argv[1:]


def reference(name):
    return load_file(os.path.join(references, name + ".safetensors"))


def run(model, network, **inputs):
    session = onnxruntime.InferenceSession(os.path.join(exported, model, network, "model.onnx"),
                                           providers=["CPUExecutionProvider"])
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, inputs)))


def report(name, actual, expected):
    print(f"{name}: {np.linalg.norm(actual - expected) / np.linalg.norm(expected):.1e}")


def main():
    print("onnxruntime", onnxruntime.__version__)
    r = reference("text-encoder")
    report("text encoder", run("miniature", "text_encoder", tokens=r["input_ids"].astype(np.int64))["context"],
           r["last_hidden_state"])
    for name in ("unet", "unet-nonsquare", "unet-odd"):
        r = reference(name)
        times = r["timesteps"].reshape(-1, 1).astype(np.float32)
        report(name, run("miniature", "unet", latents=r["latents"], timesteps=times, context=r["context"])["noise"],
               r["output"])
    r = reference("vae-decoder")
    report("VAE decoder", run("miniature", "vae_decoder", latents=r["latents"])["pictures"], r["image"])
    r = reference("vae-encoder")
    report("VAE encoder", run("miniature", "vae_encoder", pictures=r["image"])["moments"], r["moments"])
    r = reference("sdxl-text")
    ids = r["input_ids"].astype(np.int64)
    zeros = ids.copy()     # OpenCLIP's padding
    for row in zeros:
        row[int(np.argmax(row == EOS)) + 1:] = 0
    first, second = run("sdxl", "text_encoder", tokens=ids), run("sdxl", "text_encoder_2", tokens=zeros)
    report("XL's text encoders", np.concatenate([first["context"], second["context"]], -1), r["context"])
    report("XL's pooled vector", second["pooled"], r["pooled"])


main()
