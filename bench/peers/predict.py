"""Segments all volumes of a folder in a plain loop of PyTorch: gzip and numpy read, percentiles scale, the network
predicts, a mask is written. Reads the model and the adapter that graft wrote."""
import argparse
import json
import os

import numpy as np
import torch

import nifti
import sam
import unet
from weights import read_metadata, read_safetensors

parser = argparse.ArgumentParser(description=__doc__)
for name in ("model", "adapter", "images", "out"):
    parser.add_argument(name)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--overlap", action="store_true", help="as FLAP-SAM evaluates: a window of slices about each slice")
options = parser.parse_args()
torch.set_num_threads(options.threads)


def load():
    metadata = read_metadata(options.model)
    config = json.loads(metadata["architecture"])
    state = {name.removeprefix("network."): value for name, value in read_safetensors(options.model).items()}
    state.update(read_safetensors(options.adapter))
    if metadata["family"] == "unet2d":
        model = unet.UNet(config["filters"])
        predict = predict_slices
    else:
        rank = next(value.shape[0] for name, value in state.items() if "lora_w_a_q" in name)
        model = sam.Sam(config, rank, fused=False)
        predict = predict_windows
    own = model.state_dict()
    model.load_state_dict({name: state.get(name, value) for name, value in own.items()})
    return model.eval(), predict


def predict_slices(model, slices, batch=16):
    """Probabilities above a half, of a volume [z, y, x]."""
    parts = [torch.sigmoid(model(part.unsqueeze(1)))[:, 0] for part in slices.split(batch)]
    return (torch.cat(parts) > 0.5).numpy()


def predict_windows(model, slices, size=5):
    """The likeliest class from windows of slices, averaged where they overlap; edge slices are repeated."""
    n = len(slices)
    starts = range(-(size // 2), n - size // 2) if options.overlap else range(0, n, size)
    total = None
    for start in starts:
        places = range(start, start + size)
        window = slices[[min(max(place, 0), n - 1) for place in places]].unsqueeze(1).expand(-1, 3, -1, -1)
        probabilities = torch.softmax(model(window), dim=1)
        total = torch.zeros(n, *probabilities.shape[1:]) if total is None else total
        for row, place in enumerate(places):
            if 0 <= place < n:
                total[place] += probabilities[row]
    return total.argmax(dim=1).numpy()


model, predict = load()
os.makedirs(options.out, exist_ok=True)
with torch.no_grad():
    for name in sorted(os.listdir(options.images)):
        header, voxels = nifti.read(os.path.join(options.images, name))
        low, high = np.percentile(voxels, [1, 99])
        slices = torch.from_numpy(np.clip((voxels - low) / (high - low), 0, 1).astype(np.float32))
        nifti.write_mask(os.path.join(options.out, name), header, predict(model, slices))
