// GemmBuilder.h: generates the matrix product routines of a module.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_CONVERSION_KERNELTOLOOPS_GEMMBUILDER_H
#define RNNC_LIB_CONVERSION_KERNELTOLOOPS_GEMMBUILDER_H

#include "Lowering.h"

#include "rnnc/Dialect/Kernel/Kernel.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <map>

namespace rnnc {

class GemmCode;

/// Bytes of a cache line.
constexpr int64_t kLine = 64;

/// What a schedule says, for elements of one type on one target.
struct GemmShape {
  unsigned lanes;     ///< elements of a vector
  unsigned registers; ///< that hold vectors
  unsigned vectors;   ///< vectors of a tile row, or of the units of a phase
  unsigned rows;      ///< rows of a tile, at most
  unsigned unroll;    ///< steps of K in one trip of the tile's loop
  unsigned chains;    ///< sums in flight, at least
  int64_t kBlock;     ///< steps of K between two visits of C
  int64_t mBlock;     ///< rows of A packed at a time
  int64_t nBlock;     ///< columns of B packed at a time
  int64_t farBytes;   ///< between rows of A that may be packed
  int64_t fewColumns, flatRows; ///< of C: A is not packed
  int64_t tasks, worth;         ///< parts; terms that are worth them
  unsigned stored = 0;  ///< bits of a number of packed B; 0: as the element
  bool fetches = false; ///< whether tiles ask for the next panel

  /// Columns, or units, of a panel.
  int64_t panel() const { return int64_t(lanes) * vectors; }
  /// Independent sums that K is split over, of a tile with so many.
  unsigned setsFor(unsigned sums) const;
  /// Whether so many vectors can stay in registers beside so many sums and an
  /// element of the left operand.
  bool hasRoomFor(unsigned vectors, unsigned sums) const {
    return vectors + sums + 2 <= registers;
  }
  /// All that the code of tiles depends on, or that of the whole product.
  std::string tileKey() const;
  std::string storedKey() const;
  std::string key() const;

  /// Of `op`; an error where its schedule lacks one of `needed`.
  static mlir::FailureOr<GemmShape> of(mlir::Operation *op,
                                       kernel::TargetAttr target,
                                       unsigned elementBits,
                                       llvm::ArrayRef<kernel::Decision> needed);
};

/// The tiles of a phase with so many accumulators a unit.
struct PhaseShape : GemmShape {
  unsigned accumulators; ///< of a unit

  /// Vectors of a tile's row.
  unsigned columns() const { return accumulators * vectors; }
  /// Cache lines of a panel that are read in a trip of a tile's loop.
  int64_t linesOfTrip(unsigned bits) const {
    return llvm::divideCeil(unroll * columns() * lanes * bits / 8, kLine);
  }
};

/// The routines, made in the module when first asked for. All pointers and
/// strides count elements; strides are (row, column); `rows`, `columns`, `k`
/// are i64, `accumulate` is i1.
class GemmLibrary {
public:
  GemmLibrary(mlir::ModuleOp module, kernel::TargetAttr target)
      : module(module), target(target) {}

  /// The tiles and blocks of the routines that are asked for from now on.
  void setShape(const GemmShape &next) { shape = next; }

  /// (b, rowStride, columnStride, packed, k, columns, list): B into panels
  /// [ceil(columns / panel)][k][panel]; the last is as wide as what is left. A
  /// list, if it is not null, names the rows of B.
  mlir::func::FuncOp pack(mlir::Type element);
  /// (a, rowStride, columnStride, packed, c, ldc, rows, columns, k,
  /// accumulate, scratch, few, list, terms): C (+)= A B with B from `pack`; A
  /// is packed block by block in `scratch` where it is not read in place. `few`
  /// terms of a sum are added up before they go to its total. The lists, if
  /// they are not null, name the rows of A and C, and the columns of A.
  mlir::func::FuncOp gemmPacked(mlir::Type element);
  /// (a, rowStride, columnStride, b, rowStride, columnStride, c, ldc, rows,
  /// columns, k, accumulate, scratch, few, terms): C (+)= A B, B packed block
  /// by block in `scratch`, too.
  mlir::func::FuncOp gemm(mlir::Type element);

  /// The same with the context of the call in front and the bytes of scratch
  /// memory for one task behind: what is worth it is cut into tasks for the
  /// threads of the context.
  mlir::func::FuncOp tasks(mlir::Type element, bool packed);

  /// (b, rowStride, columnStride, packed, k, units, columns…): of each
  /// accumulator's columns those of some units side by side, into panels
  /// [ceil(units / panel)][k][accumulator][panel].
  mlir::func::FuncOp phasePack(mlir::Type element, const PhaseShape &shape);
  /// `whole` is `phasePack` of so many accumulators, or `pack` (0): the same
  /// with the context of the call in front. What is worth it is cut into parts
  /// of whole panels.
  mlir::func::FuncOp packTasks(mlir::Type element, mlir::func::FuncOp whole,
                               unsigned accumulators);
  /// (a, offsets, panel, units, k, sums, rows): the sums of up to `shape.rows`
  /// rows, [row][accumulator][panel]; the rows of A begin at `offsets`, i64.
  mlir::func::FuncOp phaseRows(mlir::Type element, const PhaseShape &shape);

  /// (a, rowStride, b, rowStride, columnStride, c, ldc, rows, columns, k,
  /// accumulate, list): C (+)= A B, for few rows, of A and B where they lie;
  /// `cuts`: the context in front.
  mlir::func::FuncOp gemmInPlace(mlir::Type element, bool cuts);
  /// (a, offsets, matrix, rowStride, units, k, sums, rows, columns...): what
  /// `phaseRows` does, with the matrix [N, K] instead of panels.
  mlir::func::FuncOp phaseDots(mlir::Type element, const PhaseShape &shape);

  /// (a, rowStride, q, rowStride, rows, k): what kernel.quantize says.
  mlir::func::FuncOp quantize(mlir::Type element);

private:
  mlir::func::FuncOp phaseTile(mlir::Type element, const PhaseShape &shape,
                               unsigned rows);
  mlir::func::FuncOp task(mlir::Type element, bool packed);
  mlir::func::FuncOp packPart(mlir::Type element, mlir::func::FuncOp whole,
                              unsigned accumulators);
  mlir::func::FuncOp tile(mlir::Type element, unsigned rows, bool packedA,
                          unsigned vectors);
  mlir::func::FuncOp block(mlir::Type element);
  /// (a, offsets, b, rowStride, c, offsets, columns, k): adds some rows of A,
  /// which begin at offsets, times B to rows of C.
  mlir::func::FuncOp addRows(mlir::Type element, unsigned rows);
  /// (a, offsets, b, rowStride, c, offsets, count, k, accumulate): the dot
  /// products of some rows with up to `most` others.
  mlir::func::FuncOp dots(mlir::Type element, unsigned rows, unsigned most);
  mlir::func::FuncOp inPlaceTask(mlir::Type element, mlir::func::FuncOp whole);
  mlir::func::FuncOp packRows(mlir::Type element);
  /// (b, rowStride, columnStride, packed, stride, k, columns): a row of columns
  /// for each step of K, `stride` apart.
  mlir::func::FuncOp packColumns(mlir::Type element);

  /// The routine `rnnc.gemm.WHAT.f32` (or f64), written by
  /// `body` when first asked for with this `key`, which says what it depends on
  /// of the shape. A letter of the signature is an argument: p a pointer, l an
  /// i64, b an i1. What is outlined stays a function.
  mlir::func::FuncOp
  routine(llvm::StringRef what, const std::string &key, mlir::Type element,
          llvm::StringRef signature,
          llvm::function_ref<void(GemmCode &, mlir::ValueRange)> body,
          bool outlined = false);

  mlir::ModuleOp module;
  kernel::TargetAttr target;
  std::map<std::string, mlir::func::FuncOp> routines;
  GemmShape shape = {};
};

} // namespace rnnc

#endif // RNNC_LIB_CONVERSION_KERNELTOLOOPS_GEMMBUILDER_H
