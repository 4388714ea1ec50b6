// Evaluator.h: the values of a function while it is evaluated.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_INTERPRETER_SCAN_EVALUATOR_H
#define RNNC_LIB_INTERPRETER_SCAN_EVALUATOR_H

#include "rnnc/Interpreter/Scan.h"

#include "rnnc/Dialect/Scan/Scan.h"

namespace rnnc::interpreter {

using Index = llvm::SmallVector<int64_t, 6>;

/// Calls `body` for every index of a shape, in row-major order.
void forEach(llvm::ArrayRef<int64_t> shape,
             llvm::function_ref<void(llvm::ArrayRef<int64_t>)> body);

/// The numbers of an index at these dimensions.
Index pick(llvm::ArrayRef<int64_t> index, llvm::ArrayRef<int64_t> dims);

/// The numbers of an index at the other dimensions.
Index drop(llvm::ArrayRef<int64_t> index, llvm::ArrayRef<int64_t> dims);

class Evaluator {
public:
  mlir::LogicalResult run(mlir::Block &block);

  void set(mlir::Value value, Tensor tensor) {
    values[value] = std::move(tensor);
  }
  const Tensor &get(mlir::Value value) { return values.find(value)->second; }
  /// A scalar as a whole number.
  int64_t integer(mlir::Value value) { return int64_t(get(value).data[0]); }
  /// The shape of a tensor type whose dynamic sizes are given, in order.
  std::vector<int64_t> shapeOf(mlir::Type type, mlir::ValueRange sizes);

private:
  mlir::LogicalResult eval(mlir::Operation &op);
  /// Each tries its ops; false if the op is none of them.
  bool elementwise(mlir::Operation &op);
  bool structured(mlir::Operation &op);
  bool slices(mlir::Operation &op);
  bool sequences(mlir::Operation &op);
  mlir::LogicalResult loop(scan::LoopOp op);
  mlir::LogicalResult call(mlir::func::CallOp op);

  void constant(mlir::arith::ConstantOp op);
  void broadcast(scan::BroadcastOp op);
  void reduce(scan::ReduceOp op);
  void argmax(scan::ArgmaxOp op);
  void dot(scan::DotOp op);
  void gather(scan::GatherOp op);
  void scatterAdd(scan::ScatterAddOp op);
  void extract(mlir::tensor::ExtractSliceOp op);
  void insert(mlir::tensor::InsertSliceOp op);
  void concat(mlir::tensor::ConcatOp op);
  void collapse(mlir::tensor::CollapseShapeOp op);
  void mask(scan::MaskOp op);
  void random(scan::RandomOp op);
  template <typename OpTy>
  int64_t validSteps(OpTy op, mlir::ArrayRef<int64_t> shape,
                     mlir::ArrayRef<int64_t> index);
  void reverse(scan::ReverseOp op);
  void shift(scan::ShiftOp op);
  void pickStep(scan::PickStepOp op);
  void placeStep(scan::PlaceStepOp op);
  void segments(scan::SegmentsOp op);
  void chunks(scan::ChunksOp op);
  void split(scan::SplitOp op);
  void join(scan::JoinOp op);
  void partLengths(scan::PartLengthsOp op);
  /// `enter` and `leave`: swaps the batch and the time axes.
  void relayout(mlir::Operation &op, bool entering);
  /// The length of an example, or the number of steps where none is given.
  int64_t lengthOf(mlir::Value lengths, int64_t row, int64_t steps);
  Index offsets(mlir::OffsetSizeAndStrideOpInterface op);

  llvm::DenseMap<mlir::Value, Tensor> values;
};

} // namespace rnnc::interpreter

#endif // RNNC_LIB_INTERPRETER_SCAN_EVALUATOR_H
