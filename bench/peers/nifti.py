"""NIfTI-1 files of one byte order, with gzip and numpy alone."""
import gzip
import struct

import numpy as np

TYPES = {2: np.uint8, 4: np.int16, 16: np.float32}


def read(path):
    """The header's bytes and the voxels, float32 [z, y, x]."""
    with gzip.open(path) as file:
        data = file.read()
    x, y, z = struct.unpack_from("<3h", data, 42)
    (kind,) = struct.unpack_from("<h", data, 70)
    offset, slope, intercept = struct.unpack_from("<3f", data, 108)
    voxels = np.frombuffer(data, TYPES[kind], x * y * z, int(offset)).reshape(z, y, x).astype(np.float32)
    if slope not in (0, 1) or intercept != 0:
        voxels = voxels * np.float32(slope) + np.float32(intercept)
    return data[:348], voxels


def write_mask(path, header, labels):
    """Writes uint8 [z, y, x] under an image's header."""
    header = bytearray(header)
    struct.pack_into("<2h", header, 70, 2, 8)
    struct.pack_into("<3f", header, 108, 352, 1, 0)
    # The level that nibabel has by default.
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(bytes(header) + bytes(4) + labels.astype(np.uint8).tobytes())
