// GemmTile.cpp: the register tile of a matrix product.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "GemmCode.h"

using namespace mlir;

namespace rnnc {
namespace {

using Values = SmallVector<Value>;

/// One register tile: `rows` rows of C by the first `vectors` vectors of a
/// panel of B. Rows of A, where it is not packed, and of C begin at offsets
/// that are listed: they may lie anywhere.
class TileBuilder {
public:
  TileBuilder(GemmCode &e, ValueRange args, unsigned rows, bool packedA,
              unsigned vectors)
      : e(e), rows(rows), packedA(packedA), vectors(vectors) {
    a = args[0], offsetsA = args[1], panel = args[2], c = args[3],
    offsetsC = args[4], k = args[5], left = args[6], accumulate = args[7],
    few = args[8];
    // What a narrow panel's vectors read beyond its rows is not written.
    width = e.min(left, e.i64(e.shape.panel()));
    // Few rows have few sums: split K over several sets of accumulators, else
    // each addition waits for the one before.
    sets = e.shape.setsFor(rows * vectors);
  }

  void build() {
    Values sums = products();
    Value full = e.less(e.i64(int64_t(vectors) * e.shape.lanes - 1), left);
    e.ifThenElse(full, [&] { writeFull(sums); }, [&] { writePart(sums); });
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
    Value base = e.address(panel, e.mul(step, width));
    for (unsigned u = 0; u != count; ++u) {
      Values bs;
      for (unsigned v = 0; v != vectors; ++v)
        bs.push_back(e.loadVector(e.address(
            base, e.add(e.mul(width, e.i64(u)), e.i64(v * e.shape.lanes)))));
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
        rowPointers.push_back(e.address(a, e.loadIndex(offsetsA, r)));
    // The totals wait in memory while the registers add up a few terms.
    return e.loop(e.i64(0), k, few, Values(rows * vectors, e.zero()),
                  [&](Value step, ValueRange in) {
                    Value end = e.min(e.add(step, few), k);
                    return added(Values(in), part(step, end));
                  });
  }

  Values added(Values totals, ArrayRef<Value> terms) {
    for (auto [total, term] : llvm::zip_equal(totals, terms))
      total = e.addf(total, term);
    return totals;
  }

  /// The sums of the steps [from, to) of K.
  Values part(Value from, Value to) {
    Values sums(sets * rows * vectors, e.zero());
    unsigned unroll = e.shape.unroll;
    Value rest = e.remainder(e.sub(to, from), e.i64(unroll));
    Value main = e.sub(to, rest);
    sums =
        e.loop(from, main, e.i64(unroll), sums, [&](Value step, ValueRange in) {
          return steps(step, unroll, Values(in));
        });
    sums = e.loop(main, to, e.i64(1), sums, [&](Value step, ValueRange in) {
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
    Value row = e.address(c, e.loadIndex(offsetsC, r));
    return e.address(row, e.i64(v * e.shape.lanes));
  }

  void writeFull(ArrayRef<Value> sums) {
    auto each = [&](bool load) {
      for (unsigned r = 0; r != rows; ++r)
        for (unsigned v = 0; v != vectors; ++v) {
          Value at = addressOfC(r, v), sum = sums[r * vectors + v];
          e.store(load ? e.addf(e.loadVector(at), sum) : sum, at);
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

  GemmCode &e;
  unsigned rows;
  bool packedA;
  unsigned vectors, sets;
  Value a, offsetsA, panel, c, offsetsC, k, left, accumulate, few, width;
  Values rowPointers;
};

} // namespace

func::FuncOp GemmLibrary::tile(Type element, unsigned rows, bool packedA,
                               unsigned vectors) {
  std::string name = (packedA ? "tile_packed" : "tile") + std::to_string(rows) +
                     "x" + std::to_string(vectors);
  return routine(
      name, shape.tileKey(), element, "pppp pllb l",
      [&](GemmCode &e, ValueRange args) {
        TileBuilder(e, args, rows, packedA, vectors).build();
      },
      /*outlined=*/true);
}

} // namespace rnnc
