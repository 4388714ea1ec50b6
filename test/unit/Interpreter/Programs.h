// Programs.h - programs for the tests of the interpreter.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TEST_UNIT_INTERPRETER_PROGRAMS_H
#define RNNC_TEST_UNIT_INTERPRETER_PROGRAMS_H

#include "rnnc/Interpreter/GradCheck.h"
#include "rnnc/Interpreter/Scan.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace rnnc::test {

/// A program at the rnn level, and at the scan level with its gradients.
struct Program {
  Program();
  /// Fails the test, with the diagnostics, if the text has errors.
  bool read(const std::string &text);
  rnn::ModuleOp module(llvm::StringRef name = "");
  /// Runs a function of the scan level by names.
  std::optional<interp::Arrays> scan(llvm::StringRef function,
                                     const interp::Arrays &inputs);

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> rnnLevel, scanLevel;
};

} // namespace rnnc::test

#endif // RNNC_TEST_UNIT_INTERPRETER_PROGRAMS_H
