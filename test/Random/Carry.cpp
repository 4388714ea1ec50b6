// Carry.cpp: chunks of sequences, each going on from the one before.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Agree.h"

using namespace rnnc;
using namespace rnnc::agree;
using training::ArgInfo;
using training::Dim;
using training::FunctionInfo;

/// The steps from `begin` on, up to `end`, along dimension `d`.
static interp::Array stepsOf(const interp::Array &all, size_t d, int64_t begin,
                             int64_t end) {
  std::vector<int64_t> shape = all.shape;
  shape[d] = end - begin;
  interp::Array part(shape);
  int64_t outer = 1, inner = 1;
  for (size_t k = 0; k < shape.size(); ++k)
    (k < d ? outer : inner) *= k == d ? 1 : shape[k];
  auto to = part.data.begin();
  for (int64_t i = 0; i < outer; ++i)
    to = std::copy_n(all.data.begin() + (i * all.shape[d] + begin) * inner,
                     (end - begin) * inner, to);
  return part;
}

/// What a function reads of these steps of each row.
static Case partOf(const Case &one, const FunctionInfo &info,
                   const std::string &time, int64_t begin, int64_t end) {
  Case part = one;
  part.padded[time] = end - begin;
  for (const ArgInfo &arg : info.args) {
    auto given = part.args.find(arg.name);
    if (arg.isOutput() || given == part.args.end())
      continue;
    for (size_t d = 0; d < arg.shape.size(); ++d)
      if (arg.shape[d].kind == Dim::Kind::Time)
        given->second = stepsOf(given->second, d, begin, end);
  }
  if (auto lengths = part.args.find(time); lengths != part.args.end())
    for (double &length : lengths->second.data)
      length = std::clamp(length - double(begin), 0.0, double(end - begin));
  return part;
}

/// Whether something is said of a sequence that means another thing in a part
/// of it: a place, or that it has a step.
static bool needsWhole(const Subject &subject) {
  for (const auto &module : subject.library->manifest().json["modules"])
    if (module["name"] == subject.info().name && module.contains("nonempty") &&
        !module["nonempty"].empty())
      return true;
  rnn::ModuleOp module = subject.module;
  for (mlir::Operation &op : module.getBody().front())
    for (mlir::Type type : op.getResultTypes())
      if (auto value = llvm::dyn_cast<rnn::ValueType>(type))
        if (value.isIndex() && value.getIndexAxis().isTime())
          return true;
  return false;
}

/// The last true element of each row that has one.
static interp::Array lastOf(const Case &one, const std::string &time,
                            const interp::Array &sequence) {
  interp::Array last({one.batch});
  auto lengths = one.args.find(time);
  for (int64_t row = 0; row < one.batch; ++row) {
    int64_t length = lengths == one.args.end()
                         ? sequence.shape[1]
                         : int64_t(lengths->second.data[size_t(row)]);
    if (length > 0)
      last.data[size_t(row)] =
          sequence.data[size_t(row * sequence.shape[1] + length - 1)];
  }
  return last;
}

/// The second of two chunks goes on from the first one, or begins if it is told
/// to.
void Checker::checkCarry(const Case &whole) {
  int place = subject.info().find("loss");
  const std::vector<std::string> &times = subject.info().times;
  if (!subject.info().carry || place < 0 || times.size() != 1 ||
      needsWhole(subject))
    return;
  const std::string &time = times.front();
  const FunctionInfo &info = subject.info().functions[size_t(place)];
  int64_t steps = whole.padded.at(time);
  if (steps < 2 || whole.batch == 0)
    return;
  // A row without a step has not begun: the library begins it in the second
  // chunk, and first states that are learned have its gradient.
  auto lengths = whole.args.find(time);
  bool allBegin = lengths == whole.args.end() ||
                  !llvm::is_contained(lengths->second.data, 0.0);
  Case head = partOf(whole, info, time, 0, steps / 2);
  Case tail = partOf(whole, info, time, steps / 2, steps);
  tail.name += ", second chunk";
  tail.before = std::make_shared<Case>(head);
  Case anew = tail;
  anew.name += " that begins";
  anew.args["reset"] = interp::Array({whole.batch}, 1);

  interp::RunOptions options = runOptions("loss", head, false);
  options.carries = true;
  std::string error;
  auto after =
      interp::run(subject.module, argumentsOf("loss", head), options, error);
  if (!after)
    return differs("loss", head, "the interpreter fails: " + error);
  for (auto &[name, array] : *after)
    if (name.rfind("state.", 0) == 0)
      tail.args[name] = array;
  for (const training::PortInfo &port : subject.info().ports)
    if (port.unfold)
      tail.args["prev"] = lastOf(head, time, head.args.at(port.name));
  for (const char *function : {"loss", "grad"})
    if (subject.info().find(function) >= 0) {
      if (allBegin || std::string_view(function) == "loss")
        checkValues(function, tail);
      checkValues(function, anew);
    }
}
