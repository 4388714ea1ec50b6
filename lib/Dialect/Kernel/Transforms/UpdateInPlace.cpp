// UpdateInPlace.cpp: updates whose new values may lie where the old ones are.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each op that writes new values makes them of the old ones at their places,
// number by number, and is the last that reads those. Several ops write
// stretches that lie apart: of parameters with rates of their own, or each with
// a norm of its own.

#include "Stretches.h"

#include "rnnc/Dialect/Kernel/Transforms/Passes.h"

#include "rnnc/Dialect/Interface/Interface.h"
#include "rnnc/Dialect/Kernel/InPlace.h"
#include "rnnc/Dialect/Kernel/Kernel.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace rnnc::kernel {

#define GEN_PASS_DEF_KERNELUPDATEINPLACE
#include "rnnc/Dialect/Kernel/Transforms/Passes.h.inc"

namespace {

bool makesInPlace(const StretchUse &reader, const StretchUse &writer) {
  if (reader.op != writer.op || reader.begin != writer.begin ||
      reader.end != writer.end)
    return false;
  if (auto copy = dyn_cast<memref::CopyOp>(writer.op))
    return copy.getSource() == reader.view && copy.getTarget() == writer.view;
  return kernel::makesInPlace(writer.op, reader.view, writer.view);
}

/// Whether new values may lie where the old ones do.
bool takesPlace(func::FuncOp function, const UpdatedArena &arena) {
  int64_t size = cast<MemRefType>(arena.before.getType()).getNumElements();
  SmallVector<StretchUse> readers, writers;
  if (!findAccesses(arena.before, 0, size, readers) ||
      !findAccesses(arena.after, 0, size, writers) || writers.empty())
    return false;
  for (auto [i, writer] : llvm::enumerate(writers)) {
    if (writer.op->getParentOp() != function)
      return false;
    for (const StretchUse &other : ArrayRef(writers).drop_front(i + 1))
      if (writer.overlaps(other))
        return false;
    for (const StretchUse &reader : readers) {
      if (!reader.overlaps(writer) || makesInPlace(reader, writer))
        continue;
      Operation *beside =
          writer.op->getBlock()->findAncestorOpInBlock(*reader.op);
      if (!beside || !beside->isBeforeInBlock(writer.op))
        return false;
    }
  }
  return true;
}

struct UpdateInPlace : impl::KernelUpdateInPlaceBase<UpdateInPlace> {
  using Base::Base;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal() || !interface::hasDims(function) ||
        interface::functionOf(function).getName() != "update")
      return;
    SmallVector<UpdatedArena> arenas = updatedArenas(function);
    auto takes = [&](const UpdatedArena &arena) {
      return takesPlace(function, arena);
    };
    if (!arenas.empty() && llvm::all_of(arenas, takes))
      function->setAttr(kInPlace, UnitAttr::get(&getContext()));
  }
};

} // namespace
} // namespace rnnc::kernel
