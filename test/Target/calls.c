/* calls.c: makes the calls that a file lists and writes what they give, through
 * the table of functions that a library describes itself with. It does not
 * read the manifest: calls.py, which lists the calls, does, on the machine at
 * hand; this runs wherever the library does.
 *
 *   calls LIBRARY DESCRIBE                        (prints the manifest)
 *   calls LIBRARY DESCRIBE THREADS CALLS RESULTS
 *
 * CALLS is of int64 words, and of bytes that begin with their number:
 *   number of calls, then for each
 *   module, function, batch, repeat, prepared, optimizer, carry, stream,
 * has_seed, seed, weights (bytes; none: as `_params_init` makes them), number
 * of times, times, number of args, args where an arg is 0 (NULL), 1 and its
 * bytes, or 2 and the number of bytes that come back. RESULTS has for each call
 * the parameters before and after, as safetensors, and in between for each
 * repetition the status and results. */
#include "rnnc/Runtime/ABI.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 64 };

static FILE *in, *out;
static rnnc_library lib;

static void fail(const char *what) {
  printf("calls: %s\n", what);
  exit(1);
}

static void *memory(size_t bytes) {
  void *p = NULL;
  if (posix_memalign(&p, 64, bytes + 64))
    fail("no memory");
  memset(p, 0xa5, bytes + 64);
  return p;
}

static int64_t word(void) {
  int64_t w = 0;
  if (fread(&w, sizeof(w), 1, in) != 1)
    fail("the file of calls ends too early");
  return w;
}

static void *bytes(size_t *size) {
  void *p;
  *size = (size_t)word();
  p = memory(*size);
  if (*size && fread(p, *size, 1, in) != 1)
    fail("the file of calls ends too early");
  return p;
}

static void give(const void *p, size_t size) {
  int64_t w = (int64_t)size;
  if (fwrite(&w, sizeof(w), 1, out) != 1 ||
      (size && fwrite(p, size, 1, out) != 1))
    fail("results cannot be written");
}

static void giveParams(int32_t module, const rnnc_params *params) {
  size_t size = lib.params_save_size(module);
  void *p = memory(size);
  if (lib.params_save(module, params, p, size, NULL))
    fail("params_save");
  give(p, size);
  free(p);
}

static void one(rnnc_context *context) {
  rnnc_error error = {.size = sizeof error};
  rnnc_call call = {.size = sizeof call, .error = &error};
  int32_t module = (int32_t)word(), function = (int32_t)word(), times[MOST];
  int64_t repeat, prepared, optimizer, carry, stream;
  size_t size, results[MOST] = {0};
  void *args[MOST] = {0}, *weights;
  call.batch = (int32_t)word();
  repeat = word();
  prepared = word();
  optimizer = word();
  carry = word();
  stream = word();
  call.has_seed = (int32_t)word();
  call.seed = (uint64_t)word();

  call.params = memory(lib.params_size(module));
  if (lib.params_init(module, call.params, lib.params_size(module), 1, &error))
    fail(error.message);
  weights = bytes(&size);
  if (size && lib.params_load(module, call.params, weights, size, &error))
    fail(error.message);
  free(weights);
  giveParams(module, call.params);
  if (prepared) {
    size = lib.prepared_size(context, module);
    call.prepared = memory(size);
    if (lib.prepare(context, module, call.params, call.prepared, size, &error))
      fail(error.message);
  }
  if (optimizer) {
    size = lib.optimizer_size(module);
    call.optimizer = memory(size);
    if (lib.optimizer_init(module, call.optimizer, size, &error))
      fail(error.message);
  }
  if (carry) {
    size = lib.carry_size(module, call.batch);
    call.carry = memory(size);
    if (lib.carry_init(module, call.carry, size, call.batch, &error))
      fail(error.message);
  }
  if (stream) {
    size = lib.stream_size(module, call.batch);
    call.stream = memory(size);
    if (lib.stream_init(context, module, call.params, call.stream, size,
                        call.batch, &error))
      fail(error.message);
  }

  call.num_times = (int32_t)word();
  if (call.num_times > MOST)
    fail("too many times");
  for (int32_t i = 0; i < call.num_times; ++i)
    times[i] = (int32_t)word();
  call.times = times;
  call.num_args = (int32_t)word();
  if (call.num_args > MOST)
    fail("too many arguments");
  for (int32_t i = 0; i < call.num_args; ++i)
    switch (word()) {
    case 1:
      args[i] = bytes(&size);
      break;
    case 2:
      results[i] = (size_t)word();
      args[i] = memory(results[i]);
      break;
    }
  call.args = args;
  call.workspace_bytes =
      (prepared ? lib.prepared_workspace_size : lib.workspace_size)(
          context, module, function, call.batch, times);
  call.workspace = memory(call.workspace_bytes);
  while (repeat-- > 0) {
    int64_t status = lib.call(context, module, function, &call);
    if (status)
      printf("calls: %s\n", error.message);
    give(&status, sizeof(status));
    for (int32_t i = 0; i < call.num_args; ++i)
      if (results[i])
        give(args[i], results[i]);
  }
  giveParams(module, call.params);
  for (int32_t i = 0; i < call.num_args; ++i)
    free(args[i]);
  free(call.workspace);
  free(call.stream);
  free(call.carry);
  free(call.optimizer);
  free(call.prepared);
  free(call.params);
}

int main(int argc, char **argv) {
  rnnc_context_options options = {.size = sizeof options};
  rnnc_error error = {.size = sizeof error};
  rnnc_context *context;
  rnnc_describe_fn describe;
  void *handle, *symbol;
  if (argc != 3 && argc != 6)
    fail("LIBRARY DESCRIBE THREADS CALLS RESULTS");
  handle = dlopen(argv[1], RTLD_NOW);
  if (!handle)
    fail(dlerror());
  symbol = dlsym(handle, argv[2]);
  if (!symbol)
    fail(dlerror());
  memcpy(&describe, &symbol, sizeof(describe));
  lib.size = sizeof(lib);
  if (describe(&lib) || lib.abi_version != RNNC_ABI_VERSION)
    fail("the library is of another version");
  if (argc == 3) {
    puts(lib.manifest);
    return 0;
  }
  in = fopen(argv[4], "rb");
  out = fopen(argv[5], "wb");
  if (!in || !out)
    fail("no file");
  options.threads = atoi(argv[3]);
  context = memory(lib.context_size());
  if (lib.context_init(context, lib.context_size(), &options, &error))
    fail(error.message);
  for (int64_t n = word(); n > 0; --n)
    one(context);
  printf("calls: done with %s\n", lib.context_variant(context));
  lib.context_finish(context);
  free(context);
  fclose(in);
  if (fclose(out))
    fail("results cannot be written");
  dlclose(handle);
  return 0;
}
