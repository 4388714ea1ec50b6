// CheckText.cpp: what the passes rely on and no op's verifier can see.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The text of a phase may have been changed by hand. Ops and attributes verify
// what is theirs; the numbers that sizes are asked by are looked at here.
#include "rnnc/Pipeline/Passes.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

using namespace mlir;

namespace rnnc::pipeline {
#define GEN_PASS_DEF_CHECKTEXT
#include "rnnc/Pipeline/Passes.h.inc"
} // namespace rnnc::pipeline

namespace {

template <typename DimOp> LogicalResult checkDim(DimOp dim) {
  auto type = dyn_cast<ShapedType>(dim.getSource().getType());
  std::optional<int64_t> number = dim.getConstantIndex();
  if (!type || !type.hasRank())
    return dim.emitOpError("needs a value whose dimensions are known");
  if (number && (*number < 0 || *number >= type.getRank()))
    return dim.emitOpError("asks for dimension ") << *number << " of " << type;
  return success();
}

struct CheckText : public rnnc::pipeline::impl::CheckTextBase<CheckText> {
  void runOnOperation() override {
    WalkResult result = getOperation().walk([](Operation *op) {
      LogicalResult fine = success();
      if (auto dim = dyn_cast<tensor::DimOp>(op))
        fine = checkDim(dim);
      else if (auto dim = dyn_cast<memref::DimOp>(op))
        fine = checkDim(dim);
      return failed(fine) ? WalkResult::interrupt() : WalkResult::advance();
    });
    if (result.wasInterrupted())
      return signalPassFailure();
    markAllAnalysesPreserved();
  }
};

} // namespace
