// PrepareWeights.cpp: packs weights in a function of its own.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "QuantizeLeft.h"

#include "rnnc/Dialect/Kernel/Kernel.h"
#include "rnnc/Dialect/Kernel/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/Statistic.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MathExtras.h"

#define DEBUG_TYPE "kernel-prepare-weights"

using namespace mlir;

namespace rnnc::kernel {

#define GEN_PASS_DEF_KERNELPREPAREWEIGHTS
#include "rnnc/Dialect/Kernel/Transforms/Passes.h.inc"

ALWAYS_ENABLED_STATISTIC(numPanels, "Panels packed once");
ALWAYS_ENABLED_STATISTIC(numShared, "Uses of a panel that has another one");

namespace {

/// Panels begin at multiples of this many elements, 64 bytes or more.
constexpr int64_t kPanelAlignment = 16;

/// `user` fills the buffer behind `value`, and nothing else.
bool onlyWrites(Operation *user, Value value) {
  if (auto copy = dyn_cast<memref::CopyOp>(user))
    return copy.getTarget() == value && copy.getSource() != value;
  auto linalg = dyn_cast<linalg::LinalgOp>(user);
  return linalg && linalg.getNumDpsInits() == 1 &&
         linalg.getDpsInits().front() == value &&
         !llvm::is_contained(linalg.getDpsInputs(), value);
}

/// Calls `visit(user, value)` for every op that is no view and uses `value`
/// or a view of it; stops at the first `false`.
bool forEachAccess(Value value,
                   llvm::function_ref<bool(Operation *, Value)> visit) {
  return llvm::all_of(value.getUsers(), [&](Operation *user) {
    if (isa<ViewLikeOpInterface>(user) && user->getNumResults() == 1)
      return forEachAccess(user->getResult(0), visit);
    return visit(user, value);
  });
}

bool isParameter(func::FuncOp function, unsigned argument) {
  interface::SlotAttr slot = interface::slotOf(function, argument);
  return slot && slot.getRole() == interface::Role::Param;
}

/// What one `kernel.pack` needs: the ops that lead from parameters to it.
class Slice {
public:
  Slice(func::FuncOp function, PackOp pack, unsigned bits)
      : function(function), pack(pack), bits(bits) {}

  /// False where the operand depends on more than parameters.
  bool collect() {
    auto target = pack.getPacked().getDefiningOp<memref::AllocOp>();
    if (!target || pack->getBlock() != &function.getBody().front() ||
        !target.getType().hasStaticShape())
      return false;
    bool once = forEachAccess(target, [&](Operation *user, Value) {
      return user == pack || isa<GemmOp, PhaseOp>(user);
    });
    if (!once || !need(pack.getSource()))
      return false;
    if (bits == 8)
      checkIntegers(target);
    // In the same order in every function.
    llvm::sort(parameters);
    sorted = ops.takeVector();
    llvm::sort(sorted, [](Operation *a, Operation *b) {
      return a->isBeforeInBlock(b);
    });
    return true;
  }

  /// Writes the code behind allocations that go to `top`; parameters come
  /// from `parameter`.
  void write(OpBuilder &top, OpBuilder &b, Value target,
             llvm::function_ref<Value(unsigned)> parameter) {
    IRMapping mapping;
    for (unsigned number : parameters)
      mapping.map(function.getArgument(number), parameter(number));
    for (Operation *op : sorted)
      (isa<memref::AllocOp>(op) ? top : b).clone(*op, mapping);
    PackOp::create(b, pack.getLoc(), mapping.lookup(pack.getSource()), target,
                   pack.getTransAttr(), pack.getColumnsAttr(),
                   pack.getUnitsAttr(), storedBits(b))
        ->setDiscardableAttrs(pack->getDiscardableAttrDictionary());
  }

  /// Numbers of the function's arguments, in order.
  ArrayRef<unsigned> getParameters() const { return parameters; }
  PackOp getPack() const { return pack; }
  unsigned getBits() const { return bits; }
  IntegerAttr storedBits(OpBuilder &b) const {
    return bits ? b.getI64IntegerAttr(bits) : IntegerAttr();
  }
  /// Elements of the buffer.
  int64_t size() {
    if (!bits)
      return cast<MemRefType>(pack.getPacked().getType()).getDimSize(0);
    auto [k, n] = pack.sizes();
    return packedSize(k, n, bits);
  }

  StringRef nameOf(unsigned number) {
    interface::SlotAttr slot = interface::slotOf(function, number);
    return slot ? slot.getName().getValue() : "";
  }
  func::FuncOp getFunction() const { return function; }

  /// Equal for equal panels, also of different functions.
  std::string key();

private:
  void checkIntegers(Value target);
  bool need(Value value);
  bool needBuffer(memref::AllocOp alloc);
  bool needOp(Operation *op);

  func::FuncOp function;
  PackOp pack;
  unsigned bits; ///< of a packed number; 0: as it is
  SetVector<Operation *> ops;
  SmallVector<Operation *> sorted;
  SmallVector<unsigned> parameters;
};

/// Where a product cannot be one of integers the weights stay as they are.
void Slice::checkIntegers(Value target) {
  StringRef reason;
  forEachAccess(target, [&](Operation *user, Value value) {
    if (user != pack && reason.empty())
      reason = whyNotIntegers(user, value);
    return true;
  });
  if (reason.empty())
    return;
  bits = 0;
  remark::missed(
      pack.getLoc(),
      remark::RemarkOpts::name("integers").category("kernel-prepare-weights"))
      << "weights of this product stay f32: " << reason;
}

bool Slice::need(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    if (argument.getOwner() != &function.getBody().front() ||
        !isParameter(function, argument.getArgNumber()))
      return false;
    if (!llvm::is_contained(parameters, argument.getArgNumber()))
      parameters.push_back(argument.getArgNumber());
    return true;
  }
  Operation *op = value.getDefiningOp();
  if (op->getBlock() != pack->getBlock())
    return false;
  if (ops.contains(op))
    return true;
  if (auto alloc = dyn_cast<memref::AllocOp>(op))
    return needBuffer(alloc);
  return isMemoryEffectFree(op) && needOp(op);
}

/// All that writes the buffer, before the packing.
bool Slice::needBuffer(memref::AllocOp alloc) {
  if (!alloc.getType().hasStaticShape())
    return false;
  ops.insert(alloc);
  return forEachAccess(alloc, [&](Operation *user, Value value) {
    auto effects = dyn_cast<MemoryEffectOpInterface>(user);
    if (!effects)
      return false;
    SmallVector<MemoryEffects::EffectInstance> found;
    effects.getEffectsOnValue(value, found);
    if (!onlyWrites(user, value))
      return llvm::none_of(found, [](const MemoryEffects::EffectInstance &e) {
        return isa<MemoryEffects::Write>(e.getEffect());
      });
    return user->getBlock() == pack->getBlock() &&
           user->isBeforeInBlock(pack) && needOp(user);
  });
}

bool Slice::needOp(Operation *op) {
  ops.insert(op);
  llvm::SetVector<Value> inside;
  getUsedValuesDefinedAbove(op->getRegions(), inside);
  auto needed = [&](Value value) { return need(value); };
  return llvm::all_of(op->getOperands(), needed) &&
         llvm::all_of(inside, needed);
}

std::string Slice::key() {
  MLIRContext *context = function.getContext();
  Location loc = UnknownLoc::get(context);
  std::string text;
  llvm::raw_string_ostream stream(text);
  SmallVector<Type> types;
  llvm::DenseMap<unsigned, unsigned> place;
  for (unsigned number : parameters) {
    place[number] = types.size();
    types.push_back(function.getArgument(number).getType());
    stream << nameOf(number) << "\n";
  }
  Type element = cast<MemRefType>(pack.getPacked().getType()).getElementType();
  types.push_back(MemRefType::get({size()}, element));
  OwningOpRef<func::FuncOp> code =
      func::FuncOp::create(loc, "panel", FunctionType::get(context, types, {}));
  Block *block = code->addEntryBlock();
  OpBuilder top = OpBuilder::atBlockBegin(block);
  auto end = func::ReturnOp::create(top, loc);
  OpBuilder b(end);
  top.setInsertionPointToStart(block);
  write(top, b, block->getArguments().back(),
        [&](unsigned number) { return block->getArgument(place[number]); });
  code->print(stream, OpPrintingFlags().useLocalScope().printGenericOpForm());
  return text;
}

/// Removes buffers that are only written.
void eraseDeadBuffers(func::FuncOp function) {
  bool changed = true;
  while (changed) {
    changed = false;
    for (auto alloc : llvm::make_early_inc_range(
             function.getBody().front().getOps<memref::AllocOp>())) {
      SetVector<Operation *> users;
      if (!forEachAccess(alloc, [&](Operation *user, Value value) {
            users.insert(user);
            return onlyWrites(user, value);
          }))
        continue;
      for (Operation *user : users)
        user->erase();
      // What is left are views of views, innermost last.
      SmallVector<Operation *> views(alloc->getUsers());
      for (size_t i = 0; i < views.size(); ++i)
        llvm::append_range(views, views[i]->getUsers());
      for (Operation *view : llvm::reverse(views))
        view->erase();
      alloc.erase();
      changed = true;
    }
  }
}

/// A panel: its place, and who uses it.
struct Panel {
  SmallVector<Slice, 2> slices;
  int64_t offset = 0, size = 0;
  bool wanted = false;
};

Location nameOfPrepared(Location loc) {
  return NameLoc::get(StringAttr::get(loc.getContext(), "prepared"), loc);
}

/// The functions of one module of the source.
class Preparer {
public:
  Preparer(bool gradients, unsigned bits) : gradients(gradients), bits(bits) {}

  void add(func::FuncOp function);
  void run();

private:
  void placePanels();
  void makeFunction();
  void usePanels(func::FuncOp function);
  MemRefType prepared() const { return MemRefType::get({size}, element); }
  DictionaryAttr role(MLIRContext *context) const;
  static Value panelOf(OpBuilder &b, Location loc, Value prepared,
                       const Panel &panel);

  bool gradients;
  unsigned bits; ///< of a packed number; 0: as it is
  SmallVector<func::FuncOp> functions;
  std::vector<Panel> panels;
  llvm::StringMap<size_t> numbers; ///< of panels, by what they hold
  Type element;
  int64_t size = 0;
};

void Preparer::add(func::FuncOp function) {
  bool differentiates = interface::functionOf(function).isGradient();
  functions.push_back(function);
  // Gradients are those of the weights as they are.
  if (bits && differentiates)
    return;
  for (auto pack : function.getBody().front().getOps<PackOp>()) {
    Slice slice(function, pack, bits);
    Type type = cast<MemRefType>(pack.getPacked().getType()).getElementType();
    if ((element && type != element) || !slice.collect())
      continue;
    element = type;
    size_t number = numbers.insert({slice.key(), panels.size()}).first->second;
    if (number == panels.size())
      panels.emplace_back();
    Panel &panel = panels[number];
    panel.slices.push_back(slice);
    panel.wanted |= gradients || !differentiates;
  }
}

void Preparer::placePanels() {
  llvm::erase_if(panels, [](const Panel &panel) { return !panel.wanted; });
  for (Panel &panel : panels) {
    panel.offset = size;
    panel.size = panel.slices.front().size();
    ++numPanels;
    numShared += panel.slices.size() - 1;
    size += llvm::alignTo(panel.size, kPanelAlignment);
  }
}

DictionaryAttr Preparer::role(MLIRContext *context) const {
  Builder b(context);
  return interface::attributesOf(interface::SlotAttr::get(
      b.getStringAttr("prepared"), interface::Role::Prepared,
      b.getI64ArrayAttr({size})));
}

Value Preparer::panelOf(OpBuilder &b, Location loc, Value prepared,
                        const Panel &panel) {
  SmallVector<OpFoldResult> offset = {b.getIndexAttr(panel.offset)};
  SmallVector<OpFoldResult> size = {b.getIndexAttr(panel.size)};
  SmallVector<OpFoldResult> stride = {b.getIndexAttr(1)};
  return memref::SubViewOp::create(b, loc, prepared, offset, size, stride);
}

/// `@MODULE.prepare(parameters..., prepared)`.
void Preparer::makeFunction() {
  func::FuncOp like = functions.front();
  Location loc = like.getLoc();
  OpBuilder b(like);
  llvm::MapVector<StringRef, unsigned> places;
  SmallVector<Type> types;
  SmallVector<DictionaryAttr> attrs;
  SmallVector<Location> locations;
  for (Panel &panel : panels) {
    Slice &slice = panel.slices.front();
    for (unsigned number : slice.getParameters()) {
      if (!places.insert({slice.nameOf(number), types.size()}).second)
        continue;
      func::FuncOp from = slice.getFunction();
      types.push_back(from.getArgumentTypes()[number]);
      locations.push_back(from.getArgument(number).getLoc());
      attrs.push_back(from.getArgAttrDict(number));
    }
  }
  types.push_back(prepared());
  locations.push_back(nameOfPrepared(loc));
  attrs.push_back(role(b.getContext()));
  std::string name = (like.getName().rsplit('.').first + ".prepare").str();
  auto function =
      func::FuncOp::create(b, loc, name, b.getFunctionType(types, {}));
  StringAttr module = interface::functionOf(like).getModule();
  function->setAttr(interface::kFunction,
                    interface::FunctionAttr::get(
                        b.getContext(), module, b.getStringAttr("prepare"),
                        /*dims=*/b.getArrayAttr({}), /*results=*/1));
  for (auto [i, attr] : llvm::enumerate(attrs))
    function.setArgAttrs(unsigned(i), attr);
  Block *block = function.addEntryBlock();
  for (auto [argument, place] : llvm::zip(block->getArguments(), locations))
    argument.setLoc(place);
  b.setInsertionPointToStart(block);
  auto end = func::ReturnOp::create(b, loc);
  b.setInsertionPoint(end);
  for (Panel &panel : panels) {
    Slice &slice = panel.slices.front();
    OpBuilder top = OpBuilder::atBlockBegin(block);
    Value target = panelOf(b, loc, block->getArguments().back(), panel);
    slice.write(top, b, target, [&](unsigned number) {
      return block->getArgument(places[slice.nameOf(number)]);
    });
  }
}

/// What reads a panel is told how its numbers are stored.
static void noteBits(Value panel, unsigned bits) {
  forEachAccess(panel, [&](Operation *user, Value value) {
    if (bits == 8)
      quantizeLeft(user, value);
    if (auto gemm = dyn_cast<GemmOp>(user))
      gemm.setStoredBits(bits);
    auto phase = dyn_cast<PhaseOp>(user);
    if (!phase)
      return true;
    SmallVector<int64_t> all(phase.getRights().size(), 0);
    if (auto known = phase.getStoredBits())
      all.assign(known->begin(), known->end());
    for (auto [p, right] : llvm::enumerate(phase.getRights()))
      if (right == value)
        all[p] = bits;
    phase.setStoredBits(all);
    return true;
  });
}

/// The panels of a function come from a new argument before the results.
void Preparer::usePanels(func::FuncOp function) {
  auto uses = [&](Slice &slice) { return slice.getFunction() == function; };
  bool any = llvm::any_of(
      panels, [&](Panel &panel) { return llvm::any_of(panel.slices, uses); });
  if (!any)
    return;
  unsigned place = function.getNumArguments() -
                   unsigned(interface::functionOf(function).getResults());
  if (failed(function.insertArgument(place, prepared(),
                                     role(function.getContext()),
                                     nameOfPrepared(function.getLoc()))))
    return;
  OpBuilder b = OpBuilder::atBlockBegin(&function.getBody().front());
  // Erased last: the builder may stand before one of them.
  SmallVector<Operation *> replaced;
  for (Panel &panel : panels)
    for (Slice &slice : panel.slices) {
      if (!uses(slice))
        continue;
      PackOp pack = slice.getPack();
      auto target = pack.getPacked().getDefiningOp();
      Value panelHere =
          panelOf(b, pack.getLoc(), function.getArgument(place), panel);
      if (slice.getBits())
        noteBits(target->getResult(0), slice.getBits());
      target->getResult(0).replaceAllUsesWith(panelHere);
      replaced.append({pack, target});
    }
  for (Operation *op : replaced)
    op->erase();
  eraseDeadBuffers(function);
}

void Preparer::run() {
  placePanels();
  if (panels.empty())
    return;
  makeFunction();
  for (func::FuncOp function : functions)
    usePanels(function);
}

struct KernelPrepareWeights
    : public impl::KernelPrepareWeightsBase<KernelPrepareWeights> {
  using Base::Base;

  LogicalResult initialize(MLIRContext *context) override {
    if (storedBits == 0 || storedBits == 8 || storedBits == 16)
      return success();
    return emitError(UnknownLoc::get(context))
           << getArgument()
           << ": numbers are stored in 8 or 16 bits, or as they are";
  }

  void runOnOperation() override {
    llvm::MapVector<Attribute, Preparer> modules;
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      interface::FunctionAttr known = interface::functionOf(function);
      if (!known || !known.getDims() || known.getModule().empty() ||
          function.isExternal() || function.isPrivate())
        continue;
      modules.try_emplace(known.getModule(), gradients, storedBits)
          .first->second.add(function);
    }
    for (auto &[owner, preparer] : modules)
      preparer.run();
  }
};

} // namespace

} // namespace rnnc::kernel
