/* once.c: how much memory a C program takes that calls a function once.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *   once MODULE FUNCTION BATCH STEPS BYTES...
 *
 * MODULE and FUNCTION are positions in the manifest of libmodel.so; BYTES of
 * each argument, 0 for one that is left out. Arguments are zeros. Prints the
 * largest resident size of the process, in bytes.
 */
#define _POSIX_C_SOURCE 200809L
#include "libmodel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static rnnc_error error = {.size = sizeof(rnnc_error)};

static void check(int32_t status) {
  if (status == RNNC_OK)
    return;
  fprintf(stderr, "%s\n", error.message);
  exit(1);
}

/* Aligned; NULL for nothing. */
static void *memory(size_t bytes) {
  void *place = NULL;
  if (bytes && posix_memalign(&place, 64, bytes))
    exit(2);
  return place;
}

/* A line of the process's status; what getrusage says is also the parent's. */
static long long kilobytes(const char *name) {
  char line[128];
  long long value = -1;
  FILE *status = fopen("/proc/self/status", "r");
  while (status && fgets(line, sizeof line, status))
    if (!strncmp(line, name, strlen(name)))
      value = atoll(line + strlen(name));
  if (status)
    fclose(status);
  return value;
}

int main(int argc, char **argv) {
  if (argc < 5)
    return 2;
  rnnc_library library = {.size = sizeof library};
  int32_t module = atoi(argv[1]), function = atoi(argv[2]);
  int32_t batch = atoi(argv[3]), steps = atoi(argv[4]);
  check(model_describe(&library));
  rnnc_context *context = memory(library.context_size());
  check(library.context_init(context, library.context_size(), NULL, &error));
  size_t bytes = library.params_size(module);
  rnnc_params *params = memory(bytes);
  check(library.params_init(module, params, bytes, 1, &error));
  bytes = library.optimizer_size(module);
  rnnc_optimizer *optimizer = memory(bytes);
  if (optimizer)
    check(library.optimizer_init(module, optimizer, bytes, &error));
  bytes = library.carry_size(module, batch);
  rnnc_carry *carry = memory(bytes);
  if (carry)
    check(library.carry_init(module, carry, bytes, batch, &error));
  bytes = library.workspace_size(context, module, function, batch, &steps);
  void *args[64] = {0};
  for (int i = 5; i < argc && i < 69; ++i)
    if ((args[i - 5] = memory((size_t)atoll(argv[i]))))
      memset(args[i - 5], 0, (size_t)atoll(argv[i]));
  rnnc_call call = {.size = sizeof call,
                    .params = params,
                    .optimizer = optimizer,
                    .carry = carry,
                    .workspace = memory(bytes),
                    .workspace_bytes = bytes,
                    .batch = batch,
                    .num_times = 1,
                    .times = &steps,
                    .args = args,
                    .num_args = argc - 5,
                    .error = &error};
  check(library.call(context, module, function, &call));
  printf("%lld\n", 1024 * kilobytes("VmHWM:"));
  return 0;
}
