// Processor.h: what is particular to a processor, but for its floating point.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Variants of a library are ordered by levels, which mean what the
// architecture says.
#ifndef RNNC_LIB_RUNTIME_PROCESSOR_H
#define RNNC_LIB_RUNTIME_PROCESSOR_H

#include <stdint.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace rnnc::rt {

#if defined(__x86_64__)

/// The x86-64 micro-architecture level of this processor, with what the
/// operating system saves on a switch taken into account.
inline int64_t processorLevel() {
  unsigned a, b, c, d, c1, d1;
  if (!__get_cpuid(1, &a, &b, &c1, &d1))
    return 1;
  const unsigned v2 =
      bit_SSE3 | bit_SSSE3 | bit_SSE4_1 | bit_SSE4_2 | bit_POPCNT;
  if ((c1 & v2) != v2)
    return 1;
  const unsigned v3 = bit_AVX | bit_FMA | bit_MOVBE | bit_F16C | bit_OSXSAVE;
  if ((c1 & v3) != v3 || !__get_cpuid_count(7, 0, &a, &b, &c, &d))
    return 2;
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  unsigned v3b = bit_AVX2 | bit_BMI | bit_BMI2;
  unsigned ea, eb, ec, ed;
  if ((b & v3b) != v3b || (low & 0x6) != 0x6 ||
      !__get_cpuid(0x80000001, &ea, &eb, &ec, &ed) || !(ec & bit_LZCNT))
    return 2;
  const unsigned v4 =
      bit_AVX512F | bit_AVX512BW | bit_AVX512CD | bit_AVX512DQ | bit_AVX512VL;
  return (b & v4) == v4 && (low & 0xE6) == 0xE6 ? 4 : 3;
}

/// Lets a loop that waits for another thread take less from this processor.
inline void pauseProcessor() { __builtin_ia32_pause(); }

#elif defined(__aarch64__)

/// Every AArch64 processor that Linux runs on has the vectors of the one
/// variant there is; what -march names more is the word of whoever compiled.
constexpr int64_t processorLevel() { return 1; }

inline void pauseProcessor() { __asm__ volatile("yield" : : : "memory"); }

#else
#error "the levels of this processor are not known"
#endif

} // namespace rnnc::rt

#endif // RNNC_LIB_RUNTIME_PROCESSOR_H
