// Random.h: random numbers for data: counter-based, the same everywhere.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_DATA_RANDOM_H
#define RNNC_DATA_RANDOM_H

#include <array>
#include <cstdint>
#include <vector>

namespace rnnc::data {

/// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2,
/// 3", 2011): four numbers from a key and a counter.
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter,
                               std::array<uint32_t, 2> key);

/// A stream of numbers; equal (seed, stream) give equal numbers, so that a
/// resumed training draws what an uninterrupted one would have drawn.
class Random {
public:
  Random(uint64_t seed, uint64_t stream) : seed(seed), stream(stream) {}
  uint32_t next();
  /// Uniform in [0, bound), without bias.
  uint32_t below(uint32_t bound);

private:
  uint64_t seed, stream, block = 0;
  std::array<uint32_t, 4> numbers{};
  int left = 0;
};

/// 0 .. n-1 in a random order.
std::vector<int32_t> permutation(int32_t n, uint64_t seed, uint64_t stream);

} // namespace rnnc::data

#endif // RNNC_DATA_RANDOM_H
