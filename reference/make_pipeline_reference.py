#!/usr/bin/env python3
"""What sizes that do not halve evenly, image-to-image runs and resized images must give.

The miniature checkpoint comes from make_reference.py, whose networks are used here (PYTHONPATH must contain diffusers'
src folder).

Usage:
  make_pipeline_reference.py odd-size --checkpoint miniature.safetensors --out DIR
  make_pipeline_reference.py images --out DIR          (needs Pillow and OpenCV)
  make_pipeline_reference.py latents --out DIR
  make_pipeline_reference.py image-to-image --k-diffusion DIR --out DIR
"""
import argparse, os

import torch

from make_reference import load_network, run_unet, save


def rnd(seed, *shape):
    return torch.randn(shape, generator=torch.Generator("cpu").manual_seed(seed))


def resize_as_automatic1111():
    """AUTOMATIC1111 lets the up-sampler double and convolve, and resizes the result to the skip tensor (nearest) when the
    two are concatenated.  diffusers on its own would resize before the convolution."""
    from diffusers.models.unets import unet_2d_blocks
    from diffusers.models.upsampling import Upsample2D

    double = Upsample2D.forward
    Upsample2D.forward = lambda self, x, output_size=None, *args, **kwargs: double(self, x)

    class Torch:
        def __getattr__(self, name):
            return getattr(torch, name)

        def cat(self, tensors, *args, **kwargs):
            if len(tensors) == 2 and tensors[0].shape[-2:] != tensors[1].shape[-2:]:
                first = torch.nn.functional.interpolate(tensors[0], tensors[1].shape[-2:], mode="nearest")
                tensors = (first, tensors[1])
            return torch.cat(tensors, *args, **kwargs)

    unet_2d_blocks.torch = Torch()


def odd_size(a):
    """A latent of 13 x 10."""
    resize_as_automatic1111()
    unet = load_network("unet", "miniature", a.checkpoint)
    latents, t, context = rnd(111, 1, 4, 13, 10), torch.tensor([500.0]), rnd(112, 1, 77, 16)
    save(os.path.join(a.out, "unet-odd.safetensors"),
         {"latents": latents, "timesteps": t, "context": context, "output": run_unet(unet, latents, t, context)},
         {"latents_seed": "111", "context_seed": "112"})


def images(a):
    """Resizing, blurring and compositing as AUTOMATIC1111's modules/images.py and modules/masking.py do them."""
    import cv2
    import numpy
    from PIL import Image, ImageFilter, ImageOps

    random = numpy.random.default_rng(5)
    coarse = random.integers(0, 256, (6, 9, 3), dtype=numpy.uint8)
    picture = Image.fromarray(coarse).resize((45, 30), Image.Resampling.BICUBIC)
    picture = Image.fromarray(numpy.clip(numpy.array(picture) + random.integers(-20, 21, (30, 45, 3)), 0, 255)
                              .astype(numpy.uint8))
    mask = numpy.zeros((30, 45), dtype=numpy.uint8)
    mask[9:20, 14:30] = 255
    mask[2:5, 40:45] = 130
    mask = Image.fromarray(mask)
    lanczos = Image.Resampling.LANCZOS

    def just(im, w, h):
        return im.resize((w, h), resample=lanczos)

    def cropped(im, w, h):
        wide = w / h > im.width / im.height
        size = (w, im.height * w // im.width) if wide else (im.width * h // im.height, h)
        out = Image.new(im.mode, (w, h))
        out.paste(im.resize(size, resample=lanczos), box=(w // 2 - size[0] // 2, h // 2 - size[1] // 2))
        return out

    def filled(im, w, h):
        ratio, source = w / h, im.width / im.height
        size = (w if ratio < source else im.width * h // im.height, h if ratio >= source else im.height * w // im.width)
        small = im.resize(size, resample=lanczos)
        out = Image.new(im.mode, (w, h))
        out.paste(small, box=(w // 2 - size[0] // 2, h // 2 - size[1] // 2))
        if ratio < source and (bar := h // 2 - size[1] // 2) > 0:
            out.paste(small.resize((w, bar), box=(0, 0, w, 0)), box=(0, 0))
            out.paste(small.resize((w, bar), box=(0, size[1], w, size[1])), box=(0, bar + size[1]))
        elif ratio > source and (bar := w // 2 - size[0] // 2) > 0:
            out.paste(small.resize((bar, h), box=(0, 0, 0, h)), box=(0, 0))
            out.paste(small.resize((bar, h), box=(size[0], 0, size[0], h)), box=(bar + size[0], 0))
        return out

    def gaussian(im, x, y):
        out = numpy.array(im)
        if x > 0:
            out = cv2.GaussianBlur(out, (2 * int(2.5 * x + 0.5) + 1, 1), x)
        if y > 0:
            out = cv2.GaussianBlur(out, (1, 2 * int(2.5 * y + 0.5) + 1), y)
        return Image.fromarray(out)

    def cut_out(im, m):
        out = Image.new("RGBa", im.size)
        out.paste(im.convert("RGBA").convert("RGBa"), mask=ImageOps.invert(m))
        return out

    def fill(im, m):
        out, around = Image.new("RGBA", im.size), cut_out(im, m)
        for radius, repeats in ((256, 1), (64, 1), (16, 2), (4, 4), (2, 2), (0, 1)):
            blurred = around.filter(ImageFilter.GaussianBlur(radius)).convert("RGBA")
            for _ in range(repeats):
                out.alpha_composite(blurred)
        return out.convert("RGB")

    soft = gaussian(mask, 4, 4)
    overlay = cut_out(picture, soft).convert("RGBA")
    over = ImageOps.mirror(picture).convert("RGBA")
    over.alpha_composite(overlay)
    transparent = Image.new("RGBA", picture.size)
    transparent.paste(ImageOps.flip(picture).crop((0, 0, 30, 20)), (8, 5))
    transparent.alpha_composite(overlay)
    made = {
        "picture": picture, "mask": mask, "luma": picture.convert("L"),
        "nearest-31x64": picture.resize((31, 64), Image.Resampling.NEAREST),
        "bicubic-8x11": soft.resize((8, 11)), "lanczos-97x50": just(picture, 97, 50), "lanczos-16x24": just(picture, 16, 24),
        "crop-32x32": cropped(picture, 32, 32), "crop-64x24": cropped(picture, 64, 24), "crop-mask-24x40": cropped(mask, 24, 40),
        "fill-32x32": filled(picture, 32, 32), "fill-64x25": filled(picture, 64, 25), "fill-45x30": filled(picture, 45, 30),
        "blur-4-4": soft, "blur-1-0": gaussian(mask, 1, 0), "blur-0-3": gaussian(mask, 0, 3), "blur-9-20": gaussian(mask, 9, 20),
        "boxes-2": picture.filter(ImageFilter.GaussianBlur(2)), "boxes-64": picture.filter(ImageFilter.GaussianBlur(64)),
        "cut-out": overlay, "over": over, "over-transparent": transparent,
        "fill-mask": fill(picture, soft),
    }
    save(os.path.join(a.out, "image-operations.safetensors"), {
        name: torch.from_numpy(numpy.array(im).reshape(im.height, im.width, -1).transpose(2, 0, 1).copy())
        for name, im in made.items()})


def latents(a):
    """Resizing by torch, and tiles by diffusers' AutoencoderKL with networks that show where a tile lies: pixels are the
    first three channels, repeated, plus the tile's mean; latents are the means of 8 x 8 pixels plus the tile's mean."""
    from diffusers import AutoencoderKL
    from torch.nn.functional import avg_pool2d, interpolate

    x = rnd(121, 2, 4, 6, 5)
    made = {"latents": x}
    for height, width in ((9, 11), (4, 3)):
        for mode in ("bilinear", "bicubic", "nearest", "nearest-exact"):
            for antialias in (False, True) if mode.startswith("bi") else (False,):
                name = mode + ("-antialias" if antialias else "") + f"-{height}x{width}"
                made[name] = interpolate(x, size=(height, width), mode=mode, antialias=antialias)

    vae = AutoencoderKL(block_out_channels=(8, 8, 8, 8), down_block_types=("DownEncoderBlock2D",) * 4,
                        up_block_types=("UpDecoderBlock2D",) * 4, norm_num_groups=4, sample_size=512,
                        use_quant_conv=False, use_post_quant_conv=False)
    vae.decoder.forward = lambda z: interpolate(z[:, :3], scale_factor=8) + z.mean()
    vae.encoder.forward = lambda p: avg_pool2d(torch.cat([p, p[:, :1]], 1), 8) + p.mean()
    z = rnd(122, 1, 4, 100, 70)
    image = vae.tiled_decode(z, return_dict=False)[0]
    made["tiled-latents"] = z
    made["tiled-image"] = avg_pool2d(image, 8)          # a part of the numbers tells as much
    large = interpolate(rnd(123, 1, 3, 75, 100), scale_factor=8)
    made["tiled-picture"] = large[:, :, ::8, ::8]
    made["tiled-encoded"] = vae._tiled_encode(large)
    save(os.path.join(a.out, "latent-operations.safetensors"), made)


def image_to_image(a):
    """Runs that start from a picture, as modules/sd_samplers_kdiffusion.py and sd_samplers_timesteps.py of
    AUTOMATIC1111 plan them: k-diffusion's samplers, and DDIM written out, on D(x, sigma) = (x + mu sigma^2)/(1 + sigma^2)."""
    import numpy
    from make_reference import compvis_alphas_cumprod, load_k_diffusion

    kd, _ = load_k_diffusion(a.k_diffusion)
    alphas = compvis_alphas_cumprod().double()
    table = ((1 - alphas) / alphas).sqrt()
    picture, noise, mu, drawn = rnd(131, 1, 4, 2, 2).double(), rnd(132, 1, 4, 2, 2).double(), rnd(133, 1, 4, 2, 2).double(), \
        torch.tensor([[1.0, 0.0], [0.25, 1.0]]).double().expand(1, 4, 2, 2)

    def plan(strength, steps, exact):
        share = min(strength, 0.999)
        return (int(steps / share), steps - 1) if exact else (steps, int(share * steps))

    def blend(x, masked):
        return x * drawn + picture * (1 - drawn) if masked else x

    def model(masked):
        return lambda x, sigma, **_: blend((x + mu * sigma[0] ** 2) / (1 + sigma[0] ** 2), masked)

    def uniform(n):
        t = torch.linspace(999, 0, n).double()
        low = t.floor().long()
        logs = table.log()
        return torch.cat([((1 - (t - low)) * logs[low] + (t - low) * logs[t.ceil().long()]).exp(), torch.zeros(1)])

    def karras(n):
        return kd.get_sigmas_karras(n, table[0].item(), table[-1].item()).double()

    def discard(sigmas):
        return torch.cat([sigmas[:-2], sigmas[-1:]])

    made = {"picture": picture, "noise": noise, "mu": mu, "drawn": drawn.contiguous()}

    def k(name, sampler, sigmas_of, strength, steps, exact=False, extra=0.0, masked=False, **options):
        planned, last = plan(strength, steps, exact)
        sigmas = sigmas_of(planned)[planned - last - 1:]
        x = picture + noise * sigmas[0] + noise * extra
        if sampler is kd.sample_dpm_fast:
            x = sampler(model(masked), x, sigmas[-2], sigmas[0], len(sigmas) - 1, disable=True, **options)
        else:
            x = sampler(model(masked), x, sigmas, disable=True, **options)
        made[name] = blend(x, masked)

    k("Euler Uniform|20|0.6", kd.sample_euler, uniform, 0.6, 20)
    k("DPM++ 2M Karras|20|0.35", kd.sample_dpmpp_2m, karras, 0.35, 20)
    k("DPM++ 2M Karras|20|1.0", kd.sample_dpmpp_2m, karras, 1.0, 20)
    k("DPM2 Karras|12|0.5", kd.sample_dpm_2, lambda n: discard(karras(n + 1)), 0.5, 12)
    k("Heun Uniform|8|0.4|exact", kd.sample_heun, uniform, 0.4, 8, exact=True)
    k("DPM++ 2M Karras|20|0.05", kd.sample_dpmpp_2m, karras, 0.05, 20)
    k("DPM fast|15|0.5", kd.sample_dpm_fast, uniform, 0.5, 15, eta=0.0)
    k("Euler Uniform|20|0.6|extra", kd.sample_euler, uniform, 0.6, 20, extra=0.1)
    k("Euler Uniform|20|0.6|masked", kd.sample_euler, uniform, 0.6, 20, masked=True)

    def ddim(name, strength, steps, masked=False):
        planned, last = plan(strength, steps, False)
        timesteps = (numpy.arange(0, 1000, 1000 // planned) + 1).clip(0, 999)
        start = alphas[timesteps[last]]
        x = picture * start.sqrt() + noise * (1 - start).sqrt()
        used = timesteps[:last]
        before = numpy.concatenate([[0], used[:-1]])
        for i in range(len(used) - 1, 0, -1):
            now, then = alphas[used[i]], alphas[before[i]]
            seen = blend(x, masked)
            vp = seen / now.sqrt()                              # the network's x0 + sigma noise, then its noise
            sigma = ((1 - now) / now).sqrt()
            e = (vp - (vp + mu * sigma ** 2) / (1 + sigma ** 2)) / sigma
            x0 = (x - (1 - now).sqrt() * e) / now.sqrt()
            x = then.sqrt() * x0 + (1 - then).sqrt() * e
        made[name] = blend(x, masked)

    ddim("DDIM|20|0.5", 0.5, 20)
    ddim("DDIM|30|0.8", 0.8, 30)
    ddim("DDIM|20|0.5|masked", 0.5, 20, masked=True)
    save(os.path.join(a.out, "image-to-image.safetensors"), {name: x.float() for name, x in made.items()})


COMMANDS = {"odd-size": odd_size, "images": images, "latents": latents, "image-to-image": image_to_image}

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("--checkpoint")
    parser.add_argument("--k-diffusion")
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()
    COMMANDS[arguments.command](arguments)
