"""Makes the reference numbers of merge's tests of OFT, BOFT and GLoRA, with LyCORIS, kohya's scripts and AUTOMATIC1111's code:

    python reference/make_lycoris_reference.py LYCORIS SD-SCRIPTS FORGE TARGET

The first three are checkouts (AUTOMATIC1111's code from Forge, which keeps it in packages_3rdparty/webui_lora_collection). TARGET gets
lycoris.safetensors: layers of a model, a file of such LoRAs for them, and as "expected.NAME" what becomes of the weights.
"""

import os
import sys
import types
import unittest.mock

import torch
from safetensors.torch import save_file

LYCORIS, SCRIPTS, FORGE, TARGET = sys.argv[1:5]
sys.path[:0] = [LYCORIS, SCRIPTS, os.path.join(FORGE, "packages_3rdparty", "webui_lora_collection")]
for unused in ("toml", "library", "library.utils", "library.device_utils", "einops.layers", "modules", "modules.models", "modules.models.sd3"):
    sys.modules[unused] = unittest.mock.MagicMock()
mmdit = types.ModuleType("modules.models.sd3.mmdit")
mmdit.QkvLinear = type("QkvLinear", (), {})
sys.modules["modules.models.sd3.mmdit"] = mmdit
sys.modules["modules.models.sd3"].mmdit = mmdit
sys.modules["modules"].models.sd3.mmdit = mmdit

from lycoris.modules.boft import ButterflyOFTModule
from lycoris.modules.diag_oft import DiagOFTModule
from lycoris.modules.glora import GLoRAModule
import network
import network_glora
import network_oft
from networks.oft import OFTModule

torch.manual_seed(20261)
torch.set_grad_enabled(False)
BLOCK = "input_blocks.1.1.transformer_blocks.0."
RESNET = "input_blocks.1.0."
tensors = {}


def layer(path, out, inner, kernel=None):
    """A layer with random weights, in the model too."""
    made = torch.nn.Linear(inner, out) if kernel is None else torch.nn.Conv2d(inner, out, kernel, padding=1)
    made.weight.copy_(torch.randn_like(made.weight))
    tensors[f"model.diffusion_model.{path}.weight"] = made.weight.clone()
    return made


def keep(path, parts, expected):
    for part, value in parts.items():
        tensors[f"lora_unet_{path.replace('.', '_')}.{part}"] = value.detach().float().contiguous()
    tensors[f"expected.model.diffusion_model.{path}.weight"] = expected.detach().float().contiguous()


def lycoris(kind, path, made, **options):
    module = kind("unused", made, **options)
    for name, parameter in module.named_parameters():
        parameter.copy_(1 + 0.2 * torch.randn_like(parameter) if name == "rescale" else 0.4 * torch.randn_like(parameter))
    parts = {k: v for k, v in module.state_dict().items() if k in kind.weight_list}
    keep(path, parts, module.get_merged_weight()[0])


lycoris(DiagOFTModule, BLOCK + "attn1.to_q", layer(BLOCK + "attn1.to_q", 16, 12), lora_dim=4)
lycoris(DiagOFTModule, BLOCK + "attn1.to_k", layer(BLOCK + "attn1.to_k", 16, 12), lora_dim=2, constraint=0.05, rescaled=True)
lycoris(DiagOFTModule, RESNET + "in_layers.2", layer(RESNET + "in_layers.2", 12, 4, 3), lora_dim=3)
lycoris(ButterflyOFTModule, BLOCK + "attn1.to_v", layer(BLOCK + "attn1.to_v", 32, 12), lora_dim=4)
lycoris(ButterflyOFTModule, RESNET + "out_layers.3", layer(RESNET + "out_layers.3", 16, 4, 3), lora_dim=4, rescaled=True)
lycoris(GLoRAModule, BLOCK + "attn2.to_q", layer(BLOCK + "attn2.to_q", 16, 12), lora_dim=3, alpha=1.5)
lycoris(GLoRAModule, "input_blocks.2.0.in_layers.2", layer("input_blocks.2.0.in_layers.2", 16, 6, 3), lora_dim=2, alpha=1)

path = BLOCK + "attn2.to_k"
made = layer(path, 16, 12)
oft = OFTModule("unused", made, dim=4, alpha=0.02)
oft.oft_blocks.copy_(0.3 * torch.randn_like(oft.oft_blocks))
turned = torch.einsum("knm,kn...->km...", oft.get_weight(), made.weight.view(4, 4, 12)).reshape(16, 12)
keep(path, {"oft_blocks": oft.oft_blocks, "alpha": oft.alpha}, turned)


def webui(path, made, module, parts):
    key = "diffusion_model_" + path.replace(".", "_")
    net = types.SimpleNamespace(unet_multiplier=1.0, te_multiplier=1.0)
    weights = network.NetworkWeights(network_key=key, sd_key=key, w=parts, sd_module=made)
    keep(path, parts, made.weight + module(net, weights).calc_updown(made.weight)[0])


webui(
    BLOCK + "attn2.to_v",
    layer(BLOCK + "attn2.to_v", 16, 12),
    network_oft.NetworkModuleOFT,
    {"oft_diag": torch.linalg.qr(torch.randn(4, 4, 4))[0]},
)
webui(
    BLOCK + "attn2.to_out.0",
    layer(BLOCK + "attn2.to_out.0", 16, 12),
    network_glora.NetworkModuleGLora,
    {
        "a1.weight": 0.3 * torch.randn(3, 12),
        "a2.weight": 0.3 * torch.randn(12, 3),
        "b1.weight": 0.3 * torch.randn(3, 12),
        "b2.weight": 0.3 * torch.randn(16, 3),
        "alpha": torch.tensor(3.0),
    },
)

save_file(tensors, os.path.join(TARGET, "lycoris.safetensors"))
print(len(tensors), "tensors")
