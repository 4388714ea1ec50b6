// Schedule.cpp: targets and schedules as attributes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/Kernel/Kernel.h"
#include "rnnc/Dialect/Kernel/Transforms/ProductType.h"
#include "rnnc/Dialect/Kernel/Transforms/SharedMemory.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

#define GET_ATTRDEF_CLASSES
#include "rnnc/Dialect/Kernel/KernelAttrs.cpp.inc"

namespace rnnc::kernel {

void KernelDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "rnnc/Dialect/Kernel/KernelAttrs.cpp.inc"
      >();
}

const DecisionInfo &infoOf(Decision decision) {
  static const DecisionInfo table[kNumDecisions] = {
      {"tile_rows", 1, 8, "rows of a register tile, at most"},
      {"tile_vectors", 1, 8,
       "vectors of units, or of columns, that a tile is wide"},
      {"unroll", 1, 16, "steps of K in one trip of a tile's loop"},
      {"chains", 1, 64,
       "sums in flight, at least: a tile with fewer splits K over several"},
      {"block_steps", 8, 1 << 14,
       "steps of K between two visits of the result; on a GPU, in shared "
       "memory "
       "at a time, as far as there is room"},
      {"block_rows", 1, kMostBlockRows,
       "rows of the left operand packed at a time; on a GPU, of a tile of the "
       "result that a block makes: multiples of 16"},
      {"block_columns", 1, 1 << 16,
       "columns of the right operand packed at a time; on a GPU, of such a "
       "tile, "
       "128 at most"},
      {"far_row_bytes", 1, int64_t(1) << 40,
       "bytes between rows from which the left operand may be packed"},
      {"few_columns", 1, int64_t(1) << 40,
       "columns of a result up to which the left operand is read in place"},
      {"flat_rows", 1, int64_t(1) << 40,
       "rows of a result below which the left operand is read in place; on a "
       "GPU, below which it has no tiles"},
      {"in_place_rows", 1, int64_t(1) << 40,
       "rows of a step below which gradients read weights where they lie"},
      {"element_block", 1, int64_t(1) << 40,
       "elements of pointwise code that a task works on at least"},
      {"column_block", 1, int64_t(1) << 40,
       "columns that are added up together"},
      {"row_block", 1, int64_t(1) << 40,
       "rows that pass by while sums of columns wait"},
      {"direct_rows", 1, int64_t(1) << 40,
       "rows that are added into a table one by one, at most"},
      {"chunk_bytes", 1, int64_t(1) << 40,
       "bytes of the largest sequence that loops make and use up at a time"},
      {"least_chunks", 1, 1 << 20,
       "chunks that a time axis is cut into, at least, where parts of a loop "
       "work a chunk apart"},
      {"chunk_rows", 1, int64_t(1) << 40,
       "rows that such a chunk has, all its steps together, at least"},
      {"cut_rows", 1, int64_t(1) << 40,
       "rows of a phase from which its tasks are rows and no longer units"},
      {"panel_turns", 1, 2,
       "1: every step reads the weights of a phase in the same order; 2: odd "
       "steps read them backward"},
      {"panel_fetch", 1, 2,
       "1: what tiles multiply with comes when it is read; 2: they ask for the "
       "next panel while they work with this one, where no row is combined"},
      {"beside", 1, 1 << 10,
       "members of a team up to which loops that do not need each other run "
       "side "
       "by side"},
      {"tasks", 1, 1 << 10, "parts that large work is cut into, about"},
      {"worth_tasks", 1, int64_t(1) << 30,
       "vector ops, or multiplications of a product, from which it is cut"},
      {"function_ops", 1, 1 << 20,
       "vector ops that exp, tanh and other functions count as"},
      {"call_ops", 1, 1 << 20, "vector ops that a call counts as"},
      {"block_threads", 1, 1024, "threads of a block of a GPU"},
      {"loop_plan", 1, 3,
       "1, `step`: every step of a time loop is launched by itself; 2, "
       "`block`: a block of a GPU takes some examples through all steps, where "
       "examples do not need each other; 3, `grid`: blocks take all examples "
       "through all steps together, with a part of the units each"},
      {"loop_rows", 1, 64,
       "examples of such a block; of a grid, rows of a unit that a thread has"},
      {"loop_blocks", 1, 4096, "blocks of such a grid"},
  };
  return table[unsigned(decision)];
}

std::optional<Decision> decisionNamed(StringRef name) {
  for (unsigned i = 0; i != kNumDecisions; ++i)
    if (infoOf(Decision(i)).name == name)
      return Decision(i);
  return std::nullopt;
}

std::optional<int64_t> decisionValue(Decision decision, StringRef text) {
  static const std::pair<StringRef, LoopPlan> plans[] = {
      {"step", LoopPlan::Step},
      {"block", LoopPlan::Block},
      {"grid", LoopPlan::Grid}};
  for (auto [word, plan] : plans)
    if (decision == Decision::LoopPlan && text == word)
      return int64_t(plan);
  int64_t value;
  if (text.getAsInteger(10, value))
    return std::nullopt;
  return value;
}

LogicalResult
GPUAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                unsigned warp, unsigned block, unsigned processors,
                unsigned registers, unsigned shared) {
  if (warp < 1 || warp > 64 || block < warp || block > 1024 || block % warp)
    return emitError() << "a block is of whole warps, at most 1024 threads";
  if (processors < 1 || registers < block || shared < 1)
    return emitError()
           << "a GPU has processors, registers for the threads of a "
              "block, and shared memory";
  return success();
}

LogicalResult
TargetAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                   StringRef name, unsigned vectorBits, unsigned registers,
                   bool, int64_t l1, int64_t l2, unsigned dots,
                   unsigned halfDots, GPUAttr gpu) {
  if (name.empty())
    return emitError() << "a target has a name";
  if (gpu && vectorBits != 32 * gpu.getWarp())
    return emitError() << "vector_bits of a GPU are 32 a thread of a warp";
  if (!gpu && !llvm::is_contained({128u, 256u, 512u}, vectorBits))
    return emitError() << "vector_bits is 128, 256 or 512, not " << vectorBits;
  unsigned most = gpu ? 255 : 64;
  if (registers < 8 || registers > most)
    return emitError() << "registers are 8 to " << most << ", not "
                       << registers;
  if (dots != 0 && (dots != 4 || gpu))
    return emitError() << "dots are 4, of a processor, or none";
  if (halfDots != 0 && (halfDots != 2 || gpu))
    return emitError() << "half_dots are 2, of a processor, or none";
  if (l1 < 4096 || l2 < l1 || l2 > int64_t(1) << 40)
    return emitError() << "caches have 4096 bytes or more, the second level "
                          "not fewer than the first";
  return success();
}

/// GPUs as their makers describe them: A100 and H100.
static TargetAttr gpuNamed(MLIRContext *context, StringRef name) {
  auto make = [&](unsigned processors, int64_t l1, int64_t l2) {
    auto gpu = GPUAttr::get(context, /*warp=*/32, /*block=*/1024, processors,
                            /*registers=*/1 << 16, /*shared=*/48 << 10);
    return TargetAttr::get(context, name, /*vector_bits=*/32 * 32,
                           /*registers=*/255, /*fma=*/true, l1, l2,
                           /*dots=*/0, /*half_dots=*/0, gpu);
  };
  if (name == "sm_80")
    return make(108, 192 << 10, 40 << 20);
  if (name == "sm_86")
    return make(84, 128 << 10, 6 << 20);
  if (name == "sm_89")
    return make(142, 128 << 10, 96 << 20);
  if (name == "sm_90")
    return make(132, 256 << 10, 50 << 20);
  if (name == "sm_100")
    return make(148, 256 << 10, 126 << 20);
  if (name == "sm_120")
    return make(170, 128 << 10, 96 << 20);
  return {};
}

/// 163 KB of 192, 99 of 128 and 227 of 256, as NVIDIA says of its chips.
int64_t mostSharedOf(TargetAttr target) {
  constexpr int64_t kRest = 29 << 10;
  return std::max<int64_t>(target.getL1() - kRest, target.getGpu().getShared());
}

TargetAttr targetNamed(MLIRContext *context, StringRef name) {
  constexpr int64_t l1 = 32 << 10, l2 = 1 << 20;
  auto cpu = [&](unsigned vectorBits, unsigned registers, bool fma) {
    return TargetAttr::get(context, name, vectorBits, registers, fma, l1, l2,
                           /*dots=*/0, /*half_dots=*/0, GPUAttr());
  };
  if (name == "v2")
    return cpu(128, 16, /*fma=*/false);
  if (name == "v3")
    return cpu(256, 16, /*fma=*/true);
  if (name == "v4")
    return cpu(512, 32, /*fma=*/true);
  if (name == "neon")
    return cpu(128, 32, /*fma=*/true);
  return gpuNamed(context, name);
}

//===----------------------------------------------------------------------===//
// Schedules
//===----------------------------------------------------------------------===//

ScheduleAttr ScheduleAttr::get(MLIRContext *context, StringRef target,
                               ArrayRef<std::pair<Decision, int64_t>> decided) {
  SmallVector<int64_t> values(kNumDecisions, 0);
  for (auto [decision, value] : decided)
    values[unsigned(decision)] = value;
  return get(context, target, values);
}

ScheduleAttr ScheduleAttr::with(Decision decision, int64_t value) const {
  SmallVector<int64_t> values(getValues());
  values[unsigned(decision)] = value;
  return get(getContext(), getTarget(), values);
}

ScheduleAttr ScheduleAttr::only(ArrayRef<Decision> kept) const {
  SmallVector<int64_t> values(kNumDecisions, 0);
  for (Decision decision : kept)
    values[unsigned(decision)] = get(decision);
  return get(getContext(), getTarget(), values);
}

LogicalResult
ScheduleAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                     StringRef target, ArrayRef<int64_t> values) {
  if (target.empty())
    return emitError() << "a schedule is for a target";
  if (values.size() != kNumDecisions)
    return emitError() << "a schedule has " << kNumDecisions << " decisions";
  for (auto [i, value] : llvm::enumerate(values)) {
    const DecisionInfo &info = infoOf(Decision(i));
    if (value && (value < info.least || value > info.most))
      return emitError() << info.name << " is " << info.least << " to "
                         << info.most << ", not " << value;
  }
  return success();
}

Attribute ScheduleAttr::parse(AsmParser &parser, Type) {
  std::string target;
  SmallVector<int64_t> values(kNumDecisions, 0);
  auto one = [&]() -> ParseResult {
    StringRef name;
    int64_t value;
    SMLoc at = parser.getCurrentLocation();
    if (parser.parseKeyword(&name))
      return failure();
    std::optional<Decision> decision = decisionNamed(name);
    if (!decision)
      return parser.emitError(at) << "there is no decision `" << name << "`";
    if (parser.parseEqual() || parser.parseInteger(value))
      return failure();
    values[unsigned(*decision)] = value;
    return success();
  };
  if (parser.parseLess() || parser.parseString(&target))
    return {};
  if (failed(parser.parseOptionalGreater()) &&
      (parser.parseCommaSeparatedList(one) || parser.parseGreater()))
    return {};
  return getChecked([&] { return parser.emitError(parser.getNameLoc()); },
                    parser.getContext(), target, values);
}

void ScheduleAttr::print(AsmPrinter &printer) const {
  printer << "<\"" << getTarget() << "\"";
  StringRef separator = " ";
  for (unsigned i = 0; i != kNumDecisions; ++i) {
    if (!getValues()[i])
      continue;
    printer << separator << infoOf(Decision(i)).name << " = " << getValues()[i];
    separator = ", ";
  }
  printer << ">";
}

bool isForGPU(Operation *op) {
  auto module = dyn_cast<ModuleOp>(op);
  if (!module)
    module = op->getParentOfType<ModuleOp>();
  if (!module)
    return false;
  if (auto one = module->getAttrOfType<TargetAttr>(kTarget))
    return bool(one.getGpu());
  auto list = module->getAttrOfType<ArrayAttr>(kTargets);
  return list &&
         llvm::all_of(list.getAsRange<TargetAttr>(),
                      [](TargetAttr one) { return bool(one.getGpu()); });
}

ScheduleAttr scheduleOf(Operation *op) {
  if (auto own = op->getAttrOfType<ScheduleAttr>(kSchedule))
    return own;
  auto module = op->getParentOfType<ModuleOp>();
  return module ? module->getAttrOfType<ScheduleAttr>(kSchedule)
                : ScheduleAttr();
}

SmallVector<ScheduleAttr> schedulesOf(Operation *op) {
  SmallVector<ScheduleAttr> schedules;
  if (auto list = op->getAttrOfType<ArrayAttr>(kSchedules))
    for (Attribute one : list)
      schedules.push_back(cast<ScheduleAttr>(one));
  return schedules;
}

void copySchedules(Operation *from, Operation *to) {
  if (Attribute list = from->getAttr(kSchedules))
    to->setAttr(kSchedules, list);
}

ArrayAttr layoutsOf(Operation *op) {
  SmallVector<Attribute> layouts;
  for (ScheduleAttr one : schedulesOf(op))
    layouts.push_back(one.only({Decision::TileVectors}));
  return ArrayAttr::get(op->getContext(), layouts);
}

//===----------------------------------------------------------------------===//
// Verification of the dialect's attributes on ops
//===----------------------------------------------------------------------===//

namespace {

template <typename Attr>
LogicalResult checkList(Operation *op, NamedAttribute attribute) {
  auto list = dyn_cast<ArrayAttr>(attribute.getValue());
  if (!list || list.empty() ||
      !llvm::all_of(list, [](Attribute one) { return isa<Attr>(one); }))
    return op->emitError() << attribute.getName().getValue()
                           << " is a list of #kernel." << Attr::getMnemonic();
  return success();
}

/// One schedule for each target of the module, in their order.
LogicalResult checkTargets(Operation *op, ArrayAttr schedules) {
  auto module = dyn_cast<ModuleOp>(op);
  if (!module)
    module = op->getParentOfType<ModuleOp>();
  auto targets =
      module ? module->getAttrOfType<ArrayAttr>(kTargets) : ArrayAttr();
  if (!targets || targets.size() != schedules.size())
    return op->emitError() << kSchedules << " has not one entry for each of "
                           << kTargets;
  for (auto [target, schedule] : llvm::zip_equal(targets, schedules)) {
    auto known = dyn_cast<TargetAttr>(target);
    StringRef name = cast<ScheduleAttr>(schedule).getTarget();
    if (known && known.getName() != name)
      return op->emitError()
             << kSchedules << " has an entry for `" << name
             << "` where one for `" << known.getName() << "` is expected";
  }
  return success();
}

} // namespace

LogicalResult
KernelDialect::verifyOperationAttribute(Operation *op,
                                        NamedAttribute attribute) {
  StringRef name = attribute.getName();
  bool ofModule = name == kTargets || name == kTarget || name == kProductType;
  if (ofModule && !isa<ModuleOp>(op))
    return op->emitError() << name << " belongs to a module";
  if (name == kTargets)
    return checkList<TargetAttr>(op, attribute);
  if (name == kTarget && !isa<TargetAttr>(attribute.getValue()))
    return op->emitError() << name << " is a #kernel.target";
  if (name == kProductType) {
    auto word = dyn_cast<StringAttr>(attribute.getValue());
    if (!word || !productTypeNamed(word))
      return op->emitError() << name << " is \"f32\", \"tf32\" or \"bf16\"";
  }
  if (name == kSchedule && !isa<ScheduleAttr>(attribute.getValue()))
    return op->emitError() << name << " is a #kernel.schedule";
  if (name == kDecisionName && !isa<StringAttr>(attribute.getValue()))
    return op->emitError() << name << " is a name";
  if (name == kBeside && !isa<IntegerAttr>(attribute.getValue()))
    return op->emitError() << name << " is a number";
  if (name != kSchedules)
    return success();
  if (failed(checkList<ScheduleAttr>(op, attribute)))
    return failure();
  return checkTargets(op, cast<ArrayAttr>(attribute.getValue()));
}

} // namespace rnnc::kernel
