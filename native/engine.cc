// Handles, conversions between JavaScript and C++ and the addon's entry point.
#include "engine.h"

#include <stdexcept>

namespace graft {

namespace {
constexpr uint32_t kSlotBits = 24;
constexpr double kSlotCount = 1 << kSlotBits;

struct Split {
  uint32_t slot;
  uint32_t generation;
};
Split split(double handle) {
  const auto whole = static_cast<uint64_t>(handle);
  return {static_cast<uint32_t>(whole & ((1u << kSlotBits) - 1)), static_cast<uint32_t>(whole >> kSlotBits)};
}
}  // namespace

double Slots::put(c10::IValue value) {
  uint32_t slot;
  if (free_.empty()) {
    slot = values_.size();
    if (slot >= kSlotCount) throw std::runtime_error("more than 16 million tensors are alive: dispose() or scope() is missing");
    values_.emplace_back();
    generations_.push_back(1);
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  values_[slot] = std::move(value);
  return generations_[slot] * kSlotCount + slot;
}

const c10::IValue& Slots::get(double handle) const {
  if (handle > 0) {
    const auto [slot, generation] = split(handle);
    if (slot < values_.size() && generations_[slot] == generation && !values_[slot].isNone()) return values_[slot];
  }
  throw std::invalid_argument("the tensor was disposed");
}

bool Slots::free(double handle) {
  const auto [slot, generation] = split(handle);
  if (slot >= values_.size() || generations_[slot] != generation || values_[slot].isNone()) return false;
  values_[slot] = c10::IValue();
  generations_[slot] = generation % ((1u << 29) - 1) + 1;  // never 0: handle 0 means disposed
  free_.push_back(slot);
  return true;
}

void Borrowed::sweep(napi_env env) {
  std::lock_guard<std::mutex> lock(mutex);
  for (auto reference : dropped) napi_delete_reference(env, reference);
  dropped.clear();
}

Engine& engineOf(napi_env env) {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  return *static_cast<Engine*>(data);
}

void check(napi_status status, const char* what) {
  if (status != napi_ok) throw std::invalid_argument(what);
}
double toDouble(napi_env env, napi_value value) {
  double result;
  check(napi_get_value_double(env, value, &result), "expected a number");
  return result;
}
bool toBool(napi_env env, napi_value value) {
  bool result;
  check(napi_get_value_bool(env, value, &result), "expected a boolean");
  return result;
}
std::string toString(napi_env env, napi_value value) {
  size_t length;
  check(napi_get_value_string_utf8(env, value, nullptr, 0, &length), "expected a string");
  std::string result(length, '\0');
  napi_get_value_string_utf8(env, value, result.data(), length + 1, &length);
  return result;
}
napi_value fromDouble(napi_env env, double value) {
  napi_value result;
  napi_create_double(env, value, &result);
  return result;
}
napi_value fromBool(napi_env env, bool value) {
  napi_value result;
  napi_get_boolean(env, value, &result);
  return result;
}
napi_value fromString(napi_env env, const std::string& value) {
  napi_value result;
  napi_create_string_utf8(env, value.data(), value.size(), &result);
  return result;
}
napi_value undefined(napi_env env) {
  napi_value result;
  napi_get_undefined(env, &result);
  return result;
}
bool isNullish(napi_env env, napi_value value) {
  napi_valuetype type;
  napi_typeof(env, value, &type);
  return type == napi_undefined || type == napi_null;
}
const at::Tensor& toTensor(napi_env env, napi_value handle) {
  return engineOf(env).slots.get(toDouble(env, handle)).toTensor();
}
napi_value fromTensor(napi_env env, at::Tensor tensor) {
  if (!tensor.defined()) return undefined(env);
  return fromDouble(env, engineOf(env).slots.put(std::move(tensor)));
}
void set(napi_env env, napi_value object, const char* name, napi_value value) {
  napi_set_named_property(env, object, name, value);
}

namespace {
napi_value guard(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  size_t count = 0;
  napi_get_cb_info(env, info, &count, nullptr, nullptr, &data);
  Arguments arguments(count);
  napi_get_cb_info(env, info, &count, arguments.data(), nullptr, nullptr);
  try {
    engineOf(env).borrowed->sweep(env);
    return reinterpret_cast<Function>(data)(env, arguments);
  } catch (const c10::Error& error) {
    napi_throw_error(env, "TORCH", error.what_without_backtrace());
  } catch (const std::exception& error) {
    napi_throw_error(env, "TORCH", error.what());
  }
  return nullptr;
}
}  // namespace

void define(napi_env env, napi_value exports, const char* name, Function function) {
  napi_value value;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, guard, reinterpret_cast<void*>(function), &value);
  set(env, exports, name, value);
}

}  // namespace graft

NAPI_MODULE_INIT() {
  using namespace graft;
  auto* engine = new Engine();
  napi_set_instance_data(
      env, engine, [](napi_env, void* data, void*) { delete static_cast<Engine*>(data); }, nullptr);
  defineOperators(env, exports);
  defineTensors(env, exports);
  defineAutograd(env, exports);
  defineRuntime(env, exports);
  return exports;
}
