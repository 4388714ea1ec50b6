// Tensor.cpp: rules of tensor ops.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Rules.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

namespace {
struct ExtractRule : Rule<ExtractRule, tensor::ExtractSliceOp> {
  static LogicalResult vjpRule(tensor::ExtractSliceOp op, OpBuilder &,
                               ReverseState &state) {
    state.accumulateSlice(op, state.cotangent(op.getResult()));
    return success();
  }
  static LogicalResult jvpRule(tensor::ExtractSliceOp op, OpBuilder &builder,
                               ForwardState &state) {
    if (Value t = state.tangent(op.getSource()))
      state.setTangent(op.getResult(),
                       cloneWith(builder, op, op.getSource(), t));
    return success();
  }
};

struct InsertRule : Rule<InsertRule, tensor::InsertSliceOp> {
  static LogicalResult vjpRule(tensor::InsertSliceOp op, OpBuilder &builder,
                               ReverseState &state) {
    Value g = state.cotangent(op.getResult());
    SmallVector<OpFoldResult> sizes;
    for (auto [dim, size] : llvm::enumerate(op.getStaticSizes()))
      sizes.push_back(
          ShapedType::isDynamic(size)
              ? OpFoldResult(sizeOf(builder, op.getLoc(), op.getResult(), dim))
              : builder.getIndexAttr(size));
    auto source = [op, sizes, &builder](Value g) mutable -> Value {
      auto type =
          cast<RankedTensorType>(op.getSourceType())
              .clone(cast<RankedTensorType>(g.getType()).getElementType());
      return tensor::ExtractSliceOp::create(builder, op.getLoc(), type, g,
                                            op.getMixedOffsets(), sizes,
                                            op.getMixedStrides());
    };
    auto dest = [op, sizes, &builder, &state](Value g) mutable -> Value {
      return tensor::InsertSliceOp::create(
          builder, op.getLoc(), state.zeros(op.getSource()), g,
          op.getMixedOffsets(), sizes, op.getMixedStrides());
    };
    if (state.isActive(op.getSource()))
      state.accumulate(op.getSource(), source(g),
                       state.through(op.getResult(), source));
    // What is written over gets nothing.
    if (state.isActive(op.getDest()))
      state.accumulate(op.getDest(), dest(g),
                       state.through(op.getResult(), dest, /*picks=*/true));
    return success();
  }

  static LogicalResult jvpRule(tensor::InsertSliceOp op, OpBuilder &builder,
                               ForwardState &state) {
    Value source = state.tangent(op.getSource());
    Value dest = state.tangent(op.getDest());
    if (!source && !dest)
      return success();
    auto orZero = [&](Value tangent, Value like) {
      return tangent ? tangent : splatLike(builder, op.getLoc(), like, 0);
    };
    state.setTangent(op.getResult(),
                     tensor::InsertSliceOp::create(
                         builder, op.getLoc(), orZero(source, op.getSource()),
                         orZero(dest, op.getDest()), op.getMixedOffsets(),
                         op.getMixedSizes(), op.getMixedStrides()));
    return success();
  }
};

struct ConcatRule : Rule<ConcatRule, tensor::ConcatOp> {
  static LogicalResult vjpRule(tensor::ConcatOp op, OpBuilder &builder,
                               ReverseState &state) {
    Value g = state.cotangent(op.getResult());
    int64_t along = op.getDim(), offset = 0;
    for (Value input : op.getInputs()) {
      auto type = cast<RankedTensorType>(input.getType());
      if (type.isDynamicDim(along))
        return op.emitError("no gradient through joined time axes");
      int64_t begin = offset;
      offset += type.getDimSize(along);
      if (!state.isActive(input))
        continue;
      SmallVector<OpFoldResult> offsets, sizes,
          strides(type.getRank(), builder.getIndexAttr(1));
      for (int64_t dim = 0; dim < type.getRank(); ++dim) {
        offsets.push_back(builder.getIndexAttr(dim == along ? begin : 0));
        sizes.push_back(type.isDynamicDim(dim)
                            ? OpFoldResult(sizeOf(builder, op.getLoc(),
                                                  op.getResult(), dim))
                            : builder.getIndexAttr(type.getDimSize(dim)));
      }
      auto part = [=, &builder](Value g) mutable -> Value {
        return tensor::ExtractSliceOp::create(builder, op.getLoc(), type, g,
                                              offsets, sizes, strides);
      };
      state.accumulate(input, part(g), state.through(op.getResult(), part));
    }
    return success();
  }

  static LogicalResult jvpRule(tensor::ConcatOp op, OpBuilder &builder,
                               ForwardState &state) {
    SmallVector<Value> tangents;
    for (Value input : op.getInputs()) {
      Value tangent = state.tangent(input);
      tangents.push_back(tangent ? tangent
                                 : splatLike(builder, op.getLoc(), input, 0));
    }
    state.setTangent(op.getResult(), tensor::ConcatOp::create(
                                         builder, op.getLoc(), op.getType(),
                                         op.getDim(), tangents));
    return success();
  }
};

struct CastRule : LinearRule<CastRule, tensor::CastOp> {
  static Value adjoint(tensor::CastOp op, Value g, OpBuilder &builder,
                       ReverseState &) {
    return tensor::CastOp::create(builder, op.getLoc(),
                                  op.getSource().getType(), g);
  }
};

// The sizes of what was collapsed, as the cotangent has them: the value itself
// is not at hand where the gradient of a loop is.
SmallVector<OpFoldResult> sizesBefore(OpBuilder &builder,
                                      tensor::CollapseShapeOp op, Value g,
                                      ReverseState &state) {
  SmallVector<OpFoldResult> sizes;
  RankedTensorType type = op.getSrcType();
  for (auto [k, group] : llvm::enumerate(op.getReassociationIndices())) {
    int64_t known = 1, unknown = 0;
    for (int64_t dim : group)
      if (!type.isDynamicDim(dim))
        known *= type.getDimSize(dim);
      else
        ++unknown;
    for (int64_t dim : group) {
      // Of steps and examples that became rows only the product is known.
      if (type.isDynamicDim(dim) && unknown > 1) {
        sizes.push_back(
            sizeOf(builder, op.getLoc(), state.value(op.getSrc()), dim));
        continue;
      }
      if (!type.isDynamicDim(dim)) {
        sizes.push_back(builder.getIndexAttr(type.getDimSize(dim)));
        continue;
      }
      Value size = sizeOf(builder, op.getLoc(), g, k);
      if (known != 1)
        size = arith::DivUIOp::create(
            builder, op.getLoc(), size,
            arith::ConstantIndexOp::create(builder, op.getLoc(), known));
      sizes.push_back(size);
    }
  }
  return sizes;
}

struct CollapseRule : LinearRule<CollapseRule, tensor::CollapseShapeOp> {
  static Value adjoint(tensor::CollapseShapeOp op, Value g, OpBuilder &builder,
                       ReverseState &state) {
    return tensor::ExpandShapeOp::create(builder, op.getLoc(), op.getSrcType(),
                                         g, op.getReassociationIndices(),
                                         sizesBefore(builder, op, g, state));
  }
};

struct ExpandRule : LinearRule<ExpandRule, tensor::ExpandShapeOp> {
  // Axes that were joined to rows. Whoever adds up rows can no longer tell
  // which of them lie behind an end.
  static SmallVector<int64_t> joinedDims(tensor::ExpandShapeOp op) {
    SmallVector<int64_t> joined;
    for (const ReassociationIndices &group : op.getReassociationIndices())
      if (llvm::count_if(group, [&](int64_t dim) {
            return op.getType().isDynamicDim(dim);
          }) > 1)
        llvm::append_range(joined, group);
    return joined;
  }

  static Value adjoint(tensor::ExpandShapeOp op, Value g, OpBuilder &builder,
                       ReverseState &state) {
    SmallVector<int64_t> joined = joinedDims(op);
    if (!joined.empty())
      g = state.maskSummed(op.getResult(), g, joined);
    return tensor::CollapseShapeOp::create(
        builder, op.getLoc(), op.getSrcType(), g, op.getReassociationIndices());
  }
};
} // namespace

void scan::attachTensorRules(MLIRContext *context) {
  tensor::ExtractSliceOp::attachInterface<ExtractRule>(*context);
  tensor::InsertSliceOp::attachInterface<InsertRule>(*context);
  tensor::ConcatOp::attachInterface<ConcatRule>(*context);
  tensor::CastOp::attachInterface<CastRule>(*context);
  tensor::CollapseShapeOp::attachInterface<CollapseRule>(*context);
  tensor::ExpandShapeOp::attachInterface<ExpandRule>(*context);
}
