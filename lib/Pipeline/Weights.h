// Weights.h: trained weights become a part of the library.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_PIPELINE_WEIGHTS_H
#define RNNC_LIB_PIPELINE_WEIGHTS_H

#include "rnnc/Target/Interface/Interface.h"

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace rnnc::pipeline {

/// Reads the files of `--weights` (FILE, or MODULE=FILE) into the modules they
/// belong to. Returns an exit code; messages go to `err`.
int bakeWeights(target::Library &library, llvm::ArrayRef<std::string> files,
                llvm::raw_ostream &err);

} // namespace rnnc::pipeline

#endif // RNNC_LIB_PIPELINE_WEIGHTS_H
