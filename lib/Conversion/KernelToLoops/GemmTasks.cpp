// GemmTasks.cpp: matrix products on the threads of a context.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A task is a part of C whole in K: which thread computes it, or how many
// there are, changes no bit.

#include "GemmCode.h"
#include "Tasks.h"

using namespace mlir;

namespace rnnc {
namespace {

/// Positions of the arguments of the two products.
struct Arguments {
  explicit Arguments(bool packed)
      : c(packed ? 4 : 6), ldc(c + 1), rows(c + 2), columns(c + 3), k(c + 4),
        accumulate(c + 5), scratch(c + 6), list(c + 8),
        count(packed ? list + 2 : list + 1) {}
  /// `list` of rows where B is packed, else of terms.
  unsigned c, ldc, rows, columns, k, accumulate, scratch, list, count;
};

StringRef signatureOf(bool packed) {
  return packed ? "pllp pl lllb pl pp" : "pllp llpl lllb pl p";
}

} // namespace

// (data, task): one part. `data` holds the arguments of the product, then the
// rows and columns of a part, the number of parts in a row and the bytes of
// scratch memory of a part.
func::FuncOp GemmLibrary::task(Type element, bool packed) {
  func::FuncOp whole = packed ? gemmPacked(element) : gemm(element);
  return routine(
      packed ? "packed.task" : "task", shape.key(), element, "pl",
      [&](GemmCode &e, ValueRange args) {
        Arguments at(packed);
        TaskData words(e.b, e.loc);
        SmallVector<Value> v;
        for (auto [i, type] : llvm::enumerate(whole.getArgumentTypes()))
          v.push_back(words.load(args[0], i, type));
        Type i64 = e.b.getI64Type();
        Value partRows = words.load(args[0], at.count, i64);
        Value partColumns = words.load(args[0], at.count + 1, i64);
        Value across = words.load(args[0], at.count + 2, i64);
        Value bytes = words.load(args[0], at.count + 3, i64);
        Value i = e.mul(e.quotient(args[1], across), partRows);
        Value j = e.mul(e.remainder(args[1], across), partColumns);
        // Rows of a list lie anywhere: the list is cut.
        Value first = i;
        if (packed) {
          Value dense = e.isNull(v[at.list]);
          first = e.select(dense, i, e.i64(0));
          v[at.list] =
              e.select(dense, v[at.list], e.addressOfIndex(v[at.list], i));
        }
        v[0] = e.address(v[0], e.mul(first, v[1]));
        // A panel of packed columns is k rows long.
        v[3] = packed ? e.addressOfStored(v[3], e.mul(j, e.kOfTiles(v[at.k])))
                      : e.address(v[3], e.mul(j, v[5]));
        v[at.c] = e.address(v[at.c], e.add(e.mul(first, v[at.ldc]), j));
        v[at.scratch] = e.byteAddress(v[at.scratch], e.mul(args[1], bytes));
        v[at.rows] = e.min(e.sub(v[at.rows], i), partRows);
        v[at.columns] = e.min(e.sub(v[at.columns], j), partColumns);
        e.call(whole, v);
      });
}

namespace {
/// How C is cut.
struct Parts {
  Value rows, columns; ///< of a part
  Value across, count;
};
} // namespace

/// Parts of whole tiles: columns of packed panels first, since rows of A are
/// read where they lie; else rows.
static Parts cutResult(GemmCode &e, Value rows, Value columns, bool packed) {
  Value tileRows = e.i64(e.shape.rows), panel = e.i64(e.shape.panel());
  Value tasks = e.i64(e.shape.tasks);
  Value panels = e.ceilDiv(columns, panel), stripes = e.ceilDiv(rows, tileRows);
  Value byColumns = packed ? e.less(e.i64(e.shape.tasks - 1), panels)
                           : e.less(stripes, panels);
  Parts parts;
  parts.columns = e.select(byColumns, e.mul(e.ceilDiv(panels, tasks), panel),
                           e.mul(panels, panel));
  parts.rows = e.select(byColumns, e.mul(stripes, tileRows),
                        e.mul(e.ceilDiv(stripes, tasks), tileRows));
  parts.across = e.ceilDiv(columns, parts.columns);
  parts.count = e.mul(parts.across, e.ceilDiv(rows, parts.rows));
  return parts;
}

func::FuncOp GemmLibrary::tasks(Type element, bool packed) {
  func::FuncOp whole = packed ? gemmPacked(element) : gemm(element);
  func::FuncOp part = task(element, packed);
  return routine(
      packed ? "packed.tasks" : "tasks", shape.key(), element,
      ("p" + signatureOf(packed) + "l").str(),
      [&](GemmCode &e, ValueRange args) {
        Arguments at(packed);
        SmallVector<Value> v(args.drop_front().drop_back());
        TaskData words(e.b, e.loc);
        Value data = words.allocate(at.count + 4);
        Value work = e.mul(e.mul(v[at.rows], v[at.columns]), v[at.k]);
        e.ifThenElse(
            e.either(e.less(work, e.i64(e.shape.worth)), e.isNull(args[0])),
            [&] { e.call(whole, v); },
            [&] {
              Parts parts = cutResult(e, v[at.rows], v[at.columns], packed);
              v.append({parts.rows, parts.columns, parts.across, args.back()});
              words.store(data, v);
              callTasks(e.b, e.loc, args[0], parts.count, part, data,
                        e.quotient(work, e.i64(e.shape.lanes)));
            });
      });
}

//===----------------------------------------------------------------------===//
// Packing
//===----------------------------------------------------------------------===//

/// `phase.pack2.tasks`: of so many accumulators; of none it is a product's.
static std::string nameOfPack(StringRef what, unsigned accumulators) {
  std::string whole =
      accumulators ? "phase.pack" + std::to_string(accumulators) : "pack";
  return whole + "." + what.str();
}

/// What a step of a panel has for each of its columns.
static unsigned columnsOf(unsigned accumulators) {
  return std::max(accumulators, 1u);
}

// (data, from, to): some panels; `data` holds the arguments of `whole`.
func::FuncOp GemmLibrary::packPart(Type element, func::FuncOp whole,
                                   unsigned accumulators) {
  return routine(
      nameOfPack("part", accumulators),
      std::to_string(shape.panel()) + shape.storedKey(), element, "pll",
      [&](GemmCode &e, ValueRange args) {
        TaskData words(e.b, e.loc);
        SmallVector<Value> v;
        for (auto [i, type] : llvm::enumerate(whole.getArgumentTypes()))
          v.push_back(words.load(args[0], i, type));
        Value panel = e.i64(e.shape.panel());
        Value j = e.mul(args[1], panel);
        Value steps = e.mul(e.kStored(v[4]), e.i64(columnsOf(accumulators)));
        v[0] = e.address(v[0], e.mul(j, v[2]));
        v[3] = e.addressOfStored(v[3], e.mul(j, steps));
        v[5] = e.min(e.sub(v[5], j), e.mul(e.sub(args[2], args[1]), panel));
        e.call(whole, v);
      });
}

func::FuncOp GemmLibrary::packTasks(Type element, func::FuncOp whole,
                                    unsigned accumulators) {
  func::FuncOp part = packPart(element, whole, accumulators);
  std::string signature = "p";
  for (Type type : whole.getArgumentTypes())
    signature += type.isInteger() ? "l" : "p";
  return routine(
      nameOfPack("tasks", accumulators),
      std::to_string(shape.panel()) + shape.storedKey(), element, signature,
      [&](GemmCode &e, ValueRange args) {
        ValueRange v = args.drop_front();
        TaskData words(e.b, e.loc);
        Value data = words.allocate(int64_t(v.size()));
        Value units = v[5];
        Value work = e.mul(e.mul(units, v[4]), e.i64(columnsOf(accumulators)));
        e.ifThenElse(
            e.either(e.less(work, e.i64(e.shape.worth)), e.isNull(args[0])),
            [&] { e.call(whole, v); },
            [&] {
              words.store(data, v);
              cutIntoTasks(e.b, e.loc, args[0],
                           e.ceilDiv(units, e.i64(e.shape.panel())),
                           e.i64(e.shape.tasks), part, data, work);
            });
      });
}

} // namespace rnnc
