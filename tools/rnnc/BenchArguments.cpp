// BenchArguments.cpp: made-up arguments of a function, for `rnnc bench`.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "BenchArguments.h"
#include "CommandLine.h"
#include "rnnc/Data/Random.h"

#include <algorithm>
#include <charconv>
#include <cmath>

using namespace rnnc;
using namespace rnnc::tool;
using namespace rnnc::training;
using data::DType;
using data::Random;
using data::Tensor;

static std::optional<int32_t> length(std::string_view text) {
  int32_t value = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0)
    return std::nullopt;
  return value;
}

Result<Lengths> Lengths::parse(const std::string &text) {
  Lengths lengths;
  std::string range = text;
  if (size_t equal = text.find('='); equal != std::string::npos) {
    lengths.axis = text.substr(0, equal);
    range = text.substr(equal + 1);
  }
  size_t dots = range.find("..");
  std::optional<int32_t> low = length(range.substr(0, dots));
  std::optional<int32_t> high =
      dots == std::string::npos ? low : length(range.substr(dots + 2));
  bool named = !lengths.axis.empty() || text.find('=') == std::string::npos;
  if (!named || !low || !high || *low > *high)
    return usageError("rnnc: error: `--length {}`: write it as N, LOW..HIGH, "
                      "AXIS=N or AXIS=LOW..HIGH",
                      text);
  lengths.low = *low;
  lengths.high = *high;
  return lengths;
}

namespace {
/// Draws the arguments of one function.
class ArgumentMaker {
public:
  ArgumentMaker(int32_t batch, const std::vector<Lengths> &lengths,
                uint64_t seed)
      : batch(batch), asked(lengths), random(seed, 0) {}

  /// The padded length of an axis.
  Lengths of(const std::string &axis) const {
    Lengths found{axis, 100, 100};
    for (const Lengths &one : asked)
      if (one.axis.empty())
        found.low = one.low, found.high = one.high;
    for (const Lengths &one : asked)
      if (one.axis == axis)
        found.low = one.low, found.high = one.high;
    return found;
  }

  Tensor make(const ArgInfo &arg) {
    Tensor tensor(arg.dtype, shapeOf(arg));
    if (arg.role == ArgInfo::Role::Lengths)
      fillLengths(arg, tensor);
    else if (arg.role == ArgInfo::Role::Reset)
      return tensor; // every row goes on
    else if (arg.dtype == DType::I32)
      fillIndices(arg, tensor);
    else if (arg.role == ArgInfo::Role::Option)
      tensor = option(arg);
    else
      fillNormal(tensor);
    return tensor;
  }

private:
  std::vector<int64_t> shapeOf(const ArgInfo &arg) const {
    std::vector<int64_t> shape;
    for (const Dim &dim : arg.shape)
      shape.push_back(dim.kind == Dim::Kind::Fixed   ? dim.size
                      : dim.kind == Dim::Kind::Batch ? batch
                                                     : of(dim.time).high);
    return shape;
  }

  void fillLengths(const ArgInfo &arg, Tensor &tensor) {
    Lengths range = of(arg.name);
    for (int64_t i = 0; i < tensor.count(); ++i) {
      uint32_t width = static_cast<uint32_t>(range.high - range.low) + 1;
      int32_t drawn = range.low + static_cast<int32_t>(random.below(width));
      tensor.as<int32_t>()[i] = i == 0 ? range.high : drawn;
    }
  }

  void fillIndices(const ArgInfo &arg, Tensor &tensor) {
    uint32_t size = static_cast<uint32_t>(std::max<int64_t>(arg.size, 2));
    for (int64_t i = 0; i < tensor.count(); ++i)
      tensor.as<int32_t>()[i] = static_cast<int32_t>(random.below(size));
  }

  /// One that has no default is a temperature or a rate: 1 means "as it is".
  Tensor option(const ArgInfo &arg) const {
    Tensor tensor(DType::F64, {});
    tensor.as<double>()[0] = arg.defaultValue.value_or(1);
    return tensor;
  }

  void fillNormal(Tensor &tensor) {
    constexpr double tau = 6.283185307179586;
    for (int64_t i = 0; i < tensor.count(); ++i) {
      double u = (random.next() + 1.0) / 4294967296.0;
      double v = random.next() / 4294967296.0;
      double drawn = std::sqrt(-2 * std::log(u)) * std::cos(tau * v);
      if (tensor.type == DType::F64)
        tensor.as<double>()[i] = drawn;
      else
        tensor.as<float>()[i] = static_cast<float>(drawn);
    }
  }

  int32_t batch;
  const std::vector<Lengths> &asked;
  Random random;
};
} // namespace

/// A length of an axis that the function does not have is a mistake.
static Status checkAxes(const FunctionInfo &function,
                        const std::vector<Lengths> &lengths) {
  for (const Lengths &one : lengths)
    if (!one.axis.empty() &&
        std::find(function.times.begin(), function.times.end(), one.axis) ==
            function.times.end())
      return usageError("`--length {}=…`: it has {}", one.axis,
                        function.times.empty()
                            ? "no time axis"
                            : fmt::format("the time axes {}",
                                          fmt::join(function.times, ", ")));
  return {};
}

Result<BenchCall> tool::makeArguments(const FunctionInfo &function,
                                      int32_t batch,
                                      const std::vector<Lengths> &lengths,
                                      const Arrays &given, uint64_t seed) {
  if (Status status = checkAxes(function, lengths); !status)
    return status.error();
  ArgumentMaker maker(batch, lengths, seed);
  BenchCall call;
  call.args = given;
  for (const ArgInfo &arg : function.args) {
    // Given inputs that say no lengths are whole.
    bool wanted = arg.role == ArgInfo::Role::Cotangent ||
                  (arg.role == ArgInfo::Role::Lengths && given.empty());
    bool leftOut = arg.optional && !wanted;
    if (!arg.isOutput() && !leftOut && !call.args.contains(arg.name))
      call.args[arg.name] = maker.make(arg);
  }
  if (given.empty())
    for (const std::string &time : function.times)
      call.lengths[time] = maker.of(time).high;
  return call;
}
