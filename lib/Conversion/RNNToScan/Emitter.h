// Emitter.h: batched values with named dimensions, and the code that aligns
// them. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_CONVERSION_RNNTOSCAN_EMITTER_H
#define RNNC_LIB_CONVERSION_RNNTOSCAN_EMITTER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "rnnc/Dialect/Scan/Scan.h"
#include "llvm/ADT/StringMap.h"

namespace rnnc::batch {

/// An axis of a value of the rnn level: a name, and a size unless it is a time
/// axis.
struct AxisInfo {
  std::string name;
  int64_t size = 0;
  bool time = false;
};

/// What one dimension of a batched tensor stands for: the batch, an axis of
/// the value (by position), or a binder that encloses the place of its
/// computation.
struct Dim {
  enum Kind : uint8_t { Binder, Axis, Batch };
  Kind kind;
  unsigned id = 0;
  bool operator==(const Dim &other) const {
    return kind == other.kind && id == other.id;
  }
};
using Dims = llvm::SmallVector<Dim, 6>;
using Axes = llvm::SmallVector<AxisInfo, 0>;

inline Dim batchDim() { return {Dim::Batch, 0}; }
inline Dim axisDim(unsigned position) { return {Dim::Axis, position}; }
inline Dim binderDim(unsigned id) { return {Dim::Binder, id}; }

/// A value of the rnn level as a tensor. A dimension that is missing from
/// `dims` is one the value does not depend on: it is repeated along it only
/// where that is needed.
struct Batched {
  mlir::Value value;
  Dims dims;
  Axes axes;
  /// Stands for the index of this binder; `value` is empty.
  std::optional<unsigned> binderIndex;

  bool has(Dim dim) const { return llvm::is_contained(dims, dim); }
  int64_t position(Dim dim) const {
    return llvm::find(dims, dim) - dims.begin();
  }
};

/// An axis around another one, whose entry is the one of a binder: of the last
/// frame that binds it, from `since` on.
struct AroundAxis {
  std::string name;
  size_t since = 0;
};

/// Lengths along a time axis, along the axes around it and the batch.
struct AxisLengths {
  mlir::Value value;
  /// The axes around it, the outermost first.
  llvm::SmallVector<AroundAxis, 1> around;

  AroundAxis *find(llvm::StringRef name);
};

/// How long a time axis is: the padded number of steps (an index) and the
/// lengths of the examples; no value if all are as long. An axis inside of
/// others has one for each of their elements.
struct TimeAxis {
  mlir::Value size;
  /// Inside of a loop or of rows over an axis around, the lengths are those of
  /// its step, but for what a binder over that axis inside names. The first
  /// that has all its binders is meant; the last needs none.
  llvm::SmallVector<AxisLengths, 1> choices = {AxisLengths()};

  const AxisLengths &own() const { return choices.back(); }
  /// Of choices with more and more axes entered, those that can be meant.
  void choose(llvm::ArrayRef<AxisLengths> some);
};

/// A binder or, after the loop, the steps of a recurrence.
struct BinderInfo {
  AxisInfo axis;
  /// Whether its position is the step that random numbers count.
  bool step = false;
};

/// A time loop around the place of insertion, or rows of which some stand for
/// nothing: the step of those is 0, and so is the length of some.
struct LoopInfo {
  AxisInfo axis;
  mlir::Value step;
  mlir::Value lengths;
};

/// A binder, a time loop, or the steps after a loop, around the code.
struct Frame {
  AxisInfo axis;
  bool step = false;
  std::optional<unsigned> binder;
  mlir::Value at;
  /// Its entries are rows of the batch.
  bool inRows = false;
};

/// Binders and axes whose entries are rows of the batch, as are the examples.
struct RowDims {
  Dims outer;
  /// Sizes of these dimensions and of the batch, and their product.
  llvm::SmallVector<mlir::Value> sizes;
  mlir::Value count;
};

/// Emits scan level code on batched values. Every function gives a value whose
/// dimensions are in canonical order: time, batch, fixed; binders before axes.
class Emitter {
public:
  Emitter(mlir::OpBuilder &builder, mlir::FloatType real)
      : b(builder), real(real), loc(builder.getUnknownLoc()) {}

  mlir::OpBuilder &b;
  mlir::FloatType real;
  mlir::Location loc;
  /// The number of examples, an index.
  mlir::Value batch;
  llvm::StringMap<TimeAxis> times;
  std::vector<BinderInfo> binders;
  llvm::SmallVector<LoopInfo> loops;
  llvm::SmallVector<Frame> frames;
  /// Which dimensions have become rows of the batch, the outermost last.
  llvm::SmallVector<RowDims, 0> rows;

  mlir::Type integer() { return b.getI32Type(); }
  mlir::Type bit() { return b.getI1Type(); }

  const AxisInfo &infoOf(Dim dim, llvm::ArrayRef<AxisInfo> axes) const;
  bool isTime(Dim dim, llvm::ArrayRef<AxisInfo> axes) const;
  /// The size of a dimension as an index value.
  mlir::Value sizeOf(Dim dim, llvm::ArrayRef<AxisInfo> axes);
  /// The size of a dimension in a type.
  int64_t staticSize(Dim dim, llvm::ArrayRef<AxisInfo> axes) const;
  void sort(Dims &dims, llvm::ArrayRef<AxisInfo> axes) const;
  mlir::RankedTensorType typeFor(llvm::ArrayRef<Dim> dims,
                                 llvm::ArrayRef<AxisInfo> axes,
                                 mlir::Type element) const;
  /// Size operands for the dynamic dimensions of such a type.
  llvm::SmallVector<mlir::Value> dynamicSizes(llvm::ArrayRef<Dim> dims,
                                              llvm::ArrayRef<AxisInfo> axes);

  /// The sizes of dimensions, as numbers where they are known.
  llvm::SmallVector<mlir::OpFoldResult>
  mixedSizes(llvm::ArrayRef<Dim> dims, llvm::ArrayRef<AxisInfo> axes);

  /// A scalar or splat without dimensions.
  Batched constant(double value);
  Batched constantInt(int64_t value, mlir::Type type);
  /// 0, 1, 2 … along a fixed axis.
  Batched iota(const AxisInfo &axis);

  /// The value with exactly these dimensions in exactly this order: transposed
  /// and repeated. `dims` contains all of the value's.
  mlir::Value align(const Batched &value, llvm::ArrayRef<Dim> dims,
                    llvm::ArrayRef<AxisInfo> axes);
  /// The value with these dimensions too, in canonical order.
  Batched with(const Batched &value, llvm::ArrayRef<Dim> more);
  /// The value with one more dimension, of size 1.
  Batched withUnit(const Batched &value, Dim dim);
  /// The value with all its axes as dimensions, and the batch if `batched`.
  Batched full(const Batched &value, bool batched);
  /// Brings an ad-hoc order of dimensions into canonical order.
  Batched canonical(Batched value);
  /// The operand of a suffix-rule operation whose result has `rank` axes.
  static Batched suffix(Batched value, size_t rank);

  using BuildFn = llvm::function_ref<mlir::Value(mlir::ValueRange)>;
  /// Elementwise by the suffix rule; the axes are those of the longest operand.
  Batched elementwise(llvm::ArrayRef<Batched> operands, BuildFn build);
  Batched add(const Batched &x, const Batched &y);
  Batched sub(const Batched &x, const Batched &y);
  Batched mul(const Batched &x, const Batched &y);
  Batched div(const Batched &x, const Batched &y);
  Batched exp(const Batched &x);
  Batched log(const Batched &x);
  Batched select(const Batched &c, const Batched &x, const Batched &y);
  Batched compare(mlir::arith::CmpFPredicate p, const Batched &x,
                  const Batched &y);
  Batched compare(mlir::arith::CmpIPredicate p, const Batched &x,
                  const Batched &y);
  /// Integers as real numbers.
  Batched toReal(const Batched &x);

  /// The dimensions that lengths along a time dimension have before the batch:
  /// of the axes around it. Axes left of it come before binders.
  Dims aroundOf(Dim dim, llvm::ArrayRef<AxisInfo> axes) const;
  /// These lengths as they are, and their dimensions but the batch.
  std::pair<mlir::Value, Dims> findLengths(Dim dim,
                                           llvm::ArrayRef<AxisInfo> axes) const;
  /// Along an axis that no other is inside of, or whose rows are the batch.
  mlir::Value lengthsAlong(const AxisInfo &axis) const;
  /// The lengths along a time dimension of a value with such axes.
  Batched lengthsOf(Dim dim, llvm::ArrayRef<AxisInfo> axes);

  /// Rows for each entry of these dimensions and each example.
  RowDims makeRows(llvm::ArrayRef<Dim> outer, llvm::ArrayRef<AxisInfo> axes);
  /// A value with the entries of these dimensions as rows of the batch, unless
  /// it depends on none of them nor on the example.
  Batched toRows(const Batched &x, const RowDims &rows);
  Batched fromRows(const Batched &x, const RowDims &rows);
  /// Runs code on a value whose lengths along `dim` are one for each row.
  using RowsFn = llvm::function_ref<Batched(
      const Batched &x, mlir::Value lengths, const RowDims *rows)>;
  Batched inRows(const Batched &x, Dim dim, RowsFn fn);

  /// Replaces what lies past the end along one time dimension (no-op if the
  /// axis is not ragged).
  Batched maskDim(const Batched &x, Dim dim, double fill = 0);
  /// Replaces all that lies past an end: every time dimension, and the rows of
  /// the loops around that are over.
  Batched maskAll(const Batched &x, double fill = 0);
  bool isRagged(Dim dim, llvm::ArrayRef<AxisInfo> axes);

  /// Reduces one dimension of the valid part. Other axes keep their numbers.
  Batched reduce(scan::ReduceKind kind, const Batched &x, Dim dim);
  /// The number of valid entries along a dimension, as a real number.
  Batched count(Dim dim, llvm::ArrayRef<AxisInfo> axes);
  Batched mean(const Batched &x, Dim dim);
  Batched softmax(const Batched &x, Dim dim);
  Batched argmax(const Batched &x, Dim dim);

  /// The element of the first axis that a binder along it names.
  Batched stepOf(const Batched &x, Dim binder);
  /// The reverse: what was computed for each entry of a binder, along an axis
  /// in front.
  Batched inFront(Batched x, Dim binder, const AxisInfo &axis);
  /// Takes one dimension to be another; `dims` order is made canonical.
  Batched rename(Batched x, Dim from, Dim to, Axes axes);

private:
  Batched fillFor(scan::ReduceKind kind, const Batched &x, Dim dim);
};

/// While it lives, the entries of some dimensions are rows of the batch:
/// lengths are those of rows, and rows past the end of an example are empty.
class RowScope {
public:
  RowScope(Emitter &emitter, const RowDims &rows);
  ~RowScope();
  RowScope(const RowScope &) = delete;
  RowScope &operator=(const RowScope &) = delete;

private:
  TimeAxis lengthsInRows(const TimeAxis &time, const RowDims &rows);
  AxisLengths lengthsInRows(const AxisLengths &time, const RowDims &rows,
                            llvm::ArrayRef<std::optional<Dim>> outer);
  /// 1 for the rows of steps that an example has; null if all have all.
  mlir::Value validRows(const RowDims &rows);

  Emitter &e;
  mlir::Value batch;
  llvm::StringMap<TimeAxis> times;
  llvm::SmallVector<LoopInfo> loops;
  llvm::SmallVector<Frame> frames;
};

} // namespace rnnc::batch

#endif // RNNC_LIB_CONVERSION_RNNTOSCAN_EMITTER_H
