// Arena.cpp: arithmetic on one-dimensional tensors.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Arena.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::grad;

Value Arena::add(Value a, Value b) {
  return arith::AddFOp::create(builder, loc, a, b);
}

Value Arena::sub(Value a, Value b) {
  return arith::SubFOp::create(builder, loc, a, b);
}

Value Arena::mul(Value a, Value b) {
  return arith::MulFOp::create(builder, loc, a, b);
}

Value Arena::div(Value a, Value b) {
  return arith::DivFOp::create(builder, loc, a, b);
}

Value Arena::min(Value a, Value b) {
  return arith::MinimumFOp::create(builder, loc, a, b);
}

Value Arena::max(Value a, Value b) {
  return arith::MaximumFOp::create(builder, loc, a, b);
}

Value Arena::sqrt(Value a) { return math::SqrtOp::create(builder, loc, a); }

Value Arena::exp(Value a) { return math::ExpOp::create(builder, loc, a); }

Value Arena::number(double x, Value like) {
  return scan::splatLike(builder, loc, like, x);
}

Value Arena::spread(Value scalar, Value like, ArrayRef<int64_t> dims) {
  auto type = cast<RankedTensorType>(like.getType());
  auto from = cast<RankedTensorType>(scalar.getType());
  if (from.getElementType() != type.getElementType())
    scalar = arith::TruncFOp::create(
        builder, loc,
        RankedTensorType::get(from.getShape(), type.getElementType()), scalar);
  return scan::BroadcastOp::create(builder, loc, type, scalar,
                                   scan::dynamicSizes(builder, loc, like),
                                   builder.getDenseI64ArrayAttr(dims));
}

Value Arena::squares(Value tensor, ArrayRef<int64_t> dims) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.getElementType().isF64())
    tensor = arith::ExtFOp::create(
        builder, loc,
        RankedTensorType::get(type.getShape(), builder.getF64Type()), tensor);
  return scan::ReduceOp::create(builder, loc, scan::ReduceKind::sum,
                                mul(tensor, tensor), dims);
}

Value Arena::norm(Value tensor, ArrayRef<int64_t> dims) {
  return sqrt(squares(tensor, dims));
}
