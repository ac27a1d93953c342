"""What every peer shares: the model and data that graft wrote, and the conversation with the harness.

A line "go" on standard input runs one sample and is answered with one JSON line; the end of the input ends the process.
"""
import json
import math
import struct
import sys
import time

import torch

DTYPES = {"F32": torch.float32, "I64": torch.int64}


def read_safetensors(path):
    """All tensors of a safetensors file by name."""
    data = bytearray(open(path, "rb").read())
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        dtype, shape = DTYPES[entry["dtype"]], entry["shape"]
        count = math.prod(shape)
        if count:
            begin = 8 + length + entry["data_offsets"][0]
            tensors[name] = torch.frombuffer(data, dtype=dtype, count=count, offset=begin).clone().reshape(shape)
    return tensors


def memory(field):
    """Bytes of a field of /proc/self/status, such as VmHWM, the peak of the resident memory."""
    for line in open("/proc/self/status"):
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    return 0


def forget_peak():
    """Lets VmHWM count from what is resident now."""
    open("/proc/self/clear_refs", "w").write("5")


def serve(sample):
    """Answers each "go" with the sample's milliseconds, what it returned, and the peak of the memory since the first."""
    forget_peak()
    print(json.dumps({"ready": True, "torch": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
    for line in sys.stdin:
        if line.strip() != "go":
            break
        begin, processor = time.perf_counter(), time.process_time()
        result = sample()
        spent = {"ms": (time.perf_counter() - begin) * 1000, "cpuMs": (time.process_time() - processor) * 1000}
        answer = {**spent, "value": result, "peak": memory("VmHWM")}
        print(json.dumps(answer), flush=True)
