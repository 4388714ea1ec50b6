// Outline.cpp: every kernel becomes a function, made once a shape.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A function with the gradient of a model holds hundreds of kernels whose
// addresses are long sums of sizes; in a function of its own a kernel sees a
// few pointers and sizes, and what is the same (the layers of a stack, the
// forward part of `loss` and `grad`) is compiled once. Loops around kernels
// that are there more than once become functions, too, and parts that run side
// by side, so that a thread can be given one.

#include "HeldLoop.h"

#include "rnnc/Dialect/Kernel/Kernel.h"

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace rnnc {

#define GEN_PASS_DEF_KERNELOUTLINE
#include "rnnc/Conversion/KernelToLoops/Passes.h.inc"

namespace {

bool isScalar(Type type) { return type.isIntOrIndexOrFloat(); }

/// What becomes a function: loops over buffers with strides, and scalars.
bool isKernel(Operation *op) {
  if (isa<scf::ForOp>(op))
    return op->hasAttr(kLowered);
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op)) {
    if (!linalgOp.hasPureBufferSemantics() || linalgOp.getNumLoops() == 0)
      return false;
  } else if (!isa<memref::CopyOp, kernel::GatherOp, kernel::ScatterAddOp,
                  kernel::EnterOp, kernel::LeaveOp, kernel::MaskRowsOp,
                  kernel::ReverseOp, kernel::PickStepOp, kernel::PlaceStepOp,
                  kernel::ArgmaxOp, kernel::RandomOp, kernel::PhaseOp,
                  kernel::ValidRowsOp, kernel::ValidPlacesOp>(op)) {
    return false;
  }
  return llvm::all_of(op->getOperandTypes(), [](Type type) {
    auto memref = dyn_cast<MemRefType>(type);
    return memref ? memref.isStrided() && isScalar(memref.getElementType())
                  : isScalar(type);
  });
}

/// Fills and copies of memory without gaps are all the same: of a number of
/// elements.
bool isFlat(Operation *op) {
  return isa<linalg::FillOp, memref::CopyOp>(op) &&
         llvm::all_of(op->getOperandTypes(), [](Type type) {
           auto memref = dyn_cast<MemRefType>(type);
           return !memref || memref.getRank() == 1;
         });
}

/// Makes a fill or copy flat where its buffers are.
Operation *flatten(Operation *op) {
  if (!isa<linalg::FillOp, memref::CopyOp>(op))
    return op;
  SmallVector<ReassociationIndices> all(1);
  for (Value operand : op->getOperands()) {
    auto type = dyn_cast<MemRefType>(operand.getType());
    if (!type)
      continue;
    all[0] = llvm::to_vector(llvm::seq<int64_t>(type.getRank()));
    if (type.getRank() < 2 || !joinsDims(type, all))
      return op;
  }
  OpBuilder b(op);
  Location loc = op->getLoc();
  auto flat = [&](Value buffer) -> Value {
    return memref::CollapseShapeOp::create(b, loc, buffer, all);
  };
  Operation *result;
  if (auto copy = dyn_cast<memref::CopyOp>(op)) {
    result = memref::CopyOp::create(b, loc, flat(copy.getSource()),
                                    flat(copy.getTarget()));
  } else {
    auto fill = cast<linalg::FillOp>(op);
    result = linalg::FillOp::create(b, loc, fill.getInputs(),
                                    flat(fill.getOutputs()[0]));
  }
  op->erase();
  return result;
}

/// One kernel and the call that takes its place.
class KernelBuilder {
public:
  /// Of `op`, or of a part of it.
  KernelBuilder(Operation *op, LLVMTypeConverter &converter,
                Region *part = nullptr)
      : op(op), part(part), converter(converter), anySize(isFlat(op)),
        caller(op), loc(op->getLoc()),
        ptr(LLVM::LLVMPointerType::get(op->getContext())) {
    auto type = caller.getFunctionType({}, {});
    function = func::FuncOp::create(loc, "kernel", type);
    callee.emplace(OpBuilder::atBlockBegin(function.addEntryBlock()));
  }

  /// The function, not yet in the module.
  func::FuncOp build();
  /// The arguments of the call.
  ArrayRef<Value> arguments() const { return passed; }

private:
  Value argument(Value atCall, Type type);
  Value sizeArgument(Value size);
  void findLoopSizes();
  OpFoldResult sizeOf(Value memref, int64_t dim);
  void passMemref(Value memref);
  void passScalar(Value value);

  SetVector<Value> usedValues();

  Operation *op;
  Region *part;
  LLVMTypeConverter &converter;
  bool anySize; ///< sizes are arguments also where they are known
  OpBuilder caller;
  std::optional<OpBuilder> callee;
  Location loc;
  Type ptr;
  func::FuncOp function;
  SmallVector<Value> passed;
  DenseMap<Value, Value> sizes; ///< of the caller: arguments
  IRMapping inside;
  /// Of a linalg op: the size of each loop.
  SmallVector<OpFoldResult> loopSizes;
};

Value KernelBuilder::argument(Value atCall, Type type) {
  passed.push_back(atCall);
  Block &entry = function.getBody().front();
  return entry.addArgument(type, loc);
}

Value KernelBuilder::sizeArgument(Value size) {
  Value &known = sizes[size];
  if (!known) {
    Type i64 = caller.getI64Type();
    known =
        argument(caller.createOrFold<arith::IndexCastOp>(loc, i64, size), i64);
  }
  return known;
}

/// Operands that share a loop share its size.
void KernelBuilder::findLoopSizes() {
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (!linalgOp)
    return;
  loopSizes.resize(linalgOp.getNumLoops());
  for (OpOperand &operand : op->getOpOperands()) {
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    if (!type)
      continue;
    AffineMap map = linalgOp.getMatchingIndexingMap(&operand);
    for (auto [i, e] : llvm::enumerate(map.getResults())) {
      auto dim = dyn_cast<AffineDimExpr>(e);
      if (!dim)
        continue;
      OpFoldResult &size = loopSizes[dim.getPosition()];
      if (!type.isDynamicDim(i))
        size = caller.getIndexAttr(type.getDimSize(i));
      else if (!size)
        size = getAsOpFoldResult(
            caller.createOrFold<memref::DimOp>(loc, operand.get(), i));
    }
  }
}

OpFoldResult KernelBuilder::sizeOf(Value memref, int64_t i) {
  auto type = cast<MemRefType>(memref.getType());
  if (!type.isDynamicDim(i))
    return caller.getIndexAttr(type.getDimSize(i));
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
    for (OpOperand &operand : op->getOpOperands())
      if (operand.get() == memref)
        if (auto dim = dyn_cast<AffineDimExpr>(
                linalgOp.getMatchingIndexingMap(&operand).getResult(i)))
          return loopSizes[dim.getPosition()];
  return getAsOpFoldResult(caller.createOrFold<memref::DimOp>(loc, memref, i));
}

/// The strides of rows that lie one after the other.
bool isContiguous(ArrayRef<int64_t> shape, ArrayRef<int64_t> strides) {
  int64_t run = 1;
  for (int64_t i = int64_t(shape.size()) - 1; i >= 0; --i) {
    if (strides[i] != run)
      return false;
    if (i && ShapedType::isDynamic(shape[i]))
      return false;
    run *= shape[i];
  }
  return true;
}

/// A buffer is passed as the address of its first element; sizes and strides
/// that are not known stand in arguments of their own. What is on the stack for
/// a kernel is the kernel's.
void KernelBuilder::passMemref(Value memref) {
  if (auto own = memref.getDefiningOp<memref::AllocaOp>()) {
    callee->clone(*own, inside);
    return;
  }
  auto type = cast<MemRefType>(memref.getType());
  int64_t rank = type.getRank(), offset;
  SmallVector<int64_t> strides, shape;
  (void)type.getStridesAndOffset(strides, offset);
  Value pointer = argument(pointerOf(caller, loc, memref), ptr);
  SmallVector<Value> sizeValues(rank), strideValues(rank);
  for (int64_t i = 0; i != rank; ++i) {
    OpFoldResult size = sizeOf(memref, i);
    std::optional<int64_t> known = getConstantIntValue(size);
    if (anySize)
      known = std::nullopt;
    shape.push_back(known.value_or(ShapedType::kDynamic));
    if (!known)
      sizeValues[i] =
          sizeArgument(getValueOrCreateConstantIndexOp(caller, loc, size));
  }
  bool identity = type.getLayout().isIdentity();
  if (!identity) {
    auto data = memref::ExtractStridedMetadataOp::create(caller, loc, memref);
    for (int64_t i = 0; i != rank; ++i)
      if (ShapedType::isDynamic(strides[i]))
        strideValues[i] = sizeArgument(data.getStrides()[i]);
    identity = isContiguous(shape, strides);
  }
  MemRefLayoutAttrInterface layout;
  if (!identity)
    layout = StridedLayoutAttr::get(op->getContext(), 0, strides);
  auto inner = MemRefType::get(shape, type.getElementType(), layout);
  inside.map(memref, memrefAt(*callee, loc, converter, inner, pointer,
                              sizeValues, strideValues));
}

void KernelBuilder::passScalar(Value value) {
  Operation *def = value.getDefiningOp();
  if (def && def->hasTrait<OpTrait::ConstantLike>())
    callee->clone(*def, inside);
  else
    inside.map(value, argument(value, value.getType()));
}

SetVector<Value> KernelBuilder::usedValues() {
  SetVector<Value> used;
  if (part) {
    getUsedValuesDefinedAbove(*part, used);
    return used;
  }
  used.insert(op->operand_begin(), op->operand_end());
  getUsedValuesDefinedAbove(op->getRegions(), used);
  return used;
}

func::FuncOp KernelBuilder::build() {
  findLoopSizes();
  for (Value v : usedValues()) {
    if (isa<MemRefType>(v.getType()))
      passMemref(v);
    else
      passScalar(v);
  }
  if (part) {
    for (Operation &inner : part->front())
      callee->clone(inner, inside);
  } else {
    callee->clone(*op, inside);
  }
  func::ReturnOp::create(*callee, loc);
  Block &entry = function.getBody().front();
  function.setFunctionType(
      caller.getFunctionType(entry.getArgumentTypes(), {}));
  return function;
}

/// Views of buffers that a part reads are made in it: what a function is handed
/// then begins where a buffer does.
void sinkViews(Region &part) {
  OpBuilder b = OpBuilder::atBlockBegin(&part.front());
  for (bool changed = true; changed;) {
    changed = false;
    SetVector<Value> used;
    getUsedValuesDefinedAbove(part, used);
    for (Value value : used) {
      Operation *view = value.getDefiningOp();
      if (!isa_and_nonnull<ViewLikeOpInterface>(view) ||
          isa<memref::ViewOp>(view) || view->getNumResults() != 1)
        continue;
      b.setInsertionPointToStart(&part.front());
      Value inside = b.clone(*view)->getResult(0);
      replaceAllUsesInRegionWith(value, inside, part);
      changed = true;
    }
  }
}

/// Functions by their structure: what they compute, on which types, in which
/// order. Names and places in the source do not count.
class KnownFunctions {
public:
  /// A function that was given before and is the same, or the one given.
  func::FuncOp sameOrNew(func::FuncOp function) {
    auto &alike = byHash[hashOf(function)];
    for (func::FuncOp other : alike)
      if (areSame(function, other))
        return other;
    alike.push_back(function);
    return function;
  }

private:
  static llvm::hash_code hashOf(func::FuncOp function) {
    llvm::hash_code hash = hash_value(Type(function.getFunctionType()));
    function.getBody().walk([&](Operation *op) {
      hash = llvm::hash_combine(hash,
                                OperationEquivalence::computeHash(
                                    op, OperationEquivalence::ignoreHashValue,
                                    OperationEquivalence::ignoreHashValue,
                                    OperationEquivalence::IgnoreLocations));
    });
    return hash;
  }

  static bool areSame(func::FuncOp a, func::FuncOp b) {
    return a.getFunctionType() == b.getFunctionType() &&
           OperationEquivalence::isRegionEquivalentTo(
               &a.getBody(), &b.getBody(),
               OperationEquivalence::IgnoreLocations);
  }

  llvm::DenseMap<llvm::hash_code, SmallVector<func::FuncOp, 1>> byHash;
};

/// Loops around kernels, those of a stack's layers above all: what is there
/// more than once becomes one function.
class LoopOutliner {
public:
  LoopOutliner(ModuleOp module, LLVMTypeConverter &converter,
               SymbolTable &symbols)
      : module(module), converter(converter), symbols(symbols) {}

  void run() {
    SmallVector<scf::ForOp> loops;
    for (auto function : module.getOps<func::FuncOp>())
      collect(function.getBody(), loops);
    while (!loops.empty())
      loops = outline(loops);
  }

private:
  struct Candidate {
    scf::ForOp loop;
    std::unique_ptr<KernelBuilder> builder;
    func::FuncOp function;
  };

  /// The outermost loops of a region.
  static void collect(Region &region, SmallVector<scf::ForOp> &loops) {
    region.walk<WalkOrder::PreOrder>([&](scf::ForOp loop) {
      if (canMove(loop))
        loops.push_back(loop);
      else
        collect(loop.getRegion(), loops);
      return WalkResult::skip();
    });
  }

  static bool canMove(scf::ForOp loop) {
    if (loop.getNumResults() || isKernel(loop))
      return false;
    bool hasKernels = false;
    loop.walk([&](Operation *op) {
      hasKernels |= isKernel(op) || isa<kernel::GemmOp>(op);
    });
    SetVector<Value> used;
    getUsedValuesDefinedAbove(loop.getRegion(), used);
    return hasKernels && llvm::all_of(used, [](Value value) {
             auto memref = dyn_cast<MemRefType>(value.getType());
             return memref ? memref.isStrided() &&
                                 isScalar(memref.getElementType())
                           : isScalar(value.getType());
           });
  }

  /// What is there once stays, and the loops inside of it are looked at next.
  SmallVector<scf::ForOp> outline(ArrayRef<scf::ForOp> loops) {
    KnownFunctions known;
    llvm::MapVector<Operation *, SmallVector<Candidate>> groups;
    for (scf::ForOp loop : loops) {
      Candidate made{
          loop, std::make_unique<KernelBuilder>(loop, converter), {}};
      made.function = made.builder->build();
      groups[known.sameOrNew(made.function)].push_back(std::move(made));
    }
    SmallVector<scf::ForOp> inner;
    for (auto &[function, same] : groups) {
      if (same.size() > 1)
        replace(same);
      else
        collect(same.front().loop.getRegion(), inner);
      for (Candidate &one : same)
        if (one.function != function || same.size() == 1)
          one.function.erase();
    }
    return inner;
  }

  /// All call the function of the first.
  void replace(MutableArrayRef<Candidate> same) {
    func::FuncOp function = same.front().function;
    Builder b(module.getContext());
    function.setName(("rnnc.loop." + Twine(number++)).str());
    function.setPrivate();
    function->setAttr(kPart, b.getUnitAttr());
    function->setAttr("passthrough", b.getStrArrayAttr({"noinline"}));
    symbols.insert(function);
    for (Candidate &one : same) {
      OpBuilder at(one.loop);
      func::CallOp::create(at, one.loop.getLoc(), function,
                           one.builder->arguments());
      one.loop.erase();
    }
  }

  ModuleOp module;
  LLVMTypeConverter &converter;
  SymbolTable &symbols;
  unsigned number = 0;
};

struct KernelOutline : public impl::KernelOutlineBase<KernelOutline> {
  using Base::Base;

  void runOnOperation() override {
    LLVMTypeConverter converter(&getContext());
    SymbolTable symbols(getOperation());
    SmallVector<kernel::BesideOp> together;
    getOperation().walk<WalkOrder::PreOrder>([&](kernel::BesideOp op) {
      together.push_back(op);
      return WalkResult::skip();
    });
    for (kernel::BesideOp op : together)
      outlineParts(op, converter, symbols);
    LoopOutliner(getOperation(), converter, symbols).run();
    SmallVector<Operation *> kernels;
    getOperation().walk([&](Operation *op) {
      if (isKernel(op))
        kernels.push_back(op);
    });
    KnownFunctions known;
    for (Operation *op : kernels) {
      op = flatten(op);
      KernelBuilder builder(op, converter);
      func::FuncOp made = builder.build();
      func::FuncOp function = known.sameOrNew(made);
      if (function == made)
        finish(function, symbols);
      else
        made.erase();
      OpBuilder b(op);
      func::CallOp::create(b, op->getLoc(), function, builder.arguments());
      op->erase();
    }
  }

private:
  /// Each part becomes a call.
  void outlineParts(kernel::BesideOp op, LLVMTypeConverter &converter,
                    SymbolTable &symbols) {
    std::string name = op->getParentOfType<func::FuncOp>().getName().str();
    for (Region &part : op.getParts()) {
      // What would be side by side in turn is not.
      SmallVector<kernel::BesideOp> nested;
      part.walk([&](kernel::BesideOp inner) { nested.push_back(inner); });
      for (kernel::BesideOp inner : nested)
        inlineParts(inner);
      sinkViews(part);
      KernelBuilder builder(op, converter, &part);
      func::FuncOp made = builder.build();
      Builder b(&getContext());
      made.setName((name + ".part" + Twine(parts++)).str());
      made.setPrivate();
      made->setAttr(kPart, b.getUnitAttr());
      made->setAttr("passthrough", b.getStrArrayAttr({"noinline"}));
      symbols.insert(made);
      part.front().clear();
      OpBuilder inside = OpBuilder::atBlockBegin(&part.front());
      func::CallOp::create(inside, op->getLoc(), made, builder.arguments());
    }
  }

  void finish(func::FuncOp function, SymbolTable &symbols) {
    Builder b(&getContext());
    function.setName(("rnnc.kernel." + Twine(number++)).str());
    function.setPrivate();
    function->setAttr("rnnc.kernel", b.getUnitAttr());
    // In its callers it would be compiled once for each.
    function->setAttr("passthrough", b.getStrArrayAttr({"noinline"}));
    symbols.insert(function);
  }

  unsigned number = 0, parts = 0;
};

} // namespace

void inlineParts(kernel::BesideOp op) {
  for (Region &part : op.getParts())
    op->getBlock()->getOperations().splice(op->getIterator(),
                                           part.front().getOperations());
  op.erase();
}

} // namespace rnnc
