"""The residual U-Net with ConvLoRA in its encoder as the paper's code writes it in PyTorch: every convolution of the encoder
adds its low-rank update to its weight in every pass. The tensors have that code's names."""
import math

import torch
from torch import nn
from torch.nn import functional as F


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
    head = [nn.BatchNorm2d(c), LoraConv(c, 2 * c, 2, stride=2), nn.ReLU(), nn.Identity()]
    return nn.Sequential(*head, *blocks(2 * c, LoraConv))


def up(c):
    tail = [nn.BatchNorm2d(c), nn.ConvTranspose2d(c, c // 2, 2, stride=2, bias=False), nn.ReLU()]
    return nn.Sequential(*blocks(c, nn.Conv2d, bias=False), *tail)


class UNet(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.init_path = nn.Sequential(LoraConv(1, n, 3, padding=1), nn.ReLU(), *blocks(n, LoraConv))
        self.down1, self.down2, self.down3 = down(n), down(2 * n), down(4 * n)
        self.shortcut0, self.shortcut1, self.shortcut2 = (nn.Conv2d(n * 2**i, n * 2**i, 1) for i in range(3))
        self.up3, self.up2, self.up1 = up(8 * n), up(4 * n), up(2 * n)
        last = Half(n, 1, 1, nn.Conv2d)
        self.out_path = nn.Sequential(Block(n, nn.Conv2d, 1, bias=False), last, nn.BatchNorm2d(1))

    def encoder(self):
        return [self.init_path, self.down1, self.down2, self.down3]

    def encode(self, x):
        features = []
        for block in self.encoder():
            x = block(x)
            features.append(x)
        return features

    def forward(self, x):
        first, second, third, x = self.encode(x)
        x = self.up3(x) + self.shortcut2(third)
        x = self.up2(x) + self.shortcut1(second)
        x = self.up1(x) + self.shortcut0(first)
        return self.out_path(x)


def early_head(n):
    conv = lambda i, o: nn.Conv2d(i, o, 3, padding=1)
    layers = [conv(8 * n, 12), nn.BatchNorm2d(12), nn.ReLU(), conv(12, 8), nn.BatchNorm2d(8), nn.ReLU(), conv(8, 1)]
    return nn.Sequential(*layers).eval()


class Adaptation:
    """The paper's procedure: the whole network predicts in training mode, the encoder runs again for the early head, and
    the loss against the network's own prediction goes back through everything that was recorded."""

    def __init__(self, model, head):
        self.model, self.head = model, head
        for parameter in [*model.parameters(), *head.parameters()]:
            parameter.requires_grad = False
        trained = []
        for block in model.encoder():
            for name, parameter in block.named_parameters():
                parameter.requires_grad = "lora_" in name or ".bn." in name
                trained += [parameter] if parameter.requires_grad else []
        self.optimiser = torch.optim.Adam(trained, lr=1e-4)
        model.train()

    def step(self, images):
        target = torch.sigmoid(self.model(images))
        early = F.interpolate(self.head(self.model.encode(images)[3]), scale_factor=8, mode="bilinear")
        loss = F.binary_cross_entropy_with_logits(early, target)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return loss.item()
