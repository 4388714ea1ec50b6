// Embedded.cpp: the compiled runtime as data of the compiler.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Runtime/Embedded.h"

template <size_t n>
static std::string_view bytesOf(const unsigned char (&bytes)[n]) {
  return {reinterpret_cast<const char *>(bytes), n};
}

// Arrays for each target whose headers were there, and the table of them.
#include "RuntimeBytes.inc"

static const Embedded *find(std::string_view target) {
  for (const Embedded &one : embedded)
    if (one.target == target)
      return &one;
  return nullptr;
}

std::string_view rnnc::runtimeBitcode(std::string_view target) {
  const Embedded *found = find(target);
  return found ? found->bitcode : std::string_view();
}

std::string_view rnnc::runtimeObject(std::string_view target) {
  const Embedded *found = find(target);
  return found ? found->object : std::string_view();
}
