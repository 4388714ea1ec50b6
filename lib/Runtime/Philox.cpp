// Philox.cpp: counter-based random numbers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
#include "Runtime.h"

namespace rnnc::rt {

void philox(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4]) {
  uint32_t k0 = key[0], k1 = key[1];
  uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
  for (int round = 0; round < 10; ++round) {
    uint64_t p0 = uint64_t(0xD2511F53u) * c0;
    uint64_t p1 = uint64_t(0xCD9E8D57u) * c2;
    uint32_t n0 = uint32_t(p1 >> 32) ^ c1 ^ k0;
    uint32_t n2 = uint32_t(p0 >> 32) ^ c3 ^ k1;
    c1 = uint32_t(p1);
    c3 = uint32_t(p0);
    c0 = n0;
    c2 = n2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

template <typename Real>
static void fillUniform(const int64_t *key, int64_t site, int64_t row,
                        int64_t step, int64_t first, int64_t n, Real *out) {
  uint32_t k[2] = {uint32_t(key[0]), uint32_t(key[1])};
  uint32_t block[4];
  int64_t have = -1;
  for (int64_t i = 0; i < n; ++i) {
    int64_t element = first + i;
    if (element / 4 != have) {
      have = element / 4;
      uint32_t counter[4] = {uint32_t(site), uint32_t(row), uint32_t(step),
                             uint32_t(have)};
      philox(k, counter, block);
    }
    out[i] = Real(block[element & 3] >> 8) * Real(1.0 / 16777216.0);
  }
}

} // namespace rnnc::rt

extern "C" void rnnc_rt_philox_uniform_f32(const int64_t *key, int64_t site,
                                           int64_t row, int64_t step,
                                           int64_t first, int64_t n,
                                           float *out) {
  rnnc::rt::fillUniform(key, site, row, step, first, n, out);
}

extern "C" void rnnc_rt_philox_uniform_f64(const int64_t *key, int64_t site,
                                           int64_t row, int64_t step,
                                           int64_t first, int64_t n,
                                           double *out) {
  rnnc::rt::fillUniform(key, site, row, step, first, n, out);
}
