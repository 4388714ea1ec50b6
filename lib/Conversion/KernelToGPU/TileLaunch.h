// TileLaunch.h: a large product as a kernel of its own kind.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_CONVERSION_KERNELTOGPU_TILELAUNCH_H
#define RNNC_LIB_CONVERSION_KERNELTOGPU_TILELAUNCH_H

#include "LaunchWriter.h"

#include "rnnc/Dialect/Kernel/Transforms/ProductType.h"

namespace rnnc {

/// What a block computes of a result, and the terms that it has in shared
/// memory at a time.
struct TileShape {
  int64_t rows = 0, columns = 0, steps = 0;
  kernel::ProductType type = kernel::ProductType::F32;

  /// What was decided for a product, as far as there is shared memory for it;
  /// nothing where it was to have none.
  static std::optional<TileShape> of(kernel::GemmOp op);
};

/// A product with a block of threads for each tile of the result: what it
/// multiplies is copied to shared memory ahead of time, and every number that
/// lies there is used by many threads.
class TileLaunch : public LaunchWriter {
public:
  TileLaunch(kernel::GemmOp gemm, TileShape tile)
      : LaunchWriter(gemm, kTileThreads), gemm(gemm), tile(tile) {}

  /// A thread has a part of each 16 rows and 16 columns.
  static constexpr int64_t kSide = 16, kTileThreads = kSide * kSide;

  mlir::gpu::GPUFuncOp build();
  /// `enough` is 1 where this kernel is to run, else 0.
  void launch(mlir::gpu::GPUFuncOp kernel, mlir::Value enough);
  /// A word for what it does, for the kernel's name: what looks through PTX
  /// knows by it where numbers may be rounded.
  std::string kind() const;

private:
  kernel::GemmOp gemm;
  TileShape tile;
};

} // namespace rnnc

#endif // RNNC_LIB_CONVERSION_KERNELTOGPU_TILELAUNCH_H
