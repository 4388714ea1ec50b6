/* sum.c: calls a model that the build made.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "libnet.h"

#include <stdio.h>

int main(void) {
  rnnc_error error = {.size = sizeof error};
  const float x[1][2][3] = {{{1, 2, 3}, {10, 20, 30}}};
  float sum = 0;
  rnnc_session *net = net_Sum_open(NULL, 1, NULL, &error);
  if (!net ||
      net_Sum_reserve(net, net_Sum_predict_workspace_size(net->context, 1, 2),
                      &error) ||
      net_Sum_predict(net->context, net->params, net->prepared, net->workspace,
                      net->workspace_bytes, 1, 2, NULL, &x[0][0][0], &sum, NULL,
                      &error))
    fprintf(stderr, "%s\n", error.message);
  else
    printf("the sum is %g\n", sum);
  net_Sum_close(net);
  return error.status != RNNC_OK;
}
