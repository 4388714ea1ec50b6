/* stream.c: how long one step of a cell takes from C, its states kept by the
 * caller. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *   stream WEIGHTS INPUTS OUTPUTS SECONDS THREADS
 *
 * Runs over the rows of INPUTS (f32), writes what comes out, then repeats the
 * last step and prints the best time in seconds. `layer.h` beside the library
 * has the sizes INPUTS and RESULTS, and the states as arrays: STATES(k), of an
 * even step and an odd one. A step reads one set and writes the other.
 */
#define _POSIX_C_SOURCE 200809L
#include "layer.h"
#include "libmodel.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static rnnc_session *net;
static rnnc_error error = {.size = sizeof(rnnc_error)};
static float x[INPUTS], y[RESULTS];

static void fail(void) {
  fprintf(stderr, "%s\n", error.message);
  exit(1);
}

#define STEP(from, to)                                                         \
  model_net_step(net->context, net->params, net->prepared, net->workspace,     \
                 net->workspace_bytes, 1, x, STATES(from), y, STATES(to),      \
                 &error)

static void step(void) {
  static int odd;
  if (odd ? STEP(1, 0) : STEP(0, 1))
    fail();
  odd = !odd;
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Of blocks of calls that last some 0.2 ms: long enough for the clock. */
static double best(double limit) {
  double least = 1e9, end = seconds() + limit;
  int calls = 1, blocks = 0;
  while (seconds() < end || blocks < 20) {
    double begin = seconds();
    for (int i = 0; i < calls; ++i)
      step();
    double taken = seconds() - begin;
    if (taken < 1e-4) {
      calls *= 2;
      continue;
    }
    least = taken / calls < least ? taken / calls : least;
    ++blocks;
  }
  return least;
}

int main(int argc, char **argv) {
  if (argc != 6)
    return 2;
  rnnc_context_options options = {.size = sizeof options,
                                  .threads = atoi(argv[5])};
  net = model_net_open(argv[1], 1, &options, &error);
  if (!net)
    fail();
  FILE *in = fopen(argv[2], "rb"), *out = fopen(argv[3], "wb");
  if (!in || !out)
    return 2;
  while (fread(x, sizeof x, 1, in) == 1) {
    step();
    if (fwrite(y, sizeof y, 1, out) != 1)
      return 2;
  }
  fclose(in);
  if (fclose(out))
    return 2;
  printf("%.17g\n", best(atof(argv[4])));
  model_net_close(net);
  return 0;
}
