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
  if (handle > 0 && handle <= kLargestInteger) {
    const auto [slot, generation] = split(handle);
    if (slot < values_.size() && generations_[slot] == generation && !values_[slot].isNone()) return values_[slot];
  }
  throw std::invalid_argument("the tensor was disposed");
}

bool Slots::free(double handle) {
  if (!(handle > 0 && handle <= kLargestInteger)) return false;
  const auto [slot, generation] = split(handle);
  if (slot >= values_.size() || generations_[slot] != generation || values_[slot].isNone()) return false;
  values_[slot] = c10::IValue();
  generations_[slot] = generation % ((1u << 29) - 1) + 1;  // never 0: handle 0 means disposed
  free_.push_back(slot);
  return true;
}

void Borrowed::drop(napi_ref reference) {
  std::lock_guard<std::mutex> lock(mutex);
  dropped.push_back(reference);
  any = true;
}

void Borrowed::clear(napi_env env) {
  std::lock_guard<std::mutex> lock(mutex);
  any = false;
  for (auto reference : dropped) napi_delete_reference(env, reference);
  dropped.clear();
}

Arguments::Arguments(napi_env env, napi_callback_info info, void** data) {
  made(env, napi_get_cb_info(env, info, &count_, usual_, nullptr, data));
  if (count_ <= kUsual) return;
  many_.resize(count_);
  values_ = many_.data();
  made(env, napi_get_cb_info(env, info, &count_, values_, nullptr, nullptr));
}

Engine& engineOf(napi_env env) {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  return *static_cast<Engine*>(data);
}

void check(napi_status status, const char* what) {
  if (status != napi_ok) throw std::invalid_argument(what);
}
void made(napi_env env, napi_status status) {
  if (status == napi_ok) return;
  const napi_extended_error_info* info = nullptr;
  napi_get_last_error_info(env, &info);
  throw std::runtime_error(info && info->error_message ? info->error_message : "JavaScript could not hold the result");
}
double toDouble(napi_env env, napi_value value) {
  double result;
  check(napi_get_value_double(env, value, &result), "expected a number");
  return result;
}
int64_t toInt(napi_env env, napi_value value) {
  double number;
  if (napi_get_value_double(env, value, &number) != napi_ok) {
    bool lossless;
    int64_t result;
    check(napi_get_value_bigint_int64(env, value, &result, &lossless), "expected a whole number");
    if (!lossless) throw std::invalid_argument("the BigInt does not fit 64 bits");
    return result;
  }
  if (number != std::trunc(number)) throw std::invalid_argument("expected a whole number");
  if (std::abs(number) > kLargestInteger)
    throw std::invalid_argument("a number beyond 2^53 - 1 is not exact: give a BigInt");
  return static_cast<int64_t>(number);
}
uint64_t toSeed(napi_env env, napi_value value) {
  const auto seed = toInt(env, value);
  if (seed < 0) throw std::invalid_argument("a seed is not negative");
  return static_cast<uint64_t>(seed);
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
  check(napi_get_value_string_utf8(env, value, result.data(), length + 1, &length), "expected a string");
  return result;
}
napi_value fromDouble(napi_env env, double value) {
  napi_value result;
  made(env, napi_create_double(env, value, &result));
  return result;
}
napi_value fromInt(napi_env env, int64_t value) {
  if (value > static_cast<int64_t>(kLargestInteger) || value < -static_cast<int64_t>(kLargestInteger))
    throw std::range_error("the result " + std::to_string(value) +
                           " is beyond 2^53 - 1, which a number cannot hold: read the tensor with toArray()");
  return fromDouble(env, static_cast<double>(value));
}
napi_value fromBool(napi_env env, bool value) {
  napi_value result;
  made(env, napi_get_boolean(env, value, &result));
  return result;
}
napi_value fromString(napi_env env, const std::string& value) {
  napi_value result;
  made(env, napi_create_string_utf8(env, value.data(), value.size(), &result));
  return result;
}
napi_value undefined(napi_env env) {
  napi_value result;
  made(env, napi_get_undefined(env, &result));
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
  made(env, napi_set_named_property(env, object, name, value));
}

namespace {
// An exception that JavaScript has already is the better one.
void raise(napi_env env, const char* code, const char* message) {
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (!pending) napi_throw_error(env, code, message);
}

napi_value guard(napi_env env, napi_callback_info info) {
  try {
    void* data = nullptr;
    const Arguments arguments(env, info, &data);
    engineOf(env).borrowed->sweep(env);
    return reinterpret_cast<Function>(data)(env, arguments);
  } catch (const FileShrank& error) {
    raise(env, "FILE_SHRANK", error.what());
  } catch (const c10::Error& error) {
    raise(env, "TORCH", error.what_without_backtrace());
  } catch (const std::exception& error) {
    raise(env, "TORCH", error.what());
  } catch (...) {
    // A vendor's kernel may throw anything; unwinding into Node would end the process.
    raise(env, "TORCH", "an exception of an unknown type");
  }
  return nullptr;
}
}  // namespace

void define(napi_env env, napi_value exports, const char* name, Function function) {
  napi_value value;
  made(env, napi_create_function(env, name, NAPI_AUTO_LENGTH, guard, reinterpret_cast<void*>(function), &value));
  set(env, exports, name, value);
}

}  // namespace graft

NAPI_MODULE_INIT() {
  using namespace graft;
  auto* engine = new Engine();
  const auto free = [](napi_env, void* data, void*) { delete static_cast<Engine*>(data); };
  if (napi_set_instance_data(env, engine, free, nullptr) != napi_ok) {
    delete engine;
    napi_throw_error(env, "TORCH", "the engine could not be set up");
    return nullptr;
  }
  try {
    defineOperators(env, exports);
    defineTensors(env, exports);
    defineAutograd(env, exports);
    defineLinear();
    defineRuntime(env, exports);
    defineMappedFiles(env, exports);
  } catch (const std::exception& error) {
    raise(env, "TORCH", error.what());
    return nullptr;
  }
  return exports;
}
