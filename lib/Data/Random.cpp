// Random.cpp: Philox and what is made of it.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Data/Random.h"

#include <cstddef>
#include <numeric>
#include <utility>

using namespace rnnc;
using namespace rnnc::data;
using std::size_t;

std::array<uint32_t, 4> data::philox(std::array<uint32_t, 4> c,
                                     std::array<uint32_t, 2> k) {
  for (int round = 0; round < 10; ++round) {
    uint64_t p0 = uint64_t(0xD2511F53) * c[0];
    uint64_t p1 = uint64_t(0xCD9E8D57) * c[2];
    c = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k[0],
         static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k[1],
         static_cast<uint32_t>(p0)};
    k[0] += 0x9E3779B9;
    k[1] += 0xBB67AE85;
  }
  return c;
}

uint32_t Random::next() {
  if (left == 0) {
    numbers = philox(
        {static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32),
         static_cast<uint32_t>(stream), static_cast<uint32_t>(stream >> 32)},
        {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
    ++block;
    left = 4;
  }
  return numbers[static_cast<size_t>(4 - left--)];
}

uint32_t Random::below(uint32_t bound) {
  // The numbers below 2^32 mod bound would make small results more likely.
  uint32_t threshold = -bound % bound;
  while (true) {
    uint32_t number = next();
    if (number >= threshold)
      return number % bound;
  }
}

std::vector<int32_t> data::permutation(int32_t n, uint64_t seed,
                                       uint64_t stream) {
  std::vector<int32_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  Random random(seed, stream);
  for (size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[random.below(static_cast<uint32_t>(i))]);
  return order;
}
