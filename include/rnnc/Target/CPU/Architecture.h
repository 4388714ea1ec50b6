// Architecture.h: the kinds of processors that there is code for.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All that differs between them stands in one file each (X86.cpp, AArch64.cpp)
// and in the runtime's Processor.h and FloatState.h.
#ifndef RNNC_TARGET_CPU_ARCHITECTURE_H
#define RNNC_TARGET_CPU_ARCHITECTURE_H

#include "rnnc/Target/CPU/HostCaches.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/TargetParser/Triple.h"

#include <string>
#include <string_view>
#include <vector>

namespace rnnc::target {

/// A set of instructions that code is made for.
struct VariantInfo {
  std::string name; ///< "v2", "v3", "v4", "neon", "native", …
  std::string cpu;  ///< LLVM's name
  /// Processor whose timing the order of instructions follows; "": that one.
  std::string tune;
  std::string features;
  std::string like;     ///< the `#kernel.target` whose registers it has
  int level = 1;        ///< of its architecture, that the processor must have
  int vectorBits = 128; ///< width that kernels are made for
  bool fma = false;
  /// Whether one instruction adds up products of four numbers of 8 bits.
  bool dots = false;
  /// Whether one adds up products of two bf16.
  bool halfDots = false;
  /// Of the machine at hand, where code is made for it; else those of `like`.
  CacheSizes caches;
  bool device = false; ///< it runs on the host for code of a device
};

struct Architecture {
  llvm::Triple::ArchType arch;
  const char *triple;   ///< of the objects, in full
  const char *name;     ///< the same in short, as people write it
  const char *cpu;      ///< what code that is no variant's is made for
  const char *defaults; ///< names of the variants without -march

  void (*initialise)(); ///< makes LLVM's part for it known
  /// The variants of a `-march` value, "" among them; "native" asks for the
  /// machine at hand, which is of this architecture then.
  llvm::Expected<std::vector<VariantInfo>> (*variants)(llvm::StringRef march);

  const char *emulation; ///< what -m of a linker calls its files
  llvm::ArrayRef<const char *> linkerFlags;
  /// Linkers and C compilers that make its files on any machine.
  llvm::ArrayRef<const char *> linkers, compilers;
  llvm::ArrayRef<const char *> libraryFolders; ///< where its C library lies
  const char *libraryPackage; ///< of Debian, that has it on other machines
};

/// All there are; the first one is the default where the machine at hand is
/// none of them.
llvm::ArrayRef<const Architecture *> architectures();

extern const Architecture x86_64, aarch64;

/// The one that rnnc runs on.
const Architecture &hostArchitecture();

/// The one of a triple; "" is the host's. An error names those there are.
llvm::Expected<const Architecture *> architectureFor(llvm::StringRef triple);

/// An error where this build of rnnc cannot make libraries for it.
llvm::Error checkRuntime(const Architecture &architecture);

/// The variants of a `-march` value: "" is all that are made by default; else
/// "native" or a processor.
llvm::Expected<std::vector<VariantInfo>>
variantsFor(const Architecture &architecture, llvm::StringRef march);

} // namespace rnnc::target

#endif // RNNC_TARGET_CPU_ARCHITECTURE_H
