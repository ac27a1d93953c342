"""Surface distances in numpy and scipy after the published code (Nikolov et al., arXiv:1809.04430), step by step: the
common box, a code of the eight voxels about each corner, Euclidean distance transforms, and sorted surface elements."""
import numpy as np
from scipy import ndimage

KERNEL = np.array([[[128, 64], [32, 16]], [[8, 4], [2, 1]]])


def box_of(mask):
    """The smallest box about a mask."""
    sides = []
    for axis in range(3):
        (places,) = np.nonzero(mask.max(axis=tuple(other for other in range(3) if other != axis)))
        sides.append(slice(places.min(), places.max() + 1))
    return tuple(sides)


def crop(mask, box):
    """With one more voxel at the upper sides."""
    cropped = np.zeros([side.stop - side.start + 1 for side in box], np.uint8)
    cropped[:-1, :-1, :-1] = mask[box]
    return cropped


def published_sort(distances, areas):
    pairs = np.array(sorted(zip(distances, areas)))
    return pairs[:, 0], pairs[:, 1]


def quick_sort(distances, areas):
    order = np.lexsort((areas, distances))
    return distances[order], areas[order]


def surface_distances(truth, prediction, spacing, areas, sort=published_sort):
    """Distances and areas of the elements of both surfaces; areas are those of the 256 codes."""
    box = box_of(truth | prediction)
    codes = [ndimage.correlate(crop(mask, box), KERNEL, mode="constant", cval=0) for mask in (truth, prediction)]
    borders = [(code != 0) & (code != 255) for code in codes]
    distances = [ndimage.distance_transform_edt(~border, sampling=spacing) for border in borders]
    there = sort(distances[1][borders[0]], areas[codes[0]][borders[0]])
    back = sort(distances[0][borders[1]], areas[codes[1]][borders[1]])
    return there, back


def surface_dice(elements, tolerance):
    within = sum(np.sum(areas[distances <= tolerance]) for distances, areas in elements)
    return within / sum(np.sum(areas) for _, areas in elements)


def percentile(distances, areas, percent):
    shares = np.cumsum(areas) / np.sum(areas)
    return distances[min(np.searchsorted(shares, percent / 100), len(distances) - 1)]


def average(distances, areas):
    return np.sum(distances * areas) / np.sum(areas)
