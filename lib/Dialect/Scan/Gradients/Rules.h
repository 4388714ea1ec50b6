// Rules.h: shared by the files of rules.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_DIALECT_SCAN_GRADIENTS_RULES_H
#define RNNC_LIB_DIALECT_SCAN_GRADIENTS_RULES_H

#include "rnnc/Dialect/Grad/DifferentiableOpInterface.h"
#include "rnnc/Dialect/Grad/State.h"
#include "rnnc/Dialect/Scan/Scan.h"

namespace rnnc::scan {
using grad::ForwardState;
using grad::ReverseState;

/// Base of a rule: Model has `vjpRule(op, builder, state)` and `jvpRule`.
template <typename Model, typename OpTy>
struct Rule : grad::DifferentiableOpInterface::ExternalModel<Model, OpTy> {
  llvm::LogicalResult vjp(mlir::Operation *op, mlir::OpBuilder &builder,
                          ReverseState &state) const {
    return Model::vjpRule(llvm::cast<OpTy>(op), builder, state);
  }
  llvm::LogicalResult jvp(mlir::Operation *op, mlir::OpBuilder &builder,
                          ForwardState &state) const {
    return Model::jvpRule(llvm::cast<OpTy>(op), builder, state);
  }
};

/// For a map that is linear in one operand with the others fixed and keeps its
/// form: the op again, with the tangent in the operand's place.
mlir::Value cloneWith(mlir::OpBuilder &builder, mlir::Operation *op,
                      mlir::Value operand, mlir::Value tangent);

/// An op that is linear in its first operand and does not depend on others that
/// are real: Model has `adjoint(op, cotangent, builder, state)`, the first
/// operand's part of the cotangent. `picks`: the result may leave out entries
/// of the operand, whose cotangent is filled up with zeros.
template <typename Model, typename OpTy, bool picks = false>
struct LinearRule : Rule<Model, OpTy> {
  static llvm::LogicalResult vjpRule(OpTy op, mlir::OpBuilder &builder,
                                     ReverseState &state) {
    mlir::Value g = state.cotangent(op->getResult(0));
    auto adjoint = [op, &builder, &state](mlir::Value g) {
      return Model::adjoint(op, g, builder, state);
    };
    grad::SupportRef support = state.through(op->getResult(0), adjoint, picks);
    state.accumulate(op->getOperand(0), adjoint(g), support);
    return llvm::success();
  }
  static llvm::LogicalResult jvpRule(OpTy op, mlir::OpBuilder &builder,
                                     ForwardState &state) {
    mlir::Value operand = op->getOperand(0);
    if (mlir::Value t = state.tangent(operand))
      state.setTangent(op->getResult(0), cloneWith(builder, op, operand, t));
    return llvm::success();
  }
};

/// Short names for arithmetic.
struct Calculator {
  mlir::OpBuilder &builder;
  mlir::Location loc;
  /// A number in the shape of the values at hand.
  llvm::function_ref<mlir::Value(double)> number;

  mlir::Value add(mlir::Value a, mlir::Value b) {
    return mlir::arith::AddFOp::create(builder, loc, a, b);
  }
  mlir::Value sub(mlir::Value a, mlir::Value b) {
    return mlir::arith::SubFOp::create(builder, loc, a, b);
  }
  mlir::Value mul(mlir::Value a, mlir::Value b) {
    return mlir::arith::MulFOp::create(builder, loc, a, b);
  }
  mlir::Value div(mlir::Value a, mlir::Value b) {
    return mlir::arith::DivFOp::create(builder, loc, a, b);
  }
  mlir::Value neg(mlir::Value a) {
    return mlir::arith::NegFOp::create(builder, loc, a);
  }
  mlir::Value compare(mlir::arith::CmpFPredicate kind, mlir::Value a,
                      mlir::Value b) {
    return mlir::arith::CmpFOp::create(builder, loc, kind, a, b);
  }
  mlir::Value select(mlir::Value condition, mlir::Value a, mlir::Value b) {
    return mlir::arith::SelectOp::create(builder, loc, condition, a, b);
  }
};

/// Whether the program says by the condition which examples, steps or entries
/// count: not a maximum or minimum, and no dropout.
bool isProgramsChoice(mlir::arith::SelectOp op);

/// Forward mode of a time loop: it carries the tangents beside the values.
llvm::LogicalResult extendByTangents(LoopOp loop, ForwardState &state);

void attachElementwiseRules(mlir::MLIRContext *context);
void attachMathRules(mlir::MLIRContext *context);
void attachTensorRules(mlir::MLIRContext *context);
void attachShapeRules(mlir::MLIRContext *context);
void attachSequenceRules(mlir::MLIRContext *context);
void attachReduceRules(mlir::MLIRContext *context);
void attachProductRules(mlir::MLIRContext *context);
void attachLoopRules(mlir::MLIRContext *context);

} // namespace rnnc::scan

#endif // RNNC_LIB_DIALECT_SCAN_GRADIENTS_RULES_H
