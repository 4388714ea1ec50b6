// Evaluator.cpp: blocks and functions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Evaluator.h"

#include "mlir/IR/SymbolTable.h"

using namespace mlir;

namespace rnnc::interpreter {

std::vector<int64_t> Evaluator::shapeOf(Type type, ValueRange sizes) {
  std::vector<int64_t> shape(cast<RankedTensorType>(type).getShape());
  auto next = sizes.begin();
  for (int64_t &size : shape)
    if (ShapedType::isDynamic(size))
      size = integer(*next++);
  return shape;
}

LogicalResult Evaluator::call(func::CallOp op) {
  auto callee = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
      op, op.getCalleeAttr());
  if (!callee)
    return op.emitError("calls an unknown function");
  std::vector<Tensor> args;
  for (Value value : op.getOperands())
    args.push_back(get(value));
  auto results = evaluate(callee, args);
  if (failed(results))
    return failure();
  for (auto [value, result] : llvm::zip(op.getResults(), *results))
    set(value, std::move(result));
  return success();
}

LogicalResult Evaluator::eval(Operation &op) {
  if (auto inner = dyn_cast<scan::LoopOp>(op))
    return loop(inner);
  if (auto inner = dyn_cast<func::CallOp>(op))
    return call(inner);
  if (structured(op) || slices(op) || sequences(op) || elementwise(op))
    return success();
  return op.emitError("the interpreter does not know this op");
}

LogicalResult Evaluator::run(Block &block) {
  for (Operation &op : block.without_terminator())
    if (failed(eval(op)))
      return failure();
  return success();
}

static bool fits(Type type, const Tensor &tensor) {
  auto shaped = dyn_cast<RankedTensorType>(type);
  if (!shaped)
    return tensor.shape.empty();
  if (size_t(shaped.getRank()) != tensor.shape.size())
    return false;
  for (auto [want, have] : llvm::zip(shaped.getShape(), tensor.shape))
    if (!ShapedType::isDynamic(want) && want != have)
      return false;
  return true;
}

FailureOr<std::vector<Tensor>> evaluate(func::FuncOp function,
                                        ArrayRef<Tensor> args) {
  if (function.isDeclaration() || function.getNumArguments() != args.size()) {
    function.emitError() << "takes " << function.getNumArguments()
                         << " arguments, not " << args.size();
    return failure();
  }
  Evaluator evaluator;
  for (auto [i, value] : llvm::enumerate(function.getArguments())) {
    if (!fits(value.getType(), args[i])) {
      function.emitError() << "argument " << i << " is a " << value.getType();
      return failure();
    }
    evaluator.set(value, args[i]);
  }
  Block &body = function.getBody().front();
  if (failed(evaluator.run(body)))
    return failure();
  std::vector<Tensor> results;
  for (Value value : body.getTerminator()->getOperands())
    results.push_back(evaluator.get(value));
  return results;
}

} // namespace rnnc::interpreter
