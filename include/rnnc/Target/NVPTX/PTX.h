// PTX.h: from kernels in the NVVM dialect to text that a driver loads.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TARGET_NVPTX_PTX_H
#define RNNC_TARGET_NVPTX_PTX_H

#include "rnnc/Dialect/Kernel/Schedule.h"
#include "rnnc/Target/Interface/Interface.h"

#include "llvm/Support/Error.h"

namespace rnnc::target::nvptx {

/// How --target and the manifest call it.
inline constexpr llvm::StringLiteral kTriple = "nvptx64-nvidia-cuda";

/// Processors that are older than `name` do not run its code; newer ones do,
/// the driver translates it.
struct Chip {
  llvm::StringRef name;    ///< as -march and LLVM call it
  llvm::StringRef version; ///< of PTX, as a feature of LLVM
  /// 80 for sm_80.
  int capability() const;
};

/// Whether a value of --target asks for GPUs.
bool isTriple(llvm::StringRef text);
/// An error where the value is a triple of GPUs that there is no code for.
llvm::Error checkTriple(llvm::StringRef text);

/// The one of a -march value; "" is the oldest. An error names those there are.
llvm::Expected<const Chip *> chipFor(llvm::StringRef march);

/// What decisions about its code depend on.
kernel::TargetAttr describe(mlir::MLIRContext *context, const Chip &chip);

/// Makes a context of MLIR able to translate.
void registerTranslations(mlir::MLIRContext &context);

/// Refuses a text that a driver would not load, or that runs otherwise than
/// was meant: see Lint.cpp.
llvm::Error checkPTX(llvm::StringRef text, const Chip &chip);

/// The text of the module of kernels that `module` holds.
llvm::Expected<std::string> ptxOf(mlir::ModuleOp module, const Chip &chip,
                                  int optLevel);

/// The kernel `rnnc_rt_squares`, by which the runtime looks at parameters.
std::string squaresKernel(bool isDouble);

/// The JSON text beside `ptxFile`: the library's manifest, and `launches`, the
/// value of `rnnc.launches`.
std::string manifestOf(const Library &library, mlir::ArrayAttr launches,
                       llvm::StringRef ptxFile);

} // namespace rnnc::target::nvptx

#endif // RNNC_TARGET_NVPTX_PTX_H
