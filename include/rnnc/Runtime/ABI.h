/* ABI.h: the binary interface between generated libraries and their callers.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Plain C99. A tool that works from the manifest alone takes all functions
 * from the table that a library's `_describe` fills.
 *
 * All objects live in the caller's memory, aligned to 64 bytes. Sizes are
 * asked for first; 0 says that there is no such object, or that its size
 * cannot be held. No function writes global state; only `_context_create`,
 * `_open`, `_reserve` and `_params_load_file` allocate (`_params_init` and
 * `_prepare` may for as long as they run); contexts of more than one thread
 * also allocate what the threads share, and lock; so do contexts on a GPU, for
 * what they keep of it.
 *
 * What can fail returns an rnnc_status and takes an rnnc_error as its last
 * argument, which may be NULL. It is always filled: after RNNC_OK its status
 * is 0 and its message empty.
 *
 * Every struct begins with its size and grows at its end, so that callers and
 * libraries of other versions understand each other:
 * - Callers set the `size` of a struct of theirs to its sizeof. It may be less
 *   than the library's: what lies past it counts as 0, and is not written. It
 *   may be more: what the library does not know has to be 0, or it refuses with
 *   RNNC_ERR_UNSUPPORTED.
 * - In what a library fills, `size` comes back as the bytes that it filled.
 * - A struct that asks for something is refused with RNNC_ERR_ARGUMENT if its
 *   size is too small to be one, or above RNNC_LARGEST_STRUCT (an rnnc_call
 *   without words: nobody knows where they go). An error or a tensor whose size
 *   was not set counts as one without reserved fields, or as a whole one.
 * Fields that are reserved have to be 0. They keep places for devices that a
 * name of a variant does not say.
 *
 * Functions that compute do so rounding to nearest, with floating-point
 * exceptions masked. Models count numbers nearer to 0 than the smallest normal
 * one (1.2e-38 in f32, 2.2e-308 in f64) as 0. The caller's own floating-point
 * state, flags included, is as it was when they return, and in a rnnc_task_fn.
 */
#ifndef RNNC_RUNTIME_ABI_H
#define RNNC_RUNTIME_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RNNC_ABI_VERSION 3

/* No struct will ever be larger. */
#define RNNC_LARGEST_STRUCT 4096

/* Status codes of every function. */
typedef enum rnnc_status {
  RNNC_OK = 0,
  /* a pointer is NULL or misaligned, or a size or option means nothing */
  RNNC_ERR_ARGUMENT = 1,
  /* the workspace (or an object's memory) is too small */
  RNNC_ERR_WORKSPACE = 2,
  /* an index is outside its axis, a flag is not 0 or 1: see rnnc_error */
  RNNC_ERR_INDEX = 3,
  /* a length is negative or above the padded length */
  RNNC_ERR_LENGTH = 4,
  RNNC_ERR_WEIGHTS = 5, /* a weight file does not fit: see rnnc_error */
  /* a gradient or an update is not finite; nothing was changed */
  RNNC_ERR_NOT_FINITE = 6,
  RNNC_ERR_EMPTY = 7,       /* argmax over nothing */
  RNNC_ERR_UNSUPPORTED = 8, /* the module does not export this function */
  /* the memory given is not an initialised object of this module */
  RNNC_ERR_STATE = 9,
  /* a file cannot be read or written: see rnnc_error */
  RNNC_ERR_FILE = 10,
  RNNC_ERR_DEVICE = 11 /* a device failed, or there is none */
} rnnc_status;

/* Where a value is at fault. Fields that do not apply are -1 or empty. */
typedef struct rnnc_error {
  size_t size;
  int32_t status;
  int32_t argument;    /* position in the function's manifest `args` */
  int64_t example;     /* row of the batch */
  int64_t step;        /* position on the (first) time axis */
  int64_t value;       /* the value found */
  char name[128];      /* argument or parameter name */
  char message[256];   /* one English sentence, zero-terminated */
  int32_t device;      /* the device that failed; -1 */
  int32_t device_code; /* its driver's own number for what happened */
} rnnc_error;

/* A caller's own way to run tasks: call body(data, i) for every i in [0, n),
 * in any order, on any threads, and return when all are done. */
typedef void (*rnnc_task_fn)(void *user, int64_t n,
                             void (*body)(void *data, int64_t i), void *data);

typedef struct rnnc_context_options {
  size_t size;
  int32_t threads;     /* >= 1; 0 means 1 */
  const char *variant; /* "v2", "v3", "v4", "neon", "native", or NULL: best for
                          this machine; "gpu", "gpu:1": code on that GPU */
  /* NULL: the library's own threads (none is made if threads == 1) */
  rnnc_task_fn tasks;
  void *tasks_user;
  /* reserved; a GPU is chosen by `variant` */
  void *device;
} rnnc_context_options;

/* The objects. Opaque: created by `_init` in memory of the size asked for. */
typedef struct rnnc_context rnnc_context;
typedef struct rnnc_params rnnc_params;
/* Weights as the products read them, packed by `_prepare` for one context's
 * code, with a copy of the parameters that functions also read as they are.
 * Functions that change no parameter and have no gradients need nothing else:
 * with it their `params` may be NULL, and the parameters may be thrown away.
 * Given both, it must be of the same parameters as they are now. After
 * `_params_init`, `_params_load`, or a `train_step` that was not given it, a
 * call with the old one is refused with RNNC_ERR_STATE. Writes through the
 * pointer of `_params_data` are not seen: whoever writes there calls `_prepare`
 * again; until then results mix old weights and new. `train_step` refreshes the
 * one it is given. Any number of threads may read one at the same time. */
typedef struct rnnc_prepared rnnc_prepared;
typedef struct rnnc_optimizer rnnc_optimizer;
/* bptt k carry: states + previous true element */
typedef struct rnnc_carry rnnc_carry;
typedef struct rnnc_stream rnnc_stream; /* states of `step` */

/* What a look-up by name tells of a parameter or a state. */
typedef struct rnnc_tensor {
  size_t size;
  const char *name; /* NULL: there is none of that name */
  /* `rank` sizes, the outermost first; a state's without the batch */
  const int64_t *shape;
  /* elements, the product of the shape; a state's of one row */
  int64_t count;
  int64_t offset; /* bytes after the first parameter (the same in every slot of
                     the optimizer), or after the first state of that stream */
  int32_t rank;
  /* among parameters or states; -1: there is none of that name */
  int32_t position;
  int32_t memory; /* reserved: whose memory it lies in; 0: the host's */
  int32_t reserved;
} rnnc_tensor;

/* What `_open` makes for those who want to use a model and no more: pass its
 * objects to the functions. `_close` frees it all. */
typedef struct rnnc_session {
  size_t size;
  rnnc_context *context;
  const rnnc_params *params;
  rnnc_prepared *prepared;
  rnnc_stream *stream; /* of `batch` rows; NULL: no function takes one */
  /* enough for functions without a time axis; see `_reserve` */
  void *workspace;
  size_t workspace_bytes;
  int32_t batch;
  int32_t reserved;
} rnnc_session;

/* Where the arrays of a call lie. */
typedef enum rnnc_memory {
  RNNC_MEMORY_HOST = 0,
  /* Of the context's GPU: inputs of real numbers, and all results. Whole
   * numbers that a call reads (lengths, indices, flags) are the host's: they
   * are checked. */
  RNNC_MEMORY_DEVICE = 1
} rnnc_memory;

/* Arguments of the generic call. `args` has one pointer for every entry of the
 * function's "args" list in the manifest, in that order (inputs and outputs
 * alike, row-major [batch, time, feature]); an optional one may be NULL, and
 * every result that is not wanted. */
typedef struct rnnc_call {
  size_t size;
  /* NULL: `prepared` has all that the function reads */
  rnnc_params *params;
  /* NULL: packed inside the call; only train_step writes it */
  rnnc_prepared *prepared;
  rnnc_optimizer *optimizer; /* train_step only */
  /* models trained with `bptt k carry`; NULL: first states */
  rnnc_carry *carry;
  rnnc_stream *stream; /* step, sample */
  void *workspace;
  size_t workspace_bytes;
  int32_t batch;
  int32_t num_times;
  /* padded length of every time axis of the function */
  const int32_t *times;
  void *const *args;
  int32_t num_args;
  uint64_t seed;     /* dropout and draws */
  int32_t has_seed;  /* vjp applies dropout only if set */
  rnnc_error *error; /* may be NULL */
  /* train_step: the norm of each parameter's gradient; may be NULL */
  double *norms;
  /* Of a context on a GPU: the stream (CUstream) that the call goes into; it
   * returns without waiting if no result is wanted on the host. NULL: the
   * context's own, and all is done when the call returns. */
  void *device_stream;
  /* Of a context on a GPU: where `args` lie, an rnnc_memory. */
  int32_t memory;
  int32_t reserved;
} rnnc_call;

/* What `<library>_describe` fills: the whole library as function pointers, so
 * that a generic tool needs one symbol. `module` and `function` are positions
 * in the manifest's lists. A function that lies past the size is not there. */
typedef struct rnnc_library {
  size_t size;
  int32_t abi_version;
  const char *manifest; /* JSON, zero-terminated */
  const char *(*strerror)(int32_t status);

  size_t (*context_size)(void);
  int32_t (*context_init)(rnnc_context *, size_t bytes,
                          const rnnc_context_options *, rnnc_error *);
  void (*context_finish)(rnnc_context *); /* ends its threads */
  const char *(*context_variant)(const rnnc_context *);

  size_t (*params_size)(int32_t module);
  int32_t (*params_init)(int32_t module, rnnc_params *, size_t bytes,
                         uint64_t seed, rnnc_error *);
  void *(*params_data)(int32_t module, rnnc_params *, int32_t parameter);
  const void *(*params_data_const)(int32_t module, const rnnc_params *,
                                   int32_t parameter);
  int32_t (*params_load)(int32_t module, rnnc_params *, const void *safetensors,
                         size_t bytes, rnnc_error *);

  size_t (*prepared_size)(const rnnc_context *, int32_t module);
  int32_t (*prepare)(const rnnc_context *, int32_t module, const rnnc_params *,
                     rnnc_prepared *, size_t bytes, rnnc_error *);

  size_t (*optimizer_size)(int32_t module);
  int32_t (*optimizer_init)(int32_t module, rnnc_optimizer *, size_t bytes,
                            rnnc_error *);
  /* Slot s (0 .. manifest "optimizer"."slots"-1) of the per-parameter state,
   * in the layout of the parameter arena; NULL past the last. */
  void *(*optimizer_slot)(int32_t module, rnnc_optimizer *, int32_t slot);
  const void *(*optimizer_slot_const)(int32_t module, const rnnc_optimizer *,
                                      int32_t slot);
  /* Counters that steer the schedule; kept in checkpoints by the tools. */
  struct rnnc_optimizer_counters *(*optimizer_counters)(int32_t module,
                                                        rnnc_optimizer *);
  const struct rnnc_optimizer_counters *(*optimizer_counters_const)(
      int32_t module, const rnnc_optimizer *);

  size_t (*carry_size)(int32_t module, int32_t batch);
  int32_t (*carry_init)(int32_t module, rnnc_carry *, size_t bytes,
                        int32_t batch, rnnc_error *);

  size_t (*stream_size)(int32_t module, int32_t batch);
  int32_t (*stream_init)(const rnnc_context *, int32_t module,
                         const rnnc_params *, rnnc_stream *, size_t bytes,
                         int32_t batch, rnnc_error *);
  /* State s of the module's manifest "states", [batch, shape...]. Who asks for
   * the pointer that may be written sets all states of all rows: from then on
   * they are what is there. Through the other one a row that begins anew has
   * zeros until its first step. */
  void *(*stream_state)(int32_t module, rnnc_stream *, int32_t state);
  const void *(*stream_state_const)(int32_t module, const rnnc_stream *,
                                    int32_t state);
  /* Rows with rows[b] == 1, or all of them, begin with the declared first
   * states again. */
  int32_t (*stream_reset)(int32_t module, rnnc_stream *, const int32_t *rows,
                          rnnc_error *);
  /* `to` goes on from where `from` is; it needs no `_init`. */
  int32_t (*stream_copy)(int32_t module, rnnc_stream *to, size_t bytes,
                         const rnnc_stream *from, rnnc_error *);

  size_t (*workspace_size)(const rnnc_context *, int32_t module,
                           int32_t function, int32_t batch,
                           const int32_t *times);
  /* Of calls that are given prepared weights: no room to pack. */
  size_t (*prepared_workspace_size)(const rnnc_context *, int32_t module,
                                    int32_t function, int32_t batch,
                                    const int32_t *times);
  int32_t (*call)(const rnnc_context *, int32_t module, int32_t function,
                  const rnnc_call *);

  /* Parameters as a safetensors file in memory of `params_save_size` bytes. */
  size_t (*params_save_size)(int32_t module);
  int32_t (*params_save)(int32_t module, const rnnc_params *, void *safetensors,
                         size_t bytes, rnnc_error *);
  /* The weights that are part of the library, read-only; NULL: there are none.
   */
  const rnnc_params *(*params_baked)(int32_t module);
  int32_t (*params_init_baked)(int32_t module, rnnc_params *, size_t bytes,
                               rnnc_error *);
  /* Takes the bytes of a stream that were kept. */
  int32_t (*stream_load)(int32_t module, rnnc_stream *, size_t bytes,
                         const void *saved, size_t saved_bytes, rnnc_error *);
  /* State s of the module's manifest "states" in a carry, [batch, shape...]; a
   * row that begins anew has zeros until its first step, whatever is written
   * there. */
  void *(*carry_state)(int32_t module, rnnc_carry *, int32_t state);
  /* Of libraries with code for GPUs, else NULL: what `train_step` changes lives
   * on the GPU of a context; brings what is newer there. */
  int32_t (*gpu_keep)(const rnnc_context *, int32_t module, rnnc_params *,
                      rnnc_optimizer *, rnnc_error *);
  int32_t (*gpu_fetch)(const rnnc_context *, int32_t module, rnnc_params *,
                       rnnc_optimizer *, rnnc_error *);
  /* The same for the states of a stream, which `step` changes. `fetch` with
   * `end` frees them there, too. */
  int32_t (*gpu_stream_keep)(const rnnc_context *, int32_t module,
                             rnnc_stream *, rnnc_error *);
  int32_t (*gpu_stream_fetch)(const rnnc_context *, int32_t module,
                              rnnc_stream *, int32_t end, rnnc_error *);
} rnnc_library;

typedef struct rnnc_optimizer_counters {
  size_t size;     /* set by `_optimizer_init` */
  int64_t updates; /* updates done: Adam's t */
  int64_t skipped; /* updates skipped because something was not finite */
  int64_t empty;   /* batches without observed elements */
  /* epochs that are over; set by the caller for `step` schedules */
  int64_t epoch;
  int64_t total_steps; /* planned updates; set by the caller for `cosine` */
  double rate_scale;   /* extra factor on the learning rate, 1 by default */
  /* index of the parameter that an update was skipped for last, or -1 */
  int32_t bad_parameter;
  /* with `accumulate`: batches since the last update, and how many one is made
   * of, 1 to what `train` says; set by `_optimizer_init`, the caller may change
   * it, so that the last update of an epoch has those that are left */
  int32_t gathered;
  int32_t accumulate;
  int32_t reserved;
  double weight; /* elements, or examples, of the batches since then */
} rnnc_optimizer_counters;

/* `<library>_describe`: RNNC_ERR_ARGUMENT for NULL, and for a size that ends
 * before the functions do that every library has. Libraries before version 3
 * write their version, which is less than any size, in its place. */
typedef int32_t (*rnnc_describe_fn)(rnnc_library *);

#ifdef __cplusplus
}
#endif

#endif /* RNNC_RUNTIME_ABI_H */
