// Remarks.cpp: what passes say of their work, as messages.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Messages.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Remarks.h"

using namespace rnnc;

namespace {
/// Hands remarks to whoever takes diagnostics: `[PASS] words`.
struct Forwarder : mlir::remark::detail::MLIRRemarkStreamerBase {
  void streamOptimizationRemark(
      const mlir::remark::detail::Remark &remark) override {
    mlir::InFlightDiagnostic message = mlir::emitRemark(remark.getLocation());
    // `scan-unroll` is `unroll` to those who do not know the passes: the name
    // of the option that it goes by.
    llvm::StringRef pass = remark.getCombinedCategoryName();
    pass.consume_front("scan-");
    pass.consume_front("kernel-");
    message << "[" << pass << "] ";
    for (const mlir::remark::detail::Remark::Arg &argument : remark.getArgs())
      message << argument.val;
  }
};
} // namespace

void pipeline::enableRemarks(mlir::MLIRContext &context) {
  mlir::remark::RemarkCategories everything;
  everything.passed = everything.missed = everything.analysis =
      everything.failed = ".*";
  // It fails only if remarks are on already.
  (void)mlir::remark::enableOptimizationRemarks(
      context, std::make_unique<Forwarder>(),
      std::make_unique<mlir::remark::RemarkEmittingPolicyAll>(), everything);
}
