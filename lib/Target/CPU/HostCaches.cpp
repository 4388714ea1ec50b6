// HostCaches.cpp: what the caches of the processor at hand hold.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Target/CPU/HostCaches.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace rnnc;
using namespace rnnc::target;

/// The one line of a file of the kernel, "" where there is none.
static std::string lineOf(llvm::StringRef folder, llvm::StringRef name) {
  llvm::SmallString<128> path(folder);
  llvm::sys::path::append(path, name);
  auto file = llvm::MemoryBuffer::getFileAsStream(path);
  return file ? (*file)->getBuffer().trim().str() : std::string();
}

/// Bytes of "48K" or "2M", 0 where it is neither.
static int64_t bytesOf(llvm::StringRef text) {
  int64_t unit = text.consume_back("K")   ? int64_t(1) << 10
                 : text.consume_back("M") ? int64_t(1) << 20
                                          : 1;
  int64_t count = 0;
  // What is larger is no size of a cache.
  if (text.getAsInteger(10, count) || count < 0 || count > (1 << 20))
    return 0;
  return count * unit;
}

/// Sizes that nobody builds come from a machine that is made believe, and would
/// make schedules that were never tried.
static int64_t within(int64_t bytes, int64_t least, int64_t most) {
  return bytes < least || bytes > most ? 0 : bytes;
}

CacheSizes target::cachesIn(llvm::StringRef folder) {
  CacheSizes sizes;
  for (unsigned i = 0; i != 8; ++i) {
    llvm::SmallString<128> index(folder);
    llvm::sys::path::append(index, "index" + llvm::Twine(i));
    std::string level = lineOf(index, "level"), type = lineOf(index, "type");
    int64_t bytes = bytesOf(lineOf(index, "size"));
    if (type == "Instruction")
      continue;
    if (level == "1")
      sizes.l1 = within(bytes, 8 << 10, 1 << 20);
    if (level == "2")
      sizes.l2 = within(bytes, 128 << 10, 64 << 20);
  }
  return sizes;
}

CacheSizes target::hostCaches() {
  return cachesIn("/sys/devices/system/cpu/cpu0/cache");
}
