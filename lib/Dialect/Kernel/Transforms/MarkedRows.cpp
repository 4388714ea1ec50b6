// MarkedRows.cpp: gradients of tables of which a batch reads some rows.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where rows are added to zeros, it is known before which rows: those that the
// indices name. They are marked, and made zero when they get their mark.

#include "MarkedRows.h"

#include "rnnc/Dialect/Interface/Interface.h"
#include "rnnc/Dialect/Kernel/InPlace.h"
#include "rnnc/Dialect/Kernel/Tables.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace rnnc::kernel {

//===----------------------------------------------------------------------===//
// Which gradients are such tables
//===----------------------------------------------------------------------===//

/// Where a parameter begins in the arenas, in bytes.
static std::optional<int64_t> offsetOf(func::FuncOp function, StringRef name) {
  auto top = function->getParentOfType<ModuleOp>();
  auto known =
      top->getAttrOfType<interface::InterfaceAttr>(interface::kInterface);
  if (!known)
    return std::nullopt;
  StringAttr owner = interface::functionOf(function).getModule();
  for (auto module : known.getModules().getAsRange<interface::ModuleAttr>())
    if (module.getName() == owner)
      for (auto parameter :
           module.getParameters().getAsRange<interface::ParameterAttr>())
        if (parameter.getName() == name)
          return parameter.getOffset();
  return std::nullopt;
}

/// Finds what makes the gradient: zeros first, then one op that adds rows.
static bool findWriters(RowTable &table) {
  Block *block = table.gradient.getOwner();
  SmallVector<Operation *> accesses;
  collectAccesses(table.gradient, accesses);
  for (Operation *access : accesses) {
    auto fill = dyn_cast<linalg::FillOp>(access);
    if (fill && fill->getBlock() == block && !table.fill) {
      table.fill = fill;
      continue;
    }
    Operation *top = block->findAncestorOpInBlock(*access);
    if (!top || (table.adds && table.adds != top))
      return false;
    table.adds = top;
    auto scatter = dyn_cast<ScatterAddOp>(access);
    if (!scatter && !top->hasAttr(kAddsRows))
      return false;
    if (scatter && table.scatter)
      return false;
    if (scatter)
      table.scatter = scatter;
  }
  return table.fill && table.scatter;
}

static bool isAddedToZeros(const RowTable &table) {
  ScatterAddOp scatter = table.scatter;
  linalg::FillOp fill = table.fill;
  return matchPattern(fill.getInputs()[0], m_PosZeroFloat()) &&
         fill.getOutputs()[0] == table.gradient &&
         scatter.getOut() == table.gradient &&
         scatter.getUpdates() != table.gradient &&
         scatter.getBatchDims() == 0 && fill->isBeforeInBlock(table.adds) &&
         !table.adds->isAncestor(
             scatter.getIndices().getParentBlock()->getParentOp());
}

SmallVector<RowTable> findTables(func::FuncOp function, int64_t least) {
  SmallVector<RowTable> tables;
  for (BlockArgument argument : function.getArguments()) {
    interface::SlotAttr slot =
        interface::slotOf(function, argument.getArgNumber());
    auto type = dyn_cast<MemRefType>(argument.getType());
    if (!slot || slot.getRole() != interface::Role::Grad || !type ||
        type.getRank() < 2 || !type.hasStaticShape() ||
        !type.getLayout().isIdentity() || type.getNumElements() < least ||
        type.getNumElements() == 0)
      continue;
    RowTable table;
    table.gradient = argument;
    table.name = slot.getName().getValue();
    table.name.consume_front("grad.");
    table.rows = type.getDimSize(0);
    std::optional<int64_t> bytes = offsetOf(function, table.name);
    if (!bytes || !findWriters(table) || !isAddedToZeros(table))
      continue;
    table.width = type.getNumElements() / table.rows;
    table.offset = *bytes * 8 / type.getElementTypeBitWidth();
    tables.push_back(table);
  }
  return tables;
}

//===----------------------------------------------------------------------===//
// Marks
//===----------------------------------------------------------------------===//

MemRefType marksType(MLIRContext *context, const RowTable &table) {
  return MemRefType::get({table.rows + 2}, IntegerType::get(context, 32));
}

Value addMarks(func::FuncOp function, const RowTable &table) {
  Builder b(function.getContext());
  MemRefType type = marksType(function.getContext(), table);
  auto slot = interface::SlotAttr::get(b.getStringAttr("marks." + table.name),
                                       interface::Role::Marks,
                                       b.getI64ArrayAttr(type.getShape()));
  unsigned place = function.getNumArguments() -
                   unsigned(interface::functionOf(function).getResults());
  if (failed(function.insertArgument(place, type, interface::attributesOf(slot),
                                     function.getLoc())))
    return Value();
  return function.getArgument(place);
}

namespace {
/// Builds what stands in the place of the zeros.
class RowMarker {
public:
  RowMarker(const RowTable &table, Value marks)
      : table(table), marks(marks), b(table.adds), loc(table.adds->getLoc()) {}

  void run();

private:
  Value index(int64_t v) { return arith::ConstantIndexOp::create(b, loc, v); }
  Value mark(int64_t v) {
    return arith::ConstantIntOp::create(b, loc, b.getI32Type(), v);
  }
  Value isMarked(Value place) {
    Value v = memref::LoadOp::create(b, loc, marks, place);
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, v, mark(0));
  }
  Value invert(Value condition) {
    Value yes = arith::ConstantOp::create(b, loc, b.getBoolAttr(true));
    return arith::XOrIOp::create(b, loc, condition, yes);
  }
  void zeroAll();
  void forgetMarks();
  Value rowOf(ValueRange place);
  void overIndices(SmallVector<Value> &place);
  void zeroRow(Value row);

  RowTable table;
  Value marks, leaves;
  OpBuilder b;
  Location loc;
};
} // namespace

void RowMarker::zeroAll() {
  auto all = scf::IfOp::create(b, loc, invert(leaves), /*else=*/false);
  table.fill->moveBefore(all.thenBlock()->getTerminator());
}

void RowMarker::forgetMarks() {
  SmallVector<OpFoldResult> from = {b.getIndexAttr(0)},
                            size = {b.getIndexAttr(placeOfEnd(table) + 1)},
                            step = {b.getIndexAttr(1)};
  Value all = memref::SubViewOp::create(b, loc, marks, from, size, step);
  linalg::FillOp::create(b, loc, mark(0), all);
}

/// An index outside of the table counts as 0, as where rows are added.
Value RowMarker::rowOf(ValueRange place) {
  Value number =
      memref::LoadOp::create(b, loc, table.scatter.getIndices(), place);
  Value row = arith::IndexCastOp::create(b, loc, b.getIndexType(), number);
  Value fits = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, row,
                                     index(table.rows));
  return arith::SelectOp::create(b, loc, fits, row, index(0));
}

void RowMarker::zeroRow(Value row) {
  auto type = cast<MemRefType>(table.gradient.getType());
  SmallVector<OpFoldResult> from(type.getRank(), b.getIndexAttr(0)),
      step(type.getRank(), b.getIndexAttr(1)), size;
  for (int64_t extent : type.getShape())
    size.push_back(b.getIndexAttr(extent));
  from[0] = row;
  size[0] = b.getIndexAttr(1);
  MemRefType rowType = memref::SubViewOp::inferRankReducedResultType(
      type.getShape().drop_front(), type, from, size, step);
  Value view = memref::SubViewOp::create(b, loc, rowType, table.gradient, from,
                                         size, step);
  linalg::FillOp::create(b, loc, table.fill.getInputs()[0], view);
}

/// Goes over the dimensions of the indices that `place` has none of yet.
void RowMarker::overIndices(SmallVector<Value> &place) {
  Value indices = table.scatter.getIndices();
  OpBuilder::InsertionGuard guard(b);
  if (place.size() != size_t(cast<MemRefType>(indices.getType()).getRank())) {
    Value count =
        b.createOrFold<memref::DimOp>(loc, indices, int64_t(place.size()));
    auto loop = scf::ForOp::create(b, loc, index(0), count, index(1));
    b.setInsertionPoint(loop.getBody()->getTerminator());
    place.push_back(loop.getInductionVar());
    return overIndices(place);
  }
  Value row = rowOf(place);
  auto isNew = scf::IfOp::create(b, loc, invert(isMarked(row)), /*else=*/false);
  b.setInsertionPoint(isNew.thenBlock()->getTerminator());
  memref::StoreOp::create(b, loc, mark(1), marks, row);
  auto alone = scf::IfOp::create(b, loc, leaves, /*else=*/false);
  b.setInsertionPoint(alone.thenBlock()->getTerminator());
  zeroRow(row);
}

void RowMarker::run() {
  leaves = isMarked(index(placeOfChoice(table)));
  zeroAll();
  forgetMarks();
  SmallVector<Value> place;
  overIndices(place);
}

void markRows(const RowTable &table) {
  auto function = cast<func::FuncOp>(table.gradient.getOwner()->getParentOp());
  if (Value marks = addMarks(function, table))
    RowMarker(table, marks).run();
}

} // namespace rnnc::kernel
