// The machine as libtorch sees it: version, processor, threads, seeds, CUDA, memory.
#include "engine.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <dlfcn.h>
#include <torch/version.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <cstdlib>
#include <stdexcept>
#include <unordered_set>

#if __has_include(<c10/core/CachingDeviceAllocator.h>) && (TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MINOR >= 9)
#include <c10/core/CachingDeviceAllocator.h>
#define GRAFT_DEVICE_STATISTICS 1
#endif

namespace graft {

namespace {

napi_value version(napi_env env, const Arguments&) { return fromString(env, TORCH_VERSION); }
napi_value configuration(napi_env env, const Arguments&) { return fromString(env, at::show_config()); }
napi_value threads(napi_env env, const Arguments&) { return fromDouble(env, at::get_num_threads()); }
napi_value setThreads(napi_env env, const Arguments& arguments) {
  at::set_num_threads(static_cast<int>(toInt(env, arguments.at(0))));
  return undefined(env);
}
napi_value manualSeed(napi_env env, const Arguments& arguments) {
  at::manual_seed(toSeed(env, arguments.at(0)));
  return undefined(env);
}
// loadLibrary(path): a library with more kernels, such as libtorch_cuda, which registers itself.
napi_value loadLibrary(napi_env env, const Arguments& arguments) {
  if (!dlopen(toString(env, arguments.at(0)).c_str(), RTLD_NOW | RTLD_GLOBAL)) throw std::runtime_error(dlerror());
  return undefined(env);
}
napi_value cudaDevices(napi_env env, const Arguments&) {
  return fromDouble(env, at::hasCUDA() ? at::detail::getCUDAHooks().getNumGPUs() : 0);
}

// trim(): gives memory that was freed back to the system, where the C library keeps it for later (glibc).
napi_value trim(napi_env env, const Arguments&) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
  return undefined(env);
}

// keepFreed(keep): whether freed blocks, however large, stay in the heap instead of going back to the system, which gives
// them out again cleared. What an administrator set by the environment stays.
napi_value keepFreed(napi_env env, const Arguments& arguments) {
#ifdef __GLIBC__
  if (getenv("MALLOC_MMAP_THRESHOLD_") || getenv("MALLOC_TRIM_THRESHOLD_") || getenv("MALLOC_MMAP_MAX_"))
    return undefined(env);
  const bool keep = toBool(env, arguments.at(0));
  // Otherwise the values that glibc reaches by itself (mallopt(3)).
  mallopt(M_MMAP_MAX, keep ? 0 : 65536);
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, keep ? -1 : 64 << 20);
  mallopt(M_TOP_PAD, keep ? 64 << 20 : 128 << 10);
#endif
  return undefined(env);
}

// memory(device) -> { tensors, bytes, allocated?, reserved?, peak? }: `tensors` and `bytes` count what JavaScript
// holds (shared storage once); the rest is the CUDA allocator's own count where this libtorch tells it.
napi_value memory(napi_env env, const Arguments& arguments) {
  const c10::Device device(toString(env, arguments.at(0)));
  std::unordered_set<const void*> storages;
  double tensors = 0, bytes = 0;
  engineOf(env).slots.each([&](const c10::IValue& value) {
    if (!value.isTensor() || value.toTensor().device().type() != device.type()) return;
    tensors++;
    const auto& tensor = value.toTensor();
    if (tensor.has_storage() && storages.insert(tensor.storage().unsafeGetStorageImpl()).second)
      bytes += static_cast<double>(tensor.storage().nbytes());
  });
  napi_value result;
  made(env, napi_create_object(env, &result));
  set(env, result, "tensors", fromDouble(env, tensors));
  set(env, result, "bytes", fromDouble(env, bytes));
#ifdef GRAFT_DEVICE_STATISTICS
  if (device.type() == at::kCUDA) {
    const auto statistics = c10::getDeviceAllocator(at::kCUDA)->getDeviceStats(device.has_index() ? device.index() : 0);
    set(env, result, "allocated", fromDouble(env, statistics.allocated_bytes[0].current));
    set(env, result, "reserved", fromDouble(env, statistics.reserved_bytes[0].current));
    set(env, result, "peak", fromDouble(env, statistics.allocated_bytes[0].peak));
  }
#endif
  return result;
}

}  // namespace

void defineRuntime(napi_env env, napi_value exports) {
  define(env, exports, "version", version);
  define(env, exports, "configuration", configuration);
  define(env, exports, "threads", threads);
  define(env, exports, "setThreads", setThreads);
  define(env, exports, "manualSeed", manualSeed);
  define(env, exports, "loadLibrary", loadLibrary);
  define(env, exports, "cudaDevices", cudaDevices);
  define(env, exports, "trim", trim);
  define(env, exports, "keepFreed", keepFreed);
  define(env, exports, "memory", memory);
}

}  // namespace graft
