// SelectSchedule.cpp: the one pass that decides.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/Kernel/Transforms/Passes.h"

#include "CostModel.h"
#include "ScheduleFile.h"

#include "rnnc/Dialect/Kernel/Kernel.h"
#include "rnnc/Dialect/Kernel/Transforms/ProductType.h"
#include "rnnc/Dialect/Scan/Scan.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace rnnc::kernel {

#define GEN_PASS_DEF_KERNELSELECTSCHEDULE
#include "rnnc/Dialect/Kernel/Transforms/Passes.h.inc"

namespace {

using Decide = llvm::function_ref<ScheduleAttr(TargetAttr)>;

unsigned bitsOf(Value value) {
  return cast<ShapedType>(value.getType()).getElementTypeBitWidth();
}

bool isReal(Value value) {
  return isa<FloatType>(cast<ShapedType>(value.getType()).getElementType());
}

SmallVector<unsigned> accumulatorsOf(PhaseOp phase) {
  SmallVector<unsigned> counts;
  for (unsigned p = 0; p != phase.getLefts().size(); ++p)
    counts.push_back(phase.columnsOf(p).size());
  return counts;
}

/// The product of some sizes; 0 where one is not known.
int64_t sizeOf(ShapedType type, ArrayRef<int64_t> dims) {
  int64_t size = 1;
  for (int64_t dim : dims)
    size *= type.isDynamicDim(dim) ? 0 : type.getDimSize(dim);
  return size;
}

/// Of the result of a product, as a matrix.
ResultSize sizeOf(Operation *op) {
  if (auto gemm = dyn_cast<GemmOp>(op)) {
    auto type = cast<ShapedType>(gemm.getC().getType());
    return {sizeOf(type, {0}), sizeOf(type, {1}), /*weights=*/0};
  }
  auto dot = cast<scan::DotOp>(op);
  auto right = cast<ShapedType>(dot.getRhs().getType());
  return {sizeOf(cast<ShapedType>(dot.getLhs().getType()), dot.getLhsFree()),
          sizeOf(right, dot.getRhsFree()),
          right.hasStaticShape() ? right.getNumElements() : 0};
}

/// Elements of all right operands.
int64_t weightsOf(PhaseOp phase) {
  int64_t count = 0;
  for (Value right : phase.getRights())
    count += cast<ShapedType>(right.getType()).getNumElements();
  return count;
}

/// `1 sum`, `4 sums`.
std::string counted(int64_t count, StringRef what) {
  return (Twine(count) + " " + what + (count == 1 ? "" : "s")).str();
}

struct KernelSelectSchedule
    : public impl::KernelSelectScheduleBase<KernelSelectSchedule> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    known.clear();
    firstProduct = nullptr;
    hasTiles = false;
    file = ScheduleFile();
    if (failed(findTargets(module)) ||
        (!scheduleFile.empty() &&
         failed(file.read(&getContext(), scheduleFile))))
      return signalPassFailure();
    if (failed(schedule(module, "module", moduleSchedule)))
      return signalPassFailure();
    remarkModule(module);
    for (auto function : module.getOps<func::FuncOp>())
      if (failed(scheduleFunction(function)))
        return signalPassFailure();
    if (failed(file.checkUsed(known)) || failed(noteProductType(module)))
      return signalPassFailure();
  }

private:
  LogicalResult findTargets(ModuleOp module);
  LogicalResult noteProductType(ModuleOp module);
  void findTiles(Operation *op, unsigned bits);
  LogicalResult scheduleFunction(func::FuncOp function);
  LogicalResult scheduleOp(Operation *op, func::FuncOp function);
  LogicalResult scheduleLoop(scan::LoopOp loop, const std::string &name);
  LogicalResult scheduleBeside(func::FuncOp function);
  LogicalResult scheduleBeside(func::FuncOp function, Block &block);
  LogicalResult schedule(Operation *op, const Twine &name, Decide decide);
  LogicalResult adjust(Operation *op, const Twine &name,
                       ArrayRef<Decision> decisions);
  /// Whether there is no processor among the targets.
  bool isForGPU() {
    return llvm::all_of(known, [](TargetAttr one) { return one.getGpu(); });
  }
  void remarkModule(ModuleOp module);
  std::string tasksOf(PhaseOp phase);
  std::string turnsOf(PhaseOp phase);
  std::string fetchesOf(Operation *op);
  void remarkPhase(PhaseOp phase, StringRef name);
  void remarkLoop(scan::LoopOp loop, StringRef name, ScheduleAttr schedule);
  void remarkBeside(ArrayRef<scan::LoopOp> loops, StringRef name);
  void remarkProduct(Operation *op, StringRef name);
  void remarkChunks(scan::ChunksOp op, StringRef name);
  /// The values of a decision, target by target, or just one where they agree;
  /// of processors where there are some.
  std::string valuesOf(Operation *op, ArrayRef<Decision> decisions,
                       StringRef between);
  std::string tilesOf(Operation *op);
  std::string blocksOf(Operation *op);

  SmallVector<TargetAttr> known;
  ScheduleFile file;
  Operation *firstProduct = nullptr; ///< of f32, and not in tiles
  bool hasTiles = false;             ///< whether a GPU has some of another
  llvm::StringMap<unsigned> counts;  ///< of a function's ops, by kind
};

LogicalResult KernelSelectSchedule::findTargets(ModuleOp module) {
  auto list = module->getAttrOfType<ArrayAttr>(kTargets);
  if (list && !targets.empty())
    return module.emitError("names its targets already; the option `targets` "
                            "is for modules that do not");
  SmallVector<Attribute> all;
  if (list)
    llvm::append_range(all, list);
  for (const std::string &name : targets) {
    TargetAttr target = targetNamed(&getContext(), name);
    if (!target)
      return module.emitError("there is no target `") << name << "`";
    all.push_back(target);
  }
  if (all.empty())
    return module.emitError("names no targets to decide for");
  for (Attribute one : all) {
    auto target = cast<TargetAttr>(one);
    if (llvm::any_of(known, [&](TargetAttr other) {
          return other.getName() == target.getName();
        }))
      return module.emitError("names the target `")
             << target.getName() << "` twice";
    known.push_back(target);
  }
  module->setAttr(kTargets, ArrayAttr::get(&getContext(), all));
  return success();
}

static bool inTiles(ScheduleAttr schedule) {
  int64_t least = schedule.get(Decision::FlatRows);
  return least && least != infoOf(Decision::FlatRows).most;
}

/// Looks whether tensor cores could make this product.
void KernelSelectSchedule::findTiles(Operation *op, unsigned bits) {
  if (bits != 32)
    return;
  for (auto [schedule, target] : llvm::zip_equal(schedulesOf(op), known)) {
    if (!target.getGpu())
      continue;
    bool is = inTiles(schedule);
    hasTiles |= is;
    if (!is && !firstProduct)
      firstProduct = op;
  }
}

/// Nothing is left unsaid: an option that changes no product is an error.
LogicalResult KernelSelectSchedule::noteProductType(ModuleOp module) {
  std::optional<ProductType> type = productTypeNamed(productType);
  if (!type)
    return module.emitError("there is no type `")
           << productType << "` of products";
  if (type == ProductType::F32)
    return success();
  module->setAttr(kProductType, StringAttr::get(&getContext(), nameOf(*type)));
  if (hasTiles)
    return success();
  Operation *at = firstProduct ? firstProduct : module.getOperation();
  InFlightDiagnostic error = emitError(at->getLoc());
  error << "[E424] " << productType << " changes nothing: "
        << (firstProduct ? "no product is so large that a GPU makes its result "
                           "in tiles"
                         : "no product is made on a GPU");
  error.attachNote() << "help: leave --product-type out; tensor cores multiply "
                        "large products by themselves, such as those of all "
                        "steps with one matrix";
  return error;
}

LogicalResult KernelSelectSchedule::schedule(Operation *op, const Twine &name,
                                             Decide decide) {
  std::string called = name.str();
  SmallVector<Attribute> list;
  for (TargetAttr target : known) {
    FailureOr<ScheduleAttr> decided =
        file.apply(called, target, decide(target));
    if (failed(decided))
      return failure();
    list.push_back(*decided);
  }
  op->setAttr(kSchedules, ArrayAttr::get(&getContext(), list));
  if (!isa<ModuleOp>(op))
    op->setAttr(kDecisionName, StringAttr::get(&getContext(), called));
  return success();
}

/// What has no product goes by the module's schedule, unless the file says
/// more.
LogicalResult KernelSelectSchedule::adjust(Operation *op, const Twine &name,
                                           ArrayRef<Decision> decisions) {
  auto module = op->getParentOfType<ModuleOp>();
  SmallVector<ScheduleAttr> ofModule = schedulesOf(module);
  std::string called = name.str();
  SmallVector<Attribute> own;
  for (auto [target, schedule] : llvm::zip_equal(known, ofModule)) {
    ScheduleAttr part = schedule.only(decisions);
    FailureOr<ScheduleAttr> decided = file.apply(called, target, part);
    if (failed(decided))
      return failure();
    own.push_back(*decided == part ? schedule : *decided);
  }
  if (llvm::equal(own, ofModule))
    return success();
  op->setAttr(kSchedules, ArrayAttr::get(&getContext(), own));
  op->setAttr(kDecisionName, StringAttr::get(&getContext(), called));
  return success();
}

LogicalResult KernelSelectSchedule::scheduleFunction(func::FuncOp function) {
  counts.clear();
  if (!isForGPU() && failed(scheduleBeside(function)))
    return failure();
  WalkResult result = function.walk([&](Operation *op) {
    return failed(scheduleOp(op, function)) ? WalkResult::interrupt()
                                            : WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

/// Time loops of a block with as many others before them do not need each
/// other.
static SmallVector<SmallVector<scan::LoopOp>> loopsByDepth(Block &block) {
  SmallVector<SmallVector<scan::LoopOp>> loops;
  llvm::DenseMap<Value, unsigned> depths;
  for (Operation &op : block) {
    SetVector<Value> read(op.operand_begin(), op.operand_end());
    getUsedValuesDefinedAbove(op.getRegions(), read);
    unsigned depth = 0;
    for (Value value : read)
      depth = std::max(depth, depths.lookup(value));
    if (auto loop = dyn_cast<scan::LoopOp>(op)) {
      if (loops.size() <= depth)
        loops.resize(depth + 1);
      loops[depth++].push_back(loop);
    }
    for (Value result : op.getResults())
      depths[result] = depth;
  }
  return loops;
}

LogicalResult KernelSelectSchedule::scheduleBeside(func::FuncOp function) {
  if (function.isExternal())
    return success();
  Block &top = function.getBody().front();
  if (failed(scheduleBeside(function, top)))
    return failure();
  // Layers that work a chunk of time apart.
  for (auto loop : llvm::to_vector(top.getOps<scan::LoopOp>())) {
    auto chunks = loop.getTrip().getDefiningOp<scan::ChunksOp>();
    if (chunks && chunks.getStages() &&
        failed(scheduleBeside(function, *loop.getBodyBlock())))
      return failure();
  }
  return success();
}

LogicalResult KernelSelectSchedule::scheduleBeside(func::FuncOp function,
                                                   Block &block) {
  Builder b(&getContext());
  for (auto &loops : loopsByDepth(block)) {
    if (loops.size() < 2)
      continue;
    unsigned number = counts["beside"]++;
    std::string name = (function.getName() + "/beside" + Twine(number)).str();
    bool apart = &block != &function.getBody().front();
    int64_t weights = 0;
    unsigned bits = 32;
    for (scan::LoopOp loop : loops) {
      loop->setAttr(kBeside, b.getI64IntegerAttr(number));
      for (auto phase : loop.getBodyBlock()->getOps<PhaseOp>()) {
        if (phase.getLefts().empty())
          continue;
        weights = std::max(weights, weightsOf(phase));
        bits = bitsOf(phase.getLefts().front());
      }
    }
    if (failed(schedule(loops.front(), name, [&](TargetAttr target) {
          return besideSchedule(target, bits, loops.size(), weights, apart);
        })))
      return failure();
    remarkBeside(loops, name);
  }
  return success();
}

/// Innermost loops, where there is a GPU. Those side by side have a schedule of
/// what processors do with them, which stays.
LogicalResult KernelSelectSchedule::scheduleLoop(scan::LoopOp loop,
                                                 const std::string &name) {
  Block &body = *loop.getBodyBlock();
  bool anyGPU =
      llvm::any_of(known, [](TargetAttr one) { return !!one.getGpu(); });
  if (!anyGPU || !body.getOps<scan::LoopOp>().empty())
    return success();
  int64_t weights = 0, units = 1;
  unsigned bits = 32;
  for (auto phase : body.getOps<PhaseOp>()) {
    units = std::max(units, phase.getNumUnits());
    if (phase.getLefts().empty())
      continue;
    weights += weightsOf(phase);
    bits = bitsOf(phase.getLefts().front());
  }
  for (auto dot : body.getOps<scan::DotOp>()) {
    if (!dot.isMatrixProduct() || !isReal(dot.getLhs()))
      continue;
    auto right = cast<ShapedType>(dot.getRhs().getType());
    if (right.hasStaticShape())
      weights += right.getNumElements();
    units = std::max(units, sizeOf(dot).columns);
    bits = bitsOf(dot.getLhs());
  }
  SmallVector<ScheduleAttr> before = schedulesOf(loop);
  SmallVector<Attribute> list;
  for (auto [i, target] : llvm::enumerate(known)) {
    FailureOr<ScheduleAttr> decided =
        file.apply(name, target, loopSchedule(target, bits, units, weights));
    if (failed(decided))
      return failure();
    if (target.getGpu())
      remarkLoop(loop, name, *decided);
    list.push_back(!target.getGpu() && !before.empty() ? before[i] : *decided);
  }
  loop->setAttr(kSchedules, ArrayAttr::get(&getContext(), list));
  loop->setAttr(kDecisionName, StringAttr::get(&getContext(), name));
  return success();
}

/// Without the decision that changes nothing here: a file that says it is
/// refused. Where rows are combined a tile goes through all panels alone.
static ScheduleAttr whatMatters(PhaseOp phase, ScheduleAttr schedule) {
  return phase.hasRowReductions() ? schedule.with(Decision::PanelFetch, 0)
                                  : schedule;
}

LogicalResult KernelSelectSchedule::scheduleOp(Operation *op,
                                               func::FuncOp function) {
  auto next = [&](StringRef kind) {
    return (function.getName() + "/" + kind + Twine(counts[kind]++)).str();
  };
  auto phase = dyn_cast<PhaseOp>(op);
  if (phase && !phase.getLefts().empty()) {
    std::string name = next("phase");
    unsigned bits = bitsOf(phase.getLefts().front());
    SmallVector<unsigned> accumulators = accumulatorsOf(phase);
    if (failed(schedule(op, name, [&](TargetAttr target) {
          return whatMatters(phase, phaseSchedule(target, bits, accumulators,
                                                  phase.getNumUnits(),
                                                  weightsOf(phase)));
        })))
      return failure();
    findTiles(op, bits);
    remarkPhase(phase, name);
    return success();
  }
  auto dot = dyn_cast<scan::DotOp>(op);
  if ((dot && dot.isMatrixProduct() && isReal(dot.getLhs())) ||
      isa<GemmOp>(op)) {
    std::string name = next("product");
    unsigned bits = bitsOf(op->getOperand(0));
    if (failed(schedule(op, name, [&](TargetAttr target) {
          return productSchedule(target, bits, sizeOf(op));
        })))
      return failure();
    findTiles(op, bits);
    remarkProduct(op, name);
    return success();
  }
  // Where packing is explicit it has the layout that its readers will have.
  if (auto pack = dyn_cast<PackOp>(op)) {
    unsigned bits = bitsOf(pack.getSource());
    std::string name = next("pack");
    return schedule(op, name, [&](TargetAttr target) {
      ScheduleAttr whole =
          pack.getColumns()
              ? phaseSchedule(target, bits,
                              {unsigned(pack.getColumns()->size())},
                              *pack.getUnits(), /*weights=*/0)
              : productSchedule(target, bits, ResultSize());
      return whole.only({Decision::TileVectors});
    });
  }
  if (auto chunks = dyn_cast<scan::ChunksOp>(op)) {
    std::string name = next("chunks");
    if (failed(schedule(op, name, [&](TargetAttr target) {
          return chunkSchedule(target, chunks);
        })))
      return failure();
    remarkChunks(chunks, name);
    return success();
  }
  if (auto loop = dyn_cast<scan::LoopOp>(op))
    return scheduleLoop(loop, next("loop"));
  if (phase || isa<linalg::LinalgOp>(op))
    return adjust(op, next(phase ? "rows" : "pointwise"),
                  {Decision::ElementBlock, Decision::ColumnBlock,
                   Decision::RowBlock, Decision::Tasks, Decision::WorthTasks,
                   Decision::BlockThreads});
  if (isa<scan::ScatterAddOp>(op))
    return adjust(op, next("table"), {Decision::DirectRows});
  return success();
}

//===----------------------------------------------------------------------===//
// Remarks
//===----------------------------------------------------------------------===//

std::string KernelSelectSchedule::valuesOf(Operation *op,
                                           ArrayRef<Decision> decisions,
                                           StringRef between) {
  SmallVector<std::pair<std::string, TargetAttr>> texts;
  for (auto [one, target] : llvm::zip_equal(schedulesOf(op), known)) {
    if (target.getGpu() && !isForGPU())
      continue;
    std::string text;
    for (Decision decision : decisions)
      text += (text.empty() ? "" : between.str()) +
              std::to_string(one.get(decision));
    texts.push_back({text, target});
  }
  if (llvm::all_equal(llvm::make_first_range(texts)))
    return texts.front().first;
  std::string all;
  for (auto [text, target] : texts)
    all +=
        (all.empty() ? "" : ", ") + text + " (" + target.getName().str() + ")";
  return all;
}

/// What one thread of a GPU, or one turn of a processor, computes.
std::string KernelSelectSchedule::tilesOf(Operation *op) {
  if (isForGPU())
    return "with a thread for " + valuesOf(op, {Decision::TileRows}, "") +
           " rows of each, " + valuesOf(op, {Decision::BlockThreads}, "") +
           " in a block";
  return "in tiles of " +
         valuesOf(op, {Decision::TileRows, Decision::TileVectors}, " x ") +
         " rows x vectors";
}

/// How a GPU makes a product by itself; `type` is what is multiplied, if it is
/// not all of a number.
static std::string resultTilesOf(ScheduleAttr schedule, StringRef type) {
  auto number = [&](Decision decision) {
    return std::to_string(schedule.get(decision));
  };
  std::string plain =
      "a thread for " + number(Decision::TileRows) + " rows of each";
  int64_t least = schedule.get(Decision::FlatRows);
  if (least == infoOf(Decision::FlatRows).most)
    return plain + ", " + number(Decision::BlockThreads) + " in a block";
  return "a block of threads for " + number(Decision::BlockRows) + " x " +
         number(Decision::BlockColumns) + " of the result" +
         (type.empty() ? "" : ", of factors in " + type.str()) +
         (least > 1 ? " where it has " + std::to_string(least) +
                          " rows or more, else " + plain + " column"
                    : "");
}

void KernelSelectSchedule::remarkModule(ModuleOp module) {
  if (isForGPU()) {
    remark::analysis(module.getLoc(),
                     remark::RemarkOpts::name("module").category(getArgument()))
        << "`module`: code without products has a thread for each element, " +
               valuesOf(module, {Decision::BlockThreads}, "") + " in a block";
    return;
  }
  remark::analysis(module.getLoc(),
                   remark::RemarkOpts::name("module").category(getArgument()))
      << "`module`: code without products is cut into about " +
             valuesOf(module, {Decision::Tasks}, "") +
             " tasks where it is worth " +
             valuesOf(module, {Decision::WorthTasks}, "") +
             " vector ops, of at least " +
             valuesOf(module, {Decision::ElementBlock}, "") + " elements";
}

std::string KernelSelectSchedule::tasksOf(PhaseOp phase) {
  if (isForGPU())
    return "";
  auto never = [](ScheduleAttr one) {
    return one.get(Decision::CutRows) == infoOf(Decision::CutRows).most;
  };
  if (llvm::all_of(schedulesOf(phase), never))
    return "; tasks are units";
  return "; tasks are rows where there are " +
         valuesOf(phase, {Decision::CutRows}, "") + " or more, else units";
}

std::string KernelSelectSchedule::fetchesOf(Operation *op) {
  auto fetches = [](ScheduleAttr one) {
    return one.get(Decision::PanelFetch) == 2;
  };
  return llvm::all_of(schedulesOf(op), fetches)
             ? ", each panel is asked for before it is due"
             : "";
}

std::string KernelSelectSchedule::turnsOf(PhaseOp phase) {
  auto turns = [](ScheduleAttr one) {
    return one.get(Decision::PanelTurns) == 2;
  };
  std::string text;
  if (llvm::all_of(schedulesOf(phase), turns))
    text += ", odd steps read them backward";
  return text + fetchesOf(phase);
}

void KernelSelectSchedule::remarkPhase(PhaseOp phase, StringRef name) {
  bool inLoop = isa<scan::LoopOp>(phase->getParentOp());
  remark::analysis(phase.getLoc(),
                   remark::RemarkOpts::name("phase").category(getArgument()))
      << "`" + name.str() +
             "`: " + counted(phase.getLefts().size(), "product") +
             " and what reads " +
             (phase.getLefts().size() == 1 ? "it" : "them") +
             " are one kernel" + (inLoop ? " of each step" : "") + ": " +
             counted(phase.getNumAccumulators(), "sum") + " for each of " +
             counted(phase.getNumUnits(), "unit") + ", " + tilesOf(phase) +
             "; the weights are packed once a call or earlier" +
             (inLoop ? turnsOf(phase) : "") + tasksOf(phase);
}

void KernelSelectSchedule::remarkLoop(scan::LoopOp loop, StringRef name,
                                      ScheduleAttr schedule) {
  auto plan = LoopPlan(schedule.get(Decision::LoopPlan));
  std::string threads = std::to_string(schedule.get(Decision::BlockThreads));
  std::string what = "each step is launched by itself";
  if (plan == LoopPlan::Block)
    what = "a block of " + threads + " threads takes " +
           counted(schedule.get(Decision::LoopRows), "example") +
           " through all steps";
  if (plan == LoopPlan::Grid)
    what = counted(schedule.get(Decision::LoopBlocks), "block") + " of " +
           threads +
           " threads take all examples through all steps, with a part of the "
           "units each; where a device has no room for so many at a time, "
           "each step is launched by itself";
  remark::analysis(loop.getLoc(),
                   remark::RemarkOpts::name("loop").category(getArgument()))
      << "`" + name.str() + "` on " + schedule.getTarget().str() + ": " + what;
}

void KernelSelectSchedule::remarkBeside(ArrayRef<scan::LoopOp> loops,
                                        StringRef name) {
  scan::LoopOp first = loops.front();
  remark::analysis(first.getLoc(),
                   remark::RemarkOpts::name("beside").category(getArgument()))
      << ("`" + name + "`: " + Twine(loops.size()) +
          " time loops do not need each other: they run side by side on up to ")
                 .str() +
             valuesOf(first, {Decision::Beside}, "") +
             " threads; more share each kernel";
}

void KernelSelectSchedule::remarkProduct(Operation *op, StringRef name) {
  auto dot = dyn_cast<scan::DotOp>(op);
  bool inLoop = isa<scan::LoopOp>(op->getParentOp());
  bool isRounded = productType != "f32" && bitsOf(op->getOperand(0)) == 32;
  StringRef type = isRounded ? StringRef(productType) : StringRef();
  remark::analysis(op->getLoc(),
                   remark::RemarkOpts::name("product").category(getArgument()))
      << "`" + name.str() + "`: a product by itself" +
             (inLoop ? " in each step" : "") +
             (dot && dot.getLengths() ? " without what lies past an end" : "") +
             ", " +
             (isForGPU()
                  ? "with " + resultTilesOf(schedulesOf(op).front(), type)
                  : tilesOf(op) + blocksOf(op) + fetchesOf(op));
  for (auto [schedule, target] : llvm::zip_equal(schedulesOf(op), known))
    if (target.getGpu() && !isForGPU())
      remark::analysis(
          op->getLoc(),
          remark::RemarkOpts::name("product").category(getArgument()))
          << "`" + name.str() + "` on " + target.getName().str() +
                 ": there is " + resultTilesOf(schedule, type);
}

void KernelSelectSchedule::remarkChunks(scan::ChunksOp op, StringRef name) {
  remark::analysis(op.getLoc(),
                   remark::RemarkOpts::name("chunks").category(getArgument()))
      << "`" + name.str() +
             "`: time loops and what they read run through time together, in "
             "chunks of about " +
             valuesOf(op, {Decision::ChunkBytes}, "") +
             " bytes of the largest sequence, " + Twine(op.getBytes()).str() +
             " a step of an example" +
             (op.getStages()
                  ? "; two parts of them work a chunk apart, in " +
                        valuesOf(op, {Decision::LeastChunks}, "") +
                        " chunks or more where each has " +
                        valuesOf(op, {Decision::ChunkRows}, "") + " rows"
                  : std::string());
}

std::string KernelSelectSchedule::blocksOf(Operation *op) {
  return ", " + valuesOf(op, {Decision::BlockSteps}, "") +
         " terms of a sum at a time, in about " +
         valuesOf(op, {Decision::Tasks}, "") + " tasks where it has " +
         valuesOf(op, {Decision::WorthTasks}, "") + " terms";
}

} // namespace
} // namespace rnnc::kernel
