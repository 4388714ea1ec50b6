// Bind.cpp: arrays by name become the arguments of a call.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Bind.h"

#include "rnnc/Data/Spelling.h"

#include <algorithm>

using namespace rnnc;
using namespace rnnc::training;
using data::DType;
using data::Tensor;

namespace {

/// A size that arguments share, and the argument that told it.
struct SharedSize {
  std::string name;
  int32_t value = -1;
  std::string from;
};

class ColumnBinder {
public:
  ColumnBinder(const FunctionInfo &function, const Arrays &args,
               const ModelInstance::CallOptions &options);

  std::string findProblems();
  BoundCall finish();

private:
  void bindInput(size_t index);
  void bindGiven(size_t index, const Tensor &given);
  bool fitShape(const ArgInfo &arg, const Tensor &given);
  bool fitSize(const Dim &dim, int64_t size, const std::string &name);
  void checkUnknown();
  void checkLengths();
  void checkRows(const std::string &name, const Tensor &lengths);
  void fillTimes();
  std::string misfit(const ArgInfo &arg, const Tensor &given) const;
  SharedSize *timeOf(std::string_view name);
  std::vector<int64_t> resultShape(const ArgInfo &arg);

  const FunctionInfo &function;
  const Arrays &args;
  const ModelInstance::CallOptions &options;
  SharedSize batch;
  std::vector<SharedSize> times;
  std::vector<std::optional<Tensor>> tensors;
  std::string problems;
};

} // namespace

ColumnBinder::ColumnBinder(const FunctionInfo &function, const Arrays &args,
                           const ModelInstance::CallOptions &options)
    : function(function), args(args), options(options),
      batch{"batch", options.batch, "--batch"}, tensors(function.args.size()) {
  for (const std::string &name : function.times)
    times.push_back({name, -1, ""});
}

SharedSize *ColumnBinder::timeOf(std::string_view name) {
  for (SharedSize &time : times)
    if (time.name == name)
      return &time;
  return nullptr;
}

/// `[batch, T, 4]`.
static std::string shapeText(const std::vector<Dim> &shape) {
  std::vector<std::string> sizes;
  for (const Dim &dim : shape)
    sizes.push_back(dim.kind == Dim::Kind::Fixed   ? std::to_string(dim.size)
                    : dim.kind == Dim::Kind::Batch ? "batch"
                                                   : dim.time);
  return fmt::format("[{}]", fmt::join(sizes, ", "));
}

/// The first argument that shows a size settles it for the others.
bool ColumnBinder::fitSize(const Dim &dim, int64_t size,
                           const std::string &name) {
  if (size > INT32_MAX)
    return false;
  if (dim.kind == Dim::Kind::Fixed)
    return size == dim.size;
  SharedSize *known = dim.kind == Dim::Kind::Batch ? &batch : timeOf(dim.time);
  if (!known)
    return false;
  if (known->value < 0) {
    known->value = static_cast<int32_t>(size);
    known->from = "`" + name + "`";
  }
  return known->value == size;
}

bool ColumnBinder::fitShape(const ArgInfo &arg, const Tensor &given) {
  // A number alone may come as one element.
  if (arg.shape.empty())
    return given.count() == 1;
  if (given.shape.size() != arg.shape.size())
    return false;
  for (size_t d = 0; d < arg.shape.size(); ++d)
    if (!fitSize(arg.shape[d], given.shape[d], arg.name))
      return false;
  return true;
}

std::string ColumnBinder::misfit(const ArgInfo &arg,
                                 const Tensor &given) const {
  std::string text = fmt::format(
      "\n  `{}`: expected {} {}, found {} {}", arg.name, nameOf(arg.dtype),
      shapeText(arg.shape), nameOf(given.type), data::shapeText(given.shape));
  auto explain = [&](const SharedSize &size) {
    if (size.value >= 0 && size.from != "`" + arg.name + "`")
      text += fmt::format("; {} is {} in {}", size.name, size.value, size.from);
  };
  for (const Dim &dim : arg.shape)
    if (dim.kind == Dim::Kind::Batch)
      explain(batch);
    else if (dim.kind == Dim::Kind::Time)
      for (const SharedSize &time : times)
        if (time.name == dim.time)
          explain(time);
  return text;
}

/// A number for an option.
static Tensor scalarOf(DType type, double value) {
  Tensor source(DType::F64, {});
  source.as<double>()[0] = value;
  Result<Tensor> exact = data::convertExact(source, type, "");
  if (exact)
    return *exact;
  Tensor rounded(DType::F32, {});
  rounded.as<float>()[0] = static_cast<float>(value);
  return rounded;
}

void ColumnBinder::bindGiven(size_t index, const Tensor &given) {
  const ArgInfo &arg = function.args[index];
  if (!fitShape(arg, given)) {
    problems += misfit(arg, given);
    return;
  }
  // Options are typed by people: 0.8 need not be exact in f32.
  if (arg.role == ArgInfo::Role::Option && arg.shape.empty()) {
    tensors[index] = scalarOf(arg.dtype, given.number(0));
    if (tensors[index]->type != arg.dtype)
      problems += misfit(arg, given);
    return;
  }
  Result<Tensor> exact = data::convertExact(given, arg.dtype, arg.name);
  if (exact)
    tensors[index] = std::move(*exact);
  else
    problems += "\n  " + exact.error().message;
}

void ColumnBinder::bindInput(size_t index) {
  const ArgInfo &arg = function.args[index];
  auto given = args.find(arg.name);
  if (given != args.end())
    bindGiven(index, given->second);
  else if (arg.defaultValue && arg.shape.empty())
    tensors[index] = scalarOf(arg.dtype, *arg.defaultValue);
  else if (!arg.optional)
    problems += fmt::format("\n  missing: `{}`, {} {}", arg.name,
                            nameOf(arg.dtype), shapeText(arg.shape));
}

void ColumnBinder::checkUnknown() {
  std::vector<std::string> known;
  for (const ArgInfo &arg : function.args)
    if (!arg.isOutput())
      known.push_back(arg.name);
  for (const auto &[name, tensor] : args)
    if (function.findInput(name) < 0 && !timeOf(name))
      problems += fmt::format("\n  unknown: `{}` {}{}", name,
                              data::shapeText(tensor.shape),
                              data::didYouMean(name, known));
  if (!problems.empty())
    problems += fmt::format("\n  it takes `{}`", fmt::join(known, "`, `"));
}

/// Padded lengths that were asked for must be those of the inputs.
void ColumnBinder::checkLengths() {
  for (const auto &[name, length] : options.lengths) {
    SharedSize *time = timeOf(name);
    if (!time)
      problems += fmt::format("\n  length {}={}: there is no time axis `{}`",
                              name, length, name);
    else if (time->value >= 0 && time->value != length)
      problems += fmt::format("\n  length {}={}: {} is {} in {}", name, length,
                              name, time->value, time->from);
  }
  for (const SharedSize &time : times)
    if (auto given = args.find(time.name); given != args.end())
      checkRows(time.name, given->second);
}

/// The lengths of the rows, also where the function itself has no use for them.
/// Of elements of rows only those count that a row has: the library looks.
void ColumnBinder::checkRows(const std::string &name, const Tensor &lengths) {
  if (lengths.shape.size() > 1)
    return;
  for (int64_t row = 0, n = lengths.count(); row < n; ++row) {
    double length = lengths.number(row);
    if (length >= 0 && length <= INT32_MAX)
      continue;
    problems += fmt::format("\n  `{}`: the length {} of row {} is not possible",
                            name, length, row);
    return;
  }
}

std::string ColumnBinder::findProblems() {
  for (size_t i = 0; i < function.args.size(); ++i)
    if (!function.args[i].isOutput())
      bindInput(i);
  checkLengths();
  checkUnknown();
  return problems;
}

/// Padded lengths that no array shows: as asked for, else the largest length.
void ColumnBinder::fillTimes() {
  for (SharedSize &time : times) {
    if (time.value >= 0)
      continue;
    if (auto asked = options.lengths.find(time.name);
        asked != options.lengths.end()) {
      time.value = asked->second;
      continue;
    }
    auto lengths = args.find(time.name);
    time.value = 0;
    if (lengths == args.end())
      continue;
    for (int64_t k = 0, n = lengths->second.count(); k < n; ++k)
      time.value =
          std::max(time.value, static_cast<int32_t>(lengths->second.number(k)));
  }
}

std::vector<int64_t> ColumnBinder::resultShape(const ArgInfo &arg) {
  std::vector<int64_t> shape;
  for (const Dim &dim : arg.shape)
    shape.push_back(dim.kind == Dim::Kind::Fixed   ? dim.size
                    : dim.kind == Dim::Kind::Batch ? batch.value
                                                   : timeOf(dim.time)->value);
  return shape;
}

BoundCall ColumnBinder::finish() {
  batch.value = std::max(batch.value, batch.value < 0 ? 1 : 0);
  fillTimes();
  for (size_t i = 0; i < function.args.size(); ++i)
    if (function.args[i].isOutput())
      tensors[i] =
          Tensor(function.args[i].dtype, resultShape(function.args[i]));
  BoundCall call;
  call.batch = batch.value;
  for (const SharedSize &time : times)
    call.times.push_back(time.value);
  call.tensors = std::move(tensors);
  for (std::optional<Tensor> &tensor : call.tensors)
    call.pointers.push_back(tensor ? tensor->bytes.data() : nullptr);
  return call;
}

Result<BoundCall>
training::bindArguments(const std::string &module, const FunctionInfo &function,
                        const Arrays &args,
                        const ModelInstance::CallOptions &options) {
  ColumnBinder binder(function, args, options);
  std::string problems = binder.findProblems();
  if (!problems.empty())
    return dataError("the arguments do not fit `{}.{}`:{}", module,
                     function.name, problems);
  return binder.finish();
}
