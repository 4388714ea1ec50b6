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

  /// Skips the metadata: an object of strings.
  bool skipTexts() {
    if (!expect('{'))
      return false;
    if (take('}'))
      return true;
    do {
      char ignored[2];
      if (!string(ignored, 1) || !expect(':') || !string(ignored, 1))
        return false;
    } while (take(','));
    return expect('}');
  }

  /// Nothing but the blanks that fill the header up.
  bool atEnd() {
    skip();
    return p == last;
  }

private:
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
  uint64_t headerMissing; ///< of a file that is cut off within it
  const char *data;
  uint64_t dataSize;
};

/// The format's own reader takes no larger header.
constexpr uint64_t kMaxHeader = 100000000;

bool openFile(const void *bytes, size_t size, File &file) {
  if (!bytes || size < 8)
    return false;
  memcpy(&file.headerSize, bytes, 8);
  file.header = static_cast<const char *>(bytes) + 8;
  if (file.headerSize > kMaxHeader || size == 8 || *file.header != '{')
    return false;
  file.headerMissing =
      file.headerSize > size - 8 ? file.headerSize - (size - 8) : 0;
  if (file.headerMissing)
    return true;
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

/// What stands beside the weights in a checkpoint of `rnnc train`: its newest
/// one is all there is where no validation chose a best.
bool isBeside(const char *name) {
  // No table of texts: code of libraries has no addresses to relocate.
  return !strncmp(name, "optimizer.", 10) || !strncmp(name, "trainer.", 8) ||
         !strncmp(name, "state.", 6);
}

int32_t checkEntry(const ModuleDesc &m, const File &file, const Entry &e,
                   rnnc_error *error) {
  auto refuse = [&](const char *why, int64_t expected, int64_t found) {
    return fail(error, RNNC_ERR_WEIGHTS, -1, e.name, -1, -1, found, why, e.name,
                (long long)expected, (long long)found);
  };
  int32_t index = findParam(m, e.name);
  if (index < 0 && isBeside(e.name))
    return RNNC_OK;
  if (index < 0)
    return fail(error, RNNC_ERR_WEIGHTS, -1, e.name, -1, -1, -1,
                "the model has no parameter `%s`", e.name);
  const ParamDesc &p = m.params[index];
  uint64_t width = !strcmp(e.dtype, "F32")   ? 4
                   : !strcmp(e.dtype, "F64") ? 8
                                             : 0;
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
  int32_t index = findParam(m, e.name);
  if (index < 0) // it stands beside the weights
    return;
  const ParamDesc &p = m.params[index];
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

int32_t broken(rnnc_error *error) {
  return fail(error, RNNC_ERR_WEIGHTS, -1, "", -1, -1, -1,
              "this is not a safetensors file, or it is cut off");
}

/// Calls f for each tensor of the header; false if the header is damaged.
template <typename Function> bool eachEntry(const File &file, Function f) {
  Reader in(file.header, file.headerSize);
  Entry e;
  if (!in.expect('{'))
    return false;
  if (in.take('}'))
    return in.atEnd();
  do {
    if (!in.string(e.name, sizeof(e.name)) || !in.expect(':'))
      return false;
    bool metadata = !strcmp(e.name, "__metadata__");
    if (!(metadata ? in.skipTexts() : readEntry(in, e)))
      return false;
    if (!metadata)
      f(e);
  } while (in.take(','));
  return in.expect('}') && in.atEnd();
}

/// Where the tensors of a file lie.
struct Layout {
  uint64_t needed = 0;  ///< the end of the last one
  uint64_t total = 0;   ///< bytes of all
  uint64_t covered = 0; ///< bytes from the first on without a hole
};

bool measure(const File &file, Layout &out) {
  uint64_t before;
  // Each round goes on from where the last tensor ended. Files are written in
  // order: one round is enough for them.
  do {
    before = out.covered;
    out.needed = out.total = 0;
    if (!eachEntry(file, [&](const Entry &e) {
          out.needed = e.end > out.needed ? e.end : out.needed;
          out.total += e.end - e.begin;
          if (e.begin == out.covered)
            out.covered = e.end;
        }))
      return false;
  } while (out.covered > before && out.covered < out.needed);
  return true;
}

/// The tensors fill what follows the header: in any order, but each byte
/// belongs to exactly one, as the format's own reader wants it.
int32_t checkLayout(const File &file, const Layout &layout, rnnc_error *error) {
  if (layout.covered != layout.needed || layout.total != layout.needed)
    return fail(error, RNNC_ERR_WEIGHTS, -1, "", -1, -1, -1,
                "the file is damaged: tensors overlap, or there are bytes that "
                "belong to none");
  if (uint64_t more = file.dataSize - layout.needed)
    return fail(error, RNNC_ERR_WEIGHTS, -1, "", -1, -1, int64_t(more),
                "the file is damaged: %lld bytes follow the last tensor",
                (long long)more);
  return RNNC_OK;
}

/// How often the file names parameter `name`.
int32_t timesHeld(const File &file, const char *name) {
  int32_t times = 0;
  eachEntry(file, [&](const Entry &e) { times += !strcmp(e.name, name); });
  return times;
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
    return broken(error);
  if (file.headerMissing)
    return fail(error, RNNC_ERR_WEIGHTS, -1, "", -1, -1,
                int64_t(file.headerMissing),
                "the file is cut off: %lld bytes of its header are missing",
                (long long)file.headerMissing);
  Layout layout;
  if (!measure(file, layout))
    return broken(error);
  if (layout.needed > file.dataSize) {
    uint64_t missing = layout.needed - file.dataSize;
    return fail(error, RNNC_ERR_WEIGHTS, -1, "", -1, -1, int64_t(missing),
                "the file is cut off: %lld bytes are missing",
                (long long)missing);
  }
  int32_t refused = RNNC_OK;
  eachEntry(file, [&](const Entry &e) {
    if (refused == RNNC_OK)
      refused = checkEntry(*m, file, e, error);
  });
  if (refused != RNNC_OK)
    return refused;
  for (int32_t i = 0; i < m->numParams; ++i)
    if (int32_t times = timesHeld(file, m->params[i].name); times != 1)
      return fail(error, RNNC_ERR_WEIGHTS, -1, m->params[i].name, -1, -1, -1,
                  times ? "the file names parameter `%s` twice"
                        : "the file has no parameter `%s`",
                  m->params[i].name);
  if (int32_t status = checkLayout(file, layout, error))
    return status;
  paramsChanged(params, checksum(bytes, size));
  eachEntry(file, [&](const Entry &e) {
    copyEntry(*m, file, e, paramsArena(params));
  });
  return succeed(error);
}

int32_t rnnc_rt_params_load(int32_t module, rnnc_params *params,
                            const void *bytes, size_t size, rnnc_error *error) {
  FloatGuard guard(kExactFloats);
  return load(module, params, bytes, size, error);
}
