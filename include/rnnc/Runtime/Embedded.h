// Embedded.h: the runtime as LLVM bitcode.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_RUNTIME_EMBEDDED_H
#define RNNC_RUNTIME_EMBEDDED_H

#include <string_view>

namespace rnnc {

/// The bitcode of lib/Runtime for a target ("x86_64-linux-gnu"), to be linked
/// into every library generated for it. Empty if the compiler was built
/// without.
std::string_view runtimeBitcode(std::string_view target);

} // namespace rnnc

#endif // RNNC_RUNTIME_EMBEDDED_H
