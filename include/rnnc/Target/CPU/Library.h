// Library.h: from LLVM modules to an object, an archive or a shared library.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TARGET_CPU_LIBRARY_H
#define RNNC_TARGET_CPU_LIBRARY_H

#include "rnnc/Dialect/Kernel/Schedule.h"
#include "rnnc/Target/CPU/Architecture.h"
#include "rnnc/Target/Interface/Interface.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringSet.h"

#include <functional>
#include <memory>

namespace llvm {
class LLVMContext;
class Module;
} // namespace llvm

namespace rnnc::target {

/// What decisions about its code depend on.
kernel::TargetAttr describe(mlir::MLIRContext *context,
                            const VariantInfo &variant);

/// Code in a context of its own, which a thread may compile beside others.
struct CodePart {
  CodePart();
  CodePart(CodePart &&);
  ~CodePart();

  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::Module> module;
};

/// The code of one variant.
struct VariantModule {
  VariantInfo info;
  std::vector<CodePart> parts;
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

/// Takes about half of the code out of a module of the LLVM dialect. Functions
/// that both halves need are hidden from then on instead of private. Null where
/// the module has less than `leastOps`: it is compiled faster than divided.
mlir::OwningOpRef<mlir::ModuleOp> splitOff(mlir::ModuleOp module,
                                           int64_t leastOps = 4000);

/// Translates modules of the LLVM dialect, the parts of one variant.
llvm::Expected<VariantModule> translate(llvm::ArrayRef<mlir::ModuleOp> parts,
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
