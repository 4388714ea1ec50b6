/* threads.c: two contexts on two threads, one shared by both; run by hand under
 * valgrind --tool=helgrind or with the thread sanitizer, and by a test. */
#include "libtwo.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 64, TIME = 6, ROUNDS = 20 };

static float x[BATCH][TIME][3], y[BATCH];
static rnnc_params *params;
static rnnc_prepared *prepared;

static void *memory(size_t bytes) {
  void *p = NULL;
  if (posix_memalign(&p, 64, bytes))
    exit(2);
  memset(p, 0, bytes);
  return p;
}

struct job {
  rnnc_context *context;
  float loss[ROUNDS];
  int failed;
};

static void *run(void *argument) {
  struct job *job = (struct job *)argument;
  size_t bytes = two_M_loss_workspace_size(job->context, BATCH, TIME);
  void *work = memory(bytes);
  for (int i = 0; i < ROUNDS; ++i)
    job->failed |=
        two_M_loss(job->context, params, prepared, work, bytes, BATCH, TIME,
                   NULL, &x[0][0][0], y, &job->loss[i], NULL);
  free(work);
  return NULL;
}

int main(void) {
  struct job jobs[4];
  pthread_t threads[4];
  rnnc_context_options options = {.size = sizeof options, .threads = 2};
  for (int b = 0; b < BATCH; ++b)
    for (int t = 0; t < TIME; ++t)
      x[b][t][b % 3] = (float)(b - t) / BATCH;
  memset(jobs, 0, sizeof(jobs));
  for (int i = 0; i < 3; ++i)
    jobs[i].context = two_context_create(i ? &options : NULL, NULL);
  jobs[3].context = jobs[2].context;
  params = (rnnc_params *)memory(two_M_params_size());
  prepared = (rnnc_prepared *)memory(two_M_prepared_size(jobs[0].context));
  if (two_M_params_init(params, two_M_params_size(), 1, NULL) ||
      two_M_prepare(jobs[0].context, params, prepared,
                    two_M_prepared_size(jobs[0].context), NULL))
    return 3;
  for (int i = 0; i < 4; ++i)
    if (pthread_create(&threads[i], NULL, run, &jobs[i]))
      return 4;
  for (int i = 0; i < 4; ++i)
    pthread_join(threads[i], NULL);
  for (int i = 0; i < 4; ++i) {
    if (jobs[i].failed ||
        memcmp(jobs[i].loss, jobs[0].loss, sizeof(jobs[0].loss)))
      return 5;
    if (i < 3)
      two_context_destroy(jobs[i].context);
  }
  free(params);
  free(prepared);
  printf("the same %d losses on 4 threads\n", ROUNDS);
  return 0;
}
