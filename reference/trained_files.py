#!/usr/bin/env python3
"""Whether diffusers and peft read the LoRAs and embeddings that atelier trains as atelier itself does.

Usage:  trained_files.py ATELIER FOLDER PICTURES     FOLDER: a new one, with a CLIP tokenizer in tokenizer/

For Stable Diffusion 1, 2 and XL of small width: atelier trains a LoRA with convolutions, a few steps with a high learning rate, in
kohya's and in diffusers' naming.  diffusers loads each into the model it was trained from; atelier bakes it into a copy. What
both UNets compute must change by the same.  (Of the UNet alone: diffusers 0.40.0.dev0 does not find the layers of the text
encoders of transformers 5.)  An embedding must arrive in diffusers' table as it stands in the file; a checkpoint must be the same by from_single_file and as a folder that atelier made of it.
"""
import subprocess
import sys
import warnings

import torch
from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline
from safetensors.torch import load_file

import interop as im

atelier, folder, pictures = sys.argv[1:]

warnings.filterwarnings("ignore")
torch.set_grad_enabled(False)


def run(*words):
    subprocess.run([atelier, *words], check=True, stdout=subprocess.DEVNULL)


def change(after, before):
    return {k: after[k] - before[k] for k in before}


def main():
    tokenizer = im.CLIPTokenizer.from_pretrained(folder + "/tokenizer")
    for name, pipe in im.models(tokenizer):
        if name not in ("sd1", "sd2", "xl"):
            continue
        base = f"{folder}/{name}"
        pipe.save_pretrained(base)
        kind = StableDiffusionXLPipeline if name == "xl" else StableDiffusionPipeline
        open_ = lambda path: kind.from_pretrained(path, **({} if name == "xl" else {"safety_checker": None}))
        before = im.outputs(open_(base))
        for naming in ("kohya", "diffusers"):
            lora = f"{folder}/{name}-{naming}.safetensors"
            run("train", "lora", "--model", base, "--data", pictures, "--resolution", "64", "--steps", "6", "--lr", "1e-2",
                "--rank", "4", "--alpha", "2", "--unet-only", "--conv-rank", "2", "--naming", naming, "--dtype", "fp32", "-o", lora)
            run("convert", f"lora({base}, {lora})", "--layout", "diffusers", "-o", f"{folder}/{name}-{naming}-baked")
            baked = change(im.outputs(open_(f"{folder}/{name}-{naming}-baked")), before)
            loaded = open_(base)
            loaded.load_lora_weights(lora)
            theirs = change(im.outputs(loaded), before)
            for k in ["unet"]:
                size = theirs[k].norm() / before[k].norm()
                error = (baked[k] - theirs[k]).norm() / theirs[k].norm()
                print(f"{name} {naming} {k}: changed by {size:.2e}, error of the change {error:.2e}")
                assert size > 1e-4 and error < 1e-3
        for naming in ("kohya", "diffusers"):
            file = f"{folder}/{name}-word-{naming}.safetensors"
            run("train", "ti", "--model", base, "--data", pictures, "--resolution", "64", "--steps", "3", "--word", "sks",
                "--init", "star", "--vectors", "2", "--naming", naming, "--dtype", "fp32", "-o", file)
            loaded, stored = open_(base), load_file(file)
            if name == "xl":
                for part, end in (("clip_l", ""), ("clip_g", "_2")):
                    loaded.load_textual_inversion({"sks-x": stored[part]}, token="sks-x", text_encoder=getattr(loaded, "text_encoder" + end),
                                                  tokenizer=getattr(loaded, "tokenizer" + end))
            else:
                loaded.load_textual_inversion(file, **({"token": "sks-x"} if naming == "kohya" else {}))
            for part, end in zip(sorted(stored, reverse=True), ("", "_2")):
                table = getattr(loaded, "text_encoder" + end).get_input_embeddings().weight
                assert torch.equal(table[-2:], stored[part]), naming
            print(name, naming, "word: equal", flush=True)
        whole = f"{folder}/{name}-whole.safetensors"
        run("train", "finetune", "--model", base, "--data", pictures, "--resolution", "64", "--steps", "3", "--lr", "1e-3",
            "--text-encoder", "--dtype", "fp32", "-o", whole)
        run("convert", whole, "--layout", "diffusers", "-o", f"{folder}/{name}-whole")
        single = im.outputs(kind.from_single_file(whole, config=base, local_files_only=True))
        unpacked = im.outputs(open_(f"{folder}/{name}-whole"))
        for k in before:
            changed, error = ((x[k] - y[k]).norm() / before[k].norm() for x, y in ((single, before), (single, unpacked)))
            print(f"{name} from_single_file {k}: changed by {changed:.2e}, against the folder {error:.2e}", flush=True)
            assert (changed > 1e-4 or "vae" in k) and error < 1e-5


if __name__ == "__main__":
    main()
