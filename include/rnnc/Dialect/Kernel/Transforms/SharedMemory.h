// SharedMemory.h: what a block of a GPU may have next to its processor.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_DIALECT_KERNEL_TRANSFORMS_SHAREDMEMORY_H
#define RNNC_DIALECT_KERNEL_TRANSFORMS_SHAREDMEMORY_H

#include "rnnc/Dialect/Kernel/Schedule.h"

namespace rnnc::kernel {

/// Bytes of shared memory that a block of a GPU may have if it asks for them.
int64_t mostSharedOf(TargetAttr target);

} // namespace rnnc::kernel

#endif // RNNC_DIALECT_KERNEL_TRANSFORMS_SHAREDMEMORY_H
