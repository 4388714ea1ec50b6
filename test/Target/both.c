/* both.c: two libraries in one program, as C99 or as C++; each learns to add up
 * what it reads. Their modules have the same name. */
#include "libone.h"
#include "libtwo.h"

#include <stdio.h>
#include <stdlib.h>

#define CHECK(c)                                                               \
  do {                                                                         \
    if (!(c)) {                                                                \
      printf("%s, line %d: %s\n", __FILE__, __LINE__, #c);                     \
      exit(1);                                                                 \
    }                                                                          \
  } while (0)

enum { BATCH = 8, TIME = 4, STEPS = 1000 };

static float x[BATCH][TIME][3], y[BATCH];

static void *memory(size_t bytes) {
  void *p = NULL;
  CHECK(posix_memalign(&p, 64, bytes) == 0);
  return p;
}

static void makeData(void) {
  unsigned state = 1;
  for (int b = 0; b < BATCH; ++b) {
    y[b] = 0;
    for (int t = 0; t < TIME; ++t)
      for (int i = 0; i < 3; ++i) {
        state = state * 1664525u + 1013904223u;
        x[b][t][i] = (float)(state >> 16) / 65536.0f - 0.5f;
        y[b] += x[b][t][i];
      }
  }
}

/* The functions of a library have the same types in both. */
#define LEARN(LIB)                                                             \
  static float learn_##LIB(void) {                                             \
    rnnc_error error;                                                          \
    float loss = 0, norm = 0, first = 0;                                       \
    rnnc_context *context = LIB##_context_create(NULL, NULL);                  \
    CHECK(context && LIB##_abi_version() == RNNC_ABI_VERSION);                 \
    error.size = sizeof(error);                                                \
    size_t bytes = LIB##_M_params_size();                                      \
    rnnc_params *params = (rnnc_params *)memory(bytes);                        \
    CHECK(LIB##_M_params_init(params, bytes, 1, NULL) == RNNC_OK);             \
    bytes = LIB##_M_prepared_size(context);                                    \
    rnnc_prepared *prepared = (rnnc_prepared *)memory(bytes);                  \
    CHECK(LIB##_M_prepare(context, params, prepared, bytes, NULL) == RNNC_OK); \
    bytes = LIB##_M_optimizer_size();                                          \
    rnnc_optimizer *optimizer = (rnnc_optimizer *)memory(bytes);               \
    CHECK(LIB##_M_optimizer_init(optimizer, bytes, NULL) == RNNC_OK);          \
    size_t size = LIB##_M_train_step_workspace_size(context, BATCH, TIME);     \
    CHECK(size > 0);                                                           \
    void *work = memory(size);                                                 \
    for (int i = 0; i < STEPS; ++i) {                                          \
      CHECK(LIB##_M_train_step(context, params, prepared, optimizer, work,     \
                               size, BATCH, TIME, NULL, &x[0][0][0], y, &loss, \
                               &norm, &error) == RNNC_OK);                     \
      if (i == 0)                                                              \
        first = loss;                                                          \
    }                                                                          \
    CHECK(LIB##_M_optimizer_counters(optimizer)->updates == STEPS);            \
    float value[BATCH], scale[BATCH];                                          \
    size = LIB##_M_predict_workspace_size(context, BATCH, TIME);               \
    free(work);                                                                \
    work = memory(size);                                                       \
    CHECK(LIB##_M_predict(context, params, prepared, work, size, BATCH, TIME,  \
                          NULL, &x[0][0][0], value, scale,                     \
                          &error) == RNNC_OK);                                 \
    LIB##_context_destroy(context);                                            \
    free(params);                                                              \
    free(prepared);                                                            \
    free(optimizer);                                                           \
    free(work);                                                                \
    printf(#LIB ": loss %.3f, then %.3f\n", (double)first, (double)loss);      \
    return loss;                                                               \
  }

LEARN(one)
LEARN(two)

int main(void) {
  makeData();
  /* The loss of a perfect answer is log(sqrt(2 pi)) = 0.919. */
  CHECK(learn_one() < 0.93f);
  CHECK(learn_two() < 1.2f);
  CHECK(one_manifest() != two_manifest());
  return 0;
}
