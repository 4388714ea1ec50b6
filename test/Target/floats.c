/* floats.c: numbers do not depend on the caller's floating-point state, which
 * comes back as it was; numbers too small to be normal count as 0. */
#include "libtwo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The state of a thread as one number, and states to try: as programs start;
 * rounding up, down, to zero; flags that stick; every exception unmasked (where
 * the processor can trap); denormals treated in either way. */
#if defined(__x86_64__)
#include <xmmintrin.h>

static uint64_t state(void) { return _mm_getcsr(); }
static void setState(uint64_t s) { _mm_setcsr((unsigned)s); }

static const uint64_t states[] = {0x1f80, 0x5f80, 0x3f80, 0x7f80, 0x1fbf,
                                  0x0000, 0x6000, 0x9fc0, 0x8000};
#elif defined(__aarch64__)
/* What controls, and above it the flags. */
static uint64_t state(void) {
  uint64_t control, flags;
  __asm__ volatile("mrs %0, fpcr\n\tmrs %1, fpsr"
                   : "=r"(control), "=r"(flags)
                   :
                   : "memory");
  return control | flags << 32;
}
static void setState(uint64_t s) {
  uint64_t control = s & 0xffffffffu, flags = s >> 32;
  __asm__ volatile("msr fpcr, %0\n\tmsr fpsr, %1"
                   :
                   : "r"(control), "r"(flags)
                   : "memory");
}

static const uint64_t states[] = {0,          0x00400000,           0x00800000,
                                  0x00c00000, (uint64_t)0x9f << 32, 0x9f00,
                                  0x00c09f00, 0x03000000,           0x01000000};
#endif

enum { BATCH = 64, TIME = 6 };

static float x[BATCH][TIME][3], y[BATCH];

struct results {
  float params[64], loss, norm, value[BATCH], scale[BATCH];
};

static void *memory(size_t bytes) {
  void *p = NULL;
  if (posix_memalign(&p, 64, bytes))
    exit(2);
  memset(p, 0, bytes);
  return p;
}

/* A caller's task function sees the caller's state and may change it. */
static uint64_t wanted, seen;
static void tasks(void *user, int64_t n, void (*body)(void *, int64_t),
                  void *data) {
  (void)user;
  seen |= state() ^ wanted;
  while (n-- > 0)
    body(data, n);
  seen |= state() ^ wanted;
}

/* Everything that computes, in the state `own`. Nothing here computes itself:
 * it could trap. */
static int run(uint64_t own, const rnnc_context_options *options,
               struct results *r) {
  uint64_t normal = state(), after;
  size_t sizes[4];
  void *work, *params, *prepared, *optimizer;
  rnnc_context *context;
  int32_t status = 0;
  setState(own);
  own = wanted = state(); /* bits that the processor lacks stay 0 */
  context = two_context_create(options, NULL);
  sizes[0] = two_M_params_size();
  sizes[1] = two_M_prepared_size(context);
  sizes[2] = two_M_optimizer_size();
  sizes[3] = two_M_train_step_workspace_size(context, BATCH, TIME);
  params = memory(sizes[0]);
  prepared = memory(sizes[1]);
  optimizer = memory(sizes[2]);
  work = memory(sizes[3]);
  status |= two_M_params_init(params, sizes[0], 1, NULL);
  status |= two_M_prepare(context, params, prepared, sizes[1], NULL);
  status |= two_M_optimizer_init(optimizer, sizes[2], NULL);
  status |= two_M_train_step(context, params, prepared, optimizer, work,
                             sizes[3], BATCH, TIME, NULL, &x[0][0][0], y,
                             &r->loss, &r->norm, NULL);
  status |= two_M_predict(context, params, prepared, work, sizes[3], BATCH,
                          TIME, NULL, &x[0][0][0], r->value, r->scale, NULL);
  memcpy(r->params, two_M_params_data_const(params, 0), 12 * sizeof(float));
  two_context_destroy(context);
  after = state();
  setState(normal);
  free(params);
  free(prepared);
  free(optimizer);
  free(work);
  return status || after != own;
}

static void fill(float scale) {
  for (int b = 0; b < BATCH; ++b) {
    y[b] = scale * (float)(b % 5);
    for (int t = 0; t < TIME; ++t)
      for (int i = 0; i < 3; ++i)
        x[b][t][i] = scale * (float)((b * 7 + t * 3 + i) % 11 - 5) / 7.0f;
  }
}

int main(void) {
  static struct results expected, found;
  const rnnc_context_options kinds[3] = {
      {.size = sizeof *kinds, .threads = 1},
      {.size = sizeof *kinds, .threads = 3},
      {.size = sizeof *kinds, .threads = 3, .tasks = tasks}};
  fill(1);
  if (run(states[0], NULL, &expected))
    return 1;
  for (size_t s = 0; s < sizeof(states) / sizeof(*states); ++s)
    for (int k = 0; k < 3; ++k) {
      memset(&found, 0, sizeof(found));
      if (run(states[s], &kinds[k], &found))
        return printf("state %llx, context %d: changed, or a status\n",
                      (unsigned long long)states[s], k),
               1;
      if (memcmp(&found, &expected, sizeof(found)))
        return printf("state %llx, context %d: other numbers\n",
                      (unsigned long long)states[s], k),
               1;
      if (seen)
        return printf("state %llx: tasks saw bits %llx\n",
                      (unsigned long long)states[s], (unsigned long long)seen),
               1;
    }
  fill(0);
  if (run(states[0], NULL, &expected))
    return 1;
  fill(1e-39f);
  if (run(states[0], NULL, &found) || memcmp(&found, &expected, sizeof(found)))
    return printf("numbers that are not normal are no zeros\n"), 1;
  printf("the same numbers in every state\n");
  return 0;
}
