// PlanMemory.cpp: gives every buffer of a function a place in one workspace.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/Interface/Interface.h"
#include "rnnc/Dialect/Kernel/Transforms/Passes.h"

#include "rnnc/Dialect/Kernel/InPlace.h"
#include "rnnc/Dialect/Kernel/Kernel.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/Statistic.h"
#include "llvm/Support/MathExtras.h"

#define DEBUG_TYPE "kernel-plan-memory"

using namespace mlir;

namespace rnnc::kernel {

#define GEN_PASS_DEF_KERNELPLANMEMORY
#include "rnnc/Dialect/Kernel/Transforms/Passes.h.inc"

ALWAYS_ENABLED_STATISTIC(numBuffers, "Buffers");
ALWAYS_ENABLED_STATISTIC(numPlaces, "Places that they share");

namespace {

constexpr int64_t kAlignment = 64;

/// Bytes of a buffer: a number times dynamic sizes.
struct BufferExtent {
  int64_t bytes;
  SmallVector<Value> sizes;

  bool operator==(const BufferExtent &o) const {
    return bytes == o.bytes && sizes == o.sizes;
  }
};

/// Numbers of sizes, in the order in which they are first seen: products of
/// the same sizes are equal, and come out the same always.
using SizeNumbers = llvm::DenseMap<Value, unsigned>;

BufferExtent extentOf(memref::AllocOp alloc, SizeNumbers &numbers) {
  MemRefType type = alloc.getType();
  Type element = type.getElementType();
  BufferExtent extent{
      element.isIndex() ? 8
                        : llvm::divideCeil(element.getIntOrFloatBitWidth(), 8),
      llvm::to_vector(alloc.getDynamicSizes())};
  for (int64_t size : type.getShape())
    if (!ShapedType::isDynamic(size))
      extent.bytes *= size;
  if (extent.sizes.empty())
    extent.bytes = llvm::alignTo(extent.bytes, kAlignment);
  for (Value size : extent.sizes)
    numbers.try_emplace(size, numbers.size());
  llvm::sort(extent.sizes, [&](Value a, Value b) {
    return numbers.lookup(a) < numbers.lookup(b);
  });
  return extent;
}

struct Interval {
  memref::AllocOp alloc;
  BufferExtent extent;
  unsigned first, last;
  unsigned number; ///< in program order, so that sorting is the same always
  Region *part = nullptr; ///< of a `kernel.beside`, that all accesses are in
  /// The only access at the beginning, and at the end; null: it is in a view,
  /// or in an op around it.
  Operation *begins = nullptr, *ends = nullptr;
};

/// Whether `after` can be made where `before` lies, by what reads that last.
bool takesOver(const Interval &after, const Interval &before) {
  memref::AllocOp from = before.alloc, to = after.alloc;
  return before.ends && before.ends == after.begins &&
         from.getType() == to.getType() &&
         from.getDynamicSizes() == to.getDynamicSizes() &&
         makesInPlace(before.ends, from, to);
}

/// Parts that run at the same time.
bool areBeside(Region *a, Region *b) {
  return a && b && a != b && a->getParentOp() == b->getParentOp();
}

/// The part that an op is in, of the outermost `kernel.beside`; null outside.
Region *partOf(Operation *op) {
  Region *part = nullptr;
  for (Region *region = op->getParentRegion(); region;
       region = region->getParentRegion())
    if (isa_and_nonnull<BesideOp>(region->getParentOp()))
      part = region;
  return part;
}

struct MemorySlot {
  BufferExtent extent;
  unsigned busyUntil;
  Interval *last; ///< who is busy until then
  SmallVector<memref::AllocOp> users;
  SmallVector<Region *> parts; ///< that users are in
};

/// Numbers all ops, an op with regions from before its body to behind it.
struct Order {
  llvm::DenseMap<Operation *, std::pair<unsigned, unsigned>> spans;
  unsigned next = 0;

  void number(Block &block) {
    for (Operation &op : block) {
      unsigned first = next++;
      for (Region &region : op.getRegions())
        for (Block &inner : region)
          number(inner);
      spans[&op] = {first, next++};
    }
  }
};

/// The innermost block that holds all ops.
Block *commonBlock(ArrayRef<Operation *> ops) {
  for (Block *block = ops.front()->getBlock(); block;
       block = block->getParentOp()->getBlock()) {
    if (llvm::all_of(ops, [&](Operation *op) {
          return block->findAncestorOpInBlock(*op);
        }))
      return block;
  }
  return nullptr;
}

class MemoryPlanner {
public:
  MemoryPlanner(func::FuncOp function) : function(function) {}
  LogicalResult run();

private:
  void findIntervals();
  void fillSlots();
  Value bytesOf(OpBuilder &b, const BufferExtent &extent, IRMapping &mapping);
  LogicalResult place();
  LogicalResult makeSizeFunction();
  /// The size that a dimension of the function has, where code is put.
  using DimValue = llvm::function_ref<Value(memref::DimOp)>;
  Value cloneSize(OpBuilder &b, Value value, IRMapping &mapping, DimValue dim);
  Value total(OpBuilder &b, IRMapping &mapping, DimValue dim);
  Value countSegments(OpBuilder &b, DimValue dim);
  LogicalResult chooseSegments();
  int64_t bytesOfResults();
  int dimNumber(memref::DimOp dim);

  func::FuncOp function;
  SmallVector<SegmentCountOp> counts;
  SmallVector<Interval> intervals;
  SmallVector<MemorySlot> slots;
};

void MemoryPlanner::findIntervals() {
  Order order;
  order.number(function.getBody().front());
  SizeNumbers numbers;
  SmallVector<memref::AllocOp> allocs(
      function.getBody().front().getOps<memref::AllocOp>());
  for (memref::AllocOp alloc : allocs) {
    SmallVector<Operation *> accesses;
    collectAccesses(alloc, accesses);
    if (accesses.empty()) {
      intervals.push_back({alloc, extentOf(alloc, numbers), ~0u, 0, 0});
      continue;
    }
    Block *block = commonBlock(accesses);
    Interval interval{alloc, extentOf(alloc, numbers), ~0u, 0,
                      static_cast<unsigned>(intervals.size())};
    for (Operation *access : accesses) {
      auto [first, last] = order.spans[block->findAncestorOpInBlock(*access)];
      bool isOnly =
          access->getBlock() == block && llvm::count(accesses, access) == 1 &&
          llvm::is_contained(access->getOperands(), alloc.getResult());
      if (first < interval.first)
        interval.begins = isOnly ? access : nullptr;
      if (last > interval.last)
        interval.ends = isOnly ? access : nullptr;
      interval.first = std::min(interval.first, first);
      interval.last = std::max(interval.last, last);
    }
    Region *part = partOf(accesses.front());
    if (llvm::all_of(accesses, [&](Operation *o) { return partOf(o) == part; }))
      interval.part = part;
    intervals.push_back(interval);
  }
  llvm::sort(intervals, [](const Interval &a, const Interval &b) {
    return std::pair(a.first, a.number) < std::pair(b.first, b.number);
  });
}

void MemoryPlanner::fillSlots() {
  for (Interval &interval : intervals) {
    auto free = llvm::find_if(slots, [&](const MemorySlot &slot) {
      return slot.extent == interval.extent &&
             (slot.busyUntil < interval.first ||
              takesOver(interval, *slot.last)) &&
             llvm::none_of(slot.parts, [&](Region *part) {
               return areBeside(part, interval.part);
             });
    });
    if (free == slots.end()) {
      slots.push_back({interval.extent,
                       interval.last,
                       &interval,
                       {interval.alloc},
                       {interval.part}});
      continue;
    }
    free->parts.push_back(interval.part);
    free->busyUntil = interval.last;
    free->last = &interval;
    free->users.push_back(interval.alloc);
  }
  numBuffers += intervals.size();
  numPlaces += slots.size();
}

/// Bytes of a slot, a multiple of the alignment.
Value MemoryPlanner::bytesOf(OpBuilder &b, const BufferExtent &extent,
                             IRMapping &mapping) {
  Location loc = function.getLoc();
  Value bytes = arith::ConstantIndexOp::create(b, loc, extent.bytes);
  if (extent.sizes.empty())
    return bytes;
  for (Value size : extent.sizes)
    bytes = arith::MulIOp::create(b, loc, bytes, mapping.lookupOrDefault(size));
  if (extent.bytes % kAlignment == 0)
    return bytes;
  Value less = arith::ConstantIndexOp::create(b, loc, kAlignment - 1);
  Value mask = arith::ConstantIndexOp::create(b, loc, -kAlignment);
  return arith::AndIOp::create(
      b, loc, arith::AddIOp::create(b, loc, bytes, less), mask);
}

/// A size that turned out to be a number leaves a cast behind its alloc. They
/// come behind all allocs.
static void sinkCasts(Operation *lastAlloc) {
  Operation *behind = lastAlloc;
  Block &block = *lastAlloc->getBlock();
  for (auto cast : llvm::make_early_inc_range(block.getOps<memref::CastOp>()))
    if (cast.getSource().getDefiningOp<memref::AllocOp>() &&
        cast->isBeforeInBlock(lastAlloc)) {
      cast->moveAfter(behind);
      behind = cast;
    }
}

LogicalResult MemoryPlanner::place() {
  MLIRContext *context = function.getContext();
  Location loc = function.getLoc();
  unsigned number = function.getNumArguments();
  auto type =
      MemRefType::get({ShapedType::kDynamic}, IntegerType::get(context, 8));
  DictionaryAttr role = interface::attributesOf(interface::SlotAttr::get(
      StringAttr::get(context, ""), interface::Role::Workspace, /*shape=*/{}));
  if (failed(function.insertArgument(number, type, role, loc)))
    return failure();
  Value workspace = function.getArgument(number);
  // Behind the last alloc every size is known and no buffer is used yet.
  Operation *last = nullptr;
  for (auto alloc : function.getBody().front().getOps<memref::AllocOp>())
    last = alloc;
  if (!last)
    return success();
  sinkCasts(last);
  for (Interval &interval : intervals)
    for (Operation *user : interval.alloc->getUsers())
      if (user->getBlock() == last->getBlock() && user->isBeforeInBlock(last))
        return user->emitError("uses a buffer before all are allocated");
  OpBuilder b(context);
  b.setInsertionPointAfter(last);
  IRMapping same;
  Value offset = arith::ConstantIndexOp::create(b, loc, 0);
  for (MemorySlot &slot : slots) {
    for (memref::AllocOp alloc : slot.users) {
      Value view =
          memref::ViewOp::create(b, alloc.getLoc(), alloc.getType(), workspace,
                                 offset, alloc.getDynamicSizes());
      alloc.replaceAllUsesWith(view);
    }
    offset =
        arith::AddIOp::create(b, loc, offset, bytesOf(b, slot.extent, same));
  }
  return success();
}

/// Number of the function's dimension that a memref.dim of an argument reads,
/// or -1.
int MemoryPlanner::dimNumber(memref::DimOp dim) {
  auto arg = dyn_cast<BlockArgument>(dim.getSource());
  if (!arg || !dim.getConstantIndex())
    return -1;
  int64_t index = *dim.getConstantIndex();
  StringAttr name = interface::sizeName(function, arg.getArgNumber(), index);
  if (!name)
    name =
        StringAttr::get(function.getContext(),
                        "arg" + Twine(arg.getArgNumber()) + "." + Twine(index));
  return int(interface::functionOf(function).numberOf(name));
}

/// Repeats the computation of a size.
Value MemoryPlanner::cloneSize(OpBuilder &b, Value value, IRMapping &mapping,
                               DimValue dimValue) {
  if (Value known = mapping.lookupOrNull(value))
    return known;
  Operation *op = value.getDefiningOp();
  Value result;
  if (auto dim = dyn_cast_or_null<memref::DimOp>(op)) {
    result = dimValue(dim);
    if (!result)
      return op->emitError("a size is no dimension of the function"), Value();
  } else {
    if (!op || !isMemoryEffectFree(op) || op->getNumRegions())
      return emitError(value.getLoc(),
                       "a size depends on more than dimensions"),
             Value();
    for (Value operand : op->getOperands())
      if (!cloneSize(b, operand, mapping, dimValue))
        return {};
    result = b.clone(*op, mapping)
                 ->getResult(cast<OpResult>(value).getResultNumber());
  }
  mapping.map(value, result);
  return result;
}

/// Bytes of the workspace; null after an error.
Value MemoryPlanner::total(OpBuilder &b, IRMapping &mapping, DimValue dim) {
  Location loc = function.getLoc();
  Value sum = arith::ConstantIndexOp::create(b, loc, 0);
  for (MemorySlot &slot : slots) {
    for (Value size : slot.extent.sizes)
      if (!cloneSize(b, size, mapping, dim))
        return {};
    sum = arith::AddIOp::create(b, loc, sum, bytesOf(b, slot.extent, mapping));
  }
  return sum;
}

/// Results that the caller does not want, and packed weights, lie before the
/// workspace proper, where they have a fixed size with what is left by
/// aligning.
int64_t MemoryPlanner::bytesOfResults() {
  int64_t bytes = 1024;
  for (BlockArgument argument : function.getArguments()) {
    interface::SlotAttr slot =
        interface::slotOf(function, argument.getArgNumber());
    auto type = dyn_cast<MemRefType>(argument.getType());
    bool isInput = !slot || slot.getRole() < interface::Role::Prepared;
    if (isInput || !type || !type.hasStaticShape())
      continue;
    int64_t size = llvm::divideCeil(
        type.getNumElements() * type.getElementTypeBitWidth(), 8);
    bytes += llvm::alignTo(size, kAlignment) + sizeof(void *);
  }
  return bytes;
}

/// Tries numbers of segments, from one to one for each step, until the
/// workspace fits. Null after an error.
Value MemoryPlanner::countSegments(OpBuilder &b, DimValue dim) {
  Location loc = counts.front().getLoc();
  auto number = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, loc, value);
  };
  IRMapping known;
  Value one = number(1), most = one, unknown = number(INT64_MAX);
  Value limit = number(std::max<int64_t>(0, int64_t(counts.front().getBytes()) -
                                                bytesOfResults()));
  for (SegmentCountOp op : counts) {
    Value trip = cloneSize(b, op.getTrip(), known, dim);
    if (!trip)
      return {};
    most = arith::MaxUIOp::create(b, loc, most, trip);
  }
  Type index = b.getIndexType();
  bool failed = false;
  // What is tried next, the best so far, and what that needs.
  auto loop = scf::WhileOp::create(
      b, loc, TypeRange{index, index, index}, ValueRange{one, one, unknown},
      [&](OpBuilder &inner, Location loc, ValueRange state) {
        Value left = arith::CmpIOp::create(
            inner, loc, arith::CmpIPredicate::ule, state[0], most);
        Value large = arith::CmpIOp::create(
            inner, loc, arith::CmpIPredicate::ugt, state[2], limit);
        scf::ConditionOp::create(
            inner, loc, arith::AndIOp::create(inner, loc, left, large), state);
      },
      [&](OpBuilder &inner, Location loc, ValueRange state) {
        IRMapping mapping;
        for (SegmentCountOp op : counts)
          mapping.map(op.getCount(), state[0]);
        Value bytes = total(inner, mapping, dim);
        failed = !bytes;
        if (failed)
          bytes = state[2];
        Value less = arith::CmpIOp::create(
            inner, loc, arith::CmpIPredicate::ult, bytes, state[2]);
        Value step = arith::MaxUIOp::create(
            inner, loc, one,
            arith::ShRUIOp::create(
                inner, loc, state[0],
                arith::ConstantIndexOp::create(inner, loc, 3)));
        scf::YieldOp::create(
            inner, loc,
            ValueRange{
                arith::AddIOp::create(inner, loc, state[0], step),
                arith::SelectOp::create(inner, loc, less, state[0], state[1]),
                arith::SelectOp::create(inner, loc, less, bytes, state[2])});
      });
  return failed ? Value() : loop.getResult(1);
}

/// `checkpoint memory`: the function itself finds the number that the size
/// function finds.
LogicalResult MemoryPlanner::chooseSegments() {
  if (counts.empty())
    return success();
  OpBuilder b(counts.front());
  Value count = countSegments(b, [&](memref::DimOp dim) -> Value {
    return memref::DimOp::create(b, dim.getLoc(), dim.getSource(),
                                 *dim.getConstantIndex());
  });
  if (!count)
    return failure();
  for (SegmentCountOp op : counts) {
    op.replaceAllUsesWith(count);
    op.erase();
  }
  return success();
}

LogicalResult MemoryPlanner::makeSizeFunction() {
  ArrayAttr names = interface::functionOf(function).getDims();
  Location loc = function.getLoc();
  OpBuilder b(function);
  b.setInsertionPointAfter(function);
  SmallVector<Type> types(names.size(), b.getIndexType());
  auto target =
      func::FuncOp::create(b, loc, (function.getName() + ".workspace").str(),
                           b.getFunctionType(types, {b.getI64Type()}));
  target.setVisibility(function.getVisibility());
  b.setInsertionPointToStart(target.addEntryBlock());
  auto argument = [&](memref::DimOp dim) -> Value {
    int number = dimNumber(dim);
    return number < 0 ? Value() : Value(target.getArgument(number));
  };
  IRMapping mapping;
  if (!counts.empty()) {
    Value count = countSegments(b, argument);
    if (!count)
      return failure();
    for (SegmentCountOp op : counts)
      mapping.map(op.getCount(), count);
  }
  Value bytes = total(b, mapping, argument);
  if (!bytes)
    return failure();
  func::ReturnOp::create(
      b, loc,
      ValueRange{arith::IndexCastOp::create(b, loc, b.getI64Type(), bytes)});
  return success();
}

LogicalResult MemoryPlanner::run() {
  WalkResult nested = function.walk([&](memref::AllocOp alloc) {
    if (alloc->getParentOp() == function)
      return WalkResult::advance();
    alloc.emitError("allocates inside of a loop");
    return WalkResult::interrupt();
  });
  if (nested.wasInterrupted())
    return failure();
  findIntervals();
  for (Interval &interval : intervals)
    if (interval.first > interval.last)
      interval.alloc.erase();
  llvm::erase_if(intervals, [](const Interval &interval) {
    return interval.first > interval.last;
  });
  fillSlots();
  llvm::append_range(counts,
                     function.getBody().front().getOps<SegmentCountOp>());
  if (failed(makeSizeFunction()) || failed(chooseSegments()) || failed(place()))
    return failure();
  for (Interval &interval : intervals)
    interval.alloc.erase();
  return success();
}

struct KernelPlanMemory : public impl::KernelPlanMemoryBase<KernelPlanMemory> {
  void runOnOperation() override {
    SmallVector<func::FuncOp> functions;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isExternal() && interface::hasDims(function))
        functions.push_back(function);
    for (func::FuncOp function : functions)
      if (failed(MemoryPlanner(function).run()))
        return signalPassFailure();
  }
};

} // namespace

} // namespace rnnc::kernel
