// MatrixTile.h: a tile of a product by tensor cores.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_CONVERSION_KERNELTOGPU_MATRIXTILE_H
#define RNNC_LIB_CONVERSION_KERNELTOGPU_MATRIXTILE_H

#include "TileLaunch.h"
#include "TileSide.h"

namespace rnnc {

/// What a thread has of a tile whose warps multiply small matrices, 16 x 8
/// numbers of the result at a time. Warps share the tile out like a chessboard;
/// one that is left over computes what another one has, and keeps it to itself.
class MatrixTile {
public:
  MatrixTile(ThreadCode &t, TileShape tile);

  /// Numbers between rows in shared memory whose terms lie apart: four rows
  /// begin in banks of their own.
  static constexpr int64_t kPad = 8;
  /// Terms that are multiplied at a time.
  static int64_t termsOf(kernel::ProductType type) {
    return type == kernel::ProductType::BF16 ? 16 : 8;
  }

  /// Finds where this thread is.
  void begin(mlir::Value thread);
  /// Of a thread: rows and columns, and which they are.
  int64_t rows() const { return 2 * down; }
  int64_t columns() const { return 2 * across; }
  mlir::Value row(int64_t i);
  mlir::Value column(int64_t j);
  /// Sums with the terms of a chunk: a number for each row and column.
  Values multiply(const TileSide &a, const TileSide &b, mlir::Value stage,
                  mlir::ValueRange sums);

private:
  Values fragments(const TileSide &side, mlir::Value first, int64_t count,
                   mlir::Value stage, mlir::Value firstTerm);
  Values loadMatrices(const TileSide &side, mlir::Value first, int64_t count,
                      mlir::Value begin, mlir::Value firstTerm);
  mlir::Value rounded(mlir::Value number);
  mlir::Value rounded(mlir::Value low, mlir::Value high);
  void multiplyOne(mlir::ValueRange left, mlir::ValueRange right, int64_t i,
                   int64_t j, Values &sums);

  int64_t terms() const { return termsOf(tile.type); }
  /// Matrices of 8 x 4 numbers side by side that these terms are.
  int64_t parts() const { return terms() / 4; }

  ThreadCode &t;
  TileShape tile;
  int64_t warpsDown = 1, warpsAcross = 1;
  int64_t down = 0, across = 0;      ///< matrices of a warp
  mlir::Value lane, group, place;    ///< of the warp; of four, and in it
  mlir::Value firstRow, firstColumn; ///< of the warp
  mlir::Value isIdle;                ///< null: no warp is
};

} // namespace rnnc

#endif // RNNC_LIB_CONVERSION_KERNELTOGPU_MATRIXTILE_H
