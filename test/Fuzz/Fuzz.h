// Fuzz.h: what the fuzzers share.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TEST_FUZZ_FUZZ_H
#define RNNC_TEST_FUZZ_FUZZ_H

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unistd.h>

namespace rnnc::fuzz {

/// Ends the fuzzer with a report if what has to hold does not.
inline void require(bool holds, const char *what) {
  if (holds)
    return;
  std::fprintf(stderr, "fuzzer: %s\n", what);
  std::abort();
}

/// Messages hold no control characters but ends of lines.
inline void requirePrintable(std::string_view text) {
  for (char c : text)
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7F) {
      std::fprintf(stderr, "control character in: %.*s\n",
                   static_cast<int>(text.size()), text.data());
      std::abort();
    }
}

/// A name for a file of this process, in memory where the system has that.
inline std::string temporaryPath(const std::string &name) {
  const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  return std::string(folder) + "/rnnc-fuzz-" + std::to_string(getpid()) + "-" +
         name;
}

} // namespace rnnc::fuzz

#endif // RNNC_TEST_FUZZ_FUZZ_H
