// GemmBuilder.cpp: generates the matrix product routines of a module.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The shape of the product is the usual one: B lies in panels as wide as a
// register tile, the last one as narrow as what is left, so a tile reads it
// front to back; a tile of C stays in registers while K runs. K is cut into
// blocks so that a panel stays in the first-level cache; A is packed in blocks
// that fit the second level when its rows are not contiguous. The order in
// which a tile adds up depends on k and the block sizes alone.

#include "GemmCode.h"

#include "rnnc/Dialect/Kernel/Kernel.h"

using namespace mlir;

namespace rnnc {

FailureOr<GemmShape> GemmShape::of(Operation *op, kernel::TargetAttr target,
                                   unsigned bits,
                                   ArrayRef<kernel::Decision> needed) {
  using kernel::Decision;
  auto schedule = kernel::scheduleOf(op);
  if (!schedule)
    return op->emitOpError("has no schedule: kernel-select-schedule decides");
  for (Decision decision : needed)
    if (!schedule.get(decision))
      return op->emitOpError("has a schedule without ")
             << kernel::infoOf(decision).name;
  GemmShape s;
  s.lanes = target.lanes(bits);
  s.registers = target.getRegisters();
  s.vectors = schedule.get(Decision::TileVectors);
  s.rows = schedule.get(Decision::TileRows);
  s.unroll = schedule.get(Decision::Unroll);
  s.chains = schedule.get(Decision::Chains);
  s.kBlock = schedule.get(Decision::BlockSteps);
  s.mBlock = schedule.get(Decision::BlockRows);
  s.nBlock = schedule.get(Decision::BlockColumns);
  s.farBytes = schedule.get(Decision::FarRowBytes);
  s.fewColumns = schedule.get(Decision::FewColumns);
  s.flatRows = schedule.get(Decision::FlatRows);
  s.tasks = schedule.get(Decision::Tasks);
  s.worth = schedule.get(Decision::WorthTasks);
  s.fetches = schedule.get(Decision::PanelFetch) == 2;
  if (s.panel() > kernel::kPanelSlack)
    return op->emitOpError("has a schedule with panels of ")
           << s.panel() << " columns, at most " << kernel::kPanelSlack;
  return s;
}

unsigned GemmShape::setsFor(unsigned sums) const {
  unsigned sets = 1;
  // Where sums would take nearly all registers some go to memory and back.
  auto fits = [&](unsigned all) { return all + 6 <= registers; };
  while (sets < unroll && sums * sets < chains && fits(2 * sums * sets))
    sets *= 2;
  return sets;
}

std::string GemmShape::tileKey() const {
  return (Twine(rows) + "x" + Twine(vectors) + "x" + Twine(unroll) + "x" +
          Twine(chains))
             .str() +
         storedKey() + (fetches ? "f" : "");
}

std::string GemmShape::storedKey() const {
  return stored ? "s" + std::to_string(stored) : "";
}

std::string GemmShape::key() const {
  std::string key = tileKey();
  for (int64_t size :
       {kBlock, mBlock, nBlock, farBytes, fewColumns, flatRows, tasks, worth})
    key += "." + std::to_string(size);
  return key;
}

func::FuncOp GemmLibrary::routine(
    StringRef what, const std::string &key, Type element, StringRef signature,
    function_ref<void(GemmCode &, ValueRange)> body, bool outlined) {
  std::string base = ("rnnc.gemm" + Twine(what.empty() ? "" : ".") + what +
                      (element.isF32() ? ".f32" : ".f64"))
                         .str();
  func::FuncOp &known = routines[base + " " + key];
  if (known)
    return known;
  std::string name = base;
  for (unsigned i = 1; module.lookupSymbol(name); ++i)
    name = base + "." + std::to_string(i);
  OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
  SmallVector<Type> types;
  for (char kind : signature)
    if (kind != ' ')
      types.push_back(kind == 'p'
                          ? Type(LLVM::LLVMPointerType::get(b.getContext()))
                      : kind == 'b' ? Type(b.getI1Type())
                                    : Type(b.getI64Type()));
  auto f = func::FuncOp::create(b, module.getLoc(), name,
                                b.getFunctionType(types, {}));
  known = f;
  f.setPrivate();
  if (outlined)
    f->setAttr("passthrough", b.getStrArrayAttr({"noinline"}));
  b.setInsertionPointToStart(f.addEntryBlock());
  GemmCode code(b, module.getLoc(), element, shape, target);
  body(code, f.getArguments());
  func::ReturnOp::create(b, module.getLoc());
  return f;
}

namespace {

/// All tiles of one block of A against the panels.
class BlockBuilder {
  using Values = SmallVector<Value>;

public:
  using TileOf = function_ref<func::FuncOp(unsigned rows, unsigned vectors)>;

  BlockBuilder(GemmCode &e, ValueRange args) : e(e) {
    a = args[0], offsetsA = args[1], panels = args[2], before = args[3],
    allK = args[4], c = args[5], offsetsC = args[6], rows = args[7],
    columns = args[8], k = args[9], accumulate = args[10], few = args[12];
  }

  /// `packed`: A lies in tiles, as `pack_rows` makes them.
  void build(bool packed, TileOf tileOf) {
    const GemmShape &shape = e.shape;
    if (shape.fetches)
      shareFetches();
    e.loop(e.i64(0), columns, e.i64(shape.panel()), [&](Value j) {
      Value left = e.sub(columns, j);
      Column column{addressOf(j), j, left, packed, shape.vectors};
      if (shape.fetches)
        column.next = nextOf(j);
      // The last panel may have few columns: half a tile then.
      e.ifThenElse(
          e.less(e.i64(shape.lanes), column.left),
          [&] { rowsOf(column, tileOf); },
          [&] {
            column.vectors = 1;
            rowsOf(column, tileOf);
          });
    });
  }

private:
  /// A panel of B and the columns of C it gives.
  struct Column {
    Value panel, j, left;
    bool packed;
    unsigned vectors;
    Value next = {}; ///< the panel behind it, where tiles ask for it
  };

  Value addressOf(Value j) {
    Value width = e.min(e.sub(columns, j), e.i64(e.shape.panel()));
    Value at = e.add(e.mul(j, e.kOfTiles(allK)), e.mul(before, width));
    return e.addressOfStored(panels, at);
  }

  /// Behind the last panel the first one comes again, for other rows.
  Value nextOf(Value j) {
    Value next = e.add(j, e.i64(e.shape.panel()));
    return addressOf(e.select(e.less(next, columns), next, e.i64(0)));
  }

  /// How many lines of the next panel a tile asks for, all in all and in a
  /// trip, so that the panel is there when it is due. One tile alone would ask
  /// for more than comes in its time.
  void shareFetches() {
    Value line = e.i64(kLine / e.alignment()), one = e.i64(1);
    Value all = e.ceilDiv(e.mul(k, e.i64(e.shape.panel())), line);
    Value tiles = e.ceilDiv(rows, e.i64(e.shape.rows));
    Value each = e.ceilDiv(all, e.max(tiles, one));
    part = e.select(e.less(one, tiles), each, e.i64(0));
    Value trips = e.quotient(k, e.i64(e.shape.unroll));
    lines = e.ceilDiv(part, e.max(trips, one));
  }

  /// Whole tiles down a panel, then the rows that are left: with one tile
  /// where that is the whole product for a small batch, else with tiles of 4,
  /// 2 and 1 rows, which spares the code of the others.
  void rowsOf(const Column &column, TileOf tileOf) {
    unsigned tileRows = e.shape.rows;
    Value rest = e.remainder(rows, e.i64(tileRows));
    Value main = e.sub(rows, rest), zero = e.i64(0);
    e.loop(zero, main, e.i64(tileRows), [&](Value i) {
      callTile(column, i, zero, tileOf(tileRows, column.vectors));
    });
    bool exact = !column.packed && column.vectors == e.shape.vectors;
    for (unsigned count = 1; exact && count != tileRows; ++count)
      e.ifThenElse(e.equal(rest, e.i64(count)), [&] {
        callTile(column, main, zero, tileOf(count, column.vectors));
      });
    for (unsigned count : {4u, 2u, 1u}) {
      if (exact || count >= tileRows)
        continue;
      Value present = e.both(rest, e.i64(count));
      e.ifThenElse(e.less(zero, present), [&] {
        Value before = e.both(rest, e.i64(-int64_t(2 * count)));
        callTile(column, main, before, tileOf(count, column.vectors));
      });
    }
  }

  /// The tile of the rows from `i + within` on; tiles of packed A begin at `i`.
  void callTile(const Column &column, Value i, Value within,
                func::FuncOp tile) {
    Value row = e.add(i, within);
    Value from = column.packed ? e.address(a, e.add(e.mul(i, k), within)) : a;
    Values args = {from,
                   e.addressOfIndex(offsetsA, row),
                   column.panel,
                   e.address(c, column.j),
                   e.addressOfIndex(offsetsC, row),
                   k,
                   column.left,
                   accumulate,
                   few};
    if (e.shape.fetches) {
      Value number = e.quotient(row, e.i64(e.shape.rows));
      Value first = e.mul(number, part);
      Value at = e.mul(first, e.i64(kLine / e.alignment()));
      args.append({e.address(column.next, at), lines, part});
    }
    e.call(tile, args);
  }

  GemmCode &e;
  /// `before` of the `allK` steps of the panels come before this block.
  Value a, offsetsA, panels, before, allK, c, offsetsC, rows, columns, k,
      accumulate, few;
  Value part, lines; ///< of the next panel, that a tile asks for
};

} // namespace

// (a, offsetsA, panels, before, allK, c, offsetsC, rows, columns, k,
// accumulate, packed, few).
func::FuncOp GemmLibrary::block(Type element) {
  return routine(
      "block", shape.tileKey(), element, "pppll pp lllb bl",
      [&](GemmCode &e, ValueRange args) {
        BlockBuilder builder(e, args);
        auto tiles = [&](bool packedA) {
          builder.build(packedA, [&](unsigned rows, unsigned vectors) {
            return tile(element, rows, packedA, vectors);
          });
        };
        // Rows of integers have their scale behind them: they stay together.
        if (e.shape.stored == 8)
          return tiles(false);
        e.ifThenElse(args[11], [&] { tiles(true); }, [&] { tiles(false); });
      });
}

/// Whether A is read where it lies. Rows that lie far apart meet in the same
/// sets of the first-level cache: packed if they are used often enough to pay
/// for it.
static Value readsInPlace(GemmCode &e, Value rs, Value cs, Value rows,
                          Value columns) {
  Value near = e.less(rs, e.i64(e.shape.farBytes / e.alignment()));
  Value few = e.less(columns, e.i64(e.shape.fewColumns + 1));
  Value flat = e.less(rows, e.i64(e.shape.flatRows));
  return e.both(e.either(near, e.either(few, flat)), e.equal(cs, e.i64(1)));
}

/// Where rows of A and C begin: row `i + r`, or what the list names there.
void listRows(GemmCode &e, Value list, Value i, Value count, Value rs,
              Value ldc, Value ofA, Value ofC) {
  auto each = [&](function_ref<Value(Value)> rowOf) {
    e.loop(e.i64(0), count, e.i64(1), [&](Value r) {
      Value row = rowOf(e.add(i, r));
      e.storeIndex(e.mul(row, rs), ofA, r);
      e.storeIndex(e.mul(row, ldc), ofC, r);
    });
  };
  e.ifThenElse(
      e.isNull(list), [&] { each([](Value at) { return at; }); },
      [&] { each([&](Value at) { return e.loadIndex(list, at); }); });
}

func::FuncOp GemmLibrary::gemmPacked(Type element) {
  return routine(
      "packed", shape.key(), element, "pllp pl lllb pl pp",
      [&](GemmCode &e, ValueRange args) {
        Value a = args[0], rs = args[1], cs = args[2], packed = args[3],
              c = args[4], ldc = args[5], rows = args[6], columns = args[7],
              k = args[8], accumulate = args[9], scratch = args[10],
              few = args[11], rowList = args[12], stepList = args[13];
        const GemmShape &shape = e.shape;
        Value one = e.i64(1), zero = e.i64(0);
        Value ofA = e.allocateIndices(kernel::kMostBlockRows),
              ofC = e.allocateIndices(kernel::kMostBlockRows);
        Value direct =
            e.both(readsInPlace(e, rs, cs, rows, columns), e.isNull(stepList));
        // An empty sum is zero: K = 0 still visits C once.
        Value end = e.max(k, one);
        Value block = e.i64(shape.mBlock);
        e.loop(zero, rows, block, [&](Value i) {
          Value mc = e.min(e.sub(rows, i), block);
          listRows(e, rowList, i, mc, rs, ldc, ofA, ofC);
          e.loop(zero, end, e.i64(shape.kBlock), [&](Value p) {
            Value kc = e.min(e.sub(k, p), e.i64(shape.kBlock));
            Value add = e.either(accumulate, e.less(zero, p));
            auto callBlock = [&](Value from, bool packedA) {
              e.call(this->block(element),
                     {from, ofA, packed, p, k, c, ofC, mc, columns, kc, add,
                      e.flag(packedA), few});
            };
            if (shape.stored == 8)
              return callBlock(e.address(a, p), false);
            e.ifThenElse(
                direct, [&] { callBlock(e.address(a, p), false); },
                [&] {
                  e.call(packRows(element),
                         {a, ofA, rs, cs, scratch, mc, kc, p, stepList});
                  callBlock(scratch, true);
                });
          });
        });
      });
}

func::FuncOp GemmLibrary::gemm(Type element) {
  return routine(
      "", shape.key(), element, "pllp llpl lllb pl p",
      [&](GemmCode &e, ValueRange args) {
        Value a = args[0], rsA = args[1], csA = args[2], matrix = args[3],
              rsB = args[4], csB = args[5], c = args[6], ldc = args[7],
              rows = args[8], columns = args[9], k = args[10],
              accumulate = args[11], scratch = args[12], few = args[13],
              list = args[14];
        const GemmShape &shape = e.shape;
        // Blocks of A lie behind the block of B.
        Value inB = e.mul(e.min(columns, e.i64(shape.nBlock)),
                          e.min(k, e.i64(shape.kBlock)));
        Value line = e.i64(64 / e.alignment());
        Value lines = e.ceilDiv(e.add(inB, e.i64(kernel::kPanelSlack)), line);
        Value forA = e.address(scratch, e.mul(lines, line));
        Value zero = e.i64(0), end = e.max(k, e.i64(1));
        Value none = LLVM::ZeroOp::create(e.b, e.loc, list.getType());
        Value dense = e.isNull(list);
        e.loop(zero, columns, e.i64(shape.nBlock), [&](Value j) {
          Value nc = e.min(e.sub(columns, j), e.i64(shape.nBlock));
          e.loop(zero, end, e.i64(shape.kBlock), [&](Value p) {
            Value kc = e.min(e.sub(k, p), e.i64(shape.kBlock));
            Value add = e.either(accumulate, e.less(zero, p));
            // Terms that a list names are counted from the first one.
            Value before = e.select(dense, p, zero);
            Value steps = e.select(dense, list, e.addressOfIndex(list, p));
            Value blockOfB =
                e.address(matrix, e.add(e.mul(before, rsB), e.mul(j, csB)));
            e.call(pack(element), {blockOfB, rsB, csB, scratch, kc, nc, steps});
            e.call(gemmPacked(element),
                   {e.address(a, e.mul(before, csA)), rsA, csA, scratch,
                    e.address(c, j), ldc, rows, nc, kc, add, forA, few, none,
                    steps});
          });
        });
      });
}

} // namespace rnnc
