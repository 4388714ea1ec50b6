// RowLists.cpp: products that need not know which examples have ended.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A processor leaves the rows of examples that have ended to the masks behind a
// product. The threads of a GPU have a row each and wait for the longest: with
// all rows nothing is lost, and in a time loop the list has not to be made.

#include "ThreadCode.h"

using namespace mlir;

namespace rnnc {

/// Erases what made a value, if nobody reads it.
static void eraseUnused(Value value) {
  SmallVector<Value> open = {value};
  while (!open.empty()) {
    Operation *op = open.pop_back_val().getDefiningOp();
    if (!op || !op->use_empty() ||
        !isa<memref::SubViewOp, arith::IndexCastOp, memref::LoadOp>(op))
      continue;
    llvm::append_range(open, op->getOperands());
    op->erase();
  }
}

/// Nobody reads a list that only is filled.
static void eraseFills(Value list) {
  SmallVector<Operation *> fills(list.getUsers());
  if (llvm::all_of(fills,
                   [](Operation *op) { return isa<kernel::ValidRowsOp>(op); }))
    for (Operation *op : fills)
      op->erase();
}

void dropRowLists(Operation *function) {
  SmallVector<kernel::GemmOp> products;
  function->walk([&](kernel::GemmOp op) {
    if (op->getParentOfType<scf::ForOp>() && op.getPackedB() &&
        listOf(op.getValid()))
      products.push_back(op);
  });
  for (kernel::GemmOp op : products) {
    Value valid = op.getValid(), list = listOf(valid);
    bool ofRows = llvm::any_of(list.getUsers(), [](Operation *user) {
      return isa<kernel::ValidRowsOp>(user);
    });
    if (!ofRows)
      continue;
    op.getValidMutable().clear();
    eraseUnused(valid);
    eraseFills(list);
  }
}

} // namespace rnnc
