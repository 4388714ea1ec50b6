/* Table.c: a library as rnnc makes them, small enough to write by hand.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * One weight table W. The language model (the default) predicts a symbol from
 * the row of the symbol before it; with -DTABLE_CLASSIFIER the scores of a
 * class are the mean of the words' rows. Trained by sgd with momentum 0.9.
 */
#include "rnnc/Runtime/ABI.h"
#include <stdio.h>

#include <math.h>
#include <string.h>

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

#define ROWS 12
#ifdef TABLE_CLASSIFIER
#define COLS 2
#else
#define COLS 12
#endif
#define COUNT (ROWS * COLS)
#define RATE 0.5f

#define REAL_FUNCTIONS(EXTRA)                                                  \
  "{\"name\":\"loss\",\"symbol\":\"table_Table_loss\",\"times\":[\"T\"],"      \
  "\"args\":[" LENGTHS DATA RESET LOSS "]},"                                   \
  "{\"name\":\"grad\",\"symbol\":\"table_Table_grad\",\"times\":[\"T\"],"      \
  "\"args\":[" LENGTHS DATA RESET LOSS                                         \
  ",{\"name\":\"grad.lm.W\",\"role\":\"grad\",\"dtype\":\"f32\","              \
  "\"shape\":" SHAPE "}]},"                                                    \
  "{\"name\":\"train_step\",\"symbol\":\"table_Table_train_step\","            \
  "\"times\":[\"T\"],\"args\":[" LENGTHS DATA RESET LOSS                       \
  ",{\"name\":\"norm\",\"role\":\"norm\",\"dtype\":\"f32\",\"shape\":[]}]"     \
  "}" EXTRA
#define LENGTHS                                                                \
  "{\"name\":\"T\",\"role\":\"lengths\",\"dtype\":\"i32\","                    \
  "\"shape\":[\"batch\"],\"optional\":true},"
#define LOSS                                                                   \
  "{\"name\":\"loss\",\"role\":\"loss\",\"dtype\":\"f32\",\"shape\":[]}"

#ifdef TABLE_CLASSIFIER
#define SHAPE "[12,2]"
#define RESET
#define DATA                                                                   \
  "{\"name\":\"words\",\"role\":\"input\",\"dtype\":\"i32\","                  \
  "\"shape\":[\"batch\",\"T\"]},"                                              \
  "{\"name\":\"mood\",\"role\":\"input\",\"dtype\":\"i32\","                   \
  "\"shape\":[\"batch\"]},"
#define EXTRA                                                                  \
  ",{\"name\":\"predict\",\"symbol\":\"table_Table_predict\","                 \
  "\"times\":[\"T\"],\"args\":[" LENGTHS                                       \
  "{\"name\":\"words\",\"role\":\"input\",\"dtype\":\"i32\","                  \
  "\"shape\":[\"batch\",\"T\"]},"                                              \
  "{\"name\":\"mood\",\"role\":\"output\",\"dtype\":\"i32\","                  \
  "\"shape\":[\"batch\"]},"                                                    \
  "{\"name\":\"mood.p\",\"role\":\"probability\",\"dtype\":\"f32\","           \
  "\"shape\":[\"batch\",2]}]}"
#define PORTS                                                                  \
  "\"inputs\":[{\"name\":\"words\",\"kind\":\"index\",\"axis\":\"V\","         \
  "\"size\":12,\"axes\":[\"T\"],\"shape\":[\"T\"]}],"                          \
  "\"outputs\":[{\"name\":\"mood\",\"kind\":\"index\",\"axis\":\"C\","         \
  "\"size\":2,\"axes\":[],\"shape\":[],\"distribution\":\"categorical\"}],"
#define BPTT
#else
#define SHAPE "[12,12]"
#define RESET                                                                  \
  "{\"name\":\"reset\",\"role\":\"reset\",\"dtype\":\"i32\","                  \
  "\"shape\":[\"batch\"],\"optional\":true},"
#define DATA                                                                   \
  "{\"name\":\"text\",\"role\":\"input\",\"dtype\":\"i32\","                   \
  "\"shape\":[\"batch\",\"T\"]},"
#define EXTRA                                                                  \
  ",{\"name\":\"sample\",\"symbol\":\"table_Table_sample\","                   \
  "\"times\":[\"P\",\"T\"],\"args\":["                                         \
  "{\"name\":\"P\",\"role\":\"lengths\",\"dtype\":\"i32\","                    \
  "\"shape\":[\"batch\"],\"optional\":true},"                                  \
  "{\"name\":\"prompt\",\"role\":\"input\",\"dtype\":\"i32\","                 \
  "\"shape\":[\"batch\",\"P\"],\"optional\":true},"                            \
  "{\"name\":\"temperature\",\"role\":\"option\",\"dtype\":\"f32\","           \
  "\"shape\":[],\"default\":1.0},"                                             \
  "{\"name\":\"never\",\"role\":\"option\",\"dtype\":\"i32\","                 \
  "\"shape\":[],\"default\":-1},"                                              \
  "{\"name\":\"text\",\"role\":\"output\",\"dtype\":\"i32\","                  \
  "\"shape\":[\"batch\",\"T\"]},"                                              \
  "{\"name\":\"T\",\"role\":\"output\",\"dtype\":\"i32\","                     \
  "\"shape\":[\"batch\"]}]}"
#define PORTS                                                                  \
  "\"inputs\":[],"                                                             \
  "\"outputs\":[{\"name\":\"text\",\"kind\":\"index\",\"axis\":\"V\","         \
  "\"size\":12,\"axes\":[\"T\"],\"shape\":[\"T\"],"                            \
  "\"distribution\":\"categorical\","                                          \
  "\"unfold\":{\"start\":0,\"stop\":null,\"max\":null}}],"
#define BPTT ",\"bptt\":{\"steps\":5,\"carry\":true}"
#endif

static const char manifest[] = "{\"abi\":" TEXT(
    RNNC_ABI_VERSION) ",\"compiler\":\"by hand\",\"library\":\"table\","
                      "\"precision\":\"f32\",\"options\":{},\"modules\":[{"
                      "\"name\":\"Table\","
                      "\"kind\":\"model\",\"source\":\"Table\",\"axes\":[],"
                      "\"times\":[\"T\"],"
                      "\"parameters\":[{\"name\":\"lm.W\",\"shape\":" SHAPE
                      ",\"axes\":[],\"init\":\"uniform\",\"trainable\":true,"
                      "\"offset\":0}]," PORTS
                      "\"states\":[],\"train\":{\"batch\":3,\"epochs\":2,"
                      "\"seed\":0" BPTT "},\"optimizer\":{\"slots\":1,\"slot_"
                      "names\":[\"momentum\"]},"
                      "\"functions\":[" REAL_FUNCTIONS(EXTRA) "]}]}";

struct rnnc_context {
  int32_t threads;
};
struct rnnc_params {
  float w[COUNT];
};
struct rnnc_prepared {
  float w[COUNT];
};
struct rnnc_optimizer {
  float momentum[COUNT];
  rnnc_optimizer_counters counters;
};
struct rnnc_carry {
  int32_t prev[1];
};
struct rnnc_stream {
  int32_t unused;
};

static const char *text(int32_t status) { return status ? "it failed" : "ok"; }
static size_t contextSize(void) { return sizeof(rnnc_context); }
static int32_t contextInit(rnnc_context *c, size_t n,
                           const rnnc_context_options *o, rnnc_error *e) {
  (void)n, (void)e;
  c->threads = o->threads;
  return RNNC_OK;
}
static void contextFinish(rnnc_context *c) { (void)c; }
static const char *variant(const rnnc_context *c) {
  (void)c;
  return "hand";
}
static size_t paramsSize(int32_t m) {
  (void)m;
  return sizeof(rnnc_params);
}
static int32_t paramsInit(int32_t m, rnnc_params *p, size_t n, uint64_t seed,
                          rnnc_error *e) {
  (void)m, (void)n, (void)e;
  uint64_t x = seed * 2654435761u + 1;
  for (int i = 0; i < COUNT; ++i) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    p->w[i] = ((float)(x >> 40) / 16777216.0f - 0.5f) * 0.1f;
  }
  return RNNC_OK;
}
static void *paramsData(int32_t m, rnnc_params *p, int32_t i) {
  (void)m, (void)i;
  return p->w;
}
static int32_t paramsLoad(int32_t m, rnnc_params *p, const void *b, size_t n,
                          rnnc_error *e) {
  (void)m, (void)p, (void)b, (void)n, (void)e;
  return RNNC_ERR_UNSUPPORTED;
}
static size_t preparedSize(const rnnc_context *c, int32_t m) {
  (void)c, (void)m;
  return sizeof(rnnc_prepared);
}
static int32_t prepare(const rnnc_context *c, int32_t m, const rnnc_params *p,
                       rnnc_prepared *q, size_t n, rnnc_error *e) {
  (void)c, (void)m, (void)n, (void)e;
  memcpy(q->w, p->w, sizeof p->w);
  return RNNC_OK;
}
static size_t optimizerSize(int32_t m) {
  (void)m;
  return sizeof(rnnc_optimizer);
}
static int32_t optimizerInit(int32_t m, rnnc_optimizer *o, size_t n,
                             rnnc_error *e) {
  (void)m, (void)n, (void)e;
  memset(o, 0, sizeof *o);
  o->counters.rate_scale = 1;
  o->counters.bad_parameter = -1;
  return RNNC_OK;
}
static void *optimizerSlot(int32_t m, rnnc_optimizer *o, int32_t s) {
  (void)m;
  return s == 0 ? o->momentum : 0;
}
static rnnc_optimizer_counters *counters(int32_t m, rnnc_optimizer *o) {
  (void)m;
  return &o->counters;
}
static size_t carrySize(int32_t m, int32_t batch) {
  (void)m;
  return 4 * (size_t)batch;
}
static int32_t carryInit(int32_t m, rnnc_carry *c, size_t n, int32_t batch,
                         rnnc_error *e) {
  (void)m, (void)batch, (void)e;
  memset(c, 0, n);
  return RNNC_OK;
}
static size_t streamSize(int32_t m, int32_t b) {
  (void)m, (void)b;
  return sizeof(rnnc_stream);
}
static int32_t streamInit(const rnnc_context *c, int32_t m,
                          const rnnc_params *p, rnnc_stream *s, size_t n,
                          int32_t b, rnnc_error *e) {
  (void)c, (void)m, (void)p, (void)s, (void)n, (void)b, (void)e;
  return RNNC_OK;
}
static void *streamState(int32_t m, rnnc_stream *s, int32_t i) {
  (void)m, (void)s, (void)i;
  return 0;
}
static size_t workspaceSize(const rnnc_context *c, int32_t m, int32_t f,
                            int32_t b, const int32_t *t) {
  (void)c, (void)m, (void)f, (void)b, (void)t;
  return sizeof(float) * COUNT;
}

static int32_t badIndex(rnnc_error *e, const char *name, int row, int step,
                        int value) {
  if (e) {
    e->example = row, e->step = step, e->value = value;
    strcpy(e->name, name);
    strcpy(e->message, "an index is outside its axis");
  }
  return RNNC_ERR_INDEX;
}

/* Adds -log p(target) for scores; the probabilities come out in p. */
static double surprise(const float *scores, int target, float *p) {
  float top = scores[0];
  double sum = 0;
  for (int j = 1; j < COLS; ++j)
    top = scores[j] > top ? scores[j] : top;
  for (int j = 0; j < COLS; ++j)
    sum += p[j] = expf(scores[j] - top);
  for (int j = 0; j < COLS; ++j)
    p[j] = (float)(p[j] / sum);
  return -log(p[target] < 1e-30f ? 1e-30f : p[target]); /* NaN stays */
}

#ifdef TABLE_CLASSIFIER
static int32_t score(const rnnc_call *c, const float *w, int row,
                     float *scores) {
  const int32_t *lengths = c->args[0], *words = c->args[1];
  int T = c->times[0], n = lengths ? lengths[row] : T;
  memset(scores, 0, COLS * sizeof *scores);
  for (int t = 0; t < n; ++t) {
    int word = words[row * T + t];
    if (word < 0 || word >= ROWS)
      return badIndex(c->error, "words", row, t, word);
    for (int j = 0; j < COLS; ++j)
      scores[j] += w[word * COLS + j] / (float)n;
  }
  return RNNC_OK;
}
static int32_t lossAndGrad(const rnnc_call *c, double *sum, int *count,
                           float *grad) {
  const int32_t *lengths = c->args[0], *words = c->args[1], *mood = c->args[2];
  int T = c->times[0];
  for (int row = 0; row < c->batch; ++row) {
    float scores[COLS], p[COLS];
    int n = lengths ? lengths[row] : T;
    int32_t status = score(c, c->params->w, row, scores);
    if (status)
      return status;
    if (mood[row] < 0 || mood[row] >= COLS)
      return badIndex(c->error, "mood", row, -1, mood[row]);
    *sum += surprise(scores, mood[row], p);
    ++*count;
    for (int t = 0; t < n; ++t)
      for (int j = 0; j < COLS; ++j)
        grad[words[row * T + t] * COLS + j] +=
            (p[j] - (j == mood[row])) / (float)n;
  }
  return RNNC_OK;
}
static int32_t other(const rnnc_call *c) {
  int32_t *mood = c->args[2];
  float *p = c->args[3];
  for (int row = 0; row < c->batch; ++row) {
    float scores[COLS];
    int32_t status = score(c, c->prepared->w, row, scores);
    if (status)
      return status;
    surprise(scores, 0, p + row * COLS);
    mood[row] = scores[1] > scores[0];
  }
  return RNNC_OK;
}
#else
static int32_t lossAndGrad(const rnnc_call *c, double *sum, int *count,
                           float *grad) {
  const int32_t *lengths = c->args[0], *symbols = c->args[1],
                *reset = c->args[2];
  int T = c->times[0];
  for (int row = 0; row < c->batch; ++row) {
    int n = lengths ? lengths[row] : T;
    int prev = c->carry && !(reset && reset[row]) ? c->carry->prev[row] : 0;
    for (int t = 0; t < n; ++t) {
      int next = symbols[row * T + t];
      float p[COLS];
      if (next < 0 || next >= COLS)
        return badIndex(c->error, "text", row, t, next);
      *sum += surprise(c->params->w + prev * COLS, next, p);
      ++*count;
      for (int j = 0; j < COLS; ++j)
        grad[prev * COLS + j] += p[j] - (j == next);
      prev = next;
    }
    if (c->carry)
      c->carry->prev[row] = prev;
  }
  return RNNC_OK;
}
/* Draws symbol after symbol; never the start symbol 0. */
static int32_t other(const rnnc_call *c) {
  const int32_t *P = c->args[0], *prompt = c->args[1];
  float temperature = *(const float *)c->args[2];
  int32_t never = *(const int32_t *)c->args[3];
  int32_t *out = c->args[4], *lengths = c->args[5];
  uint64_t x = c->seed;
  for (int row = 0; row < c->batch; ++row) {
    int n = P ? P[row] : c->times[0];
    int prev = prompt && n > 0 ? prompt[row * c->times[0] + n - 1] : 0;
    for (int t = 0; t < c->times[1]; ++t) {
      float scores[COLS], p[COLS];
      for (int j = 0; j < COLS; ++j)
        scores[j] = j && j != never
                        ? c->prepared->w[prev * COLS + j] / temperature
                        : -1e30f;
      surprise(scores, 1, p);
      x = x * 6364136223846793005u + 1442695040888963407u;
      float u = (float)(x >> 40) / 16777216.0f;
      int next = 1;
      while (next < COLS - 1 && (u -= p[next]) >= 0)
        ++next;
      out[row * c->times[1] + t] = prev = next;
    }
    lengths[row] = c->times[1];
  }
  return RNNC_OK;
}
#endif

static int32_t update(const rnnc_call *c, float *grad, double *norm) {
  rnnc_optimizer *o = c->optimizer;
  for (int i = 0; i < COUNT; ++i)
    *norm += grad[i] * grad[i];
  *norm = sqrt(*norm);
  if (!isfinite(*norm)) {
    o->counters.skipped++;
    o->counters.bad_parameter = 0;
    if (c->error)
      snprintf(c->error->name, sizeof c->error->name, "lm.W");
    return RNNC_ERR_NOT_FINITE;
  }
  for (int i = 0; i < COUNT; ++i) {
    o->momentum[i] = 0.9f * o->momentum[i] + grad[i];
    c->params->w[i] -= RATE * (float)o->counters.rate_scale * o->momentum[i];
  }
  o->counters.updates++;
  return RNNC_OK;
}

static int32_t call(const rnnc_context *ctx, int32_t m, int32_t f,
                    const rnnc_call *c) {
  (void)ctx, (void)m;
  if (f == 3)
    return other(c);
  float *grad = c->workspace;
  double sum = 0, norm = 0;
  int count = 0, at = 3; /* the position of `loss`, both models */
  memset(grad, 0, COUNT * sizeof *grad);
  int32_t status = lossAndGrad(c, &sum, &count, grad);
  if (status)
    return status;
  *(float *)c->args[at] = count ? (float)(sum / count) : 0;
  for (int i = 0; i < COUNT && count; ++i)
    grad[i] /= (float)count;
  if (f == 1)
    memcpy(c->args[at + 1], grad, COUNT * sizeof *grad);
  if (f != 2)
    return RNNC_OK;
  status = update(c, grad, &norm);
  *(float *)c->args[at + 1] = (float)norm;
  return status;
}

__attribute__((visibility("default"))) int32_t
table_describe(rnnc_library *library) {
  if (library->size < sizeof *library)
    return RNNC_ERR_ARGUMENT;
  *library = (rnnc_library){.size = sizeof *library,
                            .abi_version = RNNC_ABI_VERSION,
                            .manifest = manifest,
                            .strerror = text,
                            .context_size = contextSize,
                            .context_init = contextInit,
                            .context_finish = contextFinish,
                            .context_variant = variant,
                            .params_size = paramsSize,
                            .params_init = paramsInit,
                            .params_data = paramsData,
                            .params_load = paramsLoad,
                            .prepared_size = preparedSize,
                            .prepare = prepare,
                            .optimizer_size = optimizerSize,
                            .optimizer_init = optimizerInit,
                            .optimizer_slot = optimizerSlot,
                            .optimizer_counters = counters,
                            .carry_size = carrySize,
                            .carry_init = carryInit,
                            .stream_size = streamSize,
                            .stream_init = streamInit,
                            .stream_state = streamState,
                            .workspace_size = workspaceSize,
                            .call = call};
  return RNNC_OK;
}
