// GemmInPlace.cpp: products with weights that are read where they lie.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Several rows of the weights are read at a time: as many streams, which hide
// each other's latency, each front to back. In what order a sum is added up
// depends on k and the number of rows alone.

#include "GemmCode.h"
#include "Tasks.h"

#include "rnnc/Dialect/Kernel/Kernel.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace rnnc {
namespace {

using Values = SmallVector<Value>;

/// Rows of the weights that are read at a time. Products of a row with 512 and
/// 1024 gates by 512 and 1024 units on an AMD core with AVX2, beside packed
/// weights: 8 take 0.88 and 0.48 of the time, 4 take 0.84 and 0.52, 1
/// takes 1.04 and 1.2.
constexpr int64_t kStreams = 8;
/// The same where several rows share a load, so that registers are enough, and
/// how many rows do.
constexpr int64_t kSharedStreams = 4, kAddedRows = 3, kDotRows = 3;
/// Elements of B that stay in the first-level cache, beside as many columns of
/// all rows, until all rows have passed.
constexpr int64_t kStripSteps = 16, kStripColumns = 128;

/// Adds rows of A times B to rows of C, a few rows of B after the other.
class RowAdder {
public:
  RowAdder(GemmCode &e, ValueRange args, unsigned numRows) : e(e) {
    matrix = args[2], rs = args[3], columns = args[6], k = args[7];
    for (unsigned r = 0; r != numRows; ++r) {
      lefts.push_back(e.address(args[0], e.loadIndex(args[1], r)));
      sums.push_back(e.address(args[4], e.loadIndex(args[5], r)));
    }
    rest = e.remainder(columns, e.i64(e.shape.lanes));
    end = e.sub(columns, rest);
  }

  void build() {
    int64_t streams = sums.size() == 1 ? kStreams : kSharedStreams;
    Value whole = e.sub(k, e.remainder(k, e.i64(streams)));
    e.loop(e.i64(0), whole, e.i64(streams),
           [&](Value p) { addRows(p, streams); });
    e.loop(whole, k, e.i64(1), [&](Value p) { addRows(p, 1); });
  }

private:
  void addRows(Value first, int64_t count) {
    Values factors, rows;
    for (int64_t i = 0; i != count; ++i) {
      Value p = e.add(first, e.i64(i));
      for (Value left : lefts)
        factors.push_back(e.splat(e.loadScalar(e.address(left, p))));
      rows.push_back(e.address(matrix, e.mul(p, rs)));
    }
    e.loop(e.i64(0), end, e.i64(e.shape.lanes), [&](Value j) {
      addVector(
          factors, rows, j, [&](Value at) { return e.loadVector(at); },
          [&](Value v, Value at) { e.store(v, at); });
    });
    e.ifThenElse(e.less(e.i64(0), rest), [&] {
      Value mask = e.mask(rest);
      addVector(
          factors, rows, end, [&](Value at) { return e.loadMasked(at, mask); },
          [&](Value v, Value at) { e.storeMasked(v, at, mask); });
    });
  }

  void addVector(ArrayRef<Value> factors, ArrayRef<Value> rows, Value j,
                 function_ref<Value(Value)> load,
                 function_ref<void(Value, Value)> store) {
    Values places, totals;
    for (Value sum : sums) {
      places.push_back(e.address(sum, j));
      totals.push_back(load(places.back()));
    }
    for (auto [i, row] : llvm::enumerate(rows)) {
      Value weights = load(e.address(row, j));
      for (auto [r, total] : llvm::enumerate(totals))
        total = e.fma(factors[i * sums.size() + r], weights, total);
    }
    for (auto [total, place] : llvm::zip_equal(totals, places))
      store(total, place);
  }

  GemmCode &e;
  Values lefts, sums;
  Value matrix, rs, columns, k, rest, end;
};

/// The dot products of some rows with up to `most` others.
class RowDots {
public:
  RowDots(GemmCode &e, ValueRange args, unsigned numRows, int64_t most)
      : e(e), most(most) {
    count = args[6], k = args[7], accumulate = args[8];
    for (unsigned r = 0; r != numRows; ++r) {
      lefts.push_back(e.address(args[0], e.loadIndex(args[1], r)));
      outs.push_back(e.address(args[4], e.loadIndex(args[5], r)));
    }
    // What there is less of is computed again and not written.
    Value last = e.sub(count, e.i64(1));
    for (int64_t i = 0; i != most; ++i)
      rows.push_back(e.address(args[2], e.mul(e.min(e.i64(i), last), args[3])));
  }

  void build() {
    Value lanes = e.i64(e.shape.lanes), rest = e.remainder(k, lanes);
    Value end = e.sub(k, rest);
    Values sums(lefts.size() * rows.size(), e.zero());
    sums = e.loop(e.i64(0), end, lanes, sums, [&](Value p, ValueRange in) {
      return add(in,
                 [&](Value row) { return e.loadVector(e.address(row, p)); });
    });
    // One trip or none.
    sums = e.loop(end, k, lanes, sums, [&](Value p, ValueRange in) {
      Value mask = e.mask(rest);
      return add(
          in, [&](Value row) { return e.loadMasked(e.address(row, p), mask); });
    });
    int64_t width = std::min<int64_t>(most, e.shape.lanes);
    for (auto [r, out] : llvm::enumerate(outs))
      for (int64_t i = 0; i != most; i += width)
        write(joined(ArrayRef(sums).slice(r * most + i, width)),
              e.address(out, e.i64(i)), e.sub(count, e.i64(i)), width);
  }

private:
  Values add(ValueRange in, function_ref<Value(Value)> load) {
    Values out(in), xs;
    for (Value left : lefts)
      xs.push_back(load(left));
    for (auto [i, row] : llvm::enumerate(rows)) {
      Value weights = load(row);
      for (auto [r, x] : llvm::enumerate(xs)) {
        Value &sum = out[r * rows.size() + i];
        sum = e.fma(x, weights, sum);
      }
    }
    return out;
  }

  /// The sums of the lanes of some vectors, in one. A round adds the lanes of
  /// two vectors whose numbers differ in one bit.
  Value joined(ArrayRef<Value> vectors) {
    Values v(vectors);
    int64_t lanes = e.shape.lanes, numbers = int64_t(v.size());
    for (int64_t bit = 1; bit != numbers; bit *= 2) {
      SmallVector<int64_t> kept, moved;
      for (int64_t c = 0; c != lanes; ++c) {
        bool second = c & bit;
        kept.push_back(second ? lanes + c : c);
        moved.push_back(second ? lanes + c - bit : c + bit);
      }
      Values next;
      for (size_t i = 0; i != v.size(); i += 2)
        next.push_back(e.addf(
            vector::ShuffleOp::create(e.b, e.loc, v[i], v[i + 1], kept),
            vector::ShuffleOp::create(e.b, e.loc, v[i], v[i + 1], moved)));
      v = next;
    }
    Value sum = v.front();
    for (int64_t half = lanes / 2; half >= numbers; half /= 2) {
      auto low = llvm::to_vector(llvm::seq<int64_t>(0, half));
      auto high = llvm::to_vector(llvm::seq<int64_t>(half, 2 * half));
      sum = e.addf(vector::ShuffleOp::create(e.b, e.loc, sum, sum, low),
                   vector::ShuffleOp::create(e.b, e.loc, sum, sum, high));
    }
    return sum;
  }

  void write(Value sum, Value to, Value left, int64_t width) {
    auto alignment = uint32_t(e.alignment());
    auto store = [&](Value v, Value mask) {
      if (!mask)
        return e.store(v, to);
      LLVM::MaskedStoreOp::create(e.b, e.loc, v, to, mask, alignment);
    };
    auto both = [&](Value mask) {
      e.ifThenElse(
          accumulate,
          [&] {
            Type type = sum.getType();
            Value before;
            if (mask)
              before = LLVM::MaskedLoadOp::create(e.b, e.loc, type, to, mask,
                                                  sum, alignment);
            else
              before = e.load(type, to);
            store(e.addf(before, sum), mask);
          },
          [&] { store(sum, mask); });
    };
    e.ifThenElse(
        e.less(left, e.i64(width)),
        [&] { both(laneMask(e.b, e.loc, unsigned(width), left)); },
        [&] { both(Value()); });
  }

  GemmCode &e;
  int64_t most;
  Values lefts, rows, outs;
  Value count, k, accumulate;
};

/// A product as a whole: what is the same for all its tiles.
class InPlaceProduct {
public:
  using RowsOf = function_ref<func::FuncOp(unsigned rows)>;

  InPlaceProduct(GemmCode &e, ValueRange args) : e(e) {
    a = args[0], rs = args[1], b = args[2], rsB = args[3], csB = args[4],
    c = args[5], ldc = args[6], rows = args[7], columns = args[8], k = args[9],
    accumulate = args[10], list = args[11];
    ofA = e.allocateIndices(kernel::kMostBlockRows);
    ofC = e.allocateIndices(kernel::kMostBlockRows);
  }

  void build(RowsOf add, RowsOf dots) {
    Value block = e.i64(kernel::kMostBlockRows);
    e.loop(e.i64(0), rows, block, [&](Value i) {
      count = e.min(e.sub(rows, i), block);
      listRows(e, list, i, count, rs, ldc, ofA, ofC);
      e.ifThenElse(
          e.equal(csB, e.i64(1)), [&] { addStrips(add); },
          [&] { multiply(dots); });
    });
  }

private:
  /// Rows are taken as many at a time as there is code for, then one by one.
  void eachTile(int64_t most, RowsOf routine,
                function_ref<void(func::FuncOp, Value, Value)> body) {
    Value whole = e.sub(count, e.remainder(count, e.i64(most)));
    auto some = [&](Value from, Value to, int64_t step) {
      e.loop(from, to, e.i64(step), [&](Value r) {
        body(routine(unsigned(step)), e.addressOfIndex(ofA, r),
             e.addressOfIndex(ofC, r));
      });
    };
    some(e.i64(0), whole, most);
    some(whole, count, 1);
  }

  /// Rows of B are added. A single row keeps nothing of B.
  void addStrips(RowsOf routine) {
    Value single = e.equal(count, e.i64(1));
    Value wide = e.select(single, columns, e.i64(kStripColumns));
    Value high = e.select(single, k, e.i64(kStripSteps));
    // Of no terms the sum is zero.
    e.ifThenElse(accumulate, [] {}, [&] { zero(); });
    e.loop(e.i64(0), columns, e.max(wide, e.i64(1)), [&](Value j) {
      Value width = e.min(e.sub(columns, j), wide);
      e.loop(e.i64(0), k, e.max(high, e.i64(1)), [&](Value p) {
        Value steps = e.min(e.sub(k, p), high);
        Value from = e.address(b, e.add(e.mul(p, rsB), j));
        eachTile(kAddedRows, routine,
                 [&](func::FuncOp tile, Value tileA, Value tileC) {
                   e.call(tile, {e.address(a, p), tileA, from, rsB,
                                 e.address(c, j), tileC, width, steps});
                 });
      });
    });
  }

  void zero() {
    e.loop(e.i64(0), count, e.i64(1), [&](Value r) {
      e.fillZero(e.address(c, e.loadIndex(ofC, r)), columns);
    });
  }

  /// Columns of B lie side by side.
  void multiply(RowsOf routine) {
    Value several = e.i64(kSharedStreams);
    e.loop(e.i64(0), columns, several, [&](Value j) {
      Value width = e.min(e.sub(columns, j), several);
      Value from = e.address(b, e.mul(j, csB));
      eachTile(kDotRows, routine,
               [&](func::FuncOp tile, Value tileA, Value tileC) {
                 e.call(tile, {a, tileA, from, csB, e.address(c, j), tileC,
                               width, k, accumulate});
               });
    });
  }

  GemmCode &e;
  Value a, rs, b, rsB, csB, c, ldc, rows, columns, k, accumulate, list;
  Value ofA, ofC, count;
};

} // namespace

func::FuncOp GemmLibrary::addRows(Type element, unsigned rows) {
  return routine(
      "add_rows" + std::to_string(rows), std::to_string(shape.lanes), element,
      "pppl ppll",
      [&](GemmCode &e, ValueRange args) { RowAdder(e, args, rows).build(); },
      /*outlined=*/true);
}

func::FuncOp GemmLibrary::dots(Type element, unsigned rows, unsigned most) {
  std::string size = std::to_string(rows) + "x" + std::to_string(most);
  return routine(
      "dots" + size, std::to_string(shape.lanes), element, "pppl ppllb",
      [&](GemmCode &e, ValueRange args) {
        RowDots(e, args, rows, most).build();
      },
      /*outlined=*/true);
}

func::FuncOp GemmLibrary::gemmInPlace(Type element, bool cuts) {
  func::FuncOp whole = routine(
      "in_place", std::to_string(shape.lanes), element, "plpll pl lllbp",
      [&](GemmCode &e, ValueRange args) {
        InPlaceProduct(e, args).build(
            [&](unsigned rows) { return addRows(element, rows); },
            [&](unsigned rows) { return dots(element, rows, kSharedStreams); });
      });
  if (!cuts)
    return whole;
  func::FuncOp part = inPlaceTask(element, whole);
  return routine(
      "in_place.tasks", shape.key(), element, "pplpll pl lllbp",
      [&](GemmCode &e, ValueRange args) {
        Values v(args.drop_front());
        Value columns = v[8];
        Value work = e.mul(e.mul(v[7], columns), v[9]);
        TaskData words(e.b, e.loc);
        Value data = words.allocate(int64_t(v.size()) + 1);
        e.ifThenElse(
            e.either(e.less(work, e.i64(e.shape.worth)), e.isNull(args[0])),
            [&] { e.call(whole, v); },
            [&] {
              // Rows of B are read in strips, of whole lines of the cache: as
              // few as there are members.
              Value line = e.i64(64 / e.alignment());
              Value width = e.ceilDiv(columns, e.members(args[0]));
              width = e.mul(e.ceilDiv(width, line), line);
              v.push_back(width);
              words.store(data, v);
              callTasks(e.b, e.loc, args[0], e.ceilDiv(columns, width), part,
                        data, e.quotient(work, e.i64(e.shape.lanes)));
            });
      });
}

// (data, task): some columns. `data` holds the arguments of the product, then
// the columns of a part.
func::FuncOp GemmLibrary::inPlaceTask(Type element, func::FuncOp whole) {
  return routine(
      "in_place.task", std::to_string(shape.lanes), element, "pl",
      [&](GemmCode &e, ValueRange args) {
        TaskData words(e.b, e.loc);
        Values v;
        for (auto [i, type] : llvm::enumerate(whole.getArgumentTypes()))
          v.push_back(words.load(args[0], i, type));
        Value width = words.load(args[0], v.size(), e.b.getI64Type());
        Value j = e.mul(args[1], width);
        v[2] = e.address(v[2], e.mul(j, v[4]));
        v[5] = e.address(v[5], j);
        v[8] = e.min(e.sub(v[8], j), width);
        e.call(whole, v);
      });
}

func::FuncOp GemmLibrary::phaseDots(Type element, const PhaseShape &shape) {
  int64_t panel = shape.panel(), most = std::min(kStreams, panel);
  func::FuncOp few = dots(element, /*rows=*/1, unsigned(most));
  std::string signature = "ppplllpl" + std::string(shape.accumulators, 'l');
  return routine(
      "phase.dots" + std::to_string(shape.accumulators),
      std::to_string(panel) + "x" + std::to_string(shape.lanes), element,
      signature, [&](GemmCode &e, ValueRange args) {
        Value a = args[0], offsets = args[1], matrix = args[2], rs = args[3],
              units = args[4], k = args[5], sums = args[6], rows = args[7];
        ValueRange columns = args.drop_front(8);
        Value none = e.allocateIndices(1);
        e.storeIndex(e.i64(0), none, e.i64(0));
        e.loop(e.i64(0), rows, e.i64(1), [&](Value r) {
          Value row = e.addressOfIndex(offsets, r);
          for (auto [l, column] : llvm::enumerate(columns)) {
            Value first =
                e.add(e.mul(r, e.i64(shape.accumulators)), e.i64(int64_t(l)));
            for (int64_t u = 0; u != panel; u += most) {
              Value left = e.sub(units, e.i64(u));
              e.ifThenElse(e.less(e.i64(0), left), [&] {
                Value from = e.mul(e.add(column, e.i64(u)), rs);
                Value to = e.add(e.mul(first, e.i64(panel)), e.i64(u));
                e.call(few,
                       {a, row, e.address(matrix, from), rs,
                        e.address(sums, to), none, left, k, e.flag(false)});
              });
            }
          }
        });
      });
}

} // namespace rnnc
