// Requests.cpp: verification of requests for gradients.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/Grad/Grad.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::grad;

static bool isReal(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && isa<FloatType>(tensor.getElementType());
}

// `numbers` must name different real-valued entries of `types`.
static LogicalResult checkNumbers(Operation *op, StringRef name,
                                  ArrayRef<int64_t> numbers,
                                  ArrayRef<Type> types, StringRef what) {
  llvm::SmallDenseSet<int64_t> seen;
  for (int64_t number : numbers) {
    if (number < 0 || number >= static_cast<int64_t>(types.size()))
      return op->emitOpError() << name << " names " << what << ' ' << number
                               << " of " << types.size();
    if (!seen.insert(number).second)
      return op->emitOpError()
             << name << " names " << what << ' ' << number << " twice";
    if (!isReal(types[number]))
      return op->emitOpError() << what << ' ' << number << ", " << types[number]
                               << ", has no gradient";
  }
  return success();
}

static LogicalResult checkTypes(Operation *op, TypeRange found,
                                ArrayRef<Type> expected, StringRef what) {
  if (found.size() != expected.size())
    return op->emitOpError("has ")
           << found.size() << ' ' << what << "s, needs " << expected.size();
  for (auto [number, pair] : llvm::enumerate(llvm::zip_equal(found, expected)))
    if (std::get<0>(pair) != std::get<1>(pair))
      return op->emitOpError()
             << what << ' ' << number << " is " << std::get<0>(pair)
             << ", should be " << std::get<1>(pair);
  return success();
}

template <typename OpTy>
static LogicalResult verifyRequest(OpTy op, SymbolTableCollection &tables,
                                   bool reverse, TypeRange seeds) {
  auto callee =
      tables.lookupNearestSymbolFrom<func::FuncOp>(op, op.getCalleeAttr());
  if (!callee)
    return op.emitOpError("there is no function ") << op.getCalleeAttr();
  if (callee.isExternal())
    return op.emitOpError("the function ")
           << op.getCalleeAttr() << " has no body";
  FunctionType type = callee.getFunctionType();
  if (failed(checkTypes(op, op.getArgs().getTypes(), type.getInputs(),
                        "argument")) ||
      failed(
          checkNumbers(op, "wrt", op.getWrt(), type.getInputs(), "argument")) ||
      failed(checkNumbers(op, "of", op.getOf(), type.getResults(), "result")))
    return failure();
  SmallVector<Type> seedTypes, results(type.getResults());
  for (int64_t number : reverse ? op.getOf() : op.getWrt())
    seedTypes.push_back(reverse ? type.getResult(number)
                                : type.getInput(number));
  for (int64_t number : reverse ? op.getWrt() : op.getOf())
    results.push_back(reverse ? type.getInput(number) : type.getResult(number));
  if (failed(
          checkTypes(op, seeds, seedTypes, reverse ? "cotangent" : "tangent")))
    return failure();
  return checkTypes(op, op.getResultTypes(), results, "result");
}

LogicalResult VjpOp::verifySymbolUses(SymbolTableCollection &tables) {
  return verifyRequest(*this, tables, true, getCotangents().getTypes());
}

LogicalResult JvpOp::verifySymbolUses(SymbolTableCollection &tables) {
  return verifyRequest(*this, tables, false, getTangents().getTypes());
}
