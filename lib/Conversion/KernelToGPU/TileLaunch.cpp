// TileLaunch.cpp: large products, a block of threads for each tile of a result.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// 16 x 16 threads have 8 x 8 numbers of a tile of 128 x 128 each. What a few
// terms need of both operands is copied to shared memory while those before are
// multiplied: three places take turns, so that all threads meet once for each
// few terms. Sums are those of the threads that have a column each: of 256
// terms at a time, whose sum goes to the total. Where tensor cores are asked
// for, MatrixTile.cpp says what of a tile a thread has, and multiplies.

#include "TileLaunch.h"

#include "MatrixTile.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"

using namespace mlir;

namespace rnnc {

/// Places for terms, of which one is read and two are on their way.
static constexpr int64_t kStages = 3;
/// Terms that are multiplied in a turn of the inner loop.
static constexpr int64_t kTurnSteps = 4;
/// Bytes of one copy, and what they have to be aligned to.
static constexpr int64_t kWideBytes = 16;
static constexpr int64_t kMostSharedBytes = 48 << 10;

static int64_t bytesOf(Value memref) {
  return cast<MemRefType>(memref.getType()).getElementTypeBitWidth() / 8;
}

static Type elementOf(Value memref) {
  return cast<MemRefType>(memref.getType()).getElementType();
}

namespace {

/// Writes the kernel.
class TileBody {
public:
  TileBody(ThreadCode &t, kernel::GemmOp op, TileShape tile)
      : t(t), op(op), tile(tile), a(makeLeft()), b(makeRight()) {
    if (tile.type != kernel::ProductType::F32)
      matrices.emplace(t, tile);
  }

  void run(function_ref<Value(int64_t, Type)> addShared);

private:
  TileSide makeLeft();
  TileSide makeRight();
  void findTerms();
  void findTile();
  void setWidth(TileSide &side, std::optional<int64_t> inner);
  void writeTile();
  /// Copies what chunk number `chunk` of the terms needs.
  void fetch(Value chunk);
  void fetch(const TileSide &side, Value firstTerm, Value stage);
  void fetch(const TileSide &side, Value firstTerm, Value stage, int64_t wide);
  void fetchOne(const TileSide &side, int64_t turn, Value firstTerm,
                Value stage, int64_t wide);
  Values readList(const TileSide &side, int64_t wide);
  Value itemOf(int64_t turn);
  Value stageOf(Value chunk);
  Values multiply(Value chunk, ValueRange sums);
  /// Adds sums to the result, or puts them there: the first of a row.
  void flush(ValueRange sums, Value isFirst);

  void setDistance(TileSide &side);
  int64_t rowsOfThread() const {
    return matrices ? matrices->rows() : tile.rows / TileLaunch::kSide;
  }
  int64_t columnsOfThread() const {
    return matrices ? matrices->columns() : tile.columns / TileLaunch::kSide;
  }
  /// Row or column `i` of this thread, counted from the first of the tile.
  Value ownRow(int64_t i);
  Value ownColumn(int64_t j);

  ThreadCode &t;
  kernel::GemmOp op;
  TileShape tile;
  TileSide a, b;
  std::optional<MatrixTile> matrices; ///< tensor cores multiply
  Value thread, down, across; ///< this thread, and where it is in the tile
  Value terms, termList;      ///< how many there are, and which
  int64_t termBegin = 0;
  std::optional<int64_t> knownTerms;
};

} // namespace

/// Terms side by side: threads read 16 bytes of rows that lie 16 apart, without
/// waiting for each other. Else four numbers side by side.
int64_t TileSide::offset(int64_t i, int64_t all) const {
  if (termsInside || all % 4)
    return i * TileLaunch::kSide;
  return i / 4 * 4 * TileLaunch::kSide + i % 4;
}

Value TileSide::at(ThreadCode &t, Value thread, int64_t i, int64_t all) const {
  bool apart = termsInside || all % 4;
  Value own = apart ? thread : t.times(thread, t.index(4));
  return t.add(own, t.index(offset(i, all)));
}

static std::optional<int64_t> staticSize(Value memref, int64_t dim) {
  auto type = cast<MemRefType>(memref.getType());
  if (type.isDynamicDim(dim))
    return std::nullopt;
  return type.getDimSize(dim);
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

/// A few numbers between rows, so that 16 bytes of each begin elsewhere.
void TileBody::setDistance(TileSide &side) {
  int64_t pad = side.termsInside ? kWideBytes / bytesOf(side.memref)
                : matrices       ? MatrixTile::kPad
                                 : 0;
  side.distance = (side.termsInside ? tile.steps : side.size) + pad;
}

TileSide TileBody::makeLeft() {
  TileSide side;
  side.memref = t.in(op.getA());
  side.termsInside = !op.getTransA();
  side.size = tile.rows;
  return side;
}

TileSide TileBody::makeRight() {
  TileSide side;
  side.memref = t.in(op.getB());
  side.termsInside = op.getTransB() && !op.getPackedB();
  side.size = tile.columns;
  if (op.getPackedB())
    side.flat = t.size(t.in(op.getC()), 1);
  return side;
}

/// `valid` numbers rows of the result where B is packed, else terms.
void TileBody::findTerms() {
  Value left = t.in(op.getA());
  unsigned dim = op.getTransA() ? 0 : 1;
  knownTerms = staticSize(op.getA(), dim);
  terms = t.size(left, dim);
  a.count = t.size(t.in(op.getC()), 0);
  b.count = t.size(t.in(op.getC()), 1);
  Value valid = op.getValid();
  if (!valid)
    return;
  Value whole = listOf(valid), list = t.in(whole ? whole : valid), count;
  count = whole ? t.toIndex(t.load(list, t.index(0))) : t.size(list, 0);
  if (op.getPackedB()) {
    a.list = list;
    a.begin = whole ? 1 : 0;
    a.count = count;
    return;
  }
  termList = list;
  termBegin = whole ? 1 : 0;
  terms = count;
  knownTerms.reset();
}

/// Whether 16 bytes can be copied at a time: rows have whole numbers of them,
/// and begin where they may, which is seen at run time.
void TileBody::setWidth(TileSide &side, std::optional<int64_t> inner) {
  auto type = cast<MemRefType>(side.memref.getType());
  int64_t wide = kWideBytes / bytesOf(side.memref);
  bool isListed = side.termsInside ? bool(termList) : bool(side.list);
  SmallVector<int64_t> strides;
  int64_t offset;
  if (isListed || !inner || *inner % wide ||
      failed(type.getStridesAndOffset(strides, offset)) ||
      (!side.flat && !ShapedType::isDynamic(strides[0]) && strides[0] % wide))
    return;
  side.wide = wide;
  Value number =
      memref::ExtractAlignedPointerAsIndexOp::create(t.b, t.loc, side.memref);
  if (!side.flat && ShapedType::isDynamic(strides[0])) {
    auto known =
        memref::ExtractStridedMetadataOp::create(t.b, t.loc, side.memref);
    Value bytes = t.times(known.getStrides()[0], t.index(kWideBytes / wide));
    number = arith::OrIOp::create(t.b, t.loc, number, bytes);
  }
  side.isAligned =
      arith::CmpIOp::create(t.b, t.loc, arith::CmpIPredicate::eq,
                            t.rest(number, t.index(kWideBytes)), t.index(0));
}

/// Blocks side by side have tiles side by side.
void TileBody::findTile() {
  Value side = t.index(TileLaunch::kSide);
  Value block = gpu::BlockIdOp::create(t.b, t.loc, gpu::Dimension::x);
  thread = gpu::ThreadIdOp::create(t.b, t.loc, gpu::Dimension::x);
  down = t.over(thread, side);
  across = t.rest(thread, side);
  if (matrices)
    matrices->begin(thread);
  Value columns = t.index(tile.columns);
  Value all = t.add(b.count, t.index(tile.columns - 1));
  Value tiles = t.over(all, columns);
  a.first = t.times(t.over(block, tiles), t.index(tile.rows));
  b.first = t.times(t.rest(block, tiles), columns);
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

void TileBody::fetch(Value chunk) {
  Value first = t.times(chunk, t.index(tile.steps)), stage = stageOf(chunk);
  fetch(a, first, stage);
  fetch(b, first, stage);
}

Value TileBody::stageOf(Value chunk) { return t.rest(chunk, t.index(kStages)); }

void TileBody::fetch(const TileSide &side, Value firstTerm, Value stage) {
  if (!side.isAligned)
    return fetch(side, firstTerm, stage, 1);
  auto branch = scf::IfOp::create(t.b, t.loc, side.isAligned,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(t.b);
  t.b.setInsertionPoint(branch.thenBlock()->getTerminator());
  fetch(side, firstTerm, stage, side.wide);
  t.b.setInsertionPoint(branch.elseBlock()->getTerminator());
  fetch(side, firstTerm, stage, 1);
}

Value TileBody::itemOf(int64_t turn) {
  return t.add(thread, t.index(turn * TileLaunch::kTileThreads));
}

/// A list of rows is read before the first chunk: its numbers are the same in
/// all of them.
Values TileBody::readList(const TileSide &side, int64_t wide) {
  Values rows;
  Value length = t.index(side.length(tile.steps) / wide);
  Value last = t.minus(side.count, t.index(1));
  int64_t items = side.copies(tile.steps, wide);
  for (int64_t turn = 0; turn * TileLaunch::kTileThreads < items; ++turn) {
    Value item = itemOf(turn);
    Value x = side.termsInside ? t.over(item, length) : t.rest(item, length);
    Value entry = t.least(t.add(side.first, x), last);
    entry = t.add(entry, t.index(side.begin));
    rows.push_back(t.toIndex(t.load(side.list, entry)));
  }
  return rows;
}

/// All threads of the block take turns.
void TileBody::fetch(const TileSide &side, Value firstTerm, Value stage,
                     int64_t wide) {
  int64_t items = side.copies(tile.steps, wide);
  int64_t threads = TileLaunch::kTileThreads;
  for (int64_t turn = 0; turn * threads < items; ++turn) {
    auto one = [&] { fetchOne(side, turn, firstTerm, stage, wide); };
    if ((turn + 1) * threads <= items)
      one();
    else
      t.when(t.less(itemOf(turn), t.index(items)), one);
  }
}

/// What is behind the end is not read: its terms are 0, its rows and columns
/// whatever they are.
void TileBody::fetchOne(const TileSide &side, int64_t turn, Value firstTerm,
                        Value stage, int64_t wide) {
  Value zero = t.index(0), item = itemOf(turn);
  Value length = t.index(side.length(tile.steps) / wide);
  Value outer = t.over(item, length);
  Value inner = t.times(t.rest(item, length), t.index(wide));
  Value k = t.add(firstTerm, side.termsInside ? inner : outer);
  Value x = t.add(side.first, side.termsInside ? outer : inner);
  Value isThere = t.both(t.less(k, terms), t.less(x, side.count));
  auto orZero = [&](Value value) -> Value {
    return arith::SelectOp::create(t.b, t.loc, isThere, value, zero);
  };
  const Values &listed = wide == 1 ? side.listed : side.listedWide;
  Value row = orZero(side.list ? listed[turn] : x), term = orZero(k);
  if (termList)
    term = t.choose(
        isThere, t.b.getIndexType(),
        [&] {
          return t.toIndex(t.load(termList, t.add(k, t.index(termBegin))));
        },
        [&] { return zero; });
  Values from{term, row};
  if (side.flat)
    from = {t.add(t.times(term, side.flat), row)};
  else if (side.termsInside)
    from = {row, term};
  Value to = t.add(t.times(stage, t.index(side.stageElements(tile.steps))),
                   t.add(t.times(outer, t.index(side.distance)), inner));
  bool isWide = wide * bytesOf(side.memref) == kWideBytes;
  nvgpu::DeviceAsyncCopyOp::create(
      t.b, t.loc, nvgpu::DeviceAsyncTokenType::get(t.b.getContext()),
      side.place, ValueRange{to}, side.memref, from, t.b.getIndexAttr(wide),
      orZero(t.index(wide)), isWide ? t.b.getUnitAttr() : UnitAttr());
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

Value TileBody::ownRow(int64_t i) {
  return matrices ? matrices->row(i) : a.at(t, down, i, rowsOfThread());
}

Value TileBody::ownColumn(int64_t j) {
  return matrices ? matrices->column(j) : b.at(t, across, j, columnsOfThread());
}

Values TileBody::multiply(Value chunk, ValueRange sums) {
  Value stage = stageOf(chunk);
  if (matrices)
    return matrices->multiply(a, b, stage, sums);
  int64_t high = rowsOfThread(), broad = columnsOfThread();
  auto read = [&](const TileSide &side, Value own, int64_t i, int64_t all,
                  Value k) {
    Value x = side.at(t, own, i, all), distance = t.index(side.distance);
    Value inside = side.termsInside ? t.add(t.times(x, distance), k)
                                    : t.add(t.times(k, distance), x);
    Value begin = t.times(stage, t.index(side.stageElements(tile.steps)));
    return t.load(side.place, t.add(begin, inside));
  };
  auto loop = t.loop(
      t.index(tile.steps / kTurnSteps), sums, [&](Value turn, ValueRange now) {
        Values next(now);
        for (int64_t s = 0; s != kTurnSteps; ++s) {
          Value k = t.add(t.times(turn, t.index(kTurnSteps)), t.index(s));
          Values left, right;
          for (int64_t i = 0; i != high; ++i)
            left.push_back(read(a, down, i, high, k));
          for (int64_t j = 0; j != broad; ++j)
            right.push_back(read(b, across, j, broad, k));
          for (int64_t i = 0; i != high; ++i)
            for (int64_t j = 0; j != broad; ++j) {
              Value &sum = next[i * broad + j];
              sum = t.fma(left[i], right[j], sum);
            }
        }
        return next;
      });
  return Values(loop.getResults());
}

void TileBody::flush(ValueRange sums, Value isFirst) {
  int64_t high = rowsOfThread(), broad = columnsOfThread();
  Value c = t.in(op.getC());
  Type type = elementOf(c);
  bool mayAdd = getConstantIntValue(isFirst) != 1;
  for (int64_t i = 0; i != high; ++i) {
    Value row = t.add(a.first, ownRow(i));
    t.when(t.less(row, a.count), [&] {
      if (a.list)
        row = t.toIndex(t.load(a.list, t.add(row, t.index(a.begin))));
      for (int64_t j = 0; j != broad; ++j) {
        Value column = t.add(b.first, ownColumn(j));
        t.when(t.less(column, b.count), [&] {
          Value sum = sums[i * broad + j];
          if (mayAdd) {
            Value before = t.load(c, {row, column});
            before = arith::SelectOp::create(t.b, t.loc, isFirst, t.zero(type),
                                             before);
            sum = arith::AddFOp::create(t.b, t.loc, before, sum);
          }
          t.store(sum, c, {row, column});
        });
      }
    });
  }
}

/// A chunk is there when the thread's own copies are, and those of all threads:
/// they meet, and by then all are done with the place that is filled next.
void TileBody::writeTile() {
  Type type = elementOf(op.getC());
  Value chunks =
      t.over(t.add(terms, t.index(tile.steps - 1)), t.index(tile.steps));
  chunks = t.most(chunks, t.index(1));
  auto commit = [&] { NVVM::CpAsyncCommitGroupOp::create(t.b, t.loc); };
  for (int64_t chunk = 0; chunk != kStages - 1; ++chunk) {
    fetch(t.index(chunk));
    commit();
  }
  Values zeros(rowsOfThread() * columnsOfThread(), t.zero(type));
  int64_t partChunks = kPartTerms / tile.steps;
  bool inParts = !knownTerms || *knownTerms > 2 * kPartTerms;
  Value never = arith::ConstantIntOp::create(t.b, t.loc, 0, 1);
  auto loop = t.loop(chunks, zeros, [&](Value chunk, ValueRange sums) {
    NVVM::CpAsyncWaitGroupOp::create(t.b, t.loc, kStages - 2);
    gpu::BarrierOp::create(t.b, t.loc);
    fetch(t.add(chunk, t.index(kStages - 1)));
    commit();
    Values next = multiply(chunk, sums);
    if (!inParts)
      return next;
    Value behind = t.add(chunk, t.index(1)), part = t.index(partChunks);
    Value isLast = arith::CmpIOp::create(t.b, t.loc, arith::CmpIPredicate::eq,
                                         behind, chunks);
    Value isWhole = arith::CmpIOp::create(t.b, t.loc, arith::CmpIPredicate::eq,
                                          t.rest(behind, part), t.index(0));
    Value isEnd = arith::OrIOp::create(t.b, t.loc, isLast, isWhole);
    auto branch = scf::IfOp::create(t.b, t.loc, TypeRange(ValueRange(zeros)),
                                    isEnd, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(t.b);
    t.b.setInsertionPointToStart(branch.thenBlock());
    flush(next, op.getAccumulate() ? never : t.less(chunk, part));
    scf::YieldOp::create(t.b, t.loc, zeros);
    t.b.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(t.b, t.loc, next);
    return Values(branch.getResults());
  });
  if (inParts)
    return;
  Value always = arith::ConstantIntOp::create(t.b, t.loc, 1, 1);
  flush(loop.getResults(), op.getAccumulate() ? never : always);
}

void TileBody::run(function_ref<Value(int64_t, Type)> addShared) {
  findTerms();
  findTile();
  for (TileSide *side : {&a, &b}) {
    setDistance(*side);
    unsigned x = side == &a ? 0 : 1;
    setWidth(*side, side->termsInside ? knownTerms : staticSize(op.getC(), x));
    side->place = addShared(kStages * side->stageElements(tile.steps),
                            elementOf(side->memref));
  }
  t.when(t.less(a.first, a.count), [&] {
    if (a.list)
      a.listed = readList(a, 1);
    if (a.list && a.isAligned)
      a.listedWide = readList(a, a.wide);
    writeTile();
  });
}

//===----------------------------------------------------------------------===//
// The kernel
//===----------------------------------------------------------------------===//

std::optional<TileShape> TileShape::of(kernel::GemmOp op) {
  using kernel::Decision;
  kernel::ScheduleAttr schedule = kernel::scheduleOf(op);
  if (!schedule || !schedule.get(Decision::BlockRows) ||
      !schedule.get(Decision::BlockColumns))
    return std::nullopt;
  int64_t least = schedule.get(Decision::FlatRows);
  std::optional<int64_t> rows = staticSize(op.getC(), 0);
  if (least == kernel::infoOf(Decision::FlatRows).most ||
      (rows && *rows < least))
    return std::nullopt;
  int64_t side = TileLaunch::kSide, most = 8 * side;
  auto whole = [&](Decision decision) {
    return std::clamp(schedule.get(decision) / side * side, side, most);
  };
  TileShape shape{whole(Decision::BlockRows), whole(Decision::BlockColumns), 0,
                  bytesOf(op.getC()) == 4 ? kernel::productTypeOf(op)
                                          : kernel::ProductType::F32};
  // The most that rows may take in shared memory, whichever way they lie.
  int64_t bytes = bytesOf(op.getC()), pad = kWideBytes / bytes;
  int64_t between = 0, fewest = 8;
  if (shape.type != kernel::ProductType::F32) {
    between = MatrixTile::kPad;
    fewest = MatrixTile::termsOf(shape.type);
  }
  auto taken = [&](int64_t steps) {
    auto most = [&](int64_t size) {
      return std::max(size * (steps + pad), steps * (size + between));
    };
    return kStages * (most(shape.rows) + most(shape.columns)) * bytes;
  };
  int64_t wanted =
      std::max<int64_t>(schedule.get(Decision::BlockSteps), fewest);
  while (taken(fewest) > kMostSharedBytes)
    (shape.rows > shape.columns ? shape.rows : shape.columns) -= side;
  shape.steps = fewest;
  while (2 * shape.steps <= std::min(wanted, kPartTerms) &&
         taken(2 * shape.steps) <= kMostSharedBytes)
    shape.steps *= 2;
  return shape;
}

gpu::GPUFuncOp TileLaunch::build() {
  for (Value value : usedBy(gemm))
    take(value);
  gpu::GPUFuncOp kernel = makeKernel();
  allowRegisters(kernel);
  OpBuilder b = OpBuilder::atBlockBegin(&kernel.getBody().front());
  IRMapping inside;
  mapGiven(kernel, b, inside);
  ThreadCode t(b, loc, inside);
  TileBody(t, gemm, tile).run([&](int64_t count, Type element) {
    return addShared(kernel, count, element);
  });
  b.setInsertionPointToEnd(&kernel.getBody().front());
  gpu::ReturnOp::create(b, loc);
  return kernel;
}

std::string TileLaunch::kind() const {
  if (tile.type == kernel::ProductType::F32)
    return "tiles";
  return "tiles_" + kernel::nameOf(tile.type).str();
}

void TileLaunch::launch(gpu::GPUFuncOp kernel, Value enough) {
  IRMapping none;
  ThreadCode t(host, loc, none);
  auto tiles = [&](unsigned dim, int64_t size) {
    Value all = t.add(t.size(gemm.getC(), dim), t.index(size - 1));
    return t.over(all, t.index(size));
  };
  Value blocks = t.times(tiles(0, tile.rows), tiles(1, tile.columns));
  launchBlocks(kernel, t.times(blocks, enough));
}

} // namespace rnnc
