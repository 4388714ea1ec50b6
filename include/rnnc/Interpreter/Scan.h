// Scan.h: evaluates functions of the scan level in f64, slowly and obviously.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_INTERPRETER_SCAN_H
#define RNNC_INTERPRETER_SCAN_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <vector>

namespace rnnc::interpreter {

/// Numbers in row-major order. Indices, bits and integers are whole numbers.
struct Tensor {
  std::vector<int64_t> shape;
  std::vector<double> data;

  Tensor() = default;
  explicit Tensor(std::vector<int64_t> shape, double value = 0);
  static Tensor scalar(double value);

  int64_t size() const { return int64_t(data.size()); }
  /// The place of an index in `data`.
  int64_t offset(llvm::ArrayRef<int64_t> index) const;
  double &at(llvm::ArrayRef<int64_t> index) { return data[offset(index)]; }
  double at(llvm::ArrayRef<int64_t> index) const { return data[offset(index)]; }
};

/// The results of `function` for these arguments; of functions it calls too.
/// Fails, with a diagnostic, on ops that are not of the scan level (a request
/// for a gradient, say) and on arguments that do not fit.
mlir::FailureOr<std::vector<Tensor>> evaluate(mlir::func::FuncOp function,
                                              llvm::ArrayRef<Tensor> args);

} // namespace rnnc::interpreter

#endif // RNNC_INTERPRETER_SCAN_H
