// UpdateInPlace.cpp: updates whose new values may lie where the old ones are.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One op writes all new values, number by number, and is the last that reads
// old ones. More is not asked for: several writers, as of parameters with rates
// of their own, would have to be known to write and read apart.

#include "rnnc/Dialect/Kernel/Transforms/Passes.h"

#include "rnnc/Dialect/Interface/Interface.h"
#include "rnnc/Dialect/Kernel/InPlace.h"
#include "rnnc/Dialect/Kernel/Kernel.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace rnnc::kernel {

#define GEN_PASS_DEF_KERNELUPDATEINPLACE
#include "rnnc/Dialect/Kernel/Transforms/Passes.h.inc"

namespace {

struct Updated {
  BlockArgument before, after;
};

/// Parameters and the optimiser's memory, old and new; the new ones stand in
/// the same order behind them.
SmallVector<Updated> updatedOf(func::FuncOp function) {
  SmallVector<BlockArgument> found;
  for (BlockArgument argument : function.getArguments()) {
    interface::SlotAttr slot =
        interface::slotOf(function, argument.getArgNumber());
    if (slot && (slot.getRole() == interface::Role::Params ||
                 slot.getRole() == interface::Role::Slot))
      found.push_back(argument);
  }
  SmallVector<Updated> arenas;
  size_t half = found.size() / 2;
  if (found.size() % 2 == 0)
    for (size_t i = 0; i < half; ++i)
      arenas.push_back({found[i], found[half + i]});
  return arenas;
}

/// The only op that accesses `place`; null if there are others.
Operation *onlyAccess(Value place) {
  SmallVector<Operation *> accesses;
  collectAccesses(place, accesses);
  return accesses.size() == 1 ? accesses.front() : nullptr;
}

/// Whether `writer` makes the arena's new values of its old ones, which nobody
/// reads after it.
bool takesPlace(Operation *writer, const Updated &arena) {
  SmallVector<Operation *> readers;
  collectAccesses(arena.before, readers);
  for (Operation *reader : readers) {
    Operation *beside = writer->getBlock()->findAncestorOpInBlock(*reader);
    if (!beside || (beside != writer && !beside->isBeforeInBlock(writer)))
      return false;
  }
  return onlyAccess(arena.after) == writer &&
         llvm::count(readers, writer) == 1 &&
         makesInPlace(writer, arena.before, arena.after);
}

struct UpdateInPlace : impl::KernelUpdateInPlaceBase<UpdateInPlace> {
  using Base::Base;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal() || !interface::hasDims(function) ||
        interface::functionOf(function).getName() != "update")
      return;
    SmallVector<Updated> arenas = updatedOf(function);
    Operation *writer = arenas.empty() ? nullptr : onlyAccess(arenas[0].after);
    if (!writer || writer->getParentOp() != function)
      return;
    if (llvm::all_of(arenas,
                     [&](const Updated &a) { return takesPlace(writer, a); }))
      function->setAttr(kInPlace, UnitAttr::get(&getContext()));
  }
};

} // namespace
} // namespace rnnc::kernel
