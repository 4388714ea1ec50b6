// GemmPairs.cpp: products of two bf16 at a time.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// VDPBF16PS multiplies the two bf16 of each word with those of another one and
// adds both products to an f32. The left operand is rounded as it is read: that
// costs an instruction for a row and two steps, and no memory.

#include "GemmCode.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace rnnc {

/// Twice the lanes, of bf16.
static VectorType halvesOf(const GemmShape &shape, OpBuilder &b) {
  return VectorType::get({2 * int64_t(shape.lanes)}, b.getBF16Type());
}

static Value callX86(OpBuilder &b, Location loc, const GemmShape &shape,
                     StringRef name, Type type, ValueRange operands) {
  std::string whole =
      ("llvm.x86.avx512bf16." + name + "." + Twine(shape.lanes * 32)).str();
  return LLVM::CallIntrinsicOp::create(b, loc, type, b.getStringAttr(whole),
                                       operands)
      .getResult(0);
}

Value GemmCode::splatPair(Value first, Value second) {
  Type word = b.getI64Type();
  Value both;
  if (second) {
    auto two = VectorType::get({2}, element);
    Value numbers = vector::FromElementsOp::create(
        b, loc, two, ValueRange{loadScalar(first), loadScalar(second)});
    both = vector::ExtractOp::create(
        b, loc,
        vector::BitCastOp::create(b, loc, VectorType::get({1}, word), numbers),
        0);
  } else {
    both = load(word, first);
  }
  auto words = VectorType::get({int64_t(shape.lanes) / 2}, word);
  Value all = vector::BitCastOp::create(
      b, loc, vector, vector::BroadcastOp::create(b, loc, words, both));
  return callX86(b, loc, shape, "cvtne2ps2bf16", halvesOf(shape, b),
                 ValueRange{all, all});
}

Value GemmCode::loadPairs(Value pointer) {
  return vector::BitCastOp::create(
      b, loc, halvesOf(shape, b),
      load(likeWith(vector, b.getI32Type()), pointer));
}

Value GemmCode::multiplyAddPairs(Value x, Value y, Value z) {
  return callX86(b, loc, shape, "dpbf16ps", vector, ValueRange{z, x, y});
}

} // namespace rnnc
