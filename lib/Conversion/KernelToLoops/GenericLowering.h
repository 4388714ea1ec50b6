// GenericLowering.h: one linalg.generic on memrefs as vector loops.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One loop dimension is chosen to run through the vector lanes: the one along
// which most operands are contiguous. The others become scalar loops, parallel
// ones outside, reduced ones inside. Where the vector dimension is parallel a
// reduction adds up whole vectors; where it is reduced, a fixed number of
// vector accumulators is combined in a fixed tree, so the result depends on
// the sizes and the target only.
//
// A long sum of f32 is added up a few terms at a time, the parts in f64: added
// one by one, a million equal terms lose three digits.

#ifndef RNNC_LIB_CONVERSION_KERNELTOLOOPS_GENERICLOWERING_H
#define RNNC_LIB_CONVERSION_KERNELTOLOOPS_GENERICLOWERING_H

#include "Lowering.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

namespace rnnc {

/// Lowers one op.
class GenericLowering {
public:
  GenericLowering(mlir::linalg::GenericOp op, kernel::TargetAttr target)
      : op(op), target(target), schedule(kernel::scheduleOf(op)), b(op),
        loc(op.getLoc()) {}

  mlir::LogicalResult run();

private:
  using Value = mlir::Value;
  using Values = llvm::SmallVector<Value>;
  using Dims = llvm::ArrayRef<unsigned>;

  /// How an operand meets the vector dimension.
  enum class Access { Invariant, Contiguous, Strided };

  /// Where the region is computed.
  struct Lane {
    Value offset;        ///< index along the vector dimension
    Value mask;          ///< set in a masked tail
    bool vector = false; ///< lanes run along the vector dimension
  };

  // Choices (GenericPlan.cpp).
  void findSizes();
  void findReductions();
  void findLongSums();
  void chooseVectorDim();
  int scoreOf(unsigned dim);
  Access accessOf(mlir::OpOperand &operand);
  bool hasStridedOperand();

  // Loops (GenericLoops.cpp, GenericNests.cpp).
  Values loop(Value lb, Value ub, Value step, mlir::ValueRange init,
              llvm::function_ref<Values(Value, mlir::ValueRange)> body,
              bool independent = false);
  void parallelLoops(Dims dims, llvm::function_ref<void()> body,
                     bool outermost = true);
  Values reductionLoops(Dims dims, Values accs,
                        llvm::function_ref<Values(Values)> body);
  void blocks(Value size, int64_t known, int64_t step, bool independent,
              llvm::function_ref<void(Value, Value)> body);
  Value wholeSteps(Value start, Value size, int64_t known, int64_t step);
  void vectorParallel();
  void vectorRange(Value start, Value size, int64_t known);
  void reducedInBlocks(llvm::function_ref<void()> body);
  void vectorChunk(Value base, unsigned count, Value mask, bool scalar);
  void vectorReduced();
  Values neutralAccumulators(unsigned unroll, bool scalarToo);
  Values sumAlongVectors(unsigned unroll, bool strided, Value start, Value size,
                         int64_t known, Values accs);
  Values addSets(unsigned unroll, Values accs);
  void storeTotals(unsigned unroll, bool strided, Values accs);
  void allScalar();

  // Long sums (LongSums.cpp).
  enum class Part { Start, Add, Finish };
  void longAlongVectors();
  void longAcrossVectors();
  void longScalar();
  void sumColumns(Value from, Value to, int64_t known);
  void inFewTerms(llvm::function_ref<void()> body);
  void longChunk(Dims all, llvm::ArrayRef<Lane> pieces, bool scalar);
  void blocksOf(Value size, Value step,
                llvm::function_ref<void(Value, Value)> body);
  void within(unsigned dim, Value from, Value to,
              llvm::function_ref<void()> body);
  Values neutralTotals(bool vector);
  Values neutralTerms(bool vector);
  Value toTotal(unsigned i, Value term);
  Value fromTotal(unsigned i, Value total);
  Value addTotals(unsigned i, Value x, Value y);
  Values addTerms(mlir::ValueRange totals, mlir::ValueRange terms);
  Value atPart(const Lane &lane);

  // The region (GenericBody.cpp).
  Values loadOutputs(const Lane &lane, Dims which);
  void storeOutput(unsigned number, Value value, const Lane &lane);
  Values computeBody(const Lane &lane, mlir::ValueRange accs);
  mlir::IRMapping bodyArguments(const Lane &lane, mlir::ValueRange accs);
  void computeOp(mlir::Operation &inner, mlir::IRMapping &map,
                 const Lane &lane);
  Value load(mlir::OpOperand &operand, const Lane &lane);
  Values indicesOf(mlir::OpOperand &operand, const Lane &lane);
  Value widen(Value v);

  // Reductions (GenericCombine.cpp).
  bool combinersKnown();
  bool isSum(unsigned output);
  Value combineLanes(Value vec, unsigned output);
  Value combine(unsigned output, Value x, Value y);
  Value neutral(unsigned output, mlir::Type type);

  Value index(int64_t v) {
    return mlir::arith::ConstantIndexOp::create(b, loc, v);
  }
  Value add(Value x, Value y) {
    return b.createOrFold<mlir::arith::AddIOp>(loc, x, y);
  }
  Value sub(Value x, Value y) {
    return b.createOrFold<mlir::arith::SubIOp>(loc, x, y);
  }
  static bool isStaticSize(int64_t size) {
    return !mlir::ShapedType::isDynamic(size);
  }

  mlir::linalg::GenericOp op;
  kernel::TargetAttr target;
  kernel::ScheduleAttr schedule;
  mlir::OpBuilder b;
  mlir::Location loc;
  llvm::SmallVector<int64_t> staticSizes;
  Values sizes, ivs;
  /// Loop dimensions but the vector one.
  llvm::SmallVector<unsigned> parallel, reduced;
  llvm::SmallVector<unsigned> accumulated; ///< outputs that are reductions
  /// The parts of the dimensions that are added up now; null: all.
  Values partFrom, partTo;
  /// Of the accumulated outputs, those that are long sums of f32; empty: none.
  llvm::SmallVector<bool> isLong;
  /// Of the long sums: the totals of the columns from `partStart` on.
  Values totals;
  Value partStart;
  Part part = Part::Add;
  int vecDim = -1;
  unsigned lanes = 1;
  bool vecReduced = false;
  bool mixed = false; ///< outputs with different reduced dims: plain loops
};

} // namespace rnnc

#endif // RNNC_LIB_CONVERSION_KERNELTOLOOPS_GENERICLOWERING_H
