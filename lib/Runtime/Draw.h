// Draw.h: what the loops that draw sequences share.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_RUNTIME_DRAW_H
#define RNNC_LIB_RUNTIME_DRAW_H

#include "Runtime.h"

namespace rnnc::rt {

/// How one symbol is chosen.
struct SymbolChoice {
  double temperature = 1, topP = 1;
  int64_t topK = 0, never = -1;
};

/// The value of an option, or what it is by default.
double option(const Call &call, int32_t i);
/// Reads an option of a choice, if it is one.
void readChoice(const Call &call, int32_t i, SymbolChoice &choice);
/// RNNC_OK, or what is wrong with the options.
int32_t checkChoice(const Call &call, const SymbolChoice &choice);

/// What the step gives for symbol `k` of a row.
double probability(const Call &call, int64_t row, int64_t k);
/// Whether a symbol is drawn at all.
inline bool isDrawn(const Call &call, const SymbolChoice &choice, int64_t k) {
  bool starts = k == call.f->start && k != call.f->stop;
  return !starts && k != choice.never;
}
/// What the counters of draws begin with; other outputs than the first count
/// down from it.
constexpr uint32_t kDrawSite = 0x7fffffffu;
/// Two numbers in [0, 1) of 48 bits for an entry of a row's step: f32's 24 are
/// too coarse for large alphabets.
void uniforms(const Call &call, uint32_t site, int64_t row, int64_t step,
              int64_t entry, double out[2]);
/// How far from its middle a distribution of scale 1 is drawn.
double distance(int32_t kind, const double u[2]);
/// Whether a bit of probability p is drawn as 1.
bool drawBit(double p, double temperature, double u);
double realAt(const void *array, int64_t i);
/// Draws one symbol from the probabilities of `row` by a number in [0, 1); the
/// places have room for all symbols.
int32_t drawSymbol(const Call &call, const SymbolChoice &choice, int64_t row,
                   double number, double *weight, int32_t *list);

/// The places of a draw: `begin` runs for the batch, `next` for its rows.
struct DrawPlan {
  int64_t batch, rows, steps;
  void **beginArgs, **nextArgs;
  double *weight; ///< a choice's
  int32_t *list;
  int32_t *counts; ///< elements of each row
  int32_t *done;
  char *spare; ///< states while rows change their places
  // Of a beam search, for each row: the sum of logarithms, and elements
  // before and after a step.
  double *scores;
  int32_t *kept, *other;
  // Candidates of one example, and the hypotheses that are over.
  double *ranked;
  int32_t *parents, *symbols;
  double *final;
  int32_t *finalCounts, *finals;
};

/// Runs one step for all rows; its states are the next step's.
void stepRows(Call &call, const DrawPlan &plan, int64_t step, Bump &bump);
/// Elements that a row has at most.
int64_t stepsOf(const Call &call, int64_t row);

// Beam.cpp
void runBeam(Call &call, const DrawPlan &plan, Bump &bump);

} // namespace rnnc::rt

#endif // RNNC_LIB_RUNTIME_DRAW_H
