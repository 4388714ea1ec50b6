// rnn-opt.cpp - runs passes on the text of any level, for tests and debugging.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/InitAll.h"
#include "rnnc/Pipeline/Phases.h"

#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  rnnc::registerAllDialects(registry);
  rnnc::registerAllPasses();
  rnnc::pipeline::registerPipelines();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "rnnc pass driver\n", registry));
}
