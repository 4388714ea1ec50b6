// LeaveInPlace.cpp: outputs that are written where the caller wants them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The buffer that `kernel.leave` copies becomes a view of what it is copied to:
// the same sizes, other strides. That view may reach past the end of the
// output, where time was cut into chunks: what writes it computes valid rows
// only, and those lie inside.

#include "rnnc/Dialect/Kernel/Transforms/Passes.h"

#include "rnnc/Dialect/Interface/Interface.h"
#include "rnnc/Dialect/Kernel/Kernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace rnnc::kernel {

#define GEN_PASS_DEF_KERNELLEAVEINPLACE
#include "rnnc/Dialect/Kernel/Transforms/Passes.h.inc"

namespace {

/// One `kernel.leave` and the buffer that it reads.
class Output {
public:
  explicit Output(LeaveOp leave) : leave(leave) {}

  /// Why it stays a copy; empty: it need not.
  StringRef findBuffer();
  void rewrite();

private:
  bool swapsTimeAndExamples();
  bool isLeft(Value view);
  StringRef findWriters(Value view);
  Value viewOfOutput(OpBuilder &b, ArrayRef<OpFoldResult> sizes);
  void retype(Value from, Value to);

  LeaveOp leave;
  memref::AllocOp buffer;
  memref::CollapseShapeOp joined; ///< of chunks and steps, or null
  SmallVector<MaskRowsOp> masks;
};

/// [time, examples, ...] of the buffer to [examples, time, ...] of a result.
bool Output::swapsTimeAndExamples() {
  auto argument = dyn_cast<BlockArgument>(leave.getOut());
  auto type = cast<MemRefType>(leave.getOut().getType());
  if (!argument || !type.getLayout().isIdentity() || type.getRank() < 3)
    return false;
  auto function = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
  if (!function)
    return false;
  interface::SlotAttr slot =
      interface::slotOf(function, argument.getArgNumber());
  if (!slot || slot.getRole() != interface::Role::Output)
    return false;
  SmallVector<int64_t> perm = llvm::to_vector(leave.getPerm());
  if (perm[0] != 1 || perm[1] != 0 || leave.getBatchDim() != 1 ||
      leave.getTimeDims() != ArrayRef<int64_t>{0})
    return false;
  for (int64_t d = 2, end = int64_t(perm.size()); d != end; ++d)
    if (perm[d] != d || type.isDynamicDim(d))
      return false;
  return true;
}

StringRef Output::findBuffer() {
  if (!swapsTimeAndExamples())
    return "its order is not that of a sequence of examples";
  Value from = leave.getSource();
  if (auto all = from.getDefiningOp<memref::SubViewOp>()) {
    auto isZero = [](OpFoldResult at) { return getConstantIntValue(at) == 0; };
    if (!llvm::all_of(all.getMixedOffsets(), isZero) ||
        all.getSourceType().getRank() != all.getType().getRank())
      return "it is a part of something";
    from = all.getSource();
  }
  if ((joined = from.getDefiningOp<memref::CollapseShapeOp>())) {
    SmallVector<ReassociationIndices> groups = joined.getReassociationIndices();
    if (groups.front() != ReassociationIndices{0, 1} ||
        size_t(joined.getSrcType().getRank()) != groups.size() + 1)
      return "it is reshaped";
    from = joined.getSrc();
  }
  buffer = from.getDefiningOp<memref::AllocOp>();
  if (!buffer || !buffer.getType().getLayout().isIdentity() ||
      buffer->getBlock() != leave->getBlock())
    return "it is no buffer of its own";
  if (leave.getSource() != buffer.getResult() && !leave.getSource().hasOneUse())
    return "it is read in other places too";
  return findWriters(buffer);
}

/// Whether only the leave, and sizes, use it.
bool Output::isLeft(Value view) {
  return llvm::all_of(view.getUsers(), [&](Operation *user) {
    if (auto part = dyn_cast<memref::SubViewOp>(user))
      return part == leave.getSource().getDefiningOp();
    return user == leave ||
           (isa<memref::DimOp>(user) &&
            llvm::all_of(user->getUsers(), [&](Operation *size) {
              return size == leave.getSource().getDefiningOp();
            }));
  });
}

StringRef Output::findWriters(Value view) {
  for (OpOperand &use : view.getUses()) {
    Operation *user = use.getOwner();
    if (user == leave || isa<memref::DimOp>(user))
      continue;
    if (user == joined || user == leave.getSource().getDefiningOp()) {
      if (!isLeft(user->getResult(0)))
        return "it is read in other places too";
      continue;
    }
    if (auto part = dyn_cast<memref::SubViewOp>(user)) {
      if (StringRef why = findWriters(part); !why.empty())
        return why;
      continue;
    }
    if (auto phase = dyn_cast<PhaseOp>(user)) {
      bool writes = llvm::is_contained(phase.getOuts(), view) &&
                    !llvm::is_contained(phase.getInputs(), view) &&
                    !llvm::is_contained(phase.getLefts(), view);
      if (!writes)
        return "it is read in other places too";
      if (!phase.getValid())
        return "what is written there has rows of the padding";
      continue;
    }
    auto mask = dyn_cast<MaskRowsOp>(user);
    if (!mask || mask.getPrevious() || mask.getOut() != view)
      return "it is used in other places too";
    masks.push_back(mask);
  }
  return "";
}

/// The output with time before examples; with one size more, in chunks.
Value Output::viewOfOutput(OpBuilder &b, ArrayRef<OpFoldResult> sizes) {
  Location loc = leave.getLoc();
  auto type = cast<MemRefType>(leave.getOut().getType());
  int64_t row = 1;
  for (int64_t size : type.getShape().drop_front(2))
    row *= size;
  auto times = [&](OpFoldResult steps) -> OpFoldResult {
    Value v = getValueOrCreateConstantIndexOp(b, loc, steps);
    Value each = arith::ConstantIndexOp::create(b, loc, row);
    return b.createOrFold<arith::MulIOp>(loc, v, each);
  };
  SmallVector<OpFoldResult> strides;
  bool inChunks = sizes.size() != size_t(type.getRank());
  if (inChunks)
    strides.push_back(times(sizes[1]));
  strides.push_back(b.getIndexAttr(row));
  strides.push_back(times(OpFoldResult(
      memref::DimOp::create(b, loc, leave.getOut(), 1).getResult())));
  for (int64_t size : type.getShape().drop_front(2))
    strides.push_back(b.getIndexAttr(row /= size));
  return memref::ReinterpretCastOp::create(b, loc, leave.getOut(),
                                           b.getIndexAttr(0), sizes, strides);
}

/// Views of views have other strides.
void Output::retype(Value from, Value to) {
  for (OpOperand &use : llvm::make_early_inc_range(from.getUses())) {
    auto part = dyn_cast<memref::SubViewOp>(use.getOwner());
    if (!part) {
      use.set(to);
      continue;
    }
    OpBuilder b(part);
    SmallVector<OpFoldResult> at = part.getMixedOffsets(),
                              sizes = part.getMixedSizes(),
                              strides = part.getMixedStrides();
    MemRefType type = memref::SubViewOp::inferRankReducedResultType(
        part.getType().getShape(), cast<MemRefType>(to.getType()), at, sizes,
        strides);
    Value other = memref::SubViewOp::create(b, part.getLoc(), type, to, at,
                                            sizes, strides);
    retype(part, other);
    part.erase();
  }
}

void Output::rewrite() {
  OpBuilder b(leave);
  Location loc = leave.getLoc();
  // Rows of the padding, once behind all.
  SmallVector<OpFoldResult> sizes =
      memref::getMixedSizes(b, loc, leave.getOut());
  std::swap(sizes[0], sizes[1]);
  MaskRowsOp::create(b, loc, viewOfOutput(b, sizes), leave.getLengths()[0],
                     /*at=*/Value(), /*previous=*/Value(), /*batch_dim=*/1,
                     b.getI64IntegerAttr(0));
  b.setInsertionPoint(buffer);
  Value view = viewOfOutput(b, buffer.getMixedSizes());
  for (MaskRowsOp mask : masks)
    mask.erase();
  Operation *all = leave.getSource().getDefiningOp();
  leave.erase();
  if (isa<memref::SubViewOp>(all)) {
    // Sizes of what it is a part of go with it.
    Value source = cast<memref::SubViewOp>(all).getSource();
    all->erase();
    for (Operation *size : llvm::make_early_inc_range(source.getUsers()))
      if (isa<memref::DimOp>(size) && size->use_empty())
        size->erase();
  }
  if (joined)
    joined.erase();
  retype(buffer, view);
  buffer.erase();
}

struct LeaveInPlace : impl::KernelLeaveInPlaceBase<LeaveInPlace> {
  using Base::Base;

  void runOnOperation() override {
    auto targets = getOperation()->getAttrOfType<ArrayAttr>(kTargets);
    if (targets && llvm::any_of(targets, [](Attribute target) {
          return bool(cast<TargetAttr>(target).getGpu());
        }))
      return;
    SmallVector<LeaveOp> leaves;
    getOperation()->walk([&](LeaveOp leave) { leaves.push_back(leave); });
    for (LeaveOp leave : leaves) {
      Output output(leave);
      if (output.findBuffer().empty())
        output.rewrite();
    }
  }
};

} // namespace
} // namespace rnnc::kernel
