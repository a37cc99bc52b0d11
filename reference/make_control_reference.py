#!/usr/bin/env python3
"""What diffusers' ControlNetModel and AutoencoderTiny compute, with weights that need no file.

Every weight follows from its place in the sorted list of names, by a hash of 32 bits, so that a test makes the same ones.
The miniature checkpoint comes from make_reference.py (PYTHONPATH must contain diffusers' src folder).

Usage:
  make_control_reference.py --checkpoint miniature.safetensors --k-diffusion k-diffusion --out DIR
  make_control_reference.py --checkpoint sd15-a-fp32.safetensors --full --out DIR     one call at full size, and the net
  make_control_reference.py --xl --out DIR                                            one call of a net for XL
  make_control_reference.py --small --out DIR                                         the same of nets with less attention
  make_control_reference.py --lora --checkpoint miniature.safetensors --out DIR       a net that is a difference to the UNet
  make_control_reference.py --adapters --checkpoint miniature.safetensors --xl-checkpoint sdxl.safetensors --out DIR
"""
import argparse, json, math, os

import numpy
import torch

from make_reference import (NEGATIVE, PROMPT, SIZES, compvis_alphas_cumprod, ids_for, load_k_diffusion, load_network,
                            run_text, save, unet_key)


def hashed(number, shape):
    """Numbers evenly distributed in [-1, 1): MurmurHash3's finalizer of the tensor's number and the element's."""
    h = numpy.arange(math.prod(shape), dtype=numpy.uint32) + numpy.uint32(number * 0x9E3779B9 & 0xFFFFFFFF)
    h ^= h >> numpy.uint32(16)
    h *= numpy.uint32(0x85EBCA6B)
    h ^= h >> numpy.uint32(13)
    h *= numpy.uint32(0xC2B2AE35)
    h ^= h >> numpy.uint32(16)
    values = (h >> numpy.uint32(8)).astype(numpy.float32) * numpy.float32(2 ** -23) - numpy.float32(1)
    return torch.from_numpy(values).reshape(shape)


def fill(network):
    """1 + x/8 for the scales of norms, x/8 for biases, x / sqrt(inputs) for the rest; in the order of diffusers' names."""
    state = network.state_dict()
    for number, name in enumerate(sorted(state)):
        shape = tuple(state[name].shape)
        x = hashed(number, shape)
        if name.endswith(".bias"):
            x /= 8
        elif len(shape) == 1:
            x = 1 + x / 8
        else:
            x *= torch.tensor(1 / math.sqrt(math.prod(shape[1:])), dtype=torch.float32)
        state[name] = x
    network.load_state_dict(state, strict=True)
    return network.eval()


def layout(network):
    return json.dumps({name: list(value.shape) for name, value in sorted(network.state_dict().items())})


def control_net(size):
    from diffusers import ControlNetModel
    s = SIZES[size]
    return fill(ControlNetModel(
        in_channels=4, layers_per_block=2, block_out_channels=s["unet_channels"], cross_attention_dim=s["context"],
        attention_head_dim=8, norm_num_groups=s["unet_groups"], norm_eps=1e-5, act_fn="silu", flip_sin_to_cos=True,
        freq_shift=0, conditioning_embedding_out_channels=(16, 32, 96, 256),
        down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",)))


def rnd(seed, *shape):
    return torch.randn(shape, generator=torch.Generator("cpu").manual_seed(seed))


def controlled(unet, net, latents, t, context, picture, scales):
    down, middle = net(latents, t, encoder_hidden_states=context, controlnet_cond=picture, return_dict=False)
    parts = [part * scale for part, scale in zip(down + [middle], scales)]
    noise = unet(latents, t, encoder_hidden_states=context, down_block_additional_residuals=parts[:-1],
                 mid_block_additional_residual=parts[-1]).sample
    return down + [middle], noise


def run(a, unet, net, context, picture):
    """Ten steps of Euler at CFG 5, the net at strength 0.7 from step 2 to 7, where i / 10 lies within [0.2, 0.7]."""
    sampling, external = load_k_diffusion(a.k_diffusion)
    alphas = compvis_alphas_cumprod()

    class Wrapped(external.DiscreteEpsDDPMDenoiser):
        def __init__(self):
            torch.nn.Module.__init__(self)
            super().__init__(None, alphas, quantize=False)

        def get_eps(self, x, t, step):
            both = picture.expand(x.shape[0], -1, -1, -1)
            if not 0.2 <= step / 10 <= 0.7:
                return unet(x, t, encoder_hidden_states=context).sample
            return controlled(unet, net, x, t, context, both, [0.7] * 13)[1]

    model = Wrapped()
    sigmas = model.get_sigmas(10)
    noise = rnd(301, 4, 8, 8)[None]

    def guided(x, sigma):
        step = int((sigmas == sigma[0]).nonzero()[0])
        d = model(torch.cat([x, x]), torch.cat([sigma, sigma]), step=step)
        return d[1:] + (d[:1] - d[1:]) * 5

    return sampling.sample_euler(guided, noise * sigmas[0], sigmas, disable=True)


def xl_net(attention=(0, 1, 1), depth=(1, 2, 10), **more):
    from diffusers import ControlNetModel
    return fill(ControlNetModel(
        in_channels=4, layers_per_block=2, block_out_channels=(8, 16, 32), cross_attention_dim=32, norm_num_groups=4,
        attention_head_dim=(1, 2, 4), transformer_layers_per_block=depth, use_linear_projection=True,
        addition_embed_type="text_time", addition_time_embed_dim=256, projection_class_embeddings_input_dim=16 + 6 * 256,
        norm_eps=1e-5, conditioning_embedding_out_channels=(8, 8, 16, 16),
        down_block_types=["CrossAttnDownBlock2D" if a else "DownBlock2D" for a in attention], **more))


def xl(a, name, net):
    """A ControlNet for the miniature of XL (make_families.py) in diffusers' names, and what it puts out."""
    latents, t, context, pooled = rnd(211, 1, 4, 8, 8), torch.tensor([321.0]), rnd(212, 1, 77, 32), rnd(213, 1, 16)
    sizes = torch.tensor([[64.0, 64, 0, 0, 64, 64]])
    levels = torch.randint(0, 256, (1, 3, 64, 64), generator=torch.Generator().manual_seed(214), dtype=torch.uint8)
    picture = levels / 255
    down, middle = net(latents, t, encoder_hidden_states=context, controlnet_cond=picture, return_dict=False,
                       added_cond_kwargs={"text_embeds": pooled, "time_ids": sizes})
    vector = torch.cat([pooled, net.add_time_proj(sizes.flatten()).reshape(1, -1)], 1)
    tensors = {"latents": latents, "timesteps": t, "context": context, "vector": vector, "picture": levels}
    tensors.update({"control_%d" % i: part for i, part in enumerate(down + [middle])})
    save(os.path.join(a.out, f"control-{name}.safetensors"), tensors, {"layout": layout(net)})


def xl_unet(path):
    import make_families
    from safetensors.torch import load_file
    unet = make_families.new_unet(make_families.FAMILIES["sdxl"])
    stored, names = load_file(path), list(unet.state_dict())
    unet.load_state_dict({name: stored[make_families.unet_key(name, names)].float() for name in names})
    return unet


def ldm(name):
    """The name that a ControlNet's tensor has in the layout of its authors."""
    for begin, end in (("controlnet_cond_embedding.conv_in", "input_hint_block.0"), ("controlnet_mid_block", "middle_block_out.0"),
                       ("controlnet_cond_embedding.conv_out", "input_hint_block.14")):
        if name.startswith(begin + "."):
            return end + name[len(begin):]
    part = name.split(".")
    if part[0] == "controlnet_down_blocks":
        return f"zero_convs.{part[1]}.0.{part[2]}"
    if part[0] == "controlnet_cond_embedding":
        return f"input_hint_block.{2 * int(part[2]) + 2}.{part[3]}"
    return unet_key(name)[len("model.diffusion_model."):]


def control_lora(a):
    """A Control-LoRA as Stability's are: of the UNet's matrices only a difference of rank 2, and everything else of its own."""
    net = control_net("miniature")
    names = {name: ldm(name) for name in net.state_dict()}
    unet = {unet_key(k)[len("model.diffusion_model."):]: v for k, v in load_network("unet", "miniature", a.checkpoint).state_dict().items()}
    shapes = {"lora_controlnet": [0]}
    for name, value in net.state_dict().items():
        key, shape = names[name], list(value.shape)
        if len(shape) > 1 and key in unet:
            layer, ones = key[:-len(".weight")], [1] * (len(shape) - 2)
            shapes[layer + ".up"], shapes[layer + ".down"] = [shape[0], 2] + ones, [2] + shape[1:]
        else:
            shapes[key] = shape
    stored = {}
    for number, key in enumerate(sorted(shapes)):
        shape = tuple(shapes[key])
        x = hashed(number, shape)
        stored[key] = x / 8 if key.endswith(".bias") else 1 + x / 8 if len(shape) == 1 else x / math.sqrt(math.prod(shape[1:]))
    state = {}
    for name, value in net.state_dict().items():
        layer = names[name][:-len(".weight")]
        if layer + ".up" in stored:
            difference = torch.mm(stored[layer + ".up"].flatten(1), stored[layer + ".down"].flatten(1))
            state[name] = (unet[names[name]].reshape(len(difference), -1) + difference).reshape(value.shape)
        else:
            state[name] = stored[names[name]]
    net.load_state_dict(state, strict=True)
    latents, t, context = rnd(231, 1, 4, 8, 8), torch.tensor([321.0]), rnd(232, 1, 77, 16)
    levels = torch.randint(0, 256, (1, 3, 64, 64), generator=torch.Generator().manual_seed(233), dtype=torch.uint8)
    down, middle = net(latents, t, encoder_hidden_states=context, controlnet_cond=levels / 255, return_dict=False)
    tensors = {"latents": latents, "timesteps": t, "context": context, "picture": levels}
    tensors.update({"control_%d" % i: part for i, part in enumerate(down + [middle])})
    save(os.path.join(a.out, "control-lora.safetensors"), tensors, {"layout": json.dumps(dict(sorted(shapes.items())))})


def adapters(a):
    """T2I-Adapters of each kind, what they say of a picture, and the noise of a UNet that listens to them."""
    from diffusers import T2IAdapter
    tensors, layouts = {}, {}
    for name, kind, channels, blocks, cell, colours in [
            ("full", "full_adapter", (16, 32, 64, 64), 2, 8, 3), ("light", "light_adapter", (16, 32, 64), 4, 8, 3),
            ("gray", "full_adapter", (16, 32, 64, 64), 2, 8, 1), ("xl", "full_adapter_xl", (8, 16, 32, 32), 2, 16, 3)]:
        is_xl = name == "xl"
        unet = xl_unet(a.xl_checkpoint) if is_xl else load_network("unet", "miniature", a.checkpoint)
        adapter = fill(T2IAdapter(in_channels=colours, channels=list(channels), num_res_blocks=blocks,
                                  downscale_factor=cell, adapter_type=kind))
        h, w = (72, 56) if name == "gray" else (64, 64)    # odd, where diffusers' UNet pads otherwise than CompVis'
        levels = torch.randint(0, 256, (1, 3, h, w), generator=torch.Generator().manual_seed(223), dtype=torch.uint8)
        latents, t = rnd(221, 1, 4, h // 8, w // 8), torch.tensor([321.0])
        context = rnd(222, 1, 77, 32 if is_xl else 16)
        features = adapter(levels[:, :colours] / 255)
        pooled, sizes = rnd(224, 1, 16), torch.tensor([[64.0, 64, 0, 0, 64, 64]])
        more = dict(added_cond_kwargs={"text_embeds": pooled, "time_ids": sizes}) if is_xl else {}
        one = {"latents": latents, "timesteps": t, "context": context, "picture": levels}
        if name != "gray":
            one["noise"] = unet(latents, t, encoder_hidden_states=context,
                                down_intrablock_additional_residuals=[f.clone() for f in features], **more).sample
        if is_xl:
            one["vector"] = torch.cat([pooled, unet.add_time_proj(sizes.flatten()).reshape(1, -1)], 1)
        one.update({"adapted_%d" % i: f for i, f in enumerate(features)})
        tensors.update({f"{name}.{k}": v for k, v in one.items()})
        layouts[name] = layout(adapter)
    save(os.path.join(a.out, "adapters.safetensors"), tensors, layouts)


def full(a):
    net = control_net("sd15")
    latents, t, context = rnd(201, 1, 4, 32, 32), torch.tensor([321.0]), rnd(202, 1, 77, 768)
    picture = torch.rand(1, 3, 256, 256, generator=torch.Generator().manual_seed(203))
    save(os.path.join(a.out, "controlnet-full.safetensors"), net.state_dict())
    parts, noise = controlled(load_network("unet", "sd15", a.checkpoint), net, latents, t, context, picture, [1.0] * 13)
    tensors = {"latents": latents, "timesteps": t, "context": context, "picture": picture, "noise": noise}
    tensors.update({"control_%d" % i: part for i, part in enumerate(parts)})
    save(os.path.join(a.out, "control-full.safetensors"), tensors)


def main():
    from diffusers import AutoencoderTiny
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    parser.add_argument("--checkpoint")
    parser.add_argument("--k-diffusion")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--xl", action="store_true")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--adapters", action="store_true")
    parser.add_argument("--lora", action="store_true")
    parser.add_argument("--xl-checkpoint")
    a = parser.parse_args()
    torch.set_grad_enabled(False)
    if a.full:
        return full(a)
    if a.xl:
        return xl(a, "xl", xl_net())
    if a.small:
        xl(a, "xl-small", xl_net((0, 0, 0), (1, 1, 1), mid_block_type="UNetMidBlock2D"))
        return xl(a, "xl-mid", xl_net((0, 1, 1), (1, 1, 1)))
    if a.lora:
        return control_lora(a)
    if a.adapters:
        return adapters(a)
    unet = load_network("unet", "miniature", a.checkpoint)
    net = control_net("miniature")
    latents, t, context = rnd(201, 1, 4, 8, 8), torch.tensor([321.0]), rnd(202, 1, 77, 16)
    levels = torch.randint(0, 256, (1, 3, 64, 64), generator=torch.Generator().manual_seed(203), dtype=torch.uint8)
    picture = levels / 255
    parts, noise = controlled(unet, net, latents, t, context, picture, [1.0] * 13)
    tensors = {"latents": latents, "timesteps": t, "context": context, "picture": levels, "noise": noise}
    tensors.update({"control_%d" % i: part for i, part in enumerate(parts)})
    text = load_network("text", "miniature", a.checkpoint)
    contexts = torch.cat([run_text(text, ids_for(prompt))[0] for prompt in (PROMPT, NEGATIVE)])
    tensors["run_latents"] = run(a, unet, net, contexts, picture)
    save(os.path.join(a.out, "control.safetensors"), tensors, {"layout": layout(net)})

    tiny = fill(AutoencoderTiny())
    z = rnd(401, 1, 4, 5, 6) * 2
    save(os.path.join(a.out, "taesd.safetensors"), {"latents": z, "pictures": tiny.decoder(z)},
         {"layout": layout(tiny)})
    print({k: tuple(v.shape) for k, v in tensors.items()}, float(noise.std()), float(tensors["run_latents"].std()))
    print("tiny", float(tiny.decoder(z).std()), len(tiny.decoder.state_dict()))


if __name__ == "__main__":
    main()
