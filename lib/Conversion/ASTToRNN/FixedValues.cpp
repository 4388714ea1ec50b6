// FixedValues.cpp - values that are known when compiling, whatever they are
// written with. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The reference interpreter says what an expression of numbers and sizes is:
// first values, probabilities of dropout, and other numbers that are fixed.
#include "Emitter.h"

#include "rnnc/Interpreter/Run.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::elab;

/// Entries of a first value that are written into the library one by one.
constexpr int64_t maxEntries = 1 << 20;

/// Whether an op gives the same in every run.
static bool isFixedOp(Operation *op) {
  if (isa<rnn::ParamOp, rnn::InputOp, rnn::OutputOp, rnn::FirstStateOp,
          rnn::UnfoldOp, rnn::DropoutOp, rnn::NoiseOp>(op))
    return false;
  if (auto scan = dyn_cast<rnn::ScanOp>(op))
    return !scan.getAxis().isTime();
  auto bind = dyn_cast<rnn::BindOp>(op);
  return !bind || !bind.getAxis().isTime();
}

/// Copies what an op reads from outside of a block to the place of the builder,
/// with all that this is made of; false if some of it is not fixed.
static bool bringIn(Operation *op, Region *region, OpBuilder &builder,
                    IRMapping &copies) {
  WalkResult all = op->walk([&](Operation *inner) {
    if (!isFixedOp(inner))
      return WalkResult::interrupt();
    for (OpOperand &operand : inner->getOpOperands()) {
      Value value = operand.get();
      Region *from = value.getParentRegion();
      bool isOwn = llvm::any_of(
          op->getRegions(), [&](Region &own) { return isWithin(from, &own); });
      if (isOwn || isWithin(from, region))
        continue;
      Operation *source = value.getDefiningOp();
      if (!copies.contains(value) &&
          (!source || !bringIn(source, region, builder, copies)))
        return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  if (all.wasInterrupted())
    return false;
  if (!isWithin(op->getParentRegion(), region))
    builder.clone(*op, copies);
  return true;
}

/// Whether all that a block computes is known, when what it reads is brought
/// in.
static bool isFixed(Block &block, OpBuilder &builder) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(&block);
  IRMapping copies;
  llvm::SmallVector<Operation *> ops;
  for (Operation &op : block)
    ops.push_back(&op);
  for (Operation *op : ops)
    if (!bringIn(op, block.getParent(), builder, copies))
      return false;
  for (Operation *op : ops)
    op->walk([&](Operation *inner) {
      for (OpOperand &operand : inner->getOpOperands())
        operand.set(copies.lookupOrDefault(operand.get()));
    });
  return true;
}

/// All entries of an expression as a value of `type`; nothing if it depends on
/// more than numbers and sizes.
std::optional<std::vector<double>>
Emitter::fixedValue(const ast::Expr &node, rnn::ValueType type, Env &env) {
  int64_t entries = 1;
  for (rnn::AxisAttr axis : type.getAxes()) {
    entries *= axis.getSize();
    if (entries > maxEntries)
      return std::nullopt;
  }
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(top->getBody());
  auto module = rnn::ModuleOp::create(
      builder, loc(node.range), "fixed value", "layer", "fixed value",
      builder.getDictionaryAttr({}), builder.getArrayAttr({}),
      builder.getDictionaryAttr({}));
  Block &block = module.getBody().emplaceBlock();
  builder.setInsertionPointToEnd(&block);
  std::optional<std::vector<double>> result;
  if (Value value = exprAs(node, type, env)) {
    rnn::ResultOp::create(builder, loc(node.range), value, "out");
    std::string message;
    std::optional<interp::Arrays> arrays;
    interp::RunOptions forward;
    forward.function = "forward";
    if (isFixed(block, builder))
      arrays = interp::run(module, {}, forward, message);
    if (arrays && arrays->count("out"))
      result = std::move((*arrays)["out"].data);
  }
  module.walk([&](Operation *op) { recurrences.erase(op); });
  module.erase();
  return result;
}

std::optional<double> Emitter::fixedNumber(const ast::Expr &node, Env &env) {
  if (std::optional<double> value = number(node, env))
    return value;
  auto value =
      fixedValue(node, rnn::ValueType::real(builder.getContext()), env);
  return value ? std::optional<double>(value->front()) : std::nullopt;
}

Thing Emitter::notFixed(SourceRange range, const std::string &what) {
  return error("E141", ownPlace(range),
               what + " has to be known when the program is compiled",
               "known only when it runs");
}
