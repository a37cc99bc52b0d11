#!/usr/bin/env python3
"""What training in bf16 and fp16, and with DREAM, must compute: the first of the ten steps of make_training_reference.py under torch.autocast on a CPU.

The forward pass and the text encoder's run under autocast, the loss is of the answer in fp32, and the backward pass lies outside, as
in accelerate; fp16's loss is multiplied by 65536 and its gradients divided by it, as by GradScaler.  For each precision the file holds
the error of each sample and, of every eighth weight, the last (at most) 24 elements of its gradient.

dream: the same in fp32 by diffusers' compute_dream_and_update_latents (--dream_training), with a detail preservation of 1 and of 2; of
every eighth weight of the UNet.

Printed, for tests that hold them: in what type operations on fp32 and on bf16 with fp32 weights answer under autocast, and where
GradScaler's scale changes in 4600 steps, some of which have gradients that are not finite.

Usage (PYTHONPATH must contain diffusers' src folder):
  make_precision_reference.py MINIATURE TEN-STEPS OUT
"""
import sys

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

import make_reference as ref

OVERFLOWS, SCALED_STEPS = (1, 2, 3, 10, 2500), 4600
KINDS = {torch.bfloat16: "bf16", torch.float16: "fp16"}


def step(sd, inputs, kind):
    from diffusers import DDPMScheduler
    from diffusers.training_utils import compute_snr
    unet, text = (ref.load_network(p, "miniature", sd).requires_grad_(True).train() for p in ("unet", "text"))
    scheduler = DDPMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", num_train_timesteps=1000)
    latents, noise, t = (inputs[n][0] for n in ("latents", "noise", "timesteps"))
    with torch.autocast("cpu", kind, enabled=kind != torch.float32):
        context = text(input_ids=inputs["input_ids"]).last_hidden_state
        predicted = unet(scheduler.add_noise(latents, noise, t), t, encoder_hidden_states=context).sample
    snr = compute_snr(scheduler, t)
    weights = torch.stack([snr, 5 * torch.ones_like(t)], dim=1).min(dim=1)[0] / snr
    error = F.mse_loss(predicted.float(), noise, reduction="none").mean(dim=(1, 2, 3))
    scale = 65536 if kind == torch.float16 else 1
    ((error * weights).mean() * scale).backward()
    return error.detach(), {ref.KEY[part](k): p.grad / scale
                            for part, m in (("unet", unet), ("text", text)) for k, p in m.named_parameters()}


def dream(sd, inputs, power):
    from diffusers import DDPMScheduler
    from diffusers.training_utils import compute_dream_and_update_latents
    unet, text = (ref.load_network(p, "miniature", sd).requires_grad_(p == "unet") for p in ("unet", "text"))
    scheduler = DDPMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", num_train_timesteps=1000)
    latents, noise, t = (inputs[n][0] for n in ("latents", "noise", "timesteps"))
    context = text(input_ids=inputs["input_ids"]).last_hidden_state
    noisy, target = compute_dream_and_update_latents(
        unet, scheduler, t, noise, scheduler.add_noise(latents, noise, t), noise, context, power)
    error = F.mse_loss(unet(noisy, t, context).sample, target, reduction="none").mean(dim=(1, 2, 3))
    error.mean().backward()
    return error.detach(), {ref.KEY["unet"](k): p.grad for k, p in list(unet.named_parameters())[::8]}


def answers():
    x = {2: torch.randn(1, 6, 8), 4: torch.randn(1, 8, 4, 4)}
    w, v = torch.randn(8, 8), torch.randn(8)
    operations = {
        "linear": lambda t: F.linear(t(2), w, v),
        "conv2d": lambda t: F.conv2d(t(4), w[:, :, None, None], v),
        "attention": lambda t: F.scaled_dot_product_attention(t(2)[None], t(2)[None], t(2)[None]),
        "groupNorm": lambda t: F.group_norm(t(4), 2, v, v),
        "layerNorm": lambda t: F.layer_norm(t(2), (8,), v, v),
        "silu": lambda t: F.silu(t(4)),
        "gelu": lambda t: F.gelu(t(2)),
        "upsample2x": lambda t: F.interpolate(t(4), scale_factor=2.0, mode="nearest"),
        "add": lambda t: t(4) + x[4],
    }
    with torch.autocast("cpu", torch.bfloat16):
        return {name: [str(operation(lambda rank: x[rank].to(kind)).dtype).removeprefix("torch.")
                       for kind in (torch.float32, torch.bfloat16)] for name, operation in operations.items()}


def scales():
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=0.0)
    scaler = torch.amp.GradScaler("cpu")
    for i in range(1, SCALED_STEPS + 1):
        weight.grad = torch.full((1,), float("inf") if i in OVERFLOWS else 1.0)
        before = scaler.get_scale()
        scaler.scale(weight.sum())
        scaler.step(optimizer)
        scaler.update()
        if scaler.get_scale() != before:
            yield i, scaler.get_scale()


def main(miniature, ten_steps, out):
    torch.set_grad_enabled(True)
    sd, inputs = load_file(miniature), load_file(ten_steps)
    _, due = step(sd, inputs, torch.float32)
    size = torch.stack([g.norm() for g in due.values()]).norm()
    kept = {}
    for kind, name in KINDS.items():
        errors, gradients = step(sd, inputs, kind)
        kept[name + ".errors"] = errors
        kept |= {f"{name}.gradient.{n}": gradients[n].flatten()[-24:].clone() for n in list(due)[::8]}
        print(name, errors, inputs["errors"][0], torch.stack([(gradients[n] - due[n]).norm() for n in due]).norm() / size)
    for power in (1, 2):
        kept[f"dream{power}.errors"], gradients = dream(sd, inputs, float(power))
        kept |= {f"dream{power}.gradient.{n}": g.flatten()[-12:].clone() for n, g in gradients.items()}
    save_file(kept, out)
    print(answers(), list(scales()), sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
