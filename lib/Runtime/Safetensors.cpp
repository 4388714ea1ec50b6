// Safetensors.cpp: reading parameters from a safetensors file in memory.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The file is checked whole before anything is written: a file that does not
// fit leaves the parameters as they were.
#include "Runtime.h"

#include <string.h>

namespace rnnc::rt {
namespace {

constexpr int kMaxRank = 8;

struct Entry {
  char name[128];
  char dtype[8];
  int64_t shape[kMaxRank];
  int rank;
  uint64_t begin, end;
};

/// A reader for the header: an object of objects with known fields. Names
/// longer than an error message can hold cannot be a parameter's.
class Reader {
public:
  Reader(const char *text, uint64_t size) : p(text), last(text + size) {}

  bool broken() const { return bad; }

  bool take(char c) {
    skip();
    if (p < last && *p == c) {
      ++p;
      return true;
    }
    return false;
  }

  bool expect(char c) {
    if (take(c))
      return true;
    bad = true;
    return false;
  }

  /// A string; what does not fit is cut (and then matches nothing).
  bool string(char *out, size_t room) {
    if (!expect('"'))
      return false;
    size_t n = 0;
    while (p < last && *p != '"') {
      if (*p == '\\' && p + 1 < last)
        ++p;
      if (n + 1 < room)
        out[n++] = *p;
      ++p;
    }
    if (n < room)
      out[n] = 0;
    return expect('"');
  }

  bool number(uint64_t &out) {
    skip();
    if (p >= last || *p < '0' || *p > '9') {
      bad = true;
      return false;
    }
    out = 0;
    while (p < last && *p >= '0' && *p <= '9') {
      if (out > (uint64_t(1) << 59)) {
        bad = true;
        return false;
      }
      out = out * 10 + uint64_t(*p++ - '0');
    }
    return true;
  }

  /// Skips any value (of the metadata).
  bool skipValue() {
    int depth = 0;
    do {
      skip();
      if (p >= last)
        return !(bad = true);
      char ignored[2];
      if (*p == '"') {
        if (!string(ignored, 1))
          return false;
      } else if (*p == '{' || *p == '[') {
        ++depth, ++p;
      } else if (depth > 0 && (*p == '}' || *p == ']')) {
        --depth, ++p;
      } else if (depth > 0 && (*p == ',' || *p == ':')) {
        ++p;
      } else if (!skipWord()) {
        return false;
      }
    } while (depth > 0);
    return true;
  }

private:
  /// A number, `true` or the like.
  bool skipWord() {
    const char *begin = p;
    while (p < last && !strchr(",:]} \n\t\r", *p))
      ++p;
    if (p == begin)
      bad = true;
    return !bad;
  }

  void skip() {
    while (p < last && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
      ++p;
  }
  const char *p, *last;
  bool bad = false;
};

bool readShape(Reader &in, Entry &e) {
  e.rank = 0;
  if (!in.expect('['))
    return false;
  if (in.take(']'))
    return true;
  do {
    uint64_t n;
    if (!in.number(n) || e.rank == kMaxRank)
      return false;
    e.shape[e.rank++] = int64_t(n);
  } while (in.take(','));
  return in.expect(']');
}

/// The fields of one tensor, in any order.
bool readEntry(Reader &in, Entry &e) {
  e.dtype[0] = 0;
  e.rank = -1;
  e.begin = 1;
  e.end = 0;
  if (!in.expect('{'))
    return false;
  do {
    char field[32];
    if (!in.string(field, sizeof(field)) || !in.expect(':'))
      return false;
    if (!strcmp(field, "dtype")) {
      if (!in.string(e.dtype, sizeof(e.dtype)))
        return false;
    } else if (!strcmp(field, "shape")) {
      if (!readShape(in, e))
        return false;
    } else if (!strcmp(field, "data_offsets")) {
      if (!in.expect('[') || !in.number(e.begin) || !in.expect(',') ||
          !in.number(e.end) || !in.expect(']'))
        return false;
    } else {
      return false;
    }
  } while (in.take(','));
  return in.expect('}') && e.rank >= 0 && e.begin <= e.end;
}

struct File {
  const char *header;
  uint64_t headerSize;
  const char *data;
  uint64_t dataSize;
};

bool openFile(const void *bytes, size_t size, File &file) {
  if (!bytes || size < 8)
    return false;
  memcpy(&file.headerSize, bytes, 8);
  if (file.headerSize > size - 8)
    return false;
  file.header = static_cast<const char *>(bytes) + 8;
  file.data = file.header + file.headerSize;
  file.dataSize = size - 8 - file.headerSize;
  return true;
}

int32_t findParam(const ModuleDesc &m, const char *name) {
  for (int32_t i = 0; i < m.numParams; ++i)
    if (!strcmp(m.params[i].name, name))
      return i;
  return -1;
}

int32_t checkEntry(const ModuleDesc &m, const File &file, const Entry &e,
                   rnnc_error *error) {
  auto refuse = [&](const char *why, int64_t expected, int64_t found) {
    return fail(error, RNNC_ERR_WEIGHTS, -1, e.name, -1, -1, found, why, e.name,
                (long long)expected, (long long)found);
  };
  int32_t index = findParam(m, e.name);
  if (index < 0)
    return fail(error, RNNC_ERR_WEIGHTS, -1, e.name, -1, -1, -1,
                "the model has no parameter `%s`", e.name);
  const ParamDesc &p = m.params[index];
  uint64_t width = !strcmp(e.dtype, "F32") ? 4 : !strcmp(e.dtype, "F64") ? 8 : 0;
  if (!width)
    return fail(error, RNNC_ERR_WEIGHTS, -1, e.name, -1, -1, -1,
                "parameter `%s` is stored as %s, not F32 or F64", e.name,
                e.dtype);
  if (e.rank != p.rank)
    return refuse("parameter `%s` has %lld axes, the file has %lld", p.rank,
                  e.rank);
  for (int i = 0; i < p.rank; ++i)
    if (e.shape[i] != p.shape[i])
      return refuse("an axis of parameter `%s` has size %lld, in the file %lld",
                    p.shape[i], e.shape[i]);
  if (e.end > file.dataSize || e.end - e.begin != uint64_t(p.count) * width)
    return refuse("the data of parameter `%s` should have %lld bytes, the file "
                  "has %lld",
                  p.count * int64_t(width), int64_t(e.end - e.begin));
  if (width == 8 && rnnc_rt_library.real == F32)
    for (int64_t i = 0; i < p.count; ++i) {
      double value;
      memcpy(&value, file.data + e.begin + uint64_t(i) * 8, 8);
      if (value == value && double(float(value)) != value)
        return refuse("entry %2$lld of parameter `%1$s` is not exact in f32", i,
                      i);
    }
  return RNNC_OK;
}

void copyEntry(const ModuleDesc &m, const File &file, const Entry &e,
               char *arena) {
  const ParamDesc &p = m.params[findParam(m, e.name)];
  bool wide = !strcmp(e.dtype, "F64"), wideHere = rnnc_rt_library.real == F64;
  char *to = arena + size_t(p.offset) * realSize();
  const char *from = file.data + e.begin;
  if (wide == wideHere) {
    memcpy(to, from, size_t(p.count) * realSize());
    return;
  }
  for (int64_t i = 0; i < p.count; ++i) {
    if (wide) {
      double value;
      memcpy(&value, from + i * 8, 8);
      reinterpret_cast<float *>(to)[i] = float(value);
    } else {
      float value;
      memcpy(&value, from + i * 4, 4);
      reinterpret_cast<double *>(to)[i] = value;
    }
  }
}

/// Goes through the file once; with an arena it copies, else it checks.
int32_t visit(const ModuleDesc &m, const File &file, char *arena,
              int32_t &found, rnnc_error *error) {
  Reader in(file.header, file.headerSize);
  Entry e;
  auto broken = [&] {
    return fail(error, RNNC_ERR_WEIGHTS, -1, "", -1, -1, -1,
                "this is not a safetensors file, or it is cut off");
  };
  if (!in.expect('{'))
    return broken();
  if (in.take('}'))
    return RNNC_OK;
  do {
    if (!in.string(e.name, sizeof(e.name)) || !in.expect(':'))
      return broken();
    if (!strcmp(e.name, "__metadata__")) {
      if (!in.skipValue())
        return broken();
      continue;
    }
    if (!readEntry(in, e))
      return broken();
    ++found;
    if (arena)
      copyEntry(m, file, e, arena);
    else if (int32_t status = checkEntry(m, file, e, error))
      return status;
  } while (in.take(','));
  return in.expect('}') ? RNNC_OK : broken();
}

/// True if the file names parameter `name`.
bool holds(const File &file, const char *name) {
  Reader in(file.header, file.headerSize);
  Entry e;
  in.expect('{');
  do {
    if (!in.string(e.name, sizeof(e.name)) || !in.expect(':'))
      return false;
    if (!strcmp(e.name, name))
      return true;
    if (!(strcmp(e.name, "__metadata__") ? readEntry(in, e) : in.skipValue()))
      return false;
  } while (in.take(','));
  return false;
}

} // namespace
} // namespace rnnc::rt

using namespace rnnc::rt;

/// Out of line: it runs in a floating-point state of its own.
__attribute__((noinline)) static int32_t load(int32_t module,
                                              rnnc_params *params,
                                              const void *bytes, size_t size,
                                              rnnc_error *error) {
  if (int32_t status = checkModule(error, module))
    return status;
  if (int32_t status =
          checkObject(error, "params", params, kParamsMagic, module))
    return status;
  const ModuleDesc *m = moduleAt(module);
  if (int32_t status = checkWritable(params, error))
    return status;
  File file;
  if (!openFile(bytes, size, file))
    return fail(error, RNNC_ERR_WEIGHTS, -1, "", -1, -1, -1,
                "this is not a safetensors file, or it is cut off");
  int32_t found = 0, ignored = 0;
  if (int32_t status = visit(*m, file, nullptr, found, error))
    return status;
  for (int32_t i = 0; i < m->numParams; ++i)
    if (!holds(file, m->params[i].name))
      return fail(error, RNNC_ERR_WEIGHTS, -1, m->params[i].name, -1, -1, -1,
                  "the file has no parameter `%s`", m->params[i].name);
  paramsChanged(params, checksum(bytes, size));
  visit(*m, file, paramsArena(params), ignored, error);
  return succeed(error);
}

int32_t rnnc_rt_params_load(int32_t module, rnnc_params *params,
                            const void *bytes, size_t size,
                            rnnc_error *error) {
  FloatGuard guard(kExactFloats);
  return load(module, params, bytes, size, error);
}
