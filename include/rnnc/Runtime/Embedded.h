// Embedded.h: the runtime as LLVM bitcode.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_RUNTIME_EMBEDDED_H
#define RNNC_RUNTIME_EMBEDDED_H

#include <string_view>

namespace rnnc {

/// The bitcode of lib/Runtime, to be linked into every generated library.
std::string_view runtimeBitcode();

} // namespace rnnc

#endif // RNNC_RUNTIME_EMBEDDED_H
