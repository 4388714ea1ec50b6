// FuseProducts.cpp: a product and the phase that reads it become one.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Conversion/ScanToKernel/Passes.h"

#include "PastEnd.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/Statistic.h"

#define DEBUG_TYPE "kernel-fuse-products"

using namespace mlir;

namespace rnnc {

#define GEN_PASS_DEF_KERNELFUSEPRODUCTS
#include "rnnc/Conversion/ScanToKernel/Passes.h.inc"

ALWAYS_ENABLED_STATISTIC(numFused, "Products that became a part of a phase");

namespace {

/// Accumulators that a tile of one row keeps in registers with what it reads,
/// on the narrowest machine: 16 vector registers.
constexpr unsigned kMaxAccumulators = 12;

/// The columns that a phase reads of a product, by the operand that reads them.
struct Reads {
  SmallVector<std::pair<unsigned, int64_t>> columns;
};

/// What a phase reads of the products before it.
class Fusion {
public:
  explicit Fusion(linalg::GenericOp phase) : phase(phase) {}

  /// False where nothing can be fused.
  bool find();
  bool any() const { return !products.empty(); }
  size_t numProducts() const { return products.size(); }
  bool takes(scan::DotOp dot) const { return products.contains(dot); }
  /// Leaves products outside for which `which` holds.
  void leave(llvm::function_ref<bool(scan::DotOp)> which);
  void apply();

private:
  bool isPointwise();
  void collect(OpOperand &operand);
  void keepOneWidth();
  bool isFusable(scan::DotOp dot);
  bool isReadHereAlone(scan::DotOp dot);
  std::optional<int64_t> columnOf(Value value, scan::DotOp dot);

  linalg::GenericOp phase;
  int64_t units = 0;
  llvm::MapVector<Operation *, Reads> products;
};

/// The product that a value is, or is a part of.
scan::DotOp productOf(Value value) {
  if (auto slice = value.getDefiningOp<tensor::ExtractSliceOp>())
    value = slice.getSource();
  return value.getDefiningOp<scan::DotOp>();
}

/// Every point of [rows, units] by itself.
bool Fusion::isPointwise() {
  if (phase.getNumLoops() != 2 || phase.getNumReductionLoops() != 0 ||
      phase.getBody()
          ->walk([](linalg::IndexOp) { return WalkResult::interrupt(); })
          .wasInterrupted())
    return false;
  for (OpOperand &init : phase.getDpsInitsMutable()) {
    auto type = cast<RankedTensorType>(init.get().getType());
    if (!phase.getMatchingIndexingMap(&init).isIdentity() ||
        type.isDynamicDim(1) ||
        !phase.getMatchingBlockArgument(&init).use_empty())
      return false;
    units = type.getDimSize(1);
  }
  return units > 0 &&
         llvm::all_of(phase.getDpsInputOperands(), [&](OpOperand *in) {
           return phase.getMatchingIndexingMap(in).isProjectedPermutation();
         });
}

/// `[rows, K...]` times a constant matrix `[N..., K...]` of the function.
bool Fusion::isFusable(scan::DotOp dot) {
  auto left = cast<RankedTensorType>(dot.getLhs().getType());
  auto right = cast<RankedTensorType>(dot.getRhs().getType());
  auto isRun = [](ArrayRef<int64_t> dims, int64_t from) {
    return llvm::equal(dims, llvm::seq<int64_t>(from, from + dims.size()));
  };
  Block *top = &phase->getParentOfType<func::FuncOp>().getBody().front();
  auto isView = [](Value value) {
    return isa_and_nonnull<scan::TransposeOp, scan::BroadcastOp>(
        value.getDefiningOp());
  };
  return dot->getBlock() == phase->getBlock() && dot.getLhsBatch().empty() &&
         dot.getLhsFree() == SmallVector<int64_t>{0} &&
         isRun(dot.getLhsContract(), 1) && isRun(dot.getRhsFree(), 0) &&
         isRun(dot.getRhsContract(), dot.getRhsFree().size()) &&
         !dot.getRhsFree().empty() && !dot.getRhsContract().empty() &&
         left.getElementType() == right.getElementType() &&
         right.hasStaticShape() && dot.getRhs().getParentBlock() == top &&
         !isView(dot.getLhs()) && !isView(dot.getRhs());
}

/// The first of the columns that `value` holds, if it holds those of all units.
std::optional<int64_t> Fusion::columnOf(Value value, scan::DotOp dot) {
  auto type = cast<RankedTensorType>(dot.getResult().getType());
  ArrayRef<int64_t> shape = type.getShape().drop_front();
  auto slice = value.getDefiningOp<tensor::ExtractSliceOp>();
  if (!slice)
    return shape.size() == 1 && shape[0] == units ? std::optional<int64_t>(0)
                                                  : std::nullopt;
  auto part = cast<RankedTensorType>(slice.getType());
  if (part.getRank() != 2 || part.getDimSize(1) != units ||
      slice.getDroppedDims().test(0) ||
      slice.getDroppedDims().test(type.getRank() - 1))
    return std::nullopt;
  int64_t column = 0;
  for (int64_t i = 0, rank = type.getRank(); i != rank; ++i) {
    if (slice.isDynamicOffset(i) || slice.getStaticStride(i) != 1 ||
        (i == 0 && slice.getStaticOffset(i) != 0))
      return std::nullopt;
    if (i > 0)
      column = column * type.getDimSize(i) + slice.getStaticOffset(i);
  }
  return column;
}

bool Fusion::isReadHereAlone(scan::DotOp dot) {
  auto here = [&](Operation *user) { return user == phase.getOperation(); };
  return llvm::all_of(dot->getUsers(), [&](Operation *user) {
    return here(user) || (isa<tensor::ExtractSliceOp>(user) &&
                          llvm::all_of(user->getUsers(), here));
  });
}

void Fusion::collect(OpOperand &operand) {
  scan::DotOp dot = productOf(operand.get());
  if (!dot || !isFusable(dot) || !isReadHereAlone(dot) ||
      !phase.getMatchingIndexingMap(&operand).isIdentity())
    return;
  if (std::optional<int64_t> column = columnOf(operand.get(), dot))
    products[dot].columns.push_back({operand.getOperandNumber(), *column});
}

bool Fusion::find() {
  if (!isPointwise())
    return false;
  for (OpOperand *input : phase.getDpsInputOperands())
    collect(*input);
  unsigned accumulators = 0;
  products.remove_if([&](auto &entry) {
    auto dot = cast<scan::DotOp>(entry.first);
    unsigned reads = 0;
    for (OpOperand *input : phase.getDpsInputOperands())
      reads += productOf(input->get()) == dot;
    unsigned own = entry.second.columns.size();
    if (own != reads || accumulators + own > kMaxAccumulators)
      return true;
    accumulators += own;
    return false;
  });
  keepOneWidth();
  return any();
}

void Fusion::leave(llvm::function_ref<bool(scan::DotOp)> which) {
  products.remove_if(
      [&](auto &entry) { return which(cast<scan::DotOp>(entry.first)); });
  keepOneWidth();
}

/// Products with a single sum a unit have wider panels than others: they stay
/// outside where there are others.
void Fusion::keepOneWidth() {
  auto isSingle = [](auto &entry) { return entry.second.columns.size() == 1; };
  if (!llvm::all_of(products, isSingle))
    products.remove_if(isSingle);
}

void Fusion::apply() {
  OpBuilder b(phase);
  SmallVector<Value> lefts, rights, inputs;
  SmallVector<Attribute> columns, maps;
  SmallVector<unsigned> order; // operands of the old op, as arguments are
  llvm::SmallBitVector fused(phase->getNumOperands());
  for (auto &[op, reads] : products) {
    auto dot = cast<scan::DotOp>(op);
    lefts.push_back(dot.getLhs());
    rights.push_back(dot.getRhs());
    SmallVector<int64_t> firsts;
    // However the phase is written, its sums come in the order of the matrix.
    llvm::stable_sort(reads.columns, llvm::less_second());
    for (auto [operand, column] : reads.columns) {
      order.push_back(operand);
      firsts.push_back(column);
      fused.set(operand);
    }
    columns.push_back(b.getDenseI64ArrayAttr(firsts));
  }
  for (OpOperand *input : phase.getDpsInputOperands()) {
    if (fused.test(input->getOperandNumber()))
      continue;
    order.push_back(input->getOperandNumber());
    inputs.push_back(input->get());
    maps.push_back(AffineMapAttr::get(phase.getMatchingIndexingMap(input)));
  }
  auto made = kernel::PhaseOp::create(
      b, phase.getLoc(), phase.getResultTypes(), lefts, rights, inputs,
      phase.getDpsInits(), /*lengths=*/Value(), /*at=*/Value(),
      /*valid=*/Value(), /*turn=*/Value(), /*in_place=*/Value(),
      /*matrices=*/ValueRange(), b.getArrayAttr(columns), b.getArrayAttr(maps),
      /*per_row=*/DenseI64ArrayAttr(), /*zeros=*/DenseI64ArrayAttr(),
      /*units=*/IntegerAttr(), /*stored_bits=*/DenseI64ArrayAttr(),
      /*packed=*/UnitAttr());
  Block *body = b.createBlock(&made.getBody());
  IRMapping mapping;
  for (unsigned operand : order) {
    BlockArgument old = phase.getBody()->getArgument(operand);
    mapping.map(old, body->addArgument(old.getType(), old.getLoc()));
  }
  for (Operation &op : phase.getBody()->without_terminator())
    b.clone(op, mapping);
  SmallVector<Value> yielded;
  for (Value value : phase.getBody()->getTerminator()->getOperands())
    yielded.push_back(mapping.lookupOrDefault(value));
  kernel::YieldOp::create(b, phase.getLoc(), yielded);
  phase->replaceAllUsesWith(made);
  phase.erase();
  // The products and their parts are read by nobody now.
  for (auto &[op, reads] : products) {
    for (Operation *part : llvm::make_early_inc_range(op->getUsers()))
      part->erase();
    op->erase();
  }
}

/// In a ragged batch a phase computes the rows that have not ended.
void leaveEndedRows(kernel::PhaseOp phase) {
  auto loop = dyn_cast<scan::LoopOp>(phase->getParentOp());
  if (!loop || !loop.getLengths() || phase.getNumRowDims() != 1)
    return;
  PastEnd past;
  past.agree(loop.getLengths());
  bool leaves = false;
  for (Value result : phase.getResults()) {
    leaves |= !result.use_empty();
    if (!past.reachesNobody(result, /*leading=*/1))
      return;
  }
  if (!leaves)
    return;
  phase.getLengthsMutable().assign(loop.getLengths());
  phase.getAtMutable().assign(loop.getStep());
}

/// So does a product by itself, of rows that are examples.
void leaveEndedRows(scan::DotOp dot) {
  auto loop = dyn_cast<scan::LoopOp>(dot->getParentOp());
  if (!loop || !loop.getLengths() || dot.getLengths() ||
      !dot.isMatrixProduct() || dot.getLhsFree() != SmallVector<int64_t>{0})
    return;
  PastEnd past;
  past.agree(loop.getLengths());
  if (past.reachesNobody(dot.getResult(), /*leading=*/1))
    dot.getLengthsMutable().assign(loop.getLengths());
}

/// A parameter of a module of the source, as all its functions know it.
using Parameter = std::pair<Attribute, Attribute>;

Parameter parameterOf(scan::DotOp dot) {
  Value value = dot.getRhs();
  while (auto transpose = value.getDefiningOp<scan::TransposeOp>())
    value = transpose.getInput();
  auto function = dot->getParentOfType<func::FuncOp>();
  interface::FunctionAttr known = interface::functionOf(function);
  interface::SlotAttr slot = interface::slotOf(value);
  if (!known || !slot)
    return {};
  return {known.getModule(), slot.getName()};
}

/// Gradients pack for themselves what nobody else reads.
bool isGradient(func::FuncOp function) {
  interface::FunctionAttr known = interface::functionOf(function);
  return known && known.isGradient();
}

struct KernelFuseProducts
    : public impl::KernelFuseProductsBase<KernelFuseProducts> {
  using Base::Base;

  void runOnOperation() override {
    SmallVector<Fusion> inLoops, outside;
    getOperation().walk([&](linalg::GenericOp op) {
      if (Fusion fusion(op); fusion.find())
        (isa<scan::LoopOp>(op->getParentOp()) ? inLoops : outside)
            .push_back(fusion);
    });
    for (Fusion &fusion : inLoops)
      apply(fusion);
    leaveShared(outside);
    for (Fusion &fusion : outside)
      if (fusion.any())
        apply(fusion);
    getOperation().walk([](scan::DotOp dot) { leaveEndedRows(dot); });
    getOperation().walk([](kernel::PhaseOp phase) { leaveEndedRows(phase); });
  }

private:
  void apply(Fusion &fusion) {
    numFused += fusion.numProducts();
    fusion.apply();
  }

  /// A weight that another product reads as a whole would be packed twice: a
  /// phase outside of loops, which runs once, leaves it alone.
  void leaveShared(MutableArrayRef<Fusion> outside) {
    llvm::DenseSet<Parameter> whole;
    getOperation().walk([&](scan::DotOp dot) {
      if (!isGradient(dot->getParentOfType<func::FuncOp>()) &&
          llvm::none_of(outside, [&](Fusion &f) { return f.takes(dot); }))
        whole.insert(parameterOf(dot));
    });
    whole.erase(Parameter());
    for (Fusion &fusion : outside)
      fusion.leave(
          [&](scan::DotOp dot) { return whole.contains(parameterOf(dot)); });
  }
};

} // namespace

} // namespace rnnc
