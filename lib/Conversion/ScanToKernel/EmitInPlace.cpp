// EmitInPlace.cpp: where weights are not worth packing.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A gradient is asked for with other weights each time, so it packs them
// itself: one more pass over memory, in which a step of few rows would have
// used them. The number of rows is known when running alone: then there are
// both forms.

#include "Emitter.h"

#include "rnnc/Dialect/Interface/Interface.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"

using namespace mlir;

namespace rnnc {

Value Emitter::hasFewRows(Operation *op, Value result, unsigned numRows,
                          kernel::Decision decision) {
  interface::FunctionAttr known = interface::functionOf(source);
  if (!known || !known.isGradient())
    return {};
  // A GPU packs at the speed of its memory and has no such form. What is
  // planned for several targets is one code for all of them.
  int64_t limit = kernel::infoOf(decision).most;
  for (kernel::ScheduleAttr one : kernel::schedulesOf(op)) {
    if (!one.get(kernel::Decision::InPlaceRows))
      return {};
    limit = std::min(limit, one.get(decision));
  }
  if (limit < 2 || limit == kernel::infoOf(decision).most || numRows == 0)
    return {};
  std::vector<const void *> key;
  SmallVector<OpFoldResult> rows;
  for (unsigned dim = 0; dim != numRows; ++dim) {
    rows.push_back(sizes.get(result, dim));
    key.push_back(rows.back().getOpaqueValue());
  }
  Value &found = fewRows[{key, limit}];
  if (!found)
    found = sizes.atTop([&](OpBuilder &top) -> Value {
      Location loc = op->getLoc();
      Value most = arith::ConstantIndexOp::create(top, loc, limit);
      Value count = arith::ConstantIndexOp::create(top, loc, 1);
      // Each factor is cut off, so that no product wraps.
      for (OpFoldResult size : rows) {
        Value v = getValueOrCreateConstantIndexOp(top, loc, size);
        v = top.createOrFold<arith::MinUIOp>(loc, v, most);
        count = top.createOrFold<arith::MulIOp>(loc, count, v);
        count = top.createOrFold<arith::MinUIOp>(loc, count, most);
      }
      return arith::CmpIOp::create(top, loc, arith::CmpIPredicate::ult, count,
                                   most);
    });
  return found;
}

bool Emitter::liesInOrder(Value value) {
  return bufferFor(value).type().getLayout().isIdentity();
}

/// In a time loop weights pass once a step, so that hardly any rows pay for the
/// packing. A product of all steps uses them once.
Value Emitter::readsInPlace(scan::DotOp op, const Matrix &left,
                            ArrayRef<int64_t> rhsFree,
                            ArrayRef<int64_t> rhsContract) {
  auto inOrder = [](ArrayRef<int64_t> first, ArrayRef<int64_t> second) {
    SmallVector<int64_t> all(first);
    llvm::append_range(all, second);
    return llvm::equal(all, llvm::seq<int64_t>(0, int64_t(all.size())));
  };
  if (left.trans || !left.buffer.type().isLastDimUnitStride() ||
      !(inOrder(rhsContract, rhsFree) || inOrder(rhsFree, rhsContract)))
    return {};
  return hasFewRows(op, op.getResult(), op.getLhsFree().size(),
                    outermostLoop ? kernel::Decision::InPlaceRows
                                  : kernel::Decision::BlockRows);
}

} // namespace rnnc
