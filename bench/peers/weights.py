"""The models and data that graft wrote."""
import json
import math
import struct

import torch

DTYPES = {"F32": torch.float32, "I64": torch.int64}


def read_header(file):
    (length,) = struct.unpack("<Q", file.read(8))
    return json.loads(file.read(length))


def read_metadata(path):
    """The metadata of a safetensors file."""
    with open(path, "rb") as file:
        return read_header(file)["__metadata__"]


def read_safetensors(path):
    """All tensors of a safetensors file by name."""
    with open(path, "rb") as file:
        header = read_header(file)
        data = bytearray(file.read())
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        dtype, shape = DTYPES[entry["dtype"]], entry["shape"]
        count = math.prod(shape)
        if count:
            begin = entry["data_offsets"][0]
            tensors[name] = torch.frombuffer(data, dtype=dtype, count=count, offset=begin).clone().reshape(shape)
    return tensors
