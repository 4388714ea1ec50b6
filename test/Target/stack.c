/* stack.c: how much stack the functions of a library use.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * A call runs on a thread of its own whose stack was painted; what is no longer
 * paint was used. Below the stack lies a page that nobody may touch. */
#include "rnnc/Runtime/ABI.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

enum { kGuard = 4096, kPaint = 0xA5 };

struct job {
  const rnnc_library *library;
  const rnnc_context *context;
  int32_t module, function;
  const rnnc_call *call; /* NULL: prepares, or does nothing */
  rnnc_params *params;
  rnnc_prepared *prepared;
  size_t bytes;
  void (*body)(void *, int64_t);
  void *data;
  int64_t index;
  int32_t status;
};

static void *work(void *arg) {
  struct job *job = arg;
  if (job->body)
    job->body(job->data, job->index);
  else if (job->call)
    job->status =
        job->library->call(job->context, job->module, job->function, job->call);
  else if (job->prepared)
    job->status = job->library->prepare(job->context, job->module, job->params,
                                        job->prepared, job->bytes, NULL);
  return NULL;
}

/* Bytes of a stack of `size` bytes that the job used, or 0 if no thread could
 * be made. */
static size_t paint(struct job *job, size_t size) {
  char *memory = mmap(NULL, kGuard + size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED || mprotect(memory, kGuard, PROT_NONE))
    return 0;
  memset(memory + kGuard, kPaint, size);
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  size_t untouched = size;
  if (!pthread_attr_setstack(&attributes, memory + kGuard, size) &&
      !pthread_create(&thread, &attributes, work, job)) {
    pthread_join(thread, NULL);
    for (untouched = 0; untouched < size; ++untouched)
      if ((unsigned char)memory[kGuard + untouched] != kPaint)
        break;
  }
  pthread_attr_destroy(&attributes);
  munmap(memory, kGuard + size);
  return size - untouched;
}

/* What a thread uses that does nothing: its own data. */
static size_t idle(size_t size) {
  struct job nothing;
  memset(&nothing, 0, sizeof nothing);
  return paint(&nothing, size);
}

size_t stack_of_call(const rnnc_library *library, const rnnc_context *context,
                     int32_t module, int32_t function, const rnnc_call *call,
                     size_t size, int32_t *status) {
  struct job job;
  memset(&job, 0, sizeof job);
  job.library = library, job.context = context;
  job.module = module, job.function = function, job.call = call;
  size_t used = paint(&job, size);
  *status = job.status;
  return used - idle(size);
}

size_t stack_of_prepare(const rnnc_library *library,
                        const rnnc_context *context, int32_t module,
                        rnnc_params *params, rnnc_prepared *prepared,
                        size_t bytes, size_t size, int32_t *status) {
  struct job job;
  memset(&job, 0, sizeof job);
  job.library = library, job.context = context, job.module = module;
  job.params = params, job.prepared = prepared, job.bytes = bytes;
  size_t used = paint(&job, size);
  *status = job.status;
  return used - idle(size);
}

struct most {
  size_t size, used;
};

/* An rnnc_task_fn: each task on a small stack of its own. `user` is a `most`.
 */
void tasks_on_small_stacks(void *user, int64_t n, void (*body)(void *, int64_t),
                           void *data) {
  struct most *most = user;
  for (int64_t i = n; i-- > 0;) {
    struct job job;
    memset(&job, 0, sizeof job);
    job.body = body, job.data = data, job.index = i;
    size_t used = paint(&job, most->size);
    used -= idle(most->size);
    if (used > most->used)
      most->used = used;
  }
}
