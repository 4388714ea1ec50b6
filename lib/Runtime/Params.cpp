// Params.cpp: the arena of parameters and its first values.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Draws are Philox numbers with key (seed, 0) and counter
// (2^31 + parameter, block, 0, element / 4), so a parameter's first values
// depend on nothing but the seed and its own place. Entries of labelled axes
// are blocks that are drawn on their own.
#include "Runtime.h"

#include <math.h>
#include <string.h>

namespace rnnc::rt {

/// The arena follows the header.
const char *paramsArena(const rnnc_params *params) {
  return reinterpret_cast<const char *>(params) + kArenaOffset;
}
char *paramsArena(rnnc_params *params) {
  return reinterpret_cast<char *>(params) + kArenaOffset;
}

void paramsChanged(rnnc_params *params, uint64_t by) {
  reinterpret_cast<Header *>(params)->of = nullptr;
  forgetReach(params);
  uint64_t &stamp = reinterpret_cast<Header *>(params)->stamp;
  stamp = (stamp ^ by) * 0x9E3779B97F4A7C15ull + 1;
}

static size_t arenaBytes(const ModuleDesc &m) {
  return alignUp(size_t(m.arena) * realSize());
}

void blankParams(int32_t module, rnnc_params *params) {
  size_t size = kAlign + arenaBytes(*moduleAt(module));
  preferLargePages(params, size);
  memset(static_cast<void *>(params), 0, size);
  auto *header = reinterpret_cast<Header *>(params);
  header->magic = kParamsMagic;
  header->module = module;
}

int32_t checkWritable(const rnnc_params *params, rnnc_error *error) {
  if (!reinterpret_cast<const Header *>(params)->readOnly)
    return RNNC_OK;
  return fail(error, RNNC_ERR_STATE, -1, "params", -1, -1, -1,
              "these parameters are part of the library and cannot change; "
              "`_params_init_baked` makes a copy that can");
}

namespace {

struct Writer {
  char *arena;
  int32_t dtype;
  void operator()(int64_t element, double value) const {
    if (dtype == F64)
      reinterpret_cast<double *>(arena)[element] = value;
    else
      reinterpret_cast<float *>(arena)[element] = float(value);
  }
};

/// A sequence of random numbers of one block of one parameter.
class Draw {
public:
  Draw(uint64_t seed, int32_t parameter, int64_t block)
      : key{uint32_t(seed), 0},
        counter{0x80000000u + uint32_t(parameter), uint32_t(block), 0, 0} {}

  double uniform() {
    if (have == 0) {
      philox(key, counter, numbers);
      ++counter[3];
      have = 4;
    }
    return double(numbers[4 - have--] >> 8) * (1.0 / 16777216.0);
  }

  /// Box and Muller's transform; 1 - u keeps the logarithm finite.
  double normal() {
    double u = 1.0 - uniform(), v = uniform();
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586476925 * v);
  }

private:
  uint32_t key[2], counter[4], numbers[4];
  int have = 0;
};

/// A parameter seen as blocks (labelled axes) of rows x columns (the rest).
struct Blocks {
  int64_t blocks = 1, rows = 1, columns = 1;
  explicit Blocks(const ParamDesc &p) {
    int last = -1;
    for (int i = 0; i < p.rank; ++i)
      if (!(p.labelled >> i & 1))
        last = i;
    for (int i = 0; i < p.rank; ++i) {
      if (p.labelled >> i & 1)
        blocks *= p.shape[i];
      else if (i == last)
        columns = p.shape[i];
      else
        rows *= p.shape[i];
    }
    // A vector counts as fan_in 1.
    int plain = 0;
    for (int i = 0; i < p.rank; ++i)
      plain += !(p.labelled >> i & 1);
    if (plain == 1) {
      rows = columns;
      columns = 1;
    }
  }
};

/// Offset of entry `inner` of block `block`: both count in row-major order
/// over their own axes.
int64_t elementAt(const ParamDesc &p, int64_t block, int64_t inner) {
  int64_t offset = 0, stride = 1;
  for (int i = p.rank - 1; i >= 0; --i) {
    int64_t &from = p.labelled >> i & 1 ? block : inner;
    offset += from % p.shape[i] * stride;
    from /= p.shape[i];
    stride *= p.shape[i];
  }
  return p.offset + offset;
}

/// Gram-Schmidt, twice, on vectors that lie one after another. This is the QR
/// factor whose R has a positive diagonal.
void orthonormalise(double *v, int64_t count, int64_t length) {
  for (int64_t i = 0; i < count; ++i) {
    double *x = v + i * length;
    for (int pass = 0; pass < 2; ++pass)
      for (int64_t j = 0; j < i; ++j) {
        const double *y = v + j * length;
        double dot = 0;
        for (int64_t k = 0; k < length; ++k)
          dot += x[k] * y[k];
        for (int64_t k = 0; k < length; ++k)
          x[k] -= dot * y[k];
      }
    double norm = 0;
    for (int64_t k = 0; k < length; ++k)
      norm += x[k] * x[k];
    norm = sqrt(norm);
    for (int64_t k = 0; k < length; ++k)
      x[k] = norm > 0 ? x[k] / norm : 0;
  }
}

void initOrthogonal(const ParamDesc &p, int32_t index, uint64_t seed,
                    double *scratch, const Writer &write) {
  Blocks shape(p);
  bool tall = shape.rows >= shape.columns;
  int64_t count = tall ? shape.columns : shape.rows;
  int64_t length = tall ? shape.rows : shape.columns;
  for (int64_t b = 0; b < shape.blocks; ++b) {
    Draw draw(seed, index, b);
    for (int64_t r = 0; r < shape.rows; ++r)
      for (int64_t c = 0; c < shape.columns; ++c)
        scratch[tall ? c * length + r : r * length + c] = draw.normal();
    orthonormalise(scratch, count, length);
    for (int64_t r = 0; r < shape.rows; ++r)
      for (int64_t c = 0; c < shape.columns; ++c)
        write(elementAt(p, b, r * shape.columns + c),
              scratch[tall ? c * length + r : r * length + c]);
  }
}

void initDrawn(const ParamDesc &p, int32_t index, uint64_t seed,
               const Writer &write) {
  Blocks shape(p);
  double low = p.a, span = p.b - p.a;
  if (p.init == InitGlorot) {
    double limit = sqrt(6.0 / double(shape.rows + shape.columns));
    low = -limit;
    span = 2 * limit;
  }
  for (int64_t b = 0; b < shape.blocks; ++b) {
    Draw draw(seed, index, b);
    for (int64_t i = 0, n = shape.rows * shape.columns; i < n; ++i)
      write(elementAt(p, b, i), p.init == InitNormal
                                    ? p.a + p.b * draw.normal()
                                    : low + span * draw.uniform());
  }
}

/// One value for each entry of axis `a`.
void initTable(const ParamDesc &p, const Writer &write) {
  int axis = int(p.a);
  if (axis < 0) {
    for (int64_t i = 0; i < p.count; ++i)
      write(p.offset + i, p.table[i]);
    return;
  }
  int64_t inner = 1;
  for (int i = axis + 1; i < p.rank; ++i)
    inner *= p.shape[i];
  for (int64_t i = 0; i < p.count; ++i)
    write(p.offset + i, p.table[i / inner % p.shape[axis]]);
}

void initIdentity(const ParamDesc &p, const Writer &write) {
  int64_t columns = p.rank > 0 ? p.shape[p.rank - 1] : 1;
  int64_t rows = p.rank > 1 ? p.shape[p.rank - 2] : 1;
  for (int64_t i = 0; i < p.count; ++i)
    write(p.offset + i, i % columns == i / columns % rows ? p.a : 0);
}

void initParam(const ParamDesc &p, int32_t index, uint64_t seed,
               double *scratch, const Writer &write) {
  if (p.count == 0)
    return;
  switch (p.init) {
  case InitUniform:
  case InitNormal:
  case InitGlorot:
    return initDrawn(p, index, seed, write);
  case InitOrthogonal:
    return initOrthogonal(p, index, seed, scratch, write);
  case InitTable:
    return initTable(p, write);
  case InitIdentity:
    return initIdentity(p, write);
  default:
    for (int64_t i = 0; i < p.count; ++i)
      write(p.offset + i, p.a);
  }
}

} // namespace
} // namespace rnnc::rt

using namespace rnnc::rt;

/// Out of line: it runs in a floating-point state of its own.
__attribute__((noinline)) static void drawParams(const ModuleDesc &m,
                                                 rnnc_params *params,
                                                 uint64_t seed,
                                                 double *scratch) {
  char *arena = paramsArena(params);
  Writer write{arena, rnnc_rt_library.real};
  for (int32_t i = 0; i < m.numParams; ++i)
    initParam(m.params[i], i, seed, scratch, write);
}

size_t rnnc_rt_params_size(int32_t module) {
  const ModuleDesc *m = moduleAt(module);
  return m ? kAlign + arenaBytes(*m) : 0;
}

int32_t rnnc_rt_params_init(int32_t module, rnnc_params *params, size_t bytes,
                            uint64_t seed, rnnc_error *error) {
  if (int32_t status = checkModule(error, module))
    return status;
  const ModuleDesc &m = *moduleAt(module);
  size_t size = rnnc_rt_params_size(module);
  if (int32_t status = checkMemory(error, "params", params, bytes, size))
    return status;
  // `orthogonal` works on a copy in f64.
  Temporary copy(reinterpret_cast<char *>(params) + size, bytes - size,
                 size_t(m.initScratch) * 8);
  if (!copy.place)
    return fail(error, RNNC_ERR_WORKSPACE, -1, "params", -1, -1, -1,
                "there is no memory to draw first values in");
  blankParams(module, params);
  {
    FloatGuard guard(kExactFloats);
    drawParams(m, params, seed, reinterpret_cast<double *>(copy.place));
  }
  paramsChanged(params, seed);
  return succeed(error);
}

const rnnc_params *rnnc_rt_params_baked(int32_t module) {
  const ModuleDesc *m = moduleAt(module);
  return m ? reinterpret_cast<const rnnc_params *>(m->baked) : nullptr;
}

int32_t rnnc_rt_params_init_baked(int32_t module, rnnc_params *params,
                                  size_t bytes, rnnc_error *error) {
  if (int32_t status = checkModule(error, module))
    return status;
  const ModuleDesc &m = *moduleAt(module);
  if (!m.baked)
    return fail(error, RNNC_ERR_WEIGHTS, -1, "", -1, -1, -1,
                "the library was made without weights");
  if (int32_t status = checkMemory(error, "params", params, bytes,
                                   rnnc_rt_params_size(module)))
    return status;
  blankParams(module, params);
  memcpy(paramsArena(params), reinterpret_cast<const char *>(m.baked) + kAlign,
         arenaBytes(m));
  paramsChanged(params, m.baked->stamp);
  return succeed(error);
}

const void *rnnc_rt_params_data_const(int32_t module, const rnnc_params *params,
                                      int32_t parameter) {
  const ModuleDesc *m = moduleAt(module);
  if (!m || !headerOf(params, kParamsMagic, module) || parameter < 0 ||
      parameter >= m->numParams)
    return nullptr;
  return paramsArena(params) + size_t(m->params[parameter].offset) * realSize();
}

void *rnnc_rt_params_data(int32_t module, rnnc_params *params,
                          int32_t parameter) {
  const void *data = rnnc_rt_params_data_const(module, params, parameter);
  if (!data || checkWritable(params, nullptr))
    return nullptr;
  forgetReach(params);
  return const_cast<void *>(data);
}
