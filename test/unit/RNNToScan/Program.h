// Program.h: a program at the scan level, called by names.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_TEST_UNIT_RNNTOSCAN_PROGRAM_H
#define RNNC_TEST_UNIT_RNNTOSCAN_PROGRAM_H

#include "rnnc/Interpreter/Scan.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

#include <map>
#include <string>

namespace rnnc::test {

using interpreter::Tensor;
using Named = std::map<std::string, Tensor>;

/// Sizes of the dynamic dimensions of a call.
using Sizes = std::map<std::string, int64_t>;

class Program {
public:
  /// Checks, elaborates and converts a source text; `error` says why not.
  Program(const std::string &source, bool hoist, bool gradients);

  std::string error;

  /// Numbers for every argument of a function, drawn from its names: the same
  /// parameters in every call, indices inside their axes.
  Named draw(const std::string &function, const Sizes &sizes, int seed) const;
  /// Calls a function. Results have their names.
  Named call(const std::string &function, const Named &args) const;
  /// Names of the arguments (or results) that have a role.
  std::vector<std::string> named(const std::string &function,
                                 const std::string &role,
                                 bool results = false) const;
  /// Positions of the time axis `T` in an argument or result; -1: none.
  int timeDim(const std::string &function, const std::string &name,
              bool result) const;
  bool has(const std::string &function) const;

  /// Adds a function `name` that asks for the gradient of `function` by the
  /// parameters, or forward for its tangents: arguments, then `cot.RESULT` (or
  /// `tan.PARAMETER`); results, then `d.PARAMETER` (or `d.RESULT`).
  void askDerivative(const std::string &function, const std::string &name,
                     bool reverse);
  /// Makes all that was asked for; false, with `error`, if that fails.
  bool generate();

private:
  mlir::func::FuncOp find(const std::string &function) const;

  std::unique_ptr<mlir::MLIRContext> context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  /// Sizes of the axes that index arguments belong to.
  std::map<std::string, int64_t> indexSizes;
};

} // namespace rnnc::test

#endif // RNNC_TEST_UNIT_RNNTOSCAN_PROGRAM_H
