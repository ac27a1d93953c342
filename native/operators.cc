// Any ATen operator by name: the schema says how JavaScript values become arguments and results become values.
#include "engine.h"

#include <stdexcept>

namespace graft {

namespace {

using c10::IValue;
using c10::TypeKind;
using c10::TypePtr;

bool isNumber(napi_env env, napi_value value) {
  napi_valuetype type;
  napi_typeof(env, value, &type);
  return type == napi_number;
}

// A JavaScript number is an integer scalar where it is whole, as a Python literal would be.
at::Scalar toScalar(napi_env env, napi_value value) {
  napi_valuetype type;
  napi_typeof(env, value, &type);
  if (type == napi_boolean) return at::Scalar(toBool(env, value));
  if (type == napi_bigint) return at::Scalar(toInt(env, value));
  const double number = toDouble(env, value);
  if (number == std::trunc(number) && std::abs(number) <= kLargestInteger) return at::Scalar(static_cast<int64_t>(number));
  return at::Scalar(number);
}

// The items of an array as `read` gives them; where a single number is given, that, `length` times.
template <typename List, typename Read>
List toList(napi_env env, napi_value value, c10::optional<int32_t> length, List list, Read read) {
  uint32_t count;
  if (napi_get_array_length(env, value, &count) != napi_ok) {
    // `int[2] stride` takes a single number, as in PyTorch.
    if (!isNumber(env, value)) throw std::invalid_argument("expected an array");
    for (int32_t i = 0; i < length.value_or(1); i++) list.push_back(read(env, value));
    return list;
  }
  list.reserve(count);
  for (uint32_t i = 0; i < count; i++) {
    napi_value item;
    made(env, napi_get_element(env, value, i, &item));
    list.push_back(read(env, item));
  }
  return list;
}

IValue toIValue(napi_env env, napi_value value, const TypePtr& type, c10::optional<int32_t> length);

IValue toListOf(napi_env env, napi_value value, const TypePtr& element, c10::optional<int32_t> length) {
  switch (element->kind()) {
    case TypeKind::IntType:
    case TypeKind::SymIntType:
      return toList(env, value, length, c10::List<int64_t>(), toInt);
    case TypeKind::FloatType:
      return toList(env, value, length, c10::List<double>(), toDouble);
    case TypeKind::BoolType:
      return toList(env, value, length, c10::List<bool>(), toBool);
    case TypeKind::TensorType:
      return toList(env, value, length, c10::List<at::Tensor>(), toTensor);
    default:
      return toList(env, value, length, c10::impl::GenericList(element), [&](napi_env, napi_value item) {
        return toIValue(env, item, element, c10::nullopt);
      });
  }
}

IValue toIValue(napi_env env, napi_value value, const TypePtr& type, c10::optional<int32_t> length) {
  switch (type->kind()) {
    case TypeKind::TensorType:
      return toTensor(env, value);
    case TypeKind::OptionalType:
      if (isNullish(env, value)) return IValue();
      return toIValue(env, value, type->castRaw<c10::OptionalType>()->getElementType(), length);
    case TypeKind::ListType:
      return toListOf(env, value, type->castRaw<c10::ListType>()->getElementType(), length);
    case TypeKind::IntType:
    case TypeKind::SymIntType:
    case TypeKind::ScalarTypeType:
    case TypeKind::MemoryFormatType:
    case TypeKind::LayoutType:
      return toInt(env, value);
    case TypeKind::FloatType:
      return toDouble(env, value);
    case TypeKind::BoolType:
      return toBool(env, value);
    case TypeKind::NumberType:
      return toScalar(env, value);
    case TypeKind::StringType:
      return toString(env, value);
    case TypeKind::DeviceObjType:
      return c10::Device(toString(env, value));
    case TypeKind::GeneratorType:
      return engineOf(env).slots.get(toDouble(env, value));
    default:
      throw std::invalid_argument("arguments of type " + type->str() + " are not supported");
  }
}

napi_value fromIValue(napi_env env, IValue value) {
  if (value.isTensor()) return fromTensor(env, std::move(value).toTensor());
  if (value.isInt()) return fromInt(env, value.toInt());
  if (value.isDouble()) return fromDouble(env, value.toDouble());
  if (value.isBool()) return fromBool(env, value.toBool());
  if (value.isString()) return fromString(env, value.toStringRef());
  if (value.isList() || value.isTuple()) {
    napi_value array;
    made(env, napi_create_array(env, &array));
    uint32_t i = 0;
    const auto add = [&](const IValue& item) { made(env, napi_set_element(env, array, i++, fromIValue(env, item))); };
    if (value.isTuple())
      for (const auto& item : value.toTupleRef().elements()) add(item);
    else {
      const auto list = value.toList();
      for (size_t k = 0; k < list.size(); k++) add(list.get(k));
    }
    return array;
  }
  return undefined(env);
}

// Whether the operator changes its first argument and gives it back, as `add_`.
bool isInPlace(const c10::FunctionSchema& schema) {
  if (schema.returns().empty() || schema.arguments().empty()) return false;
  const auto writes = [](const c10::Argument& argument) { return argument.alias_info() && argument.alias_info()->isWrite(); };
  return writes(schema.arguments()[0]) && writes(schema.returns()[0]);
}

// resolve(name, overload) -> { id, arguments: [{ name, type }], returns: [type], inPlace } or undefined where this
// libtorch has no such operator.
napi_value resolve(napi_env env, const Arguments& arguments) {
  auto& engine = engineOf(env);
  const auto name = toString(env, arguments.at(0)), overload = toString(env, arguments.at(1));
  const auto found = c10::Dispatcher::singleton().findSchema({name, overload});
  if (!found) return undefined(env);
  const auto& schema = found->schema();
  const auto [entry, isNew] = engine.operatorIds.try_emplace(name + "." + overload, engine.operators.size());
  if (isNew) engine.operators.emplace_back(*found);

  napi_value result, list, returns;
  made(env, napi_create_object(env, &result));
  made(env, napi_create_array(env, &list));
  made(env, napi_create_array(env, &returns));
  uint32_t i = 0;
  for (const auto& argument : schema.arguments()) {
    napi_value item;
    made(env, napi_create_object(env, &item));
    set(env, item, "name", fromString(env, argument.name()));
    set(env, item, "type", fromString(env, argument.type()->str()));
    set(env, item, "required", fromBool(env, !argument.default_value().has_value()));
    made(env, napi_set_element(env, list, i++, item));
  }
  i = 0;
  for (const auto& value : schema.returns())
    made(env, napi_set_element(env, returns, i++, fromString(env, value.type()->str())));
  set(env, result, "id", fromDouble(env, entry->second));
  set(env, result, "arguments", list);
  set(env, result, "returns", returns);
  set(env, result, "inPlace", fromBool(env, isInPlace(schema)));
  return result;
}

// Tensors, numbers and booleans, which nearly all arguments are, onto the stack. False where the value or the type is
// another.
bool pushPlain(napi_env env, const Slots& slots, TypeKind kind, napi_value value, torch::jit::Stack& stack) {
  double number;
  switch (kind) {
    case TypeKind::TensorType: {
      if (napi_get_value_double(env, value, &number) != napi_ok) return false;
      const auto& tensor = slots.get(number);
      if (!tensor.isTensor()) return false;
      stack.push_back(tensor);
      return true;
    }
    case TypeKind::BoolType: {
      bool truth;
      if (napi_get_value_bool(env, value, &truth) != napi_ok) return false;
      stack.emplace_back(truth);
      return true;
    }
    case TypeKind::FloatType:
      if (napi_get_value_double(env, value, &number) != napi_ok) return false;
      stack.emplace_back(number);
      return true;
    case TypeKind::IntType:
    case TypeKind::SymIntType:
    case TypeKind::NumberType:
      if (napi_get_value_double(env, value, &number) != napi_ok) return false;
      if (number != std::trunc(number) || std::abs(number) > kLargestInteger) {
        if (kind != TypeKind::NumberType) return false;
        stack.emplace_back(number);
      } else
        stack.emplace_back(static_cast<int64_t>(number));
      return true;
    default:
      return false;
  }
}

void pushArgument(napi_env env, const c10::Argument& argument, napi_value value, torch::jit::Stack& stack) {
  napi_valuetype given;
  napi_typeof(env, value, &given);
  if (given != napi_undefined)
    stack.push_back(toIValue(env, value, argument.type(), argument.N()));
  else if (argument.default_value())
    stack.push_back(*argument.default_value());
  else if (argument.type()->kind() == TypeKind::OptionalType)
    stack.emplace_back();
  else
    throw std::out_of_range("argument '" + argument.name() + "' is missing");
}

// Empties the stack when a call ends, however it ends.
struct Emptied {
  torch::jit::Stack& stack;
  ~Emptied() { stack.clear(); }
};

// call(id, ...arguments in the schema's order; undefined = the default) -> the result, or an array where there are
// several. An in-place operator returns undefined: the caller has its tensor already.
napi_value call(napi_env env, const Arguments& values) {
  auto& engine = engineOf(env);
  const auto& op = engine.operators.at(toInt(env, values.at(0)));
  const auto count = op.parameters.size(), given = values.size() - 1;
  if (given > count) throw std::invalid_argument("takes at most " + std::to_string(count) + " arguments");
  auto& stack = engine.stack;
  const Emptied emptied{stack};
  for (size_t i = 0; i < count; i++) {
    const auto& [kind, argument] = op.parameters[i];
    try {
      if (i >= given && argument->default_value())
        stack.push_back(*argument->default_value());
      else if (i >= given || !pushPlain(env, engine.slots, kind, values[i + 1], stack))
        pushArgument(env, *argument, i < given ? values[i + 1] : undefined(env), stack);
    } catch (const std::invalid_argument& error) {
      throw std::invalid_argument("argument '" + argument->name() + "' (" + argument->type()->str() + "): " + error.what());
    }
  }
  op.handle.callBoxed(stack);
  refuseShrunkFiles(env);
  if (stack.empty() || op.inPlace) return undefined(env);
  if (stack.size() == 1) return fromIValue(env, std::move(stack[0]));
  napi_value array;
  made(env, napi_create_array_with_length(env, stack.size(), &array));
  for (uint32_t i = 0; i < stack.size(); i++)
    made(env, napi_set_element(env, array, i, fromIValue(env, std::move(stack[i]))));
  return array;
}

}  // namespace

Operator::Operator(c10::OperatorHandle found) : handle(found), inPlace(isInPlace(found.schema())) {
  for (const auto& argument : handle.schema().arguments()) {
    auto kind = argument.type()->kind();
    // A tensor that may be absent is mostly there.
    if (kind == TypeKind::OptionalType) {
      const auto& element = argument.type()->castRaw<c10::OptionalType>()->getElementType();
      if (element->kind() == TypeKind::TensorType) kind = TypeKind::TensorType;
    }
    parameters.push_back({kind, &argument});
  }
}

void defineOperators(napi_env env, napi_value exports) {
  define(env, exports, "resolve", resolve);
  define(env, exports, "call", call);
}

}  // namespace graft
