#!/usr/bin/env python3
"""Miniatures of Stable Diffusion 2, XL and XL's refiner with seeded random weights, and what must come out of them.

Each miniature has the names of its family's tensors (checked against the key lists) but very narrow layers. The reference
is the ordinary Python code: diffusers' UNet, VAE and pipelines, transformers' text encoders, k-diffusion's samplers.
Weights are drawn as make_reference.py describes and rounded to fp16; rows of the token embeddings that no recorded prompt
uses are zero, so that the files compress.

Usage (PYTHONPATH must contain diffusers' src folder):
  make_families.py miniatures --k-diffusion DIR --keys DIR --out DIR
  make_families.py full --network sd2-unet --seed N --out DIR      one call of a network of real size
"""
import argparse, json, math, os, re, sys, time

import torch
from safetensors.torch import save_file

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import make_reference as mr

torch.set_grad_enabled(False)

UNET = "model.diffusion_model."
PROMPT, NEGATIVE = mr.PROMPT, mr.NEGATIVE

FAMILIES = {
    "sd2": dict(channels=(8, 16, 32, 32), attention=(1, 1, 1, 0), depth=1, context=16, head=8, scale=0.18215,
                text=[("cond_stage_model.model.", 24)], keys="keys-sd21.json"),
    "sdxl": dict(channels=(8, 16, 32), attention=(0, 1, 1), depth=(1, 2, 10), context=32, head=8, scale=0.13025,
                 vector=16 + 6 * 256, text=[("conditioner.embedders.0.transformer.text_model.", 12),
                                            ("conditioner.embedders.1.model.", 32)], keys="keys-sdxl-base.json"),
    "refiner": dict(channels=(8, 16, 32, 32), attention=(0, 1, 1, 0), depth=4, context=16, head=8, scale=0.13025,
                    vector=16 + 5 * 256, text=[("conditioner.embedders.0.model.", 32)], keys="keys-sdxl-refiner.json"),
}
FULL = {
    "sd2-unet": dict(channels=(320, 640, 1280, 1280), attention=(1, 1, 1, 0), depth=1, context=1024, head=64),
    "sdxl-unet": dict(channels=(320, 640, 1280), attention=(0, 1, 1), depth=(1, 2, 10), context=2048, head=64, vector=2816),
    "refiner-unet": dict(channels=(384, 768, 1536, 1536), attention=(0, 1, 1, 0), depth=4, context=1280, head=64, vector=2560),
    "sd2-text": dict(prefix="cond_stage_model.model.", width=1024, layers=24, heads=16, norm=True),
    "refiner-text": dict(prefix="conditioner.embedders.0.model.", width=1280, layers=32, heads=20, norm=False),
    "sd2-vae": dict(scale=0.18215, channels=(128, 256, 512, 512), groups=32),
}
GROUPS, WIDTH, TEXT_HEADS = 4, 16, 2


def new_unet(f, in_channels=4, groups=GROUPS):
    from diffusers import UNet2DConditionModel
    down = ["CrossAttnDownBlock2D" if a else "DownBlock2D" for a in f["attention"]]
    up = [d.replace("Down", "Up") for d in reversed(down)]
    more = {} if "vector" not in f else dict(
        addition_embed_type="text_time", addition_time_embed_dim=256, projection_class_embeddings_input_dim=f["vector"])
    return UNet2DConditionModel(
        sample_size=32, in_channels=in_channels, out_channels=4, layers_per_block=2, block_out_channels=f["channels"],
        cross_attention_dim=f["context"], use_linear_projection=True, norm_num_groups=groups,
        attention_head_dim=[c // f["head"] for c in f["channels"]],     # historical name: numbers of heads
        transformer_layers_per_block=f["depth"], down_block_types=down, up_block_types=up, **more).eval()


def new_vae(f):
    from diffusers import AutoencoderKL
    return AutoencoderKL(
        in_channels=3, out_channels=3, latent_channels=4, layers_per_block=2,
        block_out_channels=f.get("channels", (4, 8, 16, 16)), norm_num_groups=f.get("groups", GROUPS), act_fn="silu", sample_size=64, down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4, scaling_factor=f["scale"], force_upcast=False).eval()


def new_text(prefix, layers, width=WIDTH, heads=TEXT_HEADS):
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection
    open_clip = "transformer" not in prefix
    config = CLIPTextConfig(
        vocab_size=49408, hidden_size=width, intermediate_size=4 * width, projection_dim=width, num_hidden_layers=layers,
        num_attention_heads=heads, max_position_embeddings=77, hidden_act="gelu" if open_clip else "quick_gelu",
        layer_norm_eps=1e-5, bos_token_id=mr.BOS, eos_token_id=mr.EOS, pad_token_id=0 if open_clip else mr.EOS,
        attn_implementation="eager")
    return (CLIPTextModelWithProjection if open_clip else CLIPTextModel)(config).eval()


def unet_key(k, names):
    """diffusers' name -> single-file name; two residual blocks a level, as in all families."""
    if k.startswith("add_embedding.linear_"):
        return UNET + f"label_emb.0.{2 * int(k[21]) - 2}." + k.split(".")[-1]
    m = re.match(r"^up_blocks\.(\d)\.upsamplers\.0\.", k)
    if m:
        child = 2 if any(n.startswith(f"up_blocks.{m[1]}.attentions.") for n in names) else 1
        return UNET + f"output_blocks.{3 * int(m[1]) + 2}.{child}." + k[m.end():]
    return mr.unet_key(k)


def vae_key(k, _):
    return mr.vae_key(k)


OPEN_CLIP = (("embeddings.token_embedding", "token_embedding"), ("embeddings.position_embedding.weight", "positional_embedding"),
             ("encoder.layers.", "transformer.resblocks."), ("layer_norm1", "ln_1"), ("layer_norm2", "ln_2"),
             ("mlp.fc1", "mlp.c_fc"), ("mlp.fc2", "mlp.c_proj"), ("self_attn.out_proj", "attn.out_proj"),
             ("final_layer_norm", "ln_final"))


def text_tensors(prefix, state):
    """A text encoder's tensors in the single-file layout."""
    out = {}
    for k, v in state.items():
        if k == "text_projection.weight":
            out[prefix + "text_projection"] = v.T
            continue
        k = k.removeprefix("text_model.")
        if "transformer" in prefix:
            out[prefix + k] = v
            continue
        m = re.match(r"encoder\.layers\.(\d+)\.self_attn\.([qkv])_proj\.(weight|bias)$", k)
        if m:
            if m[2] == "q":
                same = [state[next(n for n in state if n.endswith(k.replace("q_proj", x + "_proj")))] for x in "qkv"]
                out[prefix + f"transformer.resblocks.{m[1]}.attn.in_proj_{m[3]}"] = torch.cat(same)
            continue
        for a, b in OPEN_CLIP:
            k = k.replace(a, b)
        out[prefix + k] = v
    if "transformer" in prefix:
        out[prefix + "embeddings.position_ids"] = torch.arange(77, dtype=torch.int64)[None]
    else:
        out[prefix + "logit_scale"] = torch.tensor(4.6052)
    return out


def is_norm(k):
    return bool(re.search(r"(norm\d?|norm_out|group_norm)\.weight$", k))


def fill(module, g, used=None):
    """Draws a module's parameters, in the order of their names, and rounds them to fp16."""
    for k, p in sorted(module.named_parameters()):
        r = torch.randn(p.shape, generator=g)
        if k.endswith(".bias"):
            r.mul_(0.1)
        elif is_norm(k):
            r.mul_(0.1).add_(1)
        elif k.endswith("token_embedding.weight"):
            r.mul_(0.5)
            if used is not None:
                keep = torch.zeros(r.shape[0], 1)
                keep[sorted(used)] = 1
                r.mul_(keep)
        elif k.endswith("position_embedding.weight"):
            r.mul_(0.1)
        else:
            r.div_(math.sqrt(math.prod(p.shape[1:])))
        p.copy_(r.half().float())


def single_file(unet, vae, texts):
    out = {}
    state = unet.state_dict()
    out.update({unet_key(k, state): v for k, v in state.items()})
    for k, v in vae.state_dict().items():
        key = vae_key(k, None)
        out[key] = v.reshape(*v.shape, 1, 1) if mr.VAE_ATTN.search(key) else v
    for prefix, text in texts:
        out.update(text_tensors(prefix, text.state_dict()))
    return {k: (v.half() if v.is_floating_point() else v) for k, v in out.items()}


def check_names(f, tensors, keys):
    want = json.load(open(os.path.join(keys, f["keys"])))
    have, due = set(tensors), set(want)
    due -= {k for k in due if k.endswith("position_ids")} - have
    if f is FAMILIES["sd2"]:
        due -= {"cond_stage_model.model.text_projection"} - have
    assert have == due, (sorted(have - due)[:5], sorted(due - have)[:5])
    assert all(len(tensors[k].shape) == len(want[k]) for k in have)


def rnd(seed, *shape):
    return torch.randn(shape, generator=torch.Generator("cpu").manual_seed(seed))


def padded(ids):
    """OpenCLIP's padding: 0 behind the first EOS."""
    ids = ids.clone()
    for row in ids:
        end = (row == mr.EOS).nonzero()[0].item()
        row[end + 1:] = 0
    return ids


def penultimate(text, ids, norm):
    """([n,77,w] of the layer before the last, pooled or None)"""
    out = text(input_ids=ids, output_hidden_states=True)
    h = out.hidden_states[-2]
    root = getattr(text, "text_model", text)
    return (root.final_layer_norm(h) if norm else h), getattr(out, "text_embeds", None)


class Writer:
    def __init__(self, folder):
        self.folder = folder

    def keep(self, name, tensors, **meta):
        mr.save(os.path.join(self.folder, name + ".safetensors"), tensors, {k: str(v) for k, v in meta.items()} or None)
        print(name, {k: (list(v.shape), f"std {v.float().std(correction=0).item():.4g}") for k, v in tensors.items()})


def build(name, a, seed):
    f = FAMILIES[name]
    used = set(torch.cat([mr.ids_for(PROMPT), mr.ids_for(NEGATIVE), mr.ids_for("")]).flatten().tolist()) | {0}
    g = torch.Generator("cpu").manual_seed(seed)
    unet, vae = new_unet(f), new_vae(f)
    texts = [(p, new_text(p, n)) for p, n in f["text"]]
    for m in [unet, vae] + [t for _, t in texts]:
        fill(m, g, used)
    tensors = single_file(unet, vae, texts)
    check_names(f, tensors, a.keys)
    mr.save(os.path.join(a.out, name + ".safetensors"), tensors, {
        "format": "pt", "atelier.norm_num_groups": str(GROUPS), "atelier.text_num_attention_heads": str(TEXT_HEADS),
        "atelier.attention_head_dim": str(f["head"])})
    return f, unet, vae, [t for _, t in texts]


def make_sd2(a, w):
    f, unet, vae, (text,) = build("sd2", a, 301)
    ids = torch.cat([mr.ids_for(PROMPT), mr.ids_for(NEGATIVE)])
    context, _ = penultimate(text, padded(ids), True)
    w.keep("sd2-text", {"input_ids": ids, "context": context})
    lat, t, ctx = rnd(311, 2, 4, 16, 24), torch.tensor([981.0, 37.5]), rnd(312, 2, 77, 16)
    w.keep("sd2-unet", {"latents": lat, "timesteps": t, "context": ctx, "output": mr.run_unet(unet, lat, t, ctx)})
    # the inpainting and the instruct-pix2pix variant differ in one tensor
    for channels in (9, 8):
        wide = new_unet(f, channels)
        state = dict(unet.state_dict())
        r = torch.randn((f["channels"][0], channels, 3, 3), generator=torch.Generator("cpu").manual_seed(313))
        state["conv_in.weight"] = r.div(math.sqrt(9 * channels)).half().float()
        wide.load_state_dict(state)
        image = rnd(314, 2, channels - 4, 16, 24)
        w.keep(f"sd2-unet-{channels}", {
            "latents": lat, "timesteps": t, "context": ctx, "image": image, "weight": state["conv_in.weight"],
            "output": mr.run_unet(wide, torch.cat([lat, image], 1), t, ctx)})
    # whole runs with v-prediction, with the usual noise schedule and with one of zero terminal SNR
    sampling, external = mr.load_k_diffusion(a.k_diffusion)
    noise = rnd(315, 1, 4, 16, 16)
    for name, alphas in (("v", mr.compvis_alphas_cumprod()), ("v-zsnr", zero_snr(mr.compvis_alphas_cumprod()))):
        class Wrapped(external.DiscreteVDDPMDenoiser):
            def __init__(self):
                torch.nn.Module.__init__(self)
                super().__init__(None, alphas, quantize=False)

            def get_v(self, x, t, context):
                return mr.run_unet(unet, x, t, context)
        model = Wrapped()

        def guided(x, sigma):
            d = model(torch.cat([x, x]), torch.cat([sigma, sigma]), context=context)
            return d[1:] + (d[:1] - d[1:]) * 5
        sigmas = model.get_sigmas(8)
        before = []
        final = sampling.sample_euler(guided, noise * sigmas[0], sigmas, callback=lambda d: before.append(d["x"].clone()),
                                      disable=True)
        w.keep("sd2-" + name, {"noise": noise, "input_ids": ids, "sigmas": sigmas,
                               "x_steps": torch.stack(before[1:] + [final]),
                               "image": vae.decoder(vae.post_quant_conv(final / f["scale"]))}, cfg_scale=5)


def zero_snr(alphas):
    s = alphas.sqrt()
    s = (s - s[-1]) * (s[0] / (s[0] - s[-1]))
    out = s ** 2
    out[-1] = 4.8973451890853435e-08
    return out


def tokenizer(pad):
    from transformers import CLIPTokenizer
    vocab, merges = mr.clip_vocab()
    return CLIPTokenizer(vocab=vocab, merges=merges, pad_token=pad, model_max_length=77)


def scheduler():
    from diffusers import EulerDiscreteScheduler
    return EulerDiscreteScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear",
                                  timestep_spacing="leading", steps_offset=1)


def make_sdxl(a, w):
    from diffusers import StableDiffusionXLImg2ImgPipeline, StableDiffusionXLPipeline
    f, unet, vae, (clip_l, clip_g) = build("sdxl", a, 302)
    ids = torch.cat([mr.ids_for(PROMPT), mr.ids_for(NEGATIVE)])
    first, _ = penultimate(clip_l, ids, False)
    second, pooled = penultimate(clip_g, padded(ids), False)
    w.keep("sdxl-text", {"input_ids": ids, "context": torch.cat([first, second], -1), "pooled": pooled})
    lat, t, ctx, vec = rnd(321, 2, 4, 16, 24), torch.tensor([981.0, 37.5]), rnd(322, 2, 77, 32), rnd(323, 2, 16)
    ids6 = torch.tensor([[1024.0, 832, 16, 0, 1024, 1024], [512, 640, 0, 8, 768, 896]])   # heights before widths
    w.keep("sdxl-unet", {
        "latents": lat, "timesteps": t, "context": ctx, "pooled": vec, "sizes": ids6,
        "output": unet(lat, t, ctx, added_cond_kwargs={"text_embeds": vec, "time_ids": ids6}).sample})

    pipe = StableDiffusionXLPipeline(
        vae=vae, text_encoder=clip_l, text_encoder_2=clip_g, tokenizer=tokenizer("<|endoftext|>"), tokenizer_2=tokenizer("!"),
        unet=unet, scheduler=scheduler(), add_watermarker=False)
    pipe.set_progress_bar_config(disable=True)
    noise = rnd(324, 1, 4, 16, 24)
    for name, negative in (("sdxl-run", NEGATIVE), ("sdxl-run-empty-negative", None)):
        steps = []
        image = pipe(PROMPT, negative_prompt=negative, height=128, width=192, num_inference_steps=6, guidance_scale=5.0,
                     latents=noise.clone(), output_type="pt",
                     callback_on_step_end=lambda p, i, t, k: steps.append(k["latents"].clone()) or k).images
        w.keep(name, {"noise": noise, "start": noise * pipe.scheduler.init_noise_sigma, "sigmas": pipe.scheduler.sigmas,
                      "x_steps": torch.stack(steps), "image": image}, prompt=PROMPT, negative_prompt=negative or "",
               cfg_scale=5, width=192, height=128)

    rf, runet, rvae, (rtext,) = build("refiner", a, 303)
    h, pooled = penultimate(rtext, padded(ids), False)
    w.keep("refiner-text", {"input_ids": ids, "context": h, "pooled": pooled})
    refiner = StableDiffusionXLImg2ImgPipeline(
        vae=rvae, text_encoder=None, text_encoder_2=rtext, tokenizer=None, tokenizer_2=tokenizer("!"), unet=runet,
        scheduler=scheduler(), requires_aesthetics_score=True, add_watermarker=False)
    refiner.set_progress_bar_config(disable=True)
    steps = []
    pipe.scheduler = scheduler()
    half = pipe(PROMPT, negative_prompt=NEGATIVE, height=128, width=192, num_inference_steps=8, guidance_scale=5.0,
                latents=noise.clone(), denoising_end=0.6, output_type="latent",
                callback_on_step_end=lambda p, i, t, k: steps.append(k["latents"].clone()) or k).images
    count = len(steps)
    image = refiner(PROMPT, negative_prompt=NEGATIVE, image=half, num_inference_steps=8, guidance_scale=5.0,
                    denoising_start=0.6, original_size=(128, 192), target_size=(128, 192), output_type="pt",
                    callback_on_step_end=lambda p, i, t, k: steps.append(k["latents"].clone()) or k).images
    sigmas = scheduler()
    sigmas.set_timesteps(8)
    w.keep("sdxl-refined", {"noise": noise, "start": noise * sigmas.init_noise_sigma, "sigmas": sigmas.sigmas,
                            "x_steps": torch.stack(steps), "image": image}, prompt=PROMPT, negative_prompt=NEGATIVE,
           cfg_scale=5, base_steps=count, width=192, height=128)


def cmd_miniatures(a):
    w = Writer(a.out)
    make_sd2(a, w)
    make_sdxl(a, w)


def full_unet(name, f, g):
    with torch.device("meta"):
        unet = new_unet(f, groups=32)
    unet = unet.to_empty(device="cpu")
    fill(unet, g)
    lat, t = rnd(331, 1, 4, 32, 32), torch.tensor([500.25])
    ctx = rnd(332, 1, 77, f["context"])
    tensors = {"latents": lat, "timesteps": t, "context": ctx}
    more = {}
    if "vector" in f:
        tensors["pooled"] = rnd(333, 1, 1280)
        sizes = [1024.0, 1024, 0, 0] + ([6] if name.startswith("refiner") else [1024, 1024])
        tensors["sizes"] = torch.tensor([sizes])
        more = {"added_cond_kwargs": {"text_embeds": tensors["pooled"], "time_ids": tensors["sizes"]}}
    tensors["output"] = unet(lat, t, ctx, **more).sample
    state = unet.state_dict()
    names = list(state)
    half = {}
    for k in names:     # one copy less in memory
        half[unet_key(k, names)] = state[k].half()
        state[k].set_()
    return tensors, half


def full_text(name, f, g):
    text = new_text(f["prefix"], f["layers"], f["width"], f["heads"])
    fill(text, g)
    ids = torch.cat([mr.ids_for(PROMPT), mr.ids_for(NEGATIVE)])
    context, pooled = penultimate(text, padded(ids), f["norm"])
    tensors = {"input_ids": ids, "context": context}
    if pooled is not None and not f["norm"]:
        tensors["pooled"] = pooled
    half = {k: v.half() if v.is_floating_point() else v for k, v in text_tensors(f["prefix"], text.state_dict()).items()}
    return tensors, half


def full_vae(name, f, g):
    vae = new_vae(f)
    fill(vae, g)
    lat, image = rnd(334, 1, 4, 32, 32), rnd(335, 1, 3, 256, 256).clamp(-1, 1)
    tensors = {"latents": lat, "picture": vae.decoder(vae.post_quant_conv(lat / f["scale"])), "image": image,
               "moments": mr.encode_moments(vae, image)}
    half = {}
    for k, v in vae.state_dict().items():
        key = vae_key(k, None)
        half[key] = (v.reshape(*v.shape, 1, 1) if mr.VAE_ATTN.search(key) else v).half()
    return tensors, half


def cmd_full(a):
    kind = a.network.split("-")[1]
    start = time.perf_counter()
    tensors, half = globals()["full_" + kind](a.network, FULL[a.network], torch.Generator("cpu").manual_seed(a.seed))
    mr.save(os.path.join(a.out, a.network + "-full-output.safetensors"), tensors)
    save_file({k: v.contiguous() for k, v in half.items()}, os.path.join(a.out, a.network + "-full.safetensors"))
    print(a.network, {k: tuple(v.shape) for k, v in tensors.items()}, round(time.perf_counter() - start), "s")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = p.add_subparsers(dest="command", required=True)
    c = sub.add_parser("miniatures")
    for o in ("--k-diffusion", "--keys", "--out"):
        c.add_argument(o, required=True)
    c = sub.add_parser("full")
    c.add_argument("--network", choices=FULL, required=True)
    c.add_argument("--seed", type=int, required=True)
    c.add_argument("--out", required=True)
    a = p.parse_args()
    globals()["cmd_" + a.command](a)


if __name__ == "__main__":
    main()
