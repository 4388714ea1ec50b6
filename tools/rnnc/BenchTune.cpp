// BenchTune.cpp: `rnnc bench --tune`: decisions that are better on this
// machine.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One decision after the other is tried a step up and a step down, as far as it
// helps. The library with it and the best one so far are measured in turns; a
// change is taken when every turn says that it is faster.

#include "BenchMeasure.h"
#include "CompileModel.h"
#include "rnnc/Data/Files.h"

#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cmath>
#include <fstream>

using namespace rnnc;
using namespace rnnc::tool;
using namespace rnnc::training;

namespace {
class Tuner {
public:
  explicit Tuner(const BenchOptions &options) : options(options) {}
  Status run();

private:
  using LibraryPtr = std::shared_ptr<Library>;

  Status findDecisions();
  bool isMeasured(const std::string &place) const;
  LibraryPtr build(const std::vector<PlannedDecision> &changed,
                   llvm::raw_ostream &messages);
  Result<double> time(LibraryPtr library);
  Result<double> ratio(LibraryPtr trial, int turns);
  Result<bool> tryValue(const PlannedDecision &decision, int64_t value);
  Status tryDecision(const PlannedDecision &decision);
  std::vector<PlannedDecision> with(const PlannedDecision &decision,
                                    int64_t value) const;
  static std::string text(const std::vector<PlannedDecision> &changed);
  Status write(double gain) const;

  const BenchOptions &options;
  CompileRequest request;
  TemporaryDirectory folder;
  std::vector<PlannedDecision> decisions, taken;
  LibraryPtr first, best;
  std::vector<BenchRow> rows;
  int trials = 0;
};
} // namespace

std::string Tuner::text(const std::vector<PlannedDecision> &changed) {
  std::string lines;
  for (const PlannedDecision &one : changed)
    lines += fmt::format("{}: {} = {}\n", one.place, one.name, one.value);
  return lines;
}

/// The library with some decisions changed; null if they do not go together.
Tuner::LibraryPtr Tuner::build(const std::vector<PlannedDecision> &changed,
                               llvm::raw_ostream &messages) {
  // A library of its own for each trial: one that is loaded stays as it is.
  std::string stem = std::filesystem::path(request.source).stem().string();
  std::string place = fmt::format("{}/{}", folder.path, trials++);
  std::error_code code;
  std::filesystem::create_directory(place, code);
  CompileRequest trial = request;
  trial.output = fmt::format("{}/lib{}.so", place, stem);
  if (!changed.empty()) {
    trial.schedule = place + "/schedule";
    std::ofstream(trial.schedule) << text(changed);
  }
  if (compile(trial, messages) != 0)
    return nullptr;
  Result<LibraryPtr> library = Library::open(trial.output, request.source);
  return library ? *library : nullptr;
}

/// The geometric mean of the rows' medians, in milliseconds.
Result<double> Tuner::time(LibraryPtr library) {
  double sum = 0;
  for (BenchRow row : rows) {
    Result<Timing> timing = measureRow(library, row, options);
    if (!timing)
      return dataError("{}: error: `{}`: {}", request.source, row.function,
                       timing.error().message);
    sum += std::log(timing->median);
  }
  return std::exp(sum / static_cast<double>(rows.size()));
}

/// Time of a trial over that of the best so far: the worst of some turns. The
/// first turn that is no gain is the last.
Result<double> Tuner::ratio(LibraryPtr trial, int turns) {
  double worst = 0;
  for (int turn = 0; turn != turns; ++turn) {
    Result<double> before = time(best);
    if (!before)
      return before.error();
    Result<double> now = time(trial);
    if (!now)
      return now.error();
    worst = std::max(worst, *now / *before);
    if (worst > 1 - options.within / 100)
      return worst;
  }
  return worst;
}

std::vector<PlannedDecision> Tuner::with(const PlannedDecision &decision,
                                         int64_t value) const {
  std::vector<PlannedDecision> changed = taken;
  auto same = [&](const PlannedDecision &one) {
    return one.place == decision.place && one.name == decision.name;
  };
  std::erase_if(changed, same);
  changed.push_back(decision);
  changed.back().value = value;
  return changed;
}

/// Takes a value if it is faster.
Result<bool> Tuner::tryValue(const PlannedDecision &decision, int64_t value) {
  if (value < decision.least || value > decision.most)
    return false;
  std::vector<PlannedDecision> changed = with(decision, value);
  LibraryPtr trial = build(changed, llvm::nulls());
  if (!trial)
    return false;
  constexpr int turns = 3;
  Result<double> found = ratio(trial, turns);
  if (!found)
    return found.error();
  if (*found > 1 - options.within / 100)
    return false;
  fmt::print("{}: {} {} instead of {}: {:.3f}x the time\n", decision.place,
             decision.name, value, decision.value, *found);
  std::fflush(stdout);
  best = trial;
  taken = std::move(changed);
  return true;
}

/// Small numbers go up and down by one, sizes by halves and doubles.
Status Tuner::tryDecision(const PlannedDecision &decision) {
  bool small = decision.most <= 64;
  for (bool up : {false, true})
    for (int64_t value = decision.value;;) {
      value = small ? value + (up ? 1 : -1) : up ? value * 2 : value / 2;
      Result<bool> faster = tryValue(decision, value);
      if (!faster)
        return faster.error();
      if (!*faster)
        break;
    }
  return {};
}

/// What is not measured is left as it is.
bool Tuner::isMeasured(const std::string &place) const {
  if (place == "module")
    return true;
  std::string function = place.substr(0, place.find('/'));
  return std::any_of(rows.begin(), rows.end(), [&](const BenchRow &row) {
    Result<Library::Place> found = first->find(row.function);
    if (!found)
      return false;
    const ModuleInfo &module = first->manifest().modules[found->module];
    return function ==
           module.name + "." + module.functions[found->function].name;
  });
}

Status Tuner::findDecisions() {
  std::vector<PlannedDecision> all;
  if (int code = planDecisions(request, all, llvm::errs()))
    return Error{"", code};
  for (const PlannedDecision &one : all)
    if (isMeasured(one.place) && one.value != one.most)
      decisions.push_back(one);
  return {};
}

Status Tuner::write(double gain) const {
  std::string functions;
  for (const BenchRow &row : rows)
    functions += fmt::format("\n#   {}, batch {}, length {}, {} thread{}",
                             row.function, row.batch, row.length, row.threads,
                             row.threads == 1 ? "" : "s");
  std::ofstream file(options.tune);
  file << fmt::format("# Found by `rnnc bench --tune`: {:.3f} of the time of "
                      "what rnnc chooses, over{}\n# For this machine: rnnc {} "
                      "-march=native --schedule=FILE\n{}",
                      gain, functions, request.source, text(taken));
  file.close();
  if (!file)
    return toolError("rnnc: error: `{}` cannot be written", options.tune);
  return {};
}

Status Tuner::run() {
  if (!std::string_view(options.model.model).ends_with(".rnn"))
    return usageError("rnnc: error: --tune compiles: it needs a .rnn source, "
                      "not `{}`",
                      options.model.model);
  if (options.json || !options.compare.empty())
    return usageError("rnnc: error: --tune writes a schedule; --json and "
                      "--compare are for times");
  if (Status status = data::keepInputs(options.tune, {options.model.model});
      !status)
    return status;
  Result<CompileRequest> made = requestFor(options.model);
  if (!made)
    return made.error();
  request = std::move(*made);
  request.allFunctions = false; // a schedule names what a library exports
  if (folder.path.empty())
    return toolError("rnnc: error: cannot make a temporary directory");
  first = best = build({}, llvm::errs());
  if (!first)
    return Error{"", ExitSourceError};
  rows = rowsOf(*first, options);
  for (const BenchRow &row : rows)
    if (Result<Library::Place> place = first->find(row.function); !place)
      return place.error();
  if (Status status = findDecisions(); !status)
    return status;
  fmt::print("{} decisions to try\n", decisions.size());
  std::fflush(stdout);
  for (const PlannedDecision &decision : decisions)
    if (Status status = tryDecision(decision); !status)
      return status;
  double gain = 1;
  if (!taken.empty()) { // all together, against where it began
    LibraryPtr tuned = std::exchange(best, first);
    Result<double> found = ratio(tuned, 1);
    if (!found)
      return found.error();
    gain = *found;
  }
  if (Status status = write(gain); !status)
    return status;
  fmt::print("{} changes, {:.3f}x the time: {}\n", taken.size(), gain,
             options.tune);
  return {};
}

Status tool::tune(const BenchOptions &options) { return Tuner(options).run(); }
