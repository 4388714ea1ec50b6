// PrintAST.h: the syntax tree as text.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_PIPELINE_PRINTAST_H
#define RNNC_LIB_PIPELINE_PRINTAST_H

#include "rnnc/Frontend/AST.h"

#include "llvm/Support/raw_ostream.h"

namespace rnnc::pipeline {

/// One node a line, indented by its depth: its kind, what it names, its place.
void printAST(llvm::raw_ostream &os, const ast::File &file,
              const SourceManager &sources);

} // namespace rnnc::pipeline

#endif // RNNC_LIB_PIPELINE_PRINTAST_H
