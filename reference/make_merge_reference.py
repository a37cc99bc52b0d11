#!/usr/bin/env python3
"""Reference results for checkpoint merging, with AUTOMATIC1111's rules and PyTorch's own arithmetic.

The rules (web UI 1.10.1, function run_modelmerger), in the order they are applied:

  add difference only:  for every key of B with "model" in its name, except position_ids:
                            B[k] = B[k] - C[k]  if C has it, else zeros of B's shape and type
  for every key k of A: if "model" occurs in k, B has k, and k is not position_ids:
                            weighted sum       A[k] = ((1 - M) * a) + (M * b)
                            add difference     A[k] = a + (M * (b - c))
                        if the shapes differ only in dimension 1 and A has 9 (or 8) channels there and B has 4, only
                        the first four channels of A are combined and written back, in A's type
                        "save as half": a float32 result becomes float16 (no other type does)
  keys only in A stay as they are; keys only in B or C are dropped.

The file types decide the arithmetic (PyTorch's type promotion), which is why there is no cast below.

Usage:  make_merge_reference.py fixtures --out DIR
        make_merge_reference.py merge A B M OUT        (what the web UI does: load both, loop, save)
        make_merge_reference.py digest FILE            (sha256 of the tensors' bytes, in order of name)
"""
import hashlib, json, os, struct, sys, time

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

torch.set_num_threads(2)
torch.set_grad_enabled(False)

POSITION_IDS = "cond_stage_model.transformer.text_model.embeddings.position_ids"


def weighted_sum(a, b, m):
    return ((1 - m) * a) + (m * b)


def add_difference(a, b_minus_c, m):
    return a + (m * b_minus_c)


def merge(A, B, C, m, half=False):
    """Merges B (and C) into A, as the web UI does.  C is None for a weighted sum."""
    if C is not None:
        for k in B:
            if k != POSITION_IDS and "model" in k:
                B[k] = B[k] - C[k] if k in C else torch.zeros_like(B[k])
    f = weighted_sum if C is None else add_difference
    for k in A:
        if "model" not in k or k not in B or k == POSITION_IDS:
            continue
        a, b = A[k], B[k]
        if a.shape != b.shape and a.shape[0:1] + a.shape[2:] == b.shape[0:1] + b.shape[2:]:
            assert a.shape[1] in (8, 9) and b.shape[1] == 4
            A[k][:, 0:4] = f(a[:, 0:4], b, m)
        else:
            A[k] = f(a, b, m)
        if half and A[k].dtype == torch.float32:
            A[k] = A[k].half()
    return A


# -------------------------------------------------------------------------------------------------------- fixtures

F16, BF16, F32, F64 = torch.float16, torch.bfloat16, torch.float32, torch.float64


def special(dtype):
    """Values where rounding goes wrong first; finite."""
    i = torch.finfo(dtype)
    tiny = 2.0 ** {F16: -24, BF16: -133, F32: -149, F64: -1074}[dtype]        # smallest subnormal
    v = [0.0, -0.0, tiny, -tiny, 3 * tiny, 5 * tiny, -7 * tiny, i.smallest_normal, -i.smallest_normal,
         i.smallest_normal - tiny, i.max, -i.max, i.max * 0.75, i.max / 2, 1.0, -1.0, 1 + i.eps, 1 - i.eps / 2, 0.1, 0.3,
         1 / 3, -2 / 3, 1e-3, 1024.5, 2049.0]
    return torch.tensor(v, dtype=F64).to(dtype)


def numbers(g, shape, dtype, scale=1.0):
    return (torch.randn(shape, generator=g, dtype=F64) * scale).to(dtype)


def grid(dtype, which, g, n=4):
    """Every pair of special values (A runs along rows, B along columns, C is shuffled), then ordinary numbers and
    random bit patterns (finite), so that one tensor covers both: shape [n * 625]."""
    s = special(dtype)
    e = s.numel()
    base = {"a": s.repeat_interleave(e), "b": s.repeat(e), "c": s.repeat(e)[torch.randperm(e * e, generator=g)]}[which]
    rest = numbers(g, (e * e * (n - 1),), dtype)
    if dtype == F16 and n > 1:
        bits = torch.randint(-32768, 32768, (rest.numel() // 2,), generator=g).to(torch.int16).view(F16)
        rest[:bits.numel()] = torch.where(torch.isfinite(bits), bits, torch.zeros_like(bits))
    return torch.cat([base, rest])


UNET = "model.diffusion_model."
# key -> (type in A, type in B, type in C, kind); None: the file does not have the key
KEYS = {
    UNET + "input_blocks.1.1.proj_in.weight": (F16, F16, F16, "grid2"),
    UNET + "input_blocks.1.1.proj_in.bias": (F32, F32, F32, "grid1"),
    UNET + "input_blocks.1.0.in_layers.0.weight": (BF16, BF16, BF16, "grid1"),
    UNET + "time_embed.0.weight": (F16, F32, F32, (8, 4)),
    UNET + "time_embed.0.bias": (F32, F16, F16, (33,)),
    UNET + "time_embed.2.weight": (BF16, F16, F16, (8, 8)),
    UNET + "time_embed.2.bias": (F16, BF16, BF16, (33,)),
    UNET + "middle_block.0.in_layers.0.weight": (F64, F32, F32, (33,)),
    UNET + "middle_block.0.in_layers.0.bias": (F32, F64, F64, (33,)),
    UNET + "middle_block.0.in_layers.2.bias": (BF16, F32, F32, (33,)),
    UNET + "middle_block.0.out_layers.0.weight": (F16, F16, F32, (33,)),          # b - c is float32
    UNET + "middle_block.2.out_layers.0.bias": (F16, F32, F16, (33,)),
    UNET + "out.2.weight": (F16, F16, F16, (4, 8, 3, 3)),
    "cond_stage_model.transformer.text_model.final_layer_norm.weight": (F32, F32, F32, (16,)),
    "first_stage_model.post_quant_conv.weight": (F16, F16, F16, (4, 4, 1, 1)),
    UNET + "out.0.weight": (F32, None, None, (17,)),                              # only in A: kept, stays float32
    UNET + "out.0.bias": (None, F16, F16, (17,)),                                 # not in A: dropped
    UNET + "out.2.bias": (F16, F16, None, (4,)),                                  # not in C: difference counts as 0
    "first_stage_model.quant_conv.bias": (F16, None, F16, (8,)),                  # not in B: A's value
    "first_stage_model.quant_conv.weight": (None, None, F16, (2,)),               # only in C: dropped
    "alphas_cumprod": (F32, F32, F32, (20,)),                                     # no "model" in the name: A's value
}


def trio():
    files = {"a": {}, "b": {}, "c": {}}
    g = torch.Generator("cpu").manual_seed(4711)
    for k, spec in KEYS.items():
        for w, dtype in zip("abc", spec[:3]):
            if dtype is None:
                continue
            kind = spec[3]
            files[w][k] = grid(dtype, w, g, int(kind[-1])) if isinstance(kind, str) else numbers(g, kind, dtype)
    ids = torch.arange(77, dtype=torch.int64)[None]
    files["a"][POSITION_IDS] = ids.clone()
    files["b"][POSITION_IDS] = ids.flip(1).contiguous()
    files["c"][POSITION_IDS] = torch.zeros_like(ids)
    # the two scalars that "EMA-only" files carry; merging makes the counter a float
    for w, n in zip("abc", (1000, 2001, 7)):
        files[w]["model_ema.num_updates"] = torch.tensor(n, dtype=torch.int32)
        files[w]["model_ema.decay"] = torch.tensor(0.9999 - n * 1e-6, dtype=F32)
    return files


def inpaint_trio():
    """An inpainting model A (9 input channels) with ordinary models B and C (4)."""
    g = torch.Generator("cpu").manual_seed(4712)
    k = UNET + "input_blocks.0.0."
    out = {}
    for w, channels, dtype in (("a", 9, F16), ("b", 4, F32), ("c", 4, F32)):
        out[w] = {k + "weight": numbers(g, (8, channels, 3, 3), dtype),       # A float16, B float32: result float16
                  k + "bias": numbers(g, (8,), F16),
                  UNET + "out.2.bias": numbers(g, (4,), F32)}
    return out


def write(path, tensors, metadata=None):
    save_file({k: v.contiguous() for k, v in tensors.items()}, path, metadata=metadata or {"format": "pt"})
    os.chmod(path, 0o644)


def check_against_numpy(A, B, C, m, ws, ad):
    """The same arithmetic written out with NumPy, every rounding step explicit (float16 pair)."""
    import numpy as np
    k = UNET + "input_blocks.1.1.proj_in.weight"
    a, b, c = (x[k].numpy() for x in (A, B, C))
    f, h = np.float32, np.float16
    w1, w2 = f(1 - 0.3), f(0.3)
    with np.errstate(all="ignore"):
        e1 = (h(a.astype(f) * w1).astype(f) + h(b.astype(f) * w2).astype(f)).astype(h)
        d = (b.astype(f) - c.astype(f)).astype(h)
        e2 = (a.astype(f) + h(d.astype(f) * f(0.7)).astype(f)).astype(h)
    for name, got, want in (("weighted sum", ws[k].numpy(), e1), ("add difference", ad[k].numpy(), e2)):
        same = (got.view(np.uint16) == want.view(np.uint16)) | (np.isnan(got) & np.isnan(want))
        print(f"{name}: float16 pair against NumPy: {same.sum()} of {same.size} equal bits; "
              f"nan {np.isnan(got).sum()} inf {np.isinf(got).sum()}")


def fixtures(folder):
    os.makedirs(folder, exist_ok=True)
    p = lambda n: os.path.join(folder, n + ".safetensors")
    for prefix, files in (("", trio()), ("inpaint-", inpaint_trio())):
        for w, t in files.items():
            write(p(prefix + w), t)

    def run(out, prefix, m, c=False, half=False):
        A, B = load_file(p(prefix + "a")), load_file(p(prefix + "b"))
        r = merge(A, B, load_file(p(prefix + "c")) if c else None, m, half)
        write(p(out), r)
        for k, v in r.items():
            assert not torch.isnan(v.float()).any(), (out, k)
        return r

    ws = run("weighted-sum-0.3", "", 0.3)
    run("weighted-sum-0.3-half", "", 0.3, half=True)
    ad = run("add-difference-0.7", "", 0.7, c=True)
    run("add-difference-0.7-half", "", 0.7, c=True, half=True)
    run("inpaint-weighted-sum-0.3", "inpaint-", 0.3)
    run("inpaint-add-difference-1.0", "inpaint-", 1.0, c=True)
    check_against_numpy(load_file(p("a")), load_file(p("b")), load_file(p("c")), 0.3, ws, ad)
    A, B, C = (load_file(p(w)) for w in "abc")
    for k in sorted(set(A) | set(B) | set(C)):
        print(k, [str(x[k].dtype)[6:] if k in x else "-" for x in (A, B, C)], "->",
              str(ws[k].dtype)[6:] if k in ws else "-", str(ad[k].dtype)[6:] if k in ad else "-",
              tuple((ws if k in ws else B if k in B else C)[k].shape))


def digest(path):
    """sha256 over the raw bytes of all tensors, concatenated in order of name (UTF-8)."""
    h = hashlib.sha256()
    with open(path, "rb") as f:
        n = struct.unpack("<Q", f.read(8))[0]
        head = json.loads(f.read(n))
        head.pop("__metadata__", None)
        for k in sorted(head, key=lambda s: s.encode()):
            lo, hi = head[k]["data_offsets"]
            f.seek(8 + n + lo)
            while lo < hi:
                b = f.read(min(hi - lo, 1 << 24))
                h.update(b)
                lo += len(b)
    return h.hexdigest()


def main(argv):
    if argv[0] == "fixtures":
        fixtures(argv[2])
    elif argv[0] == "digest":
        print(digest(argv[1]))
    elif argv[0] == "merge":
        t = [time.perf_counter()]
        B = load_file(argv[2])
        A = load_file(argv[1])
        t.append(time.perf_counter())
        merge(A, B, None, float(argv[3]))
        del B
        t.append(time.perf_counter())
        save_file(A, argv[4], metadata={"format": "pt"})
        t.append(time.perf_counter())
        print(json.dumps({"load_seconds": round(t[1] - t[0], 2), "merge_seconds": round(t[2] - t[1], 2),
                          "save_seconds": round(t[3] - t[2], 2)}))


if __name__ == "__main__":
    main(sys.argv[1:])
