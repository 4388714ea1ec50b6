// DataOps.cpp: the data movement ops of the kernel dialect as loops over rows.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each op loops over the dimensions that decide something (indices, time,
// batch); what lies to the right of them is a row that is copied, added or
// zeroed by a linalg op, which the generic lowering then cuts into vectors.

#include "Lowering.h"

#include "rnnc/Dialect/Kernel/Kernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace rnnc {
namespace {

using Values = SmallVector<Value>;

/// Builds loops and row operations at one op.
struct RowBuilder {
  explicit RowBuilder(Operation *op) : b(op), loc(op->getLoc()) {}

  Value index(int64_t v) { return arith::ConstantIndexOp::create(b, loc, v); }
  Value dim(Value memref, int64_t i) {
    return b.createOrFold<memref::DimOp>(loc, memref, i);
  }
  static int64_t rank(Value memref) {
    return cast<MemRefType>(memref.getType()).getRank();
  }

  /// Loops over the first `n` dimensions of `memref`, in order. The trips of
  /// the outermost are independent if `independent`.
  void loops(Value memref, unsigned n, function_ref<void(ArrayRef<Value>)> body,
             bool independent = true) {
    Values ivs;
    OpBuilder::InsertionGuard guard(b);
    for (unsigned i = 0; i != n; ++i) {
      auto loop =
          scf::ForOp::create(b, loc, index(0), dim(memref, i), index(1));
      if (i == 0 && independent)
        loop->setAttr(kIndependentTrips, b.getUnitAttr());
      ivs.push_back(loop.getInductionVar());
      b.setInsertionPoint(loop.getBody()->getTerminator());
    }
    body(ivs);
  }

  void ifThenElse(Value condition, function_ref<void()> yes,
                  function_ref<void()> no) {
    buildIf(b, loc, condition, yes, no);
  }

  /// The part of `memref` at the leading indices `at`, dimensions dropped.
  Value row(Value memref, ArrayRef<Value> at) {
    auto type = cast<MemRefType>(memref.getType());
    SmallVector<OpFoldResult> offsets, sizes, strides;
    SmallVector<int64_t> shape;
    for (int64_t i = 0; i != type.getRank(); ++i) {
      bool fixed = i < int64_t(at.size());
      offsets.push_back(fixed ? OpFoldResult(at[i]) : b.getIndexAttr(0));
      strides.push_back(b.getIndexAttr(1));
      if (fixed) {
        sizes.push_back(b.getIndexAttr(1));
        continue;
      }
      shape.push_back(type.getDimSize(i));
      if (type.isDynamicDim(i))
        sizes.push_back(dim(memref, i));
      else
        sizes.push_back(b.getIndexAttr(type.getDimSize(i)));
    }
    auto result = memref::SubViewOp::inferRankReducedResultType(
        shape, type, offsets, sizes, strides);
    return memref::SubViewOp::create(b, loc, cast<MemRefType>(result), memref,
                                     offsets, sizes, strides);
  }

  void copyRow(Value from, ArrayRef<Value> fromAt, Value to,
               ArrayRef<Value> toAt) {
    if (rank(to) == int64_t(toAt.size())) {
      Value v = memref::LoadOp::create(b, loc, from, fromAt);
      memref::StoreOp::create(b, loc, v, to, toAt);
      return;
    }
    memref::CopyOp::create(b, loc, row(from, fromAt), row(to, toAt));
  }

  void zeroRow(Value to, ArrayRef<Value> at) {
    Type element = cast<MemRefType>(to.getType()).getElementType();
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(element));
    if (rank(to) == int64_t(at.size())) {
      memref::StoreOp::create(b, loc, zero, to, at);
      return;
    }
    linalg::FillOp::create(b, loc, zero, row(to, at));
  }

  void addRow(Value from, ArrayRef<Value> fromAt, Value to,
              ArrayRef<Value> toAt) {
    if (rank(to) == int64_t(toAt.size())) {
      Value x = memref::LoadOp::create(b, loc, from, fromAt);
      Value y = memref::LoadOp::create(b, loc, to, toAt);
      Value sum = arith::AddFOp::create(b, loc, y, x);
      memref::StoreOp::create(b, loc, sum, to, toAt);
      return;
    }
    Value source = row(from, fromAt), target = row(to, toAt);
    int64_t n = rank(source);
    AffineMap identity = b.getMultiDimIdentityMap(n);
    linalg::GenericOp::create(
        b, loc, ValueRange{source}, ValueRange{target},
        ArrayRef<AffineMap>{identity, identity},
        SmallVector<utils::IteratorType>(n, utils::IteratorType::parallel),
        [](OpBuilder &nb, Location l, ValueRange args) {
          Value sum = arith::AddFOp::create(nb, l, args[1], args[0]);
          linalg::YieldOp::create(nb, l, sum);
        });
  }

  Value lengthOf(Value lengths, Value example) {
    Value v = memref::LoadOp::create(b, loc, lengths, example);
    return arith::IndexCastOp::create(b, loc, b.getIndexType(), v);
  }
  Value less(Value x, Value y) {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, x, y);
  }
  Value sub(Value x, Value y) { return arith::SubIOp::create(b, loc, x, y); }
  Value both(Value x, Value y) {
    return x ? Value(arith::AndIOp::create(b, loc, x, y)) : y;
  }

  OpBuilder b;
  Location loc;
};

/// Reads an index and replaces one outside of [0, size) by 0.
Value safeIndex(RowBuilder &r, Value indices, ArrayRef<Value> at, Value size) {
  Value raw = memref::LoadOp::create(r.b, r.loc, indices, at);
  Value i = arith::IndexCastOp::create(r.b, r.loc, r.b.getIndexType(), raw);
  Value fits =
      arith::CmpIOp::create(r.b, r.loc, arith::CmpIPredicate::ult, i, size);
  return arith::SelectOp::create(r.b, r.loc, fits, i, r.index(0));
}

void lower(kernel::GatherOp op) {
  RowBuilder r(op);
  unsigned n = r.rank(op.getIndices()), batch = op.getBatchDims();
  Value size = r.dim(op.getTable(), batch);
  r.loops(op.getIndices(), n, [&](ArrayRef<Value> at) {
    Values from(at.take_front(batch));
    from.push_back(safeIndex(r, op.getIndices(), at, size));
    r.copyRow(op.getTable(), from, op.getOut(), at);
  });
}

void lower(kernel::ScatterAddOp op) {
  RowBuilder r(op);
  unsigned n = r.rank(op.getIndices()), batch = op.getBatchDims();
  Value size = r.dim(op.getOut(), batch);
  // Rows of one batch may meet.
  auto add = [&](ArrayRef<Value> at) {
    Values to(at.take_front(batch));
    to.push_back(safeIndex(r, op.getIndices(), at, size));
    r.addRow(op.getUpdates(), at, op.getOut(), to);
  };
  r.loops(op.getIndices(), n, add, /*independent=*/batch > 0);
}

/// A copy that permutes dimensions and writes zeros past the end. `inner` is
/// the value in the compiler's layout, whose dimensions the masks name.
template <typename OpT> void lowerLayout(OpT op, bool innerIsOut) {
  RowBuilder r(op);
  Value source = op.getSource(), out = op.getOut();
  ArrayRef<int64_t> perm = op.getPerm();
  // Dimension of `out` that holds dimension d of the compiler's layout.
  auto outDim = [&](int64_t d) -> int64_t {
    if (innerIsOut)
      return d;
    return llvm::find(perm, d) - perm.begin();
  };
  int64_t leading = 0;
  for (auto [i, p] : llvm::enumerate(perm))
    if (p != int64_t(i))
      leading = std::max<int64_t>(leading, i + 1);
  for (int64_t d : op.getTimeDims())
    leading = std::max(leading, outDim(d) + 1);
  if (!op.getTimeDims().empty())
    leading = std::max(leading, outDim(op.getBatchDim()) + 1);
  r.loops(out, leading, [&](ArrayRef<Value> at) {
    Values from(leading);
    for (int64_t i = 0; i != leading; ++i)
      from[perm[i]] = at[i];
    Value valid;
    for (auto [d, lengths] : llvm::zip(op.getTimeDims(), op.getLengths())) {
      Value example = at[outDim(op.getBatchDim())];
      valid =
          r.both(valid, r.less(at[outDim(d)], r.lengthOf(lengths, example)));
    }
    auto copy = [&] { r.copyRow(source, from, out, at); };
    if (!valid)
      return copy();
    r.ifThenElse(valid, copy, [&] { r.zeroRow(out, at); });
  });
}

void lower(kernel::EnterOp op) { lowerLayout(op, /*innerIsOut=*/true); }
void lower(kernel::LeaveOp op) { lowerLayout(op, /*innerIsOut=*/false); }

void lower(kernel::MaskRowsOp op) {
  RowBuilder r(op);
  int64_t leading = op.getBatchDim() + 1;
  if (op.getTimeDim())
    leading = std::max<int64_t>(leading, *op.getTimeDim() + 1);
  r.loops(op.getOut(), leading, [&](ArrayRef<Value> at) {
    Value step = op.getAt() ? op.getAt() : at[*op.getTimeDim()];
    Value valid =
        r.less(step, r.lengthOf(op.getLengths(), at[op.getBatchDim()]));
    Value past = arith::XOrIOp::create(
        r.b, r.loc, valid,
        arith::ConstantOp::create(r.b, r.loc, r.b.getBoolAttr(true)));
    r.ifThenElse(
        past,
        [&] {
          if (op.getPrevious())
            r.copyRow(op.getPrevious(), at, op.getOut(), at);
          else
            r.zeroRow(op.getOut(), at);
        },
        nullptr);
  });
}

void lower(kernel::ReverseOp op) {
  RowBuilder r(op);
  int64_t time = op.getTimeDim(), batch = op.getBatchDim();
  int64_t leading = (op.getLengths() ? std::max(time, batch) : time) + 1;
  Value whole = r.dim(op.getOut(), time);
  r.loops(op.getOut(), leading, [&](ArrayRef<Value> at) {
    Value length =
        op.getLengths() ? r.lengthOf(op.getLengths(), at[batch]) : whole;
    auto copy = [&] {
      Values from(at);
      from[time] = r.sub(r.sub(length, r.index(1)), at[time]);
      r.copyRow(op.getSource(), from, op.getOut(), at);
    };
    if (!op.getLengths())
      return copy();
    r.ifThenElse(r.less(at[time], length), copy,
                 [&] { r.zeroRow(op.getOut(), at); });
  });
}

/// Loops over what pick_step writes or place_step reads, `small`, which lacks
/// the time of `large`. `body` gets the place in both and whether the step
/// exists.
template <typename OpT>
void overSteps(
    RowBuilder &r, OpT op, Value small, Value large,
    function_ref<void(ArrayRef<Value>, ArrayRef<Value>, Value)> body) {
  int64_t time = op.getTimeDim(), batch = op.getBatchDim();
  if (batch > time)
    --batch;
  int64_t leading = op.getLengths() ? std::max(time, batch + 1) : time;
  Value whole = r.dim(large, time);
  r.loops(small, leading, [&](ArrayRef<Value> at) {
    Value length =
        op.getLengths() ? r.lengthOf(op.getLengths(), at[batch]) : whole;
    Value exists = r.less(r.index(0), length);
    Values inLarge(at);
    inLarge.insert(inLarge.begin() + time,
                   op.getLast() ? r.sub(length, r.index(1)) : r.index(0));
    body(at, inLarge, exists);
  });
}

void lower(kernel::PickStepOp op) {
  RowBuilder r(op);
  overSteps(r, op, op.getOut(), op.getSource(),
            [&](ArrayRef<Value> at, ArrayRef<Value> from, Value exists) {
              r.ifThenElse(
                  exists,
                  [&] { r.copyRow(op.getSource(), from, op.getOut(), at); },
                  [&] { r.zeroRow(op.getOut(), at); });
            });
}

void lower(kernel::PlaceStepOp op) {
  RowBuilder r(op);
  Type element = cast<MemRefType>(op.getOut().getType()).getElementType();
  Value zero = arith::ConstantOp::create(r.b, r.loc, r.b.getZeroAttr(element));
  linalg::FillOp::create(r.b, r.loc, zero, op.getOut());
  overSteps(r, op, op.getSource(), op.getOut(),
            [&](ArrayRef<Value> at, ArrayRef<Value> to, Value exists) {
              r.ifThenElse(
                  exists,
                  [&] { r.copyRow(op.getSource(), at, op.getOut(), to); },
                  nullptr);
            });
}

void lower(kernel::ArgmaxOp op) {
  RowBuilder r(op);
  OpBuilder &b = r.b;
  Location loc = r.loc;
  Value source = op.getSource();
  unsigned dim = op.getDim();
  Type element = cast<MemRefType>(source.getType()).getElementType();
  Type i32 = b.getI32Type();
  Value size = r.dim(source, dim);
  r.loops(op.getOut(), r.rank(op.getOut()), [&](ArrayRef<Value> at) {
    Value lowest = arith::ConstantOp::create(
        b, loc,
        b.getFloatAttr(
            element, APFloat::getInf(
                         cast<FloatType>(element).getFloatSemantics(), true)));
    Value zero = arith::ConstantIndexOp::create(b, loc, 0);
    // Kept: the best value, where it stands, whether one was seen that is a
    // number (minus infinity may be the first of all).
    auto loop = scf::ForOp::create(b, loc, zero, size, r.index(1),
                                   ValueRange{lowest, r.index(0)});
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToEnd(loop.getBody());
      Values from(at);
      from.insert(from.begin() + dim, loop.getInductionVar());
      Value x = memref::LoadOp::create(b, loc, source, from);
      Value best = loop.getRegionIterArg(0), where = loop.getRegionIterArg(1);
      Value greater =
          arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, x, best);
      Value newBest = arith::SelectOp::create(b, loc, greater, x, best);
      Value newWhere = arith::SelectOp::create(b, loc, greater,
                                               loop.getInductionVar(), where);
      scf::YieldOp::create(b, loc, ValueRange{newBest, newWhere});
    }
    Value result = arith::IndexCastOp::create(b, loc, i32, loop.getResult(1));
    memref::StoreOp::create(b, loc, result, op.getOut(), at);
  });
}

/// The runtime's generator (include/rnnc/Runtime/Kernels.h), declared once a
/// module.
LLVM::LLVMFuncOp randomFunction(ModuleOp module, Type element) {
  StringRef name = element.isF32() ? "rnnc_rt_philox_uniform_f32"
                                   : "rnnc_rt_philox_uniform_f64";
  if (auto existing = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
    return existing;
  OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
  Type ptr = LLVM::LLVMPointerType::get(module.getContext());
  Type i64 = b.getI64Type();
  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(module.getContext()),
                                  {ptr, i64, i64, i64, i64, i64, ptr});
  return LLVM::LLVMFuncOp::create(b, module.getLoc(), name, type);
}

void lower(kernel::ValidRowsOp op) {
  RowBuilder r(op);
  OpBuilder &b = r.b;
  Location loc = r.loc;
  Value zero = r.index(0), one = r.index(1);
  Value at = arith::IndexCastOp::create(b, loc, b.getI32Type(), op.getAt());
  Type integer = op.getOut().getType().getElementType();
  // Every row is written behind the list; it is part of it if it counts.
  auto loop = buildLoop(
      b, loc, zero, r.dim(op.getLengths(), 0), one, zero,
      [&](Value row, ValueRange count) -> Values {
        Value next = arith::AddIOp::create(b, loc, count[0], one);
        Value number = arith::IndexCastOp::create(b, loc, integer, row);
        memref::StoreOp::create(b, loc, number, op.getOut(), next);
        Value length = memref::LoadOp::create(b, loc, op.getLengths(), row);
        Value is = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt,
                                         length, at);
        return {arith::SelectOp::create(b, loc, is, next, count[0])};
      });
  Value count = arith::IndexCastOp::create(b, loc, integer, loop.getResult(0));
  memref::StoreOp::create(b, loc, count, op.getOut(), zero);
}

void lower(kernel::ValidPlacesOp op) {
  RowBuilder r(op);
  OpBuilder &b = r.b;
  Location loc = r.loc;
  Value zero = r.index(0), one = r.index(1);
  Type i64 = b.getI64Type();
  Value examples = r.dim(op.getLengths(), 0);
  auto add = [&](Value x, Value y) -> Value {
    return arith::AddIOp::create(b, loc, x, y);
  };
  // Every place is written behind the list; it is part of it if it counts.
  auto steps = buildLoop(
      b, loc, zero, op.getSteps(), one, zero,
      [&](Value step, ValueRange before) -> Values {
        Value at = arith::IndexCastOp::create(b, loc, b.getI32Type(), step);
        Value first = arith::MulIOp::create(b, loc, step, examples);
        auto rows = buildLoop(
            b, loc, zero, examples, one, before,
            [&](Value row, ValueRange count) -> Values {
              Value next = add(count[0], one);
              Value place =
                  arith::IndexCastOp::create(b, loc, i64, add(first, row));
              memref::StoreOp::create(b, loc, place, op.getOut(), next);
              Value length =
                  memref::LoadOp::create(b, loc, op.getLengths(), row);
              Value is = arith::CmpIOp::create(
                  b, loc, arith::CmpIPredicate::sgt, length, at);
              return {arith::SelectOp::create(b, loc, is, next, count[0])};
            });
        return {rows.getResult(0)};
      });
  Value count = arith::IndexCastOp::create(b, loc, i64, steps.getResult(0));
  memref::StoreOp::create(b, loc, count, op.getOut(), zero);
}

/// How many numbers of the buffer behind its first dimensions lie side by side.
FailureOr<int64_t> contiguousRun(kernel::RandomOp op, int64_t leading) {
  auto type = cast<MemRefType>(op.getOut().getType());
  SmallVector<int64_t> strides;
  int64_t offset, run = 1;
  if (failed(type.getStridesAndOffset(strides, offset)))
    return op.emitOpError("wants a strided buffer");
  for (int64_t i = type.getRank() - 1; i >= leading; --i) {
    if (type.isDynamicDim(i) || (strides[i] != run && type.getDimSize(i) != 1))
      return op.emitOpError("wants contiguous rows of fixed size");
    run *= type.getDimSize(i);
  }
  return run;
}

/// The number of the first element of a row: dimensions among the leading ones
/// that are neither time nor batch, as a second time axis, count elements too.
Value firstElement(RowBuilder &r, kernel::RandomOp op, ArrayRef<Value> at,
                   int64_t run) {
  auto isPlace = [](std::optional<uint64_t> dim, uint64_t i) {
    return dim && *dim == i;
  };
  Value rows;
  for (auto [i, index] : llvm::enumerate(at)) {
    if (isPlace(op.getTimeDim(), i) || isPlace(op.getBatchDim(), i))
      continue;
    if (rows)
      rows = arith::MulIOp::create(r.b, r.loc, rows, r.dim(op.getOut(), i));
    rows = rows ? arith::AddIOp::create(r.b, r.loc, rows, index) : index;
  }
  return rows ? arith::MulIOp::create(r.b, r.loc, rows, r.index(run))
              : r.index(0);
}

LogicalResult lower(kernel::RandomOp op) {
  RowBuilder r(op);
  OpBuilder &b = r.b;
  Location loc = r.loc;
  Value out = op.getOut();
  Type element = cast<MemRefType>(out.getType()).getElementType();
  Type i64 = b.getI64Type();
  int64_t leading = 0;
  if (op.getTimeDim())
    leading = std::max<int64_t>(leading, *op.getTimeDim() + 1);
  if (op.getBatchDim())
    leading = std::max<int64_t>(leading, *op.getBatchDim() + 1);
  FailureOr<int64_t> run = contiguousRun(op, leading);
  if (failed(run))
    return failure();
  LLVM::LLVMFuncOp callee =
      randomFunction(op->getParentOfType<ModuleOp>(), element);
  auto constant = [&](int64_t v) -> Value {
    return arith::ConstantIntOp::create(b, loc, i64, v);
  };
  auto toI64 = [&](Value v) -> Value {
    return arith::IndexCastOp::create(b, loc, i64, v);
  };
  r.loops(out, leading, [&](ArrayRef<Value> at) {
    Value pointer = pointerOf(b, loc, leading ? r.row(out, at) : out);
    Value key = pointerOf(b, loc, op.getKey());
    Value row = op.getBatchDim() ? toI64(at[*op.getBatchDim()]) : constant(0);
    Value step = op.getTimeDim() ? toI64(at[*op.getTimeDim()]) : constant(0);
    if (op.getAt())
      step = arith::AddIOp::create(b, loc, step, toI64(op.getAt()));
    LLVM::CallOp::create(b, loc, callee,
                         ValueRange{key, constant(op.getSite()), row, step,
                                    toI64(firstElement(r, op, at, *run)),
                                    constant(*run), pointer});
  });
  return success();
}

} // namespace

Value pointerOf(OpBuilder &b, Location loc, Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  auto data = memref::ExtractStridedMetadataOp::create(b, loc, memref);
  Value base = memref::ExtractAlignedPointerAsIndexOp::create(
      b, loc, data.getBaseBuffer());
  int64_t bytes =
      std::max(8u, type.getElementType().getIntOrFloatBitWidth()) / 8;
  Value size = arith::ConstantIndexOp::create(b, loc, bytes);
  Value offset = arith::MulIOp::create(b, loc, data.getOffset(), size);
  Value address = arith::AddIOp::create(b, loc, base, offset);
  address = arith::IndexCastOp::create(b, loc, b.getI64Type(), address);
  return LLVM::IntToPtrOp::create(
      b, loc, LLVM::LLVMPointerType::get(b.getContext()), address);
}

LogicalResult lowerDataOps(ModuleOp module, kernel::TargetAttr) {
  WalkResult result = module.walk([](Operation *op) {
    LogicalResult done =
        llvm::TypeSwitch<Operation *, LogicalResult>(op)
            .Case<kernel::RandomOp>([](auto o) { return lower(o); })
            .Case<kernel::GatherOp, kernel::ScatterAddOp, kernel::EnterOp,
                  kernel::LeaveOp, kernel::MaskRowsOp, kernel::ReverseOp,
                  kernel::PickStepOp, kernel::PlaceStepOp, kernel::ArgmaxOp,
                  kernel::ValidRowsOp, kernel::ValidPlacesOp>([](auto o) {
              lower(o);
              return success();
            })
            .Default([](Operation *) { return failure(); });
    if (succeeded(done)) {
      op->erase();
      return WalkResult::skip();
    }
    return isa<kernel::RandomOp>(op) ? WalkResult::interrupt()
                                     : WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

} // namespace rnnc
