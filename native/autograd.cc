// Gradients and what switches them: recording on and off, backward, autocast.
#include "engine.h"

#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/version.h>

namespace graft {

namespace {

// backward(handle, gradient handle or undefined, retain)
napi_value backward(napi_env env, const Arguments& arguments) {
  std::vector<at::Tensor> gradients;
  if (!isNullish(env, arguments.at(1))) gradients.push_back(toTensor(env, arguments[1]));
  torch::autograd::backward({toTensor(env, arguments.at(0))}, gradients, toBool(env, arguments.at(2)));
  return undefined(env);
}

napi_value grad(napi_env env, const Arguments& arguments) {
  const auto& tensor = toTensor(env, arguments.at(0));
  // libtorch warns on stderr where a tensor inside the graph is asked; it has none.
  if (!tensor.is_leaf() && !tensor.retains_grad()) return undefined(env);
  return fromTensor(env, tensor.grad());
}

// setGrad(handle, gradient handle or undefined)
napi_value setGrad(napi_env env, const Arguments& arguments) {
  at::Tensor tensor = toTensor(env, arguments.at(0));
  tensor.mutable_grad() = isNullish(env, arguments.at(1)) ? at::Tensor() : toTensor(env, arguments[1]);
  return undefined(env);
}

napi_value requiresGrad(napi_env env, const Arguments& arguments) {
  return fromBool(env, toTensor(env, arguments.at(0)).requires_grad());
}

napi_value setRequiresGrad(napi_env env, const Arguments& arguments) {
  at::Tensor tensor = toTensor(env, arguments.at(0));
  tensor.requires_grad_(toBool(env, arguments.at(1)));
  return undefined(env);
}

// setGradEnabled(enabled) -> what it was
napi_value setGradEnabled(napi_env env, const Arguments& arguments) {
  const bool before = at::GradMode::is_enabled();
  at::GradMode::set_enabled(toBool(env, arguments.at(0)));
  return fromBool(env, before);
}

// setAutocast(device type 'cpu' | 'cuda', enabled, dtype) -> [enabled, dtype] before: matrix products and convolutions
// run in dtype.
napi_value setAutocast(napi_env env, const Arguments& arguments) {
  const auto device = c10::Device(toString(env, arguments.at(0))).type();
  const bool enabled = toBool(env, arguments.at(1));
  const auto dtype = static_cast<at::ScalarType>(toInt(env, arguments.at(2)));
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
  const bool before = at::autocast::is_autocast_enabled(device);
  const auto dtypeBefore = at::autocast::get_autocast_dtype(device);
  at::autocast::set_autocast_enabled(device, enabled);
  at::autocast::set_autocast_dtype(device, dtype);
#else
  const bool onCpu = device == at::kCPU;
  const bool before = onCpu ? at::autocast::is_cpu_enabled() : at::autocast::is_enabled();
  const auto dtypeBefore = onCpu ? at::autocast::get_autocast_cpu_dtype() : at::autocast::get_autocast_gpu_dtype();
  if (onCpu) {
    at::autocast::set_cpu_enabled(enabled);
    at::autocast::set_autocast_cpu_dtype(dtype);
  } else {
    at::autocast::set_enabled(enabled);
    at::autocast::set_autocast_gpu_dtype(dtype);
  }
#endif
  if (!enabled) at::autocast::clear_cache();
  napi_value result;
  made(env, napi_create_array_with_length(env, 2, &result));
  made(env, napi_set_element(env, result, 0, fromBool(env, before)));
  made(env, napi_set_element(env, result, 1, fromDouble(env, static_cast<int>(dtypeBefore))));
  return result;
}

}  // namespace

void defineAutograd(napi_env env, napi_value exports) {
  define(env, exports, "backward", backward);
  define(env, exports, "grad", grad);
  define(env, exports, "setGrad", setGrad);
  define(env, exports, "requiresGrad", requiresGrad);
  define(env, exports, "setRequiresGrad", setRequiresGrad);
  define(env, exports, "setGradEnabled", setGradEnabled);
  define(env, exports, "setAutocast", setAutocast);
}

}  // namespace graft
