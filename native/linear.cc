// graft::linear is aten::linear, but for products in float32 on AMD's processors: there libtorch's MKL takes kernels for AVX2,
// and oneDNN, which libtorch has too, multiplies large matrices 1.05 to 1.3 times as fast.
#include "engine.h"

#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>
#include <torch/version.h>

namespace graft {

namespace {

using OptionalTensor = decltype(c10::IValue().toOptional<at::Tensor>());

bool hasSlowMkl() {
#if defined(__x86_64__)
  return __builtin_cpu_is("amd") && __builtin_cpu_supports("avx512f");
#else
  return false;
#endif
}

// oneDNN's product; undefined where aten::linear is to be taken.
const c10::OperatorHandle* oneDnnProduct() {
  static const auto found = c10::Dispatcher::singleton().findSchema({"mkldnn::_linear_pointwise", ""});
  static const bool usable = found && found->schema().arguments().size() == 6 && hasSlowMkl();
  return usable ? &*found : nullptr;
}

bool autocasts() {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
  return at::autocast::is_autocast_enabled(at::kCPU);
#else
  return at::autocast::is_cpu_enabled();
#endif
}

// input [N, in], weight [out, in], bias [out] or undefined -> [N, out]
at::Tensor product(const at::Tensor& input, const at::Tensor& weight, const OptionalTensor& bias) {
  at::AutoDispatchBelowAutograd guard;
  torch::jit::Stack stack;
  stack.emplace_back(input);
  stack.emplace_back(weight);
  stack.emplace_back(bias);
  stack.emplace_back("none");  // no function of the result
  stack.emplace_back(c10::List<std::decay_t<decltype(c10::IValue().toOptional<at::Scalar>())>>());
  stack.emplace_back("");
  oneDnnProduct()->callBoxed(stack);
  return stack.at(0).toTensor();
}

struct Linear : torch::autograd::Function<Linear> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& input, const at::Tensor& weight,
                            const OptionalTensor& bias) {
    // Weights that are not trained need no input.
    context->save_for_backward({weight.requires_grad() ? input : at::Tensor(), weight});
    context->saved_data["input"] = input.requires_grad();
    context->saved_data["bias"] = bias && bias->requires_grad();
    return product(input, weight, bias);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto gradient = gradients[0].contiguous();
    at::Tensor ofInput, ofWeight, ofBias;
    if (context->saved_data["input"].toBool()) ofInput = product(gradient, saved[1].t(), {});
    if (saved[0].defined()) ofWeight = gradient.t().mm(saved[0]);
    if (context->saved_data["bias"].toBool()) ofBias = gradient.sum(0);
    return {ofInput, ofWeight, ofBias};
  }
};

// Multiplications below which oneDNN's preparations, some 15 µs, take longer than it gains.
constexpr int64_t kLeast = 1 << 24;

at::Tensor linear(const at::Tensor& input, const at::Tensor& weight, const OptionalTensor& bias) {
  const auto isFloat = [](const at::Tensor& tensor) {
    return tensor.scalar_type() == at::kFloat && tensor.device().is_cpu();
  };
  const bool fits = input.dim() > 0 && weight.dim() == 2 && input.size(-1) == weight.size(1) &&
                    input.numel() * weight.size(0) >= kLeast && (!bias || (bias->dim() == 1 && bias->size(0) == weight.size(0)));
  const bool plain = isFloat(input) && isFloat(weight) && (!bias || isFloat(*bias)) && !autocasts();
  if (!fits || !plain || !oneDnnProduct()) return at::linear(input, weight, bias);
  auto shape = input.sizes().vec();
  const auto rows = Linear::apply(input.reshape({-1, shape.back()}), weight, bias);
  shape.back() = weight.size(0);
  return rows.view(shape);
}

}  // namespace

void defineLinear() {
  // A process may hold two copies of the addon.
  if (c10::Dispatcher::singleton().findSchema({"graft::linear", ""})) return;
  static torch::Library library(torch::Library::FRAGMENT, "graft", {}, __FILE__, __LINE__);
  library.def("linear(Tensor input, Tensor weight, Tensor? bias) -> Tensor", &linear);
}

}  // namespace graft
