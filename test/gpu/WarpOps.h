// WarpOps.h: instructions that lanes execute together. SPDX-License-Identifier:
// Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TEST_GPU_WARPOPS_H
#define RNNC_TEST_GPU_WARPOPS_H

#include "Ops.h"

#include <bit>

namespace rnnc::ptx {

/// `members` says of each lane which lanes take part with it.
void together(Warp &w, const Inst &i, const Slot &members,
              void (*compute)(Warp &, const Inst &));

} // namespace rnnc::ptx

#endif
