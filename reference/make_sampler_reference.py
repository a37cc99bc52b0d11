#!/usr/bin/env python3
"""Runs of the CFG++ samplers, of TCD and of UniPC with its settings, and schedules with other ends.

    python make_sampler_reference.py --webui stable-diffusion-webui --comfy reForge --k-diffusion k-diffusion \\
        sampler-trajectories.json more-samplers.json

--webui: AUTOMATIC1111's checkout or Forge's, for modules/sd_schedulers.py and UniPC. --comfy: reForge's, which has ComfyUI's samplers in
ldm_patched/k_diffusion/sampling.py. TCD is diffusers'. The models and the noise are those of the file. Needs torch, scipy, diffusers.
"""
import argparse
import importlib.util
import json
import sys
import types
from unittest.mock import MagicMock

import diffusers.schedulers.scheduling_tcd as tcd
import make_reference
import numpy as np
import torch


def load(path, name, stubs):
    """A module by its file; what it imports of its program is a stub."""
    for stub in stubs:
        sys.modules.setdefault(stub, MagicMock())
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def short(values):
    return [float(str(np.float32(v))) for v in values]


def latent(values):
    return torch.tensor(values, dtype=torch.float64).reshape(1, 4, 2, 2)


class Model:
    """D(x, sigma) of the file's formulas, and CFG++'s guidance by 7/12.5 against the mean on the other side."""

    def __init__(self, formula, mu):
        self.formula, self.mu, self.sigmas = formula, latent(mu), []
        self.inner_model = MagicMock()

    def denoise(self, x, sigma, mean=1.0):
        if self.formula == "gauss":
            return (x + mean * self.mu * sigma**2) / (1 + sigma**2)
        v = 0.25
        return (v * x + sigma**2 * torch.tanh(x / (v + sigma**2))) / (v + sigma**2)

    def __call__(self, x, sigma, model_options=None, **_):
        sigma = sigma.reshape(-1)[0]
        self.sigmas.append(sigma.item())
        conditional, unconditional = self.denoise(x, sigma), self.denoise(x, sigma, -0.5)
        guided = unconditional + 7 / 12.5 * (conditional - unconditional)
        return model_options["hook"]({"denoised": guided, "uncond_denoised": unconditional})


def comfy_runs(folder, recorded):
    model_sampling = types.SimpleNamespace(CONST=type("CONST", (), {}))
    sys.modules["ldm_patched.modules.model_sampling"] = model_sampling
    patcher = MagicMock(set_model_options_post_cfg_function=lambda options, hook, **_: {**options, "hook": hook})
    packages = MagicMock()
    packages.modules.model_patcher, packages.modules.model_sampling = patcher, model_sampling
    shared = MagicMock()
    shared.opts.euler_ancestral_cfg_pp_eta = 1.0
    shared.opts.euler_ancestral_cfg_pp_s_noise = 1.003
    programs = MagicMock(shared=shared)
    sys.modules |= {"ldm_patched": packages, "ldm_patched.modules": packages.modules,
                    "ldm_patched.modules.model_patcher": patcher, "modules": programs, "modules.shared": shared}
    sampling = load(f"{folder}/ldm_patched/k_diffusion/sampling.py", "comfy_sampling", [
        "torchsde", "torchdiffeq", "ldm_patched.k_diffusion", "ldm_patched.k_diffusion.deis",
        "ldm_patched.k_diffusion.sa_solver", "ldm_patched.modules.utils", "modules.sd_samplers_kdiffusion_smea"])
    sampling.trange = lambda n, **_: range(n)
    sigmas = torch.tensor(np.float32(recorded["sigmas"]["karras10"]), dtype=torch.float64)
    start = latent(next(run["start"] for run in recorded["runs"] if run["id"] == "euler_a"))
    for sampler, function in [("Euler CFG++", "sample_euler_cfg_pp"), ("DPM++ 2M CFG++", "sample_dpmpp_2m_cfg_pp"),
                              ("Euler a CFG++", "sample_euler_ancestral_cfg_pp")]:
        model, noise, drawn, latents = Model("gauss", recorded["mu"]), iter(recorded["noise"]), [], []

        def draw(sigma, following):
            drawn.append(short([sigma, following]))
            return latent(next(noise))

        extra = {"noise_sampler": draw} if "ancestral" in function else {}
        result = getattr(sampling, function)(
            model, start, sigmas, extra_args={}, callback=lambda state: latents.append(state["x"].clone()), **extra)
        yield {"id": function, "sampler": sampler, "denoiser": "gauss", "sigmas": "karras10",
               **({"s_noise": 1.003} if extra else {}), "draws": len(drawn), "drawnBetween": drawn,
               "modelSigmas": short(model.sigmas), "start": short(start.flatten()),
               "latents": [short(x.flatten()) for x in latents], "result": short(result.flatten())}


def tcd_run(eta, recorded):
    """In diffusers' variables the variance is 1. Its last step stays at the noise of timestep 0; with no noise there it ends at D."""
    scheduler = tcd.TCDScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
    scheduler.alphas_cumprod = make_reference.compvis_alphas_cumprod().double()
    scheduler.set_timesteps(4)
    levels = ((1 - scheduler.alphas_cumprod) / scheduler.alphas_cumprod).sqrt()
    sigmas = [levels[t].item() for t in scheduler.timesteps]
    model, noise, latents, drawn = Model("gauss", recorded["mu"]), iter(recorded["noise"]), [], []
    tcd.randn_tensor = lambda *_, **__: latent(next(noise))
    x = latent(recorded["runs"][0]["start"])
    start = x
    for i, (timestep, sigma) in enumerate(zip(scheduler.timesteps, sigmas)):
        latents.append(x)
        following = sigmas[i + 1] if i + 1 < len(sigmas) else 0.0
        if following == 0:
            scheduler.alphas_cumprod[0] = 1
        elif eta > 0:
            drawn.append(short([sigma, following]))
        epsilon = (x - model.denoise(x, sigma)) / sigma
        preserving = scheduler.step(epsilon, timestep, x / (1 + sigma**2) ** 0.5, eta=eta).prev_sample
        x = preserving * (1 + following**2) ** 0.5
    recorded["sigmas"]["tcd4"] = short(sigmas) + [0.0]
    return {"id": f"tcd_{eta}", "sampler": "TCD", "denoiser": "gauss", "sigmas": "tcd4", "eta": eta, "draws": len(drawn),
            "drawnBetween": drawn, "modelSigmas": short(sigmas), "start": short(start.flatten()),
            "latents": [short(x.flatten()) for x in latents], "result": short(x.flatten())}


def unipc_runs(webui, recorded):
    """AUTOMATIC1111's copy of UniPC with its settings, in double precision; its network takes noise and says noise."""
    torch.set_default_dtype(torch.float64)
    module = load(f"{webui}/modules/models/diffusion/uni_pc/uni_pc.py", "webui_unipc", [])
    alphas = make_reference.compvis_alphas_cumprod().double()
    start = latent(next(run["start"] for run in recorded["runs"] if run["sampler"] == "UniPC"))
    for variant, skip, order, lower, steps in [
            ("bh2", "time_uniform", 3, True, 10), ("vary_coeff", "time_uniform", 3, True, 10),
            ("bh1", "time_quadratic", 2, True, 8), ("bh1", "logSNR", 3, False, 10), ("vary_coeff", "logSNR", 4, False, 8),
            ("bh2", "time_quadratic", 1, True, 5), ("bh1", "time_uniform", 5, True, 5)]:
        schedule = module.NoiseScheduleVP("discrete", alphas_cumprod=alphas)
        model, times = Model("mix", recorded["mu"]), []

        def noise(x, t, *_):
            times.append(((t[0] - 1 / 1000) * 1000).item())
            alpha, std = schedule.marginal_alpha(t)[0], schedule.marginal_std(t)[0]
            return (x - alpha * model.denoise(x / alpha, std / alpha)) / std

        result = module.UniPC(noise, schedule, predict_x0=True, variant=variant).sample(
            start, steps=steps, skip_type=skip, method="multistep", order=order, lower_order_final=lower)
        yield {"id": f"unipc_{variant}_{skip}_{order}_{lower}", "sampler": "UniPC", "denoiser": "mix", "steps": steps,
               "variant": variant, "skip_type": skip, "order": order, "lower_order_final": lower, "draws": 0,
               "modelTimesteps": short(times), "start": short(start.flatten()), "result": short(result.flatten())}
    torch.set_default_dtype(torch.float32)


def schedules(webui, folder):
    """By what is changed and by scheduler: ten steps between other ends, with another rho, with other shapes of beta."""
    sys.modules["modules"] = MagicMock()
    _, external = make_reference.load_k_diffusion(folder)
    module = load(f"{webui}/modules/sd_schedulers.py", "webui_schedulers", [])
    wrapped = external.DiscreteEpsDDPMDenoiser(torch.nn.Module(), make_reference.compvis_alphas_cumprod(), quantize=False)
    ends = {"sigma_min": wrapped.sigmas[0].item(), "sigma_max": wrapped.sigmas[-1].item()}
    runs = {}
    for label, change, shape in [("sigma_min 0.1, sigma_max 10", {"sigma_min": 0.1, "sigma_max": 10.0}, (0.6, 0.6)),
                                 ("sigma_max 20", {"sigma_max": 20.0}, (0.6, 0.6)),
                                 ("rho 3", {"rho": 3.0}, (0.6, 0.6)),
                                 ("beta 0.4 0.9", {}, (0.4, 0.9)), ("beta 2 3.5", {}, (2.0, 3.5))]:
        module.shared.opts.beta_dist_alpha, module.shared.opts.beta_dist_beta = shape
        module.shared.sd_model.is_sdxl = False
        runs[label] = {}
        for name in ("uniform", "karras", "exponential", "polyexponential", "sgm_uniform", "kl_optimal", "align_your_steps",
                     "simple", "normal", "ddim", "beta"):
            scheduler = module.schedulers_map[name]
            bends = scheduler.default_rho != -1
            if ("rho" in change and not bends) or (label.startswith("beta") and name != "beta"):
                continue
            needs = {"inner_model": wrapped} if scheduler.need_inner_model else {}
            runs[label][name] = short(scheduler.function(n=10, **(ends | change), **needs, device="cpu"))
    return runs


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in "--webui", "--comfy", "--k-diffusion":
        a.add_argument(option, required=True)
    a.add_argument("trajectories", help="sampler-trajectories.json")
    a.add_argument("out")
    a = a.parse_args()
    with open(a.trajectories) as file:
        recorded = json.load(file)
    runs = [*comfy_runs(a.comfy, recorded), *(tcd_run(eta, recorded) for eta in (0.0, 0.3, 1.0)),
            *unipc_runs(a.webui, recorded)]
    out = {"sigmas": {"tcd4": recorded["sigmas"]["tcd4"]}, "runs": runs, "schedules": schedules(a.webui, a.k_diffusion)}
    with open(a.out, "w") as file:
        file.write(json.dumps(out).replace("{\"id\"", "\n{\"id\"").replace("}, \"", "},\n\"") + "\n")


if __name__ == "__main__":
    main()
