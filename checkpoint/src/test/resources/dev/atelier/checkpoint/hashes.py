"""Prints the hashes in FileHashesTest: of a file as AUTOMATIC1111's formulas give them.

modules/sd_models.py model_hash: SHA-256 of 0x10000 bytes from 0x100000 on, 8 digits.
modules/hashes.py addnet_hash_safetensors: SHA-256 of what follows the header.
Needs nothing but Python.
"""
import hashlib
import io
import json


def file(data_bytes):
    header = json.dumps(
        {"__metadata__": {"title": "hashes"}, "x": {"dtype": "U8", "shape": [data_bytes], "data_offsets": [0, data_bytes]}},
        separators=(",", ":"),
    ).encode()
    return len(header).to_bytes(8, "little") + header + bytes(i % 256 for i in range(data_bytes))


def model_hash(f):
    f.seek(0x100000)
    return hashlib.sha256(f.read(0x10000)).hexdigest()[0:8]


def addnet_hash_safetensors(f):
    f.seek(0)
    n = int.from_bytes(f.read(8), "little")
    f.seek(n + 8)
    return hashlib.sha256(f.read()).hexdigest()


for data_bytes in (1000, 1_100_000, 2_000_000):
    content = file(data_bytes)
    print(
        data_bytes,
        hashlib.sha256(content).hexdigest(),
        model_hash(io.BytesIO(content)),
        addnet_hash_safetensors(io.BytesIO(content)),
    )
