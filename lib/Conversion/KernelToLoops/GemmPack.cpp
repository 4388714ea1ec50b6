// GemmPack.cpp: both operands of a product in the order that tiles read them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "GemmCode.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace rnnc {
namespace {

using Values = SmallVector<Value>;

/// Packs rows of A into tiles [ceil(rows / tile)][k][tile]; the last tile may
/// have fewer rows, its other entries are not written.
class RowPacker {
public:
  RowPacker(GemmCode &e, ValueRange args) : e(e), tile(e.shape.rows) {
    a = args[0], rs = args[1], cs = args[2], out = args[3], rows = args[4],
    k = args[5];
    Value rest = e.remainder(rows, e.i64(tile));
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
      Value from = e.address(a, e.mul(i, rs)), to = tileAt(i);
      e.loop(e.i64(0), main, e.i64(square), [&](Value s) {
        auto type = VectorType::get({square}, e.element);
        Values lines;
        for (int64_t r = 0; r != tile; ++r)
          lines.push_back(
              e.load(type, e.address(from, e.add(e.mul(rs, e.i64(r)), s))));
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
    Value from = e.address(a, e.mul(i, rs)), to = tileAt(i);
    e.loop(start, k, e.i64(1), [&](Value s) {
      e.loop(e.i64(0), count, e.i64(1), [&](Value r) {
        Value at = e.add(e.mul(rs, r), e.mul(s, cs));
        Value v = e.loadScalar(e.address(from, at));
        e.store(v, e.address(to, e.add(e.mul(s, e.i64(tile)), r)));
      });
    });
  }

  GemmCode &e;
  int64_t tile;
  Value a, rs, cs, out, rows, k, whole, left;
};

/// Packs columns of B into panels [ceil(columns / panel)][k][panel], the last
/// as wide as what is left.
class PanelPacker {
public:
  PanelPacker(GemmCode &e, ValueRange args) : e(e) {
    from = args[0], rs = args[1], cs = args[2], out = args[3], k = args[4],
    columns = args[5];
    panel = e.i64(e.shape.panel());
  }

  void build() {
    e.loop(e.i64(0), columns, panel, [&](Value j) {
      Value to = e.address(out, e.mul(j, k));
      Value source = e.address(from, e.mul(j, cs));
      Value left = e.sub(columns, j);
      Value full = e.less(e.i64(e.shape.panel() - 1), left);
      Value contiguous = e.equal(cs, e.i64(1));
      e.ifThenElse(
          full,
          [&] {
            e.ifThenElse(
                contiguous, [&] { copyRows(source, to); },
                [&] { copyElements(source, to, panel); });
          },
          [&] { copyElements(source, to, left); });
    });
  }

private:
  Value rowOfPanel(Value to, Value s, unsigned v) {
    return e.address(
        to, e.add(e.mul(s, panel), e.i64(int64_t(v) * e.shape.lanes)));
  }

  void copyRows(Value source, Value to) {
    e.loop(e.i64(0), k, e.i64(1), [&](Value s) {
      for (unsigned v = 0; v != e.shape.vectors; ++v) {
        Value at = e.add(e.mul(s, rs), e.i64(int64_t(v) * e.shape.lanes));
        e.store(e.loadVector(e.address(source, at)), rowOfPanel(to, s, v));
      }
    });
  }

  void copyElements(Value source, Value to, Value width) {
    e.loop(e.i64(0), width, e.i64(1), [&](Value x) {
      Value column = e.address(source, e.mul(x, cs));
      Value toColumn = e.address(to, x);
      e.loop(e.i64(0), k, e.i64(1), [&](Value s) {
        Value v = e.loadScalar(e.address(column, e.mul(s, rs)));
        e.store(v, e.address(toColumn, e.mul(s, width)));
      });
    });
  }

  GemmCode &e;
  Value from, rs, cs, out, k, columns, panel;
};

} // namespace

func::FuncOp GemmLibrary::packRows(Type element) {
  return routine(
      "pack_rows", std::to_string(shape.rows), element, "pllp ll",
      [](GemmCode &e, ValueRange args) { RowPacker(e, args).build(); },
      /*outlined=*/true);
}

func::FuncOp GemmLibrary::pack(Type element) {
  return routine(
      "pack", std::to_string(shape.panel()), element, "pllp ll",
      [](GemmCode &e, ValueRange args) { PanelPacker(e, args).build(); });
}

} // namespace rnnc
