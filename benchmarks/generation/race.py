#!/usr/bin/env python3
"""Atelier's ONNX Runtime engine and a peer, taking turns on the same Stable Diffusion 1.5 checkpoint.

    python benchmarks/generation/race.py sd15-a-fp32.safetensors                   # diffusers on PyTorch
    python benchmarks/generation/race.py sd15-a-fp32.safetensors --sd-cli sd-cli   # stable-diffusion.cpp's program
    python benchmarks/generation/race.py sd15-a-fp32.safetensors --other sd15-b-fp16.safetensors
    python benchmarks/generation/race.py sd15-a-fp32.safetensors --drawn exact.png 1,1 3,1 2,1 1,1,0.5 1,1,0,0.2
    python benchmarks/generation/race.py sd15-a-fp32.safetensors --rounds 0 --in-use 6      # start-up alone

Needs what reference/README.md installs, a C compiler, and Atelier built (./atelier --version). A step is a UNet call as
guidance makes it, on the same latents of 64x64 for a prompt and a negative prompt; decoding makes 512x512 pixels. Random weights take as long as trained ones.

stable-diffusion.cpp is a program that draws one picture, here in two steps; it loads weights while it takes the first, so the
second counts. It keeps weights of convolutions as fp16 in any case. Its options may follow, as in --sd-cli "sd-cli --diffusion-fa".

Beside each time stands what may explain a slow one: the processor time of the program, user and system; the time that the
hypervisor gave to other machines, all processors together; and pages read from the disk.
"""
import argparse
import mmap
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
HOME = os.path.dirname(os.path.dirname(HERE))
STEP_GFLOP, DECODE_GFLOP = 1606, 2515   # as convolutions and matrix products are defined, whatever the way they are computed


class Atelier:
    def __init__(self, threads, in_use=0):
        setup = dict(os.environ, OMP_NUM_THREADS=str(threads), MALLOC_ARENA_MAX="1",   # as the launcher sets them
                     MALLOC_MMAP_THRESHOLD_="4294967296", MALLOC_TRIM_THRESHOLD_="4294967296")
        java = os.path.join(os.environ["JAVA_HOME"], "bin", "java")
        classes = self.classes()
        use(in_use)
        self.process = subprocess.Popen(
            [java, "-XX:+UseSerialGC", "-Xms64m", "--enable-native-access=ALL-UNNAMED", "-cp", f"{classes}{os.pathsep}{HOME}/cli/target/atelier.jar", "Contestant"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=setup)
        self.start = float(self.process.stdout.readline())

    @staticmethod
    def classes():
        folder = tempfile.mkdtemp()
        subprocess.run([os.path.join(os.environ["JAVA_HOME"], "bin", "javac"), "-d", folder, "-cp", f"{HOME}/cli/target/atelier.jar",
                        f"{HERE}/Contestant.java"], check=True)
        return folder

    @property
    def pid(self):
        return self.process.pid

    def __call__(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        answer = [float(number) for number in self.process.stdout.readline().split()]
        return answer if len(answer) > 1 else answer[0]


def use(gigabytes):
    """Takes memory and gives it back. A virtual machine's host may have been given what was free; to get it again takes seconds."""
    if gigabytes:
        with mmap.mmap(-1, gigabytes << 30) as memory:
            memory.madvise(mmap.MADV_HUGEPAGE)
            for page in range(0, len(memory), mmap.PAGESIZE):
                memory[page] = 1


class Watch:
    """What the program with this id, if it is one that lasts, and the machine have done since."""

    def __init__(self, pid):
        self.pid = pid
        self.before = self.now()

    def now(self):
        tick = os.sysconf("SC_CLK_TCK")
        with open("/proc/stat") as stat:
            machine = [int(stat.readline().split()[8]) / tick]
        if self.pid is None:
            return machine
        with open(f"/proc/{self.pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return machine + [int(fields[11]) / tick, int(fields[12]) / tick, int(fields[9])]

    def __str__(self):
        steal, *own = (after - before for before, after in zip(self.before, self.now()))
        times = "user {:.1f} s, system {:.1f} s, {} major faults, ".format(*own) if own else ""
        return f"({times}steal {steal:.1f} s)"


class Diffusers:
    pid = os.getpid()

    def __init__(self, checkpoint, threads):
        sys.path.insert(0, os.path.join(HOME, "reference"))
        import make_reference
        import torch
        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        self.reference = make_reference
        self.unet = make_reference.load_network("unet", "sd15", checkpoint)
        self.vae = make_reference.load_network("vae", "sd15", checkpoint)
        self.latents = torch.randn(1, 4, 64, 64).repeat(2, 1, 1, 1)
        self.timesteps = torch.tensor([500.0, 500.0])
        self.context = torch.randn(2, 77, 768)

    def __call__(self, command):
        start = time.perf_counter()
        if command == "step":
            self.reference.run_unet(self.unet, self.latents, self.timesteps, self.context)
        else:
            self.reference.decode(self.vae, self.latents[:1])
        return time.perf_counter() - start


class StableDiffusionCpp:
    pid = None

    def __init__(self, program, checkpoint, threads):
        self.command = [*program, "-m", checkpoint, "-p", "a cat", "-n", "blurry", "-W", "512", "-H", "512", "--cfg-scale", "7",
                        "--sampling-method", "euler", "--steps", "2", "-t", str(threads),
                        "-o", os.path.join(tempfile.mkdtemp(), "cat.png")]
        self.decoding = None

    def __call__(self, command):
        if command == "decode":
            return self.decoding
        output = subprocess.run(self.command, stdout=subprocess.PIPE, text=True, check=True).stdout
        self.decoding = float(re.search(r"latent 1 decoded, taking ([0-9.]+)s", output)[1])
        return float(re.search(r"2/2 - ([0-9.]+)s/it", output)[1])


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("checkpoint")
    a.add_argument("--other", help="instead of racing, switch to this checkpoint")
    a.add_argument("--sd-cli", metavar="PROGRAM", help="race stable-diffusion.cpp in place of diffusers")
    a.add_argument("--drawn", nargs="+", metavar=("FILE", "OPTIONS"), help="instead of racing, draw 20 steps with these: interval and "
                   "depth of DeepCache, the share of tokens merged, that of steps without a negative prompt. FILE is the exact picture (1,1), "
                   "and is written where there is none")
    a.add_argument("--rounds", type=int, default=4, help="the first is a warm-up; it is shown, and not counted")
    a.add_argument("--in-use", type=int, default=0, metavar="GB", help="memory to take and give back before Atelier starts")
    a.add_argument("--minutes", type=float, default=6, help="begin no round after these")
    a.add_argument("--threads", type=int, default=2)
    a = a.parse_args()

    peak = os.path.join(tempfile.mkdtemp(), "peak")
    subprocess.run(["cc", "-O3", "-march=native", "-ffp-contract=fast", "-o", peak, f"{HERE}/peak.c", "-lpthread"], check=True)

    ours = Atelier(a.threads, a.in_use)
    watch = Watch(ours.pid)
    load, spent, first, second = ours("load " + a.checkpoint), str(watch), ours("step"), ours("step")
    print(f"start-up: JVM {ours.start:.2f} s, loading and encoding {load:.2f} s {spent}, first step {first:.2f} s, second {second:.2f} s", flush=True)
    print(f"Atelier's anonymous memory: {ours('memory'):.2f} GB", flush=True)
    if a.other:
        switch, first, second = ours("load " + a.other), ours("step"), ours("step")
        print(f"switching: loading and encoding {switch:.2f} s, first step {first:.2f} s, second {second:.2f} s", flush=True)
    elif not a.rounds:
        return
    elif a.drawn:
        drawn(a, ours, Diffusers(a.checkpoint, a.threads))
    else:
        peer = ("stable-diffusion.cpp", StableDiffusionCpp(a.sd_cli.split(), a.checkpoint, a.threads)) if a.sd_cli else \
            ("diffusers", Diffusers(a.checkpoint, a.threads))
        race(a, ours, *peer, peak)
        print(f"Atelier's anonymous memory: {ours('memory'):.2f} GB", flush=True)


def drawn(a, ours, theirs):
    """Twenty steps of ours beside twenty of the peer's, of which a few are measured before, between and after."""
    exact, *options = a.drawn
    steps = [theirs("step") for _ in range(2)][1:]
    results = []
    for option in options:
        values = (option + ",0,0").split(",")[:4]
        results.append((option, *ours(" ".join(["draw", exact, *values]))))
        steps.append(theirs("step"))
        print("{}: {:.1f} s, {:.1f} dB".format(*results[-1]), flush=True)
    peer = 20 * statistics.median(steps)
    print("diffusers, a step:", ", ".join(f"{step:.2f}" for step in steps), "s")
    for option, seconds, decibels in results:
        print(f"{option}: {seconds:.1f} s, {seconds / peer:.3f} of diffusers' 20 plain steps, {decibels:.1f} dB against the exact picture")


def race(a, ours, peer, theirs, peak):
    times = {}
    deadline = time.monotonic() + 60 * a.minutes
    for turn in range(a.rounds):
        if time.monotonic() > deadline and turn > 1:
            break
        limit = float(subprocess.run([peak, str(a.threads)], capture_output=True, text=True, check=True).stdout)
        for command in "step", "decode":
            for name, run in ("Atelier", ours), (peer, theirs):
                if not turn and isinstance(run, StableDiffusionCpp):
                    continue    # each of its runs is a program of its own: there is nothing to warm up
                watch = Watch(run.pid)
                seconds = run(command)
                if turn:
                    times.setdefault((command, name), []).append(seconds)
                print(f"round {turn}: {command:6} {name:20} {seconds:6.2f} s {watch}", flush=True)
        print(f"round {turn}: peak {limit:.0f} GFLOP/s, load average {os.getloadavg()[0]:.1f}")
        times.setdefault("peak", []).append(limit)

    for command, gflop in ("step", STEP_GFLOP), ("decode", DECODE_GFLOP):
        best = {name: min(times[command, name]) for name in ("Atelier", peer)}
        ratios = [o / t for o, t in zip(times[command, "Atelier"], times[command, peer])]
        print(f"{command}: Atelier {best['Atelier']:.2f} s, {peer} {best[peer]:.2f} s, ratio of the fastest "
              f"{best['Atelier'] / best[peer]:.3f}, of the rounds {min(ratios):.3f} to {max(ratios):.3f} "
              f"(median {statistics.median(ratios):.3f}); Atelier does {gflop / best['Atelier'] / max(times['peak']):.0%} of the peak")


if __name__ == "__main__":
    main()
