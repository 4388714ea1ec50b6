// HostFeatures.h: what the processor at hand has, as LLVM's attribute says it.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_TARGET_CPU_HOSTFEATURES_H
#define RNNC_LIB_TARGET_CPU_HOSTFEATURES_H

#include "rnnc/Target/CPU/Architecture.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"

namespace rnnc::target {

/// "+a,-b,…", in an order that does not depend on the map's.
inline std::string featureText(const llvm::StringMap<bool> &features) {
  std::vector<std::string> list;
  for (const auto &feature : features)
    list.push_back((feature.second ? "+" : "-") + feature.first().str());
  llvm::sort(list);
  return llvm::join(list, ",");
}

} // namespace rnnc::target

#endif // RNNC_LIB_TARGET_CPU_HOSTFEATURES_H
