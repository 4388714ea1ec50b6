// Library.h: from LLVM modules to an object, an archive or a shared library.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TARGET_CPU_LIBRARY_H
#define RNNC_TARGET_CPU_LIBRARY_H

#include "rnnc/Target/CPU/Interface.h"

#include <memory>

namespace llvm {
class LLVMContext;
class Module;
} // namespace llvm
namespace mlir {
class ModuleOp;
} // namespace mlir

namespace rnnc::target {

/// A set of instructions that code is made for.
struct VariantInfo {
  std::string name; ///< "v2", "v3", "v4", "native", …
  std::string cpu;  ///< LLVM's name
  std::string features;
  int level = 1;         ///< x86-64 micro-architecture level it needs
  int vectorBits = 128;  ///< width that kernels are made for
  bool fma = false;
};

/// The variants of a `-march` value: "" is v2, v3 and v4; else "native",
/// "x86-64-v3" or any processor LLVM knows.
llvm::Expected<std::vector<VariantInfo>> variantsFor(llvm::StringRef march);

/// The code of one variant.
struct VariantModule {
  VariantInfo info;
  std::unique_ptr<llvm::Module> module;
};

enum class Output { SharedLibrary, Object, StaticArchive };

struct EmitOptions {
  std::string path;
  Output output = Output::SharedLibrary;
  int optLevel = 2;
  bool verbose = false; ///< prints the command that links
};

/// Translates a module of the LLVM dialect for one variant.
llvm::Expected<std::unique_ptr<llvm::Module>>
translate(mlir::ModuleOp module, llvm::LLVMContext &context,
          const VariantInfo &info);

/// Refuses an object whose code calls what is not on the list of what a
/// library may need, or a compiled function that calls anything but the
/// runtime.
llvm::Error checkObject(llvm::StringRef bytes,
                        llvm::ArrayRef<VariantInfo> variants);

/// Links the variants with the runtime, tables and API, optimises, and writes
/// the file. The modules are used up.
llvm::Error emitLibrary(std::vector<VariantModule> variants,
                        const Library &library, const EmitOptions &options);

/// Makes a shared library of an object with the first linker that is found.
llvm::Error linkShared(llvm::StringRef object, const EmitOptions &options);

/// Writes a whole file under a temporary name, then renames it.
llvm::Error writeFile(llvm::StringRef path, llvm::StringRef bytes);

} // namespace rnnc::target

#endif // RNNC_TARGET_CPU_LIBRARY_H
