// Draw.cpp: drawing sequences that depend on inputs.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `begin` runs once: it gives what the steps read (SrcKept), the elements of
// the sequences after `over` (SrcStep), the first states and what is fed first.
// Each example has `paths` rows. `next` then runs for all rows, and what is
// drawn from its result is fed to the next step. All of it lies in the
// workspace; the same seed gives the same draws.
#include "Draw.h"

#include <math.h>
#include <string.h>

namespace rnnc::rt {

static size_t entrySize(const DrawDesc &d) {
  bool isReal = d.kind >= DrawNormal && d.kind <= DrawOwnReal;
  return isReal ? realSize() : 4;
}

int64_t stepsOf(const Call &call, int64_t row) {
  const DrawDesc &d = *call.f->draw;
  if (d.time < 0)
    return d.fixed;
  return d.given ? call.lengths[d.time][row] : call.times[d.time];
}

static int64_t longestOf(const Call &call) {
  const DrawDesc &d = *call.f->draw;
  return d.time < 0 ? d.fixed : call.times[d.time];
}

//===-- Places ----------------------------------------------------------===//

/// Places for what `begin` gives to the steps, as many rows as the call has.
static void placeKept(Call &call, Bump &bump) {
  const DrawDesc &d = *call.f->draw;
  auto **kept =
      static_cast<void **>(bump.take(size_t(d.numKept) * sizeof(void *) + 1));
  for (int32_t i = 0; i < d.begin->numArgs; ++i) {
    const EntryArgDesc &arg = d.begin->args[i];
    if (arg.source != SrcKept && arg.source != SrcFeed)
      continue;
    void *place = bump.take(bytesOf(call, arg.shape, arg.rank, arg.dtype));
    if (arg.source == SrcFeed)
      call.feed = static_cast<int32_t *>(place);
    else if (kept)
      kept[arg.index] = place;
  }
  call.kept = kept;
}

static void placeRowLengths(Call &call, const DrawPlan &plan, Bump &bump) {
  for (int32_t t = 0; t < call.f->numTimes; ++t) {
    size_t each = lengthsEach(call, t);
    size_t count = multiplySizes(size_t(plan.rows), each);
    auto *rows = static_cast<int32_t *>(bump.take(multiplySizes(count, 4)));
    const int32_t *given = call.lengths[t];
    size_t paths = size_t(call.f->draw->paths);
    for (size_t i = 0; call.c && rows && i < count; ++i)
      rows[i] = given[i / each / paths * each + i % each];
    if (call.c)
      call.lengths[t] = rows;
  }
}

static void placeSearch(const Call &call, DrawPlan &plan, Bump &bump) {
  size_t width = size_t(call.f->draw->paths), rows = size_t(plan.rows);
  size_t all = multiplySizes(rows, multiplySizes(size_t(plan.steps), 4));
  plan.scores = static_cast<double *>(bump.take(rows * 8));
  plan.kept = static_cast<int32_t *>(bump.take(all));
  plan.other = static_cast<int32_t *>(bump.take(all));
  plan.ranked = static_cast<double *>(bump.take(2 * width * 8));
  plan.parents = static_cast<int32_t *>(bump.take(2 * width * 4));
  plan.symbols = static_cast<int32_t *>(bump.take(2 * width * 4));
  plan.final = static_cast<double *>(bump.take(rows * 8));
  plan.finalCounts = static_cast<int32_t *>(bump.take(rows * 4));
  plan.finals = static_cast<int32_t *>(bump.take(all));
}

/// Repeats an array for the rows of each example.
static void repeatRows(const Call &call, const DrawPlan &plan,
                       const EntryArgDesc &arg, const void *from, void *to) {
  int64_t outer = 1;
  size_t inner = sizeOf(arg.dtype);
  bool isBehind = false;
  for (int32_t i = 0; i < arg.rank; ++i) {
    if (arg.shape[i] == kBatch)
      isBehind = true;
    else if (isBehind)
      inner *= size_t(extent(call, arg.shape[i]));
    else
      outer *= extent(call, arg.shape[i]);
  }
  int64_t paths = call.f->draw->paths;
  auto *source = static_cast<const char *>(from);
  auto *target = static_cast<char *>(to);
  for (int64_t i = 0; i < outer * plan.batch; ++i, source += inner)
    for (int64_t p = 0; p < paths; ++p, target += inner)
      memcpy(target, source, inner);
}

/// The same for states, which lie one after the other.
static void repeatStates(const Call &call, const DrawPlan &plan) {
  const ModuleDesc &m = *call.m;
  int64_t paths = call.f->draw->paths;
  for (int32_t s = 0; s < m.numStates; ++s) {
    size_t row = size_t(m.states[s].count) * realSize();
    const char *from = call.statesOut + stateOffset(m, s, plan.batch);
    char *to = call.statesIn + stateOffset(m, s, plan.rows);
    for (int64_t r = 0; r < plan.rows; ++r)
      memcpy(to + size_t(r) * row, from + size_t(r / paths) * row, row);
  }
}

namespace {
/// What a call holds while `begin` runs.
struct Begun {
  void **kept;
  int32_t *feed;
};
} // namespace

static DrawPlan placeDraw(Call &call, Bump &bump, Begun &begun) {
  const DrawDesc &d = *call.f->draw;
  DrawPlan plan = {};
  plan.batch = call.batch;
  plan.rows = call.batch * d.paths;
  plan.steps = longestOf(call);
  placePanels(call, bump);
  size_t rows = size_t(plan.rows);
  call.stateBytes = stateOffset(*call.m, call.m->numStates, plan.rows);
  call.statesIn = static_cast<char *>(bump.take(call.stateBytes));
  call.statesOut = static_cast<char *>(bump.take(call.stateBytes));
  plan.spare = static_cast<char *>(bump.take(call.stateBytes));
  placeKept(call, bump);
  begun = {call.kept, call.feed};
  plan.beginArgs = bindEntry(call, *d.begin, bump);

  call.batch = plan.rows;
  if (d.paths > 1)
    placeKept(call, bump);
  size_t entries = multiplySizes(rows, size_t(d.elements));
  call.drawn = bump.take(multiplySizes(entries, entrySize(d)));
  size_t symbols = call.f->symbols ? size_t(call.f->symbols) : 1;
  call.probabilities =
      bump.take(multiplySizes(multiplySizes(entries, symbols), realSize()));
  // A search notes there which row each one continues, and its score.
  size_t room = symbols > rows ? symbols : rows;
  plan.weight = static_cast<double *>(bump.take(room * 8));
  plan.list = static_cast<int32_t *>(bump.take(room * 4));
  plan.counts = static_cast<int32_t *>(bump.take(rows * 4));
  plan.done = static_cast<int32_t *>(bump.take(rows * 4));
  if (d.mode == DrawBeam)
    placeSearch(call, plan, bump);
  call.batch = plan.batch;
  return plan;
}

/// Goes over from the batch to its rows.
static void bindRows(Call &call, DrawPlan &plan, const Begun &begun,
                     Bump &bump) {
  const DrawDesc &d = *call.f->draw;
  if (call.c) {
    for (int32_t i = 0; d.paths > 1 && i < d.begin->numArgs; ++i) {
      const EntryArgDesc &arg = d.begin->args[i];
      if (arg.source == SrcKept)
        repeatRows(call, plan, arg, begun.kept[arg.index],
                   call.kept[arg.index]);
      else if (arg.source == SrcFeed)
        repeatRows(call, plan, arg, begun.feed, call.feed);
    }
    repeatStates(call, plan);
  }
  call.batch = plan.rows;
  placeRowLengths(call, plan, bump);
  plan.nextArgs = bindEntry(call, *call.f->entry, bump);
}

void stepRows(Call &call, const DrawPlan &plan, int64_t step, Bump &bump) {
  const EntryDesc &next = *call.f->entry;
  for (int32_t i = 0; i < next.numArgs; ++i) {
    const EntryArgDesc &arg = next.args[i];
    if (arg.source == SrcStep)
      plan.nextArgs[i] =
          static_cast<char *>(call.kept[arg.index]) +
          size_t(step) * bytesOf(call, arg.shape, arg.rank, arg.dtype);
  }
  runEntry(call, next, plan.nextArgs, bump);
  memcpy(call.statesIn, call.statesOut, call.stateBytes);
}

//===-- Draws -----------------------------------------------------------===//

void uniforms(const Call &call, uint32_t site, int64_t row, int64_t step,
              int64_t entry, double out[2]) {
  uint32_t key[2] = {uint32_t(call.seedPair[0]), 0};
  uint32_t counter[4] = {site, uint32_t(row), uint32_t(step), uint32_t(entry)};
  uint32_t numbers[4];
  philox(key, counter, numbers);
  for (int i = 0; i < 2; ++i)
    out[i] = (double(numbers[2 * i] >> 8) +
              double(numbers[2 * i + 1] >> 8) / 16777216.0) /
             16777216.0;
}

double realAt(const void *array, int64_t i) {
  return rnnc_rt_library.real == F64
             ? static_cast<const double *>(array)[i]
             : double(static_cast<const float *>(array)[i]);
}

double distance(int32_t kind, const double u[2]) {
  if (kind == DrawNormal)
    return sqrt(-2 * log(1 - u[0])) * cos(2 * M_PI * u[1]);
  double centred = u[0] - 0.5;
  double size = -log(1 - 2 * fabs(centred));
  return centred < 0 ? -size : size;
}

bool drawBit(double p, double temperature, double u) {
  if (temperature != 1 && p > 0 && p < 1)
    p = 1 / (1 + pow((1 - p) / p, 1 / temperature));
  return u < p;
}

static bool isOwn(const DrawDesc &d) {
  return d.kind == DrawOwnReal || d.kind == DrawOwnIndex;
}

/// The step has drawn, or found the mode.
static void takeOwn(Call &call, int64_t row) {
  const DrawDesc &d = *call.f->draw;
  size_t bytes = size_t(d.elements) * entrySize(d), at = size_t(row) * bytes;
  const void *from = d.mode == DrawSample ? call.probabilities : call.drawn;
  memcpy(reinterpret_cast<char *>(call.feed) + at,
         static_cast<const char *>(from) + at, bytes);
}

/// Draws the elements of one row into what is fed next.
static void drawRow(Call &call, const DrawPlan &plan,
                    const SymbolChoice &choice, int64_t row, int64_t step) {
  const DrawDesc &d = *call.f->draw;
  if (isOwn(d))
    return takeOwn(call, row);
  for (int64_t e = 0; e < d.elements; ++e) {
    int64_t i = row * d.elements + e;
    double u[2] = {};
    if (d.kind == DrawCategorical) {
      uniforms(call, kDrawSite, i, step, 0, u);
      call.feed[i] = drawSymbol(call, choice, i, u[0], plan.weight, plan.list);
      continue;
    }
    if (choice.temperature > 0)
      uniforms(call, kDrawSite, row, step, e, u);
    if (d.kind == DrawBernoulli) {
      auto *best = static_cast<const int32_t *>(call.drawn);
      double p = realAt(call.probabilities, i);
      call.feed[i] = choice.temperature > 0
                         ? drawBit(p, choice.temperature, u[0])
                         : best[i];
      continue;
    }
    double value = realAt(call.drawn, i);
    if (choice.temperature > 0)
      value += choice.temperature * realAt(call.probabilities, i) *
               distance(d.kind, u);
    if (rnnc_rt_library.real == F64)
      reinterpret_cast<double *>(call.feed)[i] = value;
    else
      reinterpret_cast<float *>(call.feed)[i] = float(value);
  }
}

static SymbolChoice choiceOf(const Call &call) {
  SymbolChoice choice;
  for (int32_t i = 0; i < call.f->numArgs; ++i)
    if (call.f->args[i].role == RoleOption)
      readChoice(call, i, choice);
  if (call.f->draw->mode != DrawSample)
    choice.temperature = 0;
  return choice;
}

static void drawRows(Call &call, const DrawPlan &plan, Bump &bump) {
  const DrawDesc &d = *call.f->draw;
  SymbolChoice choice = choiceOf(call);
  size_t bytes = size_t(d.elements) * entrySize(d);
  auto *out = static_cast<char *>(call.c->args[d.result]);
  auto *feed = reinterpret_cast<char *>(call.feed);
  int64_t open = 0;
  for (int64_t r = 0; r < plan.rows; ++r) {
    plan.counts[r] = 0;
    plan.done[r] = stepsOf(call, r) == 0;
    open += !plan.done[r];
  }
  if (out)
    memset(out, 0, size_t(plan.rows * plan.steps) * bytes);
  for (int64_t step = 0; open > 0; ++step) {
    call.seedPair[1] = step; // the key of what a step draws itself
    stepRows(call, plan, step, bump);
    for (int64_t r = 0; r < plan.rows; ++r) {
      if (plan.done[r])
        continue;
      drawRow(call, plan, choice, r, step);
      if (out)
        memcpy(out + size_t(r * plan.steps + step) * bytes,
               feed + size_t(r) * bytes, bytes);
      bool isSymbol = d.kind == DrawCategorical || d.kind == DrawOwnIndex;
      bool stops = isSymbol && d.elements == 1 && call.feed[r] == call.f->stop;
      if (++plan.counts[r] == stepsOf(call, r) || stops) {
        plan.done[r] = 1;
        --open;
      }
    }
  }
  if (d.counts >= 0 && call.c->args[d.counts])
    memcpy(call.c->args[d.counts], plan.counts, size_t(plan.rows) * 4);
}

//===-- The function ----------------------------------------------------===//

int32_t checkDraw(const Call &call) {
  const DrawDesc &d = *call.f->draw;
  if (int64_t(call.batch) * d.paths > INT32_MAX)
    return fail(call.c->error, RNNC_ERR_ARGUMENT, -1, "batch", -1, -1,
                call.batch, "`%s` draws %d rows for each example: too many",
                call.f->name, d.paths);
  return checkChoice(call, choiceOf(call));
}

void planDraw(Call &call, Bump &bump) {
  Begun begun;
  DrawPlan plan = placeDraw(call, bump, begun);
  bindRows(call, plan, begun, bump);
  Bump next = bump, begin = bump;
  runEntry(call, *call.f->entry, plan.nextArgs, next);
  call.batch = plan.batch;
  runEntry(call, *call.f->draw->begin, plan.beginArgs, begin);
  bump.used = next.used > begin.used ? next.used : begin.used;
}

int32_t runDraw(Call &call, Bump &bump) {
  Begun begun;
  DrawPlan plan = placeDraw(call, bump, begun);
  runEntry(call, *call.f->draw->begin, plan.beginArgs, bump);
  bindRows(call, plan, begun, bump);
  if (call.f->draw->mode == DrawBeam)
    runBeam(call, plan, bump);
  else
    drawRows(call, plan, bump);
  if (call.run.failed)
    return failDevice(call);
  call.batch = plan.batch;
  return RNNC_OK;
}

} // namespace rnnc::rt
