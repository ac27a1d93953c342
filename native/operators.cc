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

std::vector<napi_value> toArray(napi_env env, napi_value value) {
  uint32_t length;
  check(napi_get_array_length(env, value, &length), "expected an array");
  std::vector<napi_value> items(length);
  for (uint32_t i = 0; i < length; i++) made(env, napi_get_element(env, value, i, &items[i]));
  return items;
}

IValue toIValue(napi_env env, napi_value value, const TypePtr& type, c10::optional<int32_t> length);

IValue toList(napi_env env, napi_value value, const TypePtr& element, c10::optional<int32_t> length) {
  // `int[2] stride` takes a single number, as in PyTorch.
  const auto items = isNumber(env, value) ? std::vector<napi_value>(length.value_or(1), value) : toArray(env, value);
  switch (element->kind()) {
    case TypeKind::IntType:
    case TypeKind::SymIntType: {
      c10::List<int64_t> list;
      for (auto item : items) list.push_back(toInt(env, item));
      return list;
    }
    case TypeKind::FloatType: {
      c10::List<double> list;
      for (auto item : items) list.push_back(toDouble(env, item));
      return list;
    }
    case TypeKind::BoolType: {
      c10::List<bool> list;
      for (auto item : items) list.push_back(toBool(env, item));
      return list;
    }
    case TypeKind::TensorType: {
      c10::List<at::Tensor> list;
      for (auto item : items) list.push_back(toTensor(env, item));
      return list;
    }
    default: {
      c10::impl::GenericList list(element);
      for (auto item : items) list.push_back(toIValue(env, item, element, c10::nullopt));
      return list;
    }
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
      return toList(env, value, type->castRaw<c10::ListType>()->getElementType(), length);
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
  if (isNew) engine.operators.push_back(*found);

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

// call(id, ...arguments in the schema's order; undefined = the default) -> the result, or an array where there are
// several. An in-place operator returns undefined: the caller has its tensor already.
napi_value call(napi_env env, const Arguments& values) {
  auto& engine = engineOf(env);
  const auto& op = engine.operators.at(toInt(env, values.at(0)));
  const auto& schema = op.schema();
  const auto& arguments = schema.arguments();
  if (values.size() - 1 > arguments.size())
    throw std::invalid_argument("takes at most " + std::to_string(arguments.size()) + " arguments");
  torch::jit::Stack stack;
  stack.reserve(arguments.size());
  for (size_t i = 0; i < arguments.size(); i++) {
    const auto& argument = arguments[i];
    napi_valuetype given = napi_undefined;
    if (i + 1 < values.size()) napi_typeof(env, values[i + 1], &given);
    if (given == napi_undefined) {
      if (argument.default_value())
        stack.push_back(*argument.default_value());
      else if (argument.type()->kind() == TypeKind::OptionalType)
        stack.emplace_back();
      else
        throw std::invalid_argument("argument '" + argument.name() + "' is missing");
      continue;
    }
    try {
      stack.push_back(toIValue(env, values[i + 1], argument.type(), argument.N()));
    } catch (const std::invalid_argument& error) {
      throw std::invalid_argument("argument '" + argument.name() + "' (" + argument.type()->str() + "): " + error.what());
    }
  }
  op.callBoxed(stack);
  refuseShrunkFiles(env);
  if (stack.empty()) return undefined(env);
  if (isInPlace(schema)) return undefined(env);
  if (stack.size() == 1) return fromIValue(env, std::move(stack[0]));
  napi_value array;
  made(env, napi_create_array_with_length(env, stack.size(), &array));
  for (uint32_t i = 0; i < stack.size(); i++)
    made(env, napi_set_element(env, array, i, fromIValue(env, std::move(stack[i]))));
  return array;
}

}  // namespace

void defineOperators(napi_env env, napi_value exports) {
  define(env, exports, "resolve", resolve);
  define(env, exports, "call", call);
}

}  // namespace graft
