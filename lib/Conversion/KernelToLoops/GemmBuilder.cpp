// GemmBuilder.cpp: generates the matrix product routines of a module.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The shape of the product is the usual one: B lies in panels as wide as a
// register tile, zeros to the right, so a tile reads it front to back; a tile
// of C stays in registers while K runs. K is cut into blocks so that a panel
// stays in the first-level cache; A is packed in blocks that fit the second
// level when its rows are not contiguous. The order in which a tile adds up
// depends on k and the block sizes alone.

#include "GemmBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace rnnc {

GemmShape GemmShape::forTarget(const LoopTarget &target, unsigned bits) {
  GemmShape s;
  s.lanes = target.vectorBits / bits;
  s.vectors = 2;
  // Accumulators, a row of B and a broadcast of A have to fit the registers:
  // 32 of 512 bits, 16 of the narrower ones.
  s.rows = target.vectorBits >= 512 ? 8 : target.vectorBits == 256 ? 6 : 4;
  s.unroll = 4;
  int64_t bytes = bits / 8;
  s.kBlock = std::max<int64_t>(64, target.l1 / (s.panel() * bytes) / 8 * 8);
  s.kBlock = std::min<int64_t>(s.kBlock, 512);
  s.mBlock = std::max<int64_t>(
      s.rows, target.l2 / 8 / (s.kBlock * bytes) / s.rows * s.rows);
  s.mBlock = std::min<int64_t>(s.mBlock, (96 / s.rows) * s.rows);
  s.nBlock = std::max<int64_t>(
      s.panel(), target.l2 / 4 / (s.kBlock * bytes) / s.panel() * s.panel());
  return s;
}

namespace {

using Values = SmallVector<Value>;

/// Writes i64 arithmetic, loops and vector accesses on raw pointers.
class Emit {
public:
  Emit(OpBuilder &b, Location loc, Type element, const GemmShape &shape,
       bool fma)
      : b(b), loc(loc), element(element), shape(shape), hasFma(fma),
        vector(VectorType::get({int64_t(shape.lanes)}, element)) {}

  Value i64(int64_t v) {
    return arith::ConstantIntOp::create(b, loc, b.getI64Type(), v);
  }
  Value add(Value x, Value y) {
    return b.createOrFold<arith::AddIOp>(loc, x, y);
  }
  Value sub(Value x, Value y) {
    return b.createOrFold<arith::SubIOp>(loc, x, y);
  }
  Value mul(Value x, Value y) {
    return b.createOrFold<arith::MulIOp>(loc, x, y);
  }
  Value min(Value x, Value y) { return arith::MinSIOp::create(b, loc, x, y); }
  Value less(Value x, Value y) {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, x, y);
  }
  Value equal(Value x, Value y) {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, x, y);
  }
  /// Address of element `at`.
  Value address(Value pointer, Value at) {
    return LLVM::GEPOp::create(b, loc, pointer.getType(), element, pointer,
                               ArrayRef<LLVM::GEPArg>{at});
  }
  unsigned alignment() const { return element.getIntOrFloatBitWidth() / 8; }
  Value loadScalar(Value pointer) {
    return LLVM::LoadOp::create(b, loc, element, pointer, alignment());
  }
  void storeScalar(Value v, Value pointer) {
    LLVM::StoreOp::create(b, loc, v, pointer, alignment());
  }
  Value loadVector(Value pointer) {
    return LLVM::LoadOp::create(b, loc, vector, pointer, alignment());
  }
  void storeVector(Value v, Value pointer) {
    LLVM::StoreOp::create(b, loc, v, pointer, alignment());
  }
  Value splat(Value scalar) {
    return vector::BroadcastOp::create(b, loc, vector, scalar);
  }
  Value zero() {
    return arith::ConstantOp::create(b, loc, b.getZeroAttr(vector));
  }
  Value fma(Value x, Value y, Value z) {
    if (hasFma)
      return math::FmaOp::create(b, loc, x, y, z);
    return arith::AddFOp::create(b, loc, arith::MulFOp::create(b, loc, x, y),
                                 z);
  }
  Value addf(Value x, Value y) { return arith::AddFOp::create(b, loc, x, y); }
  /// Lanes below `left`.
  Value mask(Value left) {
    Value clipped = arith::MaxSIOp::create(b, loc, left, i64(0));
    Value index = arith::IndexCastOp::create(b, loc, b.getIndexType(), clipped);
    return vector::CreateMaskOp::create(
        b, loc, VectorType::get({int64_t(shape.lanes)}, b.getI1Type()), index);
  }
  Value loadMasked(Value pointer, Value mask) {
    return LLVM::MaskedLoadOp::create(b, loc, Type(vector), pointer, mask,
                                      zero(), uint32_t(alignment()));
  }
  void storeMasked(Value v, Value pointer, Value mask) {
    LLVM::MaskedStoreOp::create(b, loc, v, pointer, mask,
                                uint32_t(alignment()));
  }

  Values loop(Value from, Value to, Value step, ValueRange init,
              function_ref<Values(Value, ValueRange)> body) {
    auto loop = scf::ForOp::create(b, loc, from, to, step, init);
    OpBuilder::InsertionGuard guard(b);
    if (init.empty()) {
      b.setInsertionPoint(loop.getBody()->getTerminator());
      body(loop.getInductionVar(), {});
      return {};
    }
    b.setInsertionPointToEnd(loop.getBody());
    Values next = body(loop.getInductionVar(), loop.getRegionIterArgs());
    scf::YieldOp::create(b, loc, next);
    return Values(loop.getResults());
  }
  void loop(Value from, Value to, Value step, function_ref<void(Value)> body) {
    loop(from, to, step, {}, [&](Value iv, ValueRange) -> Values {
      body(iv);
      return {};
    });
  }
  void ifThenElse(Value condition, function_ref<void()> yes,
                  function_ref<void()> no) {
    auto branch = scf::IfOp::create(b, loc, condition, bool(no));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(branch.thenBlock()->getTerminator());
    yes();
    if (!no)
      return;
    b.setInsertionPoint(branch.elseBlock()->getTerminator());
    no();
  }
  void call(func::FuncOp callee, ValueRange args) {
    func::CallOp::create(b, loc, callee, args);
  }
  Value stack(int64_t elements) {
    return LLVM::AllocaOp::create(b, loc,
                                  LLVM::LLVMPointerType::get(b.getContext()),
                                  element, i64(elements), /*alignment=*/64);
  }
  void ret() { func::ReturnOp::create(b, loc); }

  OpBuilder &b;
  Location loc;
  Type element;
  GemmShape shape;
  bool hasFma;
  VectorType vector;
};

std::string nameOf(StringRef what, Type element) {
  return (what + (element.isF32() ? ".f32" : ".f64")).str();
}

/// One register tile: `rows` rows of C by the first `vectors` vectors of a
/// panel of B.
class TileBuilder {
public:
  TileBuilder(Emit &e, func::FuncOp f, unsigned rows, bool packedA,
              unsigned vectors)
      : e(e), rows(rows), packedA(packedA), vectors(vectors) {
    auto args = f.getArguments();
    a = args[0], rowStride = args[1], panel = args[2], c = args[3],
    ldc = args[4], k = args[5], left = args[6], accumulate = args[7];
    // Few rows have few sums: split K over several sets of accumulators, else
    // each addition waits for the one before.
    sets = 1;
    while (sets < e.shape.unroll && rows * vectors * sets < 8)
      sets *= 2;
  }

  void build() {
    Values sums = products();
    Value full = e.less(e.i64(int64_t(vectors) * e.shape.lanes - 1), left);
    e.ifThenElse(
        full, [&] { writeFull(sums); }, [&] { writePart(sums); });
    e.ret();
  }

private:
  Value elementOfA(unsigned row, Value step, unsigned u) {
    if (packedA) {
      Value at = e.add(e.mul(step, e.i64(e.shape.rows)),
                       e.i64(u * e.shape.rows + row));
      return e.loadScalar(e.address(a, at));
    }
    return e.loadScalar(e.address(rowPointers[row], e.add(step, e.i64(u))));
  }

  /// Adds `count` steps of K starting at `step`.
  Values steps(Value step, unsigned count, Values sums) {
    Value base = e.address(panel, e.mul(step, e.i64(e.shape.panel())));
    for (unsigned u = 0; u != count; ++u) {
      Values bs;
      for (unsigned v = 0; v != vectors; ++v)
        bs.push_back(e.loadVector(e.address(
            base, e.i64(u * e.shape.panel() + v * e.shape.lanes))));
      unsigned set = (u % sets) * rows * vectors;
      for (unsigned r = 0; r != rows; ++r) {
        Value x = e.splat(elementOfA(r, step, u));
        for (unsigned v = 0; v != vectors; ++v) {
          Value &sum = sums[set + r * vectors + v];
          sum = e.fma(x, bs[v], sum);
        }
      }
    }
    return sums;
  }

  Values products() {
    if (!packedA)
      for (unsigned r = 0; r != rows; ++r)
        rowPointers.push_back(
            r ? e.address(a, e.mul(rowStride, e.i64(r))) : a);
    Values sums(sets * rows * vectors, e.zero());
    unsigned unroll = e.shape.unroll;
    Value rest = arith::RemUIOp::create(e.b, e.loc, k, e.i64(unroll));
    Value main = e.sub(k, rest);
    sums = e.loop(e.i64(0), main, e.i64(unroll), sums,
                  [&](Value step, ValueRange in) {
                    return steps(step, unroll, Values(in));
                  });
    sums = e.loop(main, k, e.i64(1), sums, [&](Value step, ValueRange in) {
      return steps(step, 1, Values(in));
    });
    // The sets are added pairwise.
    for (unsigned half = sets / 2; half; half /= 2)
      for (unsigned i = 0; i != half * rows * vectors; ++i)
        sums[i] = e.addf(sums[i], sums[i + half * rows * vectors]);
    sums.resize(rows * vectors);
    return sums;
  }

  Value addressOfC(unsigned r, unsigned v) {
    Value at = e.add(e.mul(ldc, e.i64(r)), e.i64(v * e.shape.lanes));
    return e.address(c, at);
  }

  void writeFull(ArrayRef<Value> sums) {
    auto each = [&](bool load) {
      for (unsigned r = 0; r != rows; ++r)
        for (unsigned v = 0; v != vectors; ++v) {
          Value at = addressOfC(r, v), sum = sums[r * vectors + v];
          e.storeVector(load ? e.addf(e.loadVector(at), sum) : sum, at);
        }
    };
    e.ifThenElse(accumulate, [&] { each(true); }, [&] { each(false); });
  }

  void writePart(ArrayRef<Value> sums) {
    Values masks;
    for (unsigned v = 0; v != vectors; ++v)
      masks.push_back(e.mask(e.sub(left, e.i64(v * e.shape.lanes))));
    auto each = [&](bool load) {
      for (unsigned r = 0; r != rows; ++r)
        for (unsigned v = 0; v != vectors; ++v) {
          Value at = addressOfC(r, v), sum = sums[r * vectors + v];
          e.storeMasked(load ? e.addf(e.loadMasked(at, masks[v]), sum) : sum,
                        at, masks[v]);
        }
    };
    e.ifThenElse(accumulate, [&] { each(true); }, [&] { each(false); });
  }

  Emit &e;
  unsigned rows;
  bool packedA;
  unsigned vectors, sets;
  Value a, rowStride, panel, c, ldc, k, left, accumulate;
  Values rowPointers;
};

} // namespace

func::FuncOp GemmLibrary::declare(StringRef name, TypeRange arguments) {
  OpBuilder b(module.getContext());
  b.setInsertionPointToEnd(module.getBody());
  auto f = func::FuncOp::create(b, module.getLoc(), name,
                                b.getFunctionType(arguments, {}));
  f.setPrivate();
  f.addEntryBlock();
  return f;
}

#define RNNC_GEMM_PROLOGUE(NAME, ...)                                         \
  std::string name = (NAME);                                                  \
  if (auto existing = module.lookupSymbol<func::FuncOp>(name))                \
    return existing;                                                          \
  MLIRContext *context = module.getContext();                                 \
  Type ptr = LLVM::LLVMPointerType::get(context);                             \
  Type i64 = IntegerType::get(context, 64);                                   \
  [[maybe_unused]] Type i1 = IntegerType::get(context, 1);                    \
  GemmShape shape =                                                           \
      GemmShape::forTarget(target, element.getIntOrFloatBitWidth());          \
  func::FuncOp f = declare(name, {__VA_ARGS__});                              \
  auto args = f.getArguments();                                               \
  OpBuilder b = OpBuilder::atBlockBegin(&f.getBody().front());                \
  Emit e(b, module.getLoc(), element, shape, target.fma)

func::FuncOp GemmLibrary::tile(Type element, unsigned rows, bool packedA,
                               unsigned vectors) {
  RNNC_GEMM_PROLOGUE(
      nameOf((packedA ? "rnnc.gemm.tile_packed" : "rnnc.gemm.tile") +
                 std::to_string(rows) + "x" + std::to_string(vectors),
             element),
      ptr, i64, ptr, ptr, i64, i64, i64, i1);
  (void)args;
  f->setAttr("passthrough", b.getStrArrayAttr({"noinline"}));
  TileBuilder(e, f, rows, packedA, vectors).build();
  return f;
}

// (a, rowStride, panels, panelStride, c, ldc, rows, columns, k, accumulate,
// packed): all tiles of one block of A against the panels.
func::FuncOp GemmLibrary::block(Type element) {
  RNNC_GEMM_PROLOGUE(nameOf("rnnc.gemm.block", element), ptr, i64, ptr, i64,
                     ptr, i64, i64, i64, i64, i1, i1);
  Value a = args[0], rowStride = args[1], panels = args[2],
        panelStride = args[3], c = args[4], ldc = args[5], rows = args[6],
        columns = args[7], k = args[8], accumulate = args[9], packed = args[10];
  auto tilesOf = [&](bool packedA) {
    e.loop(e.i64(0), columns, e.i64(shape.panel()), [&](Value j) {
      Value number = arith::DivUIOp::create(b, e.loc, j, e.i64(shape.panel()));
      Value panel = e.address(panels, e.mul(number, panelStride));
      Value left = e.sub(columns, j);
      Value rest = arith::RemUIOp::create(b, e.loc, rows, e.i64(shape.rows));
      Value main = e.sub(rows, rest);
      auto column = [&](unsigned vectors) {
        auto call = [&](Value i, unsigned count) {
          Value rowA = e.address(a, e.mul(i, packedA ? k : rowStride));
          Value rowC = e.address(c, e.add(e.mul(i, ldc), j));
          e.call(tile(element, count, packedA, vectors),
                 {rowA, rowStride, panel, rowC, ldc, k, left, accumulate});
        };
        e.loop(e.i64(0), main, e.i64(shape.rows),
               [&](Value i) { call(i, shape.rows); });
        for (unsigned count = 1; count != shape.rows; ++count)
          e.ifThenElse(
              e.equal(rest, e.i64(count)), [&] { call(main, count); },
              nullptr);
      };
      // The last panel may have few columns: half a tile then.
      Value wide = e.less(e.i64(shape.lanes), left);
      e.ifThenElse(
          wide, [&] { column(shape.vectors); }, [&] { column(1); });
    });
  };
  e.ifThenElse(packed, [&] { tilesOf(true); }, [&] { tilesOf(false); });
  e.ret();
  return f;
}

namespace {

/// Packs rows of A into tiles [ceil(rows / tile)][k][tile]; the last tile may
/// have fewer rows, its other entries are not written.
class RowPacker {
public:
  RowPacker(Emit &e, func::FuncOp f) : e(e), tile(e.shape.rows) {
    auto args = f.getArguments();
    a = args[0], rs = args[1], cs = args[2], out = args[3], rows = args[4],
    k = args[5];
    Value rest = arith::RemUIOp::create(e.b, e.loc, rows, e.i64(tile));
    whole = e.sub(rows, rest);
    left = rest;
  }

  void build() {
    e.ifThenElse(
        e.equal(rs, e.i64(1)), [&] { alongRows(); },
        [&] {
          e.ifThenElse(
              e.equal(cs, e.i64(1)), [&] { alongColumns(); },
              [&] {
                e.loop(e.i64(0), whole, e.i64(tile),
                       [&](Value i) { elements(i, e.i64(tile), e.i64(0)); });
              });
        });
    elements(whole, left, e.i64(0));
    e.ret();
  }

private:
  VectorType column() const { return VectorType::get({tile}, e.element); }
  Value tileAt(Value i) { return e.address(out, e.mul(i, k)); }

  /// A is stored transposed: the rows of a step lie side by side. Whole cache
  /// lines are read, a row of A's storage at a time.
  void alongRows() {
    e.loop(e.i64(0), k, e.i64(1), [&](Value s) {
      Value from = e.address(a, e.mul(s, cs));
      Value to = e.address(out, e.mul(s, e.i64(tile)));
      e.loop(e.i64(0), whole, e.i64(tile), [&](Value i) {
        Value v = LLVM::LoadOp::create(e.b, e.loc, column(), e.address(from, i),
                                       e.alignment());
        LLVM::StoreOp::create(e.b, e.loc, v, e.address(to, e.mul(i, k)),
                              e.alignment());
      });
    });
  }

  /// A is stored row by row: squares of eight steps are transposed in
  /// registers.
  void alongColumns() {
    const int64_t square = 8;
    Value rest = arith::RemUIOp::create(e.b, e.loc, k, e.i64(square));
    Value main = e.sub(k, rest);
    e.loop(e.i64(0), whole, e.i64(tile), [&](Value i) {
      Value from = e.address(a, e.mul(i, rs)), to = tileAt(i);
      e.loop(e.i64(0), main, e.i64(square), [&](Value s) {
        auto type = VectorType::get({square}, e.element);
        Values lines;
        for (int64_t r = 0; r != tile; ++r)
          lines.push_back(LLVM::LoadOp::create(
              e.b, e.loc, type,
              e.address(from, e.add(e.mul(rs, e.i64(r)), s)), e.alignment()));
        while (int64_t(lines.size()) < square)
          lines.push_back(lines.back());
        lines = transposed(lines);
        for (int64_t u = 0; u != square; ++u) {
          Value v = lines[u];
          if (tile != square) {
            SmallVector<int64_t> first;
            for (int64_t r = 0; r != tile; ++r)
              first.push_back(r);
            v = vector::ShuffleOp::create(e.b, e.loc, v, v, first);
          }
          Value at = e.mul(e.add(s, e.i64(u)), e.i64(tile));
          LLVM::StoreOp::create(e.b, e.loc, v, e.address(to, at),
                                e.alignment());
        }
      });
      elements(i, e.i64(tile), main);
    });
  }

  /// Transposes a square of eight vectors: three rounds of shuffles, each
  /// exchanging halves of blocks twice as large.
  Values transposed(Values v) {
    for (int64_t width = 1; width != 8; width *= 2) {
      Values next(8);
      for (int64_t i = 0; i != 8; ++i) {
        if (i & width)
          continue;
        SmallVector<int64_t> low, high;
        for (int64_t c = 0; c != 8; ++c) {
          bool second = c & width;
          low.push_back(second ? 8 + (c - width) : c);
          high.push_back(second ? 8 + c : c + width);
        }
        Value x = v[i], y = v[i + width];
        next[i] = vector::ShuffleOp::create(e.b, e.loc, x, y, low);
        next[i + width] = vector::ShuffleOp::create(e.b, e.loc, x, y, high);
      }
      v = next;
    }
    return v;
  }

  /// One by one: `count` rows from row `i`, steps from `start`.
  void elements(Value i, Value count, Value start) {
    Value from = e.address(a, e.mul(i, rs)), to = tileAt(i);
    e.loop(start, k, e.i64(1), [&](Value s) {
      e.loop(e.i64(0), count, e.i64(1), [&](Value r) {
        Value at = e.add(e.mul(rs, r), e.mul(s, cs));
        Value v = e.loadScalar(e.address(from, at));
        e.storeScalar(v, e.address(to, e.add(e.mul(s, e.i64(tile)), r)));
      });
    });
  }

  Emit &e;
  int64_t tile;
  Value a, rs, cs, out, rows, k, whole, left;
};

} // namespace

func::FuncOp GemmLibrary::packRows(Type element) {
  RNNC_GEMM_PROLOGUE(nameOf("rnnc.gemm.pack_rows", element), ptr, i64, i64, ptr,
                     i64, i64);
  (void)args;
  f->setAttr("passthrough", b.getStrArrayAttr({"noinline"}));
  RowPacker(e, f).build();
  return f;
}

func::FuncOp GemmLibrary::pack(Type element) {
  RNNC_GEMM_PROLOGUE(nameOf("rnnc.gemm.pack", element), ptr, i64, i64, ptr, i64,
                     i64);
  Value from = args[0], rs = args[1], cs = args[2], out = args[3], k = args[4],
        columns = args[5];
  Value panel = e.i64(shape.panel());
  e.loop(e.i64(0), columns, panel, [&](Value j) {
    Value to = e.address(out, e.mul(j, k));
    Value source = e.address(from, e.mul(j, cs));
    Value left = e.sub(columns, j);
    Value full = e.less(e.i64(shape.panel() - 1), left);
    Value contiguous = e.equal(cs, e.i64(1));
    auto rowOfPanel = [&](Value s, unsigned v) {
      return e.address(
          to, e.add(e.mul(s, panel), e.i64(int64_t(v) * shape.lanes)));
    };
    auto copyRows = [&] {
      e.loop(e.i64(0), k, e.i64(1), [&](Value s) {
        for (unsigned v = 0; v != shape.vectors; ++v) {
          Value at = e.add(e.mul(s, rs), e.i64(int64_t(v) * shape.lanes));
          e.storeVector(e.loadVector(e.address(source, at)), rowOfPanel(s, v));
        }
      });
    };
    auto copyElements = [&] {
      Value count = e.min(left, panel);
      e.loop(e.i64(0), count, e.i64(1), [&](Value x) {
        Value column = e.address(source, e.mul(x, cs));
        Value toColumn = e.address(to, x);
        e.loop(e.i64(0), k, e.i64(1), [&](Value s) {
          Value v = e.loadScalar(e.address(column, e.mul(s, rs)));
          e.storeScalar(v, e.address(toColumn, e.mul(s, panel)));
        });
      });
    };
    auto zeroPanel = [&] {
      e.loop(e.i64(0), k, e.i64(1), [&](Value s) {
        for (unsigned v = 0; v != shape.vectors; ++v)
          e.storeVector(e.zero(), rowOfPanel(s, v));
      });
    };
    e.ifThenElse(
        full, [&] { e.ifThenElse(contiguous, copyRows, copyElements); },
        [&] {
          zeroPanel();
          copyElements();
        });
  });
  e.ret();
  return f;
}

func::FuncOp GemmLibrary::gemmPacked(Type element) {
  RNNC_GEMM_PROLOGUE(nameOf("rnnc.gemm.packed", element), ptr, i64, i64, ptr,
                     ptr, i64, i64, i64, i64, i1);
  Value a = args[0], rs = args[1], cs = args[2], packed = args[3], c = args[4],
        ldc = args[5], rows = args[6], columns = args[7], k = args[8],
        accumulate = args[9];
  Value scratch = e.stack(shape.mBlock * shape.kBlock);
  Value one = e.i64(1), zero = e.i64(0);
  Value yes = arith::ConstantOp::create(b, e.loc, b.getBoolAttr(true));
  Value no = arith::ConstantOp::create(b, e.loc, b.getBoolAttr(false));
  Value panelStride = e.mul(k, e.i64(shape.panel()));
  // Rows that lie far apart meet in the same sets of the first-level cache:
  // packed if they are used often enough to pay for it.
  int64_t bytes = element.getIntOrFloatBitWidth() / 8;
  auto both = [&](Value x, Value y) -> Value {
    return arith::AndIOp::create(b, e.loc, x, y);
  };
  Value near = e.less(rs, e.i64(2048 / bytes));
  Value few = e.less(columns, e.i64(4 * shape.panel() + 1));
  Value flat = e.less(rows, e.i64(4 * shape.rows));
  Value direct = arith::OrIOp::create(
      b, e.loc, near, arith::OrIOp::create(b, e.loc, few, flat));
  direct = both(direct, e.equal(cs, one));
  // An empty sum is zero: K = 0 still visits C once.
  Value end = arith::MaxSIOp::create(b, e.loc, k, one);
  e.loop(zero, rows, e.i64(shape.mBlock), [&](Value i) {
    Value mc = e.min(e.sub(rows, i), e.i64(shape.mBlock));
    Value rowsOfA = e.address(a, e.mul(i, rs));
    Value rowsOfC = e.address(c, e.mul(i, ldc));
    e.loop(zero, end, e.i64(shape.kBlock), [&](Value p) {
      Value kc = e.min(e.sub(k, p), e.i64(shape.kBlock));
      Value later = e.less(zero, p);
      Value add = arith::OrIOp::create(b, e.loc, accumulate, later);
      Value panels = e.address(packed, e.mul(p, e.i64(shape.panel())));
      Value blockOfA = e.address(rowsOfA, e.mul(p, cs));
      e.ifThenElse(
          direct,
          [&] {
            e.call(block(element), {blockOfA, rs, panels, panelStride, rowsOfC,
                                    ldc, mc, columns, kc, add, no});
          },
          [&] {
            e.call(packRows(element), {blockOfA, rs, cs, scratch, mc, kc});
            e.call(block(element), {scratch, one, panels, panelStride, rowsOfC,
                                    ldc, mc, columns, kc, add, yes});
          });
    });
  });
  e.ret();
  return f;
}

func::FuncOp GemmLibrary::gemm(Type element) {
  RNNC_GEMM_PROLOGUE(nameOf("rnnc.gemm", element), ptr, i64, i64, ptr, i64, i64,
                     ptr, i64, i64, i64, i64, i1);
  Value a = args[0], rsA = args[1], csA = args[2], matrix = args[3],
        rsB = args[4], csB = args[5], c = args[6], ldc = args[7],
        rows = args[8], columns = args[9], k = args[10], accumulate = args[11];
  Value scratch = e.stack(shape.nBlock * shape.kBlock);
  Value one = e.i64(1), zero = e.i64(0);
  Value end = arith::MaxSIOp::create(b, e.loc, k, one);
  e.loop(zero, columns, e.i64(shape.nBlock), [&](Value j) {
    Value nc = e.min(e.sub(columns, j), e.i64(shape.nBlock));
    e.loop(zero, end, e.i64(shape.kBlock), [&](Value p) {
      Value kc = e.min(e.sub(k, p), e.i64(shape.kBlock));
      Value later = e.less(zero, p);
      Value add = arith::OrIOp::create(b, e.loc, accumulate, later);
      Value blockOfB =
          e.address(matrix, e.add(e.mul(p, rsB), e.mul(j, csB)));
      e.call(pack(element), {blockOfB, rsB, csB, scratch, kc, nc});
      e.call(gemmPacked(element),
             {e.address(a, e.mul(p, csA)), rsA, csA, scratch, e.address(c, j),
              ldc, rows, nc, kc, add});
    });
  });
  e.ret();
  return f;
}

// Tasks. A task is a part of C whole in K: which thread computes it, or how
// many there are, changes no bit.

namespace {

/// Positions of the arguments of the two products.
struct Arguments {
  explicit Arguments(bool packed)
      : c(packed ? 4 : 6), ldc(c + 1), rows(c + 2), columns(c + 3), k(c + 4),
        accumulate(c + 5), count(c + 6) {}
  unsigned c, ldc, rows, columns, k, accumulate, count;
};

bool isPointer(unsigned i, bool packed) {
  return i == 0 || i == 3 || i == (packed ? 4u : 6u);
}

} // namespace

// (data, task): one part. `data` holds the arguments of the product as 64-bit
// words, then the rows and columns of a part and the number of parts in a row.
func::FuncOp GemmLibrary::task(Type element, bool packed) {
  RNNC_GEMM_PROLOGUE(
      nameOf(packed ? "rnnc.gemm.packed.task" : "rnnc.gemm.task", element), ptr,
      i64);
  Arguments at(packed);
  auto word = [&](unsigned i, Type type) -> Value {
    Value address = LLVM::GEPOp::create(b, e.loc, ptr, i64, args[0],
                                        ArrayRef<LLVM::GEPArg>{int32_t(i)});
    return LLVM::LoadOp::create(b, e.loc, type, address);
  };
  Values v;
  for (unsigned i = 0; i != at.count; ++i)
    v.push_back(word(i, isPointer(i, packed) ? ptr : i64));
  Value partRows = word(at.count, i64), partColumns = word(at.count + 1, i64),
        across = word(at.count + 2, i64);
  Value i = e.mul(arith::DivUIOp::create(b, e.loc, args[1], across), partRows);
  Value j =
      e.mul(arith::RemUIOp::create(b, e.loc, args[1], across), partColumns);
  v[0] = e.address(v[0], e.mul(i, v[1]));
  // A panel of packed columns is k rows long.
  v[3] = packed ? e.address(v[3], e.mul(j, v[at.k]))
                : e.address(v[3], e.mul(j, v[5]));
  v[at.c] = e.address(v[at.c], e.add(e.mul(i, v[at.ldc]), j));
  v[at.rows] = e.min(e.sub(v[at.rows], i), partRows);
  v[at.columns] = e.min(e.sub(v[at.columns], j), partColumns);
  v[at.accumulate] = arith::CmpIOp::create(
      b, e.loc, arith::CmpIPredicate::ne, v[at.accumulate], e.i64(0));
  e.call(packed ? gemmPacked(element) : gemm(element), v);
  e.ret();
  return f;
}

func::FuncOp GemmLibrary::tasks(Type element, bool packed) {
  func::FuncOp whole = packed ? gemmPacked(element) : gemm(element);
  func::FuncOp part = task(element, packed);
  std::string name =
      nameOf(packed ? "rnnc.gemm.packed.tasks" : "rnnc.gemm.tasks", element);
  if (auto existing = module.lookupSymbol<func::FuncOp>(name))
    return existing;
  MLIRContext *context = module.getContext();
  Type ptr = LLVM::LLVMPointerType::get(context);
  SmallVector<Type> types = {ptr};
  llvm::append_range(types, whole.getArgumentTypes());
  func::FuncOp f = declare(name, types);
  OpBuilder b = OpBuilder::atBlockBegin(&f.getBody().front());
  GemmShape shape =
      GemmShape::forTarget(target, element.getIntOrFloatBitWidth());
  Emit e(b, module.getLoc(), element, shape, target.fma);
  Type i64 = b.getI64Type();
  Arguments at(packed);
  Values v(f.getArguments().drop_front());
  Value data = LLVM::AllocaOp::create(b, e.loc, ptr, i64,
                                      e.i64(at.count + 3), /*alignment=*/8);
  // Work that a thread would take longer to hear about than to do stays here.
  Value work = e.mul(e.mul(v[at.rows], v[at.columns]), v[at.k]);
  Value small = e.less(work, e.i64(int64_t(1) << 22));
  e.ifThenElse(
      small, [&] { e.call(whole, v); },
      [&] {
        // Parts of whole tiles, about eight of them: columns of packed panels
        // first, since rows of A are read where they lie; else rows.
        auto ceilDiv = [&](Value x, Value y) -> Value {
          return arith::CeilDivSIOp::create(b, e.loc, x, y);
        };
        Value tileRows = e.i64(shape.rows), panel = e.i64(shape.panel());
        Value eight = e.i64(8);
        Value panels = ceilDiv(v[at.columns], panel);
        Value stripes = ceilDiv(v[at.rows], tileRows);
        Value byColumns = packed ? e.less(e.i64(7), panels)
                                 : e.less(stripes, panels);
        Value partColumns = arith::SelectOp::create(
            b, e.loc, byColumns, e.mul(ceilDiv(panels, eight), panel),
            e.mul(panels, panel));
        Value partRows = arith::SelectOp::create(
            b, e.loc, byColumns, e.mul(stripes, tileRows),
            e.mul(ceilDiv(stripes, eight), tileRows));
        Value across = ceilDiv(v[at.columns], partColumns);
        Value count = e.mul(across, ceilDiv(v[at.rows], partRows));
        Values words = v;
        words[at.accumulate] =
            arith::ExtUIOp::create(b, e.loc, i64, v[at.accumulate]);
        words.append({partRows, partColumns, across});
        for (auto [i, word] : llvm::enumerate(words)) {
          Value address = LLVM::GEPOp::create(
              b, e.loc, ptr, i64, data, ArrayRef<LLVM::GEPArg>{int32_t(i)});
          LLVM::StoreOp::create(b, e.loc, word, address);
        }
        Value body = func::ConstantOp::create(
            b, e.loc, part.getFunctionType(), part.getName());
        body = UnrealizedConversionCastOp::create(b, e.loc, TypeRange{ptr},
                                                  ValueRange{body})
                   .getResult(0);
        LLVM::CallOp::create(
            b, e.loc, parallelFor(module),
            ValueRange{f.getArgument(0), count, body, data});
      });
  e.ret();
  return f;
}

} // namespace rnnc
