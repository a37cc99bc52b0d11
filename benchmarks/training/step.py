#!/usr/bin/env python3
"""Steps of diffusers' DreamBooth scripts on the processor: time of each, and the most anonymous memory.

What train_dreambooth.py (full) and train_dreambooth_lora.py (lora, rank 4, peft) do in the loop, in fp32 with batch 1 at 512 x 512,
gradient checkpointing, AdamW, clipping to norm 1, text embeddings computed before and latents cached; both text encoder and
autoencoder are left out, as they are in Atelier's measurement.

Usage: step.py full|lora MODEL.safetensors STEPS     (PYTHONPATH: diffusers' src and this repository's reference folder)
"""
import re
import sys
import threading
import time

import torch

import make_reference as ref


def anonymous():
    return int(re.search(r"RssAnon:\s+(\d+)", open("/proc/self/status").read())[1]) / 2**20


def main(method, file, steps):
    from diffusers import DDPMScheduler
    peak, running = [0.0], [True]

    def watch():
        while running[0]:
            peak[0] = max(peak[0], anonymous())
            time.sleep(0.02)
    unet = ref.load_network("unet", "sd15", file)
    if method == "lora":
        from peft import LoraConfig
        unet.requires_grad_(False)
        unet.add_adapter(LoraConfig(r=4, lora_alpha=4, init_lora_weights="gaussian",
                                    target_modules=["to_k", "to_q", "to_v", "to_out.0"]))
    else:
        unet.requires_grad_(True)
    unet.enable_gradient_checkpointing()
    unet.train()
    torch.set_grad_enabled(True)
    parameters = [p for p in unet.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=5e-6, betas=(0.9, 0.999), weight_decay=1e-2, eps=1e-8)
    scheduler = DDPMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", num_train_timesteps=1000)
    g = torch.Generator("cpu").manual_seed(1)
    latents = torch.randn((1, 4, 64, 64), generator=g)
    context = torch.randn((1, 77, 768), generator=g)
    watcher = threading.Thread(target=watch)
    watcher.start()
    for step in range(steps):
        start = time.perf_counter()
        noise = torch.randn(latents.shape, generator=g)
        timesteps = torch.randint(0, 1000, (1,), generator=g).long()
        predicted = unet(scheduler.add_noise(latents, noise, timesteps), timesteps, context, return_dict=False)[0]
        loss = torch.nn.functional.mse_loss(predicted.float(), noise.float(), reduction="mean")
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)
        print(f"python {method} step {step}: {time.perf_counter() - start:.2f} s, loss {loss.item():.4f}", flush=True)
    running[0] = False
    watcher.join()
    print(f"python {method} peak {peak[0]:.2f} GiB, threads {torch.get_num_threads()}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
