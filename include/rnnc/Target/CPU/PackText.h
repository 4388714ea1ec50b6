// PackText.h: writes what PackedText.h reads.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TARGET_CPU_PACKTEXT_H
#define RNNC_TARGET_CPU_PACKTEXT_H

#include "llvm/ADT/StringRef.h"

#include <string>

namespace rnnc::target {

/// The same text always gives the same bytes.
std::string packText(llvm::StringRef text);

} // namespace rnnc::target

#endif // RNNC_TARGET_CPU_PACKTEXT_H
