// Library.h: from LLVM modules to an object, an archive or a shared library.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TARGET_CPU_LIBRARY_H
#define RNNC_TARGET_CPU_LIBRARY_H

#include "rnnc/Dialect/Kernel/Schedule.h"
#include "rnnc/Target/CPU/Architecture.h"
#include "rnnc/Target/Interface/Interface.h"

#include "llvm/ADT/StringSet.h"

#include <functional>
#include <memory>

namespace llvm {
class LLVMContext;
class Module;
} // namespace llvm
namespace mlir {
class MLIRContext;
class ModuleOp;
} // namespace mlir

namespace rnnc::target {

/// What decisions about its code depend on.
kernel::TargetAttr describe(mlir::MLIRContext *context,
                            const VariantInfo &variant);

/// The code of one variant, in a context of its own: variants are compiled on
/// threads.
struct VariantModule {
  VariantModule(VariantInfo info, std::unique_ptr<llvm::LLVMContext> context,
                std::unique_ptr<llvm::Module> module);
  VariantModule(VariantModule &&);
  ~VariantModule();

  VariantInfo info;
  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::Module> module;
};

enum class Output { SharedLibrary, Object, StaticArchive };

struct EmitOptions {
  const Architecture *architecture = &hostArchitecture();
  std::string path;
  Output output = Output::SharedLibrary;
  int optLevel = 2;
  bool verbose = false; ///< prints the command that links, and the stack used
  /// Where warnings go.
  std::function<void(llvm::StringRef)> warn;
};

/// Makes a context of MLIR able to translate.
void registerTranslations(mlir::MLIRContext &context);

/// Refuses an object that is for another machine, or whose code calls what is
/// not on the list of what a library may need, or a compiled function that
/// calls anything but the runtime. `elsewhere` are the names that the other
/// objects of the library define.
llvm::Error checkObject(llvm::StringRef bytes, const Architecture &architecture,
                        llvm::ArrayRef<VariantInfo> variants,
                        const llvm::StringSet<> &elsewhere);

/// Translates a module of the LLVM dialect for one variant.
llvm::Expected<VariantModule> translate(mlir::ModuleOp module,
                                        const VariantInfo &info);

/// Optimises the variants and the runtime with tables and API, on as many
/// threads as there are, links them, and writes the file. The modules are used
/// up. The same input gives the same bytes.
llvm::Error emitLibrary(std::vector<VariantModule> variants,
                        const Library &library, const EmitOptions &options);

/// Makes a shared library of objects with the first linker that is found.
llvm::Error linkShared(llvm::ArrayRef<std::string> objects,
                       const EmitOptions &options);

/// Writes a whole file under a temporary name, then renames it.
llvm::Error writeFile(llvm::StringRef path, llvm::StringRef bytes);

} // namespace rnnc::target

#endif // RNNC_TARGET_CPU_LIBRARY_H
