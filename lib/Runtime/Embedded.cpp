// Embedded.cpp: the runtime's bitcode as data of the compiler.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Runtime/Embedded.h"

// An array for each target whose headers were there, and the table of them.
#include "RuntimeBitcode.inc"

std::string_view rnnc::runtimeBitcode(std::string_view target) {
  for (const Embedded &one : embedded)
    if (one.target == target)
      return {reinterpret_cast<const char *>(one.bytes), one.size};
  return {};
}
