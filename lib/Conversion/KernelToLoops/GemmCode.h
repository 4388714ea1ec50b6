// GemmCode.h: the code that matrix product routines are written with.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_CONVERSION_KERNELTOLOOPS_GEMMCODE_H
#define RNNC_LIB_CONVERSION_KERNELTOLOOPS_GEMMCODE_H

#include "GemmBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace rnnc {

/// The type, of a number or a vector, with other elements.
mlir::Type likeWith(mlir::Type type, mlir::Type element);

class GemmCode;

/// Where rows of A and C begin: row `i + r`, or what the list names there.
void listRows(GemmCode &e, mlir::Value list, mlir::Value i, mlir::Value count,
              mlir::Value rs, mlir::Value ldc, mlir::Value ofA,
              mlir::Value ofC);

/// Writes i64 arithmetic, loops and vector accesses on raw pointers.
class GemmCode {
public:
  using Value = mlir::Value;
  using Values = llvm::SmallVector<Value>;

  GemmCode(mlir::OpBuilder &b, mlir::Location loc, mlir::Type element,
           const GemmShape &shape, kernel::TargetAttr target)
      : b(b), loc(loc), element(element), shape(shape), hasFma(target.getFma()),
        hasDots(target.getDots() == 4),
        hasPairs(shape.stored == 16 && target.getHalfDots() == 2),
        vector(mlir::VectorType::get({int64_t(shape.lanes)}, element)) {}

  Value i64(int64_t v) {
    return mlir::arith::ConstantIntOp::create(b, loc, b.getI64Type(), v);
  }
  Value flag(bool v) {
    return mlir::arith::ConstantOp::create(b, loc, b.getBoolAttr(v));
  }
  Value add(Value x, Value y) {
    return b.createOrFold<mlir::arith::AddIOp>(loc, x, y);
  }
  Value sub(Value x, Value y) {
    return b.createOrFold<mlir::arith::SubIOp>(loc, x, y);
  }
  Value mul(Value x, Value y) {
    return b.createOrFold<mlir::arith::MulIOp>(loc, x, y);
  }
  Value min(Value x, Value y) {
    return mlir::arith::MinSIOp::create(b, loc, x, y);
  }
  Value max(Value x, Value y) {
    return mlir::arith::MaxSIOp::create(b, loc, x, y);
  }
  Value quotient(Value x, Value y) {
    return mlir::arith::DivUIOp::create(b, loc, x, y);
  }
  Value remainder(Value x, Value y) {
    return mlir::arith::RemUIOp::create(b, loc, x, y);
  }
  Value ceilDiv(Value x, Value y) {
    return mlir::arith::CeilDivSIOp::create(b, loc, x, y);
  }
  Value less(Value x, Value y) {
    return mlir::arith::CmpIOp::create(b, loc, mlir::arith::CmpIPredicate::slt,
                                       x, y);
  }
  Value equal(Value x, Value y) {
    return mlir::arith::CmpIOp::create(b, loc, mlir::arith::CmpIPredicate::eq,
                                       x, y);
  }
  /// Of conditions, or of bits.
  Value both(Value x, Value y) {
    return mlir::arith::AndIOp::create(b, loc, x, y);
  }
  Value either(Value x, Value y) {
    return mlir::arith::OrIOp::create(b, loc, x, y);
  }
  Value select(Value condition, Value x, Value y) {
    return mlir::arith::SelectOp::create(b, loc, condition, x, y);
  }

  /// Address of element `at`.
  Value address(Value pointer, Value at);
  Value byteAddress(Value pointer, Value bytes);
  /// Packed B may be stored in 16 bits a number: then those of two steps of K
  /// share a word. The lower half is the first, as bf16; the word as a whole is
  /// the second as f32, whose upper half was chosen for what the lower one
  /// adds: it is as near as bf16, and needs no instruction. An odd last step
  /// has the lower half of a word of its own. `at` counts numbers, an even
  /// number of steps; `kStored` are the steps that there is room for.
  ///
  /// Of integers (8 bits) four steps share a word, and behind all words of a
  /// column stand its correction and its scale (kernel.pack): `at` counts
  /// words. Tiles count words as steps; `kOfTiles` are those there is room for.
  Value addressOfStored(Value pointer, Value at);
  Value kStored(Value k);
  Value kOfTiles(Value k);
  Value addressOfWord(Value pointer, Value at);
  /// A vector of the first or the second step; `keep`: there are registers to
  /// keep what is loaded for the first one.
  Value loadStored(Value pointer, bool second, bool keep);
  /// Writes the numbers at `column`, `rs` apart, as column `within` of a panel
  /// that has `stride` columns.
  void writeStored(Value column, Value rs, Value k, Value panel, Value stride,
                   Value within);
  /// A row as kernel.quantize makes it.
  void writeQuantized(Value row, Value k, Value to);
  unsigned alignment() const { return element.getIntOrFloatBitWidth() / 8; }
  /// What lies at a pointer, with the alignment of an element.
  Value load(mlir::Type type, Value pointer);
  /// Number `i` of the i64 at a pointer.
  Value loadIndex(Value pointer, unsigned i);
  Value loadIndex(Value pointer, Value i);
  Value addressOfIndex(Value pointer, Value i);
  void storeIndex(Value v, Value pointer, Value i);
  /// Room for so many i64, in the function's frame.
  Value allocateIndices(int64_t count);
  Value isNull(Value pointer);
  Value loadScalar(Value pointer) { return load(element, pointer); }
  /// Transposes kSquare vectors of kSquare elements.
  static constexpr int64_t kSquare = 8;
  Values transposeSquare(Values lines);
  Value loadVector(Value pointer) { return load(vector, pointer); }
  void store(Value v, Value pointer);
  /// Lanes below `left`.
  Value mask(Value left);
  Value loadMasked(Value pointer, Value mask);
  void storeMasked(Value v, Value pointer, Value mask);
  /// Asks for the cache line of `pointer`, down to the second level.
  void fetch(Value pointer);

  /// Zeros for so many elements.
  void fillZero(Value pointer, Value count);

  Value splat(Value scalar);
  Value zero();
  Value fma(Value x, Value y, Value z);

  /// What sums of a tile begin with, an element or word of the left operand in
  /// all lanes, and z + x y: of integers where the right operand has such.
  Value zeroSum();
  Value splatLeft(Value pointer);
  Value multiplyAdd(Value x, Value y, Value z);
  Value addSums(Value x, Value y);
  /// Where `hasPairs`: what a row has for two steps, as the bf16 of a word in
  /// all lanes (`second`: where the second number is, if not behind the first);
  /// the words of a right operand; z + the products of the pairs.
  Value splatPair(Value first, Value second);
  Value loadPairs(Value pointer);
  Value multiplyAddPairs(Value x, Value y, Value z);
  /// The numbers that sums of integers stand for; `behind` are the addresses of
  /// the column's correction and scale, `scale` that of the row's.
  Value sumOf(Value sum, Value correction, Value columnScale, Value rowScale);
  Value addf(Value x, Value y) {
    return mlir::arith::AddFOp::create(b, loc, x, y);
  }

  Values loop(Value from, Value to, Value step, mlir::ValueRange init,
              llvm::function_ref<Values(Value, mlir::ValueRange)> body);
  void loop(Value from, Value to, Value step,
            llvm::function_ref<void(Value)> body);
  void ifThenElse(Value condition, llvm::function_ref<void()> yes,
                  llvm::function_ref<void()> no = nullptr);
  void call(mlir::func::FuncOp callee, mlir::ValueRange args);
  /// Of the team that a context has now, up to the tasks of the schedule. What
  /// is cut into as many parts must not depend on that.
  Value members(Value context);

  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::Type element;
  GemmShape shape;
  bool hasFma, hasDots;
  bool hasPairs; ///< two steps of bf16 are multiplied at once
  mlir::VectorType vector;

private:
  /// Writes the numbers that `load` reads for each step of K; what `to` names
  /// is the word of a step and the next, or number so much of the words.
  void writePairs(Value k, llvm::function_ref<Value(Value)> load,
                  llvm::function_ref<Value(Value)> to);
  void writeWords(Value k, llvm::function_ref<Value(Value)> load,
                  llvm::function_ref<Value(Value)> to);
};

} // namespace rnnc

#endif // RNNC_LIB_CONVERSION_KERNELTOLOOPS_GEMMCODE_H
