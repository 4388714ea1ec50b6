// GemmCode.cpp: the code that matrix product routines are written with.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "GemmCode.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace rnnc {

Value GemmCode::address(Value pointer, Value at) {
  return LLVM::GEPOp::create(b, loc, pointer.getType(), element, pointer,
                             ArrayRef<LLVM::GEPArg>{at});
}

Value GemmCode::byteAddress(Value pointer, Value bytes) {
  return LLVM::GEPOp::create(b, loc, pointer.getType(), b.getI8Type(), pointer,
                             ArrayRef<LLVM::GEPArg>{bytes});
}

Value GemmCode::loadIndex(Value pointer, unsigned i) {
  Value at = LLVM::GEPOp::create(b, loc, pointer.getType(), b.getI64Type(),
                                 pointer, ArrayRef<LLVM::GEPArg>{int32_t(i)});
  return LLVM::LoadOp::create(b, loc, b.getI64Type(), at);
}

Value GemmCode::addressOfIndex(Value pointer, Value i) {
  return LLVM::GEPOp::create(b, loc, pointer.getType(), b.getI64Type(), pointer,
                             ArrayRef<LLVM::GEPArg>{i});
}

Value GemmCode::loadIndex(Value pointer, Value i) {
  return LLVM::LoadOp::create(b, loc, b.getI64Type(),
                              addressOfIndex(pointer, i));
}

void GemmCode::storeIndex(Value v, Value pointer, Value i) {
  LLVM::StoreOp::create(b, loc, v, addressOfIndex(pointer, i));
}

Value GemmCode::allocateIndices(int64_t count) {
  return LLVM::AllocaOp::create(b, loc,
                                LLVM::LLVMPointerType::get(b.getContext()),
                                b.getI64Type(), i64(count), /*alignment=*/64);
}

Value GemmCode::isNull(Value pointer) {
  Value null = LLVM::ZeroOp::create(b, loc, pointer.getType());
  return LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::eq, pointer, null);
}

Value GemmCode::load(Type type, Value pointer) {
  return LLVM::LoadOp::create(b, loc, type, pointer, alignment());
}

void GemmCode::store(Value v, Value pointer) {
  LLVM::StoreOp::create(b, loc, v, pointer, alignment());
}

Value GemmCode::mask(Value left) { return laneMask(b, loc, shape.lanes, left); }

Value GemmCode::loadMasked(Value pointer, Value mask) {
  return LLVM::MaskedLoadOp::create(b, loc, Type(vector), pointer, mask, zero(),
                                    uint32_t(alignment()));
}

void GemmCode::storeMasked(Value v, Value pointer, Value mask) {
  LLVM::MaskedStoreOp::create(b, loc, v, pointer, mask, uint32_t(alignment()));
}

Value GemmCode::splat(Value scalar) {
  return vector::BroadcastOp::create(b, loc, vector, scalar);
}

Value GemmCode::zero() {
  return arith::ConstantOp::create(b, loc, b.getZeroAttr(vector));
}

Value GemmCode::fma(Value x, Value y, Value z) {
  if (hasFma)
    return math::FmaOp::create(b, loc, x, y, z);
  return addf(arith::MulFOp::create(b, loc, x, y), z);
}

GemmCode::Values GemmCode::loop(Value from, Value to, Value step,
                                ValueRange init,
                                function_ref<Values(Value, ValueRange)> body) {
  return Values(buildLoop(b, loc, from, to, step, init, body).getResults());
}

void GemmCode::loop(Value from, Value to, Value step,
                    function_ref<void(Value)> body) {
  loop(from, to, step, {}, [&](Value iv, ValueRange) -> Values {
    body(iv);
    return {};
  });
}

void GemmCode::ifThenElse(Value condition, function_ref<void()> yes,
                          function_ref<void()> no) {
  buildIf(b, loc, condition, yes, no);
}

void GemmCode::call(func::FuncOp callee, ValueRange args) {
  func::CallOp::create(b, loc, callee, args);
}

} // namespace rnnc
