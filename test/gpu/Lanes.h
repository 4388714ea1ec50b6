// Lanes.h: loops over the lanes of a warp. Files that use it are compiled more
// than once, for several processors, in a namespace each: PTX_LANES.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TEST_GPU_LANES_H
#define RNNC_TEST_GPU_LANES_H

#include "Ops.h"

#ifndef PTX_LANES
#define PTX_LANES basic
#endif

namespace rnnc::ptx::PTX_LANES {

PTX_INLINE void defineResult(Warp &w, const Inst &i) {
  w.define(i.d, w.known(i.a) & w.known(i.b) & w.known(i.c));
}

// Results are made beside the registers: a result may be an operand too.

template <typename R, typename A, typename F>
void unary(Warp &w, const Inst &i) {
  const A *a = w.in<A>(i.a);
  R r[kLanes];
  for (unsigned l = 0; l < kLanes; ++l)
    r[l] = F::of(a[l]);
  w.write(i.d, r);
  defineResult(w, i);
}

template <typename R, typename A, typename B, typename F>
void binary(Warp &w, const Inst &i) {
  const A *a = w.in<A>(i.a);
  const B *b = w.in<B>(i.b);
  R r[kLanes];
  for (unsigned l = 0; l < kLanes; ++l)
    r[l] = F::of(a[l], b[l]);
  w.write(i.d, r);
  defineResult(w, i);
}

template <typename R, typename A, typename B, typename C, typename F>
void ternary(Warp &w, const Inst &i) {
  const A *a = w.in<A>(i.a);
  const B *b = w.in<B>(i.b);
  const C *c = w.in<C>(i.c);
  R r[kLanes];
  for (unsigned l = 0; l < kLanes; ++l)
    r[l] = F::of(a[l], b[l], c[l]);
  w.write(i.d, r);
  defineResult(w, i);
}

template <typename T, typename F> void compare(Warp &w, const Inst &i) {
  const T *a = w.in<T>(i.a), *b = w.in<T>(i.b);
  uint32_t bits = 0;
  for (unsigned l = 0; l < kLanes; ++l)
    bits |= uint32_t(F::of(a[l], b[l])) << l;
  w.writePredicate(i.d, bits);
  defineResult(w, i);
}

Handler pickInteger(Op op, Type type);
Handler pickFloat(Op op, Type type);
Handler pickCompare(Compare compare, Type type);
Handler pickConvert(Type to, Type from);

} // namespace rnnc::ptx::PTX_LANES

#endif
