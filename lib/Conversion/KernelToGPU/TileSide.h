// TileSide.h: one operand of a product in tiles, and its place in shared
// memory. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_CONVERSION_KERNELTOGPU_TILESIDE_H
#define RNNC_LIB_CONVERSION_KERNELTOGPU_TILESIDE_H

#include "ThreadCode.h"

namespace rnnc {

/// One operand of a product: `x` numbers its rows or columns, `k` the terms.
struct TileSide {
  mlir::Value memref, list; ///< of the numbers of what counts along x
  int64_t begin = 0;        ///< where the numbers begin in the list
  mlir::Value flat;         ///< the length of its rows, where it is packed
  bool termsInside = false; ///< whether terms lie side by side
  int64_t size = 0;         ///< along x, of a tile
  int64_t distance = 0;     ///< of rows in shared memory
  int64_t wide = 1;         ///< numbers of a copy, if it is aligned
  mlir::Value isAligned;
  mlir::Value first, count; ///< along x: of this block, and in all
  mlir::Value place;        ///< shared memory
  /// Of what a thread copies, one by one and in wide copies: the rows that the
  /// list has for it.
  Values listed, listedWide;

  /// Numbers that are copied for a few terms, and what a turn of all threads
  /// copies.
  int64_t copies(int64_t steps, int64_t width) const {
    return size * steps / width;
  }
  /// How many numbers lie side by side.
  int64_t length(int64_t steps) const { return termsInside ? steps : size; }

  /// Numbers of the place that one chunk of the terms has.
  int64_t stageElements(int64_t steps) const {
    return (termsInside ? size : steps) * distance;
  }

  /// The number in shared memory of row or column `i` of a thread.
  int64_t offset(int64_t i, int64_t all) const;
  mlir::Value at(ThreadCode &t, mlir::Value thread, int64_t i,
                 int64_t all) const;
};

} // namespace rnnc

#endif // RNNC_LIB_CONVERSION_KERNELTOGPU_TILESIDE_H
