// Context.cpp: threads and the choice of the code variant.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Runtime.h"

#include "Processor.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/// Workers wait for a job number they have not seen. A job is one
/// parallel-for; its indices are handed out by an atomic counter, which does
/// not matter for results because every index does all of its own work.
struct rnnc_context {
  uint64_t magic;
  int32_t variant;
  int32_t threads;
  rnnc_task_fn tasks;
  void *tasksUser;
  pthread_mutex_t owner; // held by the call that uses the workers
  pthread_mutex_t lock;
  pthread_cond_t start, done;
  uint64_t job;
  int32_t running;
  int32_t stop;
  void (*body)(void *, int64_t);
  void *data;
  int64_t count;
  int64_t next;
  int32_t workers;
  pid_t process; // that has the workers: a child after a fork has none
  pthread_t handles[rnnc::rt::kMaxThreads];
};

namespace rnnc::rt {

/// Position of the wanted variant, or of the best one this machine can run;
/// -1 if there is none.
static int32_t chooseVariant(const char *wanted) {
  int64_t level = processorLevel();
  bool any = !wanted || !*wanted || !strcmp(wanted, "native");
  const LibraryDesc &lib = rnnc_rt_library;
  for (int32_t v = lib.numVariants - 1; v >= 0; --v) {
    if (lib.variants[v].level > level)
      continue;
    if (any || !strcmp(wanted, lib.variants[v].name))
      return v;
  }
  return -1;
}

static int32_t noVariant(const char *wanted, rnnc_error *error) {
  if (!wanted || !*wanted)
    return fail(error, RNNC_ERR_UNSUPPORTED, -1, "variant", -1, -1, -1,
                "this processor can run no code of the library, which needs "
                "at least `%s`",
                rnnc_rt_library.variants[0].name);
  const LibraryDesc &lib = rnnc_rt_library;
  for (int32_t v = 0; v < lib.numVariants; ++v)
    if (!strcmp(wanted, lib.variants[v].name))
      return fail(error, RNNC_ERR_UNSUPPORTED, -1, "variant", -1, -1, -1,
                  "this processor cannot run the code `%s`", wanted);
  return fail(error, RNNC_ERR_UNSUPPORTED, -1, "variant", -1, -1, -1,
              "the library has no code `%s`", wanted);
}

static int32_t checkOptions(const rnnc_context_options &options,
                            rnnc_error *error) {
  if (!isStructSize(options.size, kOptionsBytes))
    return fail(error, RNNC_ERR_ARGUMENT, -1, "size", -1, -1,
                int64_t(options.size),
                "%lld is no size of an rnnc_context_options",
                (long long)options.size);
  size_t unknown = unknownByte(&options, options.size, kOptionsBytes);
  if (unknown != SIZE_MAX)
    return fail(error, RNNC_ERR_UNSUPPORTED, -1, "options", -1, -1,
                int64_t(unknown),
                "the options ask for what this library does not have: byte "
                "%lld of them is not 0",
                (long long)unknown);
  if (options.threads < 0)
    return fail(error, RNNC_ERR_ARGUMENT, -1, "threads", -1, -1,
                options.threads, "the number of threads is negative: %d",
                options.threads);
  return RNNC_OK;
}

int variantOf(const rnnc_context *ctx) {
  return ctx && isAligned(ctx) && ctx->magic == kContextMagic ? ctx->variant
                                                              : -1;
}

static void work(rnnc_context *ctx) {
  for (;;) {
    int64_t i = __atomic_fetch_add(&ctx->next, 1, __ATOMIC_RELAXED);
    if (i >= ctx->count)
      return;
    ctx->body(ctx->data, i);
  }
}

static void *workerMain(void *arg) {
  auto *ctx = static_cast<rnnc_context *>(arg);
  // A new thread has the state of the one that made it.
  kKernelFloats.set();
  uint64_t seen = 0;
  pthread_mutex_lock(&ctx->lock);
  for (;;) {
    while (!ctx->stop && ctx->job == seen)
      pthread_cond_wait(&ctx->start, &ctx->lock);
    if (ctx->stop)
      break;
    seen = ctx->job;
    pthread_mutex_unlock(&ctx->lock);
    work(ctx);
    pthread_mutex_lock(&ctx->lock);
    if (--ctx->running == 0)
      pthread_cond_signal(&ctx->done);
  }
  pthread_mutex_unlock(&ctx->lock);
  return nullptr;
}

static void runOnPool(rnnc_context *ctx, int64_t n,
                      void (*body)(void *, int64_t), void *data) {
  // Another call with the same context has the workers: do it alone.
  if (pthread_mutex_trylock(&ctx->owner) != 0) {
    for (int64_t i = 0; i < n; ++i)
      body(data, i);
    return;
  }
  pthread_mutex_lock(&ctx->lock);
  ctx->body = body;
  ctx->data = data;
  ctx->count = n;
  ctx->next = 0;
  ctx->running = ctx->workers;
  ++ctx->job;
  pthread_cond_broadcast(&ctx->start);
  pthread_mutex_unlock(&ctx->lock);
  work(ctx);
  pthread_mutex_lock(&ctx->lock);
  while (ctx->running)
    pthread_cond_wait(&ctx->done, &ctx->lock);
  pthread_mutex_unlock(&ctx->lock);
  pthread_mutex_unlock(&ctx->owner);
}

/// True in the process that started the workers. Elsewhere they are gone, and
/// locks may be held by threads that are gone, too.
static bool hasWorkers(const rnnc_context *ctx) {
  return ctx->workers > 0 && ctx->process == getpid();
}

/// A task for a caller's function: its threads have a state of their own.
struct Task {
  void (*body)(void *, int64_t);
  void *data;
};

static void runTask(void *task, int64_t i) {
  auto *t = static_cast<const Task *>(task);
  FloatGuard guard(kKernelFloats);
  t->body(t->data, i);
}

static void runOnTasks(const CallSite &run, int64_t n, void (*body)(void *, int64_t),
                       void *data) {
  Task task{body, data};
  FloatGuard guard(run.caller);
  run.ctx->tasks(run.ctx->tasksUser, n, runTask, &task);
}

/// Address space of a worker's stack: a task needs at most 32 KB, the C library
/// keeps the thread's own data there too.
constexpr size_t kWorkerStack = 256 << 10;

static bool startWorker(rnnc_context *ctx, pthread_t *handle) {
  pthread_attr_t small;
  bool made = false;
  if (!pthread_attr_init(&small)) {
    made = !pthread_attr_setstacksize(&small, kWorkerStack) &&
           !pthread_create(handle, &small, workerMain, ctx);
    pthread_attr_destroy(&small);
  }
  // Programs with much data of their own for each thread need more.
  return made || !pthread_create(handle, nullptr, workerMain, ctx);
}

static void startWorkers(rnnc_context *ctx) {
  pthread_mutex_init(&ctx->owner, nullptr);
  pthread_mutex_init(&ctx->lock, nullptr);
  pthread_cond_init(&ctx->start, nullptr);
  pthread_cond_init(&ctx->done, nullptr);
  ctx->process = getpid();
  // Fewer threads than asked for change the time, never the result.
  for (int32_t i = 1; i < ctx->threads; ++i) {
    if (!startWorker(ctx, &ctx->handles[ctx->workers]))
      break;
    ++ctx->workers;
  }
}

} // namespace rnnc::rt

using namespace rnnc::rt;

extern "C" void rnnc_rt_parallel_for(const void *run, int64_t n,
                                     void (*body)(void *, int64_t),
                                     void *data) {
  auto &of = *static_cast<const CallSite *>(run);
  if (n > 1 && of.ctx->tasks)
    return runOnTasks(of, n, body, data);
  if (n > 1 && hasWorkers(of.ctx))
    return runOnPool(const_cast<rnnc_context *>(of.ctx), n, body, data);
  for (int64_t i = 0; i < n; ++i)
    body(data, i);
}

size_t rnnc_rt_context_size(void) { return sizeof(rnnc_context); }

int32_t rnnc_rt_context_init(rnnc_context *ctx, size_t bytes,
                             const rnnc_context_options *options,
                             rnnc_error *error) {
  if (int32_t status =
          checkMemory(error, "context", ctx, bytes, sizeof(rnnc_context)))
    return status;
  if (options)
    if (int32_t status = checkOptions(*options, error))
      return status;
  int32_t variant = chooseVariant(options ? options->variant : nullptr);
  if (variant < 0)
    return noVariant(options ? options->variant : nullptr, error);
  memset(static_cast<void *>(ctx), 0, sizeof(rnnc_context));
  ctx->variant = variant;
  int32_t threads = options && options->threads > 1 ? options->threads : 1;
  ctx->threads = threads < kMaxThreads ? threads : kMaxThreads;
  ctx->tasks = options ? options->tasks : nullptr;
  ctx->tasksUser = options ? options->tasks_user : nullptr;
  if (!ctx->tasks && ctx->threads > 1)
    startWorkers(ctx);
  ctx->magic = kContextMagic;
  return succeed(error);
}

void rnnc_rt_context_finish(rnnc_context *ctx) {
  if (variantOf(ctx) < 0)
    return;
  ctx->magic = 0;
  if (!hasWorkers(ctx))
    return;
  pthread_mutex_lock(&ctx->lock);
  ctx->stop = 1;
  pthread_cond_broadcast(&ctx->start);
  pthread_mutex_unlock(&ctx->lock);
  for (int32_t i = 0; i < ctx->workers; ++i)
    pthread_join(ctx->handles[i], nullptr);
  pthread_cond_destroy(&ctx->done);
  pthread_cond_destroy(&ctx->start);
  pthread_mutex_destroy(&ctx->lock);
  pthread_mutex_destroy(&ctx->owner);
}

const char *rnnc_rt_context_variant(const rnnc_context *ctx) {
  int variant = variantOf(ctx);
  return variant < 0 ? "" : rnnc_rt_library.variants[variant].name;
}

rnnc_context *rnnc_rt_context_create(const rnnc_context_options *options,
                                     rnnc_error *error) {
  void *memory = aligned_alloc(kAlign, alignUp(sizeof(rnnc_context)));
  if (!memory) {
    fail(error, RNNC_ERR_WORKSPACE, -1, "context", -1, -1,
         int64_t(sizeof(rnnc_context)), "there is no memory for a context");
    return nullptr;
  }
  auto *ctx = static_cast<rnnc_context *>(memory);
  if (rnnc_rt_context_init(ctx, sizeof(rnnc_context), options, error)) {
    free(memory);
    return nullptr;
  }
  return ctx;
}

void rnnc_rt_context_destroy(rnnc_context *ctx) {
  rnnc_rt_context_finish(ctx);
  free(ctx);
}
