// Embedded.h: the compiled runtime, as bytes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_RUNTIME_EMBEDDED_H
#define RNNC_RUNTIME_EMBEDDED_H

#include <string_view>

namespace rnnc {

/// The bitcode of lib/Runtime for a target ("x86_64-linux-gnu"), optimised, to
/// become a part of an object. Empty if the compiler was built without.
std::string_view runtimeBitcode(std::string_view target);

/// The object made of this bitcode, which every shared library for the target
/// is linked with. A section for each function; how large the frames are stands
/// in the section `.stack_sizes`.
std::string_view runtimeObject(std::string_view target);

} // namespace rnnc

#endif // RNNC_RUNTIME_EMBEDDED_H
