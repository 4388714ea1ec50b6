// Supported.cpp: which ops become kernels, and what is said of the others.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Places.h"
#include "ThreadCode.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/SmallBitVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace rnnc {

/// Addresses of elements follow from sizes, and the buffer from the arguments.
static bool isPlain(Value value) {
  auto type = dyn_cast<MemRefType>(value.getType());
  if (!type)
    return value.getType().isIntOrIndexOrFloat();
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(type.getStridesAndOffset(strides, offset)) || !placeOf(value))
    return false;
  return type.getLayout().isIdentity() ||
         llvm::none_of(strides, ShapedType::isDynamic);
}

/// Whether the results of a reduction depend on more rows than a model says.
static bool sumsOverRows(linalg::LinalgOp op) {
  for (OpOperand &operand : op->getOpOperands()) {
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    if (!type)
      continue;
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [i, expr] : llvm::enumerate(map.getResults()))
      if (auto dim = dyn_cast<AffineDimExpr>(expr))
        if (type.isDynamicDim(i) &&
            op.getIteratorTypesArray()[dim.getPosition()] ==
                utils::IteratorType::reduction)
          return true;
  }
  return false;
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

/// What `op` needs that there is not; empty where it needs nothing.
static std::string lackOf(Operation *op) {
  std::string form =
      ("`" + op->getName().getStringRef() + "` in this form").str();
  std::string lack =
      llvm::TypeSwitch<Operation *, std::string>(op)
          .Case([&](linalg::LinalgOp o) -> std::string {
            if (sumsOverRows(o))
              return "a sum over all rows";
            bool fits =
                o.hasPureBufferSemantics() && hasPlainMaps(o) && writesApart(o);
            return fits ? "" : form;
          })
          .Case<memref::CopyOp, kernel::GatherOp, kernel::PackOp>(
              [](auto) { return ""; })
          .Case([&](kernel::ArgmaxOp o) {
            auto type = cast<MemRefType>(o.getSource().getType());
            return isa<FloatType>(type.getElementType()) ? "" : form;
          })
          .Case([&](kernel::GemmOp o) -> std::string {
            if (o.getValid())
              return "lengths of examples";
            return ShapedType::isDynamic(cast<MemRefType>(o.getA().getType())
                                             .getDimSize(o.getTransA() ? 0 : 1))
                       ? "a sum over all rows"
                       : "";
          })
          .Case([&](kernel::PhaseOp o) -> std::string {
            if (o.getValid())
              return "lengths of examples";
            bool fits = o.getLefts().empty()
                            ? o.isOnMemory()
                            : o.getPacked() && !o.hasRowReductions();
            return fits ? "" : form;
          })
          .Case<kernel::EnterOp, kernel::LeaveOp>([](auto o) {
            return o.getLengths().empty() ? "" : "lengths of examples";
          })
          .Case<kernel::MaskRowsOp, kernel::ValidRowsOp, kernel::ValidPlacesOp,
                kernel::ReverseOp, kernel::PickStepOp, kernel::PlaceStepOp>(
              [](auto) { return "lengths of examples"; })
          .Case([](kernel::ScatterAddOp) { return "sums of rows of a table"; })
          .Case([](kernel::RandomOp) { return "random numbers"; })
          .Case<scf::ForOp, kernel::BesideOp>(
              [](auto) { return "a loop over time"; })
          .Case([](scf::IfOp) { return "a choice between kernels"; })
          .Case([](memref::GetGlobalOp) { return "a table of constants"; })
          .Case<memref::LoadOp, memref::StoreOp>(
              [](auto) { return "a number that is computed between kernels"; })
          .Default([](Operation *op) {
            return ("`" + op->getName().getStringRef() + "`").str();
          });
  if (lack.empty() && !llvm::all_of(op->getOperands(), isPlain))
    return form;
  return lack;
}

bool isDeviceWork(Operation *op) {
  return isa<linalg::LinalgOp, memref::CopyOp, kernel::GatherOp,
             kernel::ArgmaxOp, kernel::PackOp, kernel::GemmOp, kernel::PhaseOp,
             kernel::EnterOp, kernel::LeaveOp>(op);
}

/// Sizes and addresses, which the caller computes.
static bool isHostWork(Operation *op) {
  if (isa<memref::LoadOp>(op) || op->getNumRegions())
    return false;
  return isa<func::ReturnOp, memref::DimOp, ViewLikeOpInterface>(op) ||
         isa<arith::ArithDialect>(op->getDialect());
}

StringRef kindOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, StringRef>(op)
      .Case([](linalg::FillOp) { return "fill"; })
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
  InFlightDiagnostic error = mlir::emitError(placeOf(op))
                             << "[E908] `" << publicName(function) << "` needs "
                             << lackOf(op)
                             << ", which --target=nvptx64 does not have yet";
  error.attachNote()
      << "help: pointwise code, products, look-ups, and sums and "
         "maxima along axes of fixed size can be compiled; "
         "`export` says which functions are wanted";
  return failure();
}

/// A loop over time tells more than the lengths that come before it.
static LogicalResult checkFunction(func::FuncOp function) {
  Operation *first = nullptr;
  for (Operation &op : function.getBody().front()) {
    if (isa<scf::ForOp>(op))
      return refuse(function, &op);
    if (!first && !isHostWork(&op) && !lackOf(&op).empty())
      first = &op;
  }
  return first ? refuse(function, first) : success();
}

LogicalResult checkSupported(ModuleOp module) {
  bool fine = true;
  for (auto function : module.getOps<func::FuncOp>())
    if (!function.isExternal() && interface::hasDims(function))
      fine &= succeeded(checkFunction(function));
  return success(fine);
}

} // namespace rnnc
