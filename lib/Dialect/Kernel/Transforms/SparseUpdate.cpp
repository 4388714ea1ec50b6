// SparseUpdate.cpp: updates of the rows of a table that a batch has read.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Of a large table a batch reads few rows, and the gradient of the others is
// zero. Where such a gradient moves nothing, rows are marked as they are read,
// and what sweeps gradients goes over runs of marked rows. A sum of squares
// does so always: it is the same to the bit, whoever asks for it. New values
// beside the old ones need all rows, so there the caller asks for all.

#include "MarkedRows.h"
#include "Stretches.h"

#include "rnnc/Dialect/Grad/Update.h"
#include "rnnc/Dialect/Interface/Interface.h"
#include "rnnc/Dialect/Kernel/InPlace.h"
#include "rnnc/Dialect/Kernel/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;

namespace rnnc::kernel {

#define GEN_PASS_DEF_KERNELSPARSEUPDATE
#include "rnnc/Dialect/Kernel/Transforms/Passes.h.inc"

namespace {

using interface::Role;

/// An op of an update that goes over a stretch of the gradients, number by
/// number.
struct Sweep {
  linalg::GenericOp op;
  int64_t begin = 0, end = 0;
  bool sums = false; ///< else it writes new values
};

BlockArgument gradientsOf(func::FuncOp function) {
  for (BlockArgument argument : function.getArguments()) {
    interface::SlotAttr slot =
        interface::slotOf(function, argument.getArgNumber());
    if (slot && slot.getRole() == Role::Grads)
      return argument;
  }
  return {};
}

/// One loop over numbers that lie side by side; what else is read stays the
/// same.
bool goesThroughOnce(linalg::GenericOp op) {
  if (op.getNumLoops() != 1 || !op.getBody()->getOps<linalg::IndexOp>().empty())
    return false;
  return llvm::all_of(op->getOpOperands(), [&](OpOperand &operand) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    return type && (map.isIdentity() ? type.hasStaticShape()
                                     : map.getNumResults() == 0);
  });
}

/// The update of a model, and how it may be cut.
class Update {
public:
  explicit Update(func::FuncOp function) : function(function) {}

  void findSweeps();
  /// Why all rows of a table are updated; empty: they need not be.
  std::string reasonAgainst(const RowTable &table) const;
  void cut(ArrayRef<RowTable> tables);

private:
  std::optional<Sweep> sweepOf(const StretchUse &reader) const;
  void add(const StretchUse &reader);
  bool isStill(const RowTable &table) const;
  bool isSwept(const RowTable &table) const;

  func::FuncOp function;
  bool isKnown = false;             ///< what it reads and writes
  SmallVector<StretchUse> writers;  ///< of new values
  SmallVector<Sweep> sweeps;        ///< what may be cut
  SmallVector<StretchUse> unknowns; ///< of gradients, what may not
};

void Update::findSweeps() {
  auto isStatic = [](BlockArgument arena) {
    auto type = arena ? dyn_cast<MemRefType>(arena.getType()) : MemRefType();
    return type && type.getRank() == 1 && type.hasStaticShape();
  };
  auto find = [&](BlockArgument arena, SmallVector<StretchUse> &uses) {
    return isStatic(arena) &&
           findAccesses(arena, 0,
                        cast<MemRefType>(arena.getType()).getNumElements(),
                        uses);
  };
  SmallVector<StretchUse> readers;
  isKnown = function->hasAttr(kInPlace) && find(gradientsOf(function), readers);
  for (const UpdatedArena &arena : updatedArenas(function))
    isKnown = isKnown && find(arena.after, writers);
  if (isKnown)
    llvm::for_each(readers, [&](const StretchUse &reader) { add(reader); });
}

/// Whether the op goes over the gradients of a stretch, and writes to that
/// stretch of other arenas only.
std::optional<Sweep> Update::sweepOf(const StretchUse &reader) const {
  auto op = dyn_cast<linalg::GenericOp>(reader.op);
  if (!op || op->getParentOp() != function || !goesThroughOnce(op))
    return std::nullopt;
  Sweep sweep{op, reader.begin, reader.end, op.getNumReductionLoops() == 1};
  for (OpOperand &out : op.getDpsInitsMutable()) {
    bool isScalar = op.getMatchingIndexingMap(&out).getNumResults() == 0;
    bool isInPlace = llvm::any_of(writers, [&](const StretchUse &writer) {
      return writer.op == op && writer.view == out.get() &&
             writer.begin == reader.begin && writer.end == reader.end;
    });
    if (sweep.sums ? !isScalar : !isInPlace)
      return std::nullopt;
  }
  return sweep;
}

void Update::add(const StretchUse &reader) {
  std::optional<Sweep> sweep = sweepOf(reader);
  Sweep *before = llvm::find_if(
      sweeps, [&](const Sweep &other) { return other.op == reader.op; });
  if (!sweep)
    unknowns.push_back(reader);
  else if (before == sweeps.end())
    sweeps.push_back(*sweep);
  else if (before->begin != sweep->begin || before->end != sweep->end)
    // Several stretches cannot be cut where one of them has rows.
    unknowns.append({reader, {before->op, {}, before->begin, before->end}});
}

/// Whether what has no gradient stays as it is.
bool Update::isStill(const RowTable &table) const {
  auto still = function->getAttrOfType<DenseI64ArrayAttr>(grad::kKeepsStill);
  ArrayRef<int64_t> places = still ? still.asArrayRef() : ArrayRef<int64_t>();
  for (; places.size() > 1; places = places.drop_front(2))
    if (places[0] <= table.offset && table.end() <= places[1])
      return true;
  return false;
}

/// Whether each sweep goes over all rows of a table or over none.
bool Update::isSwept(const RowTable &table) const {
  auto overlaps = [&](int64_t begin, int64_t end) {
    return begin < table.end() && table.offset < end;
  };
  if (llvm::any_of(unknowns, [&](const StretchUse &use) {
        return overlaps(use.begin, use.end);
      }))
    return false;
  bool isWritten = false;
  for (const Sweep &sweep : sweeps) {
    bool isInside = sweep.begin <= table.offset && table.end() <= sweep.end;
    if (!isInside && overlaps(sweep.begin, sweep.end))
      return false;
    isWritten |= isInside && !sweep.sums;
  }
  return isWritten;
}

std::string Update::reasonAgainst(const RowTable &table) const {
  auto moves = function->getAttrOfType<StringAttr>(grad::kMovesAll);
  if (!isStill(table) && moves)
    return ("its update moves rows without a gradient too (" +
            moves.getValue() + ")")
        .str();
  if (!isStill(table) || !isKnown || !isSwept(table))
    return "its update is no sweep over each row by itself";
  return "";
}

/// One sweep in pieces: between tables as it was, tables by runs of rows.
class SweepCutter {
public:
  SweepCutter(Sweep sweep, OpBuilder &b)
      : sweep(sweep), b(b), loc(sweep.op.getLoc()) {}

  void piece(OpFoldResult from, OpFoldResult size);
  void between(int64_t begin, int64_t end);
  void table(const RowTable &table, Value marks);

private:
  Value index(int64_t v) { return arith::ConstantIndexOp::create(b, loc, v); }
  Value isMarked(Value marks, Value place);
  void runs(const RowTable &table, Value marks);

  Sweep sweep;
  OpBuilder &b;
  Location loc;
};

/// `from` counts from the begin of the sweep.
void SweepCutter::piece(OpFoldResult from, OpFoldResult size) {
  IRMapping parts;
  SmallVector<OpFoldResult> step = {b.getIndexAttr(1)};
  for (OpOperand &operand : sweep.op->getOpOperands())
    if (sweep.op.getMatchingIndexingMap(&operand).isIdentity() &&
        !parts.contains(operand.get()))
      parts.map(operand.get(),
                memref::SubViewOp::create(b, loc, operand.get(),
                                          ArrayRef<OpFoldResult>{from},
                                          ArrayRef<OpFoldResult>{size}, step)
                    .getResult());
  b.clone(*sweep.op, parts);
}

void SweepCutter::between(int64_t begin, int64_t end) {
  if (begin < end)
    piece(b.getIndexAttr(begin - sweep.begin), b.getIndexAttr(end - begin));
}

Value SweepCutter::isMarked(Value marks, Value place) {
  Value mark = memref::LoadOp::create(b, loc, marks, place);
  Value none = arith::ConstantIntOp::create(b, loc, b.getI32Type(), 0);
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, mark, none);
}

/// Neighbours that are marked, as one piece. Behind the last row there is none.
void SweepCutter::runs(const RowTable &table, Value marks) {
  Value none = index(-1), zero = index(0), one = index(1);
  Value first = index(table.offset - sweep.begin), width = index(table.width);
  auto loop = scf::ForOp::create(b, loc, zero, index(placeOfEnd(table) + 1),
                                 one, ValueRange{none});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value row = loop.getInductionVar(), begin = loop.getRegionIterArg(0);
  Value marked = isMarked(marks, row);
  Value isOpen =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, begin, zero);
  Value opened = arith::SelectOp::create(b, loc, isOpen, begin, row);
  Value next = arith::SelectOp::create(b, loc, marked, opened, none);
  Value ends =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, next, begin);
  ends = arith::AndIOp::create(b, loc, isOpen, ends);
  auto close = scf::IfOp::create(b, loc, ends, /*withElseRegion=*/false);
  scf::YieldOp::create(b, loc, next);
  b.setInsertionPoint(close.thenBlock()->getTerminator());
  Value from = arith::MulIOp::create(b, loc, begin, width);
  Value count = arith::SubIOp::create(b, loc, row, begin);
  piece(arith::AddIOp::create(b, loc, first, from).getResult(),
        arith::MulIOp::create(b, loc, count, width).getResult());
}

void SweepCutter::table(const RowTable &table, Value marks) {
  if (sweep.sums)
    return runs(table, marks);
  Value leaves = isMarked(marks, index(placeOfChoice(table)));
  auto choice = scf::IfOp::create(b, loc, leaves, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(choice.thenBlock()->getTerminator());
  runs(table, marks);
  b.setInsertionPoint(choice.elseBlock()->getTerminator());
  between(table.offset, table.end());
}

/// `tables` lie one behind the other.
void Update::cut(ArrayRef<RowTable> tables) {
  SmallVector<Value> marks;
  for (const RowTable &table : tables) {
    marks.push_back(addMarks(function, table));
    if (!marks.back())
      return;
  }
  OpBuilder b(function.getContext());
  for (Sweep &sweep : sweeps) {
    b.setInsertionPoint(sweep.op);
    SweepCutter cutter(sweep, b);
    int64_t done = sweep.begin;
    for (auto [table, marked] : llvm::zip_equal(tables, marks)) {
      if (table.offset < sweep.begin || table.end() > sweep.end)
        continue;
      cutter.between(done, table.offset);
      cutter.table(table, marked);
      done = table.end();
    }
    if (done == sweep.begin)
      continue;
    cutter.between(done, sweep.end);
    sweep.op.erase();
  }
}

bool isForGPU(ModuleOp module) {
  auto targets = module->getAttrOfType<ArrayAttr>(kTargets);
  return targets &&
         llvm::any_of(targets.getAsRange<TargetAttr>(),
                      [](TargetAttr target) { return bool(target.getGpu()); });
}

struct KernelSparseUpdate
    : public impl::KernelSparseUpdateBase<KernelSparseUpdate> {
  using Base::Base;

  void runOnOperation() override {
    llvm::MapVector<Attribute, std::pair<func::FuncOp, func::FuncOp>> modules;
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isExternal() || function.isPrivate() ||
          !interface::hasDims(function))
        continue;
      interface::FunctionAttr known = interface::functionOf(function);
      auto &[gradient, update] = modules[known.getModule()];
      if (known.getName() == "grad")
        gradient = function;
      else if (known.getName() == "update")
        update = function;
    }
    for (auto &[name, both] : modules)
      if (both.first && both.second)
        make(both.first, both.second);
  }

private:
  void make(func::FuncOp gradient, func::FuncOp function) {
    SmallVector<RowTable> tables = findTables(gradient, least);
    if (tables.empty())
      return;
    llvm::sort(tables, [](const RowTable &one, const RowTable &other) {
      return one.offset < other.offset;
    });
    Update update(function);
    update.findSweeps();
    SmallVector<RowTable> sparse;
    for (const RowTable &table : tables) {
      std::string reason = isForGPU(getOperation())
                               ? "code for GPUs updates all rows"
                               : update.reasonAgainst(table);
      tell(table, reason);
      if (reason.empty())
        sparse.push_back(table);
    }
    if (sparse.empty())
      return;
    for (const RowTable &table : sparse)
      markRows(table);
    update.cut(sparse);
  }

  void tell(const RowTable &table, StringRef reason) {
    auto options = remark::RemarkOpts::name("rows").category(getArgument());
    Location loc = table.adds->getLoc();
    std::string name = ("`" + table.name + "`: ").str();
    if (reason.empty())
      remark::passed(loc, options)
          << name + "only those of its " + std::to_string(table.rows) +
                 " rows are updated that a batch reads";
    else
      remark::missed(loc, options) << name + "all of its " +
                                          std::to_string(table.rows) +
                                          " rows are updated: " + reason.str();
  }
};

} // namespace
} // namespace rnnc::kernel
