#!/usr/bin/env python3
"""What the web UI makes of long prompts with emphasis and embeddings: its own code for both, on transformers' encoder.

Needs a checkout of AUTOMATIC1111's stable-diffusion-webui, of which modules/sd_hijack_clip.py, prompt_parser.py and
sd_emphasis.py are run; the miniature checkpoint comes from make_reference.py.

Usage:
  make_prompt_reference.py --webui stable-diffusion-webui --checkpoint miniature.safetensors --out prompts.safetensors
"""
import argparse, sys, types

import torch

from make_reference import clip_vocab, load_network, save

PROMPT = (
    "masterpiece, best quality, ((mochi rice cakes)), a small tea house at the edge of a bamboo forest after the rain, "
    "(warm lantern light:1.2) on wet stone steps, an old woman in a (dark blue kimono with [white cranes]:1.15) who sets "
    "down a lacquered tray, (((steam rising))) from three cups of green tea, mochi dusted with flour, one of them cut "
    "open so that the red bean paste shows, [[people in the background]], a sleeping cat on a folded cushion, "
    "paper screens half open, maple leaves drifting into the room, reflections in the puddles, moss between the stones, "
    "(depth of field:0.8), soft shadows, (film grain:0.6), 35mm photograph, morning mist over the hills, "
    "a wooden bucket with a bamboo ladle, hand-painted sign above the door, (no negative:0), wisps of smoke from the "
    "kitchen, baskets of persimmons hanging from the eaves, \\(early autumn\\), light falling through the leaves, "
    "((intricate details, (highly detailed:1.1) textures)), natural colours, quiet atmosphere, a path of round stones "
    "leading down to a pond with two koi, dew on spider webs, distant temple bell, weathered cedar beams, straw mats, "
    "calligraphy scroll in the alcove, a single camellia in a clay vase, the tray catches the light of the lantern, "
    "slices of yuzu, a folded letter beside the cup, sparrows on the roof ridge, thin clouds, first sunlight, "
    "composition by the rule of thirds, sharp focus on the mochi, (subtle rim light:1.05), calm, tender, cinematic")
NEGATIVE = (
    "EasyNegative, bad-hands-5, NG_DeepNegative_V1_75T, (worst quality:1.4), (low quality:1.4), "
    "(bad and mutated hands:1.3), blurry, [watermark], ((text)), extra fingers, (easynegative:0.7), jpeg artifacts")
# an embedding that a late comma should carry over, and one that does not fit into what is left of its window
EDGE = ("cat " * 60 + ", a dog, bad-hands-5 dog dog dog dog dog dog dog dog dog dog dog dog dog dog dog dog EasyNegative "
        + "bird " * 55 + "bad-hands-5 sea")
EMBEDDINGS = {"EasyNegative": 8, "bad-hands-5": 6, "NG_DeepNegative_V1_75T": 75}


class Database:
    """Embeddings by the ids of their names, the longest first."""

    def __init__(self, tokenizer, embeddings):
        self.entries = sorted(((tokenizer([e.name], add_special_tokens=False)["input_ids"][0], e) for e in embeddings),
                              key=lambda entry: -len(entry[0]))

    def find_embedding_at_position(self, tokens, offset):
        for ids, embedding in self.entries:
            if tokens[offset:offset + len(ids)] == ids:
                return embedding, len(ids)
        return None, None


class Replacing(torch.nn.Module):
    """The table of token vectors, some of them replaced as the web UI's hijack says."""

    def __init__(self, table, hijack):
        super().__init__()
        self.table, self.hijack = table, hijack

    def forward(self, ids):
        vectors = self.table(ids)
        for row, fixes in zip(vectors, self.hijack.fixes):
            for offset, embedding in fixes:
                count = min(row.shape[0] - offset - 1, embedding.vectors)
                row[offset + 1:offset + 1 + count] = embedding.vec[:count]
        return vectors


def main():
    from transformers import CLIPTokenizer
    parser = argparse.ArgumentParser()
    for name in ("webui", "checkpoint", "out"):
        parser.add_argument("--" + name, required=True)
    a = parser.parse_args()
    sys.path.insert(0, a.webui)
    options = types.SimpleNamespace(emphasis="Original", comma_padding_backtrack=20, CLIP_stop_at_last_layers=1,
                                    use_old_emphasis_implementation=False,
                                    textual_inversion_add_hashes_to_infotext=False)
    for name, members in {"shared": {"opts": options}, "devices": {"device": "cpu", "torch_npu_set_device": lambda: 0},
                          "sd_hijack": {}}.items():
        module = types.ModuleType("modules." + name)
        module.__dict__.update(members)
        sys.modules[module.__name__] = module
    from modules.sd_hijack_clip import FrozenCLIPEmbedderWithCustomWords

    vocab, merges = clip_vocab()
    tokenizer = CLIPTokenizer(vocab=vocab, merges=merges)
    encoder = load_network("text", "miniature", a.checkpoint)
    width = encoder.config.hidden_size
    embeddings = []
    for seed, (name, vectors) in enumerate(EMBEDDINGS.items()):
        values = torch.randn(vectors, width, generator=torch.Generator().manual_seed(seed)) / 4
        embeddings.append(types.SimpleNamespace(name=name, vec=values, vectors=vectors))
    hijack = types.SimpleNamespace(embedding_db=Database(tokenizer, embeddings), fixes=None, extra_generation_params={})
    owner = getattr(encoder, "text_model", encoder).embeddings
    owner.token_embedding = Replacing(owner.token_embedding, hijack)
    wrapped = types.SimpleNamespace(tokenizer=tokenizer, transformer=encoder)
    web_ui = FrozenCLIPEmbedderWithCustomWords(wrapped, hijack)
    tensors = {"embedding." + e.name: e.vec for e in embeddings}
    texts = {"prompt": PROMPT, "negative": NEGATIVE, "edge": EDGE}
    with torch.no_grad():
        for name, text in texts.items():
            tensors[name] = web_ui([text])
            print(name, web_ui.tokenize_line(text)[1], "tokens", tuple(tensors[name].shape))
    save(a.out, tensors, texts)


main()
