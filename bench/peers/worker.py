"""What every peer shares: the conversation with the harness.

A line "go" on standard input runs one sample and is answered with one JSON line; the end of the input ends the process.
"""
import json
import sys
import time


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
    torch = sys.modules.get("torch")  # not every peer needs it
    about = {"torch": torch.__version__, "threads": torch.get_num_threads()} if torch else {}
    print(json.dumps({"ready": True, **about}), flush=True)
    for line in sys.stdin:
        if line.strip() != "go":
            break
        begin, processor = time.perf_counter(), time.process_time()
        result = sample()
        spent = {"ms": (time.perf_counter() - begin) * 1000, "cpuMs": (time.process_time() - processor) * 1000}
        answer = {**spent, "value": result, "peak": memory("VmHWM")}
        print(json.dumps(answer), flush=True)
