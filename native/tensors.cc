// Tensors and JavaScript memory: typed arrays in and out, shapes, release, generators.
#include "engine.h"

#include <ATen/CPUGeneratorImpl.h>

#include <cstring>
#include <memory>
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
    made(env, napi_get_element(env, value, i, &item));
    shape[i] = toInt(env, item);
    if (shape[i] < 0) throw std::invalid_argument("a shape has no negative sizes");
  }
  return shape;
}

size_t elementsOf(const std::vector<int64_t>& shape) {
  size_t product = 1;
  for (const auto length : shape)
    if (__builtin_mul_overflow(product, static_cast<size_t>(length), &product))
      throw std::invalid_argument("the shape is too large");
  return product;
}

// fromArray(typedArray, dtype, shape, copy) -> handle. Without a copy the tensor borrows the array's memory and keeps
// the array alive.
napi_value fromArray(napi_env env, const Arguments& arguments) {
  const auto bytes = bytesOf(env, arguments.at(0));
  const auto options = at::TensorOptions().dtype(static_cast<at::ScalarType>(toInt(env, arguments.at(1))));
  const auto shape = shapeOf(env, arguments.at(2));
  if (toBool(env, arguments.at(3))) {
    auto tensor = at::empty(shape, options);
    if (tensor.nbytes() != bytes.length) throw std::invalid_argument("the array's length does not fit the shape");
    if (bytes.length > 0) std::memcpy(tensor.data_ptr(), bytes.data, bytes.length);
    refuseShrunkFiles(env);
    return fromTensor(env, tensor);
  }
  // Checked before the array is held: nothing may go wrong between the reference and the tensor that lets it go.
  if (elementsOf(shape) * options.dtype().itemsize() != bytes.length)
    throw std::invalid_argument("the array's length does not fit the shape");
  napi_ref reference;
  check(napi_create_reference(env, arguments[0], 1, &reference), "the array cannot be borrowed");
  auto borrowed = engineOf(env).borrowed;
  auto tensor = at::from_blob(
      bytes.data, shape,
      [borrowed, reference](void*) {
        borrowed->drop(reference);
      },
      options);
  return fromTensor(env, tensor);
}

// toArrayBuffer(handle, copy) -> ArrayBuffer with the elements in row-major order. Without a copy it is the tensor's
// own memory where that is contiguous and on the CPU.
napi_value toArrayBuffer(napi_env env, const Arguments& arguments) {
  const auto tensor = toTensor(env, arguments.at(0)).detach().to(at::kCPU).contiguous();
  napi_value buffer;
  if (!toBool(env, arguments.at(1)) && tensor.nbytes() > 0) {
    auto keep = std::make_unique<at::Tensor>(tensor);
    const auto free = [](napi_env, void*, void* hint) { delete static_cast<at::Tensor*>(hint); };
    if (napi_create_external_arraybuffer(env, keep->data_ptr(), keep->nbytes(), free, keep.get(), &buffer) == napi_ok) {
      keep.release();
      return buffer;
    }
    // A runtime that refuses memory from outside gets a copy.
  }
  void* data;
  made(env, napi_create_arraybuffer(env, tensor.nbytes(), &data, &buffer));
  if (tensor.nbytes() > 0) std::memcpy(data, tensor.data_ptr(), tensor.nbytes());
  refuseShrunkFiles(env);
  return buffer;
}

// describe(handle) -> [dtype, device, ...shape]
napi_value describe(napi_env env, const Arguments& arguments) {
  const auto& tensor = toTensor(env, arguments.at(0));
  napi_value result;
  made(env, napi_create_array_with_length(env, 2 + tensor.dim(), &result));
  const auto add = [&](uint32_t i, napi_value value) { made(env, napi_set_element(env, result, i, value)); };
  add(0, fromDouble(env, static_cast<int>(tensor.scalar_type())));
  add(1, fromString(env, tensor.device().str()));
  for (int64_t i = 0; i < tensor.dim(); i++) add(2 + i, fromInt(env, tensor.size(i)));
  return result;
}

// item(handle) -> number. Whole numbers that JavaScript's numbers cannot hold are an error.
napi_value item(napi_env env, const Arguments& arguments) {
  const auto value = toTensor(env, arguments.at(0)).item();
  refuseShrunkFiles(env);
  return value.isIntegral(false) ? fromInt(env, value.toLong()) : fromDouble(env, value.toDouble());
}

// release(handle); releaseAll(Float64Array, count) frees the first `count` of its handles.
napi_value release(napi_env env, const Arguments& arguments) {
  engineOf(env).slots.free(toDouble(env, arguments.at(0)));
  return undefined(env);
}
napi_value releaseAll(napi_env env, const Arguments& arguments) {
  const auto bytes = bytesOf(env, arguments.at(0));
  const auto* handles = reinterpret_cast<const double*>(bytes.data);
  const auto count = static_cast<size_t>(toInt(env, arguments.at(1)));
  if (count > bytes.length / sizeof(double)) throw std::invalid_argument("there are fewer handles");
  auto& slots = engineOf(env).slots;
  for (size_t i = 0; i < count; i++) slots.free(handles[i]);
  return undefined(env);
}

// weigh(handle) -> the bytes that the tensor holds on the CPU, of which the collector is told; unweigh(bytes) takes them
// back. The bytes are JavaScript's to remember: a tensor's memory may be exchanged meanwhile.
napi_value weigh(napi_env env, const Arguments& arguments) {
  const auto& value = engineOf(env).slots.get(toDouble(env, arguments.at(0)));
  const bool counts = value.isTensor() && value.toTensor().device().is_cpu();
  const auto bytes = counts ? static_cast<int64_t>(value.toTensor().nbytes()) : 0;
  int64_t total;
  made(env, napi_adjust_external_memory(env, bytes, &total));
  return fromInt(env, bytes);
}
napi_value unweigh(napi_env env, const Arguments& arguments) {
  int64_t total;
  made(env, napi_adjust_external_memory(env, -toInt(env, arguments.at(0)), &total));
  return undefined(env);
}

napi_value generator(napi_env env, const Arguments& arguments) {
  auto made = at::make_generator<at::CPUGeneratorImpl>(toSeed(env, arguments.at(0)));
  return fromDouble(env, engineOf(env).slots.put(made));
}

}  // namespace

void defineTensors(napi_env env, napi_value exports) {
  define(env, exports, "fromArray", fromArray);
  define(env, exports, "toArrayBuffer", toArrayBuffer);
  define(env, exports, "describe", describe);
  define(env, exports, "item", item);
  define(env, exports, "release", release);
  define(env, exports, "releaseAll", releaseAll);
  define(env, exports, "weigh", weigh);
  define(env, exports, "unweigh", unweigh);
  define(env, exports, "generator", generator);
}

}  // namespace graft
