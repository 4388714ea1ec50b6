// CodeGen.h: from a module of LLVM IR to machine code.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_TARGET_CPU_CODEGEN_H
#define RNNC_LIB_TARGET_CPU_CODEGEN_H

#include "Stack.h"

#include "rnnc/Target/CPU/Architecture.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"

#include <memory>

namespace llvm {
class Module;
class TargetMachine;
} // namespace llvm

namespace rnnc::target {

using Bytes = llvm::SmallVector<char, 0>;

/// The machine of the code that has no variant; variants say theirs by
/// function attributes. A machine serves one thread.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
makeMachine(const Architecture &architecture, int optLevel);

/// Gives the module the machine's triple and data layout.
void setTarget(llvm::Module &module, llvm::TargetMachine &machine);

/// What a module holds: generated kernels, or the runtime, which is optimised
/// already.
enum class CodeKind { Kernels, Runtime };

/// Runs LLVM's passes on what the exported functions need.
void optimise(llvm::Module &module, llvm::TargetMachine &machine, int optLevel,
              CodeKind kind);

/// The bytes of an object file; `stack` learns the frames of its functions.
llvm::Expected<Bytes> makeObject(llvm::Module &module,
                                 llvm::TargetMachine &machine, StackUse &stack);

} // namespace rnnc::target

#endif // RNNC_LIB_TARGET_CPU_CODEGEN_H
