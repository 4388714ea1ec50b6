// HeldLoop.h: a time loop whose states can stay in registers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_CONVERSION_KERNELTOLOOPS_HELDLOOP_H
#define RNNC_LIB_CONVERSION_KERNELTOLOOPS_HELDLOOP_H

#include "Lowering.h"

#include "llvm/ADT/MapVector.h"

namespace rnnc {

/// An index that moves with the step: a sum of values, each times a number,
/// plus a number; where `modulus` is not 0 what is left of it.
struct MovingIndex {
  llvm::MapVector<mlir::Value, int64_t> terms;
  int64_t constant = 0, modulus = 0;

  void add(const MovingIndex &other, int64_t times);
  /// The same so many steps later.
  MovingIndex later(mlir::Value step, int64_t steps) const;
  bool operator==(const MovingIndex &other) const;
};

/// A time loop in which every unit of every example goes its own way: its body
/// is pointwise code on rows of buffers. `match` finds out whether it is one.
class HeldLoop {
public:
  /// Where a buffer is read or written, along one of its dimensions.
  struct Place {
    enum Kind { Fixed, Row, Unit, Whole };
    Kind kind = Fixed;
    MovingIndex offset; ///< beside the number of the row or unit
    int64_t extent = 1; ///< how many elements from there on; of rows unknown

    bool operator==(const Place &other) const {
      return kind == other.kind && offset == other.offset;
    }
  };
  /// What an op of the body reads or writes.
  struct Access {
    mlir::Value buffer; ///< the same in every step
    llvm::SmallVector<Place, 0> places;

    bool operator==(const Access &other) const {
      return buffer == other.buffer && places == other.places;
    }
    bool has(Place::Kind kind) const;
    /// Whether it is somewhere else in every step.
    bool moves(mlir::Value step) const;
    /// Whether later steps come back to it.
    bool returns() const;
    Access later(mlir::Value step, int64_t steps) const;
    /// Whether all of `other` is a part of it.
    bool covers(const Access &other) const;
  };
  /// A linalg.generic or a copy.
  struct Part {
    mlir::Operation *op;
    llvm::SmallVector<Access, 0> reads, writes;
    /// Numbers of the step itself that it computes with.
    llvm::MapVector<mlir::Value, MovingIndex> numbers;
  };
  /// What a step leaves to the next one.
  struct Carry {
    Access read, write;
  };
  /// What becomes of an output past the end of an example.
  enum class PastEnd { Computed, Zero, Kept };

  explicit HeldLoop(mlir::scf::ForOp loop) : loop(loop) {}

  bool match();

  mlir::scf::ForOp getLoop() const { return loop; }
  /// The type of its floats.
  mlir::Type getElement() const { return element; }
  int64_t getUnits() const { return units; }
  llvm::ArrayRef<Part> getParts() const { return parts; }
  llvm::ArrayRef<Carry> getCarries() const { return carries; }
  /// Lengths of the examples; null: all have all steps.
  mlir::Value getLengths() const { return lengths; }
  bool isReversed() const { return reversed; }
  PastEnd pastEnd(const Access &write) const;
  /// Whether nobody sees it but the next step and, of the last step, what
  /// follows the loop.
  bool isHeld(const Access &write) const;
  /// The number of a carry that `read` is, if it is one.
  std::optional<unsigned> carryOf(const Access &access) const;
  /// Whether a step computes exp and the like, or divides.
  bool hasFunctions() const;
  /// How many examples there are.
  mlir::Value countRows(mlir::OpBuilder &b) const;

private:
  bool collect(mlir::Operation &op);
  bool addGeneric(mlir::linalg::GenericOp op);
  bool addBody(mlir::linalg::GenericOp op, Part &part);
  bool addCopy(mlir::memref::CopyOp op);
  bool addMasks(mlir::scf::IfOp op);
  bool addMask(mlir::Operation *op);
  std::optional<Access> accessOf(mlir::Value memref, mlir::AffineMap map);
  std::optional<Access> maskedBy(mlir::Value memref);
  std::optional<Access> throughViews(mlir::Value memref, Access access);
  bool throughView(mlir::memref::SubViewOp view, Access &access);
  std::optional<MovingIndex> indexOf(mlir::Value value);
  std::optional<MovingIndex> indexOf(mlir::OpFoldResult value);
  bool isOutside(mlir::Value value) const;
  bool takesUnits(mlir::Value memref, mlir::AffineMap map);
  bool findCarries();
  bool findPastEnds();
  bool masksWhatIsWritten() const;
  bool keepsCarries() const;
  bool placesDiffer() const;

  struct Mask {
    Access out;
    std::optional<Access> previous;
  };

  mlir::scf::ForOp loop;
  mlir::Type element;
  int64_t units = mlir::ShapedType::kDynamic;
  llvm::SmallVector<Part, 0> parts;
  llvm::SmallVector<Carry, 0> carries;
  llvm::SmallVector<Mask, 0> masks;
  mlir::Value lengths;
  std::optional<MovingIndex> maskedAt;
  bool reversed = false;
};

/// Writes the loop with its states in registers, in front of it: a loop over
/// examples that is a kernel.
void writeHeldLoop(const HeldLoop &held, kernel::TargetAttr target,
                   mlir::OpBuilder &b);

/// On an scf.for: it is a kernel that is lowered already.
inline constexpr const char *kLowered = "rnnc.lowered";

} // namespace rnnc

#endif // RNNC_LIB_CONVERSION_KERNELTOLOOPS_HELDLOOP_H
