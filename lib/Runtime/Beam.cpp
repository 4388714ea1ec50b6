// Beam.cpp: the most probable sequences, by beam search.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each example has `width` rows, its beams. After a step their continuations
// are ranked; those that stop among the best `width` are over, the others go
// on. A sequence of n elements has the score log p / ((5 + n) / 6)^a, where a
// is `length_penalty`; of equal scores the one that was found first is better.
#include "Draw.h"

#include <math.h>
#include <string.h>

namespace rnnc::rt {
namespace {

class Beam {
public:
  Beam(Call &call, const DrawPlan &plan)
      : call(call), plan(plan), d(*call.f->draw), width(d.paths) {
    for (int32_t i = 0; i < call.f->numArgs; ++i) {
      const ArgDesc &arg = call.f->args[i];
      if (arg.role != RoleOption)
        continue;
      readChoice(call, i, choice);
      if (!strcmp(arg.name, "length_penalty"))
        penalty = option(call, i);
    }
  }

  void run(Bump &bump);

private:
  double norm(int64_t count) const {
    return pow((5.0 + double(count)) / 6.0, penalty);
  }
  int64_t rank(int64_t example, int64_t step);
  void keep(double score, int32_t parent, int32_t symbol);
  bool select(int64_t example, int64_t step);
  void end(int64_t example, double score, const int32_t *before, int64_t count,
           int32_t last);
  bool canImprove(int64_t example, int64_t step) const;
  void moveStates();
  void give(int64_t example);

  Call &call;
  const DrawPlan &plan;
  const DrawDesc &d;
  const int64_t width;
  SymbolChoice choice;
  double penalty = 0;
  int64_t numRanked = 0;
  int32_t *kept = nullptr, *other = nullptr;
};

/// Puts a continuation where it belongs among the best twice as many as there
/// are beams.
void Beam::keep(double score, int32_t parent, int32_t symbol) {
  int64_t i = numRanked;
  if (numRanked == 2 * width && !(score > plan.ranked[i - 1]))
    return;
  if (numRanked < 2 * width)
    ++numRanked;
  else
    --i;
  for (; i > 0 && score > plan.ranked[i - 1]; --i) {
    plan.ranked[i] = plan.ranked[i - 1];
    plan.parents[i] = plan.parents[i - 1];
    plan.symbols[i] = plan.symbols[i - 1];
  }
  plan.ranked[i] = score;
  plan.parents[i] = parent;
  plan.symbols[i] = symbol;
}

int64_t Beam::rank(int64_t example, int64_t step) {
  numRanked = 0;
  for (int64_t w = 0; w < (step ? width : 1); ++w) {
    int64_t row = example * width + w;
    if (!isfinite(plan.scores[row]))
      continue;
    for (int32_t k = 0; k < call.f->symbols; ++k) {
      double p = probability(call, row, k);
      if (isDrawn(call, choice, k) && p > 0)
        keep(plan.scores[row] + log(p), int32_t(row), k);
    }
  }
  return numRanked;
}

/// Adds a sequence that is over, in the place of a worse one.
void Beam::end(int64_t example, double score, const int32_t *before,
               int64_t count, int32_t last) {
  int64_t first = example * width, i = first + plan.done[example];
  if (plan.done[example] == width) {
    if (!(score > plan.final[--i]))
      return;
  } else {
    ++plan.done[example];
  }
  for (; i > first && score > plan.final[i - 1]; --i) {
    plan.final[i] = plan.final[i - 1];
    plan.finalCounts[i] = plan.finalCounts[i - 1];
    memcpy(plan.finals + i * plan.steps, plan.finals + (i - 1) * plan.steps,
           size_t(plan.steps) * 4);
  }
  plan.final[i] = score;
  plan.finalCounts[i] = int32_t(count);
  memcpy(plan.finals + i * plan.steps, before, size_t(count - 1) * 4);
  plan.finals[i * plan.steps + count - 1] = last;
}

/// The beams after a step; false if the search in this example is over.
bool Beam::select(int64_t example, int64_t step) {
  int64_t all = rank(example, step), alive = 0, first = example * width;
  bool isLast = step + 1 == stepsOf(call, first);
  for (int64_t i = 0; i < all && alive < width; ++i) {
    int32_t parent = plan.parents[i], symbol = plan.symbols[i];
    const int32_t *before = kept + parent * plan.steps;
    bool stops = symbol == call.f->stop;
    if (stops || isLast) {
      if (i < width || isLast)
        end(example, plan.ranked[i] / norm(step + 1), before, step + 1, symbol);
      continue;
    }
    int64_t row = first + alive++;
    memcpy(other + row * plan.steps, before, size_t(step) * 4);
    other[row * plan.steps + step] = symbol;
    plan.list[row] = parent;
    plan.weight[row] = plan.ranked[i];
    call.feed[row] = symbol;
  }
  for (int64_t w = 0; w < width; ++w) {
    int64_t row = first + w;
    plan.scores[row] = w < alive ? plan.weight[row] : -INFINITY;
    if (w >= alive)
      plan.list[row] = int32_t(row);
  }
  return alive > 0 && canImprove(example, step);
}

/// Whether a beam may still end better than the worst of what is over.
bool Beam::canImprove(int64_t example, int64_t step) const {
  if (plan.done[example] < width)
    return true;
  int64_t first = example * width, most = stepsOf(call, first);
  double score = plan.scores[first], best = score / norm(step + 2);
  if (double later = score / norm(most); later > best)
    best = later;
  return best > plan.final[first + width - 1];
}

/// Each beam goes on from the states of the one that it continues.
void Beam::moveStates() {
  const ModuleDesc &m = *call.m;
  for (int32_t s = 0; s < m.numStates; ++s) {
    size_t row = size_t(m.states[s].count) * realSize();
    size_t offset = stateOffset(m, s, plan.rows);
    for (int64_t r = 0; r < plan.rows; ++r)
      memcpy(plan.spare + offset + size_t(r) * row,
             call.statesIn + offset + size_t(plan.list[r]) * row, row);
  }
  memcpy(call.statesIn, plan.spare, call.stateBytes);
}

/// The best sequences of an example as results.
void Beam::give(int64_t example) {
  auto *out = static_cast<int32_t *>(call.c->args[d.result]);
  auto *counts =
      d.counts < 0 ? nullptr : static_cast<int32_t *>(call.c->args[d.counts]);
  void *scores = call.c->args[d.scores];
  for (int64_t i = 0; i < d.best; ++i) {
    int64_t from = example * width + i, to = example * d.best + i;
    bool found = i < plan.done[example];
    int32_t count = found ? plan.finalCounts[from] : 0;
    double score = found ? plan.final[from] : -INFINITY;
    if (out) {
      memset(out + to * plan.steps, 0, size_t(plan.steps) * 4);
      memcpy(out + to * plan.steps, plan.finals + from * plan.steps,
             size_t(count) * 4);
    }
    if (counts)
      counts[to] = count;
    if (scores && rnnc_rt_library.real == F64)
      static_cast<double *>(scores)[to] = score;
    else if (scores)
      static_cast<float *>(scores)[to] = float(score);
  }
}

void Beam::run(Bump &bump) {
  kept = plan.kept;
  other = plan.other;
  int64_t open = 0;
  // `counts` says which examples are still searched, `done` how many
  // sequences of them are over.
  for (int64_t b = 0; b < plan.batch; ++b) {
    plan.done[b] = 0;
    plan.counts[b] = stepsOf(call, b * width) > 0;
    open += plan.counts[b];
  }
  for (int64_t r = 0; r < plan.rows; ++r) {
    plan.scores[r] = 0;
    plan.list[r] = int32_t(r);
  }
  for (int64_t step = 0; open > 0; ++step) {
    stepRows(call, plan, step, bump);
    for (int64_t b = 0; b < plan.batch; ++b)
      if (plan.counts[b] && !select(b, step)) {
        plan.counts[b] = 0;
        --open;
      }
    moveStates();
    int32_t *next = other;
    other = kept;
    kept = next;
  }
  for (int64_t b = 0; b < plan.batch; ++b)
    give(b);
}

} // namespace

void runBeam(Call &call, const DrawPlan &plan, Bump &bump) {
  Beam(call, plan).run(bump);
}

} // namespace rnnc::rt
