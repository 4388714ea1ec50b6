/* footprint.c: memory, stack and the time of one step, of an LSTM with N units.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Two libraries: `cell` exports lstm[N, N], `live` has the model Live, which
 * keeps the same LSTM's states in a stream. footprint.sh builds it for some N.
 */
#define _GNU_SOURCE
#include "libcell.h"
#include "liblive.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define PASTE(n, f) cell_lstm_##n##_##n##_##f
#define NAMED(n, f) PASTE(n, f)
#define CELL(f) NAMED(N, f)

enum { TIME = 100, STACK = 4 << 20, PAINT = 0xA5 };

static void check(int32_t status, const rnnc_error *error) {
  if (status == RNNC_OK)
    return;
  fprintf(stderr, "%s: %s\n", cell_strerror(status), error->message);
  exit(1);
}

static void *memory(size_t bytes) {
  void *p = NULL;
  if (bytes == 0 || posix_memalign(&p, 64, bytes))
    exit(2);
  memset(p, 0, bytes);
  return p;
}

struct lstm {
  rnnc_context *context;
  rnnc_params *params, *live_params, *sum_params;
  rnnc_prepared *prepared, *live_prepared;
  rnnc_stream *stream;
  size_t step_bytes, forward_bytes, vjp_bytes, live_bytes, sum_bytes;
  void *work;
  float x[N * TIME], h[N], c[N], nextH[N], nextC[N], out[N * TIME], y, scale;
  float gx[N * TIME], gh[N], gc[N], gW[4 * N * N], gU[4 * N * N], gb[4 * N];
  rnnc_error error;
};

static void step(void *p) {
  struct lstm *l = p;
  check(CELL(step)(l->context, l->params, l->prepared, l->work, l->step_bytes,
                   1, l->x, l->h, l->c, l->out, l->nextH, l->nextC, &l->error),
        &l->error);
}
static void sum(void *p) {
  struct lstm *l = p;
  check(cell_sum_1_step(l->context, l->sum_params, NULL, l->work, l->sum_bytes,
                        1, l->x, l->h, l->out, l->nextH, &l->error),
        &l->error);
}
static void forward(void *p) {
  struct lstm *l = p;
  check(CELL(forward)(l->context, l->params, l->prepared, l->work,
                      l->forward_bytes, 1, TIME, NULL, l->x, NULL, NULL, l->out,
                      NULL, NULL, &l->error),
        &l->error);
}
static void vjp(void *p) {
  struct lstm *l = p;
  check(CELL(vjp)(l->context, l->params, l->prepared, l->work, l->vjp_bytes, 1,
                  TIME, NULL, l->x, NULL, NULL, l->x, NULL, NULL, l->out, NULL,
                  NULL, l->gx, l->gh, l->gc, l->gW, l->gU, l->gb, &l->error),
        &l->error);
}
static void live(void *p) {
  struct lstm *l = p;
  check(live_Live_step(l->context, l->live_params, l->live_prepared, l->stream,
                       l->work, l->live_bytes, 1, l->x, &l->y, &l->scale,
                       &l->error),
        &l->error);
}

struct job {
  void (*run)(void *);
  void *data;
};
static void *runJob(void *p) {
  struct job *job = p;
  job->run(job->data);
  return NULL;
}

/* Bytes of a painted stack that a thread touched. */
static size_t touched(struct job *job) {
  pthread_attr_t attributes;
  pthread_t thread;
  unsigned char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  size_t clean = 0;
  if (stack == MAP_FAILED)
    exit(2);
  memset(stack, PAINT, STACK);
  pthread_attr_init(&attributes);
  if (pthread_attr_setstack(&attributes, stack, STACK) ||
      pthread_create(&thread, &attributes, runJob, job))
    exit(2);
  pthread_join(thread, NULL);
  while (clean < STACK && stack[clean] == PAINT)
    ++clean;
  munmap(stack, STACK);
  return STACK - clean;
}
static void nothing(void *p) { (void)p; }
static size_t stackOf(void (*run)(void *), struct lstm *l) {
  struct job job = {run, l}, idle = {nothing, l};
  run(l); /* what the loader does at the first call is not the library's */
  return touched(&job) - touched(&idle);
}

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
/* The best of some runs: others use the machine too. */
static double nanoseconds(void (*run)(void *), struct lstm *l) {
  enum { CALLS = 500, RUNS = 400 };
  double best = 1e9;
  for (int i = 0; i < RUNS; ++i) {
    double begin = seconds();
    for (int k = 0; k < CALLS; ++k)
      run(l);
    double one = (seconds() - begin) / CALLS * 1e9;
    best = one < best ? one : best;
  }
  return best;
}

static size_t largest(size_t a, size_t b) { return a > b ? a : b; }

int main(void) {
  static struct lstm l = {.error = {.size = sizeof(rnnc_error)}};
  size_t bytes;
  l.context = cell_context_create(NULL, &l.error);
  if (!l.context)
    check(l.error.status, &l.error);
  for (int i = 0; i < N * TIME; ++i)
    l.x[i] = (float)(i % 7) / 7.0f - 0.4f;

  bytes = CELL(params_size)();
  l.params = memory(bytes);
  check(CELL(params_init)(l.params, bytes, 1, &l.error), &l.error);
  bytes = cell_sum_1_params_size();
  l.sum_params = memory(bytes);
  check(cell_sum_1_params_init(l.sum_params, bytes, 1, &l.error), &l.error);
  bytes = CELL(prepared_size)(l.context);
  l.prepared = memory(bytes);
  check(CELL(prepare)(l.context, l.params, l.prepared, bytes, &l.error),
        &l.error);
  bytes = live_Live_params_size();
  l.live_params = memory(bytes);
  check(live_Live_params_init(l.live_params, bytes, 1, &l.error), &l.error);
  bytes = live_Live_prepared_size(l.context);
  l.live_prepared = memory(bytes);
  check(live_Live_prepare(l.context, l.live_params, l.live_prepared, bytes,
                          &l.error),
        &l.error);
  bytes = live_Live_stream_size(1);
  l.stream = memory(bytes);
  check(live_Live_stream_init(l.context, l.live_params, l.stream, bytes, 1,
                              &l.error),
        &l.error);

  l.step_bytes = CELL(step_workspace_size)(l.context, 1);
  l.forward_bytes = CELL(forward_workspace_size)(l.context, 1, TIME);
  l.vjp_bytes = CELL(vjp_workspace_size)(l.context, 1, TIME);
  l.sum_bytes = cell_sum_1_step_workspace_size(l.context, 1);
  l.live_bytes = live_Live_step_workspace_size(l.context, 1);
  l.work = memory(largest(largest(l.step_bytes, l.live_bytes),
                          largest(l.forward_bytes, l.vjp_bytes)));

  printf("lstm[%d, %d], f32, code %s, batch 1, T = %d\n", N, N,
         cell_context_variant(l.context), TIME);
  printf("  bytes      weights %zu, params %zu, prepared %zu, stream %zu, "
         "context %zu\n",
         (size_t)(8 * N * N + 4 * N) * sizeof(float), CELL(params_size)(),
         CELL(prepared_size)(l.context), bytes, cell_context_size());
  printf("  workspace  step %zu, model's step %zu, forward %zu, vjp %zu\n",
         l.step_bytes, l.live_bytes, l.forward_bytes, l.vjp_bytes);
  printf("  with prepared weights: step %zu, model's step %zu, forward %zu\n",
         CELL(step_prepared_workspace_size)(l.context, 1),
         live_Live_step_prepared_workspace_size(l.context, 1),
         CELL(forward_prepared_workspace_size)(l.context, 1, TIME));
  printf("  stack      step %zu, model's step %zu, forward %zu, vjp %zu\n",
         stackOf(step, &l), stackOf(live, &l), stackOf(forward, &l),
         stackOf(vjp, &l));
  printf("  ns a call  one addition %.0f, step %.0f, model's step %.0f\n",
         nanoseconds(sum, &l), nanoseconds(step, &l), nanoseconds(live, &l));
  return 0;
}
