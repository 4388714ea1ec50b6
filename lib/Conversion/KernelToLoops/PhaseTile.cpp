// PhaseTile.cpp: the register tile of a phase, and the panels it reads.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A panel holds, for a few units, the columns of all their accumulators side by
// side: [K][accumulator][unit]. A tile keeps the sums of some rows and of all
// accumulators of those units in registers while K runs, then writes them to
// where the region reads them: [row][accumulator][unit], in the first-level
// cache.

#include "GemmCode.h"

#include "rnnc/Dialect/Kernel/Kernel.h"

using namespace mlir;

namespace rnnc {

namespace {

using Values = SmallVector<Value>;

class PhaseTile {
public:
  PhaseTile(GemmCode &e, const PhaseShape &shape, ValueRange args,
            unsigned rows)
      : e(e), shape(shape), rows(rows), columns(shape.columns()) {
    a = args[0], offsets = args[1], panel = args[2], width = args[3],
    k = args[4], sums = args[5];
    if (shape.fetches)
      next = args[6], lines = args[7];
    sets = shape.setsFor(rows * columns);
  }

  void build() {
    for (unsigned r = 0; r != rows; ++r)
      rowPointers.push_back(e.address(a, e.loadIndex(offsets, r)));
    stride = e.mul(width, e.i64(shape.accumulators));
    Values accs(sets * rows * columns, e.zeroSum());
    // Two steps of bf16 lie in a word.
    unsigned least = shape.stored == 16 ? 2 : 1;
    unsigned unroll = std::max(least, shape.unroll / least * least);
    Value done = e.i64(0);
    for (unsigned count : {unroll, least, 1u}) {
      Value end = e.sub(k, e.remainder(k, e.i64(count)));
      accs =
          e.loop(done, end, e.i64(count), accs, [&](Value step, ValueRange in) {
            if (shape.fetches && count == unroll)
              fetchNext(step);
            return steps(step, count, Values(in));
          });
      done = end;
      if (count == 1)
        break;
    }
    write(accs);
  }

private:
  /// The tile's part of the next panel, evenly over its trips: all at once
  /// would wait for each other.
  void fetchNext(Value step) {
    int64_t line = kLine * 8 / e.element.getIntOrFloatBitWidth();
    Value trip = e.quotient(step, e.i64(shape.unroll));
    Value first = e.mul(trip, lines);
    e.loop(e.i64(0), lines, e.i64(1), [&](Value i) {
      e.fetch(e.address(next, e.mul(e.add(first, i), e.i64(line))));
    });
  }

  Value columnOf(Value base, unsigned c) {
    Value at = e.mul(width, e.i64(c / shape.vectors));
    at = e.add(at, e.i64(int64_t(c % shape.vectors) * e.shape.lanes));
    return shape.stored ? e.addressOfWord(base, at) : e.address(base, at);
  }

  /// Adds `count` steps of K. What there is less of is kept in registers: the
  /// elements of the rows, or a vector of each column.
  Values steps(Value step, unsigned count, Values accs) {
    Value base = e.addressOfStored(panel, e.mul(step, stride));
    if (e.hasPairs && count % 2 == 0)
      return pairs(step, base, count, accs);
    for (unsigned u = 0; u != count; ++u) {
      unsigned second = shape.stored == 16 ? u % 2 : 0, begin = u - second;
      Value at =
          begin ? e.addressOfStored(base, e.mul(stride, e.i64(begin))) : base;
      unsigned set = (u % sets) * rows * columns;
      Values left;
      for (unsigned r = 0; r != rows; ++r)
        left.push_back(
            e.splatLeft(e.address(rowPointers[r], e.add(step, e.i64(u)))));
      for (unsigned c = 0; c != columns; ++c) {
        Value right =
            e.loadStored(columnOf(at, c), second,
                         e.shape.hasRoomFor(columns, sets * rows * columns));
        for (unsigned r = 0; r != rows; ++r) {
          Value &sum = accs[set + r * columns + c];
          sum = e.multiplyAdd(left[r], right, sum);
        }
      }
    }
    return accs;
  }

  /// The same, two steps at a time.
  Values pairs(Value step, Value base, unsigned count, Values accs) {
    for (unsigned u = 0; u != count; u += 2) {
      Value at = e.addressOfStored(base, e.mul(stride, e.i64(u)));
      unsigned set = (u / 2 % sets) * rows * columns;
      Values left;
      for (Value row : rowPointers) {
        Value first = e.address(row, e.add(step, e.i64(u)));
        left.push_back(e.splatPair(first, Value()));
      }
      for (unsigned c = 0; c != columns; ++c) {
        Value right = e.loadPairs(columnOf(at, c));
        for (unsigned r = 0; r != rows; ++r) {
          Value &sum = accs[set + r * columns + c];
          sum = e.multiplyAddPairs(left[r], right, sum);
        }
      }
    }
    return accs;
  }

  /// The sets are added pairwise.
  void write(Values accs) {
    unsigned each = rows * columns;
    for (unsigned half = sets / 2; half; half /= 2)
      for (unsigned i = 0; i != half * each; ++i)
        accs[i] = e.addSums(accs[i], accs[i + half * each]);
    if (shape.stored == 8)
      scale(accs);
    for (unsigned i = 0; i != each; ++i)
      e.store(accs[i], e.address(sums, e.i64(int64_t(i) * e.shape.lanes)));
  }

  /// Behind the words of a panel are the corrections and the scales.
  void scale(Values &accs) {
    Value behind = e.addressOfStored(panel, e.mul(k, stride));
    Value scales = e.addressOfStored(behind, stride);
    for (unsigned c = 0; c != columns; ++c)
      for (unsigned r = 0; r != rows; ++r) {
        Value &sum = accs[r * columns + c];
        sum = e.sumOf(sum, columnOf(behind, c), columnOf(scales, c),
                      e.address(rowPointers[r], k));
      }
  }

  GemmCode &e;
  const PhaseShape &shape;
  unsigned rows, columns, sets;
  Value a, offsets, panel, width, k, sums, stride;
  Value next, lines; ///< of the next panel: where, and how many a trip
  Values rowPointers;
};

std::string nameOf(StringRef what, const PhaseShape &shape) {
  return (what + Twine(shape.accumulators) + "x" + Twine(shape.vectors)).str();
}

} // namespace

func::FuncOp GemmLibrary::phaseTile(Type element, const PhaseShape &shape,
                                    unsigned rows) {
  return routine(
      nameOf("phase.tile" + std::to_string(rows) + "x", shape), shape.tileKey(),
      element, shape.fetches ? "pppllppl" : "pppllp",
      [&](GemmCode &e, ValueRange args) {
        PhaseTile(e, shape, args, rows).build();
      },
      /*outlined=*/true);
}

func::FuncOp GemmLibrary::phaseRows(Type element, const PhaseShape &shape) {
  return routine(nameOf("phase.rows", shape), shape.tileKey(), element,
                 shape.fetches ? "lpppllppl" : "lpppllp",
                 [&](GemmCode &e, ValueRange args) {
                   for (unsigned rows = 1; rows <= shape.rows; ++rows)
                     e.ifThenElse(e.equal(args[0], e.i64(rows)), [&] {
                       e.call(phaseTile(element, shape, rows),
                              args.drop_front());
                     });
                 });
}

func::FuncOp GemmLibrary::phasePack(Type element, const PhaseShape &shape) {
  func::FuncOp copy = packColumns(element);
  std::string signature = "pllpll" + std::string(shape.accumulators, 'l');
  return routine(nameOf("phase.pack", shape),
                 std::to_string(shape.panel()) + shape.storedKey(), element,
                 signature, [&](GemmCode &e, ValueRange args) {
                   Value from = args[0], rs = args[1], cs = args[2],
                         out = args[3], k = args[4], units = args[5];
                   Value accumulators = e.i64(shape.accumulators);
                   e.loop(e.i64(0), units, e.i64(shape.panel()), [&](Value j) {
                     Value width = e.min(e.sub(units, j), e.i64(shape.panel()));
                     Value panel = e.addressOfStored(
                         out, e.mul(e.mul(j, e.kStored(k)), accumulators));
                     Value stride = e.mul(width, accumulators);
                     for (unsigned l = 0; l != shape.accumulators; ++l) {
                       Value column =
                           e.address(from, e.mul(e.add(args[6 + l], j), cs));
                       Value before = e.mul(width, e.i64(l));
                       if (!shape.stored) {
                         e.call(copy, {column, rs, cs, e.address(panel, before),
                                       stride, k, width});
                         continue;
                       }
                       e.loop(e.i64(0), width, e.i64(1), [&](Value u) {
                         e.writeStored(e.address(column, e.mul(u, cs)), rs, k,
                                       panel, stride, e.add(before, u));
                       });
                     }
                   });
                 });
}

} // namespace rnnc
