// ScanSizes.cpp: sizes and lengths of values, found without computing them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/Scan/Scan.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

namespace {
RankedTensorType tensorOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

// The number of the dimension of extract_slice's operand that is `number` of
// its result, if that dimension is read whole.
std::optional<int64_t> sliceSource(tensor::ExtractSliceOp op, int64_t number) {
  llvm::SmallBitVector dropped = op.getDroppedDims();
  for (int64_t dim = 0; dim < op.getSourceType().getRank(); ++dim) {
    if (dropped.test(dim))
      continue;
    if (number-- == 0)
      return dim;
  }
  return std::nullopt;
}

std::optional<Dim> throughDot(DotOp op, int64_t number) {
  int64_t batch = op.getLhsBatch().size();
  if (number < batch) {
    int64_t dim = op.getLhsBatch()[number];
    return Dim{op.getLhs(), dim};
  }
  SmallVector<int64_t> left = op.getLhsFree(), right = op.getRhsFree();
  number -= batch;
  if (number < static_cast<int64_t>(left.size()))
    return Dim{op.getLhs(), left[number]};
  return Dim{op.getRhs(), right[number - left.size()]};
}

std::optional<Dim> throughGather(GatherOp op, int64_t number) {
  int64_t leading = op.getIndices().getType().getRank();
  if (number < leading)
    return Dim{op.getIndices(), number};
  int64_t batch = op.getBatchDims();
  return Dim{op.getTable(), batch + 1 + number - leading};
}

std::optional<Dim> throughScatter(ScatterAddOp op, int64_t number) {
  int64_t batch = op.getBatchDims();
  if (number < batch)
    return Dim{op.getUpdates(), number};
  if (number == batch)
    return std::nullopt;
  int64_t leading = op.getIndices().getType().getRank();
  return Dim{op.getUpdates(), leading + number - batch - 1};
}

std::optional<Dim> throughReduce(Value input, ArrayRef<int64_t> dims,
                                 int64_t number) {
  for (int64_t dim = 0; dim < tensorOf(input).getRank(); ++dim)
    if (!llvm::is_contained(dims, dim) && number-- == 0)
      return Dim{input, dim};
  return std::nullopt;
}

std::optional<Dim> throughBroadcast(BroadcastOp op, int64_t number) {
  for (auto [from, to] : llvm::enumerate(op.getDims()))
    if (to == number)
      return Dim{op.getInput(), static_cast<int64_t>(from)};
  return std::nullopt;
}

// t1..tn, batch against batch, t1..tn.
int64_t exchanged(int64_t number, int64_t times, bool enter) {
  if (number > times)
    return number;
  if (enter)
    return number == times ? 0 : number + 1;
  return number == 0 ? times : number - 1;
}

std::optional<Dim> throughLoop(LoopOp loop, Value result, int64_t number) {
  unsigned index = cast<OpResult>(result).getResultNumber();
  if (index >= loop.getNumStacks())
    return Dim{loop.getFirsts()[index - loop.getNumStacks()], number};
  if (number == 0)
    return std::nullopt;
  return Dim{loop.getYield().getStacks()[index], number - 1};
}

std::optional<Dim> throughArgument(BlockArgument argument, int64_t number) {
  auto loop = dyn_cast_or_null<LoopOp>(argument.getOwner()->getParentOp());
  if (!loop)
    return std::nullopt;
  unsigned index = argument.getArgNumber() - 1;
  if (index < loop.getNumSlices())
    return Dim{loop.getSlices()[index], number + 1};
  return Dim{loop.getFirsts()[index - loop.getNumSlices()], number};
}

// Through a change of shape: what stays one dimension.
std::optional<Dim> throughReshape(Value source,
                                  ArrayRef<ReassociationIndices> groups,
                                  int64_t number, bool collapses) {
  for (auto [k, group] : llvm::enumerate(groups)) {
    int64_t own = collapses ? int64_t(k) : group.front();
    if (group.size() == 1 && own == number)
      return Dim{source, collapses ? group.front() : int64_t(k)};
  }
  return std::nullopt;
}

} // namespace

std::optional<Dim> scan::sameSizeBefore(Dim dim) {
  if (auto argument = dyn_cast<BlockArgument>(dim.value))
    return throughArgument(argument, dim.number);
  Operation *op = dim.value.getDefiningOp();
  using Result = std::optional<Dim>;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](DotOp op) { return throughDot(op, dim.number); })
      .Case([&](GatherOp op) { return throughGather(op, dim.number); })
      .Case([&](ScatterAddOp op) { return throughScatter(op, dim.number); })
      .Case([&](BroadcastOp op) { return throughBroadcast(op, dim.number); })
      .Case([&](LoopOp op) { return throughLoop(op, dim.value, dim.number); })
      .Case([&](ReduceOp op) {
        return throughReduce(op.getInput(), op.getDims(), dim.number);
      })
      .Case([&](ArgmaxOp op) {
        int64_t reduced = op.getDim();
        return throughReduce(op.getInput(), reduced, dim.number);
      })
      .Case([&](PickStepOp op) {
        int64_t time = op.getTimeDim();
        return throughReduce(op.getInput(), time, dim.number);
      })
      .Case([&](PlaceStepOp op) {
        int64_t time = op.getTimeDim();
        if (dim.number == time)
          return Result();
        return Result(Dim{op.getInput(), dim.number - (dim.number > time)});
      })
      .Case([&](TransposeOp op) {
        return Result(Dim{op.getInput(), op.getPerm()[dim.number]});
      })
      .Case([&](EnterOp op) {
        return Result(Dim{op.getInput(),
                          exchanged(dim.number, op.getLengths().size(), true)});
      })
      .Case([&](LeaveOp op) {
        return Result(
            Dim{op.getInput(),
                exchanged(dim.number, op.getLengths().size(), false)});
      })
      .Case([&](SplitOp op) {
        return dim.number < 2 ? Result()
                              : Result(Dim{op.getInput(), dim.number - 1});
      })
      .Case([&](JoinOp op) {
        return dim.number == 0 ? Result()
                               : Result(Dim{op.getInput(), dim.number + 1});
      })
      .Case([&](tensor::ExtractSliceOp op) -> Result {
        std::optional<int64_t> source = sliceSource(op, dim.number);
        if (!source || !op.getSourceType().isDynamicDim(*source) ||
            op.isDynamicOffset(*source) || op.getStaticOffset(*source) != 0)
          return std::nullopt;
        return Dim{op.getSource(), *source};
      })
      .Case([&](tensor::InsertSliceOp op) {
        return Result(Dim{op.getDest(), dim.number});
      })
      .Case([&](tensor::ConcatOp op) {
        return Result(Dim{op.getInputs().front(), dim.number});
      })
      .Case([&](tensor::CastOp op) {
        return Result(Dim{op.getSource(), dim.number});
      })
      .Case([&](tensor::CollapseShapeOp op) {
        return throughReshape(op.getSrc(), op.getReassociationIndices(),
                              dim.number, true);
      })
      .Case([&](tensor::ExpandShapeOp op) {
        return throughReshape(op.getSrc(), op.getReassociationIndices(),
                              dim.number, false);
      })
      .Case<MaskOp, ReverseOp, ShiftOp, StopOp, ClipGradOp, PartLengthsOp>(
          [&](Operation *op) {
            return Result(Dim{op->getOperand(0), dim.number});
          })
      .Default([&](Operation *op) -> Result {
        if (op->getNumOperands() == 0 || !op->hasTrait<OpTrait::Elementwise>())
          return std::nullopt;
        Value last = op->getOperands().back();
        if (!isa<RankedTensorType>(last.getType()))
          return std::nullopt;
        return Dim{last, dim.number};
      });
}

Value scan::sizeOperand(Dim dim) {
  Operation *op = dim.value.getDefiningOp();
  if (!op)
    return {};
  auto among = [&](ValueRange sizes) -> Value {
    unsigned place = 0;
    for (int64_t number = 0; number < dim.number; ++number)
      place += tensorOf(dim.value).isDynamicDim(number);
    return place < sizes.size() ? sizes[place] : Value();
  };
  if (auto broadcast = dyn_cast<BroadcastOp>(op))
    return among(broadcast.getSizes());
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return among(expand.getOutputShape());
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return among(slice.getSizes());
  if (auto empty = dyn_cast<tensor::EmptyOp>(op))
    return among(empty.getDynamicSizes());
  if (auto splat = dyn_cast<tensor::SplatOp>(op))
    return among(splat.getDynamicSizes());
  if (auto random = dyn_cast<RandomOp>(op))
    return among(random.getSizes());
  if (auto scatter = dyn_cast<ScatterAddOp>(op))
    return static_cast<uint64_t>(dim.number) == scatter.getBatchDims()
               ? scatter.getSize()
               : Value();
  if (auto place = dyn_cast<PlaceStepOp>(op))
    return static_cast<uint64_t>(dim.number) == place.getTimeDim()
               ? place.getSize()
               : Value();
  if (auto split = dyn_cast<SplitOp>(op))
    return dim.number == 0   ? split.getCount()
           : dim.number == 1 ? split.getSteps()
                             : Value();
  if (auto join = dyn_cast<JoinOp>(op))
    return dim.number == 0 ? join.getSize() : Value();
  if (auto loop = dyn_cast<LoopOp>(op))
    if (dim.number == 0 &&
        cast<OpResult>(dim.value).getResultNumber() < loop.getNumStacks())
      return loop.getTrip();
  return {};
}

namespace {
// Where a size comes from: a number, an index value, or a dimension.
struct Root {
  std::optional<int64_t> number;
  Value size;
  Dim dim;
};

// The dimension that a size is asked of, if it is one that exists.
std::optional<Dim> askedDim(Value size) {
  auto op = size.getDefiningOp<tensor::DimOp>();
  std::optional<int64_t> number = op ? op.getConstantIndex() : std::nullopt;
  auto source =
      op ? dyn_cast<RankedTensorType>(op.getSource().getType()) : nullptr;
  if (!number || !source || *number < 0 || *number >= source.getRank())
    return std::nullopt;
  return Dim{op.getSource(), *number};
}

// Follows `tensor.dim` and size operands as far back as possible.
Root findRoot(Dim dim) {
  while (true) {
    RankedTensorType type = tensorOf(dim.value);
    if (!type.isDynamicDim(dim.number))
      return {type.getDimSize(dim.number), {}, dim};
    if (std::optional<Dim> before = sameSizeBefore(dim)) {
      dim = *before;
      continue;
    }
    Value size = sizeOperand(dim);
    if (!size)
      return {std::nullopt, {}, dim};
    // Whoever asks for a dimension that does not exist gets no answer.
    std::optional<Dim> asked = askedDim(size);
    if (!asked) {
      IntegerAttr constant;
      if (matchPattern(size, m_Constant(&constant)))
        return {constant.getInt(), {}, dim};
      return {std::nullopt, size, dim};
    }
    dim = *asked;
  }
}
} // namespace

Value scan::sizeOf(OpBuilder &builder, Location loc, Value value, int64_t dim) {
  Root root = findRoot({value, dim});
  if (root.number)
    return arith::ConstantIndexOp::create(builder, loc, *root.number);
  if (root.size)
    return root.size;
  // Of what was joined: the product, which may be known outside of a loop that
  // the joined value is in.
  if (auto collapse = root.dim.value.getDefiningOp<tensor::CollapseShapeOp>()) {
    Value product;
    ReassociationIndices group =
        collapse.getReassociationIndices()[root.dim.number];
    for (int64_t dim : group) {
      Value size = sizeOf(builder, loc, collapse.getSrc(), dim);
      product = product
                    ? builder.createOrFold<arith::MulIOp>(loc, product, size)
                    : size;
    }
    return product;
  }
  return tensor::DimOp::create(builder, loc, root.dim.value, root.dim.number);
}

bool scan::isSizeRoot(Value value, int64_t dim) {
  Root root = findRoot({value, dim});
  return !root.number && !root.size && root.dim.value == value;
}

// The name that a function's interface gives a dimension, or null.
static StringAttr statedSize(Dim dim) {
  interface::SlotAttr slot = interface::slotOf(dim.value);
  return slot ? slot.getSizeName(dim.number) : StringAttr();
}

bool scan::isSize(Value value, int64_t dim, Value size) {
  Root own = findRoot({value, dim});
  std::optional<Dim> asked = askedDim(size);
  if (!asked) {
    IntegerAttr constant;
    if (own.number && matchPattern(size, m_Constant(&constant)))
      return own.number == constant.getInt();
    return own.size == size;
  }
  Root other = findRoot(*asked);
  if (own.number || other.number)
    return own.number == other.number;
  if (own.size || other.size)
    return own.size == other.size;
  StringAttr name = statedSize(own.dim);
  return (own.dim.value == other.dim.value &&
          own.dim.number == other.dim.number) ||
         (name && name == statedSize(other.dim));
}

// Whether a function's interface says that this dimension is the batch.
static bool isStatedBatch(Dim dim) {
  interface::SlotAttr slot = interface::slotOf(dim.value);
  return slot && slot.getSizeName(dim.number) == interface::kBatch;
}

// Appends what a size is the product of: rows can stand for steps and examples.
static void addFactors(const Root &root, SmallVectorImpl<Root> &factors) {
  if (root.size) {
    if (auto product = root.size.getDefiningOp<arith::MulIOp>()) {
      for (Value size : product->getOperands()) {
        auto inner = size.getDefiningOp<tensor::DimOp>();
        std::optional<int64_t> number =
            inner ? inner.getConstantIndex() : std::nullopt;
        addFactors(number ? findRoot({inner.getSource(), *number})
                          : Root{std::nullopt, size, root.dim},
                   factors);
      }
      return;
    }
  } else if (auto collapse =
                 root.number ? tensor::CollapseShapeOp()
                             : root.dim.value
                                   .getDefiningOp<tensor::CollapseShapeOp>()) {
    auto group = collapse.getReassociationIndices()[root.dim.number];
    for (int64_t dim : group)
      addFactors(findRoot({collapse.getSrc(), dim}), factors);
    return;
  }
  factors.push_back(root);
}

static bool isSameSize(const Root &a, const Root &b) {
  if (a.number || b.number)
    return a.number == b.number;
  if (a.size || b.size)
    return a.size == b.size;
  bool same = a.dim.value == b.dim.value && a.dim.number == b.dim.number;
  return same || (isStatedBatch(a.dim) && isStatedBatch(b.dim));
}

bool scan::isBatch(Value value, int64_t dim, Value lengths) {
  Root root = findRoot({value, dim});
  if (root.number)
    return false;
  SmallVector<Root> sizes, batch;
  addFactors(root, sizes);
  addFactors(findRoot({lengths, 0}), batch);
  return llvm::equal(sizes, batch, isSameSize);
}

SmallVector<Value> scan::dynamicSizes(OpBuilder &builder, Location loc,
                                      Value value) {
  SmallVector<Value> sizes;
  RankedTensorType type = tensorOf(value);
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (type.isDynamicDim(dim))
      sizes.push_back(sizeOf(builder, loc, value, dim));
  return sizes;
}

//===-- Lengths
//------------------------------------------------------------===//

Value scan::splitSequence(BlockArgument slice) {
  auto loop = dyn_cast_or_null<LoopOp>(slice.getOwner()->getParentOp());
  unsigned number = slice.getArgNumber();
  if (!loop || !loop.getRecompute() || number == 0 ||
      number > loop.getNumSlices())
    return {};
  auto split = loop.getSlices()[number - 1].getDefiningOp<SplitOp>();
  return split ? split.getInput() : Value();
}

Value scan::partLengths(BlockArgument slice, Value lengths) {
  for (auto part : slice.getOwner()->getOps<PartLengthsOp>())
    if (part.getLengths() == lengths)
      return part;
  return {};
}

// A segment is as ragged as its sequence.
static std::optional<Ragged> lengthsOfPart(BlockArgument slice) {
  Value whole = splitSequence(slice);
  std::optional<Ragged> ragged = whole ? findLengths(whole) : std::nullopt;
  if (!ragged || ragged->timeDim != 0)
    return std::nullopt;
  Value part = partLengths(slice, ragged->lengths);
  return part ? std::optional<Ragged>(Ragged{part, 0, ragged->batchDim})
              : std::nullopt;
}

// The lengths an op itself states of its result.
static std::optional<Ragged> statedLengths(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    return lengthsOfPart(argument);
  Operation *op = value.getDefiningOp();
  if (auto enter = dyn_cast_or_null<EnterOp>(op)) {
    // Of several time axes the first speaks for all.
    if (!enter.getLengths().empty())
      return Ragged{enter.getLengths().front(), 0,
                    static_cast<int64_t>(enter.getLengths().size())};
  } else if (auto join = dyn_cast_or_null<JoinOp>(op)) {
    if (join.getLengths())
      return Ragged{join.getLengths(), 0, 1};
  } else if (auto mask = dyn_cast_or_null<MaskOp>(op)) {
    if (mask.getTimeDim())
      return Ragged{mask.getLengths(), static_cast<int64_t>(*mask.getTimeDim()),
                    static_cast<int64_t>(mask.getBatchDim())};
  } else if (auto loop = dyn_cast_or_null<LoopOp>(op)) {
    unsigned number = cast<OpResult>(value).getResultNumber();
    if (number < loop.getNumStacks() && loop.isMaskedStack(number))
      return Ragged{loop.getLengths(), 0, 1};
  }
  return std::nullopt;
}

// Whether a dimension of what is inserted lies along one of the result, whole.
static bool isInsertedAlong(tensor::InsertSliceOp op, int64_t dim,
                            int64_t number) {
  llvm::SmallBitVector dropped = op.getDroppedDims();
  int64_t before = 0;
  for (int64_t i = 0; i < dim; ++i)
    before += !dropped.test(i);
  return !dropped.test(dim) && before == number && !op.isDynamicOffset(dim) &&
         op.getStaticOffset(dim) == 0 &&
         isSameSize(findRoot({op.getSource(), number}),
                    findRoot({op.getResult(), dim}));
}

// Whether a dimension of a value is that of one of its op's operands.
static bool isDimOf(Value value, int64_t dim, Value operand, int64_t number) {
  if (auto insert = value.getDefiningOp<tensor::InsertSliceOp>())
    if (insert.getSource() == operand && isInsertedAlong(insert, dim, number))
      return true;
  std::optional<Dim> before = sameSizeBefore({value, dim});
  return before && before->value == operand && before->number == number;
}

static std::optional<Ragged> lengthsOf(Value value, unsigned depth) {
  if (std::optional<Ragged> stated = statedLengths(value))
    return stated;
  auto type = dyn_cast<RankedTensorType>(value.getType());
  Operation *op = value.getDefiningOp();
  if (!op || !type || depth == 0 || type.getNumDynamicDims() < 2)
    return std::nullopt;
  // Where each dimension of the result comes from, operand by operand.
  for (Value operand : op->getOperands()) {
    auto operandType = dyn_cast<RankedTensorType>(operand.getType());
    if (!operandType || operandType.getNumDynamicDims() < 2)
      continue;
    std::optional<Ragged> ragged = lengthsOf(operand, depth - 1);
    if (!ragged)
      continue;
    if (op->hasTrait<OpTrait::Elementwise>())
      return ragged;
    int64_t time = -1, batch = -1;
    for (int64_t dim = 0; dim < type.getRank(); ++dim) {
      if (isDimOf(value, dim, operand, ragged->timeDim))
        time = dim;
      if (isDimOf(value, dim, operand, ragged->batchDim))
        batch = dim;
    }
    if (time >= 0 && batch >= 0)
      return Ragged{ragged->lengths, time, batch};
  }
  return std::nullopt;
}

std::optional<Ragged> scan::findLengths(Value value) {
  return lengthsOf(value, 12);
}

// The lengths an op itself states of one dimension of its result.
static std::optional<Ragged> statedAlong(Value value, int64_t time) {
  if (auto enter = value.getDefiningOp<EnterOp>()) {
    int64_t times = enter.getLengths().size();
    if (time < times)
      return Ragged{enter.getLengths()[time], time, times};
    return std::nullopt;
  }
  std::optional<Ragged> stated = statedLengths(value);
  return stated && stated->timeDim == time ? stated : std::nullopt;
}

// Which dimension of the result one of an operand is, or -1. Both operands of a
// product give a dimension that they share.
static int64_t resultDim(Value result, Value operand, int64_t number) {
  Operation *op = result.getDefiningOp();
  if (op->hasTrait<OpTrait::Elementwise>())
    return number;
  if (auto dot = dyn_cast<DotOp>(op))
    for (auto [shared, dims] : {std::pair(dot.getLhs(), dot.getLhsBatch()),
                                std::pair(dot.getRhs(), dot.getRhsBatch())})
      if (shared == operand)
        if (auto at = llvm::find(dims, number); at != dims.end())
          return at - dims.begin();
  for (int64_t dim = 0; dim < tensorOf(result).getRank(); ++dim)
    if (isDimOf(result, dim, operand, number))
      return dim;
  return -1;
}

static std::optional<Ragged> lengthsAlong(Value value, int64_t time,
                                          unsigned depth) {
  if (std::optional<Ragged> stated = statedAlong(value, time))
    return stated;
  Operation *op = value.getDefiningOp();
  if (!op || isa<LoopOp>(op) || depth == 0)
    return std::nullopt;
  for (Value operand : op->getOperands()) {
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    if (!type || type.getNumDynamicDims() < 2)
      continue;
    for (int64_t dim = 0; dim < type.getRank(); ++dim) {
      if (!type.isDynamicDim(dim) || resultDim(value, operand, dim) != time)
        continue;
      std::optional<Ragged> found = lengthsAlong(operand, dim, depth - 1);
      int64_t batch = found ? resultDim(value, operand, found->batchDim) : -1;
      if (batch >= 0)
        return Ragged{found->lengths, time, batch};
    }
  }
  return std::nullopt;
}

std::optional<Ragged> scan::findLengthsAlong(Value value, int64_t timeDim) {
  return lengthsAlong(value, timeDim, 12);
}

// The extreme over time itself.
static std::optional<Ragged> emptyExtreme(ReduceOp op) {
  if (op.getKind() == ReduceKind::sum || op.getKind() == ReduceKind::prod)
    return std::nullopt;
  std::optional<Ragged> ragged = findLengths(op.getInput());
  if (!ragged || !llvm::is_contained(op.getDims(), ragged->timeDim) ||
      llvm::is_contained(op.getDims(), ragged->batchDim))
    return std::nullopt;
  int64_t before = llvm::count_if(
      op.getDims(), [&](int64_t dim) { return dim < ragged->batchDim; });
  return Ragged{ragged->lengths, -1, ragged->batchDim - before};
}

static std::optional<Ragged> emptyRows(Value value, unsigned depth) {
  Operation *op = value.getDefiningOp();
  if (!op || depth == 0)
    return std::nullopt;
  if (auto reduce = dyn_cast<ReduceOp>(op))
    if (std::optional<Ragged> found = emptyExtreme(reduce))
      return found;
  // What infinity does not get lost in.
  if (!isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::NegFOp,
           arith::ExtFOp, arith::TruncFOp, BroadcastOp, TransposeOp, DotOp,
           tensor::ExtractSliceOp, tensor::CastOp, tensor::CollapseShapeOp,
           tensor::ExpandShapeOp>(op))
    return std::nullopt;
  for (Value operand : op->getOperands()) {
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    std::optional<Ragged> found =
        type ? emptyRows(operand, depth - 1) : std::nullopt;
    if (!found)
      continue;
    if (op->hasTrait<OpTrait::Elementwise>())
      return found;
    for (int64_t dim = 0; dim < tensorOf(value).getRank(); ++dim) {
      std::optional<Dim> before = sameSizeBefore({value, dim});
      if (before && before->value == operand &&
          before->number == found->batchDim)
        return Ragged{found->lengths, -1, dim};
    }
  }
  return std::nullopt;
}

std::optional<Ragged> scan::findEmptyRows(Value value) {
  return emptyRows(value, 8);
}

static bool finitePastEnd(Value value, unsigned depth) {
  // One dynamic dimension is the batch: such values have no end.
  auto type = cast<RankedTensorType>(value.getType());
  unsigned dynamic = type.getNumDynamicDims();
  if (dynamic < 2)
    return true;
  if (depth == 0)
    return false;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto loop = dyn_cast<LoopOp>(argument.getOwner()->getParentOp());
    if (!loop)
      return true;
    // What is carried may become anything.
    unsigned index = argument.getArgNumber() - 1;
    return index < loop.getNumSlices() &&
           finitePastEnd(loop.getSlices()[index], depth - 1);
  }
  // Lengths speak for one time axis, but where data enters for all.
  Operation *op = value.getDefiningOp();
  if (statedLengths(value) && (dynamic == 2 || isa<EnterOp>(op)))
    return true;
  if (isa<arith::ConstantOp, RandomOp, arith::CmpFOp, arith::SIToFPOp>(op))
    return true;
  // Finite for finite operands.
  if (isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::NegFOp,
          arith::MaximumFOp, arith::MinimumFOp, arith::SelectOp, math::TanhOp,
          math::SinOp, math::CosOp, math::ErfOp, math::AbsFOp, SigmoidOp,
          SoftplusOp, BroadcastOp, TransposeOp, DotOp, GatherOp, MaskOp,
          ReverseOp, ShiftOp, StopOp, ClipGradOp, PlaceStepOp, PickStepOp,
          SplitOp, JoinOp, tensor::ExtractSliceOp, tensor::InsertSliceOp,
          tensor::ConcatOp, tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op))
    return llvm::all_of(op->getOperands(), [&](Value operand) {
      auto type = dyn_cast<RankedTensorType>(operand.getType());
      return !type || !isa<FloatType>(type.getElementType()) ||
             finitePastEnd(operand, depth - 1);
    });
  return false;
}

bool scan::isFinitePastEnd(Value value) { return finitePastEnd(value, 12); }
