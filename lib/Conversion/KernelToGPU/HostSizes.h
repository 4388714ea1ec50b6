// HostSizes.h: numbers of the host as expressions of dimensions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_CONVERSION_KERNELTOGPU_HOSTSIZES_H
#define RNNC_LIB_CONVERSION_KERNELTOGPU_HOSTSIZES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include <optional>
#include <string>

namespace rnnc {

/// An expression of C, of the names of dimensions.
struct Expression {
  std::string text;
  bool isSum = false; ///< needs brackets as a factor

  std::string factor() const { return isSum ? "(" + text + ")" : text; }
};

/// What a number of the host is.
class HostSizes {
public:
  HostSizes(mlir::func::FuncOp function, mlir::ArrayAttr dims)
      : function(function), dims(dims) {}

  std::optional<Expression> of(mlir::Value value);
  std::optional<Expression> of(mlir::OpFoldResult value);

private:
  std::optional<Expression> argument(mlir::BlockArgument value);
  std::optional<Expression> dimension(mlir::Value buffer, int64_t number);
  std::optional<Expression> joined(mlir::Operation *op, llvm::StringRef sign,
                                   bool isSum);

  mlir::func::FuncOp function;
  mlir::ArrayAttr dims;
};

} // namespace rnnc

#endif // RNNC_LIB_CONVERSION_KERNELTOGPU_HOSTSIZES_H
