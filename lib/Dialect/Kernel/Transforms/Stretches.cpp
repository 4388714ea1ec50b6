// Stretches.cpp: who reads and writes which part of an arena.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Stretches.h"

#include "rnnc/Dialect/Interface/Interface.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace rnnc::kernel {

// The arenas after it stand in the same order behind those before it.
SmallVector<UpdatedArena> updatedArenas(func::FuncOp function) {
  SmallVector<BlockArgument> found;
  for (BlockArgument argument : function.getArguments()) {
    interface::SlotAttr slot =
        interface::slotOf(function, argument.getArgNumber());
    if (slot && (slot.getRole() == interface::Role::Params ||
                 slot.getRole() == interface::Role::Slot))
      found.push_back(argument);
  }
  SmallVector<UpdatedArena> arenas;
  size_t half = found.size() / 2;
  if (found.size() % 2 == 0)
    for (size_t i = 0; i < half; ++i)
      arenas.push_back({found[i], found[half + i]});
  return arenas;
}

bool findAccesses(Value view, int64_t begin, int64_t end,
                  SmallVectorImpl<StretchUse> &accesses) {
  for (Operation *user : view.getUsers()) {
    if (auto part = dyn_cast<memref::SubViewOp>(user)) {
      MemRefType type = part.getType();
      bool isKnown = type.getRank() == 1 && type.hasStaticShape() &&
                     part.getSourceType().getRank() == 1 &&
                     !ShapedType::isDynamic(part.getStaticOffsets()[0]) &&
                     part.getStaticStrides()[0] == 1;
      if (!isKnown)
        return false;
      int64_t from = begin + part.getStaticOffsets()[0];
      if (!findAccesses(part, from, from + type.getDimSize(0), accesses))
        return false;
    } else if (isa<memref::ExpandShapeOp, memref::CollapseShapeOp>(user)) {
      if (!findAccesses(user->getResult(0), begin, end, accesses))
        return false;
    } else if (isa<ViewLikeOpInterface>(user)) {
      return false;
    } else {
      accesses.push_back({user, view, begin, end});
    }
  }
  return true;
}

} // namespace rnnc::kernel
