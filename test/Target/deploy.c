/* deploy.c: a model in a product, as C99 or as C++. What it does:
 *   make WEIGHTS         draws first values, saves them, loads them back
 *   whole WEIGHTS        predicts a signal at once, in parts and by steps
 *   first WEIGHTS STATE  its first part, and keeps the stream
 *   rest WEIGHTS STATE   goes on from the stream that was kept
 *   names WEIGHTS        looks parameters and states up
 *   refuse WEIGHTS STATE what is not accepted
 * With BAKED, the weights are those of the library. */
#include "libdeploy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(c)                                                               \
  do {                                                                         \
    if (!(c)) {                                                                \
      printf("line %d: %s: %s\n", __LINE__, #c, error.message);                \
      exit(1);                                                                 \
    }                                                                          \
  } while (0)

#ifdef BAKED
#define WEIGHTS(path) NULL
#else
#define WEIGHTS(path) path
#endif

enum { ROWS = 2, TIME = 24, FIRST = 10 };

static rnnc_error error;
static float x[ROWS][TIME][2];

static void *memory(size_t bytes) {
  void *place = NULL;
  CHECK(posix_memalign(&place, 64, bytes ? bytes : 1) == 0);
  return place;
}

static void make_signal(void) {
  unsigned state = 7;
  for (int b = 0; b < ROWS; ++b)
    for (int t = 0; t < TIME; ++t)
      for (int i = 0; i < 2; ++i) {
        state = state * 1664525u + 1013904223u;
        x[b][t][i] = (float)(state >> 16) / 32768.0f - 1.0f;
      }
}

static rnnc_session *open_model(const char *path) {
  rnnc_session *model = deploy_Signal_open(WEIGHTS(path), ROWS, NULL, &error);
  (void)path;
  CHECK(model && error.status == RNNC_OK);
  CHECK(model->batch == ROWS && model->context && model->params &&
        model->prepared && model->stream);
  return model;
}

/* Steps begin ... end - 1 of all rows, at once. */
static void part(rnnc_session *m, int begin, int end, float level[ROWS][TIME],
                 int32_t mode[ROWS][TIME]) {
  int steps = end - begin;
  float in[ROWS * TIME * 2], out[ROWS * TIME], scale[ROWS * TIME];
  float chances[ROWS * TIME * 3];
  int32_t modes[ROWS * TIME];
  for (int b = 0; b < ROWS; ++b)
    memcpy(in + b * steps * 2, x[b][begin], sizeof(float) * 2 * (size_t)steps);
  size_t bytes =
      deploy_Signal_predict_chunk_workspace_size(m->context, ROWS, steps);
  CHECK(deploy_Signal_reserve(m, bytes, &error) == RNNC_OK);
  CHECK(deploy_Signal_predict_chunk(m->context, m->params, m->prepared,
                                    m->stream, m->workspace, m->workspace_bytes,
                                    ROWS, steps, NULL, in, out, scale, modes,
                                    chances, &error) == RNNC_OK);
  for (int b = 0; b < ROWS; ++b)
    for (int t = 0; t < steps; ++t) {
      level[b][begin + t] = out[b * steps + t];
      mode[b][begin + t] = modes[b * steps + t];
    }
}

/* One step of all rows: no workspace has to be asked for. */
static void step(rnnc_session *m, int t, float level[ROWS][TIME],
                 int32_t mode[ROWS][TIME]) {
  float in[ROWS][2], out[ROWS], scale[ROWS], chances[ROWS][3];
  int32_t modes[ROWS];
  for (int b = 0; b < ROWS; ++b)
    memcpy(in[b], x[b][t], sizeof in[b]);
  CHECK(deploy_Signal_step(m->context, m->params, m->prepared, m->stream,
                           m->workspace, m->workspace_bytes, ROWS, &in[0][0],
                           out, scale, modes, &chances[0][0],
                           &error) == RNNC_OK);
  for (int b = 0; b < ROWS; ++b) {
    level[b][t] = out[b];
    mode[b][t] = modes[b];
  }
}

static void print(int begin, int end, float level[ROWS][TIME],
                  int32_t mode[ROWS][TIME]) {
  for (int t = begin; t < end; ++t)
    for (int b = 0; b < ROWS; ++b) {
      uint32_t bits;
      memcpy(&bits, &level[b][t], 4);
      printf("%d %d: %08x %d\n", t, b, (unsigned)bits, (int)mode[b][t]);
    }
}

static void make(const char *path) {
  size_t bytes = deploy_Signal_params_size();
  rnnc_params *params = (rnnc_params *)memory(bytes);
  CHECK(deploy_Signal_params_init(params, bytes, 3, &error) == RNNC_OK);
  size_t size = deploy_Signal_params_save_size();
  char *saved = (char *)malloc(size + 1);
  saved[size] = 'x';
  CHECK(deploy_Signal_params_save(params, saved, size, &error) == RNNC_OK);
  CHECK(saved[size] == 'x');
  CHECK(deploy_Signal_params_save(params, saved, size - 1, &error) ==
            RNNC_ERR_WORKSPACE &&
        error.value == (int64_t)size);
  CHECK(deploy_Signal_params_save_file(params, path, &error) == RNNC_OK);
  /* The file has the same bytes; both load back. */
  FILE *file = fopen(path, "rb");
  char *read = (char *)malloc(size + 1);
  CHECK(file && fread(read, 1, size + 1, file) == size);
  fclose(file);
  CHECK(memcmp(read, saved, size) == 0);
  rnnc_params *other = (rnnc_params *)memory(bytes);
  CHECK(deploy_Signal_params_init(other, bytes, 4, &error) == RNNC_OK);
  CHECK(deploy_Signal_params_load(other, saved, size, &error) == RNNC_OK);
  for (int i = 0; i < deploy_Signal_PARAMS; ++i)
    CHECK(memcmp(deploy_Signal_params_data(params, i),
                 deploy_Signal_params_data(other, i), sizeof(float)) == 0);
  CHECK(deploy_Signal_params_init(other, bytes, 4, &error) == RNNC_OK);
  CHECK(deploy_Signal_params_load_file(other, path, &error) == RNNC_OK);
  CHECK(deploy_Signal_params_save(other, read, size, &error) == RNNC_OK);
  CHECK(memcmp(read, saved, size) == 0);
  free(read);
  free(saved);
  free(other);
  free(params);
  printf("saved and loaded\n");
}

static void whole(const char *path) {
  static float all[ROWS][TIME], parts[ROWS][TIME], steps[ROWS][TIME];
  static float scale[ROWS][TIME], chances[ROWS][TIME][3];
  static int32_t a[ROWS][TIME], b[ROWS][TIME], c[ROWS][TIME];
  rnnc_session *m = open_model(path);
  size_t bytes = deploy_Signal_predict_workspace_size(m->context, ROWS, TIME);
  CHECK(deploy_Signal_reserve(m, bytes, &error) == RNNC_OK);
  CHECK(deploy_Signal_predict(m->context, m->params, m->prepared, m->workspace,
                              m->workspace_bytes, ROWS, TIME, NULL, &x[0][0][0],
                              &all[0][0], &scale[0][0], &a[0][0],
                              &chances[0][0][0], &error) == RNNC_OK);
  part(m, 0, 1, parts, b);
  part(m, 1, FIRST, parts, b);
  part(m, FIRST, TIME, parts, b);
  CHECK(deploy_Signal_stream_reset(m->stream, NULL, &error) == RNNC_OK);
  for (int t = 0; t < TIME; ++t)
    step(m, t, steps, c);
  deploy_Signal_close(m);
  for (int r = 0; r < ROWS; ++r)
    for (int t = 0; t < TIME; ++t) {
      /* Products of other shapes may add up in another order: some ulp. */
      float d = all[r][t] - parts[r][t], e = all[r][t] - steps[r][t];
      CHECK(d < 1e-5f && d > -1e-5f && e < 1e-5f && e > -1e-5f);
      CHECK(a[r][t] == b[r][t] && a[r][t] == c[r][t]);
    }
  print(0, TIME, all, a);
}

/* A part, two steps; the stream is kept by whoever wants to. */
static void first(const char *path, const char *state) {
  static float level[ROWS][TIME];
  static int32_t mode[ROWS][TIME];
  rnnc_session *m = open_model(path);
  part(m, 0, FIRST - 2, level, mode);
  step(m, FIRST - 2, level, mode);
  step(m, FIRST - 1, level, mode);
  if (state) {
    FILE *file = fopen(state, "wb");
    size_t bytes = deploy_Signal_stream_size(ROWS);
    CHECK(file && fwrite(m->stream, 1, bytes, file) == bytes);
    fclose(file);
    print(0, FIRST, level, mode);
  } else {
    step(m, FIRST, level, mode);
    part(m, FIRST + 1, TIME, level, mode);
    print(0, TIME, level, mode);
  }
  deploy_Signal_close(m);
}

static char *read_state(const char *state, size_t *size) {
  FILE *file = fopen(state, "rb");
  char *bytes = (char *)malloc(1 << 16);
  CHECK(file);
  *size = fread(bytes + 1, 1, (1 << 16) - 1, file); /* at an odd address */
  fclose(file);
  return bytes;
}

static void rest(const char *path, const char *state) {
  static float level[ROWS][TIME];
  static int32_t mode[ROWS][TIME];
  size_t size;
  char *bytes = read_state(state, &size);
  rnnc_session *m = open_model(path);
  CHECK(deploy_Signal_stream_load(m->stream, deploy_Signal_stream_size(ROWS),
                                  bytes + 1, size, &error) == RNNC_OK);
  CHECK(deploy_Signal_stream_batch(m->stream) == ROWS);
  step(m, FIRST, level, mode);
  part(m, FIRST + 1, TIME, level, mode);
  print(FIRST, TIME, level, mode);
  deploy_Signal_close(m);
  free(bytes);
}

static void names(const char *path) {
  static float level[ROWS][TIME];
  static int32_t mode[ROWS][TIME];
  rnnc_tensor info;
  info.size = sizeof(info);
  rnnc_session *m = open_model(path);
  const float *w =
      (const float *)deploy_Signal_params_find(m->params, "rnn.0.W", &info);
  CHECK(w && info.position == deploy_Signal_PARAM_rnn_0_W);
  CHECK(!strcmp(info.name, "rnn.0.W") && info.rank == 3 && info.count == 40);
  CHECK(info.shape[0] == 4 && info.shape[1] == 5 && info.shape[2] == 2);
  CHECK(!deploy_Signal_params_find(m->params, "rnn.0.w", &info));
  CHECK(info.position == -1 && !info.name && !info.shape);
  CHECK(!deploy_Signal_params_find(NULL, "head.b", &info) && info.count == 3);
  CHECK(deploy_Signal_params_find(m->params, "head.b", NULL));
  /* All offsets count from the first parameter. */
  const char *base = (const char *)w;
  (void)deploy_Signal_params_find(m->params, "rnn.0.W", &info);
  base -= info.offset;
  CHECK((const char *)deploy_Signal_params_find(m->params, "head.W", &info) ==
        base + info.offset);
  part(m, 0, 3, level, mode);
  const float *h =
      (const float *)deploy_Signal_stream_find(m->stream, "rnn.1.h", &info);
  CHECK(h && info.position == deploy_Signal_STATE_rnn_1_h && info.count == 5);
  CHECK(info.rank == 1 && info.shape[0] == 5 && h[0] != 0 && h[9] != 0);
  CHECK(h == (const float *)deploy_Signal_stream_state_const(
                 m->stream, deploy_Signal_STATE_rnn_1_h));
  CHECK(!deploy_Signal_stream_find(m->stream, "h", &info));
  deploy_Signal_close(m);
  size_t bytes = deploy_Signal_optimizer_size();
  rnnc_optimizer *optimizer = (rnnc_optimizer *)memory(bytes);
  CHECK(deploy_Signal_optimizer_init(optimizer, bytes, &error) == RNNC_OK);
  const char *slot = (const char *)deploy_Signal_optimizer_find(
      optimizer, 1, "value.b", &info);
  CHECK(slot == (const char *)deploy_Signal_optimizer_slot(optimizer, 1) +
                    info.offset &&
        info.count == 1);
  CHECK(!deploy_Signal_optimizer_find(optimizer, 2, "value.b", &info));
  free(optimizer);
  printf("%d parameters, %d states\n", deploy_Signal_PARAMS,
         deploy_Signal_STATES);
}

static void refuse(const char *path, const char *state) {
  size_t size;
  char *bytes = read_state(state, &size);
  rnnc_session *m = open_model(path);
  size_t room = deploy_Signal_stream_size(ROWS);
  rnnc_stream *s = m->stream;
  int32_t big = 5, odd = 2;
#define LOAD(n) deploy_Signal_stream_load(s, room, bytes + 1, n, &error)
  CHECK(LOAD(size) == RNNC_OK && error.status == RNNC_OK);
  CHECK(LOAD(size - 1) == RNNC_ERR_STATE && LOAD(0) == RNNC_ERR_STATE);
  CHECK(deploy_Signal_stream_load(s, room - 1, bytes + 1, size, &error) ==
        RNNC_ERR_WORKSPACE);
  CHECK(deploy_Signal_stream_load(s, room, NULL, size, &error) ==
        RNNC_ERR_ARGUMENT);
  memcpy(bytes + 1 + 64, &odd, 4); /* a flag that is none */
  CHECK(LOAD(size) == RNNC_ERR_STATE);
  memcpy(bytes + 1 + 12, &big, 4); /* more rows than bytes */
  CHECK(LOAD(size) == RNNC_ERR_STATE);
  bytes[1] ^= 1; /* no stream at all */
  CHECK(LOAD(size) == RNNC_ERR_STATE);
  CHECK(deploy_Signal_reserve(m, 0, &error) == RNNC_ERR_ARGUMENT);
  CHECK(deploy_Signal_reserve(m, SIZE_MAX, &error) == RNNC_ERR_WORKSPACE);
  CHECK(deploy_Signal_reserve(NULL, 64, &error) == RNNC_ERR_STATE);
  CHECK(!deploy_Signal_open("nowhere.safetensors", 1, NULL, &error));
  CHECK(error.status == RNNC_ERR_FILE);
  printf("%s\n", error.message);
  CHECK(!deploy_Signal_open(".", 1, NULL, &error));
  CHECK(error.status == RNNC_ERR_FILE);
  printf("%s\n", error.message);
  CHECK(!deploy_Signal_open("", 1, NULL, &error));
  CHECK(error.status == RNNC_ERR_ARGUMENT);
  printf("%s\n", error.message);
  CHECK(!deploy_Signal_open(state, 1, NULL, &error));
  CHECK(error.status == RNNC_ERR_WEIGHTS);
  CHECK(!deploy_Signal_open(WEIGHTS(path), -1, NULL, &error));
  CHECK(error.status == RNNC_ERR_ARGUMENT);
  rnnc_context_options options;
  memset(&options, 0, sizeof(options));
  options.size = sizeof(options);
  options.variant = "v9";
  CHECK(!deploy_Signal_open(WEIGHTS(path), 1, &options, &error));
  CHECK(error.status != RNNC_OK);
  CHECK(deploy_Signal_params_save_file(m->params, "nowhere/w", &error) ==
        RNNC_ERR_FILE);
  printf("%s\n", error.message);
#ifdef BAKED
  /* The library's own weights cannot change; a copy can. */
  const rnnc_params *own = deploy_Signal_params_baked();
  CHECK(own == m->params);
  CHECK(!deploy_Signal_params_data((rnnc_params *)(size_t)own, 0));
  CHECK(deploy_Signal_params_data_const(own, 0));
  CHECK(deploy_Signal_params_load_file((rnnc_params *)(size_t)own, path,
                                       &error) == RNNC_ERR_STATE);
  size_t need = deploy_Signal_params_size();
  rnnc_params *copy = (rnnc_params *)memory(need);
  CHECK(deploy_Signal_params_init_baked(copy, need - 1, &error) ==
        RNNC_ERR_WORKSPACE);
  CHECK(deploy_Signal_params_init_baked(copy, need, &error) == RNNC_OK);
  CHECK(deploy_Signal_params_data(copy, 0));
  free(copy);
  (void)path;
#else
  CHECK(!deploy_Signal_open(NULL, 1, NULL, &error));
  CHECK(error.status == RNNC_ERR_WEIGHTS);
  printf("%s\n", error.message);
#endif
  deploy_Signal_close(NULL);
  deploy_Signal_close(m);
  free(bytes);
  printf("refused\n");
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "", *path = argc > 2 ? argv[2] : NULL;
  const char *state = argc > 3 ? argv[3] : NULL;
  error.size = sizeof(error);
  make_signal();
  if (!strcmp(what, "make"))
    make(path);
  else if (!strcmp(what, "whole"))
    whole(path);
  else if (!strcmp(what, "first"))
    first(path, state);
  else if (!strcmp(what, "rest"))
    rest(path, state);
  else if (!strcmp(what, "names"))
    names(path);
  else if (!strcmp(what, "refuse"))
    refuse(path, state);
  else
    return 2;
  return 0;
}
