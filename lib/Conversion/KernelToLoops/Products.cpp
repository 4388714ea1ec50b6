// Products.cpp: kernel.gemm and kernel.pack as calls of generated routines.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "GemmBuilder.h"

#include "rnnc/Dialect/Kernel/Kernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace rnnc {
namespace {

/// A matrix operand as the routines take it: address and strides (elements)
/// by row and by column, the transposition folded in.
struct Matrix {
  Value pointer, rowStride, columnStride, rows, columns;
};

Value toI64(OpBuilder &b, Location loc, Value v) {
  return b.createOrFold<arith::IndexCastOp>(loc, b.getI64Type(), v);
}

Matrix matrixOf(OpBuilder &b, Location loc, Value memref, bool trans) {
  auto data = memref::ExtractStridedMetadataOp::create(b, loc, memref);
  Matrix m;
  m.pointer = pointerOf(b, loc, memref);
  m.rowStride = toI64(b, loc, data.getStrides()[0]);
  m.columnStride = toI64(b, loc, data.getStrides()[1]);
  m.rows = toI64(b, loc, b.createOrFold<memref::DimOp>(loc, memref, 0));
  m.columns = toI64(b, loc, b.createOrFold<memref::DimOp>(loc, memref, 1));
  if (trans) {
    std::swap(m.rowStride, m.columnStride);
    std::swap(m.rows, m.columns);
  }
  return m;
}

Type elementOf(Value memref) {
  return cast<MemRefType>(memref.getType()).getElementType();
}

LogicalResult lower(kernel::PackOp op, kernel::TargetAttr target,
                    GemmLibrary &library) {
  OpBuilder b(op);
  Location loc = op.getLoc();
  FailureOr<GemmShape> shape = GemmShape::of(
      op, target, elementOf(op.getSource()).getIntOrFloatBitWidth(),
      {kernel::Decision::TileVectors});
  if (failed(shape))
    return failure();
  shape->stored = op.getStoredBits().value_or(0);
  // It is code without products.
  kernel::ScheduleAttr module =
      kernel::scheduleOf(op->getParentOfType<ModuleOp>());
  shape->tasks = module.get(kernel::Decision::Tasks);
  shape->worth = module.get(kernel::Decision::WorthTasks);
  library.setShape(*shape);
  Matrix m = matrixOf(b, loc, op.getSource(), op.getTrans());
  Type element = elementOf(op.getSource());
  SmallVector<Value> args = {m.pointer, m.rowStride, m.columnStride,
                             pointerOf(b, loc, op.getPacked()), m.rows};
  func::FuncOp routine;
  unsigned accumulators = op.getColumns() ? op.getColumns()->size() : 0;
  if (op.getColumns()) {
    auto constant = [&](int64_t v) {
      return arith::ConstantIntOp::create(b, loc, b.getI64Type(), v);
    };
    args.push_back(constant(*op.getUnits()));
    ArrayRef<int64_t> columns = *op.getColumns();
    for (int64_t first : columns)
      args.push_back(constant(first));
    routine = library.phasePack(element, {*shape, accumulators});
  } else {
    args.push_back(m.columns);
    args.push_back(LLVM::ZeroOp::create(b, loc, m.pointer.getType()));
    routine = library.pack(element);
  }
  if (Value context = contextOf(op)) {
    args.insert(args.begin(), context);
    routine = library.packTasks(element, routine, accumulators);
  }
  func::CallOp::create(b, loc, routine, args);
  op.erase();
  return success();
}

/// Terms of a long sum that are added up before they go to a total: what they
/// lose, half a unit in the last place each, stays near 1e-6 of the sum. A
/// multiple of the unrolled steps.
constexpr int64_t kFewTerms = 32;
constexpr int64_t kAllTerms = int64_t(1) << 60;

/// The scratch memory of a product, and how many bytes of it a task has.
struct Scratch {
  Value pointer, ofTask;
};

FailureOr<Scratch> scratchOf(OpBuilder &b, kernel::GemmOp op,
                             const GemmShape &shape) {
  Location loc = op.getLoc();
  Value memory = op.getScratch();
  if (!memory) {
    bool packs = !op.getPackedB() ||
                 (shape.stored != 8 && !op.readsAInPlace(shape.farBytes));
    if (packs)
      return op.emitOpError("has to pack an operand and has no scratch memory");
    auto ptr = LLVM::LLVMPointerType::get(b.getContext());
    return Scratch{LLVM::ZeroOp::create(b, loc, ptr),
                   arith::ConstantIntOp::create(b, loc, b.getI64Type(), 0)};
  }
  // Parts begin at whole cache lines.
  auto constant = [&](int64_t v) {
    return arith::ConstantIntOp::create(b, loc, b.getI64Type(), v);
  };
  Value bytes = toI64(b, loc, b.createOrFold<memref::DimOp>(loc, memory, 0));
  Value lines =
      b.createOrFold<arith::DivUIOp>(loc, bytes, constant(64 * shape.tasks));
  return Scratch{pointerOf(b, loc, memory),
                 b.createOrFold<arith::MulIOp>(loc, lines, constant(64))};
}

LogicalResult lower(kernel::GemmOp op, kernel::TargetAttr target,
                    GemmLibrary &library) {
  OpBuilder b(op);
  Location loc = op.getLoc();
  SmallVector<int64_t> strides;
  int64_t offset;
  auto typeC = cast<MemRefType>(op.getC().getType());
  if (failed(typeC.getStridesAndOffset(strides, offset)) ||
      (strides[1] != 1 && typeC.getDimSize(1) != 1))
    return op.emitOpError("wants a result with contiguous rows");
  Type element = elementOf(op.getC());
  using kernel::Decision;
  FailureOr<GemmShape> shape = GemmShape::of(
      op, target, element.getIntOrFloatBitWidth(),
      {Decision::TileRows, Decision::TileVectors, Decision::Unroll,
       Decision::Chains, Decision::BlockSteps, Decision::BlockRows,
       Decision::BlockColumns, Decision::FarRowBytes, Decision::FewColumns,
       Decision::FlatRows, Decision::PanelFetch, Decision::Tasks,
       Decision::WorthTasks});
  if (failed(shape))
    return failure();
  shape->stored = op.getStoredBits().value_or(0);
  shape->fetches &= !shape->stored;
  if (shape->stored == 16) // blocks begin at whole words, of two steps
    shape->kBlock += shape->kBlock % 2;
  if (shape->stored == 8) // scales are behind all steps
    shape->kBlock = kernel::kMostQuantizedSteps;
  library.setShape(*shape);
  Matrix a = matrixOf(b, loc, op.getA(), op.getTransA());
  Matrix c = matrixOf(b, loc, op.getC(), /*trans=*/false);
  Value accumulate =
      arith::ConstantOp::create(b, loc, b.getBoolAttr(op.getAccumulate()));
  bool packed = op.getPackedB();
  auto typeA = cast<MemRefType>(op.getA().getType());
  bool isLong = element.isF32() && typeA.isDynamicDim(op.getTransA() ? 0 : 1);
  Value few = arith::ConstantIntOp::create(b, loc, b.getI64Type(),
                                           isLong ? kFewTerms : kAllTerms);
  SmallVector<Value> args = {a.pointer, a.rowStride, a.columnStride};
  if (packed) {
    args.push_back(pointerOf(b, loc, op.getB()));
  } else {
    Matrix m = matrixOf(b, loc, op.getB(), op.getTransB());
    args.append({m.pointer, m.rowStride, m.columnStride});
  }
  Value none = LLVM::ZeroOp::create(b, loc, c.pointer.getType());
  if (op.getInPlace()) {
    Value list = none, rows = c.rows;
    if (Value valid = op.getValid()) {
      list = pointerOf(b, loc, valid);
      rows = toI64(b, loc, b.createOrFold<memref::DimOp>(loc, valid, 0));
    }
    // Elements of a row of A lie side by side, and of B along N or along K.
    args.erase(args.begin() + 2);
    args.append(
        {c.pointer, c.rowStride, rows, c.columns, a.columns, accumulate, list});
    Value context = contextOf(op);
    if (context)
      args.insert(args.begin(), context);
    func::CallOp::create(b, loc, library.gemmInPlace(element, bool(context)),
                         args);
    op.erase();
    return success();
  }
  FailureOr<Scratch> scratch = scratchOf(b, op, *shape);
  if (failed(scratch))
    return failure();
  Value list = none, rows = c.rows, steps = a.columns;
  if (shape->stored == 8) // of a row the last word is its scale
    steps = arith::SubIOp::create(
        b, loc, steps, arith::ConstantIntOp::create(b, loc, b.getI64Type(), 1));
  if (Value valid = op.getValid()) {
    list = pointerOf(b, loc, valid);
    (packed ? rows : steps) =
        toI64(b, loc, b.createOrFold<memref::DimOp>(loc, valid, 0));
  }
  args.append({c.pointer, c.rowStride, rows, c.columns, steps, accumulate,
               scratch->pointer, few, list});
  if (packed)
    args.push_back(none); // of terms
  func::FuncOp callee =
      packed ? library.gemmPacked(element) : library.gemm(element);
  if (Value context = contextOf(op)) {
    args.insert(args.begin(), context);
    args.push_back(scratch->ofTask);
    callee = library.tasks(element, packed);
  }
  func::CallOp::create(b, loc, callee, args);
  op.erase();
  return success();
}

void lower(kernel::QuantizeOp op, kernel::TargetAttr target,
           GemmLibrary &library) {
  OpBuilder b(op);
  Location loc = op.getLoc();
  Type element = elementOf(op.getSource());
  GemmShape shape = {};
  shape.lanes = target.lanes(element.getIntOrFloatBitWidth());
  library.setShape(shape);
  Matrix from = matrixOf(b, loc, op.getSource(), /*trans=*/false);
  Matrix to = matrixOf(b, loc, op.getOut(), /*trans=*/false);
  func::CallOp::create(b, loc, library.quantize(element),
                       ValueRange{from.pointer, from.rowStride, to.pointer,
                                  to.rowStride, from.rows, from.columns});
  op.erase();
}

} // namespace

LogicalResult lowerProducts(ModuleOp module, kernel::TargetAttr target,
                            GemmLibrary &library) {
  SmallVector<kernel::PackOp> packs;
  SmallVector<kernel::GemmOp> gemms;
  module.walk([&](kernel::PackOp op) { packs.push_back(op); });
  module.walk([&](kernel::GemmOp op) { gemms.push_back(op); });
  SmallVector<kernel::QuantizeOp> quantizes;
  module.walk([&](kernel::QuantizeOp op) { quantizes.push_back(op); });
  for (kernel::QuantizeOp op : quantizes)
    lower(op, target, library);
  for (kernel::PackOp op : packs)
    if (failed(lower(op, target, library)))
      return failure();
  for (kernel::GemmOp op : gemms)
    if (failed(lower(op, target, library)))
      return failure();
  return success();
}

} // namespace rnnc
