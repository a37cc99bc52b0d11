"""What webuiapi, a Python client of AUTOMATIC1111's API, does against a server: python webuiapi_run.py http://127.0.0.1:7860"""
import sys
from urllib.parse import urlparse

import webuiapi
from PIL import Image, ImageDraw

server = urlparse(sys.argv[1])
api = webuiapi.WebUIApi(host=server.hostname, port=server.port, sampler="Euler a", steps=4)
failed = False


def check(name, call):
    global failed
    try:
        result = call()
        print("ok", name, result if isinstance(result, (str, int)) else "")
        return result
    except Exception as problem:
        failed = True
        print("FAILED", name, repr(problem))


def draw():
    result = api.txt2img(prompt="a red circle", negative_prompt="blue", seed=7, width=128, height=128, cfg_scale=7)
    assert result.image.size == (128, 128), result.image.size
    assert result.info["seed"] == 7, result.info
    return result


first = check("txt2img", draw)


def change():
    mask = Image.new("RGB", (128, 128), "black")
    ImageDraw.Draw(mask).rectangle((32, 32, 96, 96), fill="white")
    result = api.img2img(images=[first.image], mask_image=mask, prompt="a blue square", seed=7, width=128, height=128,
                         denoising_strength=0.6)
    assert result.image.size == (128, 128)


check("img2img with a mask", change)
check("hires", lambda: api.txt2img(prompt="a red circle", width=64, height=64, enable_hr=True, hr_scale=2,
                                   denoising_strength=0.7, hr_upscaler=webuiapi.HiResUpscaler.Latent).image.size[0])
check("png_info", lambda: api.png_info(first.image).info[:12])
for name in ("get_samplers", "get_schedulers", "get_upscalers", "get_latent_upscale_modes", "get_sd_models", "get_sd_vae",
             "get_loras", "get_hypernetworks", "get_face_restorers", "get_realesrgan_models", "get_prompt_styles",
             "get_embeddings", "get_memory", "get_cmd_flags", "get_options", "get_progress", "refresh_checkpoints",
             "interrupt", "skip"):
    if hasattr(api, name):
        check(name, getattr(api, name))
check("util_get_current_model", api.util_get_current_model)
check("util_set_model", lambda: api.util_set_model(api.util_get_model_names()[0]))
check("util_wait_for_ready", api.util_wait_for_ready)
sys.exit(failed)
