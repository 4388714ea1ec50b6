// Supported.cpp: which ops become kernels, and what is said of the others.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ThreadCode.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/SmallBitVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace rnnc {

/// Addresses of elements follow from sizes and strides.
static bool isPlain(Value value) {
  auto type = dyn_cast<MemRefType>(value.getType());
  if (!type)
    return value.getType().isIntOrIndexOrFloat();
  SmallVector<int64_t> strides;
  int64_t offset;
  return succeeded(type.getStridesAndOffset(strides, offset));
}

/// Elements are read at the indices of loops, and every loop has a size.
static bool hasPlainMaps(linalg::LinalgOp op) {
  llvm::SmallBitVector sized(op.getNumLoops());
  for (OpOperand &operand : op->getOpOperands())
    for (AffineExpr expr : op.getMatchingIndexingMap(&operand).getResults()) {
      if (auto dim = dyn_cast<AffineDimExpr>(expr))
        sized.set(dim.getPosition());
      else if (!isa<AffineConstantExpr>(expr))
        return false;
    }
  return sized.all();
}

/// No two threads write the same element.
static bool writesApart(linalg::LinalgOp op) {
  for (OpOperand &out : op.getDpsInitsMutable()) {
    AffineMap map = op.getMatchingIndexingMap(&out);
    for (auto [dim, kind] : llvm::enumerate(op.getIteratorTypesArray()))
      if (kind == utils::IteratorType::parallel && !map.isFunctionOfDim(dim))
        return false;
  }
  return true;
}

/// Whether a kernel can be made of `op`, which is of a kind that kernels are
/// made of.
static bool fits(Operation *op) {
  bool known = llvm::TypeSwitch<Operation *, bool>(op)
                   .Case([&](linalg::LinalgOp o) {
                     return o.hasPureBufferSemantics() && hasPlainMaps(o) &&
                            writesApart(o);
                   })
                   .Case([&](kernel::ArgmaxOp o) {
                     auto type = cast<MemRefType>(o.getSource().getType());
                     return isa<FloatType>(type.getElementType());
                   })
                   .Case([&](kernel::ScatterAddOp o) {
                     auto type = cast<MemRefType>(o.getOut().getType());
                     return isa<FloatType>(type.getElementType());
                   })
                   // Packed weights are as they were, and always there.
                   .Case([](kernel::PackOp o) { return !o.getStoredBits(); })
                   .Case([](kernel::GemmOp o) {
                     return !o.getStoredBits() && !o.getInPlace();
                   })
                   .Case([&](kernel::PhaseOp o) {
                     return o.isOnMemory() && !o.getStoredBits() &&
                            !o.getInPlace() &&
                            (o.getLefts().empty() || o.getPacked());
                   })
                   .Default(true);
  return known && llvm::all_of(op->getOperands(), isPlain);
}

bool isDeviceWork(Operation *op) {
  return isa<linalg::LinalgOp, memref::CopyOp, memref::StoreOp,
             kernel::GatherOp, kernel::ScatterAddOp, kernel::ArgmaxOp,
             kernel::PackOp, kernel::GemmOp, kernel::PhaseOp, kernel::EnterOp,
             kernel::LeaveOp, kernel::MaskRowsOp, kernel::ReverseOp,
             kernel::PickStepOp, kernel::PlaceStepOp, kernel::ValidRowsOp,
             kernel::ValidPlacesOp, kernel::RandomOp>(op);
}

/// Control flow, sizes and addresses, and numbers that decide about them.
static bool isHostWork(Operation *op) {
  StringRef name = op->getName().getStringRef();
  if (name == "scan.sigmoid" || name == "scan.softplus")
    return true;
  return isa<func::FuncOp, func::ReturnOp, func::CallOp, memref::DimOp,
             memref::LoadOp, memref::GetGlobalOp, memref::AllocOp,
             memref::ExtractStridedMetadataOp, kernel::BesideOp,
             ViewLikeOpInterface>(op) ||
         isa<arith::ArithDialect, math::MathDialect, scf::SCFDialect>(
             op->getDialect());
}

SmallVector<Operation *> deviceWorkOf(Operation *function) {
  SmallVector<Operation *> work;
  function->walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (!isDeviceWork(op))
      return WalkResult::advance();
    work.push_back(op);
    return WalkResult::skip();
  });
  return work;
}

StringRef kindOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, StringRef>(op)
      .Case([](linalg::FillOp) { return "fill"; })
      .Case([](memref::StoreOp) { return "number"; })
      .Case([](kernel::ScatterAddOp) { return "scatter"; })
      .Case([](kernel::MaskRowsOp) { return "mask"; })
      .Case([](kernel::ReverseOp) { return "reverse"; })
      .Case([](kernel::PickStepOp) { return "pick"; })
      .Case([](kernel::PlaceStepOp) { return "place"; })
      .Case([](kernel::RandomOp) { return "random"; })
      .Case<kernel::ValidRowsOp, kernel::ValidPlacesOp>(
          [](auto) { return "valid"; })
      .Case([](linalg::LinalgOp o) {
        return o.getNumReductionLoops() ? "reduce" : "map";
      })
      .Case([](kernel::PhaseOp o) {
        return o.getLefts().empty() ? "rows" : "product";
      })
      .Case([](kernel::GemmOp) { return "product"; })
      .Case([](memref::CopyOp) { return "copy"; })
      .Case([](kernel::PackOp) { return "pack"; })
      .Case([](kernel::GatherOp) { return "gather"; })
      .Case([](kernel::ArgmaxOp) { return "argmax"; })
      .Case<kernel::EnterOp, kernel::LeaveOp>([](auto) { return "layout"; });
}

/// What callers call a function.
static StringRef publicName(func::FuncOp function) {
  StringRef name = interface::functionOf(function).getName();
  return name == "update" ? "train_step" : name;
}

/// Tables have no place in the source: what reads them has.
static Location placeOf(Operation *op) {
  if (isa<memref::GetGlobalOp>(op))
    for (Operation *user : op->getUsers())
      if (!isa<UnknownLoc>(user->getLoc()))
        return user->getLoc();
  return op->getLoc();
}

static LogicalResult refuse(func::FuncOp function, Operation *op) {
  bool known = isDeviceWork(op);
  InFlightDiagnostic error = mlir::emitError(placeOf(op))
                             << "[E908] `" << publicName(function)
                             << "` needs `" << op->getName().getStringRef()
                             << (known ? "` in this form" : "`")
                             << ", which code for GPUs does not have yet";
  error.attachNote() << "help: `export` says which functions are wanted";
  return failure();
}

LogicalResult checkSupported(ModuleOp module) {
  bool fine = true;
  for (auto function : module.getOps<func::FuncOp>()) {
    if (function.isExternal() || !interface::hasDims(function))
      continue;
    WalkResult result =
        function.walk<WalkOrder::PreOrder>([&](Operation *op) -> WalkResult {
          bool work = isDeviceWork(op);
          if (work ? fits(op) : isHostWork(op))
            return work ? WalkResult::skip() : WalkResult::advance();
          return refuse(function, op);
        });
    fine &= !result.wasInterrupted();
  }
  return success(fine);
}

} // namespace rnnc
