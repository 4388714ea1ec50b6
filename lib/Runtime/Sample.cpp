// Sample.cpp: drawing sequences by feeding each draw back into the step.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The arguments of `sample` in the manifest: prompt and its lengths P, the
// options temperature, top_k, top_p and never (a symbol that is not drawn),
// then the drawn elements and how many there are in each row (the stop symbol
// included). The prompt is not repeated in the result.
#include "Draw.h"

#include <math.h>
#include <string.h>

namespace rnnc::rt {

double option(const Call &call, int32_t i) {
  const ArgDesc &arg = call.f->args[i];
  const void *given = call.c->args[i];
  if (!given)
    return arg.defaultValue;
  switch (arg.dtype) {
  case I32:
    return *static_cast<const int32_t *>(given);
  case F64:
    return *static_cast<const double *>(given);
  default:
    return double(*static_cast<const float *>(given));
  }
}

void readChoice(const Call &call, int32_t i, SymbolChoice &choice) {
  const char *name = call.f->args[i].name;
  double value = option(call, i);
  if (!strcmp(name, "temperature"))
    choice.temperature = value;
  else if (!strcmp(name, "top_k"))
    choice.topK = int64_t(value);
  else if (!strcmp(name, "top_p"))
    choice.topP = value;
  else if (!strcmp(name, "never"))
    choice.never = int64_t(value);
}

namespace {

/// The arguments of `sample`, found by role and name.
struct SampleArgs {
  const int32_t *prompt = nullptr;
  int64_t promptTime = -1;
  SymbolChoice choice;
  int32_t *text = nullptr;
  int32_t *counts = nullptr;
  int64_t steps = 0;
};

SampleArgs readArgs(const Call &call) {
  SampleArgs out;
  for (int32_t i = 0; i < call.f->numArgs; ++i) {
    const ArgDesc &arg = call.f->args[i];
    if (arg.role == RoleInput && arg.rank == 2) {
      out.prompt = static_cast<const int32_t *>(call.c->args[i]);
      out.promptTime = kTime - arg.shape[1];
    } else if (arg.role == RoleOption) {
      readChoice(call, i, out.choice);
    } else if (arg.role == RoleOutput && arg.rank == 2) {
      out.text = static_cast<int32_t *>(call.c->args[i]);
      out.steps = call.times[kTime - arg.shape[1]];
    } else if (arg.role == RoleOutput && arg.rank == 1) {
      out.counts = static_cast<int32_t *>(call.c->args[i]);
    }
  }
  return out;
}

} // namespace

double probability(const Call &call, int64_t row, int64_t k) {
  int64_t i = row * call.f->symbols + k;
  return rnnc_rt_library.real == F64
             ? static_cast<const double *>(call.probabilities)[i]
             : double(static_cast<const float *>(call.probabilities)[i]);
}

namespace {

/// Restores the heap property below `i`: the largest weight on top.
void siftDown(const double *weight, int32_t *heap, int64_t n, int64_t i) {
  for (;;) {
    int64_t child = 2 * i + 1;
    if (child >= n)
      return;
    auto below = [&](int32_t a, int32_t b) {
      // Equal weights in order of the symbols, so that ties do not depend on
      // anything else.
      return weight[a] < weight[b] || (weight[a] == weight[b] && a > b);
    };
    if (child + 1 < n && below(heap[child], heap[child + 1]))
      ++child;
    if (!below(heap[i], heap[child]))
      return;
    int32_t other = heap[i];
    heap[i] = heap[child];
    heap[child] = other;
    i = child;
  }
}

/// The symbols that may be drawn, and their weights after the temperature. What
/// has no probability is left out, if anything has one: places past the end of
/// an example do not change what is drawn from the others.
int64_t candidates(const Call &call, const SymbolChoice &args, int64_t row,
                   double *weight, int32_t *list) {
  int64_t n = 0;
  double best = 0;
  for (int32_t k = 0; k < call.f->symbols; ++k) {
    if (!isDrawn(call, args, k))
      continue;
    weight[k] = probability(call, row, k);
    best = weight[k] > best ? weight[k] : best;
    list[n++] = k;
  }
  if (best > 0) {
    int64_t all = n;
    n = 0;
    for (int64_t i = 0; i < all; ++i)
      if (weight[list[i]] != 0)
        list[n++] = list[i];
  }
  if (args.temperature > 0 && args.temperature != 1)
    for (int64_t i = 0; i < n; ++i)
      weight[list[i]] =
          best > 0 ? pow(weight[list[i]] / best, 1 / args.temperature) : 1;
  return n;
}

/// Moves the `count` heaviest symbols to the end of the list, the heaviest
/// last.
void moveHeaviest(const double *weight, int32_t *list, int64_t n,
                  int64_t count) {
  for (int64_t i = n / 2; i-- > 0;)
    siftDown(weight, list, n, i);
  for (int64_t left = n; count-- > 0;) {
    int32_t top = list[0];
    list[0] = list[--left];
    list[left] = top;
    siftDown(weight, list, left, 0);
  }
}

} // namespace

/// Temperature first, then the k largest, then the fewest of those that hold a
/// share of p.
int32_t drawSymbol(const Call &call, const SymbolChoice &args, int64_t row,
                   double number, double *weight, int32_t *list) {
  int64_t n = candidates(call, args, row, weight, list);
  if (n == 0)
    return 0;
  if (args.temperature <= 0) {
    int32_t best = list[0];
    for (int64_t i = 1; i < n; ++i)
      best = weight[list[i]] > weight[best] ? list[i] : best;
    return best;
  }
  int64_t count = args.topK > 0 && args.topK < n ? args.topK : n;
  if (count < n || args.topP < 1)
    moveHeaviest(weight, list, n, count);
  double total = 0;
  for (int64_t i = 0; i < count; ++i)
    total += weight[list[n - 1 - i]];
  if (args.topP < 1) {
    double share = args.topP * total;
    int64_t all = count;
    total = weight[list[n - 1]];
    for (count = 1; count < all && total < share; ++count)
      total += weight[list[n - 1 - count]];
  }
  double goal = number * total, sum = 0;
  for (int64_t i = 0; i < count; ++i) {
    sum += weight[list[n - 1 - i]];
    if (goal < sum)
      return list[n - 1 - i];
  }
  return list[n - 1];
}

namespace {

struct SamplePlan {
  void **args;
  double *weight;
  int32_t *list;
  int32_t *done;
  int32_t *counts; ///< elements drawn in each row
};

SamplePlan placeSample(Call &call, Bump &bump) {
  SamplePlan plan;
  placePanels(call, bump);
  placeStates(call, bump);
  size_t rows = size_t(call.batch), symbols = size_t(call.f->symbols);
  call.feed = static_cast<int32_t *>(bump.take(rows * 4));
  plan.done = static_cast<int32_t *>(bump.take(rows * 4));
  plan.counts = static_cast<int32_t *>(bump.take(rows * 4));
  plan.weight = static_cast<double *>(bump.take(symbols * 8));
  plan.list = static_cast<int32_t *>(bump.take(symbols * 4));
  call.probabilities =
      bump.take(multiplySizes(multiplySizes(rows, symbols), realSize()));
  plan.args = bindEntry(call, *call.f->entry, bump);
  return plan;
}

/// After a step its new states are the next step's states.
void advance(Call &call) {
  memcpy(call.statesIn, call.statesOut, call.stateBytes);
  memset(call.reset, 0, size_t(call.batch) * 4);
}

} // namespace

/// More elements than this are not drawn in one call.
constexpr int32_t kMostDraws = (1 << 28) - 1;

static int32_t badOption(const Call &call, const char *name,
                         const char *wanted) {
  for (int32_t i = 0; i < call.f->numArgs; ++i)
    if (!strcmp(call.f->args[i].name, name))
      return fail(call.c->error, RNNC_ERR_ARGUMENT, i, name, -1, -1, -1,
                  "`%s` is not %s", name, wanted);
  return RNNC_ERR_ARGUMENT;
}

bool canSample(const Call &call) {
  for (int32_t t = 0; t < call.f->numTimes; ++t)
    if (call.times[t] > kMostDraws)
      return false;
  return true;
}

int32_t checkChoice(const Call &call, const SymbolChoice &args) {
  if (!(args.temperature >= 0) || !isfinite(args.temperature))
    return badOption(call, "temperature", "a number from 0 on");
  if (args.topK < 0)
    return badOption(call, "top_k", "a number from 0 on");
  if (!(args.topP >= 0) || args.topP > 1)
    return badOption(call, "top_p", "in 0 ... 1");
  if (args.never < -1 || args.never >= call.f->symbols)
    return badOption(call, "never", "-1 or a symbol");
  return RNNC_OK;
}

int32_t checkSample(const Call &call) {
  if (!canSample(call))
    return fail(call.c->error, RNNC_ERR_ARGUMENT, -1, call.f->name, -1, -1,
                kMostDraws,
                "`%s` draws and reads at most %d elements in a row; the stream "
                "goes on in the next call",
                call.f->name, kMostDraws);
  return checkChoice(call, readArgs(call).choice);
}

void planSample(Call &call, Bump &bump) {
  SamplePlan plan = placeSample(call, bump);
  runEntry(call, *call.f->entry, plan.args, bump);
}

int32_t runSample(Call &call, Bump &bump) {
  SampleArgs args = readArgs(call);
  SamplePlan plan = placeSample(call, bump);
  loadStates(call);
  int64_t rows = call.batch, longest = 0, open = rows;
  auto promptLength = [&](int64_t b) -> int64_t {
    return args.prompt ? call.lengths[args.promptTime][b] : 0;
  };
  for (int64_t b = 0; b < rows; ++b) {
    // A stream goes on after what was fed last; else `start` comes first.
    call.feed[b] = call.prevIn[b];
    plan.done[b] = args.steps == 0;
    open -= plan.done[b];
    plan.counts[b] = 0;
    longest = promptLength(b) > longest ? promptLength(b) : longest;
  }
  if (args.text)
    memset(args.text, 0, size_t(rows * args.steps) * 4);
  for (int64_t step = 0; open > 0 && step < longest + args.steps; ++step) {
    runEntry(call, *call.f->entry, plan.args, bump);
    if (call.run.failed)
      return failDevice(call);
    advance(call);
    for (int64_t b = 0; b < rows; ++b) {
      int64_t known = promptLength(b);
      if (step < known) {
        call.feed[b] = args.prompt[b * call.times[args.promptTime] + step];
        continue;
      }
      if (plan.done[b])
        continue;
      double u[2];
      uniforms(call, kDrawSite, b, step, 0, u);
      int32_t symbol =
          drawSymbol(call, args.choice, b, u[0], plan.weight, plan.list);
      if (args.text)
        args.text[b * args.steps + plan.counts[b]] = symbol;
      ++plan.counts[b];
      call.feed[b] = symbol;
      if (symbol == call.f->stop || plan.counts[b] == args.steps) {
        plan.done[b] = 1;
        --open;
      }
    }
  }
  if (args.counts)
    memcpy(args.counts, plan.counts, size_t(rows) * 4);
  // The stream's states went along; nothing was fed if nothing was drawn.
  if (call.state.states)
    for (int64_t b = 0; b < rows; ++b)
      call.state.prev[b] = call.feed[b];
  return RNNC_OK;
}

} // namespace rnnc::rt
