#!/usr/bin/env python3
"""Whether atelier draws what AUTOMATIC1111's web UI draws: the same requests to both, picture by picture.

Usage:  webui_pictures.py CHECKOUTS FOLDER TOKENIZER SHAPES --server URL    compares
        webui_pictures.py CHECKOUTS FOLDER TOKENIZER SHAPES --out FOLDER    writes the fixture of WebUiPicturesTest

CHECKOUTS: see webui.py.  FOLDER: a new one; `atelier serve --models FOLDER/models` is what the first form asks.  TOKENIZER: a CLIP tokenizer.
SHAPES: the built-in model, model/src/main/resources/dev/atelier/model/shapes.safetensors; the miniatures of the other families lie in the
same checkout.

More models, a VAE, a LoRA, embeddings and a hypernetwork are made of random numbers beside it. A line is printed for each picture, with the largest
and the mean difference of a level; the exit status is 1 if one differs by more than a level (TOLERATED says where two are allowed). Differences by design are listed in docs/differences.md.
"""
import argparse, base64, contextlib, io, json, os, shutil, sys, urllib.request

import numpy
import torch
from PIL import Image, ImageDraw, ImageFilter
from safetensors.torch import load_file, save_file

import webui

BASE = dict(prompt="a red circle on a blue background", negative_prompt="green square", seed=1, sampler_name="Euler", scheduler="Automatic",
            steps=12, cfg_scale=7, width=128, height=128)
TOLERATED = {"colour correction": 2}  # what OpenCV makes of L*a*b* comes from tables
SAMPLERS = ["DPM++ 2M", "DPM++ SDE", "DPM++ 2M SDE", "DPM++ 2M SDE Heun", "DPM++ 2S a", "DPM++ 3M SDE", "Euler a", "Euler", "LMS", "Heun", "DPM2",
            "DPM2 a", "DPM fast", "DPM adaptive", "Restart", "DDIM", "DDIM CFG++", "PLMS", "UniPC", "LCM"]
SCHEDULES = ["Uniform", "Karras", "Exponential", "Polyexponential", "SGM Uniform", "KL Optimal", "Align Your Steps", "Simple", "Normal", "DDIM",
             "Beta", "Turbo"]
PROMPTS = {
    "emphasis": "a (red:1.4) circle on a ((blue)) [background]",
    "alternation": "a [red|green] circle on a blue background",
    "scheduling": "a [red:green:0.5] [circle:square:6] on a blue background [:star:1.25]",
    "and": "a red circle AND a blue background :0.7 AND a star :-0.5",
    "break": "a red circle BREAK on a blue background,,  , BREAK BREAK x",
    "long": ", ".join(["a red circle on a blue background"] * 20),
    "wild": "a \\(red\\) circle, (bad and mutated hands:1.3), ((mochi rice cakes)), (no negative:0), ",
    "broken": "((a:1.5) [b (c:0.5 ] \\\\( d :: e [f:g] [:0.3] [h:0.2] AND :2 AND i:",
    "nested": "a [(red:1.3)|[green:blue:0.5]|] circle [[deep]] (((x)))",
    "unicode": "ein roter Kreis über blauem Grund – 赤い円 🎨, naïve café",
    "comments": "# first\na red circle # note\non a blue background",
    "empty": "",
    "missing lora": "a red circle <lora:missing:0.7>",
    "lora": "a red circle <lora:style:0.6> on a blue background",
    "lora, text and unet": "a red circle <lora:style:0.6:0.2>",
    "hypernetwork and lora": "a circle <hypernet:hyper:0.5> <lora:style:-0.4>",
    "embeddings": "a [thing:circle:0.5] on [blue|(thing:1.2)] ground, bad-hands-5",
}


MINIATURES = "engine-contract/src/main/resources/dev/atelier/engine/contract/"


def settings(**values):
    return {"override_settings": values}


def requests(inputs):
    """Requests by name; pictures are files."""
    start = dict(BASE, init_images=[inputs["picture.png"]], denoising_strength=0.6)
    hires = dict(BASE, enable_hr=True, hr_scale=1.5, hr_upscaler="Latent", denoising_strength=0.6)
    mask = dict(start, mask=inputs["mask.png"], inpainting_fill=1)
    large = dict(mask, init_images=[inputs["large.png"]], mask=inputs["large-mask.png"], inpaint_full_res_padding=32)
    jobs = {"sampler " + name: dict(BASE, sampler_name=name) for name in SAMPLERS}
    jobs |= {"schedule " + name: dict(BASE, sampler_name="DPM++ 2M", scheduler=name) for name in SCHEDULES}
    jobs |= {"prompt: " + name: dict(BASE, prompt=prompt) for name, prompt in PROMPTS.items()}
    jobs |= {"hires " + name: dict(hires, hr_upscaler=name) for name in
             ("Latent", "Latent (nearest-exact)", "Latent (bicubic antialiased)", "Lanczos", "Nearest", "None")}
    jobs |= {"img2img " + name: dict(start, sampler_name=name) for name in SAMPLERS}
    jobs |= {"resize mode %d" % mode: dict(start, resize_mode=mode, width=160, height=96) for mode in range(4)}
    jobs |= {"masked content %d" % fill: dict(mask, inpainting_fill=fill) for fill in range(4)}
    jobs |= {"start " + name: dict(start, init_images=[inputs[name]]) for name in ("rgba.png", "grey.png", "palette.png", "picture.jpg")}
    for family in ("sd2-v", "sd2-epsilon", "sdxl"):
        plain = dict(BASE, steps=6, cfg_scale=5, **settings(sd_model_checkpoint=family))
        jobs |= {f"{family}, {name}": dict(plain, sampler_name=name) for name in ("Euler", "DPM++ 2M", "DPM++ SDE", "LMS", "DDIM", "PLMS", "UniPC")}
        jobs |= {f"{family}, zero snr": dict(plain, **settings(sd_model_checkpoint=family, sd_noise_schedule="Zero Terminal SNR")),
                 f"{family}, clip skip": dict(plain, **settings(sd_model_checkpoint=family, CLIP_stop_at_last_layers=2)),
                 f"{family}, long prompt, hires": dict(hires, prompt=PROMPTS["long"] + " BREAK AND a star :0.4", **settings(sd_model_checkpoint=family)),
                 f"{family}, no negative prompt": dict(plain, negative_prompt="", width=192, height=96),
                 f"{family}, img2img": dict(start, **settings(sd_model_checkpoint=family)),
                 f"{family}, masked": dict(mask, **settings(sd_model_checkpoint=family))}
    jobs["sdxl, crop"] = dict(BASE, **settings(sd_model_checkpoint="sdxl", sdxl_crop_top=64, sdxl_crop_left=32))
    jobs["sdxl, align your steps"] = dict(BASE, scheduler="Align Your Steps", **settings(sd_model_checkpoint="sdxl"))
    paint = settings(sd_model_checkpoint="inpainting")
    jobs |= {f"inpainting, content {fill}": dict(mask, inpainting_fill=fill, **paint) for fill in range(4)}
    jobs |= {"inpainting, no picture": dict(BASE, **paint), "inpainting, no mask": dict(start, **paint), "inpainting, ddim": dict(mask, sampler_name="DDIM", **paint),
             "inpainting, soft": dict(mask, mask=inputs["soft.png"], mask_round=False, **paint),
             "inpainting, weight": dict(mask, **settings(sd_model_checkpoint="inpainting", inpainting_mask_weight=0.4))}
    jobs |= {f"pix2pix {scale}": dict(start, image_cfg_scale=scale, **settings(sd_model_checkpoint="pix2pix")) for scale in (1, 1.5, 3)}
    return jobs | {
        "batch": dict(BASE, batch_size=2, n_iter=2),
        "largest seed": dict(BASE, seed=4294967295, batch_size=2),
        "variation": dict(BASE, subseed=77, subseed_strength=0.3),
        "seed of another size": dict(BASE, seed_resize_from_w=96, seed_resize_from_h=160, batch_size=2, sampler_name="Euler a"),
        "size": dict(BASE, width=192, height=104),
        "tiling": dict(BASE, tiling=True),
        "clip skip": dict(BASE, **settings(CLIP_stop_at_last_layers=2)),
        "eta, ensd": dict(BASE, sampler_name="Euler a", eta=0.5, **settings(eta_noise_seed_delta=31337)),
        "churn": dict(BASE, s_churn=5, s_tmin=0.1, s_noise=1.01),
        "negative from a level on": dict(BASE, s_min_uncond=3.0),
        "negative from a step on": dict(BASE, **settings(skip_early_cond=0.3)),
        "penultimate": dict(BASE, sampler_name="DPM++ 2M", scheduler="Karras", **settings(always_discard_next_to_last_sigma=True)),
        "levels": dict(BASE, sampler_name="DPM++ 2M", scheduler="Karras", **settings(sigma_min=0.05, sigma_max=12, rho=5)),
        "beta": dict(BASE, scheduler="Beta", **settings(beta_dist_alpha=0.4, beta_dist_beta=0.9)),
        "zero snr": dict(BASE, **settings(sd_noise_schedule="Zero Terminal SNR")),
        "sgm noise": dict(BASE, scheduler="SGM Uniform", **settings(sgm_noise_multiplier=True)),
        "unipc": dict(BASE, sampler_name="UniPC", **settings(uni_pc_variant="bh2", uni_pc_skip_type="time_quadratic", uni_pc_order=2,
                                                            uni_pc_lower_order_final=False)),
        "old karras": dict(BASE, scheduler="Karras", sampler_name="DPM++ 2M", **settings(use_old_karras_scheduler_sigmas=True)),
        "emphasis, no norm": dict(BASE, prompt=PROMPTS["emphasis"], **settings(emphasis="No norm")),
        "emphasis, none": dict(BASE, prompt=PROMPTS["emphasis"], **settings(emphasis="None")),
        "backtrack": dict(BASE, prompt=", ".join([BASE["prompt"]] * 9), **settings(comma_padding_backtrack=5)),
        "padded": dict(BASE, prompt=PROMPTS["long"], **settings(pad_cond_uncond=True)),
        "tokens merged": dict(BASE, **settings(token_merging_ratio=0.5)),
        "vae": dict(BASE, **settings(sd_vae="warm.safetensors")),
        "model": dict(BASE, **settings(sd_model_checkpoint="second")),
        "refiner": dict(BASE, refiner_checkpoint="third", refiner_switch_at=0.5),
        "refiner, ddim": dict(BASE, refiner_checkpoint="third", refiner_switch_at=0.5, sampler_name="DDIM"),
        "hires, model": dict(hires, hr_checkpoint_name="second"),
        "hires, all": dict(hires, hr_resize_x=192, hr_resize_y=160, hr_second_pass_steps=7, hr_prompt="a green circle", hr_sampler_name="Euler a"),
        "hires, prompt": dict(hires, prompt="a [red:green:6] [circle:square:1.5] [blue|grey] background", hr_prompt="a <lora:style:0.8> circle"),
        "hires, noise": dict(hires, **settings(img2img_extra_noise=0.1)),
        "hires, refiner": dict(hires, refiner_checkpoint="third", refiner_switch_at=0.5),
        "strength 1": dict(start, denoising_strength=1), "strength 0.05": dict(start, denoising_strength=0.05),
        "exact steps": dict(start, **settings(img2img_fix_steps=True)),
        "extra noise": dict(start, **settings(img2img_extra_noise=0.1)),
        "noise multiplier": dict(start, initial_noise_multiplier=1.05),
        "colour correction": dict(start, **settings(img2img_color_correction=True)),
        "inverted": dict(mask, inpainting_mask_invert=1),
        "blur": dict(mask, mask_blur_x=8, mask_blur_y=2),
        "soft mask": dict(mask, mask=inputs["soft.png"], mask_round=False),
        "soft mask, rounded": dict(mask, mask=inputs["soft.png"], inpaint_full_res=False),
        "transparent mask": dict(mask, mask=inputs["alpha.png"]),
        "masked, ddim": dict(mask, sampler_name="DDIM"), "masked, unipc": dict(mask, sampler_name="UniPC", inpainting_fill=2, batch_size=2),
        "only masked": large, "only masked, cropped": dict(large, resize_mode=1), "masked, filled": dict(large, resize_mode=2, inpaint_full_res=False),
        "soft inpainting": dict(mask, inpaint_full_res=False, mask_blur=8,
                                alwayson_scripts={"Soft inpainting": {"args": [True, 1, 0.5, 4, 0, 0.5, 2]}}),
        "soft inpainting, only masked": dict(large, mask_blur=8, alwayson_scripts={"Soft inpainting": {"args": [True, 0.8, 1, 3, 0.2, 0.7, 3]}}),
        "loopback": dict(start, script_name="Loopback", script_args=[3, 0.4, "Linear", "None"]),
        "sd upscale": dict(start, denoising_strength=0.3, script_name="SD upscale", script_args=["", 32, "Lanczos", 2]),
        "outpainting": dict(start, script_name="Outpainting mk2", script_args=["", 64, 8, ["left", "right"], 1, 0.05]),
        "poor man's outpainting": dict(start, script_name="Poor man's outpainting", script_args=[64, 4, "fill", ["left", "down"]]),
        "prompts from file": dict(BASE, script_name="Prompts from file or textbox",
                                  script_args=[False, False, "start", 'a red circle\n--prompt "a green square" --seed 7 --steps 8']),
    }


def inputs(folder):
    """Pictures and masks to start from, by name, drawn here."""
    os.makedirs(folder, exist_ok=True)
    drawn = Image.new("RGB", (128, 128), (40, 60, 190))
    ImageDraw.Draw(drawn).ellipse((30, 25, 100, 95), fill=(200, 40, 50))
    noise = numpy.random.default_rng(3).integers(-4, 5, (128, 128, 3))
    picture = Image.fromarray((numpy.asarray(drawn).astype(int) + noise).clip(0, 255).astype("uint8"))
    mask, large_mask = Image.new("L", (128, 128)), Image.new("L", (200, 150))
    ImageDraw.Draw(mask).ellipse((40, 30, 100, 90), fill=255)
    ImageDraw.Draw(large_mask).rectangle((120, 70, 160, 100), fill=255)
    alpha, rgba = Image.new("RGBA", (128, 128)), picture.convert("RGBA")
    ImageDraw.Draw(alpha).ellipse((30, 30, 90, 100), fill="white")
    rgba.putalpha(Image.eval(mask, lambda level: 255 - level // 2))
    pictures = {"picture.png": picture, "picture.jpg": picture, "large.png": picture.resize((200, 150), Image.LANCZOS), "grey.png": picture.convert("L"),
                "palette.png": picture.quantize(16), "rgba.png": rgba, "mask.png": mask, "large-mask.png": large_mask, "alpha.png": alpha,
                "soft.png": mask.filter(ImageFilter.GaussianBlur(12))}
    for name, one in pictures.items():
        one.save(os.path.join(folder, name))
    return {name: os.path.join(folder, name) for name in pictures}


def models(folder, tokenizer, shapes, checkouts):
    """The models folder: the web UI's data folder is the one above."""
    generator = torch.Generator().manual_seed(5)

    def random(*sizes, scale=0.1):
        return torch.randn(*sizes, generator=generator) * scale

    for name in ("Stable-diffusion", "VAE", "Lora", "hypernetworks", "embeddings"):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
    if not os.path.exists(os.path.join(os.path.dirname(folder), "embeddings")):
        os.symlink(os.path.join(folder, "embeddings"), os.path.join(os.path.dirname(folder), "embeddings"))
    at = lambda *path: os.path.join(folder, *path)
    first = load_file(shapes)
    metadata = {"atelier.num_attention_heads": "4", "atelier.text_num_attention_heads": "4", "atelier.norm_num_groups": "4"}
    second = {key: (value.float() + random(*value.shape, scale=0.05 * value.float().std(correction=0).item())).half() for key, value in first.items()}
    vae = {key: value for key, value in first.items() if key.startswith("first_stage_model.")}
    for name, tensors in {"shapes": first, "second": second, "third": second | vae}.items():
        save_file(tensors, at("Stable-diffusion", name + ".safetensors"), metadata)
    entry = "model.diffusion_model.input_blocks.0.0.weight"
    for name, channels in ("inpainting", 5), ("pix2pix", 4):
        wider = torch.cat([first[entry], random(len(first[entry]), channels, 3, 3, scale=0.05).half()], 1)
        save_file(first | {entry: wider}, at("Stable-diffusion", name + ".safetensors"), metadata)
    others = {"atelier.attention_head_dim": "8", "atelier.norm_num_groups": "4", "atelier.text_num_attention_heads": "2"}
    home = shapes[:shapes.rindex("model/src/main/")] + MINIATURES
    for name, file, prediction in ("sd2-v", "sd2", "v"), ("sd2-epsilon", "sd2", "epsilon"), ("sdxl", "sdxl", "epsilon"):
        save_file(load_file(home + file + ".safetensors"), at("Stable-diffusion", name + ".safetensors"), others | {"modelspec.prediction_type": prediction})
    save_file({key[len("first_stage_model."):]: (value.float() * 1.02).half() for key, value in vae.items()}, at("VAE", "warm.safetensors"), metadata)
    lora = {}
    for key, value in first.items():
        layer = key.removesuffix(".weight")
        name = layer.replace("model.diffusion_model.", "lora_unet_").replace("cond_stage_model.transformer.", "lora_te_").replace(".", "_")
        if value.dim() in (2, 4) and any(part in key for part in ("transformer_blocks", "text_model.encoder", "in_layers.2")):
            outputs, inner, *kernel = value.shape
            lora[name + ".alpha"] = torch.tensor(2.0)
            lora[name + ".lora_down.weight"] = random(4, inner, *kernel)
            lora[name + ".lora_up.weight"] = random(outputs, 4, *[1] * len(kernel))
    save_file(lora, at("Lora", "style.safetensors"))
    save_file({"emb_params": random(3, 24, scale=0.5)}, at("embeddings", "thing.safetensors"))
    torch.save({"string_to_token": {"*": 265}, "string_to_param": {"*": random(2, 24, scale=0.5)}, "name": "bad-hands-5", "step": 100,
                "sd_checkpoint": None, "sd_checkpoint_name": None}, at("embeddings", "bad-hands-5.pt"))
    hyper = {"step": 10, "name": "hyper", "layer_structure": [1, 2, 1], "activation_func": "relu", "is_layer_norm": False, "use_dropout": False,
             "weight_initialization": "Normal", "sd_checkpoint": None, "sd_checkpoint_name": None, "activate_output": False, "last_layer_dropout": False}
    for size in (24, 96):
        hyper[size] = tuple({"linear.0.weight": random(2 * size, size), "linear.0.bias": random(2 * size), "linear.2.weight": random(size, 2 * size),
                             "linear.2.bias": random(size)} for _ in range(2))
    torch.save(hyper, at("hypernetworks", "hyper.pt"))
    configs(at, tokenizer, os.path.join(checkouts, "stable-diffusion-webui"))


def configs(at, tokenizer, home):
    """What the web UI reads beside a checkpoint that is built like no released one."""
    for folder, width, layers, heads in ("clip", 24, 2, 4), ("clip-of-xl", 16, 12, 2):
        os.makedirs(at(folder), exist_ok=True)
        for file in os.listdir(tokenizer):
            shutil.copy(os.path.join(tokenizer, file), at(folder, file))
        with open(at(folder, "config.json"), "w") as file:
            json.dump({"architectures": ["CLIPTextModel"], "model_type": "clip_text_model", "hidden_size": width, "intermediate_size": 4 * width,
                       "num_hidden_layers": layers, "num_attention_heads": heads, "vocab_size": 49408, "hidden_act": "quick_gelu",
                       "projection_dim": width}, file)
    for name, layers in ("miniature-24", 24), ("miniature-32", 32):
        with open(at(name + ".json"), "w") as file:
            json.dump({"embed_dim": 16, "vision_cfg": {"image_size": 32, "layers": 1, "width": 16, "head_width": 8, "patch_size": 16},
                       "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": layers}}, file)

    def written(name, file, change):
        with open(os.path.join(home, file)) as stored:
            config = webui.yaml.safe_load(stored)
        change(config["model"]["params"])
        with open(at("Stable-diffusion", name + ".yaml"), "w") as target:
            webui.yaml.safe_dump(config, target)

    def first(params):
        params["unet_config"]["params"].update(model_channels=48, attention_resolutions=[4, 2], num_res_blocks=1, channel_mult=[1, 2, 2], num_heads=4,
                                               context_dim=24, use_checkpoint=False)
        params["first_stage_config"]["params"]["ddconfig"].update(ch=16, num_res_blocks=1)
        params["cond_stage_config"]["params"] = {"version": at("clip")}

    def second(params):
        params["unet_config"]["params"].update(model_channels=8, num_head_channels=8, context_dim=16, use_checkpoint=False, use_fp16=False)
        params["first_stage_config"]["params"]["ddconfig"]["ch"] = 4
        params["cond_stage_config"]["params"]["arch"] = "miniature-24"

    def large(params):
        params["network_config"]["params"].update(adm_in_channels=1552, model_channels=8, num_head_channels=8, context_dim=32, use_checkpoint=False,
                                                  spatial_transformer_attn_type="softmax")
        params["first_stage_config"]["params"]["ddconfig"].update(ch=4, attn_type="vanilla")
        clip, open_clip, *_ = params["conditioner_config"]["params"]["emb_models"]
        clip["params"]["version"] = at("clip-of-xl")
        open_clip["params"]["arch"] = "miniature-32"

    stability = "repositories/stable-diffusion-stability-ai/configs/stable-diffusion/"
    for name in ("shapes", "second", "third"):
        written(name, "configs/v1-inference.yaml", first)
    written("inpainting", "configs/v1-inpainting-inference.yaml", first)
    written("pix2pix", "configs/instruct-pix2pix.yaml", first)
    written("sd2-v", stability + "v2-inference-v.yaml", second)
    written("sd2-epsilon", stability + "v2-inference.yaml", second)
    written("sdxl", "repositories/generative-models/configs/inference/sd_xl_base.yaml", large)


def theirs(request):
    read = dict(request)
    if "init_images" in read:
        read["init_images"] = [Image.open(file) for file in read["init_images"]]
    if "mask" in read:
        read["mask"] = Image.open(read["mask"])
    with contextlib.redirect_stdout(sys.stderr):
        return webui.draw(read)


def ours(server, request):
    read = dict(request)
    encoded = lambda file: base64.b64encode(open(file, "rb").read()).decode()
    if "init_images" in read:
        read["init_images"] = [encoded(file) for file in read["init_images"]]
    if "mask" in read:
        read["mask"] = encoded(read["mask"])
    path = "/sdapi/v1/img2img" if "init_images" in read else "/sdapi/v1/txt2img"
    asked = urllib.request.Request(server + path, json.dumps(read).encode(), {"Content-Type": "application/json"})
    return [Image.open(io.BytesIO(base64.b64decode(image))) for image in json.load(urllib.request.urlopen(asked))["images"]]


def difference(a, b):
    a, b = (numpy.asarray(picture.convert("RGB")).astype(int) for picture in (a, b))
    return (numpy.abs(a - b).max(), numpy.abs(a - b).mean()) if a.shape == b.shape else (255, 255.0)


def compare(server, jobs):
    far = pictures = 0
    for name, request in jobs.items():
        expected, got = theirs(request)[0], ours(server, request)
        if len(expected) != len(got):
            print(f"{name}: {len(expected)} pictures there, {len(got)} here")
            far += 1
        for i, pair in enumerate(zip(expected, got)):
            most, mean = difference(*pair)
            pictures += 1
            far += most > TOLERATED.get(name, 1)
            print(f"{name} {i}: at most {most}, on average {mean:.5f}", flush=True)
    print(f"{pictures} pictures, {far} of them differ by more than they may")
    sys.exit(1 if far else 0)


# with the built-in model alone, and small, for they lie in the repository
FIXTURE = ["sampler DPM++ 2M", "sampler DPM++ SDE", "sampler Euler a", "sampler Restart", "sampler PLMS", "sampler UniPC", "schedule Align Your Steps",
           "prompt: scheduling", "prompt: wild", "prompt: and", "prompt: broken", "variation", "hires Lanczos", "hires Nearest", "resize mode 2",
           "masked content 2", "soft mask", "only masked", "soft inpainting"]


def write(out, jobs, files):
    requests_ = {}
    for name in FIXTURE:
        request = dict(jobs[name], steps=6)
        if "init_images" not in request:
            request.update(width=64, height=64)
        requests_[name] = dict(request, **{key: os.path.basename(request[key]) for key in ("mask",) if key in request},
                               **({"init_images": [os.path.basename(request["init_images"][0])]} if "init_images" in request else {}))
        for i, picture in enumerate(theirs(request)[0]):
            picture.save(os.path.join(out, f"{name.replace(':', '').replace(' ', '-')}-{i}.png"), optimize=True)
    for request in requests_.values():
        for name in request.get("init_images", []) + [request[key] for key in ("mask",) if key in request]:
            Image.open(files[name]).save(os.path.join(out, name), optimize=True)
    with open(os.path.join(out, "requests.json"), "w") as file:
        json.dump(requests_, file, indent=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("checkouts", "folder", "tokenizer", "shapes"):
        parser.add_argument(name, type=os.path.abspath)
    parser.add_argument("--server")
    parser.add_argument("--out", type=os.path.abspath)
    a = parser.parse_args()
    torch.set_num_threads(1)
    files = inputs(os.path.join(a.folder, "pictures"))
    models(os.path.join(a.folder, "models"), a.tokenizer, a.shapes, a.checkouts)
    webui.start(a.checkouts, a.folder, groups=4)
    webui.add_text_encoders(os.path.join(a.folder, "models", "miniature-%d.json" % layers) for layers in (24, 32))
    from modules import shared
    shared.opts.data["sd_model_checkpoint"] = "shapes.safetensors"
    jobs = requests(files)
    if a.out:
        write(a.out, jobs, files)
    else:
        for path, body in {"/sdapi/v1/refresh-checkpoints": {}, "/sdapi/v1/options": {"sd_model_checkpoint": "shapes"}}.items():
            urllib.request.urlopen(urllib.request.Request(a.server + path, json.dumps(body).encode(), {"Content-Type": "application/json"}))
        compare(a.server, jobs)


main()
