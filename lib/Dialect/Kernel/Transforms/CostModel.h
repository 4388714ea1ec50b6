// CostModel.h: the choices that are made without being told.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_DIALECT_KERNEL_TRANSFORMS_COSTMODEL_H
#define RNNC_LIB_DIALECT_KERNEL_TRANSFORMS_COSTMODEL_H

#include "rnnc/Dialect/Kernel/Schedule.h"

namespace rnnc::scan {
class ChunksOp;
} // namespace rnnc::scan

namespace rnnc::kernel {

/// The size of a result, and elements of the right operand, 0 where they are
/// not known.
struct ResultSize {
  int64_t rows = 0, columns = 0, weights = 0;
};

/// A product by itself, of elements of so many bits.
ScheduleAttr productSchedule(TargetAttr target, unsigned bits, ResultSize size);

/// Products and the region behind them: the accumulators of a unit, product by
/// product, how many units there are, and how many weights in all.
ScheduleAttr phaseSchedule(TargetAttr target, unsigned bits,
                           llvm::ArrayRef<unsigned> accumulators, int64_t units,
                           int64_t weights);

/// So many time loops that do not need each other.
ScheduleAttr besideSchedule(TargetAttr target, unsigned bits, unsigned loops,
                            int64_t weights, bool apart);

/// Chunks of time.
ScheduleAttr chunkSchedule(TargetAttr target, scan::ChunksOp chunks);

/// A time loop on a GPU, whose products have so many weights in all, and at
/// most so many units; empty for a processor.
ScheduleAttr loopSchedule(TargetAttr target, unsigned bits, int64_t units,
                          int64_t weights);

/// Whatever has no schedule of its own.
ScheduleAttr moduleSchedule(TargetAttr target);

} // namespace rnnc::kernel

#endif // RNNC_LIB_DIALECT_KERNEL_TRANSFORMS_COSTMODEL_H
