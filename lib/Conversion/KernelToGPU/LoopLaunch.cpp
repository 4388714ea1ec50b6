// LoopLaunch.cpp: all steps of a time loop in one kernel.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where examples do not need each other, a block has a few of them and runs
// every step: instead of a launch between one op and the next there is a
// barrier of the block. Its code is the loop's, on a batch that is the block's:
// buffers with a row for each example are cut to the rows of the block, and
// whatever reads and writes them stays as it is. The weights stay in shared
// memory if they fit.

#include "GridWaits.h"
#include "LaunchWriter.h"
#include "LoopCode.h"
#include "LoopRows.h"

#include "mlir/Interfaces/ViewLikeInterface.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

namespace rnnc {

/// Shared memory for weights: a block has 48 KB without asking, of which rows
/// that are combined need some.
static constexpr int64_t kSharedWeights = 32 << 10;

void hoistMemory(scf::ForOp loop) {
  for (auto alloc :
       llvm::make_early_inc_range(loop.getBody()->getOps<memref::AllocOp>())) {
    bool fixed = llvm::all_of(alloc->getOperands(), [&](Value size) {
      return loop.isDefinedOutsideOfLoop(size);
    });
    if (fixed)
      alloc->moveBefore(loop);
  }
}

namespace {

/// Looks whether the rows of a loop need each other.
class LoopCheck {
public:
  explicit LoopCheck(scf::ForOp loop) : loop(loop) {}

  std::string run();
  Value batch, list;
  Values weights;

private:
  void addWeights(Value right) {
    if (!llvm::is_contained(weights, right))
      weights.push_back(right);
  }
  std::string look(Operation *op);
  std::string lookAtWork(Operation *op);
  std::string lookAtOperands(Operation *op, ArrayRef<unsigned> rows);
  std::string lookAtRows(kernel::ValidRowsOp op);
  std::string lookAtList(Value buffer);

  scf::ForOp loop;
  /// Of each place with rows: the bytes from one to the next.
  llvm::DenseMap<Root, int64_t> distances;
  llvm::DenseSet<Root> written, others;
};

} // namespace

static std::string named(Operation *op, StringRef why) {
  return ("`" + op->getName().getStringRef() + "` " + why).str();
}

/// Only what decides which rows go on uses the list.
std::string LoopCheck::lookAtList(Value buffer) {
  if (list == buffer)
    return "";
  if (list || !loop.isDefinedOutsideOfLoop(buffer))
    return "there are two lists of rows";
  for (Operation *user : buffer.getUsers()) {
    auto fill = dyn_cast<kernel::ValidRowsOp>(user);
    auto phase = dyn_cast<kernel::PhaseOp>(user);
    bool inLoop = loop->isProperAncestor(user);
    if (fill && (inLoop || getConstantIntValue(fill.getAt()) == -1))
      continue;
    if (inLoop && phase && phase.getValid() == buffer &&
        llvm::count(phase->getOperands(), buffer) == 1)
      continue;
    return "its list of rows is used elsewhere, too";
  }
  list = buffer;
  return "";
}

std::string LoopCheck::lookAtRows(kernel::ValidRowsOp op) {
  if (sizeValue(op.getLengths(), 0) != batch && batch)
    return named(op, "has other rows");
  others.insert(rootOf(op.getLengths()));
  return lookAtList(op.getOut());
}

std::string LoopCheck::lookAtOperands(Operation *op, ArrayRef<unsigned> rows) {
  MemoryEffectOpInterface effects = dyn_cast<MemoryEffectOpInterface>(op);
  for (OpOperand &operand : op->getOpOperands()) {
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    if (!type || operand.get() == list)
      continue;
    // What products need on a processor is of no use here.
    auto gemm = dyn_cast<kernel::GemmOp>(op);
    if (gemm && operand.get() == gemm.getScratch())
      continue;
    Root root = rootOf(operand.get());
    bool writes = !effects || effects.getEffectOnValue<MemoryEffects::Write>(
                                  operand.get()) != std::nullopt;
    if (!llvm::is_contained(rows, operand.getOperandNumber())) {
      if (writes)
        return named(op, "writes what all examples have in common");
      others.insert(root);
      continue;
    }
    if (sizeValue(operand.get(), 0) != batch)
      return named(op, "has other rows");
    SmallVector<int64_t> strides;
    int64_t offset;
    if (failed(type.getStridesAndOffset(strides, offset)) ||
        ShapedType::isDynamic(strides[0]))
      return named(op, "has rows at an unknown distance");
    int64_t bytes = strides[0] * int64_t(type.getElementTypeBitWidth() / 8);
    if (distances.try_emplace(root, bytes).first->second != bytes)
      return named(op, "shares a place with other rows");
    if (writes)
      written.insert(root);
  }
  return "";
}

std::string LoopCheck::lookAtWork(Operation *op) {
  if (auto valid = dyn_cast<kernel::ValidRowsOp>(op))
    return lookAtRows(valid);
  auto rows = rowOperands(op);
  if (!rows)
    return named(op, "is not computed example by example");
  if (!batch)
    batch = sizeValue(op->getOperand(rows->front()), 0);
  if (!batch || !loop.isDefinedOutsideOfLoop(batch))
    return named(op, "has an unknown number of rows");
  if (auto phase = dyn_cast<kernel::PhaseOp>(op)) {
    if (phase.getValid())
      if (std::string why = lookAtList(phase.getValid()); !why.empty())
        return why;
    for (Value right : phase.getRights())
      addWeights(right);
  }
  if (auto gemm = dyn_cast<kernel::GemmOp>(op))
    addWeights(gemm.getB());
  return lookAtOperands(op, *rows);
}

std::string LoopCheck::look(Operation *op) {
  if (isDeviceWork(op))
    return lookAtWork(op);
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    if (branch.getNumResults())
      return named(op, "chooses a number");
    for (Region &region : branch->getRegions())
      for (Block &block : region)
        for (Operation &inner : block.without_terminator())
          if (std::string why = look(&inner); !why.empty())
            return why;
    return "";
  }
  bool computes = isMemoryEffectFree(op) && op->getNumRegions() == 0;
  return computes ? "" : named(op, "needs the host in each step");
}

std::string LoopCheck::run() {
  if (loop.getNumResults())
    return "it carries a number";
  for (Operation &op : loop.getBody()->without_terminator())
    if (std::string why = look(&op); !why.empty())
      return why;
  if (!batch)
    return "it does nothing";
  for (const Root &root : written)
    if (others.contains(root))
      return "what all examples read is written";
  return "";
}

std::string LoopLaunch::check() {
  LoopCheck check(loop);
  std::string why = check.run();
  batch = check.batch;
  list = check.list;
  int64_t bytes = 0;
  for (Value right : check.weights) {
    auto type = cast<MemRefType>(right.getType());
    if (!type.hasStaticShape() || type.getRank() != 1 ||
        !loop.isDefinedOutsideOfLoop(right))
      return why;
    bytes += type.getNumElements() * int64_t(type.getElementTypeBitWidth() / 8);
  }
  if (bytes <= kSharedWeights)
    weights = check.weights;
  return why;
}

namespace {

/// Writes the kernel.
class LoopBody : public LoopCode {
public:
  LoopBody(OpBuilder &b, Location loc, IRMapping &inside, int64_t rows,
           int64_t threads, function_ref<Value(Type)> shared)
      : LoopCode(b, loc, inside, threads, shared), rows(rows) {}

  /// The rows of this block, and this thread.
  void begin(Value batch);
  void fill(Value list);
  void copy(Value from, Value to);

private:
  void writeWork(Operation *op) override;
  Value cut(Value memref);

  int64_t rows;
  Value first, count;
};

} // namespace

void LoopBody::begin(Value batch) {
  Value block = gpu::BlockIdOp::create(b, loc, gpu::Dimension::x);
  lane = gpu::ThreadIdOp::create(b, loc, gpu::Dimension::x);
  ofThreads = {lane, threads};
  ofBlocks = {t.index(0), 1};
  first = t.times(block, t.index(rows));
  count = t.least(t.index(rows), t.minus(batch, first));
}

/// All rows go on before the first step.
void LoopBody::fill(Value list) {
  Type type = cast<MemRefType>(list.getType()).getElementType();
  take(ofThreads, t.add(count, t.index(1)), [&](Value i) {
    Value isCount =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, i, t.index(0));
    Value row = t.minus(i, t.index(1));
    Value value = arith::SelectOp::create(b, loc, isCount, count, row);
    t.store(t.fromIndex(value, type), list, i);
  });
}

void LoopBody::copy(Value from, Value to) {
  take(ofThreads, t.size(to, 0),
       [&](Value i) { t.store(t.load(from, i), to, i); });
}

/// The rows of the block.
Value LoopBody::cut(Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(type.getRank(), b.getIndexAttr(1)), sizes;
  offsets[0] = first;
  sizes.push_back(count);
  for (int64_t i = 1; i != type.getRank(); ++i)
    sizes.push_back(getAsOpFoldResult(t.size(memref, i)));
  return memref::SubViewOp::create(b, loc, memref, offsets, sizes, strides);
}

void LoopBody::writeWork(Operation *op) {
  IRMapping own(inside);
  SmallVector<unsigned> numbers;
  if (auto valid = dyn_cast<kernel::ValidRowsOp>(op))
    numbers.push_back(valid.getLengthsMutable().getOperandNumber());
  else
    numbers = *rowOperands(op);
  for (unsigned number : numbers) {
    Value operand = op->getOperand(number);
    own.map(operand, cut(inside.lookup(operand)));
  }
  Operation *made = b.clone(*op, own);
  limitRows(made, rows);
  run(made);
  waitForBlock();
}

gpu::GPUFuncOp LoopLaunch::build() {
  llvm::SetVector<Value> used(loop->operand_begin(), loop->operand_end());
  used.insert(batch);
  getUsedValuesDefinedAbove(loop.getRegion(), used);
  used.remove(list);
  for (Value value : used)
    take(value);
  gpu::GPUFuncOp kernel = makeKernel();
  allowRegisters(kernel);
  OpBuilder b = OpBuilder::atBlockBegin(&kernel.getBody().front());
  IRMapping inside;
  mapGiven(kernel, b, inside);
  auto place = [&](Type element) { return shared(kernel, element); };
  LoopBody body(b, loc, inside, rows, threads, place);
  body.begin(inside.lookup(batch));
  if (list) {
    Type element = cast<MemRefType>(list.getType()).getElementType();
    inside.map(list, addShared(kernel, rows + 1, element));
    body.fill(inside.lookup(list));
  }
  for (Value right : weights) {
    auto type = cast<MemRefType>(right.getType());
    Value to = addShared(kernel, type.getNumElements(), type.getElementType());
    body.copy(inside.lookup(right), to);
    inside.map(right, to);
  }
  body.waitForBlock();
  body.loop(loop);
  gpu::ReturnOp::create(b, loc);
  return kernel;
}

void LoopLaunch::launch(gpu::GPUFuncOp kernel) {
  IRMapping none;
  ThreadCode t(host, loc, none);
  Value more = t.add(batch, t.index(rows - 1));
  launchBlocks(kernel, t.over(more, t.index(rows)));
}

} // namespace rnnc
