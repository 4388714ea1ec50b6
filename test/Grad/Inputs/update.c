/* Runs updates and prints what each did to the parameter a.
 *
 *   update TOKEN...   eN: N epochs are over; tN: N updates are planned;
 *                     a number: one train_step with it as the input
 */
#include "libm.h"

#include <stdio.h>
#include <stdlib.h>

#ifndef REAL
#define REAL float
#endif

static void *object(size_t bytes) {
  return aligned_alloc(64, (bytes + 63) / 64 * 64);
}

int main(int argc, char **argv) {
  rnnc_context *context = m_context_create(NULL, NULL);
  size_t params_bytes = m_M_params_size(),
         optimizer_bytes = m_M_optimizer_size();
  rnnc_params *params = object(params_bytes);
  rnnc_optimizer *optimizer = object(optimizer_bytes);
  size_t bytes = m_M_train_step_workspace_size(context, 2);
  void *workspace = object(bytes);
  rnnc_optimizer_counters *counters;
  int i;
  if (m_M_params_init(params, params_bytes, 0, NULL) ||
      m_M_optimizer_init(optimizer, optimizer_bytes, NULL))
    return 1;
  counters = m_M_optimizer_counters(optimizer);
  for (i = 1; i < argc; ++i) {
    REAL *a = m_M_params_data(params, 0), *c = m_M_params_data(params, 2);
    REAL before = *a, loss = -1, norm = -1, x[2];
    rnnc_error error = {.size = sizeof error};
    int32_t status;
    if (argv[i][0] == 'e') {
      counters->epoch = atoi(argv[i] + 1);
      continue;
    }
    if (argv[i][0] == 't') {
      counters->total_steps = atoi(argv[i] + 1);
      continue;
    }
    x[0] = x[1] = (REAL)atof(argv[i]);
    status = m_M_train_step(context, params, NULL, optimizer, workspace, bytes,
                            2, x, &loss, &norm, &error);
    printf("moved %.5f norm %.5g updates %d skipped %d c %.3f", before - *a,
           norm, (int)counters->updates, (int)counters->skipped, *c);
    if (status)
      printf(" status %d bad %d %s", status, counters->bad_parameter,
             error.message);
    printf("\n");
  }
  m_context_destroy(context);
  return 0;
}
