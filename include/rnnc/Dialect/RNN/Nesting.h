// Nesting.h - time axes that have a length for each element of others.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_DIALECT_RNN_NESTING_H
#define RNNC_DIALECT_RNN_NESTING_H

#include "rnnc/Dialect/RNN/RNN.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringMap.h"

namespace rnnc::rnn {

/// Which time axes of a module lie inside of others. Of `chars : [T, L]` the
/// axis L has a length for each element of T, unless something that comes from
/// outside has L as its first time axis: then it has one for each example.
class Nesting {
public:
  explicit Nesting(ModuleOp module);

  /// The axes around a time axis, the outermost first; none: one length for
  /// each example.
  llvm::ArrayRef<AxisAttr> around(llvm::StringRef axis) const;
  llvm::ArrayRef<AxisAttr> around(AxisAttr axis) const {
    return axis.isTime() ? around(axis.getName()) : llvm::ArrayRef<AxisAttr>();
  }
  bool any() const { return !inner.empty(); }

  using ErrorFn =
      llvm::function_ref<void(mlir::Operation *, const std::string &)>;
  /// Says where a program does not tell which element's length is meant.
  /// False if there is such a place.
  bool check(ModuleOp module, ErrorFn error) const;

private:
  struct InnerAxis {
    llvm::SmallVector<AxisAttr> around;
    mlir::Operation *place;
    /// Something that has other axes around it.
    mlir::Operation *differs = nullptr;
  };
  llvm::StringMap<InnerAxis> inner;
};

} // namespace rnnc::rnn

#endif // RNNC_DIALECT_RNN_NESTING_H
