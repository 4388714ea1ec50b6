// CompareLookups.cpp: look-ups along rows that are walked anyway.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "CompareLookups.h"

#include "Plan.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;

namespace rnnc {

namespace {

int64_t rankOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getRank();
}

class LookupComparer {
public:
  explicit LookupComparer(func::FuncOp function)
      : function(function), b(function.getContext()) {}

  void run();

private:
  void compare(scan::GatherOp op);
  void compare(scan::ScatterAddOp op);
  Value isAt(Location loc, Value like, Value indices);
  Value numbersTo(int64_t size);

  func::FuncOp function;
  OpBuilder b;
  llvm::DenseMap<int64_t, Value> numbers;
};

/// The numbers 0, 1, … of the entries of a row.
Value LookupComparer::numbersTo(int64_t size) {
  Value &known = numbers[size];
  if (known)
    return known;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&function.getBody().front());
  Location loc = function.getLoc();
  Value empty = tensor::EmptyOp::create(b, loc, {size}, b.getI32Type());
  auto made = linalg::GenericOp::create(
      b, loc, empty.getType(), ValueRange(), empty, b.getMultiDimIdentityMap(1),
      utils::IteratorType::parallel,
      [](OpBuilder &body, Location at, ValueRange) {
        Value index = linalg::IndexOp::create(body, at, 0);
        Value number =
            arith::IndexCastOp::create(body, at, body.getI32Type(), index);
        linalg::YieldOp::create(body, at, number);
      });
  return known = made.getResult(0);
}

/// Where in each row of `like` its index points.
Value LookupComparer::isAt(Location loc, Value like, Value indices) {
  int64_t last = rankOf(like) - 1;
  auto type = cast<RankedTensorType>(like.getType());
  auto wide = type.clone(b.getI32Type());
  SmallVector<Value> sizes = scan::dynamicSizes(b, loc, like);
  Value number = scan::BroadcastOp::create(
      b, loc, wide, numbersTo(type.getDimSize(last)), sizes, last);
  Value index =
      scan::BroadcastOp::create(b, loc, wide, indices, sizes,
                                llvm::to_vector(llvm::seq<int64_t>(0, last)));
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, number, index);
}

/// One entry of every row, of a known size.
template <typename Op> bool isOnePerRow(Op op, Value rows) {
  int64_t last = rankOf(rows) - 1;
  return last > 0 && int64_t(op.getBatchDims()) == last &&
         rankOf(op.getIndices()) == last &&
         !cast<RankedTensorType>(rows.getType()).isDynamicDim(last);
}

/// Whether the rows are combined, unit by unit.
bool isCombined(Value rows) {
  return llvm::any_of(rows.getUsers(), [&](Operation *user) {
    auto reduce = dyn_cast<scan::ReduceOp>(user);
    return reduce && reduce.getDims() == ArrayRef(rankOf(rows) - 1);
  });
}

void LookupComparer::compare(scan::GatherOp op) {
  Value rows = op.getTable();
  if (!isOnePerRow(op, rows) || !isCombined(rows) ||
      !isa<FloatType>(getElementTypeOrSelf(rows)))
    return;
  b.setInsertionPoint(op);
  Location loc = op.getLoc();
  Value chosen =
      arith::SelectOp::create(b, loc, isAt(loc, rows, op.getIndices()), rows,
                              scan::splatLike(b, loc, rows, 0));
  Value sum = scan::ReduceOp::create(b, loc, scan::ReduceKind::sum, chosen,
                                     ArrayRef(rankOf(rows) - 1));
  op.replaceAllUsesWith(sum);
  op.erase();
}

void LookupComparer::compare(scan::ScatterAddOp op) {
  Value rows = op.getResult();
  if (!isOnePerRow(op, rows) || rankOf(op.getUpdates()) != rankOf(rows) - 1 ||
      !llvm::all_of(rows.getUsers(), [](Operation *user) {
        return user->getNumResults() == 1 &&
               isa<RankedTensorType>(user->getResult(0).getType()) &&
               kindOf(user->getResult(0)) == Kind::Pointwise;
      }))
    return;
  b.setInsertionPoint(op);
  Location loc = op.getLoc();
  auto type = cast<RankedTensorType>(rows.getType());
  SmallVector<Value> sizes = scan::dynamicSizes(b, loc, op.getUpdates());
  Value wide = scan::BroadcastOp::create(
      b, loc, type, op.getUpdates(), sizes,
      llvm::to_vector(llvm::seq<int64_t>(0, rankOf(rows) - 1)));
  Value result =
      arith::SelectOp::create(b, loc, isAt(loc, wide, op.getIndices()), wide,
                              scan::splatLike(b, loc, wide, 0));
  op.replaceAllUsesWith(result);
  op.erase();
}

void LookupComparer::run() {
  SmallVector<Operation *> work;
  function.walk([&](Operation *op) {
    if (isa<scan::GatherOp, scan::ScatterAddOp>(op))
      work.push_back(op);
  });
  for (Operation *op : work)
    if (auto gather = dyn_cast<scan::GatherOp>(op))
      compare(gather);
    else
      compare(cast<scan::ScatterAddOp>(op));
}

} // namespace

void compareLookups(func::FuncOp function) { LookupComparer(function).run(); }

} // namespace rnnc
