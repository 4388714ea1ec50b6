// FloatState.h: the floating-point state of a thread.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What processors do with numbers nearer to 0 than the smallest normal one
// takes a hundred times as long as other arithmetic. Kernels therefore run in
// a state of their own: such numbers count as 0, rounding is to nearest, no
// exception traps. A caller's state comes back whole: rounding, masks and the
// flags that stick. This is the one file that knows the processor's register.
#ifndef RNNC_LIB_RUNTIME_FLOATSTATE_H
#define RNNC_LIB_RUNTIME_FLOATSTATE_H

#include <stdint.h>

namespace rnnc::rt {

#if defined(__x86_64__)

struct FloatState {
  uint32_t mxcsr;

  static FloatState current() {
    FloatState state;
    __asm__ volatile("stmxcsr %0" : "=m"(state.mxcsr) : : "memory");
    return state;
  }
  void set() const { __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr) : "memory"); }
  bool operator==(const FloatState &other) const = default;
};

/// All exceptions masked, to nearest, denormal numbers kept.
constexpr FloatState kExactFloats{0x1f80};
/// The same with flush-to-zero and denormals-are-zero.
constexpr FloatState kKernelFloats{0x1f80 | 0x8000 | 0x0040};

#elif defined(__aarch64__)

struct FloatState {
  uint64_t control, status;

  static FloatState current() {
    FloatState state;
    __asm__ volatile("mrs %0, fpcr" : "=r"(state.control) : : "memory");
    __asm__ volatile("mrs %0, fpsr" : "=r"(state.status) : : "memory");
    return state;
  }
  void set() const {
    __asm__ volatile("msr fpcr, %0" : : "r"(control) : "memory");
    __asm__ volatile("msr fpsr, %0" : : "r"(status) : "memory");
  }
  bool operator==(const FloatState &other) const = default;
};

constexpr FloatState kExactFloats{0, 0};
constexpr FloatState kKernelFloats{1u << 24, 0};

#else
#error "the floating-point state of this processor is not known"
#endif

/// Puts a state in place for as long as it lives. What computes under it has
/// to be a call that is not inlined, or arithmetic could move out of it.
class FloatGuard {
public:
  explicit FloatGuard(FloatState wanted)
      : before(FloatState::current()), changed(before != wanted) {
    if (changed)
      wanted.set();
  }
  /// Reading the register takes as long as writing it.
  ~FloatGuard() {
    if (changed || FloatState::current() != before)
      before.set();
  }
  FloatGuard(const FloatGuard &) = delete;
  FloatGuard &operator=(const FloatGuard &) = delete;

  const FloatState before;

private:
  const bool changed;
};

} // namespace rnnc::rt

#endif // RNNC_LIB_RUNTIME_FLOATSTATE_H
