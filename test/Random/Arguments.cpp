// Arguments.cpp: random arguments: ragged, empty, junk in the padding.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Agree.h"

#include "rnnc/Dialect/RNN/Nesting.h"

#include <cmath>
#include <limits>
#include <set>

using namespace rnnc;
using namespace rnnc::agree;

double Draw::number(double low, double high) {
  return std::round((low + (high - low) * double(engine() >> 11) * 0x1p-53) *
                    1024) /
         1024;
}

interp::Array agree::toArray(const data::Tensor &tensor) {
  interp::Array array(tensor.shape);
  for (int64_t i = 0; i < array.size(); ++i)
    array.data[size_t(i)] = tensor.number(i);
  return array;
}

data::Tensor agree::toTensor(const interp::Array &array, data::DType type) {
  data::Tensor tensor(type, array.shape);
  for (int64_t i = 0; i < array.size(); ++i) {
    double value = array.data[size_t(i)];
    switch (type) {
    case data::DType::F32:
      tensor.as<float>()[i] = float(value);
      break;
    case data::DType::F64:
      tensor.as<double>()[i] = value;
      break;
    case data::DType::I32:
      tensor.as<int32_t>()[i] = int32_t(value);
      break;
    case data::DType::I64:
      tensor.as<int64_t>()[i] = int64_t(value);
      break;
    case data::DType::U8:
      tensor.as<uint8_t>()[i] = uint8_t(value);
      break;
    }
  }
  return tensor;
}

namespace {

/// What a value of a module is and where it comes from.
struct Slot {
  std::string name;
  rnn::ValueType type;
  enum { Parameter, Data, Cotangent } role;
  bool isDrawn = false;
};

class Maker {
public:
  Maker(const Subject &subject, Draw &draw)
      : subject(subject), draw(draw), nesting(subject.module) {
    collect();
  }
  Case make(std::string name, int64_t batch, bool ragged, int64_t most);

private:
  void collect();
  interp::Array values(const Slot &slot, const Case &one);
  void junk(const Slot &slot, const Case &one, interp::Array &array);
  void junkLengths(const std::string &time, Case &one);

  const Subject &subject;
  Draw &draw;
  std::vector<Slot> slots;
  std::set<std::string> times, nonempty;
  rnn::Nesting nesting;
  bool counts = false; ///< what is predicted is counted: 0, 1, 2, ...
};

} // namespace

void Maker::collect() {
  auto add = [&](std::string name, mlir::Value value, auto role,
                 bool isDrawn = false) {
    auto type = llvm::cast<rnn::ValueType>(value.getType());
    for (rnn::AxisAttr axis : type.getAxes())
      if (axis.isTime())
        times.insert(axis.getName().str());
    slots.push_back({std::move(name), type, role, isDrawn});
  };
  rnn::ModuleOp module = subject.module;
  for (mlir::Operation &op : module.getBody().front()) {
    if (auto param = llvm::dyn_cast<rnn::ParamOp>(op))
      add(param.getName().str(), param.getResult(), Slot::Parameter);
    else if (auto input = llvm::dyn_cast<rnn::InputOp>(op))
      add(input.getName().str(), input.getResult(), Slot::Data);
    else if (auto output = llvm::dyn_cast<rnn::OutputOp>(op))
      add(output.getName().str(), output.getResult(), Slot::Data, true);
    else if (auto state = llvm::dyn_cast<rnn::FirstStateOp>(op))
      add(state.getName().str(), state.getResult(), Slot::Data);
    else if (auto result = llvm::dyn_cast<rnn::ResultOp>(op))
      add("cot." + result.getName().str(), result.getValue(), Slot::Cotangent);
    else if (auto state = llvm::dyn_cast<rnn::FinalStateOp>(op))
      add("cot.state." + state.getName().str(), state.getValue(),
          Slot::Cotangent);
  }
  module.walk([&](rnn::LawOp law) { counts |= law.getName() == "poisson"; });
  for (const std::string &time : subject.info().times)
    times.insert(time);
  const training::Json &json = subject.library->manifest().json;
  for (const auto &module : json["modules"])
    if (module["name"] == subject.info().name && module.contains("nonempty"))
      for (const auto &name : module["nonempty"])
        nonempty.insert(name.get<std::string>());
  // A place in a sequence needs one.
  for (const Slot &slot : slots)
    if (slot.type.isIndex() && slot.type.getIndexAxis().isTime())
      nonempty.insert(slot.type.getIndexAxis().getName().str());
}

/// How many entries an index of a row may say.
static int64_t entriesOf(rnn::AxisAttr axis, const Case &one, int64_t row) {
  if (!axis.isTime())
    return axis.getSize();
  auto lengths = one.args.find(axis.getName().str());
  return lengths == one.args.end() ? one.padded.at(axis.getName().str())
                                   : int64_t(lengths->second.data[size_t(row)]);
}

interp::Array Maker::values(const Slot &slot, const Case &one) {
  std::vector<int64_t> shape;
  if (slot.role != Slot::Parameter)
    shape.push_back(one.batch);
  for (rnn::AxisAttr axis : slot.type.getAxes())
    shape.push_back(axis.isTime() ? one.padded.at(axis.getName().str())
                                  : axis.getSize());
  interp::Array array(shape);
  // Away from 0, where `relu`, `abs` and their kin have a kink.
  double most = slot.role == Slot::Parameter ? 0.9 : 1.5;
  int64_t inner = one.batch ? array.size() / one.batch : 1;
  for (auto [i, x] : llvm::enumerate(array.data))
    switch (slot.type.getKind()) {
    case rnn::ValueKind::Real:
      x = draw.number(0.05, most) * (draw.below(2) ? 1 : -1);
      if (counts && slot.isDrawn)
        x = std::floor(std::abs(x) * 4);
      break;
    case rnn::ValueKind::Index:
      x = double(draw.below(
          entriesOf(slot.type.getIndexAxis(), one, int64_t(i) / inner)));
      break;
    case rnn::ValueKind::Int:
      x = double(draw.below(4));
      break;
    case rnn::ValueKind::Bit:
      x = double(draw.below(2));
      break;
    }
  return array;
}

/// Fills what lies behind the end of a row with what no one may read.
void Maker::junk(const Slot &slot, const Case &one, interp::Array &array) {
  llvm::ArrayRef<rnn::AxisAttr> axes = slot.type.getAxes();
  for (int64_t i = 0; i < array.size(); ++i) {
    int64_t rest = i, row = 0;
    std::vector<int64_t> index(axes.size());
    for (size_t d = axes.size(); d-- > 0; rest /= array.shape[d + 1])
      index[d] = rest % array.shape[d + 1];
    row = rest;
    bool padding = false;
    for (size_t d = 0; d < axes.size(); ++d) {
      auto left = [&](const std::string &name) {
        for (size_t k = d; k-- > 0;)
          if (axes[k].getName() == name)
            return index[k];
        return int64_t(0);
      };
      padding |= axes[d].isTime() && !isBeforeEnd(one, axes[d].getName().str(),
                                                  row, index[d], left);
    }
    if (!padding)
      continue;
    bool isReal = slot.type.getKind() == rnn::ValueKind::Real;
    array.data[size_t(i)] =
        isReal ? std::numeric_limits<double>::quiet_NaN() : -123456.0;
    if (slot.type.getKind() == rnn::ValueKind::Bit)
      array.data[size_t(i)] = 77;
  }
}

/// Lengths of elements that an example does not have mean nothing.
void Maker::junkLengths(const std::string &time, Case &one) {
  interp::Array &lengths = one.args[time];
  const std::vector<std::string> &outer = one.around[time];
  for (int64_t i = 0; i < lengths.size(); ++i) {
    int64_t rest = i;
    std::map<std::string, int64_t> index;
    for (size_t d = outer.size(); d-- > 0; rest /= lengths.shape[d + 1])
      index[outer[d]] = rest % lengths.shape[d + 1];
    for (const std::string &name : outer)
      if (!isBeforeEnd(one, name, rest, index[name],
                       [&](const std::string &left) { return index[left]; }))
        lengths.data[size_t(i)] = -7;
  }
}

/// A ragged batch has a full row, one without a step where that is legal, and
/// rows between.
Case Maker::make(std::string name, int64_t batch, bool ragged, int64_t most) {
  Case one;
  one.name = std::move(name);
  one.batch = batch;
  int64_t count = 0;
  for (const std::string &time : times) {
    int64_t least = nonempty.count(time);
    int64_t longest = std::max(most + (most > 1 ? count++ % 2 : 0), least);
    one.padded[time] = longest;
    for (rnn::AxisAttr axis : nesting.around(time))
      one.around[time].push_back(axis.getName().str());
  }
  for (const std::string &time : times) {
    if (!ragged)
      continue;
    int64_t least = nonempty.count(time), longest = one.padded[time];
    std::vector<int64_t> shape{batch};
    for (const std::string &outer : one.around[time])
      shape.push_back(one.padded[outer]);
    interp::Array lengths(shape);
    for (int64_t i = 0; i < lengths.size(); ++i)
      lengths.data[size_t(i)] =
          double(i == 0   ? longest
                 : i == 1 ? least
                          : least + draw.below(longest - least + 1));
    one.args[time] = std::move(lengths);
  }
  for (const auto &[time, outer] : one.around)
    if (!outer.empty() && one.args.count(time))
      junkLengths(time, one);
  for (const Slot &slot : slots) {
    interp::Array array = values(slot, one);
    if (slot.role != Slot::Parameter)
      junk(slot, one, array);
    one.args[slot.name] = std::move(array);
  }
  return one;
}

std::vector<Case> agree::makeCases(const Subject &subject, Draw &draw) {
  Maker maker(subject, draw);
  std::vector<Case> cases;
  cases.push_back(
      maker.make("ragged", 3 + draw.below(2), true, 3 + draw.below(3)));
  cases.push_back(maker.make("one row", 1, false, 1 + draw.below(3)));
  cases.push_back(maker.make("batch 0", 0, draw.below(2), 2));
  cases.push_back(maker.make("no step", 2, draw.below(2), 0));
  return cases;
}

/// Whether an element of a result lies before the end of its row.
bool agree::isValid(const Case &one, const std::vector<training::Dim> &shape,
                    int64_t element) {
  std::vector<int64_t> sizes, index(shape.size());
  for (const training::Dim &dim : shape)
    sizes.push_back(dim.kind == training::Dim::Kind::Fixed ? dim.size
                    : dim.kind == training::Dim::Kind::Batch
                        ? one.batch
                        : one.padded.at(dim.time));
  for (size_t d = shape.size(); d-- > 0; element /= sizes[d])
    index[d] = element % sizes[d];
  if (shape.empty() || shape[0].kind != training::Dim::Kind::Batch)
    return true;
  for (size_t d = 1; d < shape.size(); ++d) {
    if (shape[d].kind != training::Dim::Kind::Time)
      continue;
    auto left = [&](const std::string &name) {
      for (size_t k = d; k-- > 1;)
        if (shape[k].kind == training::Dim::Kind::Time && shape[k].time == name)
          return index[k];
      return int64_t(0);
    };
    if (!isBeforeEnd(one, shape[d].time, index[0], index[d], left))
      return false;
  }
  return true;
}
