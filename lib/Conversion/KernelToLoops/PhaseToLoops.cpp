// PhaseToLoops.cpp: kernel.phase as tiles of products with the region behind.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Units are cut into panels, rows into tiles; in a ragged batch the rows come
// from a list. A tile's sums go to a small place in the first-level cache, from
// where a linalg.generic on the tile's part of everything computes the region.

#include "GemmBuilder.h"
#include "RowCode.h"

#include "rnnc/Dialect/Kernel/Kernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace rnnc {
namespace {

/// One product of the phase.
struct Product {
  PhaseShape shape;
  Value left, rowStride, panels, k; ///< addresses, i64
  Value matrix, matrixStride;       ///< where the weights lie, or null
  int64_t steps = 0;                ///< k
  Value sums;                       ///< memref [rows, accumulators, units]
  Value offsets;                    ///< memref [rows], where they begin

  /// Of a tile's vector ops two are done at a time.
  int64_t cost() const { return steps * shape.columns() * shape.rows / 2; }
};

class PhaseLowering {
public:
  PhaseLowering(kernel::PhaseOp op, kernel::TargetAttr target,
                GemmLibrary &library)
      : op(op), target(target), library(library), b(op), loc(op.getLoc()) {}

  LogicalResult run();

private:
  LogicalResult prepare();
  void tiles(Value firstUnit, Value units);
  void tile(Value firstUnit, Value units, Value t);
  void findRows(
      Value firstRow, Value rows,
      llvm::function_ref<void(Value)> each = [](Value) {});
  void fetchInputs(Value row, Value firstUnit, Value units);
  void multiply(Value firstUnit, Value units, Value rows, Value t = Value());
  void multiplyInPlace(Value firstUnit, Value units, Value rows);
  void multiplyPacked(Value firstUnit, Value units, Value rows, Value t);
  std::pair<Value, Value> nextPanel(const Product &product, Value firstUnit,
                                    Value stepsOfUnit, Value t);
  void findFetches(Value all);
  void wholeRows();
  void combineTile(RowCode &code, ArrayRef<Value> rowSums, Value firstRow,
                   Value rows);
  void keepSums(ArrayRef<Value> rowSums, Value firstUnit, Value units,
                Value rows);
  scf::ForOp panels(llvm::function_ref<void(Value, Value)> body);
  void region(Value firstUnit, Value units, Value firstRow, Value rows,
              Value firstSums);
  Value rowAt(Value position);
  void findTurn();
  Value turned(Value unit);
  void countRows();
  Value tilesOf(Value rows);
  void spread(Value rows, Value tiles);
  std::pair<Value, Value> rowsOfTile(Value t);
  Value part(Value memref, AffineMap map, ArrayRef<OpFoldResult> offsets,
             ArrayRef<OpFoldResult> sizes);
  Value index(int64_t v) { return arith::ConstantIndexOp::create(b, loc, v); }
  Value toI64(Value v) {
    return b.createOrFold<arith::IndexCastOp>(loc, b.getI64Type(), v);
  }
  Value constant(int64_t v) {
    return arith::ConstantIntOp::create(b, loc, b.getI64Type(), v);
  }
  Value mul(Value x, Value y) {
    return b.createOrFold<arith::MulIOp>(loc, x, y);
  }

  kernel::PhaseOp op;
  kernel::TargetAttr target;
  GemmLibrary &library;
  OpBuilder b;
  Location loc;
  Type element;
  SmallVector<Product> products;
  unsigned tileRows = 0, panel = 0;
  Value backward; ///< whether this step is, or null: none is
  Value allRows, mostTiles, validTiles;
  /// Rows of a tile at least; tiles of the first half, and of the second, that
  /// have one more; tiles of the first half.
  Value each, moreFirst, moreSecond, half;
  SmallVector<Value> fetches; ///< of each product: lines that a tile asks for
};

LogicalResult PhaseLowering::prepare() {
  element = cast<MemRefType>(op.getLefts().front().getType()).getElementType();
  unsigned bits = element.getIntOrFloatBitWidth();
  using kernel::Decision;
  SmallVector<Decision> needed = {Decision::TileRows, Decision::TileVectors,
                                  Decision::Unroll,   Decision::Chains,
                                  Decision::CutRows,  Decision::PanelTurns,
                                  Decision::Tasks,    Decision::WorthTasks};
  // Where rows are combined a tile goes through all panels alone.
  bool isAlone = op.hasRowReductions();
  if (!isAlone)
    needed.push_back(Decision::PanelFetch);
  FailureOr<GemmShape> shape = GemmShape::of(op, target, bits, needed);
  if (failed(shape))
    return failure();
  library.setShape(*shape);
  bool asksAhead =
      !isAlone && kernel::scheduleOf(op).get(Decision::PanelFetch) == 2;
  tileRows = shape->rows, panel = shape->panel();
  for (unsigned p = 0; p != op.getLefts().size(); ++p) {
    Product product;
    product.shape = {*shape, unsigned(op.columnsOf(p).size())};
    product.shape.stored = op.storedBitsOf(p);
    product.shape.fetches = asksAhead && !product.shape.stored;
    Value left = op.getLefts()[p];
    product.steps = cast<MemRefType>(left.getType()).getDimSize(1);
    // Of integers the steps are words; the last one of a row is its scale.
    if (product.shape.stored == 8)
      --product.steps;
    auto data = memref::ExtractStridedMetadataOp::create(b, loc, left);
    product.left = pointerOf(b, loc, left);
    product.rowStride = toI64(data.getStrides()[0]);
    product.panels = pointerOf(b, loc, op.getRights()[p]);
    product.k = constant(product.steps);
    if (op.getInPlace()) {
      Value matrix = op.getMatrices()[p];
      auto place = memref::ExtractStridedMetadataOp::create(b, loc, matrix);
      product.matrix = pointerOf(b, loc, matrix);
      product.matrixStride = toI64(place.getStrides()[0]);
    }
    products.push_back(product);
  }
  for (Product &product : products) {
    auto type =
        MemRefType::get({tileRows, product.shape.accumulators, panel}, element);
    product.sums = memref::AllocaOp::create(b, loc, type, ValueRange(),
                                            b.getI64IntegerAttr(64));
    product.offsets = memref::AllocaOp::create(
        b, loc, MemRefType::get({tileRows}, b.getI64Type()), ValueRange(),
        b.getI64IntegerAttr(64));
  }
  return success();
}

/// The part of an operand that a tile reads or writes.
Value PhaseLowering::part(Value memref, AffineMap map,
                          ArrayRef<OpFoldResult> offsets,
                          ArrayRef<OpFoldResult> sizes) {
  SmallVector<OpFoldResult> at, extents,
      strides(map.getNumResults(), b.getIndexAttr(1));
  for (AffineExpr expr : map.getResults()) {
    unsigned dim = cast<AffineDimExpr>(expr).getPosition();
    at.push_back(offsets[dim]);
    extents.push_back(sizes[dim]);
  }
  if (at.empty())
    return memref;
  return memref::SubViewOp::create(b, loc, memref, at, extents, strides);
}

/// `firstSums` is the row of the sums that belongs to `firstRow`.
void PhaseLowering::region(Value firstUnit, Value units, Value firstRow,
                           Value rows, Value firstSums) {
  SmallVector<OpFoldResult> offsets = {getAsOpFoldResult(firstRow),
                                       getAsOpFoldResult(firstUnit)};
  SmallVector<OpFoldResult> sizes = {getAsOpFoldResult(rows),
                                     getAsOpFoldResult(units)};
  AffineMap identity = b.getMultiDimIdentityMap(2);
  SmallVector<Value> inputs, outs;
  SmallVector<AffineMap> maps;
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  for (Product &product : products)
    for (unsigned l = 0; l != product.shape.accumulators; ++l) {
      SmallVector<OpFoldResult> at = {getAsOpFoldResult(firstSums),
                                      b.getIndexAttr(l), zero},
                                extents = {sizes[0], one, sizes[1]},
                                strides(3, one);
      SmallVector<int64_t> shape;
      for (OpFoldResult size : sizes)
        shape.push_back(
            getConstantIntValue(size).value_or(ShapedType::kDynamic));
      auto type = memref::SubViewOp::inferRankReducedResultType(
          shape, cast<MemRefType>(product.sums.getType()), at, extents,
          strides);
      inputs.push_back(memref::SubViewOp::create(b, loc, type, product.sums, at,
                                                 extents, strides));
      maps.push_back(identity);
    }
  for (auto [i, input] : llvm::enumerate(op.getInputs())) {
    inputs.push_back(part(input, op.mapOf(i), offsets, sizes));
    maps.push_back(op.mapOf(i));
  }
  for (Value out : op.getOuts()) {
    outs.push_back(part(out, identity, offsets, sizes));
    maps.push_back(identity);
  }
  linalg::GenericOp::create(
      b, loc, inputs, outs, maps,
      SmallVector<utils::IteratorType>(2, utils::IteratorType::parallel),
      [&](OpBuilder &inner, Location at, ValueRange arguments) {
        Block &from = op.getBody().front();
        IRMapping mapping;
        mapping.map(from.getArguments(),
                    arguments.take_front(from.getNumArguments()));
        for (Operation &o : from.without_terminator())
          inner.clone(o, mapping);
        SmallVector<Value> yielded;
        for (Value v : from.getTerminator()->getOperands())
          yielded.push_back(mapping.lookupOrDefault(v));
        linalg::YieldOp::create(inner, at, yielded);
      });
}

/// The row at a position of the rows that are computed.
Value PhaseLowering::rowAt(Value position) {
  if (!op.getValid())
    return position;
  Value behind = arith::AddIOp::create(b, loc, position, index(1));
  Value row = memref::LoadOp::create(b, loc, op.getValid(), behind);
  return arith::IndexCastOp::create(b, loc, b.getIndexType(), row);
}

/// Notes where the rows of a tile begin.
void PhaseLowering::findRows(Value firstRow, Value rows,
                             llvm::function_ref<void(Value)> each) {
  buildLoop(b, loc, index(0), rows, index(1), {},
            [&](Value r, ValueRange) -> SmallVector<Value> {
              Value row = rowAt(arith::AddIOp::create(b, loc, firstRow, r));
              for (Product &product : products)
                memref::StoreOp::create(b, loc,
                                        mul(toI64(row), product.rowStride),
                                        product.offsets, r);
              each(row);
              return {};
            });
}

/// Asks for what the region reads of a row, so that it is there when the tile's
/// products are: from row to row it is too far for the processor to foresee.
/// One line is enough: where this panel's part begins the last one ended.
void PhaseLowering::fetchInputs(Value row, Value firstUnit, Value units) {
  Block &body = op.getBody().front();
  unsigned before = 0;
  for (const Product &product : products)
    before += product.shape.accumulators;
  Value unit;
  for (auto [i, input] : llvm::enumerate(op.getInputs())) {
    bool isOfUnits = op.mapOf(i).getNumResults() == 2;
    if (!isOfUnits || body.getArgument(before + i).use_empty())
      continue;
    if (!unit) {
      unit = arith::AddIOp::create(b, loc, firstUnit, units);
      unit = arith::SubIOp::create(b, loc, unit, index(1));
      if (backward)
        unit = arith::SelectOp::create(b, loc, backward, firstUnit, unit);
    }
    memref::PrefetchOp::create(b, loc, input, ValueRange{row, unit},
                               /*isWrite=*/false, /*localityHint=*/3,
                               /*isDataCache=*/true);
  }
}

/// The sums of a tile, by weights where they lie.
void PhaseLowering::multiplyInPlace(Value firstUnit, Value units, Value rows) {
  for (auto [p, product] : llvm::enumerate(products)) {
    SmallVector<Value> args = {product.left,
                               pointerOf(b, loc, product.offsets),
                               product.matrix,
                               product.matrixStride,
                               toI64(units),
                               product.k,
                               pointerOf(b, loc, product.sums),
                               toI64(rows)};
    for (int64_t first : op.columnsOf(unsigned(p)))
      args.push_back(b.createOrFold<arith::AddIOp>(loc, toI64(firstUnit),
                                                   constant(first)));
    library.setShape(product.shape);
    auto call = func::CallOp::create(
        b, loc, library.phaseDots(element, product.shape), args);
    call->setAttr(kCallCost, b.getI64IntegerAttr(product.cost()));
  }
}

/// The sums of a tile, the `t`th of its panel.
void PhaseLowering::multiply(Value firstUnit, Value units, Value rows,
                             Value t) {
  if (!op.getInPlace())
    return multiplyPacked(firstUnit, units, rows, t);
  buildIf(
      b, loc, op.getInPlace(), [&] { multiplyInPlace(firstUnit, units, rows); },
      [&] { multiplyPacked(firstUnit, units, rows, t); });
}

/// How many lines of the next panel each of all tiles asks for in a trip, so
/// that the panel is there when it is due. One tile alone would ask for more
/// than comes in its time.
void PhaseLowering::findFetches(Value all) {
  unsigned bits = element.getIntOrFloatBitWidth();
  for (Product &product : products) {
    if (!product.shape.fetches) {
      fetches.push_back(Value());
      continue;
    }
    Value lines = arith::CeilDivUIOp::create(
        b, loc, index(product.shape.linesOfTrip(bits)),
        arith::MaxUIOp::create(b, loc, all, index(1)));
    Value several =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ugt, all, index(1));
    fetches.push_back(
        arith::SelectOp::create(b, loc, several, lines, index(0)));
  }
}

/// Where the `t`th tile's part of the panel that comes next begins, and how
/// many lines of it are asked for in a trip.
std::pair<Value, Value> PhaseLowering::nextPanel(const Product &product,
                                                 Value firstUnit,
                                                 Value stepsOfUnit, Value t) {
  using enum arith::CmpIPredicate;
  unsigned bits = element.getIntOrFloatBitWidth();
  auto is = [&](arith::CmpIPredicate compare, Value x, Value y) -> Value {
    return arith::CmpIOp::create(b, loc, compare, x, y);
  };
  auto select = [&](Value condition, Value x, Value y) -> Value {
    return arith::SelectOp::create(b, loc, condition, x, y);
  };
  Value size = index(panel);
  Value next = arith::AddIOp::create(b, loc, firstUnit, size);
  Value exists = is(ult, next, index(op.getNumUnits()));
  if (backward) {
    Value before = arith::SubIOp::create(b, loc, firstUnit, size);
    next = select(backward, before, next);
    exists = select(backward, is(ugt, firstUnit, index(0)), exists);
  }
  // The last tiles have nothing to ask for where the others round up.
  Value lines = fetches[&product - products.begin()];
  Value asked = mul(t, lines);
  Value left = is(ult, asked, index(product.shape.linesOfTrip(bits)));
  exists = arith::AndIOp::create(b, loc, exists, left);
  int64_t trips = product.steps / product.shape.unroll;
  Value at = arith::AddIOp::create(
      b, loc, mul(toI64(next), stepsOfUnit),
      mul(toI64(asked), constant(trips * (kLine * 8 / bits))));
  return {at, toI64(select(exists, lines, index(0)))};
}

void PhaseLowering::multiplyPacked(Value firstUnit, Value units, Value rows,
                                   Value t) {
  for (Product &product : products) {
    Type ptr = product.left.getType();
    unsigned stored = product.shape.stored;
    Type number = stored == 16 ? Type(b.getI16Type()) : element;
    auto address = [&](Value pointer, Value at) -> Value {
      return LLVM::GEPOp::create(b, loc, ptr, number, pointer,
                                 ArrayRef<LLVM::GEPArg>{at});
    };
    int64_t steps = stored == 16  ? llvm::alignTo(product.steps, 2)
                    : stored == 8 ? product.steps + 2
                                  : product.steps;
    Value ofUnit = constant(steps * product.shape.accumulators);
    SmallVector<Value> args = {
        toI64(rows),
        product.left,
        pointerOf(b, loc, product.offsets),
        address(product.panels, mul(toI64(firstUnit), ofUnit)),
        toI64(units),
        product.k,
        pointerOf(b, loc, product.sums)};
    if (product.shape.fetches) {
      auto [next, lines] = nextPanel(product, firstUnit, ofUnit, t);
      args.append({address(product.panels, next), lines});
    }
    library.setShape(product.shape);
    auto call = func::CallOp::create(
        b, loc, library.phaseRows(element, product.shape), args);
    call->setAttr(kCallCost, b.getI64IntegerAttr(product.cost()));
  }
}

void PhaseLowering::tile(Value firstUnit, Value units, Value t) {
  auto [firstRow, rows] = rowsOfTile(t);
  Value zero = index(0), one = index(1);
  findRows(firstRow, rows,
           [&](Value row) { fetchInputs(row, firstUnit, units); });
  multiply(firstUnit, units, rows, t);
  if (!op.getValid())
    return region(firstUnit, units, firstRow, rows, zero);
  buildLoop(b, loc, zero, rows, one, {},
            [&](Value r, ValueRange) -> SmallVector<Value> {
              Value row = rowAt(arith::AddIOp::create(b, loc, firstRow, r));
              region(firstUnit, units, row, one, r);
              return {};
            });
}

/// How rows are spread over tiles: as even as can be, so that no tile of one
/// row reads a panel for little, and alike in both halves of the tiles, which
/// two threads may have. The one division is left out where there is one tile.
void PhaseLowering::spread(Value rows, Value tiles) {
  Type type = b.getIndexType();
  Value single =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, tiles, index(2));
  auto branch = scf::IfOp::create(b, loc, TypeRange{type, type}, single,
                                  /*withElseRegion=*/true);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(branch.thenBlock());
    scf::YieldOp::create(b, loc, ValueRange{rows, index(0)});
    b.setInsertionPointToEnd(branch.elseBlock());
    Value each = arith::DivUIOp::create(b, loc, rows, tiles);
    Value more = arith::SubIOp::create(b, loc, rows, mul(each, tiles));
    scf::YieldOp::create(b, loc, ValueRange{each, more});
  }
  each = branch.getResult(0);
  Value more = branch.getResult(1), one = index(1);
  moreSecond = arith::ShRUIOp::create(b, loc, more, one);
  moreFirst = arith::SubIOp::create(b, loc, more, moreSecond);
  half = arith::ShRUIOp::create(b, loc, tiles, one);
}

/// The first tiles of each half have a row more.
std::pair<Value, Value> PhaseLowering::rowsOfTile(Value t) {
  using enum arith::CmpIPredicate;
  Value zero = index(0), one = index(1);
  auto add = [&](Value x, Value y) -> Value {
    return arith::AddIOp::create(b, loc, x, y);
  };
  auto select = [&](arith::CmpIPredicate is, Value x, Value y, Value then,
                    Value otherwise) -> Value {
    Value condition = arith::CmpIOp::create(b, loc, is, x, y);
    return arith::SelectOp::create(b, loc, condition, then, otherwise);
  };
  // Position in the half, and how many of the half have more.
  Value position =
      select(ult, t, half, t, arith::SubIOp::create(b, loc, t, half));
  Value more = select(ult, t, half, moreFirst, moreSecond);
  Value before = select(ult, t, half, zero, moreFirst);
  Value longer = arith::MinUIOp::create(b, loc, position, more);
  Value first = add(add(mul(t, each), before), longer);
  Value own = add(each, select(ult, position, more, one, zero));
  return {first, own};
}

/// All tiles of some units. The loop runs as often as it may have to: that is
/// known before all loops, and what they cost with it.
void PhaseLowering::tiles(Value firstUnit, Value units) {
  auto body = [&](Value t) { tile(firstUnit, units, t); };
  scf::ForOp loop =
      buildLoop(b, loc, index(0), mostTiles, index(1), {},
                [&](Value t, ValueRange) -> SmallVector<Value> {
                  if (!op.getValid()) {
                    body(t);
                    return {};
                  }
                  Value is = arith::CmpIOp::create(
                      b, loc, arith::CmpIPredicate::ult, t, validTiles);
                  buildIf(b, loc, is, [&] { body(t); }, [] {});
                  return {};
                });
  int64_t from = kernel::scheduleOf(op).get(kernel::Decision::CutRows);
  loop->setAttr(kCutFrom,
                b.getI64IntegerAttr(llvm::divideCeil(from, tileRows)));
}

/// Tiles that rows take. Where members get tiles of all units, two cannot share
/// three: one more is taken that leaves each enough rows to use a panel.
Value PhaseLowering::tilesOf(Value rows) {
  constexpr int64_t kMany = 16, kEnough = 4;
  using enum arith::CmpIPredicate;
  Value tiles = arith::CeilDivUIOp::create(b, loc, rows, index(tileRows));
  int64_t from = kernel::scheduleOf(op).get(kernel::Decision::CutRows);
  if (from > kMany * tileRows || tileRows < kEnough)
    return tiles;
  auto is = [&](arith::CmpIPredicate compare, Value x, Value y) -> Value {
    return arith::CmpIOp::create(b, loc, compare, x, y);
  };
  Value odd = arith::AndIOp::create(b, loc, tiles, index(1));
  Value more = arith::AddIOp::create(b, loc, tiles, odd);
  Value few = is(ult, tiles, index(kMany)), several = is(ugt, tiles, index(1));
  Value leaves = is(uge, rows, mul(more, index(kEnough)));
  Value may = arith::AndIOp::create(
      b, loc, leaves, arith::AndIOp::create(b, loc, few, several));
  return arith::SelectOp::create(b, loc, may, more, tiles);
}

/// Rows that are computed, and the tiles they take.
void PhaseLowering::countRows() {
  mostTiles = tilesOf(allRows);
  if (!op.getValid())
    return spread(allRows, mostTiles);
  Value rows = arith::IndexCastOp::create(
      b, loc, b.getIndexType(),
      memref::LoadOp::create(b, loc, op.getValid(), index(0)));
  validTiles = tilesOf(rows);
  spread(rows, validTiles);
}

/// Whether units are taken from the last to the first.
void PhaseLowering::findTurn() {
  int64_t turns = kernel::scheduleOf(op).get(kernel::Decision::PanelTurns);
  if (turns != 2 || !op.getTurn() || op.getNumUnits() <= panel)
    return;
  Value lowest = arith::AndIOp::create(b, loc, op.getTurn(), index(1));
  backward =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, lowest, index(1));
}

/// The first unit of a panel. Which trips its loop has is known when it was cut
/// into tasks: `turnPanels` fills in the other one then.
Value PhaseLowering::turned(Value unit) {
  if (!backward)
    return unit;
  auto select = arith::SelectOp::create(b, loc, backward, unit, unit);
  select->setAttr(kTurns, b.getUnitAttr());
  return select;
}

/// All panels of units, one after the other.
scf::ForOp PhaseLowering::panels(llvm::function_ref<void(Value, Value)> body) {
  int64_t all = op.getNumUnits();
  bool even = all % panel == 0;
  return buildLoop(b, loc, index(0), index(all), index(panel), {},
                   [&](Value trip, ValueRange) -> SmallVector<Value> {
                     Value unit = turned(trip);
                     Value units = index(std::min<int64_t>(panel, all));
                     if (!even && all > panel)
                       units = arith::MinUIOp::create(
                           b, loc, units,
                           arith::SubIOp::create(b, loc, index(all), unit));
                     body(unit, units);
                     return {};
                   });
}

/// Puts the sums of a panel where those of all units of the rows are.
void PhaseLowering::keepSums(ArrayRef<Value> rowSums, Value firstUnit,
                             Value units, Value rows) {
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  for (auto [product, all] : llvm::zip_equal(products, rowSums)) {
    SmallVector<OpFoldResult> from(3, zero), strides(3, one),
        to = {zero, zero, getAsOpFoldResult(firstUnit)},
        sizes = {getAsOpFoldResult(rows),
                 b.getIndexAttr(product.shape.accumulators),
                 getAsOpFoldResult(units)};
    memref::CopyOp::create(
        b, loc,
        memref::SubViewOp::create(b, loc, product.sums, from, sizes, strides),
        memref::SubViewOp::create(b, loc, all, to, sizes, strides));
  }
}

/// What a tile's rows have in common with no other: all that follows the sums.
void PhaseLowering::combineTile(RowCode &code, ArrayRef<Value> rowSums,
                                Value firstRow, Value rows) {
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1),
               units = b.getIndexAttr(op.getNumUnits());
  buildLoop(b, loc, index(0), rows, index(1), {},
            [&](Value r, ValueRange) -> SmallVector<Value> {
              Value row = rowAt(arith::AddIOp::create(b, loc, firstRow, r));
              SmallVector<Value> sums;
              for (auto [product, all] : llvm::zip_equal(products, rowSums))
                for (unsigned l = 0; l != product.shape.accumulators; ++l) {
                  SmallVector<OpFoldResult> at = {r, b.getIndexAttr(l), zero},
                                            extents = {one, one, units},
                                            strides(3, one);
                  auto type = memref::SubViewOp::inferRankReducedResultType(
                      {op.getNumUnits()}, cast<MemRefType>(all.getType()), at,
                      extents, strides);
                  sums.push_back(memref::SubViewOp::create(
                      b, loc, type, all, at, extents, strides));
                }
              code.emit(code.indicesOf(row), sums);
              return {};
            });
}

/// Rows that are combined: all units of a tile, then what follows from them.
void PhaseLowering::wholeRows() {
  RowCode code(op, b);
  SmallVector<Value> rowSums;
  for (Product &product : products)
    rowSums.push_back(memref::AllocaOp::create(
        b, loc,
        MemRefType::get(
            {tileRows, product.shape.accumulators, op.getNumUnits()}, element),
        ValueRange(), b.getI64IntegerAttr(64)));
  allRows = code.getCount();
  countRows();
  scf::ForOp loop =
      buildLoop(b, loc, index(0), op.getValid() ? validTiles : mostTiles,
                index(1), {}, [&](Value t, ValueRange) -> SmallVector<Value> {
                  auto [first, own] = rowsOfTile(t);
                  findRows(first, own);
                  panels([&](Value unit, Value units) {
                    multiply(unit, units, own);
                    keepSums(rowSums, unit, units, own);
                  });
                  combineTile(code, rowSums, first, own);
                  return {};
                });
  loop->setAttr(kIndependentTrips, b.getUnitAttr());
  loop->setAttr(kernel::kSchedule, kernel::scheduleOf(op));
}

LogicalResult PhaseLowering::run() {
  if (failed(prepare()))
    return failure();
  findTurn();
  if (op.hasRowReductions()) {
    wholeRows();
  } else {
    allRows = b.createOrFold<memref::DimOp>(loc, op.getOuts().front(), 0);
    countRows();
    findFetches(op.getValid() ? validTiles : mostTiles);
    scf::ForOp loop =
        panels([&](Value unit, Value units) { tiles(unit, units); });
    loop->setAttr(kIndependentTrips, b.getUnitAttr());
    loop->setAttr(kernel::kSchedule, kernel::scheduleOf(op));
  }
  op.erase();
  return success();
}

} // namespace

/// In a step that goes backward a loop has the same trips in the other order.
static void turn(arith::SelectOp select) {
  auto loop = cast<scf::ForOp>(select->getParentOp());
  Location loc = select.getLoc();
  OpBuilder b(loop);
  Value from = loop.getLowerBound(), step = loop.getStep();
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  Value span = b.createOrFold<arith::SubIOp>(loc, loop.getUpperBound(), from);
  span = b.createOrFold<arith::SubIOp>(loc, span, one);
  Value trips = b.createOrFold<arith::DivUIOp>(loc, span, step);
  Value last = b.createOrFold<arith::MulIOp>(loc, trips, step);
  last = b.createOrFold<arith::AddIOp>(loc, last, from);
  Value both = b.createOrFold<arith::AddIOp>(loc, last, from);
  b.setInsertionPoint(select);
  select.getTrueValueMutable().assign(
      arith::SubIOp::create(b, loc, both, loop.getInductionVar()));
  select->removeAttr(kTurns);
}

void turnPanels(ModuleOp module) {
  SmallVector<arith::SelectOp> all;
  module.walk([&](arith::SelectOp select) {
    if (select->hasAttr(kTurns))
      all.push_back(select);
  });
  llvm::for_each(all, turn);
}

LogicalResult lowerPhases(ModuleOp module, kernel::TargetAttr target,
                          GemmLibrary &library) {
  SmallVector<kernel::PhaseOp> phases;
  module.walk([&](kernel::PhaseOp op) { phases.push_back(op); });
  for (kernel::PhaseOp op : phases) {
    if (!op.isOnMemory())
      return op.emitOpError("has tensors where buffers are expected");
    if (op.getLefts().empty()) {
      lowerRows(op);
      continue;
    }
    op = withOneRowDim(op);
    if (failed(PhaseLowering(op, target, library).run()))
      return failure();
  }
  return success();
}

} // namespace rnnc
