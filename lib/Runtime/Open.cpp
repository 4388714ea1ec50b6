// Open.cpp: whole files, and all that a use of a model needs in one object.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Besides the context's `_create` these are the only functions that allocate.
#include "Runtime.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace rnnc::rt {

int32_t failFile(rnnc_error *error, const char *what, const char *path) {
  int number = errno;
  char words[96] = "";
  const char *why = number ? strerror_r(number, words, sizeof(words)) : "";
  return fail(error, RNNC_ERR_FILE, -1, path, -1, -1, number, "`%.150s` %s%s%s",
              path, what, *why ? ": " : "", why);
}

namespace {

void *allocate(size_t bytes) {
  return aligned_alloc(kAlign, alignUp(bytes ? bytes : 1));
}

int32_t failMemory(rnnc_error *error, size_t bytes) {
  return fail(error, RNNC_ERR_WORKSPACE, -1, "", -1, -1, int64_t(bytes),
              "there is no memory for %lld bytes", (long long)bytes);
}

/// A whole file in memory; the caller frees it.
int32_t readAll(const char *path, char *&bytes, size_t &size,
                rnnc_error *error) {
  bytes = nullptr;
  size = 0;
  errno = 0;
  FILE *file = fopen(path, "rbe");
  if (!file)
    return failFile(error, "cannot be read", path);
  int32_t status = RNNC_OK;
  for (size_t room = 0;;) {
    if (size == room) {
      room = room ? 2 * room : size_t(1) << 16;
      auto *more = static_cast<char *>(realloc(bytes, room));
      if (!more) {
        status = failMemory(error, room);
        break;
      }
      bytes = more;
    }
    errno = 0;
    size_t n = fread(bytes + size, 1, room - size, file);
    size += n;
    if (n > 0)
      continue;
    if (ferror(file))
      status = failFile(error, "cannot be read", path);
    break;
  }
  fclose(file);
  return status;
}

struct Session {
  rnnc_session shown; ///< what the caller sees
  uint64_t magic;
  int32_t module;
};
constexpr uint64_t kSessionMagic = 0x53455353494f4e52ull;

Session *sessionOf(int32_t module, rnnc_session *shown) {
  auto *s = reinterpret_cast<Session *>(shown);
  return s && s->magic == kSessionMagic && s->module == module ? s : nullptr;
}

/// A module that keeps states between calls has a stream.
bool hasStream(const ModuleDesc &m) {
  for (int32_t i = 0; i < m.numFunctions; ++i)
    if (m.functions[i].kind == KindStep || m.functions[i].kind == KindSample)
      return true;
  return false;
}

int32_t openParams(Session &s, const char *path, rnnc_error *error) {
  int32_t module = s.module;
  if (!path) {
    s.shown.params = rnnc_rt_params_baked(module);
    return s.shown.params
               ? int32_t(RNNC_OK)
               : fail(error, RNNC_ERR_WEIGHTS, -1, "path", -1, -1, -1,
                      "the library was made without weights: `path` has to "
                      "name a file of them");
  }
  if (!*path)
    return fail(error, RNNC_ERR_ARGUMENT, -1, "path", -1, -1, -1,
                "`path` is empty: it has to name a file of weights, or be NULL "
                "for those of the library, if it was made with some");
  size_t bytes = rnnc_rt_params_size(module);
  auto *params = static_cast<rnnc_params *>(allocate(bytes));
  if (!params)
    return failMemory(error, bytes);
  s.shown.params = params;
  blankParams(module, params);
  return rnnc_rt_params_load_file(module, params, path, error);
}

int32_t openPrepared(Session &s, rnnc_error *error) {
  size_t bytes = rnnc_rt_prepared_size(s.shown.context, s.module);
  s.shown.prepared = static_cast<rnnc_prepared *>(allocate(bytes));
  if (!s.shown.prepared)
    return failMemory(error, bytes);
  return rnnc_rt_prepare(s.shown.context, s.module, s.shown.params,
                         s.shown.prepared, bytes, error);
}

int32_t openStream(Session &s, rnnc_error *error) {
  if (!hasStream(*moduleAt(s.module)))
    return RNNC_OK;
  size_t bytes = rnnc_rt_stream_size(s.module, s.shown.batch);
  if (bytes == 0)
    return fail(error, RNNC_ERR_ARGUMENT, -1, "batch", -1, -1, s.shown.batch,
                "a stream of %d rows cannot be held", s.shown.batch);
  s.shown.stream = static_cast<rnnc_stream *>(allocate(bytes));
  if (!s.shown.stream)
    return failMemory(error, bytes);
  return rnnc_rt_stream_init(s.shown.context, s.module, s.shown.params,
                             s.shown.stream, bytes, s.shown.batch, error);
}

/// The workspace of functions without a time axis is there from the start, so
/// that steps never allocate.
int32_t openWorkspace(Session &s, rnnc_error *error) {
  const ModuleDesc &m = *moduleAt(s.module);
  size_t most = 0;
  for (int32_t i = 0; i < m.numFunctions; ++i) {
    if (m.functions[i].numTimes > 0)
      continue;
    size_t bytes = rnnc_rt_workspace_size(s.shown.context, s.module, i,
                                          s.shown.batch, nullptr);
    most = bytes > most ? bytes : most;
  }
  return most ? rnnc_rt_reserve(s.module, &s.shown, most, error)
              : int32_t(RNNC_OK);
}

int32_t openAll(Session &s, const char *path,
                const rnnc_context_options *options, rnnc_error *error) {
  s.shown.context = rnnc_rt_context_create(options, error);
  if (!s.shown.context)
    return RNNC_ERR_ARGUMENT; // what it was stands in `error`
  if (int32_t status = openParams(s, path, error))
    return status;
  if (int32_t status = openPrepared(s, error))
    return status;
  if (int32_t status = openStream(s, error))
    return status;
  return openWorkspace(s, error);
}

} // namespace
} // namespace rnnc::rt

using namespace rnnc::rt;

int32_t rnnc_rt_params_load_file(int32_t module, rnnc_params *params,
                                 const char *path, rnnc_error *error) {
  if (!path || !*path)
    return fail(error, RNNC_ERR_ARGUMENT, -1, "path", -1, -1, -1,
                "`path` is NULL or empty");
  char *bytes;
  size_t size;
  int32_t status = readAll(path, bytes, size, error);
  if (!status)
    status = rnnc_rt_params_load(module, params, bytes, size, error);
  free(bytes);
  return status;
}

rnnc_session *rnnc_rt_open(int32_t module, const char *path, int32_t batch,
                           const rnnc_context_options *options,
                           rnnc_error *error) {
  if (!moduleAt(module) || batch < 0) {
    fail(error, RNNC_ERR_ARGUMENT, -1, "batch", -1, -1, batch,
         "`batch` is negative: %d", batch);
    return nullptr;
  }
  auto *s = static_cast<Session *>(allocate(sizeof(Session)));
  if (!s) {
    failMemory(error, sizeof(Session));
    return nullptr;
  }
  memset(static_cast<void *>(s), 0, sizeof(Session));
  s->magic = kSessionMagic;
  s->module = module;
  s->shown.size = sizeof(rnnc_session);
  s->shown.batch = batch;
  if (openAll(*s, path, options, error)) {
    rnnc_rt_close(module, &s->shown);
    return nullptr;
  }
  succeed(error);
  return &s->shown;
}

int32_t rnnc_rt_reserve(int32_t module, rnnc_session *session, size_t bytes,
                        rnnc_error *error) {
  if (!sessionOf(module, session))
    return fail(error, RNNC_ERR_STATE, -1, "session", -1, -1, -1,
                "`session` is none of this module, or was closed");
  if (bytes == 0)
    return fail(error, RNNC_ERR_ARGUMENT, -1, "bytes", -1, -1, 0,
                "no workspace has 0 bytes: a size was negative or too large");
  if (bytes <= session->workspace_bytes)
    return succeed(error);
  void *more = bytes <= PTRDIFF_MAX ? allocate(bytes) : nullptr;
  if (!more)
    return failMemory(error, bytes);
  free(session->workspace);
  session->workspace = more;
  session->workspace_bytes = bytes;
  return succeed(error);
}

void rnnc_rt_close(int32_t module, rnnc_session *session) {
  Session *s = sessionOf(module, session);
  if (!s)
    return;
  s->magic = 0;
  if (session->context)
    rnnc_rt_context_destroy(session->context);
  if (session->params != rnnc_rt_params_baked(module))
    free(const_cast<rnnc_params *>(session->params));
  free(session->prepared);
  free(session->stream);
  free(session->workspace);
  free(s);
}
