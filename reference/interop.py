#!/usr/bin/env python3
"""Whether diffusers and atelier read each other's models alike.

Usage:  interop.py ATELIER FOLDER          ATELIER: the launcher;  FOLDER: a new one, with a CLIP tokenizer in tokenizer/

For Stable Diffusion 1, 2 (v-prediction), XL and XL's refiner: diffusers saves a model of full depth and small width, atelier
turns the folder into one file and that file into a folder, and diffusers opens both. All weights must be the same bit by bit,
and what the networks compute to 1e-5.
"""
import subprocess
import sys
import warnings

import torch
from diffusers import (AutoencoderKL, DDIMScheduler, EulerDiscreteScheduler, PNDMScheduler, StableDiffusionPipeline,
                       StableDiffusionXLImg2ImgPipeline, StableDiffusionXLPipeline, UNet2DConditionModel)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

warnings.filterwarnings("ignore")
atelier, folder = sys.argv[1:3]


def text(kind, width, layers, act):
    return kind(CLIPTextConfig(vocab_size=49408, hidden_size=width, intermediate_size=4 * width,
                               num_hidden_layers=layers, num_attention_heads=max(1, width // 64), hidden_act=act,
                               projection_dim=width, bos_token_id=49406, eos_token_id=49407, pad_token_id=1)).eval()


def unet(channels, blocks, heads, depth, context, linear, adm=None):
    down = ["CrossAttnDownBlock2D" if b else "DownBlock2D" for b in blocks]
    up = ["CrossAttnUpBlock2D" if b else "UpBlock2D" for b in reversed(blocks)]
    more = {} if adm is None else dict(addition_embed_type="text_time", addition_time_embed_dim=256,
                                       projection_class_embeddings_input_dim=adm)
    return UNet2DConditionModel(sample_size=64, block_out_channels=channels, down_block_types=down, up_block_types=up,
                                attention_head_dim=heads, transformer_layers_per_block=depth, layers_per_block=2,
                                cross_attention_dim=context, use_linear_projection=linear, **more).eval()


def vae(scale):
    return AutoencoderKL(block_out_channels=(32, 64, 64, 64), down_block_types=["DownEncoderBlock2D"] * 4,
                         up_block_types=["UpDecoderBlock2D"] * 4, layers_per_block=2, latent_channels=4,
                         sample_size=64, scaling_factor=scale).eval()


def schedule(kind, **more):
    return kind(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1, **more)


def models(tokenizer):
    torch.manual_seed(7)
    none = dict(safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    yield "sd1", StableDiffusionPipeline(
        vae=vae(0.18215), text_encoder=text(CLIPTextModel, 128, 12, "quick_gelu"), tokenizer=tokenizer,
        unet=unet((32, 64, 128, 128), (1, 1, 1, 0), 8, 1, 128, False),
        scheduler=schedule(PNDMScheduler, skip_prk_steps=True), **none)
    yield "sd2", StableDiffusionPipeline(
        vae=vae(0.18215), text_encoder=text(CLIPTextModel, 128, 23, "gelu"), tokenizer=tokenizer,
        unet=unet((64, 128, 128, 128), (1, 1, 1, 0), [1, 2, 2, 2], 1, 128, True),
        scheduler=schedule(DDIMScheduler, prediction_type="v_prediction", rescale_betas_zero_snr=True), **none)
    yield "xl", StableDiffusionXLPipeline(
        vae=vae(0.13025), text_encoder=text(CLIPTextModel, 64, 12, "quick_gelu"), tokenizer=tokenizer,
        text_encoder_2=text(CLIPTextModelWithProjection, 128, 32, "gelu"), tokenizer_2=tokenizer,
        unet=unet((64, 128, 128), (0, 1, 1), [1, 2, 2], [1, 2, 10], 192, True, 128 + 6 * 256),
        scheduler=schedule(EulerDiscreteScheduler, timestep_spacing="leading"))
    yield "refiner", StableDiffusionXLImg2ImgPipeline(
        vae=vae(0.13025), text_encoder=None, tokenizer=None, tokenizer_2=tokenizer,
        text_encoder_2=text(CLIPTextModelWithProjection, 128, 32, "gelu"), requires_aesthetics_score=True,
        unet=unet((64, 128, 128, 128), (0, 1, 1, 0), [1, 2, 2, 2], 4, 128, True, 128 + 5 * 256),
        scheduler=schedule(EulerDiscreteScheduler, timestep_spacing="leading"))


@torch.no_grad()
def outputs(p):
    out = {}
    ids = torch.tensor([[49406, 320, 1125, 539, 320, 2368, 49407] + [49407] * 70])
    for n in ("text_encoder", "text_encoder_2"):
        if getattr(p, n, None) is not None:
            o = getattr(p, n)(ids, output_hidden_states=True)
            out[n] = o.hidden_states[-2]
            out[n + ".pooled"] = o[0]
    g = torch.Generator().manual_seed(3)
    latent = torch.randn(1, 4, 16, 16, generator=g)
    c = p.unet.config
    more = {}
    if c.addition_embed_type:
        more = dict(added_cond_kwargs=dict(text_embeds=torch.randn(1, 128, generator=g), time_ids=torch.ones(
            1, (c.projection_class_embeddings_input_dim - 128) // 256)))
    out["unet"] = p.unet(latent, 500, torch.randn(1, 77, c.cross_attention_dim, generator=g), **more)[0]
    out["vae"] = p.vae.decode(latent)[0]
    out["vae.encode"] = p.vae.encode(torch.randn(1, 3, 64, 64, generator=g)).latent_dist.parameters
    return out


def compare(what, a, b):
    x, y = ({f"{n}.{k}": t for n in ("text_encoder", "text_encoder_2", "unet", "vae") if getattr(p, n, None) is not None
             for k, t in getattr(p, n).state_dict().items()} for p in (a, b))
    assert x.keys() == y.keys() and all(torch.equal(x[k], y[k]) for k in x), what
    x, y = outputs(a), outputs(b)
    worst = {k: (x[k] - y[k]).abs().max().item() for k in x}
    print(f"{what}: same weights, greatest difference of outputs {worst}", flush=True)
    assert x.keys() == y.keys() and max(worst.values()) < 1e-5, what      # memory alignment chooses between kernels


def run(*arguments):
    print(subprocess.run([atelier, *arguments], check=True, capture_output=True, text=True).stdout, end="", flush=True)



def main():
    tokenizer = CLIPTokenizer.from_pretrained(folder + "/tokenizer")
    for name, pipeline in models(tokenizer):
        saved, single, back = (f"{folder}/{name}{end}" for end in ("", ".safetensors", "-back"))
        pipeline.save_pretrained(saved)
        run("convert", saved, "-o", single)
        run("convert", single, "--layout", "diffusers", "-o", back)
        opened = type(pipeline).from_pretrained(back)
        assert type(opened.scheduler) is type(pipeline.scheduler), opened.scheduler
        for key in ("prediction_type", "rescale_betas_zero_snr", "steps_offset"):
            assert opened.scheduler.config.get(key) == pipeline.scheduler.config.get(key), key
        for part in ("unet", "vae", "text_encoder", "text_encoder_2"):
            if getattr(pipeline, part, None) is not None:
                ours, theirs = getattr(opened, part).config, getattr(pipeline, part).config
                for key in ("block_out_channels", "attention_head_dim", "transformer_layers_per_block", "scaling_factor",
                            "hidden_act", "num_hidden_layers", "use_linear_projection", "cross_attention_dim"):
                    a, b = (list(v) if isinstance(v, tuple) else v for v in (getattr(c, key, None) for c in (ours, theirs)))
                    assert a == b, (part, key, a, b)
        compare(name + " from_pretrained of atelier's folder", pipeline, opened)
        compare(name + " from_single_file of atelier's file", pipeline,
                type(pipeline).from_single_file(single, config=saved, local_files_only=True))


if __name__ == "__main__":
    main()
