// Straight.h: where all lies in a call that lacks nothing.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_TARGET_CPU_STRAIGHT_H
#define RNNC_LIB_TARGET_CPU_STRAIGHT_H

#include "rnnc/Target/Interface/Interface.h"

namespace rnnc::target {

/// What an rt::StraightDesc says of a function.
struct Straight {
  std::vector<rt::PlaceDesc> places;
  std::optional<std::vector<rt::PlaceDesc>> alone; ///< without `params`
  std::vector<rt::IndexDesc> indices;
  int64_t args = 0, work = 0, prevOut = 0, stateBytes = 0;
  int32_t maxBatch = INT32_MAX;
  bool needsPrepared = false;
  uint32_t unaligned = 0;
};

/// What a call of the function has to look for: of rt::FunctionUses.
uint32_t usesOf(const Function &f);

/// The straight call of a function; none if each call has to look for more.
std::optional<Straight> straightOf(const Library &library, const Module &m,
                                   const Function &f);

} // namespace rnnc::target

#endif // RNNC_LIB_TARGET_CPU_STRAIGHT_H
