// LargePages.h: large pages for what is large.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_RUNTIME_LARGEPAGES_H
#define RNNC_RUNTIME_LARGEPAGES_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace rnnc::rt {

/// Advises the kernel to keep what is about to be written, if it is 4 MiB or
/// more, in large pages: walks through page tables are a few per cent of a
/// training step, more in a virtual machine.
inline void preferLargePages(void *place, size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  // What a page is that the kernel calls huge, on most machines.
  constexpr uintptr_t page = uintptr_t(1) << 21;
  if (bytes < 2 * page)
    return;
  auto first = reinterpret_cast<uintptr_t>(place);
  uintptr_t begin = (first + page - 1) & ~(page - 1);
  uintptr_t end = (first + bytes) & ~(page - 1);
  // Whoever cannot follow the advice goes on as before.
  int before = errno;
  madvise(reinterpret_cast<void *>(begin), end - begin, MADV_HUGEPAGE);
  errno = before;
#else
  (void)place, (void)bytes;
#endif
}

} // namespace rnnc::rt

#endif // RNNC_RUNTIME_LARGEPAGES_H
