// Save.cpp: parameters as a safetensors file.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One writer makes the bytes in order; where they go to is a sink: nowhere (the
// size is asked for), the caller's memory, or a file.
#include "Runtime.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

namespace rnnc::rt {
namespace {

struct Sink {
  char *memory = nullptr; ///< with neither, bytes are counted
  FILE *file = nullptr;
  uint64_t used = 0;
  bool bad = false;

  void put(const void *bytes, size_t n) {
    if (memory)
      memcpy(memory + used, bytes, n);
    else if (file && !bad)
      bad = fwrite(bytes, 1, n, file) != n;
    used += n;
  }
  void text(const char *s) { put(s, strlen(s)); }
  void number(uint64_t value) {
    char digits[20];
    int n = 0;
    do
      digits[n++] = char('0' + value % 10);
    while (value /= 10);
    while (n)
      put(&digits[--n], 1);
  }
  /// A string of JSON. Names come from a source and hold no control characters.
  void quoted(const char *s) {
    text("\"");
    for (; *s; ++s) {
      if (*s == '"' || *s == '\\')
        text("\\");
      put(s, 1);
    }
    text("\"");
  }
};

size_t bytesOf(const ParamDesc &p) { return size_t(p.count) * realSize(); }

void writeEntry(Sink &sink, const ParamDesc &p, uint64_t begin) {
  sink.text(",");
  sink.quoted(p.name);
  sink.text(rnnc_rt_library.real == F64 ? ":{\"dtype\":\"F64\",\"shape\":["
                                        : ":{\"dtype\":\"F32\",\"shape\":[");
  for (int32_t i = 0; i < p.rank; ++i) {
    sink.text(i ? "," : "");
    sink.number(uint64_t(p.shape[i]));
  }
  sink.text("],\"data_offsets\":[");
  sink.number(begin);
  sink.text(",");
  sink.number(begin + bytesOf(p));
  sink.text("]}");
}

/// The header's JSON, padded to 8 bytes as the format wants it.
void writeHeader(Sink &sink, const ModuleDesc &m) {
  uint64_t start = sink.used, offset = 0;
  sink.text("{\"__metadata__\":{\"format\":\"rnnc\",\"model\":");
  sink.quoted(m.name);
  sink.text("}");
  for (int32_t i = 0; i < m.numParams; ++i) {
    writeEntry(sink, m.params[i], offset);
    offset += bytesOf(m.params[i]);
  }
  sink.text("}");
  while ((sink.used - start) % 8)
    sink.text(" ");
}

/// The whole file; without parameters, its size alone.
void writeFile(Sink &sink, const ModuleDesc &m, const char *arena) {
  Sink count;
  writeHeader(count, m);
  sink.put(&count.used, 8);
  writeHeader(sink, m);
  for (int32_t i = 0; i < m.numParams; ++i) {
    const ParamDesc &p = m.params[i];
    if (arena)
      sink.put(arena + size_t(p.offset) * realSize(), bytesOf(p));
    else
      sink.used += bytesOf(p);
  }
}

int32_t checkParams(int32_t module, const rnnc_params *params,
                    rnnc_error *error) {
  if (int32_t status = checkModule(error, module))
    return status;
  return checkObject(error, "params", params, kParamsMagic, module);
}

int32_t writeAll(const char *path, const ModuleDesc &m, const char *arena,
                 rnnc_error *error) {
  Sink sink;
  sink.file = fopen(path, "wbe");
  if (!sink.file)
    return failFile(error, "cannot be written", path);
  writeFile(sink, m, arena);
  bool bad = sink.bad || fflush(sink.file) != 0;
  int32_t status = bad ? failFile(error, "cannot be written", path) : 0;
  if (fclose(sink.file) != 0 && !status)
    status = failFile(error, "cannot be written", path);
  return status;
}

/// A device or a pipe. (`stat` would want a newer C library than the rest.)
bool isStream(const char *path) {
  struct statx info;
  return statx(AT_FDCWD, path, 0, STATX_TYPE, &info) == 0 &&
         !S_ISREG(info.stx_mode) && !S_ISDIR(info.stx_mode);
}

/// Writes under another name first: whoever reads `path` meanwhile finds the
/// whole old file or the whole new one. What a link leads to is replaced, not
/// the link. Devices and pipes are written to: a file in their place would be
/// the end of /dev/null.
int32_t writeTo(const char *path, const ModuleDesc &m, const char *arena,
                rnnc_error *error) {
  if (isStream(path))
    return writeAll(path, m, arena, error);
  char real[PATH_MAX], temporary[kMaxPath + 8];
  if (realpath(path, real))
    path = real;
  int n = snprintf(temporary, sizeof(temporary), "%s.tmp", path);
  if (n < 0 || size_t(n) >= sizeof(temporary))
    return fail(error, RNNC_ERR_FILE, -1, "path", -1, -1, -1,
                "the file's name is longer than %d bytes", int(kMaxPath));
  int32_t status = writeAll(temporary, m, arena, error);
  if (!status && rename(temporary, path) != 0)
    status = failFile(error, "cannot be written", path);
  if (status)
    remove(temporary);
  return status;
}

} // namespace
} // namespace rnnc::rt

using namespace rnnc::rt;

size_t rnnc_rt_params_save_size(int32_t module) {
  const ModuleDesc *m = moduleAt(module);
  Sink sink;
  if (m)
    writeFile(sink, *m, nullptr);
  return size_t(sink.used);
}

int32_t rnnc_rt_params_save(int32_t module, const rnnc_params *params,
                            void *safetensors, size_t bytes,
                            rnnc_error *error) {
  if (int32_t status = checkParams(module, params, error))
    return status;
  if (int32_t status = checkNewest(nullptr, params, error))
    return status;
  size_t need = rnnc_rt_params_save_size(module);
  if (!safetensors || bytes < need)
    return fail(error, safetensors ? RNNC_ERR_WORKSPACE : RNNC_ERR_ARGUMENT, -1,
                "safetensors", -1, -1, int64_t(need),
                "the file takes %lld bytes", (long long)need);
  Sink sink;
  sink.memory = static_cast<char *>(safetensors);
  writeFile(sink, *moduleAt(module), paramsArena(params));
  return succeed(error);
}

int32_t rnnc_rt_params_save_file(int32_t module, const rnnc_params *params,
                                 const char *path, rnnc_error *error) {
  if (int32_t status = checkParams(module, params, error))
    return status;
  if (!path || !*path)
    return fail(error, RNNC_ERR_ARGUMENT, -1, "path", -1, -1, -1,
                "`path` is NULL or empty");
  if (int32_t status =
          writeTo(path, *moduleAt(module), paramsArena(params), error))
    return status;
  return succeed(error);
}
