"""A whole adaptation of one site as a researcher writes it in PyTorch after the ConvLoRA paper's procedure: all volumes are
read and scaled, the model is trained for some epochs, and before and after each both heads segment all volumes, whose
surface Dice chooses the epoch. Reads the model that graft wrote.
Usage: adapt_site.py MODEL FOLDER AREAS OUT EPOCHS BATCH THREADS; AREAS: JSON with those of the 256 codes of surfaces
"""
import json
import os
import sys

import numpy as np
import torch
from torch.nn import functional as F

import nifti
from surface_distance import surface_dice, surface_distances
from unet import Adaptation, UNet, early_head
from weights import read_metadata, read_safetensors

model_file, folder, areas_file, out = sys.argv[1:5]
epochs, batch, threads = map(int, sys.argv[5:])
torch.set_num_threads(threads)
torch.manual_seed(1)
with open(areas_file) as text:
    setup = json.load(text)
spacing, areas = setup["spacing"], np.array(setup["areas"])


def load():
    state = read_safetensors(model_file)
    model = UNet(json.loads(read_metadata(model_file)["architecture"])["filters"])
    head = early_head(len(model.down3[1].weight) // 8)
    network = {name.removeprefix("network."): value for name, value in state.items()}
    own = model.state_dict()
    model.load_state_dict({name: network.get(name, value) for name, value in own.items()})
    parts = dict(zip(("conv1", "bn1", "conv2", "bn2", "conv3"), (head[i] for i in (0, 1, 3, 4, 6))))
    for name, part in parts.items():
        for key, value in part.state_dict().items():
            value.copy_(state.get(f"head3.{name}.{key}", value))
    return model, head


def read_volumes():
    volumes = []
    for name in sorted(os.listdir(folder)):
        _, voxels = nifti.read(os.path.join(folder, name))
        low, high = np.percentile(voxels, [1, 99])
        volumes.append(torch.from_numpy(np.clip((voxels - low) / (high - low), 0, 1).astype(np.float32)).unsqueeze(1))
    return volumes


def agreement():
    """The mean surface Dice between both heads' masks."""
    model.eval()
    scores = []
    with torch.no_grad():
        for volume in volumes:
            masks = [], []
            for images in volume.split(batch):
                early = F.interpolate(head(model.encode(images)[3]), scale_factor=8, mode="bilinear")
                for mask, logits in zip(masks, (model(images), early)):
                    mask.append(logits[:, 0] > 0)
            final, early = (torch.cat(mask).numpy() for mask in masks)
            both = final.any() and early.any()
            scores.append(surface_dice(surface_distances(final, early, spacing, areas), 2) if both else 0)
    model.train()
    return sum(scores) / len(scores)


volumes = read_volumes()
model, head = load()
slices = torch.cat(volumes)
adaptation = Adaptation(model, head)
best = (-1, {})
for epoch in range(epochs + 1):
    if epoch > 0:
        for chosen in torch.randperm(len(slices)).split(batch):
            adaptation.step(slices[chosen])
    score = agreement()
    if score > best[0]:
        best = (score, {name: value.clone() for name, value in model.state_dict().items()})
torch.save({name: value for name, value in best[1].items() if "lora_" in name or ".bn." in name}, out)
