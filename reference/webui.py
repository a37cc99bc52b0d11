"""AUTOMATIC1111's web UI on the processor, without its page: its own code for prompts, samplers, passes, masks, scripts and networks.

Needs checkouts beside each other in one folder (the names in CHECKOUTS), of stable-diffusion-webui v1.10.1 and of what it runs; torch,
transformers 4.57, opencv-python-headless, scikit-image, einops, pyyaml, safetensors. Everything else that it imports (the page, networks
for faces, training) has a stand-in here.

The encoder of the VAE gives the mean of its distribution, not a sample of it, which the web UI draws anew every time.
"""
import enum, importlib.abc, importlib.machinery, os, sys, types, warnings

import torch, yaml

CHECKOUTS = {"stable-diffusion-webui": "", "stablediffusion": "repositories/stable-diffusion-stability-ai",
             "generative-models": "repositories/generative-models", "k-diffusion": "repositories/k-diffusion"}
PACKAGES = "torchsde", "Piexif", "inflection", "tomesd", "BlendModes"
ABSENT = {"gradio", "kornia", "torchdiffeq", "resize_right", "cleanfid", "jsonmerge", "facexlib", "spandrel", "spandrel_extra_arches", "clip",
          "pillow_avif", "torchvision", "pytorch_lightning", "torchmetrics", "fastapi", "pydantic", "starlette", "uvicorn", "pytz", "timm",
          "pkg_resources", "pandas", "matplotlib", "taming", "dctorch", "wandb", "git"}


class AnyAttribute(type):
    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return stand_in(name)


class StandIn(metaclass=AnyAttribute):
    """Whatever is asked of it; as an element of the page it keeps its label, value and choices."""

    def __init__(self, *_, **given):
        self.given = given
        self.elem_classes = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self.given.get(name) if name in ("value", "minimum", "maximum", "step", "choices", "label") else StandIn()

    def __call__(self, *_, **__):
        return StandIn()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False

    def __iter__(self):
        return iter(())


def stand_in(name):
    return type(StandIn)(name, (StandIn,), {})


class StandInModule(types.ModuleType):
    __version__ = "0"
    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        setattr(self, name, stand_in(name))
        return getattr(self, name)


class StandIns(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if name.split(".")[0] in ABSENT else None

    def create_module(self, spec):
        return StandInModule(spec.name)

    def exec_module(self, module):
        pass


def provide(name, **members):
    module = types.ModuleType(name)
    module.__path__ = []
    module.__dict__.update(members)
    sys.modules[name] = module


class Config(dict):
    __setattr__ = dict.__setitem__

    def __getattr__(self, name):
        if name not in self:
            raise AttributeError(name)
        return self[name]


def config(value):
    if isinstance(value, dict):
        return Config({key: config(of) for key, of in value.items()})
    return [config(of) for of in value] if isinstance(value, list) else value


class Omega:
    load = staticmethod(lambda file: config(yaml.safe_load(open(file))))
    is_config = staticmethod(lambda value: isinstance(value, dict))


class Network(torch.nn.Module):
    device = property(lambda self: next(self.parameters()).device)
    dtype = property(lambda self: next(self.parameters()).dtype)


class Values(enum.Enum):
    """Members of many values, as in the package aenum."""

    def __new__(cls, value, *_):
        member = str.__new__(cls, value)
        member._value_ = value
        return member


class TailCall(Exception):
    def __init__(self, generator):
        self.generator = generator


def trampoline(generator):
    """Runs generators that call one another without a deep stack, as in the package of this name."""
    callers, value = [], None
    while True:
        try:
            called = generator.send(value)
            callers.append(generator)
            generator, value = called, None
        except TailCall as call:
            generator, value = call.generator, None
        except StopIteration as end:
            if not callers:
                return end.value
            generator, value = callers.pop(), end.value


def start(checkouts, data, groups):
    """Makes the web UI's package "modules" importable and ready; data: its folder, with models/; groups: of the models' GroupNorm."""
    warnings.filterwarnings("ignore")
    webui = os.path.join(checkouts, "stable-diffusion-webui")
    for name, place in CHECKOUTS.items():
        if place and not os.path.exists(os.path.join(webui, place)):
            os.makedirs(os.path.join(webui, "repositories"), exist_ok=True)
            os.symlink(os.path.join(checkouts, name), os.path.join(webui, place))
    sys.path[:0] = [webui, *(os.path.join(checkouts, name) for name in PACKAGES)]
    sys.meta_path.insert(0, StandIns())
    provide("omegaconf", OmegaConf=Omega, ListConfig=list, DictConfig=Config)
    provide("omegaconf.listconfig", ListConfig=list)
    provide("trampoline", trampoline=trampoline, TailCall=TailCall)
    provide("aenum", MultiValueEnum=Values)
    provide("transformers.dependency_versions_check", dep_version_check=lambda *_: None)
    import gradio, pytorch_lightning
    gradio.deprecation = types.SimpleNamespace(GradioDeprecationWarning=DeprecationWarning)
    pytorch_lightning.LightningModule = Network
    norm = torch.nn.GroupNorm.__init__
    torch.nn.GroupNorm.__init__ = lambda self, num_groups, *a, **k: norm(self, groups if num_groups == 32 else num_groups, *a, **k)
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.chdir(webui)
    sys.argv = ["webui.py", "--data-dir", data, "--models-dir", os.path.join(data, "models"), "--use-cpu", "all", "--no-half", "--precision",
                "full", "--skip-torch-cuda-test", "--no-hashing", "--disable-safe-unpickle", "--no-download-sd-model", "--skip-version-check"]
    from modules import import_hook, paths  # noqa: F401
    import ldm.modules.diffusionmodules.openaimodel as unet
    import ldm.modules.distributions.distributions, sgm.modules.distributions.distributions  # noqa: E401
    import ldm.modules.encoders.modules, sgm.modules.encoders.modules  # noqa: F401, E401
    for program in (ldm, sgm):
        program.modules.distributions.distributions.DiagonalGaussianDistribution.sample = lambda self: self.mean
    from modules import shared_init
    shared_init.initialize()
    from modules import processing  # noqa: F401: before those that it imports in circles
    from modules import (extensions, extra_networks, modelloader, script_callbacks, scripts, sd_hijack, sd_hijack_unet, sd_models, sd_samplers,
                         sd_unet, sd_vae, shared)
    unet.th = sd_hijack_unet.th
    sd_models.setup_model()
    sd_models.list_models()
    sd_vae.refresh_vae_list()
    sd_samplers.set_samplers()
    extensions.list_extensions()
    scripts.load_scripts()
    script_callbacks.ui_settings_callback()
    modelloader.load_upscalers()
    sd_hijack.list_optimizers()
    sd_unet.list_unets()
    extra_networks.initialize()
    extra_networks.register_default_extra_networks()
    shared.reload_hypernetworks()
    script_callbacks.before_ui_callback()
    shared.opts.data.update(live_previews_enable=False, randn_source="NV", samples_save=False, grid_save=False)


def add_text_encoders(files):
    """Makes OpenCLIP know architectures; the web UI hands words and rows over as OpenCLIP took them in its versions 2."""
    import open_clip
    for file in files:
        open_clip.add_model_config(file)
    block = open_clip.transformer.ResidualAttentionBlock
    made = block.__init__
    block.__init__ = lambda self, *a, **k: made(self, *a, **{**k, "batch_first": False})


def controls(script):
    return list(script.ui(script.is_img2img) or [])


def draw(payload):
    """The pictures and infotexts that a request to /sdapi/v1/txt2img, or img2img where there are init_images, gives; pictures are PIL's."""
    from modules import shared
    settings = dict(shared.opts.data)
    try:
        return drawn(dict(payload))
    finally:
        shared.opts.data.clear()
        shared.opts.data.update(settings)


def drawn(payload):
    from modules import processing, scripts
    name, given, always = payload.pop("script_name", ""), payload.pop("script_args", []), payload.pop("alwayson_scripts", {})
    from_picture = "init_images" in payload
    kind = processing.StableDiffusionProcessingImg2Img if from_picture else processing.StableDiffusionProcessingTxt2Img
    job = kind(sd_model=None, do_not_save_samples=True, do_not_save_grid=True, **payload)
    if not name and not always:
        result = processing.process_images(job)
        return result.images, result.infotexts
    runner = scripts.scripts_img2img if from_picture else scripts.scripts_txt2img
    runner.initialize_scripts(from_picture)
    runner.setup_scrips = lambda *_, **__: None     # those of the page, which take seed and sampler from there
    arguments = [0]
    for script in runner.alwayson_scripts + runner.selectable_scripts:
        title = (script.title() or "").lower()
        values = [control.value for control in controls(script)]
        own = given if title == name.lower() else next((of["args"] for key, of in always.items() if key.lower() == title), [])
        values[:len(own)] = own
        script.args_from = len(arguments)
        arguments += values
        script.args_to = len(arguments)
        if name and title == name.lower():
            runner.selectable_scripts = [script]
            arguments[0] = 1
    job.scripts, job.script_args = runner, tuple(arguments)
    result = (runner.run(job, *arguments) if arguments[0] else None) or processing.process_images(job)
    return result.images, result.infotexts
