// What the addon keeps for one JavaScript environment (the main thread or a worker): its tensors and its operators.
// Nothing is static, so every worker thread that loads the addon gets an Engine of its own.
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <node_api.h>

#include <atomic>
#include <cmath>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

namespace graft {

// A handle is a number: the slot in the low 24 bits, the slot's generation above. A freed slot's generation moves on,
// so a stale handle never reaches another tensor.
class Slots {
 public:
  double put(c10::IValue value);
  const c10::IValue& get(double handle) const;
  bool free(double handle);
  size_t live() const { return values_.size() - free_.size(); }
  template <typename F>
  void each(F visit) const {
    for (const auto& value : values_)
      if (!value.isNone()) visit(value);
  }

 private:
  std::vector<c10::IValue> values_;
  std::vector<uint32_t> generations_;
  std::vector<uint32_t> free_;
};

// References to JavaScript arrays whose memory a tensor borrows. libtorch may drop the tensor on any thread, a
// reference must be deleted on its own: it waits here until the next call from JavaScript.
struct Borrowed {
  void drop(napi_ref reference);
  void sweep(napi_env env) {
    if (any.load(std::memory_order_relaxed)) clear(env);
  }

 private:
  std::mutex mutex;
  std::vector<napi_ref> dropped;
  std::atomic<bool> any{false};
  void clear(napi_env env);
};

// An operator with what a call needs to know of its schema.
struct Operator {
  struct Parameter {
    c10::TypeKind kind;
    const c10::Argument* argument;
  };
  c10::OperatorHandle handle;
  std::vector<Parameter> parameters;
  bool inPlace;
  explicit Operator(c10::OperatorHandle found);
};

struct Engine {
  Slots slots;
  std::vector<Operator> operators;
  // The arguments of the call under way, kept so that a call takes no memory.
  torch::jit::Stack stack;
  std::unordered_map<std::string, uint32_t> operatorIds;
  std::shared_ptr<Borrowed> borrowed = std::make_shared<Borrowed>();
};

Engine& engineOf(napi_env env);

// Number.MAX_SAFE_INTEGER: whole numbers beyond it are not exact in JavaScript.
constexpr double kLargestInteger = 9007199254740991.0;

// Reading arguments and making results. A failed read throws std::invalid_argument, a result that JavaScript cannot
// hold throws std::runtime_error.
void check(napi_status status, const char* what);
void made(napi_env env, napi_status status);
double toDouble(napi_env env, napi_value value);
int64_t toInt(napi_env env, napi_value value);
uint64_t toSeed(napi_env env, napi_value value);
bool toBool(napi_env env, napi_value value);
std::string toString(napi_env env, napi_value value);
napi_value fromDouble(napi_env env, double value);
napi_value fromInt(napi_env env, int64_t value);
napi_value fromBool(napi_env env, bool value);
napi_value fromString(napi_env env, const std::string& value);
napi_value undefined(napi_env env);
bool isNullish(napi_env env, napi_value value);
const at::Tensor& toTensor(napi_env env, napi_value handle);
napi_value fromTensor(napi_env env, at::Tensor tensor);
void set(napi_env env, napi_value object, const char* name, napi_value value);

// Every exported function has this form; `guard` turns C++ exceptions into JavaScript errors.
class Arguments {
 public:
  Arguments(napi_env env, napi_callback_info info, void** data);
  size_t size() const { return count_; }
  napi_value operator[](size_t i) const { return values_[i]; }
  napi_value at(size_t i) const {
    if (i >= count_) throw std::invalid_argument("an argument is missing");
    return values_[i];
  }

 private:
  static constexpr size_t kUsual = 24;
  napi_value usual_[kUsual];
  std::vector<napi_value> many_;
  napi_value* values_ = usual_;
  size_t count_ = kUsual;
};
using Function = napi_value (*)(napi_env, const Arguments&);
void define(napi_env env, napi_value exports, const char* name, Function function);

// A mapped file became shorter while it was in use; the message is its path.
struct FileShrank : std::runtime_error {
  using std::runtime_error::runtime_error;
};
void refuseShrunkFiles(napi_env env);

void defineOperators(napi_env env, napi_value exports);
void defineTensors(napi_env env, napi_value exports);
void defineAutograd(napi_env env, napi_value exports);
void defineLinear();
void defineRuntime(napi_env env, napi_value exports);
void defineMappedFiles(napi_env env, napi_value exports);

}  // namespace graft
