#!/usr/bin/env python3
"""What the authors' upscaling networks compute, with weights that need no file (see make_control_reference.py), and what
AUTOMATIC1111 makes of a picture with one of them, in tiles.

Usage: make_upscaler_reference.py --basicsr DIR --real-esrgan DIR --spandrel DIR --webui DIR --out upscalers.safetensors
  DIRs are checkouts of XPixelGroup/BasicSR, xinntao/Real-ESRGAN, chaiNNer-org/spandrel and of AUTOMATIC1111's web UI or a
  fork of it (modules/upscaler_utils.py, upscaler.py, images.py). Only the named definitions of them are run.
"""
import argparse, ast, json, math, os, sys, types
from collections.abc import Callable

import numpy
import torch
from PIL import Image
from safetensors.torch import save_file

from make_control_reference import fill, hashed, layout


def module(name, **members):
    made = types.ModuleType(name)
    made.__dict__.update(members)
    sys.modules[name] = made
    return made


def definitions(path, names, scope):
    """Runs the named top-level definitions of a file, and nothing else of it."""
    tree = ast.parse(open(path).read())
    tree.body = [node for node in tree.body if getattr(node, "name", None) in names]
    exec(compile(tree, path, "exec"), scope)
    return scope


def networks(a):
    plain = lambda *_, **__: (lambda cls: cls)
    registry = types.SimpleNamespace(register=plain)
    scope = {"torch": torch, "nn": torch.nn, "F": torch.nn.functional, "ARCH_REGISTRY": registry,
             "init": torch.nn.init, "_BatchNorm": torch.nn.modules.batchnorm._BatchNorm}
    archs = os.path.join(a.basicsr, "basicsr", "archs")
    definitions(os.path.join(archs, "arch_util.py"), ["default_init_weights", "make_layer", "pixel_unshuffle"], scope)
    definitions(os.path.join(archs, "rrdbnet_arch.py"), ["ResidualDenseBlock", "RRDB", "RRDBNet"], scope)
    definitions(os.path.join(a.real_esrgan, "realesrgan", "archs", "srvgg_arch.py"), ["SRVGGNetCompact"], scope)

    root = os.path.join(a.spandrel, "libs", "spandrel", "spandrel")
    for name in ("spandrel", "spandrel.architectures", "spandrel.architectures.__arch_helpers",
                 "spandrel.architectures.ESRGAN", "spandrel.architectures.ESRGAN.__arch"):
        module(name).__path__ = [os.path.join(root, *name.split(".")[1:])]
    module("spandrel.util", store_hyperparameters=plain)
    from spandrel.architectures.ESRGAN.__arch.RRDB import RRDBNet as First

    rrdb, compact = scope["RRDBNet"], scope["SRVGGNetCompact"]
    return {
        "x4": rrdb(3, 3, scale=4, num_feat=6, num_block=2, num_grow_ch=3),
        "x2": rrdb(3, 3, scale=2, num_feat=4, num_block=1, num_grow_ch=2),
        "x1": rrdb(3, 3, scale=1, num_feat=4, num_block=1, num_grow_ch=2),
        "wide": rrdb(3, 3, scale=4, num_feat=32, num_block=1, num_grow_ch=32),
        "first": First(in_nc=3, out_nc=3, num_filters=4, num_blocks=2, scale=4),
        "first_x2": First(in_nc=3, out_nc=3, num_filters=4, num_blocks=1, scale=2),
        "first_x8": First(in_nc=3, out_nc=3, num_filters=4, num_blocks=1, scale=8),
        "compact": compact(3, 3, num_feat=6, num_conv=3, upscale=4),
        "compact_x2": compact(3, 3, num_feat=4, num_conv=1, upscale=2),
    }


def webui(a):
    """AUTOMATIC1111's way from picture to picture, of which the network is a part."""
    import collections
    options = types.SimpleNamespace(enable_upscale_progressbar=False, ESRGAN_tile=192, ESRGAN_tile_overlap=8)
    state = types.SimpleNamespace(interrupted=False)
    images = {"math": math, "np": numpy, "Image": Image,
              "Grid": collections.namedtuple("Grid", ["tiles", "tile_w", "tile_h", "image_w", "image_h", "overlap"])}
    images["Grid"].tile_count = property(lambda grid: sum(len(row[2]) for row in grid.tiles))
    modules = os.path.join(a.webui, "modules")
    definitions(os.path.join(modules, "images.py"), ["split_grid", "combine_grid"], images)
    import contextlib, logging, tqdm
    scope = {"np": numpy, "torch": torch, "Image": Image, "logger": logging.getLogger(), "Callable": Callable, "tqdm": tqdm,
             "images": types.SimpleNamespace(**images),
             "devices": types.SimpleNamespace(without_autocast=contextlib.nullcontext),
             "torch_utils": types.SimpleNamespace(get_param=lambda model: next(model.parameters())),
             "shared": types.SimpleNamespace(opts=options, state=state)}
    definitions(os.path.join(modules, "upscaler_utils.py"),
                ["pil_image_to_torch_bgr", "torch_bgr_to_pil_image", "upscale_pil_patch", "upscale_with_model"], scope)
    upscaler = {"shared": scope["shared"], "PIL": __import__("PIL"), "abstractmethod": lambda f: f, "os": os,
                "LANCZOS": Image.Resampling.LANCZOS, "modelloader": None, "Image": Image}
    definitions(os.path.join(modules, "upscaler.py"), ["Upscaler"], upscaler)

    def run(net, image, scale):
        class Ours(upscaler["Upscaler"]):
            def __init__(self):
                pass

            def do_upscale(self, img, _):
                return scope["upscale_with_model"](net, img, tile_size=192, tile_overlap=8)
        return Ours().upscale(image, scale)
    return run


def main():
    parser = argparse.ArgumentParser()
    for name in ("basicsr", "real-esrgan", "spandrel", "webui", "out"):
        parser.add_argument("--" + name, required=True)
    a = parser.parse_args()
    torch.manual_seed(0)
    tensors, layouts = {}, {}
    tensors["pictures"] = (hashed(7, (2, 3, 4, 8)) + 1) / 2
    nets = networks(a)
    with torch.no_grad():
        for name, net in nets.items():
            fill(net)
            layouts[name] = json.loads(layout(net))
            picture = tensors["pictures"][:1, :, :, :4] if name in ("wide", "first_x8") else tensors["pictures"]
            tensors[name] = net(picture).contiguous()
        # smooth, so that a level is a matter of arithmetic and not of luck
        y, x = numpy.mgrid[0:210, 0:400]
        levels = numpy.stack([(x * 3 + y * (k + 2)) // 5 % 256 for k in range(3)], axis=2).astype(numpy.uint8)
        run = webui(a)
        for name, scale, crop in (("x4", 1.7, None), ("compact_x2", 5, (0, 0, 60, 40)), ("x1", 1, (10, 10, 330, 190))):
            image = Image.fromarray(levels) if crop is None else Image.fromarray(levels).crop(crop)
            large = numpy.asarray(run(nets[name], image, scale))
            tensors["picture_" + name] = torch.from_numpy(large[::9, ::11].copy())
            tensors["size_" + name] = torch.tensor(large.shape[:2])
    save_file(tensors, a.out, metadata={name: json.dumps(value) for name, value in layouts.items()})


main()
