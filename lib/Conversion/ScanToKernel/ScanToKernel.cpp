// ScanToKernel.cpp: the pass from tensors over time to kernels on buffers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Conversion/ScanToKernel/Passes.h"

#include "Emitter.h"

#include "mlir/IR/SymbolTable.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

namespace rnnc {

#define GEN_PASS_DEF_CONVERTSCANTOKERNEL
#include "rnnc/Conversion/ScanToKernel/Passes.h.inc"

namespace {

bool isTensorFunction(func::FuncOp function) {
  auto isTensor = [](Type type) { return isa<RankedTensorType>(type); };
  return !function.isExternal() &&
         (llvm::any_of(function.getArgumentTypes(), isTensor) ||
          llvm::any_of(function.getResultTypes(), isTensor));
}

/// Pointwise code and reductions are in phases.
bool isFormed(Operation *op) {
  if (op->getNumResults() == 0 ||
      !isa<RankedTensorType>(op->getResult(0).getType()))
    return true;
  auto dot = dyn_cast<scan::DotOp>(op);
  return kindOf(op->getResult(0)) != Kind::Pointwise &&
         !isa<scan::ReduceOp>(op) && (!dot || dot.isMatrixProduct());
}

/// The op list this pass knows; anything else is an error with a place.
LogicalResult checkOps(func::FuncOp function) {
  WalkResult result = function.walk([&](Operation *op) {
    if (op == function.getOperation())
      return WalkResult::advance();
    StringRef dialect = op->getName().getDialectNamespace();
    bool known = isa<func::ReturnOp>(op) || dialect == "scan" ||
                 dialect == "arith" || dialect == "math" ||
                 dialect == "linalg" || dialect == "kernel" ||
                 isa<tensor::DimOp, tensor::EmptyOp, tensor::ConcatOp,
                     tensor::InsertSliceOp, tensor::ExtractSliceOp,
                     tensor::SplatOp, tensor::FromElementsOp,
                     tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op);
    if (known && isFormed(op))
      return WalkResult::advance();
    op->emitOpError(known ? "is in no phase; --kernel-form-phases comes first"
                          : "has no form on buffers");
    return WalkResult::interrupt();
  });
  if (result.wasInterrupted())
    return failure();
  for (Type type : llvm::concat<const Type>(function.getArgumentTypes(),
                                            function.getResultTypes()))
    if (!isa<RankedTensorType>(type))
      return function.emitError("arguments and results must be tensors");
  return success();
}

MemRefType memoryOf(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return MemRefType::get(tensor.getShape(),
                         storedType(tensor.getElementType()));
}

/// What the function says of itself, with its dimensions (in the order that it
/// asks for, where it names all that there are) and its results.
interface::FunctionAttr describe(func::FuncOp function,
                                 ArrayRef<Attribute> found) {
  MLIRContext *context = function.getContext();
  interface::FunctionAttr known = interface::functionOf(function);
  ArrayAttr dims = known ? known.getDims() : ArrayAttr();
  bool all = dims && llvm::all_of(found, [&](Attribute name) {
               return llvm::is_contained(dims, name);
             });
  return interface::FunctionAttr::get(
      context, known ? known.getModule() : StringAttr::get(context, ""),
      known ? known.getName() : function.getSymNameAttr(),
      all ? dims : ArrayAttr::get(context, found), function.getNumResults());
}

LogicalResult convert(func::FuncOp function) {
  if (failed(checkOps(function)))
    return failure();
  OpBuilder b(function);
  SmallVector<Type> types;
  SmallVector<DictionaryAttr> attrs;
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes())) {
    types.push_back(memoryOf(type));
    attrs.push_back(function.getArgAttrDict(i));
  }
  for (auto [i, type] : llvm::enumerate(function.getResultTypes())) {
    types.push_back(memoryOf(type));
    attrs.push_back(function.getResultAttrDict(i));
  }
  auto target = func::FuncOp::create(b, function.getLoc(), function.getName(),
                                     b.getFunctionType(types, TypeRange()));
  for (NamedAttribute attr : function->getDiscardableAttrs())
    target->setAttr(attr.getName(), attr.getValue());
  target.setVisibility(function.getVisibility());
  for (auto [i, attr] : llvm::enumerate(attrs))
    if (attr)
      target.setArgAttrs(i, attr);
  target.addEntryBlock();
  Emitter emitter(function, target);
  LogicalResult result = emitter.run();
  target->setAttr(interface::kFunction,
                  describe(function, emitter.getDimNames()));
  function.erase();
  return result;
}

struct ConvertScanToKernel
    : public impl::ConvertScanToKernelBase<ConvertScanToKernel> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<func::FuncOp> functions;
    for (auto function : module.getOps<func::FuncOp>())
      if (isTensorFunction(function))
        functions.push_back(function);
    for (func::FuncOp function : functions) {
      IRRewriter rewriter(function.getContext());
      (void)runRegionDCE(rewriter, function->getRegions());
      if (failed(convert(function)))
        return signalPassFailure();
    }
  }
};

} // namespace

} // namespace rnnc
