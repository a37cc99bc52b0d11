# omniinfer_client (PyPI) against a running server: python omniinfer_client_run.py URL KEY
import base64
import io
import sys

import omniinfer_client as o
import requests
from PIL import Image

url, key = sys.argv[1:]
client = o.OmniClient(key)
client.base_url = url + "/v2"
failed = False


def check(name, condition, shown):
    global failed
    failed |= not condition
    print("ok    " if condition else "FAILED", f"{name}: {shown}")


def pictures(result):
    return [Image.open(io.BytesIO(requests.get(address).content)) for address in result.data.imgs]


models = client.models()
check("models", len(models) > 0, [model.sd_name for model in models])
name = models[0].sd_name
common = dict(prompt="a red circle", model_name=name, steps=4, seed=7, sampler_name="Euler a")

drawn = pictures(client.sync_txt2img(o.Txt2ImgRequest(width=128, height=128, batch_size=2, **common)))
check("sync_txt2img", [p.size for p in drawn] == [(128, 128)] * 2, [p.size for p in drawn])
larger = pictures(client.sync_txt2img(o.Txt2ImgRequest(width=128, height=128, enable_hr=True, hr_scale=2.0, **common)))
check("hires by scale", larger[0].size == (256, 256), larger[0].size)
sized = pictures(client.sync_txt2img(
    o.Txt2ImgRequest(width=128, height=128, enable_hr=True, hr_resize_x=192, hr_resize_y=192, **common)))
check("hires by size", sized[0].size == (192, 192), sized[0].size)
plain = pictures(client.sync_img2img(o.Img2ImgRequest(width=128, height=128, **common)))
check("sync_img2img without a picture", plain[0].size == (128, 128), plain[0].size)
encoded = io.BytesIO()
drawn[0].save(encoded, "PNG")

changed = pictures(client.sync_img2img(o.Img2ImgRequest(
    width=128, height=128, init_images=[base64.b64encode(encoded.getvalue()).decode()], **common)))
check("sync_img2img", changed[0].size == (128, 128), changed[0].size)
once_more = pictures(client.sync_upscale(o.UpscaleRequest(
    image=base64.b64encode(encoded.getvalue()).decode(), upscaling_resize=2.0)))
check("sync_upscale by factor", once_more[0].size == (256, 256), once_more[0].size)
once_more = pictures(client.sync_upscale(o.UpscaleRequest(
    image=base64.b64encode(encoded.getvalue()).decode(), resize_mode=o.UpscaleResizeMode.SIZE, upscaling_resize_w=192,
    upscaling_resize_h=192, upscaler_2="Nearest", extras_upscaler_2_visibility=0.5)))
check("sync_upscale to size", once_more[0].size == (192, 192), once_more[0].size)
refused = client.txt2img(o.Txt2ImgRequest(prompt="x", model_name="no such model"))
check("bad input", refused.code.value == 2, refused.msg)
sys.exit(failed)
