"""All measures of a pair of masks. Usage: surface.py FOLDER TRUTH PREDICTION SORTING

SORTING: "published" sorts Python's tuples of distance and area, as the published code does; "lexsort" is numpy's.
"""
import json
import sys

import numpy as np

from surface_distance import average, percentile, published_sort, quick_sort, surface_dice, surface_distances
from worker import serve

folder, *files, sorting = sys.argv[1:]
with open(folder + "/setup.json") as text:
    setup = json.load(text)
spacing, areas = setup["spacing"], np.array(setup["areas"])
truth, prediction = (np.fromfile(file, np.uint8).reshape(setup["shape"]).astype(bool) for file in files)
sort = {"published": published_sort, "lexsort": quick_sort}[sorting]


def sample():
    elements = surface_distances(truth, prediction, spacing, areas, sort)
    values = [
        2 * (truth & prediction).sum() / (truth.sum() + prediction.sum()),
        *(surface_dice(elements, tolerance) for tolerance in (1, 2)),
        *(max(percentile(*one, percent) for one in elements) for percent in (95, 100)),
        *(average(*one) for one in elements),
    ]
    return [float(value) for value in values]


serve(sample)
