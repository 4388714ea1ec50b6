// Labels.cpp: names of ops as the language writes them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Labels.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace rnnc;

/// An axis that has only its size for a name says it once.
static std::string axisText(rnn::AxisAttr axis) {
  if (axis.isTime())
    return axis.getName().str();
  std::string size = std::to_string(axis.getSize());
  return axis.getName() == size ? size : (axis.getName() + "=" + size).str();
}

std::string graph::shapeText(Type type) {
  if (auto dist = dyn_cast<rnn::DistType>(type))
    type = dist.getValue();
  auto value = dyn_cast<rnn::ValueType>(type);
  if (!value)
    return "";
  if (value.getAxes().empty()) {
    if (value.isIndex() && value.getIndexAxis())
      return "in " + axisText(value.getIndexAxis());
    return rnn::stringifyValueKind(value.getKind()).str();
  }
  std::string text = "[";
  for (auto [i, axis] : llvm::enumerate(value.getAxes()))
    text += (i ? ", " : "") + axisText(axis);
  text += "]";
  if (value.isIndex() && value.getIndexAxis())
    text += " in " + axisText(value.getIndexAxis());
  else if (!value.isReal())
    text += " " + rnn::stringifyValueKind(value.getKind()).str();
  return text;
}

std::string graph::countText(int64_t count) {
  std::string digits = std::to_string(count);
  for (size_t i = digits.size(); i > 3; i -= 3)
    digits.insert(i - 3, ",");
  return digits;
}

static StringRef sign(StringRef word) {
  return llvm::StringSwitch<StringRef>(word)
      .Case("add", "+")
      .Case("sub", "−")
      .Case("mul", "×")
      .Case("div", "÷")
      .Case("pow", "^")
      .Case("lt", "<")
      .Case("gt", ">")
      .Case("le", "≤")
      .Case("ge", "≥")
      .Case("eq", "==")
      .Case("ne", "!=")
      .Case("neg", "−")
      .Default(word);
}

std::string graph::opText(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::string>(op)
      .Case([](rnn::UnaryOp op) {
        return sign(rnn::stringifyUnaryKind(op.getKind())).str();
      })
      .Case([](rnn::BinaryOp op) {
        return sign(rnn::stringifyBinaryKind(op.getKind())).str();
      })
      .Case([](rnn::CompareOp op) {
        return sign(rnn::stringifyCompareKind(op.getKind())).str();
      })
      .Case([](rnn::ReduceLastOp op) {
        return rnn::stringifyReduceKind(op.getKind()).str();
      })
      .Case([](rnn::SequenceOp op) {
        return rnn::stringifySequenceKind(op.getKind()).str();
      })
      .Case([](rnn::BindOp op) {
        StringRef kind = rnn::stringifyBindKind(op.getKind());
        bool isFor = op.getKind() == rnn::BindKind::For;
        return (kind + (isFor ? " each " : " over ") + axisText(op.getAxis()))
            .str();
      })
      .Case([](rnn::DistOp op) {
        return rnn::stringifyDistKind(op.getKind()).str();
      })
      .Case([](rnn::LawOp op) { return op.getName().str(); })
      .Case([](rnn::MatchOp) { return std::string("@"); })
      .Case([](rnn::JoinOp) { return std::string("++"); })
      .Case([](rnn::SelectOp) { return std::string("if"); })
      .Case([](rnn::LookupOp) { return std::string("look up"); })
      .Default(
          [](Operation *op) { return op->getName().stripDialect().str(); });
}

std::string graph::bodyText(Operation *op) {
  SmallVector<std::string> seen;
  op->walk([&](Operation *inner) {
    if (inner == op || isa<rnn::YieldOp, rnn::ConstantOp>(inner))
      return;
    std::string text = opText(inner);
    if (!llvm::is_contained(seen, text))
      seen.push_back(text);
  });
  std::string all;
  for (auto [i, text] : llvm::enumerate(seen))
    if (i < 7)
      all += (i ? "  " : "") + text;
    else if (i == 7)
      all += "  …";
  return all;
}
