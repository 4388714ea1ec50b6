// GemmTile.cpp: the register tile of a matrix product.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "GemmCode.h"

using namespace mlir;

namespace rnnc {
namespace {

using Values = SmallVector<Value>;

/// One register tile: `rows` rows of C by the first `vectors` vectors of a
/// panel of B. Where tiles ask for the next panel: `part` lines from `next` on,
/// `lines` in each trip. Rows of A, where it is not packed, and of C begin at
/// offsets that are listed: they may lie anywhere.
class TileBuilder {
public:
  TileBuilder(GemmCode &e, ValueRange args, unsigned rows, bool packedA,
              unsigned vectors)
      : e(e), rows(rows), packedA(packedA), vectors(vectors) {
    a = args[0], offsetsA = args[1], panel = args[2], c = args[3],
    offsetsC = args[4], k = args[5], left = args[6], accumulate = args[7],
    few = args[8];
    if (e.shape.fetches)
      next = args[9], lines = args[10], part = args[11];
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
  /// The tile's part of the next panel, evenly over its trips: all at once
  /// would wait for each other.
  void fetchNext(Value step) {
    int64_t line = kLine / e.alignment();
    Value trip = e.quotient(step, e.i64(e.shape.unroll));
    Value first = e.mul(trip, lines);
    e.loop(first, e.min(e.add(first, lines), part), e.i64(1),
           [&](Value i) { e.fetch(e.address(next, e.mul(i, e.i64(line)))); });
  }

  Value addressOfA(unsigned row, Value step, unsigned u) {
    if (packedA) {
      Value at = e.add(e.mul(step, e.i64(e.shape.rows)),
                       e.i64(u * e.shape.rows + row));
      return e.address(a, at);
    }
    return e.address(rowPointers[row], e.add(step, e.i64(u)));
  }

  /// Where a vector of a step begins.
  Value vectorAt(Value step, unsigned v) {
    Value column = e.i64(int64_t(v) * e.shape.lanes);
    return e.shape.stored ? e.addressOfWord(step, column)
                          : e.address(step, column);
  }

  /// The vectors of a panel for one step.
  Values rights(Value base, unsigned u) {
    unsigned second = e.shape.stored == 16 ? u % 2 : 0;
    Value at = e.addressOfStored(base, e.mul(width, e.i64(u - second)));
    Values vs;
    for (unsigned v = 0; v != vectors; ++v) {
      vs.push_back(
          e.loadStored(vectorAt(at, v), second,
                       e.shape.hasRoomFor(vectors, sets * rows * vectors)));
    }
    return vs;
  }

  /// Adds `count` steps of K starting at `step`.
  Values steps(Value step, unsigned count, Values sums) {
    Value base = e.addressOfStored(panel, e.mul(step, width));
    if (e.hasPairs && count % 2 == 0)
      return pairs(step, base, count, sums);
    for (unsigned u = 0; u != count; ++u) {
      Values bs = rights(base, u);
      unsigned set = (u % sets) * rows * vectors;
      for (unsigned r = 0; r != rows; ++r) {
        Value x = e.splatLeft(addressOfA(r, step, u));
        for (unsigned v = 0; v != vectors; ++v) {
          Value &sum = sums[set + r * vectors + v];
          sum = e.multiplyAdd(x, bs[v], sum);
        }
      }
    }
    return sums;
  }

  /// The same, two steps at a time.
  Values pairs(Value step, Value base, unsigned count, Values sums) {
    for (unsigned u = 0; u != count; u += 2) {
      Value at = e.addressOfStored(base, e.mul(width, e.i64(u)));
      Values bs;
      for (unsigned v = 0; v != vectors; ++v)
        bs.push_back(e.loadPairs(vectorAt(at, v)));
      unsigned set = (u / 2 % sets) * rows * vectors;
      for (unsigned r = 0; r != rows; ++r) {
        Value second = packedA ? addressOfA(r, step, u + 1) : Value();
        Value x = e.splatPair(addressOfA(r, step, u), second);
        for (unsigned v = 0; v != vectors; ++v) {
          Value &sum = sums[set + r * vectors + v];
          sum = e.multiplyAddPairs(x, bs[v], sum);
        }
      }
    }
    return sums;
  }

  Values products() {
    if (!packedA)
      for (unsigned r = 0; r != rows; ++r)
        rowPointers.push_back(e.address(a, e.loadIndex(offsetsA, r)));
    if (e.shape.stored == 8)
      return scaled(sumsOf(e.i64(0), k));
    // The totals wait in memory while the registers add up a few terms.
    return e.loop(e.i64(0), k, few, Values(rows * vectors, e.zero()),
                  [&](Value step, ValueRange in) {
                    Value end = e.min(e.add(step, few), k);
                    return added(Values(in), sumsOf(step, end));
                  });
  }

  /// Behind the words of a panel are the corrections and the scales.
  Values scaled(Values sums) {
    Value behind = e.addressOfStored(panel, e.mul(k, width));
    Value scales = e.addressOfStored(behind, width);
    for (unsigned r = 0; r != rows; ++r)
      for (unsigned v = 0; v != vectors; ++v) {
        Value &sum = sums[r * vectors + v];
        sum = e.sumOf(sum, vectorAt(behind, v), vectorAt(scales, v),
                      e.address(rowPointers[r], k));
      }
    return sums;
  }

  Values added(Values totals, ArrayRef<Value> terms) {
    for (auto [total, term] : llvm::zip_equal(totals, terms))
      total = e.addf(total, term);
    return totals;
  }

  /// The sums of the steps [from, to) of K.
  Values sumsOf(Value from, Value to) {
    Values sums(sets * rows * vectors, e.zeroSum());
    // Two steps of bf16 lie in a word.
    unsigned least = e.shape.stored == 16 ? 2 : 1;
    unsigned unroll = std::max(least, e.shape.unroll / least * least);
    Value done = from;
    for (unsigned count : {unroll, least, 1u}) {
      Value end = e.sub(to, e.remainder(e.sub(to, from), e.i64(count)));
      sums =
          e.loop(done, end, e.i64(count), sums, [&](Value step, ValueRange in) {
            if (e.shape.fetches && count == unroll)
              fetchNext(step);
            return steps(step, count, Values(in));
          });
      done = end;
      if (count == 1)
        break;
    }
    // The sets are added pairwise.
    for (unsigned half = sets / 2; half; half /= 2)
      for (unsigned i = 0; i != half * rows * vectors; ++i)
        sums[i] = e.addSums(sums[i], sums[i + half * rows * vectors]);
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
  Value next, lines, part;
  Values rowPointers;
};

} // namespace

func::FuncOp GemmLibrary::tile(Type element, unsigned rows, bool packedA,
                               unsigned vectors) {
  std::string name = (packedA ? "tile_packed" : "tile") + std::to_string(rows) +
                     "x" + std::to_string(vectors);
  return routine(
      name, shape.tileKey(), element,
      shape.fetches ? "pppp pllb l pll" : "pppp pllb l",
      [&](GemmCode &e, ValueRange args) {
        TileBuilder(e, args, rows, packedA, vectors).build();
      },
      /*outlined=*/true);
}

} // namespace rnnc
