#!/usr/bin/env python3
"""Builds Stable Diffusion 1.5 checkpoints with seeded random weights, and reference outputs for them.

No published weights are used.  The three networks are the ordinary Python implementations,

  * diffusers.UNet2DConditionModel      (the denoising network),
  * diffusers.AutoencoderKL             (image <-> latent),
  * transformers.CLIPTextModel          (the text encoder),

built at a chosen size (SIZES below: "miniature" has the exact key set of Stable Diffusion 1.5 with very narrow
layers, "sd15" is the real size), and filled with random numbers from one seed:

  * the keys of the whole checkpoint, in the single-file ("LDM") spelling, are visited in sorted order;
  * every tensor is one torch.randn(shape, generator=g) call on a CPU generator seeded with the checkpoint's
    seed, then scaled:
        norm weights                     1 + 0.1 * r        (GroupNorm / LayerNorm gains)
        all biases                       0.1 * r
        token embedding                  0.5 * r
        position embedding               0.1 * r
        everything else                  r / sqrt(fan_in)   (fan_in = in_channels * kernel height * kernel width)
    so that activations stay of order one through the whole depth;
  * for an fp16 checkpoint the result is rounded to fp16 (round to nearest even), and the reference networks are
    loaded with those rounded values widened to fp32 again.  The reference therefore computes in fp32 on exactly
    the numbers that are in the file.

The mapping of names from the Python modules to the single-file layout is `unet_key`, `vae_key` and `text_key`.  The only
tensors that change shape are the 1x1 attention projections of the VAE ([c,c] <-> [c,c,1,1]).

Usage (PYTHONPATH must contain diffusers' src folder):
  make_reference.py miniature --k-diffusion DIR --keys keys-sd15.json --out DIR
  make_reference.py tokenizer --out DIR
  make_reference.py full --seed N --keys keys-sd15.json [--out FILE] [--half FILE] [--ckpt FILE]
  make_reference.py parity --checkpoint FILE --out FILE --timings FILE
"""
import argparse, gc, importlib.util, json, math, os, re, struct, sys, time, types

import torch
from safetensors import safe_open
from safetensors.torch import save_file

torch.set_num_threads(2)
torch.set_grad_enabled(False)

# ---------------------------------------------------------------------------------------------------------- sizes

SIZES = {
    "miniature": dict(unet_channels=(16, 32, 64, 64), context=16, unet_groups=4,
                      vae_channels=(8, 16, 32, 32), vae_groups=4,
                      text_hidden=16, text_heads=2, text_mlp=64),
    "sd15": dict(unet_channels=(320, 640, 1280, 1280), context=768, unet_groups=32,
                 vae_channels=(128, 256, 512, 512), vae_groups=32,
                 text_hidden=768, text_heads=12, text_mlp=3072),
}
SCALING = 0.18215          # latent scaling factor of SD 1.x
BOS, EOS = 49406, 49407    # <|startoftext|>, <|endoftext|>; SD 1.x pads with EOS


def new_unet(size):
    from diffusers import UNet2DConditionModel
    s = SIZES[size]
    return UNet2DConditionModel(
        sample_size=64, in_channels=4, out_channels=4, layers_per_block=2,
        block_out_channels=s["unet_channels"], cross_attention_dim=s["context"],
        attention_head_dim=8,                      # historical name: this is the NUMBER of heads
        norm_num_groups=s["unet_groups"], norm_eps=1e-5, act_fn="silu", flip_sin_to_cos=True, freq_shift=0,
        down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
        up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3)


def new_vae(size):
    from diffusers import AutoencoderKL
    s = SIZES[size]
    return AutoencoderKL(
        in_channels=3, out_channels=3, latent_channels=4, layers_per_block=2,
        block_out_channels=s["vae_channels"], norm_num_groups=s["vae_groups"], act_fn="silu", sample_size=512,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4, scaling_factor=SCALING)


def new_text(size):
    from transformers import CLIPTextConfig, CLIPTextModel
    s = SIZES[size]
    return CLIPTextModel(CLIPTextConfig(
        vocab_size=49408, hidden_size=s["text_hidden"], intermediate_size=s["text_mlp"],
        projection_dim=s["text_hidden"], num_hidden_layers=12, num_attention_heads=s["text_heads"],
        max_position_embeddings=77, hidden_act="quick_gelu", layer_norm_eps=1e-5,
        bos_token_id=BOS, eos_token_id=EOS, pad_token_id=EOS, attn_implementation="eager"))


NEW = {"unet": new_unet, "vae": new_vae, "text": new_text}

# ------------------------------------------------------------------------------------------------- names and layout


def unet_key(k):
    """diffusers UNet2DConditionModel name -> single-file name."""
    fixed = {"time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
             "conv_in": "input_blocks.0.0", "conv_norm_out": "out.0", "conv_out": "out.2"}
    stem, leaf = k.rsplit(".", 1)
    if stem in fixed:
        return "model.diffusion_model." + fixed[stem] + "." + leaf
    for a, b in (("norm1", "in_layers.0"), ("conv1", "in_layers.2"), ("time_emb_proj", "emb_layers.1"),
                 ("norm2", "out_layers.0"), ("conv2", "out_layers.3"), ("conv_shortcut", "skip_connection")):
        k = re.sub(r"(resnets\.\d+)\." + a + r"\.", r"\1." + b + ".", k)
    rules = (
        (r"^down_blocks\.(\d)\.resnets\.(\d)\.", lambda b, i: f"input_blocks.{3 * b + i + 1}.0."),
        (r"^down_blocks\.(\d)\.attentions\.(\d)\.", lambda b, i: f"input_blocks.{3 * b + i + 1}.1."),
        (r"^down_blocks\.(\d)\.downsamplers\.(0)\.conv\.", lambda b, i: f"input_blocks.{3 * b + 3}.0.op."),
        (r"^mid_block\.(resnets)\.(\d)\.", lambda b, i: f"middle_block.{2 * i}."),
        (r"^mid_block\.(attentions)\.(0)\.", lambda b, i: "middle_block.1."),
        (r"^up_blocks\.(\d)\.resnets\.(\d)\.", lambda b, i: f"output_blocks.{3 * b + i}.0."),
        (r"^up_blocks\.(\d)\.attentions\.(\d)\.", lambda b, i: f"output_blocks.{3 * b + i}.1."),
        # the up-sampler is child 1 of a block without attention (the first group), else child 2
        (r"^up_blocks\.(\d)\.upsamplers\.(0)\.", lambda b, i: f"output_blocks.{3 * b + 2}.{1 if b == 0 else 2}."),
    )
    for pattern, f in rules:
        m = re.match(pattern, k)
        if m:
            g = [int(x) if x.isdigit() else x for x in m.groups()]
            return "model.diffusion_model." + f(*g) + k[m.end():]
    raise KeyError(k)


def vae_key(k):
    """diffusers AutoencoderKL name -> single-file name.  decoder.up is numbered from the highest resolution."""
    k = re.sub(r"^encoder\.down_blocks\.(\d)\.resnets\.(\d)", r"encoder.down.\1.block.\2", k)
    k = re.sub(r"^encoder\.down_blocks\.(\d)\.downsamplers\.0", r"encoder.down.\1.downsample", k)
    k = re.sub(r"^decoder\.up_blocks\.(\d)\.resnets\.(\d)",
               lambda m: f"decoder.up.{3 - int(m[1])}.block.{m[2]}", k)
    k = re.sub(r"^decoder\.up_blocks\.(\d)\.upsamplers\.0", lambda m: f"decoder.up.{3 - int(m[1])}.upsample", k)
    k = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", k)
    k = k.replace("mid_block.attentions.0", "mid.attn_1").replace("conv_norm_out", "norm_out")
    k = k.replace("conv_shortcut", "nin_shortcut")
    for a, b in (("group_norm", "norm"), ("to_q", "q"), ("to_k", "k"), ("to_v", "v"), ("to_out.0", "proj_out")):
        k = k.replace("attn_1." + a + ".", "attn_1." + b + ".")
    return "first_stage_model." + k


def text_key(k):
    """transformers CLIPTextModel name -> single-file name (older versions already have the text_model level)."""
    return "cond_stage_model.transformer." + (k if k.startswith("text_model.") else "text_model." + k)


KEY = {"unet": unet_key, "vae": vae_key, "text": text_key}
POSITION_IDS = "cond_stage_model.transformer.text_model.embeddings.position_ids"
VAE_ATTN = re.compile(r"mid\.attn_1\.(q|k|v|proj_out)\.weight$")


def layout(size):
    """{single-file key: shape} of every parameter of the three networks at this size (no position_ids)."""
    out = {}
    for part, new in NEW.items():
        with torch.device("meta"):
            m = new(size)
        for k, v in m.state_dict().items():
            key = KEY[part](k)
            assert key not in out
            out[key] = tuple(v.shape) + ((1, 1) if part == "vae" and VAE_ATTN.search(key) else ())
    return out


def check_layout(size, keys_file):
    """The key set must be that of SD 1.5; at full size the shapes too."""
    want = {k: tuple(v) for k, v in json.load(open(keys_file)).items()}
    have = dict(layout(size))
    have[POSITION_IDS] = (1, 77)
    assert set(have) == set(want), (sorted(set(have) ^ set(want))[:10])
    if size == "sd15":
        assert have == want
        n = sum(math.prod(s) for k, s in have.items() if k.startswith("model.diffusion_model."))
        assert n == 859_520_964, n
    else:
        assert all(len(have[k]) == len(want[k]) for k in want)   # same ranks
    return have


# --------------------------------------------------------------------------------------------------------- weights


def is_norm(key):
    """True for the tensors of a GroupNorm or LayerNorm."""
    return bool(re.search(r"(\.norm\d?|\.in_layers\.0|\.out_layers\.0|diffusion_model\.out\.0|\.norm_out"
                          r"|layer_norm\d?)\.(weight|bias)$", key))


def random_weights(size, seed, dtype=torch.float32):
    """{single-file key: tensor}, seeded; see the explanation at the top of this file."""
    g = torch.Generator("cpu").manual_seed(seed)
    out = {}
    for key, shape in sorted(layout(size).items()):
        r = torch.randn(shape, generator=g)
        if key.endswith(".bias"):
            r.mul_(0.1)
        elif is_norm(key):
            r.mul_(0.1).add_(1)
        elif key.endswith("token_embedding.weight"):
            r.mul_(0.5)
        elif key.endswith("position_embedding.weight"):
            r.mul_(0.1)
        else:
            assert len(shape) in (2, 4), (key, shape)
            r.div_(math.sqrt(math.prod(shape[1:])))
        out[key] = r.to(dtype)
    out[POSITION_IDS] = torch.arange(77, dtype=torch.int64)[None]
    return out


def load_network(part, size, source):
    """The reference network in fp32 on CPU, holding the values of `source`: a single-file dict or a file's path."""
    m = NEW[part](size).eval()
    names = list(m.state_dict())
    if isinstance(source, dict):
        get = source.__getitem__
    else:
        get = safe_open(source, framework="pt").get_tensor
    sd = {}
    shapes = {k: v.shape for k, v in m.state_dict().items()}
    for k in names:
        sd[k] = get(KEY[part](k)).to(torch.float32).reshape(shapes[k])   # reshape: only [c,c,1,1] -> [c,c]
    m.load_state_dict(sd, strict=True, assign=True)
    return m


def save(path, tensors, metadata=None):
    """safetensors, with the metadata in sorted order so that the file's bytes are reproducible."""
    tensors = {k: v.contiguous() for k, v in tensors.items()}
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    save_file(tensors, path, metadata=metadata)
    if metadata and len(metadata) > 1:
        with open(path, "r+b") as f:
            n = struct.unpack("<Q", f.read(8))[0]
            h = json.loads(f.read(n))
            h["__metadata__"] = dict(sorted(h["__metadata__"].items()))
            b = json.dumps(h, separators=(",", ":"), ensure_ascii=False).encode()
            assert len(b) <= n
            f.seek(8)
            f.write(b.ljust(n))
    os.chmod(path, 0o644)
    with safe_open(path, framework="pt") as back:      # what was written is what was meant
        assert set(back.keys()) == set(tensors)
        assert all(torch.equal(back.get_tensor(k), v) for k, v in tensors.items())


# -------------------------------------------------------------------------------------------------------- networks


def run_text(text, ids):
    """last_hidden_state (after final_layer_norm), and the "clip skip 2" state: the output of the last layer but one,
    put through the same final_layer_norm."""
    root = getattr(text, "text_model", text)
    kept = []
    h = root.encoder.layers[-2].register_forward_hook(lambda m, i, o: kept.append(o[0] if isinstance(o, tuple) else o))
    last = text(input_ids=ids).last_hidden_state
    h.remove()
    return last, root.final_layer_norm(kept[0])


def run_unet(unet, latents, timesteps, context):
    return unet(latents, timesteps, encoder_hidden_states=context).sample


def decode(vae, latents):
    """latents in the UNet's scale -> image in about [-1, 1], not clamped."""
    return vae.decoder(vae.post_quant_conv(latents / SCALING))


def encode_moments(vae, image):
    """mean (channels 0-3) and log-variance (4-7), before any scaling."""
    return vae.quant_conv(vae.encoder(image))


# ------------------------------------------------------------------------------------------------------- tokenizer


def open_clip_tokenizer():
    """open_clip's SimpleTokenizer, loaded without importing the whole package."""
    spec = importlib.util.find_spec("open_clip")
    path = os.path.join(os.path.dirname(spec.origin), "tokenizer.py")
    s = importlib.util.spec_from_file_location("open_clip_tokenizer", path)
    m = importlib.util.module_from_spec(s)
    s.loader.exec_module(m)
    return m


def clip_vocab():
    """(vocab, merges) of CLIP, from the merges table that open_clip ships."""
    import gzip
    oc = open_clip_tokenizer()
    merges = gzip.open(oc.default_bpe()).read().decode("utf-8").split("\n")[1:49152 - 256 - 2 + 1]
    merges = [tuple(m.split()) for m in merges]
    chars = list(oc.bytes_to_unicode().values())
    vocab = chars + [c + "</w>" for c in chars] + ["".join(m) for m in merges] + ["<|startoftext|>", "<|endoftext|>"]
    vocab = {v: i for i, v in enumerate(vocab)}
    assert len(vocab) == 49408
    return vocab, merges


def ids_for(prompt):
    """[1,77]: BOS, the prompt's tokens, EOS, padded with EOS."""
    t = open_clip_tokenizer().SimpleTokenizer().encode(prompt)
    assert len(t) <= 75
    return torch.tensor([[BOS] + t + [EOS] * (76 - len(t))], dtype=torch.int64)


# -------------------------------------------------------------------------------------------------------- sampling


def load_k_diffusion(folder):
    """k_diffusion.sampling and .external without the package's unrelated dependencies."""
    class Anything(types.ModuleType):
        def __getattr__(self, name):
            if name.startswith("__"):
                raise AttributeError(name)
            return Anything(name)
    for name in ("torchdiffeq", "torchsde", "torchvision", "torchvision.transforms", "PIL", "PIL.Image"):
        if name not in sys.modules:
            sys.modules[name] = Anything(name)
    pkg = types.ModuleType("k_diffusion")
    pkg.__path__ = [os.path.join(folder, "k_diffusion")]
    sys.modules["k_diffusion"] = pkg
    from k_diffusion import external, sampling
    return sampling, external


def compvis_alphas_cumprod():
    """The SD 1.x noise schedule: float64 throughout, cast to float32 at the end."""
    import numpy as np
    betas = np.linspace(0.00085 ** 0.5, 0.012 ** 0.5, 1000, dtype=np.float64) ** 2
    return torch.tensor(np.cumprod(1.0 - betas, axis=0), dtype=torch.float32)


def sample(kd, sampler, unet, noise, cond, uncond, cfg, steps, alphas_cumprod):
    """Runs k-diffusion's own sampler function.  Guidance is applied to the denoised estimates, as the web UI does:
    uncond + cfg * (cond - uncond).  Returns sigmas, x after every step."""
    sampling, external = kd

    class Wrapped(external.DiscreteEpsDDPMDenoiser):
        def __init__(self):
            torch.nn.Module.__init__(self)
            super().__init__(None, alphas_cumprod, quantize=False)

        def get_eps(self, x, t, context):
            return run_unet(unet, x, t, context)

    model = Wrapped().to(noise.dtype) if noise.dtype == torch.float64 else Wrapped()

    def guided(x, sigma):
        n = x.shape[0]
        both = torch.cat([cond.expand(n, -1, -1), uncond.expand(n, -1, -1)])
        d = model(torch.cat([x, x]), torch.cat([sigma, sigma]), context=both)
        return d[n:] + (d[:n] - d[n:]) * cfg

    lo, hi = model.sigmas[0].item(), model.sigmas[-1].item()
    if sampler == "dpmpp-2m-karras":
        sigmas, run = sampling.get_sigmas_karras(steps, lo, hi), sampling.sample_dpmpp_2m
    elif sampler == "euler":
        sigmas, run = model.get_sigmas(steps), sampling.sample_euler
    sigmas = sigmas.to(noise.dtype)
    before = []
    final = run(guided, noise * sigmas[0], sigmas, callback=lambda d: before.append(d["x"].clone()), disable=True)
    return sigmas, torch.stack(before[1:] + [final])


PROMPT, NEGATIVE = "a red circle on a blue background", "blurry, low quality"

# -------------------------------------------------------------------------------------------------------- commands


def cmd_miniature(a):
    check_layout("miniature", a.keys)
    fx = os.path.join(a.out, "fixtures")
    sd = random_weights("miniature", a.seed, torch.float16)
    save(os.path.join(a.out, "miniature.safetensors"), sd, {
        "format": "pt", "atelier.norm_num_groups": "4", "atelier.text_num_attention_heads": "2"})
    text, unet, vae = (load_network(p, "miniature", sd) for p in ("text", "unet", "vae"))
    report = {}

    def rnd(seed, *shape):
        return torch.randn(shape, generator=torch.Generator("cpu").manual_seed(seed))

    def keep(name, tensors, **meta):
        save(os.path.join(fx, name + ".safetensors"), tensors, {k: str(v) for k, v in meta.items()} or None)
        report[name] = {k: [list(v.shape), f"absmax {v.abs().max().item():.4g}", f"std {v.float().std(correction=0).item():.4g}"]
                        for k, v in tensors.items()}

    prompts = (PROMPT, "An oil painting of two cats (one black, one white) in a rainy street at night, 4k, "
                       "highly detailed, by Jan van der Meer")
    ids = torch.cat([ids_for(p) for p in prompts])
    last, skip2 = run_text(text, ids)
    keep("text-encoder", {"input_ids": ids, "last_hidden_state": last, "clip_skip_2": skip2},
         prompt_0=prompts[0], prompt_1=prompts[1])

    lat, t, ctx = rnd(101, 2, 4, 16, 16), torch.tensor([981.0, 37.5]), rnd(102, 2, 77, 16)
    keep("unet", {"latents": lat, "timesteps": t, "context": ctx, "output": run_unet(unet, lat, t, ctx)},
         latents_seed=101, context_seed=102)
    lat, t, ctx = rnd(103, 1, 4, 8, 24), torch.tensor([500.25]), rnd(104, 1, 154, 16)
    keep("unet-nonsquare", {"latents": lat, "timesteps": t, "context": ctx, "output": run_unet(unet, lat, t, ctx)},
         latents_seed=103, context_seed=104)

    lat = rnd(105, 1, 4, 8, 8)
    keep("vae-decoder", {"latents": lat, "image": decode(vae, lat)}, latents_seed=105, scaling_factor=SCALING)
    img = torch.rand((1, 3, 64, 64), generator=torch.Generator("cpu").manual_seed(106)) * 2 - 1
    keep("vae-encoder", {"image": img, "moments": encode_moments(vae, img)}, image_seed=106)

    kd = load_k_diffusion(a.k_diffusion)
    noise = rnd(107, 2, 4, 16, 16)
    cid, uid = ids_for(PROMPT), ids_for(NEGATIVE)
    cond, uncond = run_text(text, cid)[0], run_text(text, uid)[0]
    ac = compvis_alphas_cumprod()
    for name in ("dpmpp-2m-karras", "euler"):
        sigmas, xs = sample(kd, name, unet, noise, cond, uncond, 7.0, 20, ac)
        # how much of it is float32 rounding: the same run in float64, and a run started 1e-6 away
        d64 = sample(kd, name, unet.double(), noise.double(), cond.double(), uncond.double(), 7.0, 20, ac)[1]
        unet.float()
        nudged = sample(kd, name, unet, noise * (1 + 1e-6), cond, uncond, 7.0, 20, ac)[1]
        image = decode(vae, xs[-1])
        keep("txt2img-" + name,
             {"noise": noise, "cond_input_ids": cid, "uncond_input_ids": uid, "sigmas": sigmas, "x_steps": xs,
              "final_latent": xs[-1].clone(), "image": image},
             sampler={"euler": "Euler", "dpmpp-2m-karras": "DPM++ 2M"}[name],
             schedule={"euler": "Uniform", "dpmpp-2m-karras": "Karras"}[name],
             steps=20, cfg_scale=7.0, prompt=PROMPT, negative_prompt=NEGATIVE, noise_seed=107, quantize=False,
             width=128, height=128, scaling_factor=SCALING,
             max_abs_difference_from_float64=f"{(xs - d64).abs().max().item():.3g}")
        report["txt2img-" + name]["float64 run"] = (
            f"max |x32-x64| final {(xs[-1] - d64[-1]).abs().max().item():.3g}, any step "
            f"{(xs - d64).abs().max().item():.3g}; noise*(1+1e-6) moves final by "
            f"{(xs[-1] - nudged[-1]).abs().max().item():.3g}")
        if xs.abs().max() > 1e4 or not torch.isfinite(xs).all():
            raise SystemExit("sampling exploded: scale conv_out")
    print(json.dumps(report, indent=1))


# 66 awkward strings.  They are prompts as a user could type them (or fragments of them).
TOKENIZER_TEXTS = [
    "", " ", "a red circle on a blue background", "blurry, low quality", "A RED Circle", "masterpiece, best quality, 1girl",
    "photo of a cat, 35mm, f/1.8, bokeh, 8k uhd", "don't I'LL you've WE'RE she'd I'm it's THE DOG'S",
    "rock 'n' roll 'tis ''quoted'' '", "((mochi rice cakes))", "(masterpiece:1.2), [dull] <lora:foo_v1:0.8>", "a:b;c,d.e!f?g",
    "!!!", "!?!?...", "--ar 16:9 --v 5", "#hashtag @artist $100 50% a&b a+b=c", "under_score snake_case_name __wild__",
    "hy-phen-ated e-mail co\u2011op", "2024 3.14159 1,000,000 007", "a1b2c3 4k 8K x2", "  leading and trailing  ",
    "many     spaces", "tab\tseparated\ttext", "new\nline\r\nand\n\n\nmore", "no\u00a0break em\u2003space ideographic\u3000space",
    "zero\u200bwidth\u200djoiner\ufeffbom", "supercalifragilisticexpialidocious",
    "pneumonoultramicroscopicsilicovolcanoconiosis", "a" * 60, "ab" * 40, "\u0416" * 12, "caf\u00e9 na\u00efve \u00fcber fa\u00e7ade \u00c5ngstr\u00f6m",
    "cafe\u0301 e\u0301 A\u030a n\u0303", "o\u0302\u0323 \u1ed9", "\u0130stanbul I\u0131", "STRASSE Stra\u00dfe \u1e9e", "\u03a3\u0391\u03a3 \u03c3\u03b1\u03c2",
    "\ufb01ligature o\ufb03ce", "\uff26\uff35\uff2c\uff2c\uff37\uff29\uff24\uff34\uff28 \uff11\uff12\uff13", "\u65e5\u672c\u8a9e\u306e\u30c6\u30ad\u30b9\u30c8", "\u4e2d\u6587\u63d0\u793a\u8bcd\uff0c\u4e00\u53ea\u732b", "\ud55c\uad6d\uc5b4 \uace0\uc591\uc774", "\uff76\uff9e\uff77\uff9e",
    "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645", "\u0928\u092e\u0938\u094d\u0924\u0947", "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35", "\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440!", "\U0001f600", "\U0001f9d1\u200d\U0001f680 astronaut \U0001f44d\U0001f3fd", "\u2764\ufe0f\U0001f525\U0001f1eb\U0001f1f7",
    "\u201ccurly\u201d \u2018quotes\u2019 don\u2019t \u2014 dash \u2026", "x\u00b2 \u00bd \u2460 \u216b \u0663", "\u00bd cup, \u2103, \u2122 \u00a9 \u20ac",
    "&amp; &lt;tag&gt; &#39; &nbsp;", "a < b &amp; c", "<|startoftext|>", "<|endoftext|>", "cat<|endoftext|>dog", "<|STARTOFTEXT|>",
    "<start_of_text>", "\u00c3\u00a9 mojibake schÃ¶n", "control\u0007bell\u0000nul", "path\\to\\file C:/x",
    "\U0001d4d0\U0001d4ee math script", "'s", "'S'T'RE", "a's1's_'s", "http://example.com/a?b=c&d=e",
]


def web_ui_tokens(vocab, merges, text):
    """The "slow" CLIP tokenizer of transformers 4.30 as it runs in a web UI installation (with ftfy present, since
    OpenAI's clip package requires it): split at the literal special tokens, ftfy.fix_text, whitespace runs to one
    space, strip, str.lower, split by pattern, BPE.  A separate few lines because transformers 5 no longer has it."""
    import ftfy
    import regex
    oc = open_clip_tokenizer()
    bpe = oc.SimpleTokenizer()                     # only its merge loop is used
    pattern = regex.compile(r"""<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]"""
                            r"""|[^\s\p{L}\p{N}]+""", regex.IGNORECASE)
    special = {"<|startoftext|>": BOS, "<|endoftext|>": EOS}
    ids = []
    for part in regex.split(r"(<\|startoftext\|>|<\|endoftext\|>)", text):
        if part in special:
            ids.append(special[part])
            continue
        part = regex.sub(r"\s+", " ", ftfy.fix_text(part)).strip().lower()
        for token in regex.findall(pattern, part):
            if token in special:
                ids.append(special[token])
                continue
            token = "".join(bpe.byte_encoder[b] for b in token.encode("utf-8"))
            ids += [vocab[t] for t in bpe.bpe(token).split(" ")]
    return ids


def cmd_tokenizer(a):
    from transformers import CLIPTokenizer
    vocab, merges = clip_vocab()
    fast = CLIPTokenizer(vocab=vocab, merges=merges)
    oc = open_clip_tokenizer().SimpleTokenizer()
    rows, differ = [], {"open_clip_ids": 0, "web_ui_ids": 0}
    assert len(set(TOKENIZER_TEXTS)) == len(TOKENIZER_TEXTS)
    for text in TOKENIZER_TEXTS:
        ids = fast(text, add_special_tokens=False)["input_ids"]
        row = {"text": text, "ids": ids}
        for name, other in (("open_clip_ids", oc.encode(text)), ("web_ui_ids", web_ui_tokens(vocab, merges, text))):
            if other != ids:
                row[name] = other
                differ[name] += 1
        rows.append(row)
    path = os.path.join(a.out, "fixtures", "tokenizer.json")
    with open(path, "w", encoding="utf-8") as f:
        f.write("[\n" + ",\n".join(json.dumps(r, ensure_ascii=True) for r in rows) + "\n]\n")
    inv = {v: k for k, v in vocab.items()}
    print(len(rows), differ)
    for r in rows:
        if len(r) > 2:
            print(json.dumps(r, ensure_ascii=True))


def cmd_full(a):
    """The real size.  Writes --out in fp32, and on request the same values rounded to fp16, and a torch.save zip."""
    want = check_layout("sd15", a.keys)
    t = time.time()
    sd = random_weights("sd15", a.seed)
    assert {k: tuple(v.shape) for k, v in sd.items()} == {k: tuple(v) for k, v in want.items()}
    print(f"seed {a.seed}: {sum(v.numel() for v in sd.values()):,} values in {time.time() - t:.0f} s")
    if a.out:
        save(a.out, sd, {"format": "pt"})
    if a.ckpt:
        torch.save({"state_dict": sd, "global_step": 1000}, a.ckpt)
    if a.half:
        for k in list(sd):
            if sd[k].dtype == torch.float32:
                sd[k] = sd[k].half()
        save(a.half, sd, {"format": "pt"})


def cmd_parity(a):
    """Outputs of the three networks at real size, one network in memory at a time, and how long each took."""
    def rnd(seed, *shape):
        return torch.randn(shape, generator=torch.Generator("cpu").manual_seed(seed))

    out, timings = {}, {"threads": torch.get_num_threads(), "dtype": "float32", "checkpoint": os.path.basename(a.checkpoint)}

    def timed(name, f):
        t = time.perf_counter()
        r = f()
        timings[name + "_seconds"] = round(time.perf_counter() - t, 3)
        return r

    ids = ids_for(PROMPT)
    text = timed("text_load", lambda: load_network("text", "sd15", a.checkpoint))
    state = timed("text_forward_first", lambda: run_text(text, ids)[0])
    timed("text_forward_second", lambda: run_text(text, ids))
    out.update({"text.input_ids": ids, "text.last_hidden_state": state})
    del text
    gc.collect()

    vae = timed("vae_load", lambda: load_network("vae", "sd15", a.checkpoint))
    lat = rnd(202, 1, 4, 64, 64)
    out.update({"vae.latents": lat, "vae.image": timed("vae_decode_512_forward", lambda: decode(vae, lat))})
    del vae
    gc.collect()

    unet = timed("unet_load", lambda: load_network("unet", "sd15", a.checkpoint))
    lat, t = rnd(201, 1, 4, 64, 64), torch.tensor([981.0])
    res = timed("unet_512_batch1_forward_first", lambda: run_unet(unet, lat, t, state))
    timed("unet_512_batch1_forward_second", lambda: run_unet(unet, lat, t, state))
    out.update({"unet.latents": lat, "unet.timesteps": t, "unet.context": state.clone(), "unet.output": res})
    two = (lat.repeat(2, 1, 1, 1), t.repeat(2), state.repeat(2, 1, 1))
    timings["unet_512_batch2_forward_seconds"] = []
    for _ in range(3):
        s = time.perf_counter()
        run_unet(unet, *two)
        timings["unet_512_batch2_forward_seconds"].append(round(time.perf_counter() - s, 3))
    timings["load_average_at_end"] = os.getloadavg()
    save(a.out, out, {"checkpoint": os.path.basename(a.checkpoint), "prompt": PROMPT})
    json.dump(timings, open(a.timings, "w"), indent=1)
    print(json.dumps(timings, indent=1))
    for k, v in out.items():
        print(k, tuple(v.shape), f"std {v.float().std(correction=0):.4g} absmax {v.abs().max():.4g}")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = p.add_subparsers(dest="command", required=True)
    c = sub.add_parser("miniature")
    c.add_argument("--k-diffusion", required=True)
    c.add_argument("--keys", required=True)
    c.add_argument("--out", required=True)
    c.add_argument("--seed", type=int, default=20240601)
    c = sub.add_parser("tokenizer")
    c.add_argument("--out", required=True)
    c = sub.add_parser("full")
    c.add_argument("--seed", type=int, required=True)
    c.add_argument("--keys", required=True)
    for o in ("--out", "--half", "--ckpt"):
        c.add_argument(o)
    c = sub.add_parser("parity")
    for o in ("--checkpoint", "--out", "--timings"):
        c.add_argument(o, required=True)
    a = p.parse_args()
    globals()["cmd_" + a.command](a)


if __name__ == "__main__":
    main()
