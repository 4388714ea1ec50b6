/* tiny.c: uses the library of Tiny.mlir as any C program would. */
#include "libtiny.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(c)                                                               \
  do {                                                                         \
    if (!(c)) {                                                                \
      printf("line %d: %s\n", __LINE__, #c);                                   \
      return 1;                                                                \
    }                                                                          \
  } while (0)

static void *memory(size_t bytes) {
  void *p = NULL;
  return posix_memalign(&p, 64, bytes ? bytes : 64) ? NULL : p;
}

int main(void) {
  rnnc_error error;
  rnnc_context_options options;
  memset(&options, 0, sizeof options);
  options.size = sizeof options;
  options.threads = 2;
  error.size = sizeof error;
  rnnc_context *context = tiny_context_create(&options, NULL);
  CHECK(context);
  size_t bytes = tiny_Tiny_params_size();
  rnnc_params *params = (rnnc_params *)memory(bytes);
  rnnc_prepared *prepared =
      (rnnc_prepared *)memory(tiny_Tiny_prepared_size(context));
  rnnc_optimizer *optimizer =
      (rnnc_optimizer *)memory(tiny_Tiny_optimizer_size());
  float x[6] = {2, 0, 0, 0, 0, 0}, loss = 0, norm = 0, grad[2];
  int32_t lengths[2] = {3, 1};
  size_t need = tiny_Tiny_train_step_workspace_size(context, 2, 3);
  void *work = memory(need);
  CHECK(need > 0);

  /* Objects that were not made are refused. */
  memset(params, 0, bytes);
  CHECK(tiny_Tiny_loss(context, params, NULL, work, need, 2, 3, NULL, x, &loss,
                       &error) == RNNC_ERR_STATE);
  CHECK(tiny_Tiny_params_init(params, bytes - 1, 0, NULL) ==
        RNNC_ERR_WORKSPACE);
  CHECK(tiny_Tiny_params_init(params, bytes, 0, NULL) == RNNC_OK);
  float *w = (float *)tiny_Tiny_params_data(params, 0);
  CHECK(w && w[0] == 3 && w[1] == 3);
  CHECK(tiny_Tiny_params_data(params, 1) == NULL);
  CHECK(tiny_Tiny_prepare(context, params, prepared,
                          tiny_Tiny_prepared_size(context), NULL) == RNNC_OK);

  CHECK(tiny_Tiny_loss(context, params, prepared, work, need, 2, 3, lengths, x,
                       &loss, &error) == RNNC_OK);
  CHECK(loss == 15);
  CHECK(tiny_Tiny_loss(context, params, NULL, work, need, 2, 3, NULL, x, &loss,
                       NULL) == RNNC_OK);
  CHECK(tiny_Tiny_loss(context, params, NULL, work, 8, 2, 3, NULL, x, &loss,
                       &error) == RNNC_ERR_WORKSPACE);
  CHECK(strstr(error.message, "workspace"));
  CHECK(tiny_Tiny_loss(context, params, NULL, work, need, 2, 3, NULL, NULL,
                       &loss, &error) == RNNC_ERR_ARGUMENT);
  CHECK(!strcmp(error.name, "x"));
  lengths[1] = 4;
  CHECK(tiny_Tiny_loss(context, params, NULL, work, need, 2, 3, lengths, x,
                       &loss, &error) == RNNC_ERR_LENGTH);
  CHECK(error.example == 1 && error.value == 4);
  lengths[1] = 1;

  CHECK(tiny_Tiny_grad(context, params, NULL, work, need, 2, 3, lengths, x,
                       &loss, grad, &error) == RNNC_OK);
  CHECK(grad[0] == 2 && grad[1] == 3);

  CHECK(tiny_Tiny_train_step(context, params, NULL, optimizer, work, need, 2, 3,
                             lengths, x, &loss, &norm,
                             &error) == RNNC_ERR_STATE);
  CHECK(tiny_Tiny_optimizer_init(optimizer, tiny_Tiny_optimizer_size(), NULL) ==
        RNNC_OK);
  CHECK(tiny_Tiny_train_step(context, params, NULL, optimizer, work, need, 2, 3,
                             lengths, x, &loss, &norm, &error) == RNNC_OK);
  CHECK(loss == 15 && norm == 2 && w[0] == 2 && w[1] == 1.5f);
  rnnc_optimizer_counters *counters = tiny_Tiny_optimizer_counters(optimizer);
  CHECK(counters->updates == 1);
  counters->epoch = 3; /* the rate is halved once: 2 epochs after the first */
  CHECK(tiny_Tiny_train_step(context, params, NULL, optimizer, work, need, 2, 3,
                             lengths, x, &loss, &norm, &error) == RNNC_OK);
  CHECK(w[0] == 1.5f && w[1] == 0.75f);
  x[0] = NAN;
  CHECK(tiny_Tiny_train_step(context, params, NULL, optimizer, work, need, 2, 3,
                             lengths, x, &loss, &norm,
                             &error) == RNNC_ERR_NOT_FINITE);
  CHECK(!strcmp(error.name, "a.w") && counters->skipped == 1 &&
        counters->updates == 2);
  CHECK(counters->bad_parameter == 0 && w[0] == 1.5f);
  CHECK(tiny_Tiny_train_step(context, params, NULL, optimizer, work, need, 0, 3,
                             lengths, x, &loss, &norm, &error) == RNNC_OK);
  CHECK(counters->empty == 1 && loss == 0);

  rnnc_library library;
  library.size = sizeof library;
  CHECK(tiny_describe(&library) == RNNC_OK && library.size == sizeof library);
  CHECK(library.abi_version == RNNC_ABI_VERSION &&
        library.abi_version == tiny_abi_version());
  CHECK(library.manifest == tiny_manifest() &&
        strstr(library.manifest, "\"tiny_Tiny_loss\""));
  CHECK(library.params_size(1) == 0 &&
        library.workspace_size(context, 0, 9, 1, NULL) == 0);
  CHECK(strlen(tiny_context_variant(context)) > 0 &&
        strlen(tiny_strerror(3)) > 0);
  rnnc_context_options odd = options;
  odd.variant = "nonsense";
  CHECK(tiny_context_create(&odd, NULL) == NULL);
  tiny_context_destroy(context);
  free(params);
  free(prepared);
  free(optimizer);
  free(work);
  return 0;
}
