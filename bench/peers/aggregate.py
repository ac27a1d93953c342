"""Closing a round as FLAP-SAM's code does it, with one update at a time in memory: the products B·A of every layer are
formed and averaged, and each average is decomposed and cut to the rank; the other tensors are averaged.
Usage: aggregate.py FOLDER SITES PRECISION THREADS; PRECISION: float32, as published, or float64. A sample's value is the most bytes that the process grew by, pages of files apart.
"""
import json
import sys

import torch

from weights import read_safetensors
from worker import forget_peak, memory, serve

folder, sites, precision, threads = sys.argv[1:]
sites, dtype = int(sites), getattr(torch, precision)
torch.set_num_threads(int(threads))
with open(folder + "/setup.json") as text:
    updates = json.load(text)["big"]["updates"]


def close():
    sums, rank = {}, 0
    for site in range(sites):
        state = read_safetensors(folder + "/" + updates[site % len(updates)]["hash"])
        for name, value in state.items():
            if "lora_w_a" in name:
                b = state[name.replace("lora_w_a", "lora_w_b")]
                rank, value = len(value), b.to(dtype) @ value.to(dtype)
            if "lora_w_b" not in name:
                value = value / sites
                sums[name] = sums[name] + value if site > 0 else value
    result = {}
    for name, total in sums.items():
        if "lora_w_a" in name:
            u, s, v = torch.linalg.svd(total, full_matrices=False)
            result[name] = (s[:rank, None] * v[:rank]).float()
            result[name.replace("lora_w_a", "lora_w_b")] = u[:, :rank].float().contiguous()
        else:
            result[name] = total
    return result


def sample():
    forget_peak()
    before = memory("RssAnon")
    close()
    return memory("VmHWM") - memory("RssFile") - before


with torch.no_grad():
    serve(sample)
