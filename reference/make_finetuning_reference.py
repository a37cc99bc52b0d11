#!/usr/bin/env python3
"""What fine-tuning the miniatures must compute: peft's LoRA, prior preservation, textual inversion, and steps of SD 2 and XL.

lora: ten steps of diffusers' DreamBooth LoRA script on the miniature of SD 1, UNet and text encoder, rank 4, with prior
preservation (weight 0.7): a pair of batches of one picture each, the sum of their mean squared errors, clipped to norm 1.
words: ten steps of diffusers' textual inversion script: two new rows of the token embedding, all others restored after each.
forms: three steps of peft's DoRA and of LyCORIS' LoHa and LoKr at six layers of the UNet: linear ones, convolutions of 1x1 and 3x3, one
with stride 2.  Their parameters start as waves(), so that none is 0.  "limited": LoHa and LoKr after LyCORIS has then shrunk their changes
to the norm LIMIT (kohya's scale_weight_norms).
sd2, sdxl: ten steps of full fine-tuning, v and epsilon, batch 2, clipped to norm 1; of every eighth tensor the gradient of the
first step, the value after the tenth (the last 6 elements) and the norm of the change.

Everything random is an input and stands in the file. Of each weight of a LoRA the file holds the last (at most) 24 elements.

Usage (PYTHONPATH must contain diffusers' src folder and a checkout of LyCORIS; FOLDER holds miniature, sd2 and sdxl.safetensors):
  make_finetuning_reference.py FOLDER OUT
"""
import os
import sys

import torch
from safetensors.torch import load_file

import make_families as mf
import make_reference as ref
from mocks import Mocks

STEPS, RATE, RANK, PRIOR, FAMILY_RATE = 10, 1e-3, 4, 0.7, 1e-4
torch.set_grad_enabled(True)


def scheduler(**more):
    from diffusers import DDPMScheduler
    return DDPMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", num_train_timesteps=1000, **more)


def tail(t):
    return t.detach().flatten()[-24:].clone()


def lora(sd, out):
    from peft import LoraConfig
    unet, text = (ref.load_network(p, "miniature", sd).requires_grad_(False) for p in ("unet", "text"))
    config = dict(r=RANK, lora_alpha=RANK, init_lora_weights="gaussian")
    unet.add_adapter(LoraConfig(target_modules=["to_k", "to_q", "to_v", "to_out.0"], **config))
    text.add_adapter(LoraConfig(target_modules=["q_proj", "k_proj", "v_proj", "out_proj"], **config))
    g = torch.Generator("cpu").manual_seed(403)
    kept, params = {}, {}
    for prefix, network in (("lora_unet_", unet), ("lora_te_", text)):
        for name, p in network.named_parameters():
            if p.requires_grad:
                layer, factor = name.split(".lora_")
                if prefix == "lora_te_" and not layer.startswith("text_model."):
                    layer = "text_model." + layer
                key = prefix + layer.replace(".", "_") + (".lora_down" if factor.startswith("A") else ".lora_up") + ".weight"
                if factor.startswith("A"):
                    p.data = torch.randn(p.shape, generator=g) / RANK
                    kept["start." + key] = p.data.clone()
                params[key] = p
    noise_scheduler = scheduler()
    latents = torch.randn((STEPS, 2, 4, 8, 8), generator=g)
    noise = torch.randn((STEPS, 2, 4, 8, 8), generator=g)
    timesteps = torch.randint(0, 1000, (STEPS, 2), generator=g)
    ids = torch.cat([ref.ids_for(c) for c in ("a photo of sks circle", "a photo of a circle")])
    kept |= {"latents": latents, "noise": noise, "timesteps": timesteps, "input_ids": ids}
    optimizer = torch.optim.AdamW(params.values(), lr=RATE)
    losses, norms = [], []
    for step in range(STEPS):
        t = timesteps[step]
        context = text(input_ids=ids).last_hidden_state
        predicted = unet(noise_scheduler.add_noise(latents[step], noise[step], t), t, encoder_hidden_states=context).sample
        predicted, prior = torch.chunk(predicted, 2)
        target, prior_target = torch.chunk(noise[step], 2)
        mse = torch.nn.functional.mse_loss
        loss = mse(predicted, target) + PRIOR * mse(prior, prior_target)
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(list(params.values()), 1.0))
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.detach())
    kept |= {"losses": torch.stack(losses), "gradient_norms": torch.stack(norms)}
    kept |= {"end." + key: tail(p) for key, p in params.items()}
    ref.save(out, kept, {"rank": str(RANK), "learning_rate": str(RATE), "prior": str(PRIOR)})
    print("lora", len(params), torch.stack(losses))


def words(sd, out):
    unet, text = (ref.load_network(p, "miniature", sd).requires_grad_(False) for p in ("unet", "text"))
    table = text.get_input_embeddings()
    width = table.weight.shape[1]
    g = torch.Generator("cpu").manual_seed(404)
    start = torch.randn((2, width), generator=g) * 0.1
    table.weight = torch.nn.Parameter(torch.cat([table.weight.detach(), start]))
    table.num_embeddings = table.weight.shape[0]
    before = table.weight.detach().clone()
    optimizer = torch.optim.AdamW([table.weight], lr=RATE, weight_decay=1e-2)
    noise_scheduler = scheduler()
    latents = torch.randn((STEPS, 2, 4, 8, 8), generator=g)
    noise = torch.randn((STEPS, 2, 4, 8, 8), generator=g)
    timesteps = torch.randint(0, 1000, (STEPS, 2), generator=g)
    ids = ref.ids_for("a photo of a circle").clone()
    ids[0, 5] = before.shape[0] - 2          # in place of "circle"; what follows it moves on by one
    ids[0, 6] = before.shape[0] - 1
    ids = torch.cat([ids, ref.ids_for("a photo of a circle")])
    losses = []
    for step in range(STEPS):
        t = timesteps[step]
        context = text(input_ids=ids).last_hidden_state
        predicted = unet(noise_scheduler.add_noise(latents[step], noise[step], t), t, encoder_hidden_states=context).sample
        loss = torch.nn.functional.mse_loss(predicted, noise[step])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        table.weight.data[:-2] = before[:-2]
        losses.append(loss.detach())
    ref.save(out, {"start": start, "end": table.weight.detach()[-2:].clone(), "latents": latents, "noise": noise,
                   "timesteps": timesteps, "input_ids": ids, "losses": torch.stack(losses)}, {"learning_rate": str(RATE)})
    print("words", torch.stack(losses))


LAYERS = ["attentions.0.transformer_blocks.0.attn1.to_q", "attentions.0.transformer_blocks.0.attn2.to_k",
          "attentions.0.transformer_blocks.0.ff.net.0.proj", "attentions.0.proj_in", "resnets.0.conv1", "downsamplers.0.conv"]
FORM_RANK, FORM_ALPHA, LIMIT = 2, 3, 0.003


def waves(shape, layer, part):
    count = torch.Size(shape).numel()
    return (0.1 * torch.sin(torch.arange(1, count + 1, dtype=torch.float64) + 7 * layer + 3 * part)).float().reshape(shape)


def peft_dora(unet, layers):
    import re
    from peft import LoraConfig
    unet.add_adapter(LoraConfig(target_modules="|".join(map(re.escape, layers)), use_dora=True, r=FORM_RANK, lora_alpha=FORM_ALPHA))
    found = dict(unet.named_modules())
    return [[("lora_down.weight", m.lora_A["default"].weight), ("lora_up.weight", m.lora_B["default"].weight),
             ("dora_scale", m.lora_magnitude_vector["default"].weight)] for m in map(found.get, layers)]


def lycoris(kind, unet, layers):
    modules = [kind("x", unet.get_submodule(layer), 1.0, FORM_RANK, FORM_ALPHA) for layer in layers]
    unet.kept = modules                         # apply_to replaces only the layers' forward
    for module in modules:
        module.apply_to()
    return [list(module.named_parameters()) for module in modules]


def forms(sd, out):
    Mocks("toml")                               # which LyCORIS imports for settings in files
    from lycoris.modules.loha import LohaModule
    from lycoris.modules.lokr import LokrModule
    layers = ["down_blocks.0." + layer for layer in LAYERS]
    g = torch.Generator("cpu").manual_seed(406)
    kept = {n: torch.randn((2, 4, 8, 8), generator=g) for n in ("latents", "noise")}
    width = ref.load_network("unet", "miniature", sd).config.cross_attention_dim
    kept |= {"timesteps": torch.tensor([250, 700]), "context": torch.randn((2, 77, width), generator=g)}
    s = scheduler()
    for form, add in (("dora", peft_dora), ("loha", lambda *a: lycoris(LohaModule, *a)), ("lokr", lambda *a: lycoris(LokrModule, *a))):
        unet = ref.load_network("unet", "miniature", sd).requires_grad_(False)
        params = {}
        for i, parts in enumerate(add(unet, layers)):
            for j, (part, p) in enumerate(parts):
                params[f"{form}.{i}.{part}"] = p
                if part == "dora_scale":
                    kept[f"start.{form}.{i}.{part}"] = tail(p)
                else:
                    p.data = waves(p.shape, i, j)
        optimizer = torch.optim.AdamW(params.values(), lr=RATE)
        losses = []
        for step in range(3):
            t = kept["timesteps"]
            predicted = unet(s.add_noise(kept["latents"], kept["noise"], t), t, encoder_hidden_states=kept["context"]).sample
            loss = torch.nn.functional.mse_loss(predicted, kept["noise"])
            loss.backward()
            if step == 0:
                kept |= {"gradient." + k: tail(p.grad) for k, p in params.items()}
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.detach())
        kept |= {"end." + k: tail(p) for k, p in params.items()} | {form + ".losses": torch.stack(losses)}
        for i, module in enumerate(getattr(unet, "kept", ())):
            shrunk, norm = module.apply_max_norm(LIMIT)
            print(form, i, bool(shrunk), float(norm))
            kept |= {f"limited.{form}.{i}.{k}": tail(p) for k, p in module.custom_state_dict().items() if k != "alpha"}
        print(form, {k: list(p.shape) for k, p in params.items()}, torch.stack(losses))
    ref.save(out, kept, {"rank": str(FORM_RANK), "alpha": str(FORM_ALPHA), "learning_rate": str(RATE)})


def family(name, folder, out):
    sd = load_file(os.path.join(folder, name + ".safetensors"))
    f = mf.FAMILIES[name]
    unet = mf.new_unet(f)
    names = {k: mf.unet_key(k, unet.state_dict()) for k in unet.state_dict()}
    unet.load_state_dict({k: sd[names[k]].float().reshape(v.shape) for k, v in unet.state_dict().items()})
    unet.requires_grad_(True).train()
    params = list(unet.parameters())
    held = {"." + names[k]: p for k, p in list(unet.named_parameters())[::8]}
    before = {k: p.detach().clone() for k, p in held.items()}
    optimizer = torch.optim.AdamW(params, lr=FAMILY_RATE)
    g = torch.Generator("cpu").manual_seed(405)
    latents, noise = (torch.randn((STEPS, 2, 4, 8, 8), generator=g) for _ in range(2))
    timesteps = torch.randint(0, 1000, (STEPS, 2), generator=g)
    context = torch.randn((2, 77, f["context"]), generator=g)
    kept = {"latents": latents, "noise": noise, "timesteps": timesteps, "context": context}
    more = {}
    if "vector" in f:
        kept["pooled"] = torch.randn((2, f["vector"] - 6 * 256), generator=g)
        kept["time_ids"] = torch.tensor([[480., 640, 0, 21, 512, 640], [1024, 1000, 12, 0, 512, 512]])
        more = {"added_cond_kwargs": {"text_embeds": kept["pooled"], "time_ids": kept["time_ids"]}}
    s = scheduler(prediction_type="v_prediction" if name == "sd2" else "epsilon")
    errors, norms = [], []
    for step in range(STEPS):
        x, e, t = latents[step], noise[step], timesteps[step]
        target = s.get_velocity(x, e, t) if name == "sd2" else e
        predicted = unet(s.add_noise(x, e, t), t, encoder_hidden_states=context, **more).sample
        error = torch.nn.functional.mse_loss(predicted, target, reduction="none").mean(dim=(1, 2, 3))
        error.mean().backward()
        if step == 0:
            kept |= {"gradient" + k: tail(p.grad)[-6:] for k, p in held.items()}
        norms.append(torch.nn.utils.clip_grad_norm_(params, 1.0))
        optimizer.step()
        optimizer.zero_grad()
        errors.append(error.detach())
    kept |= {"errors": torch.stack(errors), "gradient_norms": torch.stack(norms)}
    kept |= {"weight" + k: tail(p)[-6:] for k, p in held.items()}
    kept |= {"change" + k: (p.detach() - before[k]).norm()[None] for k, p in held.items()}
    ref.save(out, kept, {"learning_rate": str(FAMILY_RATE)})
    print(name, kept["errors"], kept["gradient_norms"])


def main(folder, out):
    sd = load_file(os.path.join(folder, "miniature.safetensors"))
    lora(sd, os.path.join(out, "lora-steps.safetensors"))
    words(sd, os.path.join(out, "word-steps.safetensors"))
    forms(sd, os.path.join(out, "adapter-steps.safetensors"))
    for name in ("sd2", "sdxl"):
        family(name, folder, os.path.join(out, name + "-steps.safetensors"))


if __name__ == "__main__":
    main(*sys.argv[1:])
