// GemmPack.cpp: both operands of a product in the order that tiles read them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "GemmCode.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace rnnc {
namespace {

using Values = SmallVector<Value>;

/// Packs rows of A, which begin at listed offsets, into tiles
/// [ceil(rows / tile)][k][tile]; the last tile may have fewer rows, its other
/// entries are not written. The steps of K are those from `first` on, or what a
/// list names there.
class RowPacker {
public:
  RowPacker(GemmCode &e, ValueRange args) : e(e), tile(e.shape.rows) {
    a = args[0], offsets = args[1], rs = args[2], cs = args[3], out = args[4],
    rows = args[5], k = args[6], first = args[7], list = args[8];
    Value rest = e.remainder(rows, e.i64(tile));
    whole = e.sub(rows, rest);
    left = rest;
  }

  void build() {
    Value dense = e.isNull(list);
    e.ifThenElse(
        e.equal(rs, e.i64(1)),
        [&] {
          e.ifThenElse(
              dense, [&] { alongRows(false); }, [&] { alongRows(true); });
        },
        [&] {
          e.ifThenElse(
              e.both(dense, e.equal(cs, e.i64(1))), [&] { alongColumns(); },
              [&] {
                e.loop(e.i64(0), whole, e.i64(tile),
                       [&](Value i) { elements(i, e.i64(tile), e.i64(0)); });
              });
        });
    elements(whole, left, e.i64(0));
  }

private:
  VectorType column() const { return VectorType::get({tile}, e.element); }
  Value tileAt(Value i) { return e.address(out, e.mul(i, k)); }
  Value rowAt(Value i) { return e.address(a, e.loadIndex(offsets, i)); }
  /// Where step `s` stands in a row.
  Value stepAt(Value s, bool listed) {
    Value number = listed ? e.loadIndex(list, s) : e.add(first, s);
    return e.mul(number, cs);
  }

  /// A is stored transposed: the rows of a step lie side by side. Whole cache
  /// lines are read, and written: a few rows of A's storage at a time.
  void alongRows(bool listed) {
    const int64_t few = 4;
    Value rest = e.remainder(k, e.i64(few)), main = e.sub(k, rest);
    alongRows(e.i64(0), main, few, listed);
    alongRows(main, k, 1, listed);
  }
  void alongRows(Value first, Value end, int64_t few, bool listed) {
    Value start = rowAt(e.i64(0));
    e.loop(first, end, e.i64(few), [&](Value s) {
      Values from;
      for (int64_t u = 0; u != few; ++u)
        from.push_back(e.address(start, stepAt(e.add(s, e.i64(u)), listed)));
      Value to = e.address(out, e.mul(s, e.i64(tile)));
      e.loop(e.i64(0), whole, e.i64(tile), [&](Value i) {
        Value target = e.address(to, e.mul(i, k));
        for (int64_t u = 0; u != few; ++u)
          e.store(e.load(column(), e.address(from[u], i)),
                  e.address(target, e.i64(u * tile)));
      });
    });
  }

  /// A is stored row by row: squares of eight steps are transposed in
  /// registers.
  void alongColumns() {
    const int64_t square = GemmCode::kSquare;
    Value rest = e.remainder(k, e.i64(square));
    Value main = e.sub(k, rest);
    e.loop(e.i64(0), whole, e.i64(tile), [&](Value i) {
      Value to = tileAt(i);
      Values froms;
      for (int64_t r = 0; r != tile; ++r)
        froms.push_back(e.address(rowAt(e.add(i, e.i64(r))), first));
      e.loop(e.i64(0), main, e.i64(square), [&](Value s) {
        auto type = VectorType::get({square}, e.element);
        Values lines;
        for (int64_t r = 0; r != tile; ++r)
          lines.push_back(e.load(type, e.address(froms[r], s)));
        while (int64_t(lines.size()) < square)
          lines.push_back(lines.back());
        lines = e.transposeSquare(lines);
        for (int64_t u = 0; u != square; ++u) {
          Value v = lines[u];
          if (tile != square) {
            SmallVector<int64_t> first;
            for (int64_t r = 0; r != tile; ++r)
              first.push_back(r);
            v = vector::ShuffleOp::create(e.b, e.loc, v, v, first);
          }
          Value at = e.mul(e.add(s, e.i64(u)), e.i64(tile));
          e.store(v, e.address(to, at));
        }
      });
      elements(i, e.i64(tile), main);
    });
  }

  /// One by one: `count` rows from row `i`, steps from `start`.
  void elements(Value i, Value count, Value start) {
    Value dense = e.isNull(list);
    e.ifThenElse(
        dense, [&] { elements(i, count, start, false); },
        [&] { elements(i, count, start, true); });
  }
  void elements(Value i, Value count, Value start, bool listed) {
    Value to = tileAt(i);
    e.loop(start, k, e.i64(1), [&](Value s) {
      Value at = stepAt(s, listed);
      e.loop(e.i64(0), count, e.i64(1), [&](Value r) {
        Value v = e.loadScalar(e.address(rowAt(e.add(i, r)), at));
        e.store(v, e.address(to, e.add(e.mul(s, e.i64(tile)), r)));
      });
    });
  }

  GemmCode &e;
  int64_t tile;
  Value a, offsets, rs, cs, out, rows, k, first, list, whole, left;
};

/// Copies columns of B side by side, a row of them for each step of K:
/// to[s * stride + x] = from[s * rs + x * cs].
class ColumnPacker {
public:
  ColumnPacker(GemmCode &e, ValueRange args) : e(e) {
    from = args[0], rs = args[1], cs = args[2], to = args[3], stride = args[4],
    k = args[5], width = args[6];
  }

  void build() {
    Value zero = e.i64(0);
    e.ifThenElse(
        e.equal(cs, e.i64(1)), [&] { copyRows(); },
        [&] {
          e.ifThenElse(
              e.equal(rs, e.i64(1)), [&] { transpose(); },
              [&] { elements(zero, width, zero); });
        });
  }

private:
  Value source(Value s, Value x) {
    return e.address(from, e.add(e.mul(s, rs), e.mul(x, cs)));
  }
  Value target(Value s, Value x) {
    return e.address(to, e.add(e.mul(s, stride), x));
  }
  Value whole(Value n, int64_t step) {
    return e.sub(n, e.remainder(n, e.i64(step)));
  }

  /// The columns of a step lie side by side already.
  void copyRows() {
    Value end = whole(width, e.shape.lanes);
    e.loop(e.i64(0), k, e.i64(1), [&](Value s) {
      e.loop(e.i64(0), end, e.i64(e.shape.lanes), [&](Value x) {
        e.store(e.loadVector(source(s, x)), target(s, x));
      });
    });
    elements(end, width, e.i64(0));
  }

  /// The steps of a column lie side by side: squares are transposed in
  /// registers.
  void transpose() {
    const int64_t square = GemmCode::kSquare;
    auto type = VectorType::get({square}, e.element);
    Value end = whole(width, square), main = whole(k, square);
    e.loop(e.i64(0), end, e.i64(square), [&](Value x) {
      e.loop(e.i64(0), main, e.i64(square), [&](Value s) {
        Values lines;
        for (int64_t i = 0; i != square; ++i)
          lines.push_back(e.load(type, source(s, e.add(x, e.i64(i)))));
        lines = e.transposeSquare(lines);
        for (int64_t i = 0; i != square; ++i)
          e.store(lines[i], target(e.add(s, e.i64(i)), x));
      });
    });
    elements(e.i64(0), end, main);
    elements(end, width, e.i64(0));
  }

  /// One by one: columns [x, end), steps from `start`.
  void elements(Value x, Value end, Value start) {
    e.loop(x, end, e.i64(1), [&](Value column) {
      e.loop(start, k, e.i64(1), [&](Value s) {
        e.store(e.loadScalar(source(s, column)), target(s, column));
      });
    });
  }

  GemmCode &e;
  Value from, rs, cs, to, stride, k, width;
};

/// Packs columns of B into panels [ceil(columns / panel)][k][panel], the last
/// as wide as what is left: of all rows of B, or those that a list names.
class PanelPacker {
public:
  PanelPacker(GemmCode &e, ValueRange args, func::FuncOp copy)
      : e(e), copy(copy) {
    from = args[0], rs = args[1], cs = args[2], out = args[3], k = args[4],
    columns = args[5], list = args[6];
  }

  void build() {
    // The rows that are listed are of sequences, never of weights that are
    // stored shorter.
    if (e.shape.stored)
      return eachPanel(e.i64(0), [&](Value source, Value to, Value width) {
        e.loop(e.i64(0), width, e.i64(1), [&](Value x) {
          e.writeStored(e.address(source, e.mul(x, cs)), rs, k, to, width, x);
        });
      });
    e.ifThenElse(
        e.isNull(list),
        [&] {
          e.ifThenElse(
              e.equal(cs, e.i64(1)), [&] { copyRows(false); },
              [&] {
                eachPanel(e.i64(0), [&](Value source, Value to, Value width) {
                  e.call(copy, {source, rs, cs, to, width, k, width});
                });
              });
        },
        [&] { copyRows(true); });
  }

private:
  /// (columns of B, from row `first` of the panel on, width).
  void eachPanel(Value first, function_ref<void(Value, Value, Value)> body) {
    Value panel = e.i64(e.shape.panel());
    e.loop(e.i64(0), columns, panel, [&](Value j) {
      Value width = e.min(e.sub(columns, j), panel);
      Value to = e.addressOfStored(out, e.mul(j, e.kStored(k)));
      if (!e.shape.stored)
        to = e.address(to, e.mul(first, width));
      body(e.address(from, e.mul(j, cs)), to, width);
    });
  }

  /// The panels take their parts of a few rows before the next are read: a row
  /// is read once, and front to back.
  void copyRows(bool listed) {
    e.loop(e.i64(0), k, e.i64(kFewRows), [&](Value s) {
      Value count = e.min(e.sub(k, s), e.i64(kFewRows));
      eachPanel(s, [&](Value source, Value to, Value width) {
        e.loop(e.i64(0), count, e.i64(1), [&](Value i) {
          Value row = e.add(s, i);
          if (listed)
            row = e.loadIndex(list, row);
          copyRow(e.address(source, e.mul(row, rs)),
                  e.address(to, e.mul(i, width)), width);
        });
      });
    });
  }

  void copyRow(Value row, Value to, Value width) {
    auto copyVector = [&](Value x) {
      e.store(e.loadVector(e.address(row, x)), e.address(to, x));
    };
    Value adjacent = e.equal(cs, e.i64(1));
    Value panel = e.i64(e.shape.panel()), lanes = e.i64(e.shape.lanes);
    e.ifThenElse(
        e.both(adjacent, e.equal(width, panel)),
        [&] {
          for (unsigned v = 0; v != e.shape.vectors; ++v)
            copyVector(e.i64(int64_t(v) * e.shape.lanes));
        },
        [&] {
          Value vectors = e.sub(width, e.remainder(width, lanes));
          Value end = e.select(adjacent, vectors, e.i64(0));
          e.loop(e.i64(0), end, lanes, copyVector);
          e.loop(end, width, e.i64(1), [&](Value x) {
            e.store(e.loadScalar(e.address(row, e.mul(x, cs))),
                    e.address(to, x));
          });
        });
  }

  static constexpr int64_t kFewRows = 4;

  GemmCode &e;
  func::FuncOp copy;
  Value from, rs, cs, out, k, columns, list;
};

} // namespace

func::FuncOp GemmLibrary::packRows(Type element) {
  return routine(
      "pack_rows", std::to_string(shape.rows), element, "ppllp ll lp",
      [](GemmCode &e, ValueRange args) { RowPacker(e, args).build(); },
      /*outlined=*/true);
}

func::FuncOp GemmLibrary::packColumns(Type element) {
  return routine(
      "pack_columns", std::to_string(shape.lanes), element, "pllpl ll",
      [](GemmCode &e, ValueRange args) { ColumnPacker(e, args).build(); },
      /*outlined=*/true);
}

func::FuncOp GemmLibrary::pack(Type element) {
  func::FuncOp copy = packColumns(element);
  return routine("pack", std::to_string(shape.panel()) + shape.storedKey(),
                 element, "pllp ll p", [&](GemmCode &e, ValueRange args) {
                   PanelPacker(e, args, copy).build();
                 });
}

} // namespace rnnc
