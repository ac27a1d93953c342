"""Segment Anything with LoRA of q and v and FLAP-SAM's head, as its authors write it in PyTorch (arXiv 2304.02643 and
2407.21739): relative positions by einsum, attention with the whole matrix, updates added to the fused q, k and v.
The tensors have the reference code's names. `fused` takes PyTorch's own attention instead, with positions as its mask.
"""
import math

import torch
from torch import nn
from torch.nn import functional as F


def window_partition(x, size):
    b, h, w, c = x.shape
    below, right = -h % size, -w % size
    if below or right:
        x = F.pad(x, (0, 0, 0, right, 0, below))
    hp, wp = h + below, w + right
    x = x.view(b, hp // size, size, wp // size, size, c).permute(0, 1, 3, 2, 4, 5).contiguous()
    return x.view(-1, size, size, c), (hp, wp)


def window_unpartition(windows, size, padded, shape):
    (hp, wp), (h, w) = padded, shape
    b = windows.shape[0] // (hp * wp // size // size)
    x = windows.view(b, hp // size, wp // size, size, size, -1).permute(0, 1, 3, 2, 4, 5).contiguous()
    x = x.view(b, hp, wp, -1)
    return x[:, :h, :w, :].contiguous() if (hp, wp) != (h, w) else x


def rows_of(size, table):
    places = torch.arange(size)
    return table[places[:, None] - places[None, :] + size - 1]


def factors(inputs, outputs, rank):
    return nn.ModuleList([nn.Linear(inputs, rank, bias=False)]), nn.ModuleList([nn.Linear(rank, outputs, bias=False)])


class ImageAttention(nn.Module):
    def __init__(self, dim, heads, size, rank, fused):
        super().__init__()
        self.dim, self.heads, self.fused, self.scale = dim, heads, fused, (dim // heads) ** -0.5
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.rel_pos_h = nn.Parameter(torch.zeros(2 * size - 1, dim // heads))
        self.rel_pos_w = nn.Parameter(torch.zeros(2 * size - 1, dim // heads))
        self.lora_w_a_q, self.lora_w_b_q = factors(dim, dim, rank)
        self.lora_w_a_v, self.lora_w_b_v = factors(dim, dim, rank)

    def forward(self, x):
        b, h, w, _ = x.shape
        qkv = self.qkv(x)
        qkv[..., : self.dim] += self.lora_w_b_q[0](self.lora_w_a_q[0](x)) * 1.0
        qkv[..., -self.dim :] += self.lora_w_b_v[0](self.lora_w_a_v[0](x)) * 1.0
        qkv = qkv.reshape(b, h * w, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.reshape(3, b * self.heads, h * w, -1).unbind(0)
        grid = q.reshape(b * self.heads, h, w, -1)
        rows = torch.einsum("bhwc,hkc->bhwk", grid, rows_of(h, self.rel_pos_h))
        columns = torch.einsum("bhwc,wkc->bhwk", grid, rows_of(w, self.rel_pos_w))
        if self.fused:
            places = (rows[..., :, None] + columns[..., None, :]).reshape(b, self.heads, h * w, h * w)
            q, k, v = (t.reshape(b, self.heads, h * w, -1) for t in (q, k, v))
            out = F.scaled_dot_product_attention(q, k, v, attn_mask=places)
        else:
            logits = (q * self.scale) @ k.transpose(-2, -1)
            logits = logits.view(-1, h, w, h, w) + rows[:, :, :, :, None] + columns[:, :, :, None, :]
            out = logits.view(-1, h * w, h * w).softmax(dim=-1) @ v
        out = out.reshape(b, self.heads, h, w, -1).permute(0, 2, 3, 1, 4).reshape(b, h, w, -1)
        return self.proj(out)


class Mlp(nn.Module):
    def __init__(self, dim, hidden, activation):
        super().__init__()
        self.lin1, self.lin2, self.activation = nn.Linear(dim, hidden), nn.Linear(hidden, dim), activation

    def forward(self, x):
        return self.lin2(self.activation(self.lin1(x)))


class Block(nn.Module):
    def __init__(self, dim, heads, grid, window, rank, fused):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim, eps=1e-6), nn.LayerNorm(dim, eps=1e-6)
        self.attn = ImageAttention(dim, heads, window or grid, rank, fused)
        self.mlp, self.window = Mlp(dim, 4 * dim, nn.GELU()), window

    def forward(self, x):
        shortcut = x
        x = self.norm1(x)
        if self.window:
            h, w = x.shape[1:3]
            x, padded = window_partition(x, self.window)
        x = self.attn(x)
        if self.window:
            x = window_unpartition(x, self.window, padded, (h, w))
        x = shortcut + x
        return x + self.mlp(self.norm2(x))


class LayerNorm2d(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        mean = x.mean(1, keepdim=True)
        deviation = (x - mean).pow(2).mean(1, keepdim=True)
        x = (x - mean) / torch.sqrt(deviation + 1e-6)
        return self.weight[:, None, None] * x + self.bias[:, None, None]


class ImageEncoder(nn.Module):
    def __init__(self, size, dim, depth, heads, everywhere, window, out, rank, fused):
        super().__init__()
        grid = size // 16
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, dim, 16, 16)})
        self.pos_embed = nn.Parameter(torch.zeros(1, grid, grid, dim))
        self.blocks = nn.ModuleList(
            Block(dim, heads, grid, 0 if i in everywhere else window, rank, fused) for i in range(depth)
        )
        conv = [nn.Conv2d(dim, out, 1, bias=False), nn.Conv2d(out, out, 3, padding=1, bias=False)]
        self.neck = nn.Sequential(conv[0], LayerNorm2d(out), conv[1], LayerNorm2d(out))

    def forward(self, x):
        x = self.patch_embed["proj"](x).permute(0, 2, 3, 1) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return self.neck(x.permute(0, 3, 1, 2))


class DecoderAttention(nn.Module):
    def __init__(self, dim, inner, rank, fused):
        super().__init__()
        self.fused = fused
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(dim, inner) for _ in range(3))
        self.out_proj = nn.Linear(inner, dim)
        self.lora_w_a_q, self.lora_w_b_q = factors(dim, inner, rank)
        self.lora_w_a_v, self.lora_w_b_v = factors(dim, inner, rank)

    def forward(self, q, k, v):
        new_q = self.lora_w_b_q[0](self.lora_w_a_q[0](q)) * 1.0
        new_v = self.lora_w_b_v[0](self.lora_w_a_v[0](v)) * 1.0
        parts = self.q_proj(q) + new_q, self.k_proj(k), self.v_proj(v) + new_v
        q, k, v = (t.reshape(*t.shape[:2], 8, -1).transpose(1, 2) for t in parts)
        if self.fused:
            out = F.scaled_dot_product_attention(q, k, v)
        else:
            out = torch.softmax(q @ k.permute(0, 1, 3, 2) / math.sqrt(q.shape[-1]), dim=-1) @ v
        return self.out_proj(out.transpose(1, 2).flatten(2))


class TwoWayBlock(nn.Module):
    def __init__(self, dim, hidden, first, rank, fused):
        super().__init__()
        self.first = first
        self.self_attn = DecoderAttention(dim, dim, rank, fused)
        self.cross_attn_token_to_image = DecoderAttention(dim, dim // 2, rank, fused)
        self.cross_attn_image_to_token = DecoderAttention(dim, dim // 2, rank, fused)
        self.mlp = Mlp(dim, hidden, nn.ReLU())
        self.norm1, self.norm2, self.norm3, self.norm4 = (nn.LayerNorm(dim) for _ in range(4))

    def forward(self, queries, keys, places, image_places):
        if self.first:
            queries = self.self_attn(queries, queries, queries)
        else:
            q = queries + places
            queries = queries + self.self_attn(q, q, queries)
        queries = self.norm1(queries)
        q, k = queries + places, keys + image_places
        queries = self.norm2(queries + self.cross_attn_token_to_image(q, k, keys))
        queries = self.norm3(queries + self.mlp(queries))
        q, k = queries + places, keys + image_places
        return queries, self.norm4(keys + self.cross_attn_image_to_token(k, q, queries))


class TwoWayTransformer(nn.Module):
    def __init__(self, dim, hidden, rank, fused):
        super().__init__()
        self.layers = nn.ModuleList(TwoWayBlock(dim, hidden, i == 0, rank, fused) for i in range(2))
        self.final_attn_token_to_image = DecoderAttention(dim, dim // 2, rank, fused)
        self.norm_final_attn = nn.LayerNorm(dim)

    def forward(self, image, image_places, tokens):
        keys, image_places = image.flatten(2).permute(0, 2, 1), image_places.flatten(2).permute(0, 2, 1)
        queries = tokens
        for layer in self.layers:
            queries, keys = layer(queries, keys, tokens, image_places)
        q, k = queries + tokens, keys + image_places
        return self.norm_final_attn(queries + self.final_attn_token_to_image(q, k, keys)), keys


class HeadMlp(nn.Module):
    def __init__(self, dim, out):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(dim, n) for n in (dim, dim, out))

    def forward(self, x):
        for i, layer in enumerate(self.layers):
            x = layer(x) if i == 2 else F.relu(layer(x))
        return x


class MaskDecoder(nn.Module):
    def __init__(self, dim, hidden, classes, rank, fused):
        super().__init__()
        self.transformer = TwoWayTransformer(dim, hidden, rank, fused)
        self.iou_token, self.mask_tokens = nn.Embedding(1, dim), nn.Embedding(classes + 1, dim)
        widths = [dim // by for by in (1, 4, 8, 16, 32)]
        layers = []
        for i, (a, b) in enumerate(zip(widths, widths[1:])):
            layers += [nn.ConvTranspose2d(a, b, 2, 2), *([LayerNorm2d(b)] if i < 3 else []), nn.GELU()]
        self.output_upscaling = nn.Sequential(*layers)
        self.output_hypernetworks_mlps = nn.ModuleList(HeadMlp(dim, dim // 32) for _ in range(classes + 1))
        self.iou_prediction_head = HeadMlp(dim, classes + 1)

    def forward(self, image, image_places, dense):
        tokens = torch.cat([self.iou_token.weight, self.mask_tokens.weight])
        tokens = tokens.unsqueeze(0).expand(image.shape[0], -1, -1)
        image_places = torch.repeat_interleave(image_places, image.shape[0], dim=0)
        src = image + dense
        b, c, h, w = src.shape
        hs, src = self.transformer(src, image_places, tokens)
        upscaled = self.output_upscaling(src.transpose(1, 2).view(b, c, h, w))
        hyper = torch.stack([mlp(hs[:, 1 + i]) for i, mlp in enumerate(self.output_hypernetworks_mlps)], dim=1)
        b, c, h, w = upscaled.shape
        return (hyper @ upscaled.view(b, c, h * w)).view(b, -1, h, w), self.iou_prediction_head(hs[:, 0])


class PromptEncoder(nn.Module):
    """What a model without prompts uses of it: the places of the image's tokens, and that there is no mask."""

    def __init__(self, dim, grid):
        super().__init__()
        self.grid = grid
        self.pe_layer = nn.Module()
        self.pe_layer.register_buffer("positional_encoding_gaussian_matrix", torch.randn(2, dim // 2))
        self.no_mask_embed = nn.Embedding(1, dim)

    def forward(self, batch):
        ones = torch.ones(self.grid, self.grid)
        y, x = (ones.cumsum(d) - 0.5 for d in (0, 1))
        places = 2 * torch.stack([x / self.grid, y / self.grid], dim=-1) - 1
        matrix = self.pe_layer.positional_encoding_gaussian_matrix
        places = 2 * math.pi * (places.to(matrix.dtype) @ matrix)
        places = torch.cat([places.sin(), places.cos()], dim=-1).permute(2, 0, 1).unsqueeze(0)
        return places, self.no_mask_embed.weight.reshape(1, -1, 1, 1).expand(batch, -1, self.grid, self.grid)


class Sam(nn.Module):
    def __init__(self, config, rank, fused):
        super().__init__()
        grid, dim = config["imageSize"] // 16, config["promptDim"]
        self.image_encoder = ImageEncoder(
            config["imageSize"], config["embedDim"], config["depth"], config["heads"], config["globalAttention"],
            config["window"], dim, rank, fused,
        )
        self.prompt_encoder = PromptEncoder(dim, grid)
        self.mask_decoder = MaskDecoder(dim, config["decoderMlp"], config["classes"], rank, fused)

    def forward(self, images):
        places, dense = self.prompt_encoder(images.shape[0])
        return self.mask_decoder(self.image_encoder(images), places, dense)[0]


def dice_loss(probabilities, labels, classes):
    """Soft Dice with squares in its denominator, over the batch, averaged over all classes."""
    loss = 0.0
    for c in range(classes):
        score, target = probabilities[:, c], (labels == c).float()
        overlap, total = (score * target).sum(), (target * target).sum() + (score * score).sum()
        loss = loss + 1 - (2 * overlap + 1e-5) / (total + 1e-5)
    return loss / classes
