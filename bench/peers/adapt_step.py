"""One adaptation step as a researcher writes it in PyTorch after the ConvLoRA paper's procedure: every convolution of the
encoder adds its low-rank update, the whole network predicts in training mode, the encoder runs again for the early head,
and the loss against the network's own prediction goes back through everything that was recorded.

Usage: adapt_step.py BATCH SIZE FILTERS THREADS
"""
import math
import sys

import torch
from torch import nn
from torch.nn import functional as F

from worker import serve

batch, size, filters, threads = map(int, sys.argv[1:])
torch.set_num_threads(threads)
torch.manual_seed(0)


class LoraConv(nn.Conv2d):
    def __init__(self, i, o, k, rank=2, **rest):
        super().__init__(i, o, k, bias=False, **rest)
        self.lora_A = nn.Parameter(torch.empty(rank * k, i * k))
        self.lora_B = nn.Parameter(torch.zeros(o * k, rank * k))
        nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))

    def forward(self, x):
        weight = self.weight + (self.lora_B @ self.lora_A).view(self.weight.shape)
        return F.conv2d(x, weight, None, self.stride, self.padding)


class Half(nn.Module):
    def __init__(self, c, o, k, conv, **rest):
        super().__init__()
        self.bn = nn.BatchNorm2d(c)
        self.layer = conv(c, o, k, padding=k // 2, **rest)

    def forward(self, x):
        return self.layer(F.relu(self.bn(x)))


class Block(nn.Module):
    def __init__(self, c, conv, k=3, **rest):
        super().__init__()
        self.conv_path = nn.Sequential(Half(c, c, k, conv, **rest), Half(c, c, k, conv, **rest))

    def forward(self, x):
        return self.conv_path(x) + x


def blocks(c, conv, **rest):
    return [Block(c, conv, **rest) for _ in range(3)]


def down(c):
    return nn.Sequential(nn.BatchNorm2d(c), LoraConv(c, 2 * c, 2, stride=2), nn.ReLU(), *blocks(2 * c, LoraConv))


def up(c):
    tail = [nn.BatchNorm2d(c), nn.ConvTranspose2d(c, c // 2, 2, stride=2, bias=False), nn.ReLU()]
    return nn.Sequential(*blocks(c, nn.Conv2d, bias=False), *tail)


class UNet(nn.Module):
    def __init__(self, n):
        super().__init__()
        first = nn.Sequential(LoraConv(1, n, 3, padding=1), nn.ReLU(), *blocks(n, LoraConv))
        self.encoder = nn.ModuleList([first, down(n), down(2 * n), down(4 * n)])
        self.shortcuts = nn.ModuleList([nn.Conv2d(n * 2**i, n * 2**i, 1) for i in range(3)])
        self.decoder = nn.ModuleList([up(8 * n), up(4 * n), up(2 * n)])
        self.out = nn.Sequential(Block(n, nn.Conv2d, 1, bias=False), Half(n, 1, 1, nn.Conv2d), nn.BatchNorm2d(1))

    def encode(self, x):
        features = []
        for block in self.encoder:
            x = block(x)
            features.append(x)
        return features

    def forward(self, x):
        features = self.encode(x)
        x = features[3]
        for level, block in zip((2, 1, 0), self.decoder):
            x = block(x) + self.shortcuts[level](features[level])
        return self.out(x)


model = UNet(filters)
conv = lambda i, o: nn.Conv2d(i, o, 3, padding=1)
head = nn.Sequential(
    conv(8 * filters, 12), nn.BatchNorm2d(12), nn.ReLU(), conv(12, 8), nn.BatchNorm2d(8), nn.ReLU(), conv(8, 1)
).eval()
for parameter in [*model.parameters(), *head.parameters()]:
    parameter.requires_grad = False
for name, parameter in model.encoder.named_parameters():
    parameter.requires_grad = "lora_" in name or ".bn." in name
optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-4)
images = torch.rand(batch, 1, size, size)
model.train()


def step():
    target = torch.sigmoid(model(images))
    early = F.interpolate(head(model.encode(images)[3]), scale_factor=8, mode="bilinear")
    loss = F.binary_cross_entropy_with_logits(early, target)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.item()


serve(step)
