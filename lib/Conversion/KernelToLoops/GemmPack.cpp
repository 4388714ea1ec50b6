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
  /// lines are read, a row of A's storage at a time.
  void alongRows(bool listed) {
    Value start = rowAt(e.i64(0));
    e.loop(e.i64(0), k, e.i64(1), [&](Value s) {
      Value from = e.address(start, stepAt(s, listed));
      Value to = e.address(out, e.mul(s, e.i64(tile)));
      e.loop(e.i64(0), whole, e.i64(tile), [&](Value i) {
        Value v = e.load(column(), e.address(from, i));
        e.store(v, e.address(to, e.mul(i, k)));
      });
    });
  }

  /// A is stored row by row: squares of eight steps are transposed in
  /// registers.
  void alongColumns() {
    const int64_t square = 8;
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
          e.store(v, e.address(to, at));
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

/// Packs columns of B into panels [ceil(columns / panel)][k][panel], the last
/// as wide as what is left: of all rows of B, or those that a list names.
class PanelPacker {
public:
  PanelPacker(GemmCode &e, ValueRange args) : e(e) {
    from = args[0], rs = args[1], cs = args[2], out = args[3], k = args[4],
    columns = args[5], list = args[6];
    panel = e.i64(e.shape.panel());
  }

  void build() {
    e.ifThenElse(e.isNull(list), [&] { panels(false); }, [&] { panels(true); });
  }

private:
  Value rowAt(Value s, bool listed) {
    return e.mul(listed ? e.loadIndex(list, s) : s, rs);
  }

  void panels(bool listed) {
    e.loop(e.i64(0), columns, panel, [&](Value j) {
      Value to = e.addressOfStored(out, e.mul(j, e.kStored(k)));
      Value source = e.address(from, e.mul(j, cs));
      Value left = e.sub(columns, j);
      Value full = e.less(e.i64(e.shape.panel() - 1), left);
      Value contiguous = e.equal(cs, e.i64(1));
      e.ifThenElse(
          full,
          [&] {
            e.ifThenElse(
                contiguous, [&] { copyRows(source, to, listed); },
                [&] { copyElements(source, to, panel, listed); });
          },
          [&] { copyElements(source, to, left, listed); });
    });
  }

  void copyRows(Value source, Value to, bool listed) {
    if (e.shape.stored)
      return copyPairs(source, to, listed);
    e.loop(e.i64(0), k, e.i64(1), [&](Value s) {
      Value row = e.address(source, rowAt(s, listed));
      Value toRow = e.address(to, e.mul(s, panel));
      for (unsigned v = 0; v != e.shape.vectors; ++v) {
        Value at = e.i64(int64_t(v) * e.shape.lanes);
        e.store(e.loadVector(e.address(row, at)), e.address(toRow, at));
      }
    });
  }

  void copyPairs(Value source, Value to, bool listed) {
    for (unsigned v = 0; v != e.shape.vectors; ++v) {
      Value at = e.i64(int64_t(v) * e.shape.lanes);
      Value column = e.address(source, at);
      copySteps(
          [&](Value s) {
            return e.loadVector(e.address(column, rowAt(s, listed)));
          },
          to, panel, at);
    }
  }

  void copyElements(Value source, Value to, Value width, bool listed) {
    e.loop(e.i64(0), width, e.i64(1), [&](Value x) {
      Value column = e.address(source, e.mul(x, cs));
      copySteps(
          [&](Value s) {
            return e.loadScalar(e.address(column, rowAt(s, listed)));
          },
          to, width, x);
    });
  }

  /// Writes what is read for each step of K into a column of a panel.
  void copySteps(function_ref<Value(Value)> read, Value to, Value width,
                 Value column) {
    if (e.shape.stored)
      return e.writePairs(k, read, [&](Value s) {
        return e.addressOfWord(e.addressOfStored(to, e.mul(s, width)), column);
      });
    e.loop(e.i64(0), k, e.i64(1), [&](Value s) {
      Value v = read(s);
      e.store(v, e.address(to, e.add(e.mul(s, width), column)));
    });
  }

  GemmCode &e;
  Value from, rs, cs, out, k, columns, list, panel;
};

} // namespace

func::FuncOp GemmLibrary::packRows(Type element) {
  return routine(
      "pack_rows", std::to_string(shape.rows), element, "ppllp ll lp",
      [](GemmCode &e, ValueRange args) { RowPacker(e, args).build(); },
      /*outlined=*/true);
}

func::FuncOp GemmLibrary::pack(Type element) {
  return routine("pack", std::to_string(shape.panel()) + shape.storedKey(),
                 element, "pllp ll p", [](GemmCode &e, ValueRange args) {
                   PanelPacker(e, args).build();
                 });
}

} // namespace rnnc
