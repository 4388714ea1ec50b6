// Expressions.cpp - expressions of the rnn level.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Example.h"

#include "llvm/ADT/TypeSwitch.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace rnnc;
using namespace rnnc::interp;

static double unary(rnn::UnaryKind kind, double x) {
  switch (kind) {
  case rnn::UnaryKind::Neg:
    return -x;
  case rnn::UnaryKind::Exp:
    return std::exp(x);
  case rnn::UnaryKind::Log:
    return std::log(x);
  case rnn::UnaryKind::Sqrt:
    return std::sqrt(x);
  case rnn::UnaryKind::Abs:
    return std::fabs(x);
  case rnn::UnaryKind::Sigmoid:
    return sigmoid(x);
  case rnn::UnaryKind::Tanh:
    return std::tanh(x);
  case rnn::UnaryKind::Relu:
    return x <= 0 ? 0 : x;
  case rnn::UnaryKind::Softplus:
    return softplus(x);
  case rnn::UnaryKind::Sin:
    return std::sin(x);
  case rnn::UnaryKind::Cos:
    return std::cos(x);
  case rnn::UnaryKind::Erf:
    return std::erf(x);
  case rnn::UnaryKind::Gelu:
    return 0.5 * x * (1 + std::erf(x * M_SQRT1_2));
  case rnn::UnaryKind::Floor:
    return std::floor(x);
  case rnn::UnaryKind::Ceil:
    return std::ceil(x);
  case rnn::UnaryKind::Round: // to the even one of two as near
    return std::nearbyint(x);
  case rnn::UnaryKind::Sign:
    return x > 0 ? 1 : x < 0 ? -1 : x;
  }
  return x;
}

static double binary(rnn::BinaryKind kind, double a, double b) {
  switch (kind) {
  case rnn::BinaryKind::Add:
    return a + b;
  case rnn::BinaryKind::Sub:
    return a - b;
  case rnn::BinaryKind::Mul:
    return a * b;
  case rnn::BinaryKind::Div:
    return a / b;
  case rnn::BinaryKind::Min:
    return std::isnan(b) || b < a ? b : a;
  case rnn::BinaryKind::Max:
    return std::isnan(b) || b > a ? b : a;
  case rnn::BinaryKind::Pow:
    return std::pow(a, b);
  case rnn::BinaryKind::Mod:
    return a - b * std::floor(a / b);
  }
  return a;
}

static bool compare(rnn::CompareKind kind, double a, double b) {
  switch (kind) {
  case rnn::CompareKind::Lt:
    return a < b;
  case rnn::CompareKind::Gt:
    return a > b;
  case rnn::CompareKind::Le:
    return a <= b;
  case rnn::CompareKind::Ge:
    return a >= b;
  case rnn::CompareKind::Eq:
    return a == b;
  case rnn::CompareKind::Ne:
    return a != b;
  }
  return false;
}

bool Example::elementwise(Operation &op) {
  Array out(shapeOf(cast<rnn::ValueType>(op.getResult(0).getType())));
  // The smaller value's axes are the last ones: it repeats.
  auto element = [&](unsigned operand, int64_t i) {
    const Array &array = get(op.getOperand(operand));
    return array.data[i % array.size()];
  };
  for (int64_t i = 0; i < out.size(); ++i) {
    double &y = out.data[i];
    TypeSwitch<Operation *>(&op)
        .Case(
            [&](rnn::UnaryOp one) { y = unary(one.getKind(), element(0, i)); })
        .Case([&](rnn::BinaryOp two) {
          y = binary(two.getKind(), element(0, i), element(1, i));
        })
        .Case([&](rnn::CompareOp two) {
          y = compare(two.getKind(), element(0, i), element(1, i));
        })
        .Case([&](rnn::LogicOp two) {
          bool left = element(0, i) != 0, right = element(1, i) != 0;
          y = two.getKind() == rnn::LogicKind::And ? left && right
                                                   : left || right;
        })
        .Case([&](rnn::NotOp) { y = element(0, i) == 0; })
        .Case([&](rnn::SelectOp) {
          y = element(0, i) != 0 ? element(1, i) : element(2, i);
        })
        .Case([&](rnn::ClampOp) {
          y = std::min(std::max(element(0, i), element(1, i)), element(2, i));
        })
        .Default([&](Operation *) { y = element(0, i); });
  }
  set(op.getResult(0), std::move(out));
  return true;
}

static Shape indexOf(const Shape &shape, int64_t place) {
  Shape index(shape.size());
  for (size_t k = shape.size(); k-- > 0; place /= shape[k])
    index[k] = place % shape[k];
  return index;
}

bool Example::alongAxes(Operation &op) {
  return TypeSwitch<Operation *, bool>(&op)
      .Case([&](rnn::LookupOp one) { return lookup(one); })
      .Case([&](rnn::MatchOp one) { return match(one); })
      .Case([&](rnn::JoinOp one) { return join(one); })
      .Case([&](rnn::ReduceLastOp one) { return reduceLast(one); })
      .Case([&](rnn::SequenceOp one) { return sequence(one); })
      .Case([&](rnn::DropoutOp one) { return dropout(one); })
      .Case([&](rnn::NoiseOp one) { return noise(one); })
      .Case([&](rnn::StopOp one) { return stop(one); })
      .Case([&](rnn::AsOp one) {
        Array out = get(one.getValue());
        out.shape = shapeOf(one.getResult().getType());
        set(one.getResult(), std::move(out));
        return true;
      })
      .Case([&](rnn::TableOp one) {
        Array out(shapeOf(one.getResult().getType()));
        out.data.assign(one.getValues().begin(), one.getValues().end());
        set(one.getResult(), std::move(out));
        return true;
      })
      .Case([&](rnn::ListOp one) {
        Array out(shapeOf(one.getResult().getType()));
        for (auto [i, item] : llvm::enumerate(one.getItems()))
          setEntry(out, i, get(item));
        set(one.getResult(), std::move(out));
        return true;
      })
      .Case([&](rnn::SliceOp one) {
        Array out(shapeOf(one.getResult().getType()));
        for (int64_t i = 0; i < out.shape[0]; ++i)
          setEntry(out, i, entry(get(one.getValue()), one.getFrom() + i));
        set(one.getResult(), std::move(out));
        return true;
      })
      .Case([&](rnn::LabelOp one) {
        const Array &x = get(one.getValue());
        Array out(shapeOf(one.getResult().getType()));
        size_t position = one.getPosition();
        Shape full;
        int64_t i = 0;
        forEachIndex(out.shape, [&](const Shape &index) {
          full = index;
          full.insert(full.begin() + position, one.getLabel());
          out.data[i++] = at(x, full);
        });
        set(one.getResult(), std::move(out));
        return true;
      })
      .Case([&](rnn::OneHotOp one) {
        const Array &x = get(one.getIndex());
        Array out(shapeOf(one.getResult().getType()));
        int64_t n = out.shape.back();
        for (int64_t i = 0; i < x.size(); ++i) {
          int64_t place = int64_t(x.data[i]);
          if (place < 0 || place >= n)
            return fail(op, "the index " + std::to_string(place) +
                                " lies outside of its axis");
          out.data[i * n + place] = 1;
        }
        set(one.getResult(), std::move(out));
        return true;
      })
      .Case([&](rnn::ArgMaxOp one) {
        const Array &x = get(one.getValue());
        Array out(shapeOf(one.getResult().getType()));
        int64_t n = x.shape.back();
        std::vector<int64_t> valid =
            lastLengths(one.getValue().getType(), x.shape);
        for (int64_t i = 0; i < out.size(); ++i) {
          if (!valid[i] &&
              lengths.isValid(one.getType().getAxes(), indexOf(out.shape, i)))
            return fail(op, "nothing to choose from");
          out.data[i] = double(argMax(x.data.data() + i * n, valid[i]));
        }
        set(one.getResult(), std::move(out));
        return true;
      })
      .Default([&](Operation *) { return fail(op, "is not interpreted"); });
}

bool Example::lookup(rnn::LookupOp op) {
  const Array &table = get(op.getTable()), &index = get(op.getIndex());
  Array out(shapeOf(op.getResult().getType()));
  int64_t rest = volume(dropFront(table.shape));
  for (int64_t i = 0; i < index.size(); ++i) {
    int64_t place = int64_t(index.data[i]);
    if (place < 0 || place >= table.shape[0])
      return fail(*op, "the index " + std::to_string(place) +
                           " lies outside of its axis");
    if (index.size() * rest != out.size()) { // shorter than others
      Shape part(out.shape.begin() + index.shape.size(), out.shape.end());
      Array one = cropped(entry(table, place), part);
      std::copy(one.data.begin(), one.data.end(),
                out.data.begin() + i * one.size());
      continue;
    }
    for (int64_t k = 0; k < rest; ++k)
      out.data[i * rest + k] = table.data[place * rest + k];
  }
  set(op.getResult(), std::move(out));
  return true;
}

bool Example::match(rnn::MatchOp op) {
  const Array &a = get(op.getLhs()), &b = get(op.getRhs());
  Array out(shapeOf(op.getResult().getType()));
  int64_t n = a.shape.back(), cols = volume(dropFront(b.shape));
  int64_t rows = cols ? out.size() / cols : 0;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < cols; ++j)
      for (int64_t k = 0; k < n; ++k)
        out.data[i * cols + j] += a.data[i * n + k] * b.data[k * cols + j];
  set(op.getResult(), std::move(out));
  return true;
}

bool Example::join(rnn::JoinOp op) {
  const Array &a = get(op.getLhs()), &b = get(op.getRhs());
  Array out(shapeOf(op.getResult().getType()));
  int64_t n = a.shape.back(), m = b.shape.back();
  for (int64_t i = 0; i < out.size(); ++i) {
    int64_t outer = i / (n + m), inner = i % (n + m);
    out.data[i] =
        inner < n ? a.data[outer * n + inner] : b.data[outer * m + inner - n];
  }
  set(op.getResult(), std::move(out));
  return true;
}

bool Example::reduceLast(rnn::ReduceLastOp op) {
  const Array &x = get(op.getValue());
  Array out(shapeOf(op.getResult().getType()));
  int64_t room = x.shape.back();
  std::vector<int64_t> valid = lastLengths(op.getValue().getType(), x.shape);
  for (int64_t i = 0; i < int64_t(valid.size()); ++i) {
    const double *in = x.data.data() + i * room;
    int64_t n = valid[i];
    double sum = 0, squares = 0;
    for (int64_t k = 0; k < n; ++k)
      sum += in[k];
    double mean = n ? sum / n : 0;
    for (int64_t k = 0; k < n; ++k)
      squares += (in[k] - mean) * (in[k] - mean);
    switch (op.getKind()) {
    case rnn::ReduceKind::Sum:
      out.data[i] = sum;
      break;
    case rnn::ReduceKind::Mean:
      out.data[i] = mean;
      break;
    case rnn::ReduceKind::LogSumExp:
      out.data[i] = logSumExp(in, n);
      break;
    case rnn::ReduceKind::Softmax:
      for (int64_t k = 0; k < n; ++k)
        out.data[i * room + k] = std::exp(in[k] - logSumExp(in, n));
      break;
    case rnn::ReduceKind::LayerNorm:
      for (int64_t k = 0; k < n; ++k)
        out.data[i * room + k] =
            (in[k] - mean) /
            std::sqrt(squares / n + op.getEps().convertToDouble());
      break;
    }
  }
  set(op.getResult(), std::move(out));
  return true;
}

bool Example::sequence(rnn::SequenceOp op) {
  const Array &x = get(op.getValue());
  Array out(shapeOf(op.getResult().getType()));
  int64_t n = x.shape[0];
  switch (op.getKind()) {
  case rnn::SequenceKind::First:
    if (n)
      out = entry(x, 0);
    break;
  case rnn::SequenceKind::Last:
    if (n)
      out = entry(x, n - 1);
    break;
  case rnn::SequenceKind::Reverse:
    for (int64_t i = 0; i < n; ++i)
      setEntry(out, i, entry(x, n - 1 - i));
    break;
  case rnn::SequenceKind::Shift:
    for (int64_t i = 0; i < n; ++i)
      setEntry(out, i, i ? entry(x, i - 1) : get(op.getFill()));
    break;
  case rnn::SequenceKind::CumSum: {
    int64_t rest = volume(dropFront(x.shape));
    for (int64_t i = 0; i < x.size(); ++i)
      out.data[i] = x.data[i] + (i < rest ? 0 : out.data[i - rest]);
    break;
  }
  }
  set(op.getResult(), std::move(out));
  return true;
}

/// The same value as when nothing was moved.
Array Example::heldStill(Array value) {
  if (!options.stopped)
    return value;
  size_t place = stopCount++;
  if (place < options.stopped->size())
    return (*options.stopped)[place];
  options.stopped->push_back(value);
  return value;
}

bool Example::stop(rnn::StopOp op) {
  set(op.getResult(), heldStill(get(op.getValue())));
  return true;
}

/// Calls `use` with the step and the element that number each entry's draws.
void Example::forEachDraw(
    rnn::ValueType type, const Shape &shape, rnn::AxisAttr tied,
    llvm::function_ref<void(int64_t, int64_t, int64_t)> use) {
  // The step is that of the innermost recurrence or binder along time, else the
  // position along the value's first time axis. All else counts the elements:
  // other time axes, binders around, and the value's fixed axes, in this order.
  std::optional<int64_t> step;
  for (const Frame &frame : llvm::reverse(frames))
    if (frame.isStep && frame.axis != tied) {
      step = frame.index;
      break;
    }
  ArrayRef<rnn::AxisAttr> axes = type.getAxes();
  int64_t i = 0;
  forEachIndex(shape, [&](const Shape &index) {
    std::optional<int64_t> at = step;
    int64_t element = 0;
    auto add = [&](rnn::AxisAttr axis, int64_t place) {
      if (axis != tied)
        element = element * sizeOf(axis) + place;
    };
    for (auto [axis, place] : llvm::zip(axes, index))
      if (axis.isTime() && axis != tied && !at)
        at = place;
      else if (axis.isTime())
        add(axis, place);
    for (const Frame &frame : frames)
      if (!frame.isStep)
        add(frame.axis, frame.index);
    for (auto [axis, place] : llvm::zip(axes, index))
      if (!axis.isTime())
        add(axis, place);
    use(i++, at.value_or(0), element);
  });
}

bool Example::dropout(rnn::DropoutOp op) {
  Array out = get(op.getValue());
  double p = op.getP().convertToDouble();
  if (options.dropout && p > 0)
    forEachDraw(op.getType(), out.shape, op.getTiedAttr(),
                [&](int64_t i, int64_t step, int64_t element) {
                  double u = uniform(options.seed, update, op.getSite(), row,
                                     step, element);
                  double &x = out.data[i];
                  x = u >= p ? x * (1 / (1 - p)) : 0;
                });
  set(op.getResult(), std::move(out));
  return true;
}

bool Example::noise(rnn::NoiseOp op) {
  Array out = get(op.getValue());
  const Array &a = get(op.getA()), &b = get(op.getB());
  auto draw = [&](int64_t site, int64_t step, int64_t element) {
    return uniform(options.seed, update, site, row, step, element);
  };
  if (options.dropout || inSample)
    forEachDraw(op.getType(), out.shape, op.getTiedAttr(),
                [&](int64_t i, int64_t step, int64_t element) {
                  double first = a.data[i % a.size()],
                         second = b.data[i % b.size()];
                  double u = draw(op.getSite(), step, element);
                  if (op.getKind() == rnn::NoiseKind::Uniform) {
                    out.data[i] += first + (second - first) * u;
                    return;
                  }
                  // Box and Muller's transform.
                  double v = draw(op.getSite() + 1, step, element);
                  out.data[i] += first + second *
                                             std::sqrt(-2 * std::log(1 - u)) *
                                             std::cos(2 * M_PI * v);
                });
  set(op.getResult(), std::move(out));
  return true;
}
