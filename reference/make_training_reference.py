#!/usr/bin/env python3
"""What training the miniature for ten steps must compute: diffusers' networks and noise scheduler, PyTorch's AdamW.

The steps are those of diffusers' text-to-image script with --snr_gamma 5, with the text encoder trained as well: noise is
added by DDPMScheduler, the error of each sample is weighted by min(SNR, 5) / SNR, the mean over the batch is differentiated,
the gradients of both networks together are clipped to norm 1, and one AdamW moves both.  Everything random is an input
and stands in the file.

Of each weight the file holds the last (at most) 24 elements: of its gradient in the first step, of its value after the
tenth, and the norm of its change.

Usage (PYTHONPATH must contain diffusers' src folder):
  make_training_reference.py MINIATURE OUT
"""
import sys

import torch
from safetensors.torch import load_file

import make_reference as ref

STEPS, BATCH, RATE = 10, 3, 1e-4
CAPTIONS = ("a red circle on a blue background", "a small green star at the top on a white background", "")


def main(miniature, out):
    from diffusers import DDPMScheduler
    from diffusers.training_utils import compute_snr
    torch.set_grad_enabled(True)
    sd = load_file(miniature)
    unet, text = (ref.load_network(p, "miniature", sd).requires_grad_(True).train() for p in ("unet", "text"))
    scheduler = DDPMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", num_train_timesteps=1000)
    names = {p: ref.KEY[part](k) for part, m in (("unet", unet), ("text", text)) for k, p in m.named_parameters()}
    params = list(names)
    before = {p: p.detach().clone() for p in params}
    optimizer = torch.optim.AdamW(params, lr=RATE, betas=(0.9, 0.999), weight_decay=1e-2, eps=1e-8)

    g = torch.Generator("cpu").manual_seed(401)
    latents = torch.randn((STEPS, BATCH, 4, 8, 8), generator=g)
    noise = torch.randn((STEPS, BATCH, 4, 8, 8), generator=g)
    timesteps = torch.randint(0, 1000, (STEPS, BATCH), generator=g)
    ids = torch.cat([ref.ids_for(c) for c in CAPTIONS])
    kept = {"latents": latents, "noise": noise, "timesteps": timesteps, "input_ids": ids}
    errors, norms = [], []
    for step in range(STEPS):
        t = timesteps[step]
        context = text(input_ids=ids).last_hidden_state
        predicted = unet(scheduler.add_noise(latents[step], noise[step], t), t, encoder_hidden_states=context).sample
        snr = compute_snr(scheduler, t)
        weights = torch.stack([snr, 5 * torch.ones_like(t)], dim=1).min(dim=1)[0] / snr
        error = torch.nn.functional.mse_loss(predicted.float(), noise[step].float(), reduction="none").mean(dim=(1, 2, 3))
        (error * weights).mean().backward()
        if step == 0:
            kept |= {"gradient." + names[p]: p.grad.flatten()[-24:].clone() for p in params}
        norms.append(torch.nn.utils.clip_grad_norm_(params, 1.0))
        optimizer.step()
        optimizer.zero_grad()
        errors.append(error.detach())
    kept |= {"errors": torch.stack(errors), "gradient_norms": torch.stack(norms)}
    kept |= {"weight." + names[p]: p.detach().flatten()[-24:].clone() for p in params}
    kept |= {"change." + names[p]: (p.detach() - before[p]).norm()[None] for p in params}
    ref.save(out, kept, {"captions": repr(CAPTIONS), "learning_rate": str(RATE), "steps": str(STEPS)})
    print(torch.stack(errors), torch.stack(norms))


if __name__ == "__main__":
    main(*sys.argv[1:])
