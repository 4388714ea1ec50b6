// Tables.h: the runtime's tables and the API functions as LLVM IR.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_TARGET_CPU_TABLES_H
#define RNNC_LIB_TARGET_CPU_TABLES_H

#include "rnnc/Target/CPU/Library.h"

#include "llvm/IR/Module.h"

namespace rnnc::target {

/// What the tables refer to: the code of a function, or the size of its
/// workspace.
enum class EntryKind { Run, Workspace };

/// The functions that every variant defines, without the variant's name.
std::vector<std::pair<std::string, EntryKind>>
entryNames(const Library &library);

/// The table that the runtime reads; the other objects of the library see it.
inline constexpr llvm::StringLiteral kLibraryTable = "rnnc_rt_library";

/// Defines it in `module`; the code of the variants is declared
/// under the names of `variantName`.
void emitTables(llvm::Module &module, const Library &library,
                const std::vector<VariantInfo> &variants);

/// Defines the API functions; returns their names.
std::vector<std::string> emitWrappers(llvm::Module &module,
                                      const Library &library);

/// The name of a variant's function.
std::string variantName(llvm::StringRef function, llvm::StringRef variant);

} // namespace rnnc::target

#endif // RNNC_LIB_TARGET_CPU_TABLES_H
