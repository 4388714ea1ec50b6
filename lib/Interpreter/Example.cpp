// Example.cpp - declarations, binders and recurrences of the rnn level.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Example.h"

#include "rnnc/Dialect/RNN/Needed.h"

#include "rnnc/Dialect/RNN/Transforms/FeedGrowth.h"

#include "llvm/ADT/TypeSwitch.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

using namespace mlir;
using namespace rnnc;
using namespace rnnc::interp;

bool Example::fail(Operation &op, std::string text) {
  if (message.empty())
    message = op.getName().getStringRef().str() + ": " + std::move(text);
  return false;
}

int64_t Example::sizeOf(rnn::AxisAttr axis) {
  return lengths.lengthOf(axis, [&](rnn::AxisAttr around) {
    std::optional<int64_t> place;
    for (const Frame &frame : frames)
      if (frame.axis == around)
        place = frame.index;
    return place;
  });
}

Shape Example::shapeOf(rnn::ValueType type) {
  Shape shape;
  for (auto [i, axis] : llvm::enumerate(type.getAxes())) {
    // With an axis around it left of it, there is room for all.
    ArrayRef<rnn::AxisAttr> left = type.getAxes().take_front(i);
    bool isWhole =
        llvm::any_of(lengths.nesting.around(axis), [&](rnn::AxisAttr around) {
          return llvm::is_contained(left, around);
        });
    shape.push_back(isWhole ? lengths.roomFor(axis) : sizeOf(axis));
  }
  return shape;
}

/// The nearest number with so many bits behind its first one, and this one.
static double rounded(double x, unsigned bits) {
  int exponent = 0;
  double fraction = std::frexp(x, &exponent); // infinite, not a number: itself
  return std::ldexp(std::nearbyint(std::ldexp(fraction, int(bits))),
                    exponent - int(bits));
}

void Example::set(Value value, Array array) {
  auto type = dyn_cast<rnn::ValueType>(value.getType());
  if (options.mantissaBits && type && type.getKind() == rnn::ValueKind::Real)
    for (double &x : array.data)
      x = rounded(x, options.mantissaBits);
  values[value] = std::move(array);
}

Array Example::element(const Array &array, int64_t i, Value like) {
  return cropped(entry(array, i),
                 shapeOf(cast<rnn::ValueType>(like.getType())));
}

std::vector<int64_t> Example::lastLengths(rnn::ValueType type,
                                          const Shape &shape) {
  std::vector<int64_t> counts;
  rnn::AxisAttr last = type.getAxes().back();
  bool ragged = !lengths.nesting.around(last).empty();
  forEachIndex(Shape(shape.begin(), shape.end() - 1), [&](const Shape &row) {
    Shape index = row;
    int64_t n = shape.back();
    for (index.push_back(n - 1);
         ragged && index.back() >= 0 && !lengths.isValid(type.getAxes(), index);
         --index.back())
      --n;
    counts.push_back(n);
  });
  return counts;
}

/// What leads to the results of a model alone, which only `beam` gives.
static llvm::DenseSet<Operation *> searchOps(rnn::ModuleOp module) {
  llvm::DenseSet<Operation *> ops;
  if (module.getKind() != "model")
    return ops;
  Block &body = module.getBody().front();
  for (Operation &op : llvm::reverse(body)) {
    bool isLeft =
        isa<rnn::ResultOp>(op) ||
        (!op.use_empty() && llvm::all_of(op.getUsers(), [&](Operation *user) {
          return ops.contains(body.findAncestorOpInBlock(*user));
        }));
    if (isLeft)
      ops.insert(&op);
  }
  return ops;
}

/// What only a loss reads is no part of a step, and may read what a step has
/// not.
static void leaveLosses(rnn::ModuleOp module,
                        llvm::DenseSet<Operation *> &left) {
  auto needed = rnn::neededFor(module, rnn::rootsOfStep(module));
  for (Operation &op : module.getBody().front())
    if (isa<rnn::LossOp>(op) ||
        (op.getNumResults() != 0 && !needed.contains(&op) &&
         !isa<rnn::ParamOp, rnn::InputOp, rnn::OutputOp>(op)))
      left.insert(&op);
}

bool Example::run(rnn::ModuleOp module, ExampleResult &out) {
  result = &out;
  for (auto &[weights, look] : looks)
    result->outputs[look->name] = Array(shapeOf(look->type));
  // With `carry` a call gets one segment.
  auto bptt = module.getTrain().getAs<DictionaryAttr>("bptt");
  auto steps = bptt ? bptt.getAs<IntegerAttr>("steps") : IntegerAttr();
  auto carry = bptt ? bptt.getAs<BoolAttr>("carry") : BoolAttr();
  if (steps && !(carry && carry.getValue()))
    period = steps.getInt();
  // What a search needs is not computed in each difference of a loss.
  llvm::DenseSet<Operation *> left;
  if (options.function != "beam")
    left = searchOps(module);
  if (goesOn() && !options.carries && module.getKind() == "model")
    leaveLosses(module, left);
  for (Operation &op : module.getBody().front())
    if (!left.contains(&op)) {
      if (!evaluate(op))
        return false;
      lookAt(op);
    }
  return true;
}

bool Example::evaluateBlock(Block &block) {
  for (Operation &op : block) {
    if (isa<rnn::YieldOp>(op))
      continue;
    if (!evaluate(op))
      return false;
    lookAt(op);
  }
  return true;
}

bool Example::evaluate(Operation &op) {
  // What depends on data that was not given is left out: `predict` has none.
  bool lacks = false;
  if (!missing.empty())
    op.walk([&](Operation *inner) {
      for (Value value : inner->getOperands())
        lacks |= missing.count(value);
    });
  if (lacks && !isa<rnn::ObserveOp>(op)) {
    for (Value value : op.getResults())
      missing.insert(value);
    return true;
  }
  return TypeSwitch<Operation *, bool>(&op)
      .Case<rnn::ParamOp, rnn::InputOp, rnn::OutputOp, rnn::FirstStateOp,
            rnn::ResultOp, rnn::FinalStateOp, rnn::LossOp, rnn::ConstantOp>(
          [&](auto) { return declaration(op); })
      .Case([&](rnn::ObserveOp observed) { return observe(observed); })
      .Case([&](rnn::BindOp bound) { return bind(bound); })
      .Case([&](rnn::ScanOp scanned) { return scan(scanned); })
      .Case([&](rnn::UnfoldOp unfold) { // the rest where it is observed
        auto observe = cast<rnn::ObserveOp>(*unfold.getResult().user_begin());
        if (!isStep() && missing.count(observe.getData()))
          missing.insert(unfold.result_begin(), unfold.result_end());
        return true;
      })
      .Case<rnn::DistOp, rnn::LawOp>([&](auto dist) {
        Dist &value = dists[dist.getResult()];
        value.op = dist;
        value.args.clear();
        for (Value arg : dist.getArgs())
          value.args.push_back(get(arg));
        return true;
      })
      .Case<rnn::UnaryOp, rnn::BinaryOp, rnn::CompareOp, rnn::SelectOp,
            rnn::LogicOp, rnn::NotOp, rnn::ClampOp, rnn::ToRealOp,
            rnn::ClipGradOp>([&](auto) { return elementwise(op); })
      .Default([&](Operation *) { return alongAxes(op); });
}

bool Example::declaration(Operation &op) {
  auto named = [&](StringRef name, Value value) {
    auto it = given.find(name.str());
    if (it == given.end())
      return false;
    set(value, it->second);
    return true;
  };
  if (auto param = dyn_cast<rnn::ParamOp>(op))
    return named(param.getName(), param.getResult()) ||
           fail(op,
                "the parameter `" + param.getName().str() + "` is not given");
  if (auto input = dyn_cast<rnn::InputOp>(op)) {
    if (named(input.getName(), input.getResult()))
      return true;
    // An unfold, which is all that `sample` runs, does not read it.
    if (options.function == "sample")
      return missing.insert(input.getResult()).second;
    return fail(op, "the input `" + input.getName().str() + "` is not given");
  }
  if (auto output = dyn_cast<rnn::OutputOp>(op)) {
    if (!named(output.getName(), output.getResult()))
      missing.insert(output.getResult());
    return true;
  }
  if (auto first = dyn_cast<rnn::FirstStateOp>(op)) {
    if (!named(first.getName(), first.getResult()))
      set(first.getResult(), get(first.getValue()));
    return true;
  }
  if (auto out = dyn_cast<rnn::ResultOp>(op)) {
    result->outputs[out.getName().str()] = get(out.getValue());
    return true;
  }
  if (auto state = dyn_cast<rnn::FinalStateOp>(op)) {
    result->outputs["state." + state.getName().str()] = get(state.getValue());
    return true;
  }
  if (auto loss = dyn_cast<rnn::LossOp>(op)) {
    result->loss += get(loss.getValue()).data[0];
    return true;
  }
  auto constant = cast<rnn::ConstantOp>(op);
  set(constant.getResult(), Array(shapeOf(constant.getResult().getType()),
                                  constant.getValue().convertToDouble()));
  return true;
}

//===----------------------------------------------------------------------===//
// Binders and recurrences
//===----------------------------------------------------------------------===//

/// One entry of all bodies made one number.
static double combine(rnn::BindKind kind, const std::vector<double> &column) {
  auto fold = [&](double first, auto merge) {
    for (double x : column)
      first = merge(first, x);
    return first;
  };
  double infinity = std::numeric_limits<double>::infinity();
  switch (kind) {
  case rnn::BindKind::Mean:
    return fold(0, [&](double a, double x) { return a + x / column.size(); });
  case rnn::BindKind::Max:
    return fold(-infinity, [](double a, double x) {
      return std::isnan(x) || x > a ? x : a;
    });
  case rnn::BindKind::Min:
    return fold(infinity, [](double a, double x) {
      return std::isnan(x) || x < a ? x : a;
    });
  case rnn::BindKind::Prod:
    return fold(1, [](double a, double x) { return a * x; });
  case rnn::BindKind::LogSumExp:
    return logSumExp(column.data(), column.size());
  case rnn::BindKind::ArgMax:
    return double(argMax(column.data(), column.size()));
  default:
    return fold(0, [](double a, double x) { return a + x; });
  }
}

bool Example::bind(rnn::BindOp op) {
  int64_t count = sizeOf(op.getAxis());
  rnn::BindKind kind = op.getKind();
  if (kind == rnn::BindKind::ArgMax && !count)
    return fail(*op, "nothing to choose from");
  std::vector<Array> bodies;
  frames.push_back({op.getAxis(), 0, op.getAxis().isTime()});
  for (int64_t i = 0; i < count; ++i) {
    frames.back().index = i;
    set(op.getIndex(), Array::scalar(double(i)));
    if (!evaluateBlock(op.getBody().front()))
      return false;
    bodies.push_back(get(op.getYielded()));
  }
  frames.pop_back();
  Array out(shapeOf(op.getResult().getType()));
  auto column = [&](int64_t entry) {
    std::vector<double> numbers;
    for (const Array &body : bodies)
      numbers.push_back(body.data[entry]);
    return numbers;
  };
  if (kind == rnn::BindKind::For) {
    for (int64_t i = 0; i < count; ++i)
      setEntry(out, i, bodies[i]);
  } else if (kind == rnn::BindKind::Softmax) {
    out.data = column(0);
    double norm = logSumExp(out.data.data(), count);
    for (double &x : out.data)
      x = std::exp(x - norm);
  } else {
    for (int64_t i = 0; i < out.size(); ++i)
      out.data[i] = combine(kind, column(i));
  }
  set(op.getResult(), std::move(out));
  return true;
}

/// In `step` and `predict_chunk` a recurrence over time goes on from the states
/// given.
std::vector<Array> Example::firstStates(ValueRange init, ArrayAttr names,
                                        rnn::AxisAttr axis) {
  std::vector<Array> states;
  for (auto [first, name] :
       llvm::zip_equal(init, names.getAsRange<StringAttr>())) {
    auto it = given.find("state." + name.getValue().str());
    bool isGiven = goesOn() && axis.isTime() && !inLaw && it != given.end();
    states.push_back(isGiven ? it->second : get(first));
  }
  return states;
}

void Example::giveStates(ArrayAttr names, const std::vector<Array> &states,
                         rnn::AxisAttr axis) {
  if (!goesOn() || !axis.isTime() || inLaw)
    return;
  for (auto [name, state] :
       llvm::zip_equal(names.getAsRange<StringAttr>(), states))
    result->outputs["state." + name.getValue().str()] = state;
}

/// Where `bptt` ends a segment differences do not pass.
void Example::cut(std::vector<Array> &states, int64_t step) {
  if (period > 0 && step > 0 && step % period == 0 && !inLaw)
    for (Array &state : states)
      state = heldStill(std::move(state));
}

/// One step of a recurrence.
template <typename OpTy>
bool Example::advance(OpTy op, std::vector<Array> &states) {
  for (auto [state, arg] : llvm::zip_equal(states, op.getStateArgs()))
    set(arg, state);
  if (!evaluateBlock(op.getBody().front()))
    return false;
  for (auto [i, next] : llvm::enumerate(op.getYield().getNext()))
    states[i] = nextState(op, i, next);
  return true;
}

template bool Example::advance(rnn::UnfoldOp, std::vector<Array> &);

bool Example::scan(rnn::ScanOp op) {
  int64_t count = sizeOf(op.getAxis());
  bool isTime = op.getAxis().isTime(), back = op.getReverse();
  std::vector<Array> states =
      firstStates(op.getInit(), op.getStates(), op.getAxis());
  std::vector<Array> outs;
  for (Value out : op.getOuts())
    outs.emplace_back(shapeOf(cast<rnn::ValueType>(out.getType())));
  frames.push_back({op.getAxis(), 0, true});
  for (int64_t i = 0; i < count; ++i) {
    int64_t t = back ? count - 1 - i : i;
    frames.back().index = t;
    if (isTime && !back)
      cut(states, t);
    for (auto [xs, x] : llvm::zip(op.getOver(), op.getElements()))
      set(x, element(get(xs), t, x));
    if (!advance(op, states))
      return false;
    if (isTime && back)
      cut(states, t);
    for (auto [out, value] : llvm::zip(outs, op.getYield().getOut()))
      setEntry(out, t, get(value));
  }
  frames.pop_back();
  giveStates(op.getStates(), states, op.getAxis());
  for (auto [value, out] : llvm::zip(op.getOuts(), outs))
    set(value, out);
  for (auto [value, state] : llvm::zip(op.getFinals(), states))
    set(value, state);
  return true;
}

//===----------------------------------------------------------------------===//
// Distributions
//===----------------------------------------------------------------------===//

/// A part of a law: `logp` of the data, or the mode.
bool Example::lawPart(const Dist &dist, Region &part, const Array *data,
                      Array &value) {
  Block &block = part.front();
  // First, since `data` may be one of the values, which move as their table
  // grows.
  if (data)
    set(block.getArguments().back(), *data);
  for (auto [argument, array] : llvm::zip(block.getArguments(), dist.args))
    set(argument, array);
  bool outside = std::exchange(inLaw, true);
  bool ok = evaluateBlock(block);
  inLaw = outside;
  if (ok)
    value = get(rnn::LawOp::yielded(part));
  return ok;
}

/// -log p of each draw.
Array Example::nll(const Dist &dist, const Array &data, bool &ok) {
  auto law = dyn_cast<rnn::LawOp>(dist.op);
  if (!law)
    return nll(cast<rnn::DistOp>(dist.op), dist, data, ok);
  Array out;
  ok = lawPart(dist, law.getLogp(), &data, out);
  for (double &x : out.data)
    x = -x;
  return out;
}

Array Example::nll(rnn::DistOp op, const Dist &dist, const Array &data,
                   bool &ok) {
  Array out(data.shape);
  const Array &first = dist.args[0];
  if (op.getKind() == rnn::DistKind::Categorical) {
    int64_t n = first.shape.back();
    double smooth = op.getSmooth().convertToDouble();
    for (int64_t i = 0; i < out.size(); ++i) {
      const double *scores = first.data.data() + i * n;
      int64_t y = int64_t(data.data[i]);
      if (y < 0 || y >= n) {
        ok = fail(*op, "the index " + std::to_string(y) + " is no symbol");
        return out;
      }
      double mean = 0;
      for (int64_t k = 0; k < n; ++k)
        mean += scores[k] / n;
      out.data[i] = logSumExp(scores, n) - (1 - smooth) * scores[y] -
                    (smooth ? smooth * mean : 0);
    }
    return out;
  }
  for (int64_t i = 0; i < out.size(); ++i) {
    double a = first.data[i % first.size()], y = data.data[i];
    if (op.getKind() == rnn::DistKind::Bernoulli) {
      out.data[i] = softplus(y != 0 ? -a : a);
      continue;
    }
    double scale = dist.args[1].data[i % dist.args[1].size()];
    double z = (y - a) / scale;
    if (op.getKind() == rnn::DistKind::Laplace)
      out.data[i] = std::fabs(z) + std::log(2 * scale);
    else
      out.data[i] = 0.5 * z * z + std::log(scale) + 0.5 * std::log(2 * M_PI);
  }
  return out;
}

/// With which probability a step reads a draw after `n` batches.
static double shareAfter(const rnn::FeedGrowth &growth, double n) {
  switch (growth.kind) {
  case rnn::FeedGrowth::Kind::Linear:
    return growth.to *
           std::clamp((n - growth.after) / (growth.until - growth.after), 0.0,
                      1.0);
  case rnn::FeedGrowth::Kind::Exponential:
    return 1 - std::pow(growth.k, n);
  case rnn::FeedGrowth::Kind::Sigmoid:
    return 1 - growth.k / (growth.k + std::exp(n / growth.k));
  }
  llvm_unreachable("all kinds are handled");
}

/// What an unfold reads before anything is drawn.
Array Example::firstElement(rnn::UnfoldOp op) {
  return op.getFirst() ? get(op.getFirst())
                       : Array::scalar(double(op.getStart().value_or(0)));
}

/// What the first step reads of the data: a chunk that goes on was told the
/// last element of the one before. Such models have one unfold.
Array Example::firstTrue(rnn::UnfoldOp op) {
  auto before = given.find("prev");
  bool isGiven = options.carries && before != given.end();
  return isGiven ? before->second : firstElement(op);
}

bool Example::observeUnfold(rnn::UnfoldOp op, Array data, Observed &observed) {
  std::vector<Array> states =
      firstStates(op.getInit(), op.getStates(), op.getAxis());
  std::optional<rnn::SampledFeed> feed;
  if (options.dropout)
    feed = rnn::sampledFeed(op);
  if (std::optional<rnn::FeedGrowth> growth = rnn::feedGrowth(op);
      feed && growth)
    feed->p = shareAfter(*growth, update);
  Array drawn;
  frames.push_back({op.getAxis(), 0, true});
  for (int64_t t = 0; t < data.shape[0]; ++t) {
    frames.back().index = t;
    if (op.getAxis().isTime())
      cut(states, t);
    set(op.getPrevious(), feed && readsDraw(*feed, t) ? drawn
                          : t                         ? entry(data, t - 1)
                                                      : firstTrue(op));
    for (auto [xs, x] : llvm::zip(op.getOver(), op.getElements()))
      set(x, element(get(xs), t, x));
    if (!advance(op, states))
      return false;
    bool ok = true;
    const Dist &dist = dists[op.getYield().getOut().front()];
    Array cost = nll(dist, entry(data, t), ok);
    if (!ok)
      return false;
    if (feed) {
      auto type = cast<rnn::ValueType>(op.getPrevious().getType());
      if (!draw(dist, type, *feed, drawn))
        return false;
      drawn = heldStill(std::move(drawn));
    }
    bool isLast = t + 1 == data.shape[0];
    if (options.lossOf == LossOf::AllSteps ||
        (options.lossOf == LossOf::LastStep ? isLast : t == 0))
      for (double one : cost.data)
        observed.sum += one;
    // A step counts once, however many numbers it draws.
    observed.count += 1;
  }
  frames.pop_back();
  giveStates(op.getStates(), states, op.getAxis());
  for (auto [value, state] : llvm::zip(op.getFinals(), states))
    set(value, state);
  return true;
}

std::string rnnc::interp::previousName(rnn::ObserveOp observe) {
  unsigned unfolds = 0;
  for (Operation &op : *observe->getBlock())
    unfolds += isa<rnn::UnfoldOp>(op);
  return unfolds == 1 ? "prev" : "prev." + observe.getName().str();
}

/// One step: what was fed last comes in, the distribution of what follows and
/// the states go out.
bool Example::stepUnfold(rnn::ObserveOp op, rnn::UnfoldOp unfold) {
  std::vector<Array> states =
      firstStates(unfold.getInit(), unfold.getStates(), unfold.getAxis());
  auto fed = given.find(previousName(op));
  set(unfold.getPrevious(),
      fed != given.end() ? fed->second : firstElement(unfold));
  frames.push_back({unfold.getAxis(), 0, true});
  // The inputs of this step are all there is of theirs.
  for (auto [xs, x] : llvm::zip(unfold.getOver(), unfold.getElements()))
    set(x, entry(get(xs), 0));
  if (!advance(unfold, states))
    return false;
  frames.pop_back();
  giveStates(unfold.getStates(), states, unfold.getAxis());
  const Dist &dist = dists[unfold.getYield().getOut().front()];
  auto plain = dyn_cast<rnn::DistOp>(dist.op);
  return predict(op.getName().str(), dist, op.getData().getType().dropFront(),
                 !plain || plain.getKind() != rnn::DistKind::Categorical);
}

bool Example::observe(rnn::ObserveOp op) {
  Observed observed;
  bool hasData = !missing.count(op.getData());
  auto unfold = op.getDist().getDefiningOp<rnn::UnfoldOp>();
  if (unfold && isStep()) {
    if (!stepUnfold(op, unfold))
      return false;
  } else if (unfold && hasData) {
    if (!observeUnfold(unfold, get(op.getData()), observed))
      return false;
  } else if (unfold && options.function == "begin") {
    beginUnfold(op, unfold);
  } else if (unfold && drawn && !isLeftOut(unfold)) {
    if (!(drawn->width ? searchUnfold(op, unfold) : drawUnfold(op, unfold)))
      return false;
  } else if (!unfold && !missing.count(op.getDist())) {
    const Dist &dist = dists[op.getDist()];
    if (!predict(op.getName().str(), dist, op.getDist().getType().getValue(),
                 true))
      return false;
    // What is drawn has no data. Beside an unfold `sample` gives that one's.
    bool isAlone = op->getBlock()->getOps<rnn::UnfoldOp>().empty();
    if (drawn && options.function == "sample" && !hasData && isAlone &&
        !drawEach(op, dist, int64_t(result->observed.size())))
      return false;
    if (hasData) {
      bool ok = true;
      Array cost = nll(dist, get(op.getData()), ok);
      if (!ok)
        return false;
      auto type = op.getData().getType();
      auto costType = type;
      if (auto law = dyn_cast<rnn::LawOp>(dist.op))
        costType =
            cast<rnn::ValueType>(rnn::LawOp::yielded(law.getLogp()).getType());
      int64_t i = 0;
      forEachIndex(cost.shape, [&](const Shape &index) {
        double one = cost.data[i++];
        if (lengths.isValid(costType.getAxes(), index) &&
            isAtStep(costType.getAxes(), index))
          observed.sum += one;
      });
      observed.count = lengths.count(type.getAxes(), get(op.getData()).shape);
    }
  }
  result->observed.push_back(observed);
  return true;
}

bool Example::predict(const std::string &name, const Dist &dist,
                      rnn::ValueType type, bool givesMode) {
  auto law = dyn_cast<rnn::LawOp>(dist.op);
  if (!law) {
    predict(name, cast<rnn::DistOp>(dist.op), dist, type, givesMode);
    return true;
  }
  // What a loss does not give is not worth a search in each difference.
  bool isAsked =
      (goesOn() && !options.carries) || options.function == "predict";
  return !law.hasMode() || !isAsked ||
         lawPart(dist, law.getMode(), nullptr, result->outputs[name]);
}

/// The most probable value, and probabilities or scales.
void Example::predict(const std::string &name, rnn::DistOp distOp,
                      const Dist &dist, rnn::ValueType type, bool givesMode) {
  Array mode(shapeOf(type));
  Array more = mode;
  const Array &first = dist.args[0];
  if (distOp.getKind() == rnn::DistKind::Categorical) {
    int64_t n = first.shape.back();
    more = first;
    for (int64_t i = 0; i < mode.size(); ++i) {
      const double *scores = first.data.data() + i * n;
      double norm = logSumExp(scores, n);
      int64_t best = 0;
      for (int64_t k = 0; k < n; ++k) {
        more.data[i * n + k] = std::exp(scores[k] - norm);
        if (scores[k] > scores[best])
          best = k;
      }
      mode.data[i] = double(best);
    }
  } else {
    for (int64_t i = 0; i < mode.size(); ++i) {
      double a = first.data[i % first.size()];
      bool isBit = distOp.getKind() == rnn::DistKind::Bernoulli;
      mode.data[i] = isBit ? a > 0 : a;
      more.data[i] =
          isBit ? sigmoid(a) : dist.args[1].data[i % dist.args[1].size()];
    }
  }
  if (givesMode)
    result->outputs[name] = std::move(mode);
  result->outputs[name + ".p"] = std::move(more);
}
