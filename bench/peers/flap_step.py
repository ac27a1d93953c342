"""One step of FLAP-SAM's fine-tuning in PyTorch. Usage: flap_step.py FILE BASELINE PRECISION THREADS

FILE has the weights and the batch that graft wrote. BASELINE: "eager" as published; "fused" with PyTorch's own attention
and, in bfloat16, frozen weights that are stored so; "compiled" is that under torch.compile. PRECISION: float32, bfloat16.
"""
import json
import sys

import torch
from torch.nn import functional as F

from sam import Sam, dice_loss
from weights import read_safetensors
from worker import serve

file, baseline, precision, threads = sys.argv[1:]
torch.set_num_threads(int(threads))
state = read_safetensors(file)
with open(file + ".json") as text:
    config = json.load(text)
images, labels = state.pop("images"), state.pop("labels")
rank = state["image_encoder.blocks.0.attn.lora_w_a_q.0.weight"].shape[0]
model = Sam(config, rank, fused=baseline != "eager")
own = model.state_dict()
model.load_state_dict({name: state[name] for name in own})
del state, own
trained = []
for name, parameter in model.named_parameters():
    parameter.requires_grad = any(part in name for part in ("lora", "mask_decoder.output", "mask_decoder.mask_tokens"))
    if parameter.requires_grad:
        trained.append(parameter)
    elif precision == "bfloat16" and baseline != "eager" and parameter.dim() >= 2 and "embed" not in name:
        parameter.data = parameter.data.bfloat16()
model.train()
run = torch.compile(model, mode="max-autotune") if baseline == "compiled" else model
optimiser = torch.optim.AdamW(trained, lr=1e-4, weight_decay=0.1)


def step():
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
        logits = run(images)
    logits = logits.float()
    loss = 0.2 * F.cross_entropy(logits, labels, ignore_index=-100)
    loss = loss + 0.8 * dice_loss(torch.softmax(logits, dim=1), labels, config["classes"] + 1)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.item()


serve(step)
