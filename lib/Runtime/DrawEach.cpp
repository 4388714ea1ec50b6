// DrawEach.cpp: draws of outputs that nothing is fed back from.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The entry gives the mode of each output, and behind it probabilities or
// scales; of a distribution of the model's own it gives a draw. Then the modes
// become draws, one after the other on the thread that calls: so they are the
// same for any number of threads.
#include "Draw.h"

#include <math.h>

namespace rnnc::rt {

static SymbolChoice eachChoice(const Call &call) {
  SymbolChoice choice;
  for (int32_t i = 0; i < call.f->numArgs; ++i)
    if (call.f->args[i].role == RoleOption)
      readChoice(call, i, choice);
  return choice;
}

int32_t checkDrawEach(const Call &call) {
  return checkChoice(call, eachChoice(call));
}

namespace {

struct EachPlan {
  void **args;
  double *weight;
  int32_t *list;
};

/// Where an entry of an output stands: its numbers do not depend on how far the
/// batch is padded.
struct DrawnEntry {
  int64_t row, step, entry;
};

} // namespace

/// How many symbols an output is drawn from: places of a time axis are as many
/// as the batch has; 0: it has none. Its probabilities are the result behind.
static int32_t symbolsOf(const Call &call, const FunctionDesc &function,
                         int32_t output) {
  if (function.args[output].drawn - 1 != DrawCategorical)
    return 0;
  const ArgDesc &behind = function.args[output + 1];
  return int32_t(extent(call, behind.shape[behind.rank - 1]));
}

static EachPlan placeEach(Call &call, Bump &bump) {
  EachPlan plan;
  placePanels(call, bump);
  int32_t most = 0;
  for (int32_t i = 0; i + 1 < call.f->numArgs; ++i) {
    int32_t own = symbolsOf(call, *call.f, i);
    most = own > most ? own : most;
  }
  size_t symbols = size_t(most) + 1;
  plan.weight = static_cast<double *>(bump.take(symbols * 8));
  plan.list = static_cast<int32_t *>(bump.take(symbols * 4));
  plan.args = bindEntry(call, *call.f->entry, bump);
  return plan;
}

/// The steps of the first time axis are counted; those of a second one, then
/// all other axes count entries.
static DrawnEntry placeOf(const Call &call, const ArgDesc &arg, int64_t i) {
  DrawnEntry place = {0, 0, 0};
  int64_t entries = 1, first = 0, second = 0;
  bool hasFirst = false, hasSecond = false;
  for (int32_t k = arg.rank - 1; k > 0; --k) {
    int64_t size = extent(call, arg.shape[k]), at = i % size;
    i /= size;
    if (arg.shape[k] > kTime) {
      place.entry += at * entries;
      entries *= size;
      continue;
    }
    hasSecond = hasFirst;
    second = first;
    hasFirst = true;
    first = at;
  }
  place.row = i;
  place.step = first;
  if (hasSecond)
    place.entry += second * entries;
  return place;
}

/// The place of an argument of the call among those of its entry.
static void *resultOf(const Call &call, void **args, int32_t user) {
  const EntryDesc &entry = *call.f->entry;
  for (int32_t i = 0; i < entry.numArgs; ++i)
    if (entry.args[i].source == SrcUser && entry.args[i].index == user)
      return args[i];
  return nullptr;
}

/// An output's modes become draws; its probabilities or scales are `more`. What
/// has no probability is not drawn, be it that `never` names the only symbol
/// that has one, or that a row has no place: the mode stays.
static void drawOutput(Call &call, const EachPlan &plan,
                       const SymbolChoice &choice, const ArgDesc &arg,
                       uint32_t site, void *values, const void *more) {
  int32_t kind = arg.drawn - 1;
  int64_t count = call.batch;
  for (int32_t k = 1; k < arg.rank; ++k)
    count *= extent(call, arg.shape[k]);
  for (int64_t i = 0; i < count; ++i) {
    DrawnEntry at = placeOf(call, arg, i);
    double u[2];
    uniforms(call, site, at.row, at.step, at.entry, u);
    if (kind == DrawCategorical) {
      int32_t symbol =
          drawSymbol(call, choice, i, u[0], plan.weight, plan.list);
      if (symbol < call.f->symbols && probability(call, i, symbol) > 0)
        static_cast<int32_t *>(values)[i] = symbol;
      continue;
    }
    if (choice.temperature <= 0)
      continue;
    if (kind == DrawBernoulli) {
      static_cast<int32_t *>(values)[i] =
          drawBit(realAt(more, i), choice.temperature, u[0]);
      continue;
    }
    double value = realAt(values, i) +
                   choice.temperature * realAt(more, i) * distance(kind, u);
    if (arg.dtype == F64)
      static_cast<double *>(values)[i] = value;
    else
      static_cast<float *>(values)[i] = float(value);
  }
}

void planDrawEach(Call &call, Bump &bump) {
  EachPlan plan = placeEach(call, bump);
  runEntry(call, *call.f->entry, plan.args, bump);
}

int32_t runDrawEach(Call &call, Bump &bump) {
  EachPlan plan = placeEach(call, bump);
  runEntry(call, *call.f->entry, plan.args, bump);
  if (call.run.failed)
    return failDevice(call);
  SymbolChoice choice = eachChoice(call);
  const FunctionDesc *function = call.f;
  uint32_t site = kDrawSite;
  for (int32_t i = 0; i + 1 < function->numArgs; ++i) {
    const ArgDesc &arg = function->args[i];
    if (arg.drawn == 0)
      continue;
    if (arg.drawn > 1 + DrawLaplace) { // the entry has drawn it
      --site;
      continue;
    }
    void *values = resultOf(call, plan.args, i);
    void *more = resultOf(call, plan.args, i + 1);
    // As one that draws this output alone.
    FunctionDesc own = *function;
    own.symbols = symbolsOf(call, *function, i);
    call.f = &own;
    call.probabilities = more;
    drawOutput(call, plan, choice, arg, site--, values, more);
    call.f = function;
  }
  return RNNC_OK;
}

} // namespace rnnc::rt
