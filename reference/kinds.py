"""What atelier says of files of every kind, each written by the software that people have it from.

    python kinds.py ./atelier FOLDER MINIATURE.safetensors

PyTorch (zip and legacy containers, weights of a module, of PyTorch Lightning's trainer), safetensors, Hugging Face's sharding,
diffusers (folders with variants, shards and pickles; LoRA, ControlNet, VAE), PEFT (LoRA, DoRA, LoHa, LoKr). Prints a line for each file:
what inspect calls it, how many tensors it has and whether converting it gives back the numbers that were saved. Needs torch,
safetensors, diffusers, transformers, peft, and pytorch_lightning where that is installed.
"""

import json
import subprocess
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

atelier, folder, miniature = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
folder.mkdir(parents=True, exist_ok=True)
torch.manual_seed(0)


def inspect(path):
    done = subprocess.run([atelier, "inspect", str(path), "--json"], capture_output=True, text=True)
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr.strip().splitlines()[0]


def converted(path):
    out = folder / "converted.safetensors"
    done = subprocess.run(
        [atelier, "convert", str(path), "--keep-position-ids", "--overwrite", "-o", str(out)], capture_output=True, text=True
    )
    return load_file(out) if done.returncode == 0 else done.stderr.strip().splitlines()[0]


def report(name, path, saved=None):
    found = inspect(path)
    if isinstance(found, str):
        print(f"{name}: NOT READ: {found}", flush=True)
        return
    verdict = ""
    if saved is not None:
        numbers = converted(path)
        if isinstance(numbers, str):
            verdict = f"; NOT CONVERTED: {numbers}"
        else:
            differing = [
                key for key, tensor in saved.items() if key not in numbers or not torch.equal(numbers[key], tensor.contiguous())
            ]
            verdict = f"; {len(saved) - len(differing)} of {len(saved)} tensors the same" + (f", not {differing[:3]}" if differing else "")
    print(f"{name}: {found['model']}; {found['variant'] or '-'}; {len(found['tensors'])} tensors{verdict}", flush=True)


single = load_file(miniature)

# PyTorch
torch.save({"state_dict": single, "global_step": 3, "epoch": 1}, folder / "zip.ckpt")
report("torch.save, zip", folder / "zip.ckpt", single)
torch.save({"state_dict": single}, folder / "legacy.ckpt", _use_new_zipfile_serialization=False)
report("torch.save, legacy", folder / "legacy.ckpt", single)
torch.save(single, folder / "bare.pth")
report("torch.save, bare dict called .pth", folder / "bare.pth", single)
torch.save({"state_dict": {key: value.half() for key, value in single.items()}}, folder / "half.bin", pickle_protocol=4)
report("torch.save, fp16, protocol 4, called .bin", folder / "half.bin", {k: v.half() for k, v in single.items()})


class Bare(torch.nn.Module):
    """Parameters under any dotted name."""

    def __init__(self, tensors):
        super().__init__()
        for name, tensor in tensors.items():
            module = self
            *path, last = name.split(".")
            for part in path:
                if not hasattr(module, part):
                    module.add_module(part, torch.nn.Module())
                module = getattr(module, part)
            if tensor.is_floating_point():
                module.register_parameter(last, torch.nn.Parameter(tensor))
            else:
                module.register_buffer(last, tensor)


try:
    import pytorch_lightning

    class Trained(pytorch_lightning.LightningModule):
        def __init__(self):
            super().__init__()
            for name, child in Bare(single).named_children():
                self.add_module(name, child)

        def training_step(self, batch, _):
            return next(self.parameters()).sum() * 0 + batch.sum() * 0

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0)

    trainer = pytorch_lightning.Trainer(
        max_steps=1, logger=False, enable_checkpointing=True, default_root_dir=folder, accelerator="cpu", enable_progress_bar=False
    )
    trainer.fit(Trained(), torch.utils.data.DataLoader(torch.zeros(1, 1)))
    trainer.save_checkpoint(folder / "lightning.ckpt")
    report(f"PyTorch Lightning {pytorch_lightning.__version__}", folder / "lightning.ckpt", single)
except ImportError as missing:
    print(f"PyTorch Lightning: {missing}")

# shards
from huggingface_hub import save_torch_state_dict

(folder / "shards").mkdir(exist_ok=True)
save_torch_state_dict(single, folder / "shards", max_shard_size="4MB")
report("huggingface_hub, sharded safetensors", folder / "shards" / "model.safetensors.index.json", single)

# diffusers
from diffusers import AutoencoderKL, ControlNetModel, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from diffusers.utils import convert_state_dict_to_diffusers
from peft import LoHaConfig, LoKrConfig, LoraConfig, get_peft_model, get_peft_model_state_dict
from transformers import CLIPTextConfig, CLIPTextModel

widths = (32, 32, 64, 64)
unet = UNet2DConditionModel(sample_size=8, block_out_channels=widths, cross_attention_dim=32, attention_head_dim=8, norm_num_groups=8)
vae = AutoencoderKL(
    down_block_types=("DownEncoderBlock2D",) * 4,
    up_block_types=("UpDecoderBlock2D",) * 4,
    block_out_channels=widths,
    layers_per_block=2,
    latent_channels=4,
    norm_num_groups=8,
)
text = CLIPTextModel(
    CLIPTextConfig(hidden_size=32, intermediate_size=64, num_hidden_layers=12, num_attention_heads=4, vocab_size=49408)
)
pipeline = StableDiffusionPipeline(
    vae=vae, text_encoder=text, tokenizer=None, unet=unet, scheduler=DDIMScheduler(), safety_checker=None, feature_extractor=None,
    requires_safety_checker=False,
)
pipeline.save_pretrained(folder / "pipeline")
report("diffusers folder", folder / "pipeline")
pipeline.save_pretrained(folder / "pickles", safe_serialization=False)
report("diffusers folder, .bin", folder / "pickles")
pipeline.save_pretrained(folder / "variant", variant="fp16")
report("diffusers folder, variant fp16 only", folder / "variant")
pipeline.save_pretrained(folder / "sharded", max_shard_size="1MB")
report("diffusers folder, sharded", folder / "sharded")
report("diffusers VAE", folder / "pipeline" / "vae" / "diffusion_pytorch_model.safetensors")
report("diffusers UNet", folder / "pipeline" / "unet" / "diffusion_pytorch_model.safetensors")
own = {key.removeprefix("first_stage_model."): value for key, value in single.items() if key.startswith("first_stage_model.")}
torch.save({"state_dict": {**own, "loss.logvar": torch.zeros(1)}}, folder / "vae.pt")
report("VAE of the original code, with its loss", folder / "vae.pt", own)
controlnet = ControlNetModel.from_unet(unet)
controlnet.save_pretrained(folder / "controlnet")
report("diffusers ControlNet", folder / "controlnet" / "diffusion_pytorch_model.safetensors")

# adapters
targets = ["to_q", "to_k", "to_v", "to_out.0"]
unet.add_adapter(LoraConfig(r=4, lora_alpha=2, target_modules=targets))
from diffusers.training_utils import cast_training_params  # noqa: F401 (as the training scripts import it)

StableDiffusionPipeline.save_lora_weights(folder / "lora", unet_lora_layers=convert_state_dict_to_diffusers(get_peft_model_state_dict(unet)))
report("diffusers LoRA", folder / "lora" / "pytorch_lora_weights.safetensors")
for name, config in {
    "PEFT LoRA": LoraConfig(r=4, lora_alpha=4, target_modules=targets),
    "PEFT LoRA of convolutions": LoraConfig(r=4, lora_alpha=4, target_modules=[*targets, "conv1", "conv2"]),
    "PEFT DoRA": LoraConfig(r=4, lora_alpha=4, use_dora=True, target_modules=targets),
    "PEFT LoHa": LoHaConfig(r=4, alpha=4, target_modules=[*targets, "conv1"]),
    "PEFT LoKr": LoKrConfig(r=4, alpha=4, target_modules=[*targets, "conv1"]),
}.items():
    fresh = UNet2DConditionModel.from_pretrained(folder / "pipeline" / "unet")
    tuned = get_peft_model(fresh, config)
    for key, parameter in tuned.named_parameters():
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=0.02)
    out = folder / name.replace(" ", "-")
    tuned.save_pretrained(out)
    file = out / "adapter_model.safetensors"
    report(name, file)
    # what PEFT makes of the model, and what atelier does
    before = subprocess.run(
        [atelier, "merge", f'lora("{folder / "pipeline"}", "{file}":1)', "--overwrite", "-o", str(folder / "baked.safetensors")],
        capture_output=True,
        text=True,
    )
    if before.returncode:
        print(f"    NOT BAKED: {before.stderr.strip().splitlines()[0]}")
        continue
    subprocess.run([atelier, "convert", str(folder / "baked.safetensors"), "--layout", "diffusers", "--overwrite", "-o", str(folder / "baked")], capture_output=True)
    merged = tuned.merge_and_unload().state_dict()
    ours = load_file(folder / "baked" / "unet" / "diffusion_pytorch_model.safetensors")
    error = max((ours[key] - value).abs().max().item() for key, value in merged.items())
    change = max((merged[key] - value).abs().max().item() for key, value in load_file(folder / "pipeline/unet/diffusion_pytorch_model.safetensors").items())
    print(f"    baked: largest difference from PEFT {error:.1e} (PEFT changes up to {change:.1e})", flush=True)

# embeddings
vectors = torch.randn(3, 32)
torch.save({"string_to_param": {"*": vectors}, "string_to_token": {"*": 265}, "name": "x", "step": 1, "sd_checkpoint": None}, folder / "a1111.pt")
report("embedding of AUTOMATIC1111", folder / "a1111.pt")
torch.save({"<x>": torch.randn(768)}, folder / "learned_embeds.bin")
report("embedding of diffusers", folder / "learned_embeds.bin")
save_file({"emb_params": vectors}, folder / "emb.safetensors")
report("embedding of kohya", folder / "emb.safetensors")
save_file({"clip_l": torch.randn(2, 768), "clip_g": torch.randn(2, 1280)}, folder / "xl.safetensors")
report("embedding of XL", folder / "xl.safetensors")

# broken
damaged = dict(single)
for key in single:
    if key.endswith("position_ids"):
        damaged[key] = (single[key].float() * 0.1 + single[key].float() * 0.9).long()
first = next(key for key in single if key.endswith("out.2.weight"))
damaged[first] = damaged[first].clone()
damaged[first].view(-1)[0] = float("nan")
save_file(damaged, folder / "damaged.safetensors")
print(subprocess.run([atelier, "inspect", str(folder / "damaged.safetensors"), "--check"], capture_output=True, text=True).stdout)
