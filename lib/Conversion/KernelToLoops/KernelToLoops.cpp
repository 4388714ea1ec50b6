// KernelToLoops.cpp: the pass from the kernel level to loops.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "GemmBuilder.h"
#include "Tasks.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace rnnc {

#define GEN_PASS_DEF_CONVERTKERNELTOLOOPS
#include "rnnc/Conversion/KernelToLoops/Passes.h.inc"

namespace {

/// A copy is the simplest generic.
void copyToGeneric(memref::CopyOp op) {
  OpBuilder b(op);
  int64_t rank = cast<MemRefType>(op.getTarget().getType()).getRank();
  AffineMap identity = b.getMultiDimIdentityMap(rank);
  linalg::GenericOp::create(
      b, op.getLoc(), ValueRange{op.getSource()}, ValueRange{op.getTarget()},
      ArrayRef<AffineMap>{identity, identity},
      SmallVector<utils::IteratorType>(rank, utils::IteratorType::parallel),
      [](OpBuilder &nb, Location l, ValueRange args) {
        linalg::YieldOp::create(nb, l, args[0]);
      });
  op.erase();
}

/// Code without products needs these.
LogicalResult checkSchedule(ModuleOp module) {
  using kernel::Decision;
  WalkResult result = module.walk([](Operation *op) {
    if (!isa<ModuleOp, linalg::LinalgOp>(op))
      return WalkResult::advance();
    kernel::ScheduleAttr schedule = kernel::scheduleOf(op);
    SmallVector<Decision> needed = {Decision::ElementBlock,
                                    Decision::ColumnBlock, Decision::RowBlock,
                                    Decision::Tasks, Decision::WorthTasks};
    if (isa<ModuleOp>(op)) // how work is estimated is one thing for all
      needed.append({Decision::FunctionOps, Decision::CallOps});
    for (Decision decision : needed)
      if (!schedule || !schedule.get(decision)) {
        op->emitError("has a schedule without ")
            << kernel::infoOf(decision).name;
        return WalkResult::interrupt();
      }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

struct ConvertKernelToLoops
    : public impl::ConvertKernelToLoopsBase<ConvertKernelToLoops> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto target = module->getAttrOfType<kernel::TargetAttr>(kernel::kTarget);
    if (!target || failed(checkSchedule(module))) {
      if (!target)
        module.emitError("is for no target: kernel-choose-target says for "
                         "which");
      return signalPassFailure();
    }
    if (threads)
      addContext(module);
    GemmLibrary library(module, target);
    if (failed(lowerDataOps(module, target)) ||
        failed(lowerPhases(module, target, library)) ||
        failed(lowerProducts(module, target, library)))
      return signalPassFailure();
    module.walk([](memref::CopyOp op) { copyToGeneric(op); });
    SmallVector<linalg::LinalgOp> named;
    module.walk([&](linalg::LinalgOp op) {
      if (!isa<linalg::GenericOp>(op))
        named.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (linalg::LinalgOp op : named) {
      rewriter.setInsertionPoint(op);
      if (failed(linalg::generalizeNamedOp(rewriter, op))) {
        op.emitOpError("cannot be lowered to loops");
        return signalPassFailure();
      }
    }
    SmallVector<linalg::GenericOp> generics;
    module.walk([&](linalg::GenericOp op) { generics.push_back(op); });
    for (linalg::GenericOp op : generics)
      if (failed(lowerGenericToLoops(op, target)))
        return signalPassFailure();
    if (threads)
      cutKernelsIntoTasks(module);
    turnPanels(module);
    lowerBeside(module, target);
  }
};

} // namespace

void addContext(ModuleOp module) {
  Type ptr = LLVM::LLVMPointerType::get(module.getContext());
  llvm::StringSet<> changed;
  for (auto f : module.getOps<func::FuncOp>())
    if (!f.isExternal() &&
        (f->hasAttr(kPart) || llvm::any_of(f.getArgumentTypes(), [](Type t) {
           return isa<MemRefType>(t);
         }))) {
      if (f->hasAttr(kPart))
        f->setAttr(kHasContext, UnitAttr::get(f.getContext()));
      if (succeeded(f.insertArgument(f.getNumArguments(), ptr, {}, f.getLoc())))
        changed.insert(f.getName());
    }
  module.walk([&](func::CallOp call) {
    if (changed.contains(call.getCallee()))
      call->insertOperands(call->getNumOperands(), contextOf(call));
  });
}

Value contextOf(Operation *op) {
  auto f = op->getParentOfType<func::FuncOp>();
  if (!f || f.getNumArguments() == 0 || f->hasAttr("rnnc.kernel") ||
      (f->hasAttr(kPart) && !f->hasAttr(kHasContext)))
    return Value();
  Value last = f.getArgument(f.getNumArguments() - 1);
  return isa<LLVM::LLVMPointerType>(last.getType()) ? last : Value();
}

/// A function of the runtime, declared once: a letter is an argument, p a
/// pointer, l an i64; without `result` it gives nothing.
static LLVM::LLVMFuncOp runtimeFunction(ModuleOp module, StringRef name,
                                        StringRef signature,
                                        bool result = false) {
  if (auto existing = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
    return existing;
  MLIRContext *context = module.getContext();
  Type ptr = LLVM::LLVMPointerType::get(context);
  Type i64 = IntegerType::get(context, 64);
  SmallVector<Type> arguments;
  for (char kind : signature)
    arguments.push_back(kind == 'p' ? ptr : i64);
  OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
  Type none = LLVM::LLVMVoidType::get(context);
  return LLVM::LLVMFuncOp::create(
      b, module.getLoc(), name,
      LLVM::LLVMFunctionType::get(result ? i64 : none, arguments));
}

LLVM::LLVMFuncOp parallelFor(ModuleOp module) {
  return runtimeFunction(module, "rnnc_rt_parallel_for", "plppl");
}

LLVM::LLVMFuncOp cutLoop(ModuleOp module) {
  return runtimeFunction(module, "rnnc_rt_cut_loop", "pllppl");
}

LLVM::LLVMFuncOp membersFunction(ModuleOp module) {
  return runtimeFunction(module, "rnnc_rt_members", "p", /*result=*/true);
}

} // namespace rnnc
