// MatrixTile.cpp: a tile of a product by tensor cores.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// mma.sync multiplies 16 x 8 (tf32) or 16 x 16 (bf16) numbers by as many terms
// of 8 columns, with sums in f32. Which thread of a warp has which number is
// NVIDIA's: lane 4 g + p has, of 8 rows by 4 terms, row g and term p. Shared
// memory holds f32, which each thread rounds when it has read it.
//
// Of bf16 a register has two terms side by side. Which ones these are is free,
// as long as both operands agree: here terms p and p + 4 of 8, so that both
// types read matrices of 8 x 4 numbers of f32, four of them by one ldmatrix
// where a row's terms lie side by side (to it they are 8 x 8 numbers of 16
// bits).

#include "MatrixTile.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace rnnc {

static constexpr int64_t kWarp = 32, kRows = 16, kColumns = 8;

/// The parts that the most warps have, of the same size each; of several ways
/// the one that reads the least.
MatrixTile::MatrixTile(ThreadCode &t, TileShape tile) : t(t), tile(tile) {
  int64_t high = tile.rows / kRows, broad = tile.columns / kColumns;
  int64_t warps = TileLaunch::kTileThreads / kWarp;
  int64_t used = 0, read = 0;
  for (int64_t y = 1; y <= std::min(warps, high); ++y)
    for (int64_t x = 1; x * y <= warps && x <= broad; ++x) {
      if (high % y || broad % x)
        continue;
      int64_t reads = 2 * (high / y) + broad / x;
      if (x * y < used || (x * y == used && reads >= read))
        continue;
      used = x * y;
      read = reads;
      warpsDown = y;
      warpsAcross = x;
    }
  down = high / warpsDown;
  across = broad / warpsAcross;
}

void MatrixTile::begin(Value thread) {
  Value warp = t.over(thread, t.index(kWarp));
  lane = t.rest(thread, t.index(kWarp));
  group = t.over(lane, t.index(4));
  place = t.rest(lane, t.index(4));
  int64_t used = warpsDown * warpsAcross;
  if (used < TileLaunch::kTileThreads / kWarp) {
    isIdle = arith::CmpIOp::create(t.b, t.loc, arith::CmpIPredicate::uge, warp,
                                   t.index(used));
    warp = t.rest(warp, t.index(used));
  }
  Value across = t.index(warpsAcross);
  firstRow = t.times(t.over(warp, across), t.index(down * kRows));
  firstColumn = t.times(t.rest(warp, across), t.index(this->across * kColumns));
}

/// A warp that is left over has rows behind all others.
Value MatrixTile::row(int64_t i) {
  Value own = t.add(firstRow, t.add(group, t.index(i * kRows / 2)));
  if (!isIdle)
    return own;
  Value none = t.index(int64_t(1) << 40);
  return arith::SelectOp::create(t.b, t.loc, isIdle, none, own);
}

Value MatrixTile::column(int64_t j) {
  Value own =
      t.add(t.times(place, t.index(2)), t.index(j / 2 * kColumns + j % 2));
  return t.add(firstColumn, own);
}

/// `count` times 8 rows or columns from `first` on, in matrices of 8 x 4: the
/// terms of 8 rows follow each other.
Values MatrixTile::fragments(const TileSide &side, Value first, int64_t count,
                             Value stage, Value firstTerm) {
  Value begin = t.times(stage, t.index(side.stageElements(tile.steps)));
  if (side.termsInside)
    return loadMatrices(side, first, count, begin, firstTerm);
  Values numbers;
  for (int64_t i = 0; i != count; ++i)
    for (int64_t part = 0; part != parts(); ++part) {
      Value x = t.add(first, t.add(group, t.index(8 * i)));
      Value k = t.add(firstTerm, t.add(place, t.index(4 * part)));
      Value inside = t.add(t.times(k, t.index(side.distance)), x);
      numbers.push_back(t.load(side.place, t.add(begin, inside)));
    }
  return numbers;
}

/// Lane 8 m + r says where row r of matrix number m lies.
Values MatrixTile::loadMatrices(const TileSide &side, Value first,
                                int64_t count, Value begin, Value firstTerm) {
  Values numbers;
  Type f32 = t.b.getF32Type();
  Value row = t.rest(lane, t.index(8)), matrix = t.over(lane, t.index(8));
  for (int64_t i = 0, all = count * parts(); i < all; i += 4) {
    int64_t now = std::min<int64_t>(4, all - i);
    Value x = t.add(first, t.index(i / parts() * 8));
    x = t.add(x, t.times(t.over(matrix, t.index(parts())), t.index(8)));
    Value k = t.times(t.rest(matrix, t.index(parts())), t.index(4));
    Value inside = t.add(t.times(t.add(x, row), t.index(side.distance)),
                         t.add(firstTerm, k));
    Value loaded = nvgpu::LdMatrixOp::create(
        t.b, t.loc, VectorType::get({now, 1}, f32), side.place,
        ValueRange{t.add(begin, inside)}, t.b.getBoolAttr(false),
        t.b.getI32IntegerAttr(int32_t(now)));
    for (int64_t m = 0; m != now; ++m)
      numbers.push_back(vector::ExtractOp::create(t.b, t.loc, loaded,
                                                  ArrayRef<int64_t>{m, 0}));
  }
  return numbers;
}

Value MatrixTile::rounded(Value number) {
  return NVVM::ConvertFloatToTF32Op::create(
      t.b, t.loc, t.b.getI32Type(), number, NVVM::FPRoundingMode::RNA,
      NVVM::SaturationMode::NONE, /*relu=*/false);
}

Value MatrixTile::rounded(Value low, Value high) {
  Type pair = VectorType::get({2}, t.b.getBF16Type());
  Value both = NVVM::ConvertF32x2ToBF16x2Op::create(
      t.b, t.loc, pair, high, low, /*random_bits=*/Value(),
      NVVM::FPRoundingMode::RN, NVVM::SaturationMode::NONE, /*relu=*/false);
  return LLVM::BitcastOp::create(t.b, t.loc, t.b.getI32Type(), both);
}

/// Both have two registers for 8 rows or columns.
void MatrixTile::multiplyOne(ValueRange left, ValueRange right, int64_t i,
                             int64_t j, Values &sums) {
  auto type = tile.type == kernel::ProductType::BF16 ? NVVM::MMATypes::bf16
                                                     : NVVM::MMATypes::tf32;
  Values a{left[4 * i], left[4 * i + 2], left[4 * i + 1], left[4 * i + 3]};
  Values b{right[2 * j], right[2 * j + 1]}, c;
  auto sum = [&](int64_t n) -> Value & {
    return sums[(2 * i + n / 2) * columns() + 2 * j + n % 2];
  };
  for (int64_t n = 0; n != 4; ++n)
    c.push_back(sum(n));
  Type f32 = t.b.getF32Type();
  Type four =
      LLVM::LLVMStructType::getLiteral(t.b.getContext(), {f32, f32, f32, f32});
  Value made = NVVM::MmaOp::create(
      t.b, t.loc, four, a, b, c, ArrayRef<int64_t>{kRows, kColumns, terms()},
      /*b1Op=*/std::nullopt, /*intOverflow=*/std::nullopt,
      std::array<NVVM::MMATypes, 2>{type, type},
      std::array<NVVM::MMALayout, 2>{NVVM::MMALayout::row,
                                     NVVM::MMALayout::col});
  for (int64_t n = 0; n != 4; ++n)
    sum(n) = LLVM::ExtractValueOp::create(t.b, t.loc, made, n);
}

Values MatrixTile::multiply(const TileSide &a, const TileSide &b, Value stage,
                            ValueRange sums) {
  auto registers = [&](const Values &numbers) {
    Values all;
    bool paired = tile.type == kernel::ProductType::BF16;
    for (size_t i = 0; i < numbers.size(); i += paired ? 2 : 1)
      all.push_back(paired ? rounded(numbers[i], numbers[i + 1])
                           : rounded(numbers[i]));
    return all;
  };
  auto loop = t.loop(
      t.index(tile.steps / terms()), sums, [&](Value turn, ValueRange now) {
        Value k = t.times(turn, t.index(terms()));
        Values left = registers(fragments(a, firstRow, 2 * down, stage, k));
        Values right = registers(fragments(b, firstColumn, across, stage, k));
        Values next(now);
        for (int64_t i = 0; i != down; ++i)
          for (int64_t j = 0; j != across; ++j)
            multiplyOne(left, right, i, j, next);
        return next;
      });
  return Values(loop.getResults());
}

} // namespace rnnc
