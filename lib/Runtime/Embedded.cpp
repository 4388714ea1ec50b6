// Embedded.cpp: the runtime's bitcode as data of the compiler.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Runtime/Embedded.h"

static const unsigned char bytes[] = {
#include "RuntimeBitcode.inc"
};

std::string_view rnnc::runtimeBitcode() {
  return {reinterpret_cast<const char *>(bytes), sizeof(bytes)};
}
