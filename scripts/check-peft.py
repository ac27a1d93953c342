"""Checks what "graft export" wrote against the Python package peft: the base with the adapter that peft loads computes the
same as the merged weights.

    graft export MODEL --format weights --out base.safetensors
    graft export MODEL --adapter ADAPTER --format peft --out adapter
    graft export MODEL --adapter ADAPTER --format weights --out merged.safetensors
    python3 scripts/check-peft.py base.safetensors adapter merged.safetensors

Needs torch, peft and safetensors. A network of Segment Anything is segment-anything's own (pip install segment-anything);
of any other one, the adapted layers and normalisations are compared one by one.
"""

import json
import pathlib
import sys
from unittest.mock import MagicMock

import torch
from peft import PeftModel
from safetensors.torch import load_file

torch.manual_seed(0)


def segment_anything(state):
    """segment-anything's network with the sizes that the weights have."""
    from functools import partial

    # Only its predictor needs torchvision, and every import of the package needs the predictor.
    for name in ("", ".ops", ".ops.boxes", ".transforms", ".transforms.functional"):
        sys.modules[f"torchvision{name}"] = MagicMock()
    from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, TwoWayTransformer

    class Sam(torch.nn.Module):
        """Images to logits without a prompt; `Sam` of segment-anything does this with code around it."""

        def __init__(self):
            super().__init__()
            dim = state["image_encoder.patch_embed.proj.weight"].shape[0]
            grid = state["image_encoder.pos_embed"].shape[1]
            depth = len({name.split(".")[2] for name in state if name.startswith("image_encoder.blocks.")})
            tables = [state[f"image_encoder.blocks.{i}.attn.rel_pos_h"] for i in range(depth)]
            sides = [(len(table) + 1) // 2 for table in tables]
            prompt = state["image_encoder.neck.0.weight"].shape[0]
            self.side = 16 * grid
            self.image_encoder = ImageEncoderViT(
                img_size=self.side,
                patch_size=16,
                embed_dim=dim,
                depth=depth,
                num_heads=dim // tables[0].shape[1],
                out_chans=prompt,
                qkv_bias=True,
                use_rel_pos=True,
                norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
                window_size=next((side for side in sides if side != grid), grid),
                global_attn_indexes=[i for i, side in enumerate(sides) if side == grid],
            )
            self.prompt_encoder = PromptEncoder(prompt, (grid, grid), (self.side, self.side), 16)
            mlp = state["mask_decoder.transformer.layers.0.mlp.lin1.weight"].shape[0]
            transformer = TwoWayTransformer(depth=2, embedding_dim=prompt, mlp_dim=mlp, num_heads=8)
            hidden = state["mask_decoder.iou_prediction_head.layers.0.weight"].shape[0]
            self.mask_decoder = MaskDecoder(
                transformer_dim=prompt, transformer=transformer, iou_head_hidden_dim=hidden
            )

        def forward(self, images):
            sparse, dense = self.prompt_encoder(points=None, boxes=None, masks=None)
            masks, iou = self.mask_decoder.predict_masks(
                image_embeddings=self.image_encoder(images),
                image_pe=self.prompt_encoder.get_dense_pe(),
                sparse_prompt_embeddings=sparse,
                dense_prompt_embeddings=dense,
            )
            return torch.cat([masks.flatten(), iou.flatten()])

    return Sam().eval()


def skeleton(state):
    """A tree of modules at the paths of the weights: convolutions, linear layers and normalisations."""
    root = torch.nn.Module()
    for path in {name.rsplit(".", 1)[0] for name in state}:
        weight, bias = state.get(f"{path}.weight"), f"{path}.bias" in state
        if f"{path}.running_mean" in state:
            layer = torch.nn.BatchNorm2d(len(state[f"{path}.running_mean"]), affine=weight is not None)
        elif weight.dim() == 4:
            layer = torch.nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2:], bias=bias)
        else:
            layer = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=bias)
        owner = root
        *parents, last = path.split(".")
        for parent in parents:
            if parent not in owner._modules:
                owner.add_module(parent, torch.nn.Module())
            owner = owner._modules[parent]
        owner.add_module(last, layer)
    return root.eval()


def input_of(layer):
    if isinstance(layer, torch.nn.BatchNorm2d):
        return torch.randn(2, layer.num_features, 5, 5)
    weight = layer.weight
    return torch.randn(2, weight.shape[1], 9, 9) if weight.dim() == 4 else torch.randn(2, weight.shape[1])


def difference(first, second):
    return ((first - second).abs().max() / second.abs().max()).item()


base_file, adapter, merged_file = sys.argv[1:]
base_state, merged_state = load_file(base_file), load_file(merged_file)
is_sam = "image_encoder.patch_embed.proj.weight" in base_state
build = segment_anything if is_sam else skeleton
base, merged = build(base_state), build(merged_state)
for network, state in ((base, base_state), (merged, merged_state)):
    missing, unexpected = network.load_state_dict(state, strict=False)
    wrong = [name for name in missing if not name.endswith("num_batches_tracked")] + unexpected
    if wrong and is_sam:
        sys.exit(f"not the weights of this network: {wrong[:3]}")

with torch.no_grad():
    if is_sam:
        images = torch.rand(1, 3, base.side, base.side)
        before, wanted = base(images), merged(images)
        found = PeftModel.from_pretrained(base, adapter).eval()(images)
        changed, worst, count = difference(before, wanted), difference(found, wanted), 1
    else:
        model = PeftModel.from_pretrained(base, adapter).eval()
        config = json.loads(pathlib.Path(adapter, "adapter_config.json").read_text())
        paths = config["target_modules"] + (config["modules_to_save"] or [])
        pairs = [(model.base_model.model.get_submodule(path), merged.get_submodule(path)) for path in paths]
        plain = build(base_state)
        plain.load_state_dict(base_state, strict=False)
        changed = worst = 0
        for path, (own, other) in zip(paths, pairs):
            x = input_of(other)
            worst = max(worst, difference(own(x), other(x)))
            changed = max(changed, difference(plain.get_submodule(path)(x), other(x)))
        count = len(paths)

print(f"{'network' if is_sam else f'{count} layers'}: the adapter changes outputs by up to {changed:.3g}; peft and merged weights differ by up to {worst:.3g}")
if not worst < 1e-4 < changed:
    sys.exit("they are not the same")
