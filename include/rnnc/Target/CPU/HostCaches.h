// HostCaches.h: what the caches of the processor at hand hold.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TARGET_CPU_HOSTCACHES_H
#define RNNC_TARGET_CPU_HOSTCACHES_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>

namespace rnnc::target {

/// Bytes of a core's caches for data; 0 where it is not known.
struct CacheSizes {
  int64_t l1 = 0, l2 = 0;
};

/// Those of a folder as Linux writes it: `index0/{level,type,size}`, ….
CacheSizes cachesIn(llvm::StringRef folder);

/// Those of the machine at hand.
CacheSizes hostCaches();

} // namespace rnnc::target

#endif // RNNC_TARGET_CPU_HOSTCACHES_H
