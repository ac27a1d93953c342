// Tensors and JavaScript memory: typed arrays in and out, shapes, release, generators, files mapped into memory.
#include "engine.h"

#include <ATen/CPUGeneratorImpl.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace graft {

namespace {

struct Bytes {
  uint8_t* data = nullptr;
  size_t length = 0;
};

Bytes bytesOf(napi_env env, napi_value value) {
  napi_typedarray_type type;
  napi_value buffer;
  size_t offset, length;
  void* data;
  check(napi_get_typedarray_info(env, value, &type, &length, &data, &buffer, &offset), "expected a typed array");
  static constexpr size_t widths[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8};
  return {static_cast<uint8_t*>(data), length * widths[type]};
}

std::vector<int64_t> shapeOf(napi_env env, napi_value value) {
  uint32_t length;
  check(napi_get_array_length(env, value, &length), "expected a shape");
  std::vector<int64_t> shape(length);
  for (uint32_t i = 0; i < length; i++) {
    napi_value item;
    napi_get_element(env, value, i, &item);
    shape[i] = static_cast<int64_t>(toDouble(env, item));
  }
  return shape;
}

// fromArray(typedArray, dtype, shape, copy) -> handle. Without a copy the tensor borrows the array's memory and keeps
// the array alive.
napi_value fromArray(napi_env env, const Arguments& arguments) {
  const auto bytes = bytesOf(env, arguments.at(0));
  const auto options = at::TensorOptions().dtype(static_cast<at::ScalarType>(toDouble(env, arguments.at(1))));
  const auto shape = shapeOf(env, arguments.at(2));
  if (toBool(env, arguments.at(3))) {
    auto tensor = at::empty(shape, options);
    if (tensor.nbytes() != bytes.length) throw std::invalid_argument("the array's length does not fit the shape");
    if (bytes.length > 0) std::memcpy(tensor.data_ptr(), bytes.data, bytes.length);
    return fromTensor(env, tensor);
  }
  napi_ref reference;
  check(napi_create_reference(env, arguments[0], 1, &reference), "the array cannot be borrowed");
  auto borrowed = engineOf(env).borrowed;
  auto tensor = at::from_blob(
      bytes.data, shape,
      [borrowed, reference](void*) {
        std::lock_guard<std::mutex> lock(borrowed->mutex);
        borrowed->dropped.push_back(reference);
      },
      options);
  if (tensor.nbytes() != bytes.length) throw std::invalid_argument("the array's length does not fit the shape");
  return fromTensor(env, tensor);
}

// toArrayBuffer(handle, copy) -> ArrayBuffer with the elements in row-major order. Without a copy it is the tensor's
// own memory where that is contiguous and on the CPU.
napi_value toArrayBuffer(napi_env env, const Arguments& arguments) {
  const auto tensor = toTensor(env, arguments.at(0)).detach().to(at::kCPU).contiguous();
  napi_value buffer;
  if (toBool(env, arguments.at(1)) || tensor.nbytes() == 0) {
    void* data;
    check(napi_create_arraybuffer(env, tensor.nbytes(), &data, &buffer), "out of memory");
    if (tensor.nbytes() > 0) std::memcpy(data, tensor.data_ptr(), tensor.nbytes());
    return buffer;
  }
  auto* keep = new at::Tensor(tensor);
  check(napi_create_external_arraybuffer(
            env, keep->data_ptr(), keep->nbytes(),
            [](napi_env, void*, void* hint) { delete static_cast<at::Tensor*>(hint); }, keep, &buffer),
        "the memory cannot be shared");
  return buffer;
}

// describe(handle) -> [dtype, device, ...shape]
napi_value describe(napi_env env, const Arguments& arguments) {
  const auto& tensor = toTensor(env, arguments.at(0));
  napi_value result;
  napi_create_array_with_length(env, 2 + tensor.dim(), &result);
  napi_set_element(env, result, 0, fromDouble(env, static_cast<int>(tensor.scalar_type())));
  napi_set_element(env, result, 1, fromString(env, tensor.device().str()));
  for (int64_t i = 0; i < tensor.dim(); i++) napi_set_element(env, result, 2 + i, fromDouble(env, tensor.size(i)));
  return result;
}

napi_value item(napi_env env, const Arguments& arguments) {
  return fromDouble(env, toTensor(env, arguments.at(0)).item().toDouble());
}

napi_value release(napi_env env, const Arguments& arguments) {
  auto& slots = engineOf(env).slots;
  for (auto handle : arguments) slots.free(toDouble(env, handle));
  return undefined(env);
}

// weigh(handle, sign): tells the collector about memory that it cannot see.
napi_value weigh(napi_env env, const Arguments& arguments) {
  const auto bytes = static_cast<int64_t>(toTensor(env, arguments.at(0)).nbytes());
  int64_t total;
  napi_adjust_external_memory(env, toDouble(env, arguments.at(1)) > 0 ? bytes : -bytes, &total);
  return fromDouble(env, bytes);
}

napi_value generator(napi_env env, const Arguments& arguments) {
  auto made = at::make_generator<at::CPUGeneratorImpl>(static_cast<uint64_t>(toDouble(env, arguments.at(0))));
  return fromDouble(env, engineOf(env).slots.put(made));
}

// mapFile(path) -> ArrayBuffer over the file's bytes, read when they are touched; unmapped with the buffer.
napi_value mapFile(napi_env env, const Arguments& arguments) {
  const auto path = toString(env, arguments.at(0));
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw std::runtime_error(path + ": " + std::strerror(errno));
  struct stat status;
  void* data = MAP_FAILED;
  if (fstat(file, &status) == 0 && status.st_size > 0)
    data = mmap(nullptr, status.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
  close(file);
  if (data == MAP_FAILED) throw std::runtime_error(path + ": cannot be mapped into memory");
  napi_value buffer;
  check(napi_create_external_arraybuffer(
            env, data, status.st_size,
            [](napi_env, void* bytes, void* size) { munmap(bytes, reinterpret_cast<size_t>(size)); },
            reinterpret_cast<void*>(status.st_size), &buffer),
        "the memory cannot be shared");
  return buffer;
}

}  // namespace

void defineTensors(napi_env env, napi_value exports) {
  define(env, exports, "fromArray", fromArray);
  define(env, exports, "toArrayBuffer", toArrayBuffer);
  define(env, exports, "describe", describe);
  define(env, exports, "item", item);
  define(env, exports, "release", release);
  define(env, exports, "weigh", weigh);
  define(env, exports, "generator", generator);
  define(env, exports, "mapFile", mapFile);
}

}  // namespace graft
