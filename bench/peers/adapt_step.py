"""One adaptation step as a researcher writes it in PyTorch. Usage: adapt_step.py BATCH SIZE FILTERS THREADS"""
import sys

import torch

from unet import Adaptation, UNet, early_head
from worker import serve

batch, size, filters, threads = map(int, sys.argv[1:])
torch.set_num_threads(threads)
torch.manual_seed(0)
adaptation = Adaptation(UNet(filters), early_head(filters))
images = torch.rand(batch, 1, size, size)
serve(lambda: adaptation.step(images))
