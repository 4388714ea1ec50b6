// Phases.cpp: the one table of what the compiler does, in order.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Pipeline/Phases.h"

#include "rnnc/Conversion/KernelToGPU/KernelToGPU.h"
#include "rnnc/Conversion/KernelToLoops/KernelToLoops.h"
#include "rnnc/Conversion/RNNToScan/RNNToScan.h"
#include "rnnc/Conversion/ScanToKernel/Passes.h"
#include "rnnc/Dialect/Grad/Transforms/Passes.h"
#include "rnnc/Dialect/Kernel/Transforms/Passes.h"
#include "rnnc/Dialect/Scan/Transforms/Passes.h"
#include "rnnc/Pipeline/Passes.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace rnnc;
using namespace rnnc::pipeline;

using mlir::OpPassManager;

static void cleanUp(OpPassManager &pm) {
  pm.addPass(mlir::createCanonicalizerPass());
  pm.addPass(mlir::createCSEPass());
}

static void buildBatched(OpPassManager &pm, const PipelineOptions &o) {
  ConvertRNNToScanOptions convert;
  convert.precision = o.precision;
  convert.allFunctions = o.allFunctions;
  convert.hoist = o.hoist;
  convert.clipGradients = o.clipGradients;
  convert.stateGradients = o.stateGradients;
  convert.attention = o.attention;
  convert.lossTerms = o.lossTerms;
  pm.addPass(createConvertRNNToScan(convert));
  cleanUp(pm);
}

/// Borders of `bptt` are cut first, `checkpoint` makes segments, and steps get
/// the form that their gradients should have. Gradients are asked for, made,
/// clipped and applied.
static void buildGrad(OpPassManager &pm, const PipelineOptions &o) {
  pm.addPass(scan::createScanSegment());
  pm.addPass(scan::createScanCheckpoint());
  pm.addPass(scan::createScanOrderSteps());
  if (o.mergeProducts) {
    pm.addPass(scan::createScanMergeProducts());
    pm.addPass(mlir::createCanonicalizerPass());
  }
  pm.addPass(grad::createGradGenerate());
  pm.addPass(grad::createGradExpandClip());
  pm.addPass(grad::createGradExpandUpdate());
  pm.addPass(mlir::createSymbolDCEPass());
  cleanUp(pm);
}

/// Products are hoisted once more after the sums: what these stack lets others
/// leave, and their products may be free of a loop further out. Unrolling comes
/// last: nothing is merged across steps.
static void buildScheduled(OpPassManager &pm, const PipelineOptions &o) {
  if (o.simplify) {
    scan::ScanSimplifyOptions simplify;
    simplify.forgetGradients = true;
    pm.addPass(scan::createScanSimplify(simplify));
    pm.addPass(scan::createScanKeepLast());
  }
  cleanUp(pm);
  if (o.hoist)
    pm.addPass(scan::createScanHoist());
  if (o.sumWeightGradients) {
    pm.addPass(scan::createScanSumWeightGradients());
    pm.addPass(mlir::createCanonicalizerPass());
  }
  if (o.hoist)
    pm.addPass(scan::createScanHoist());
  if (o.mergeProducts)
    pm.addPass(scan::createScanMergeProducts());
  pm.addPass(scan::createScanExpandOuterProducts());
  pm.addPass(scan::createScanCompensateSums());
  cleanUp(pm);
  if (o.hoist)
    pm.addPass(scan::createScanVerifySchedule());
  if (o.chunk) {
    scan::ScanChunkRowsOptions rows;
    rows.steps = std::max<int64_t>(0, o.chunk);
    if (o.chunk > 0) // asked for, and tested with small sizes
      rows.least = 4;
    pm.addPass(scan::createScanChunkRows(rows));
    scan::ScanChunkOptions chunk;
    chunk.steps = std::max<int64_t>(0, o.chunk);
    pm.addPass(scan::createScanChunk(chunk));
    pm.addPass(mlir::createCSEPass());
    pm.addPass(mlir::createCanonicalizerPass());
    if (o.stagger)
      pm.addPass(scan::createScanStagger());
  }
  if (o.unroll == 1)
    return;
  scan::ScanUnrollOptions unroll;
  unroll.factor = o.unroll;
  unroll.budget = o.unrollBudget;
  pm.addPass(scan::createScanUnroll(unroll));
  cleanUp(pm);
}

static void buildPhases(OpPassManager &pm, const PipelineOptions &o) {
  pm.addPass(scan::createScanLeavePadding());
  pm.addNestedPass<mlir::func::FuncOp>(createKernelFormPhases());
  if (o.fuseProducts)
    pm.addPass(createKernelFuseProducts());
  if (o.fuseRows) {
    pm.addNestedPass<mlir::func::FuncOp>(createKernelFuseRows());
    pm.addNestedPass<mlir::func::FuncOp>(createKernelMergeSums());
  }
}

static void buildPlanned(OpPassManager &pm, const PipelineOptions &o) {
  kernel::KernelSelectScheduleOptions select;
  select.targets.assign(o.targets.begin(), o.targets.end());
  select.scheduleFile = o.schedule;
  select.productType = o.productType;
  pm.addPass(kernel::createKernelSelectSchedule(select));
}

/// Then it is known what functions there are, and what they need.
static void buildKernel(OpPassManager &pm, const PipelineOptions &o) {
  pm.addPass(createConvertScanToKernel());
  pm.addPass(kernel::createKernelUnrollLoops());
  cleanUp(pm);
  pm.addPass(kernel::createKernelLeaveInPlace());
  if (o.prepareWeights) {
    kernel::KernelPrepareWeightsOptions prepare;
    prepare.storedBits = o.weightBits;
    pm.addPass(kernel::createKernelPrepareWeights(prepare));
    cleanUp(pm);
  }
  pm.addNestedPass<mlir::func::FuncOp>(kernel::createKernelUpdateInPlace());
  if (o.sparseUpdate)
    pm.addPass(kernel::createKernelSparseUpdate());
}

static void buildBuffer(OpPassManager &pm, const PipelineOptions &) {
  pm.addPass(kernel::createKernelPlanMemory());
}

static void buildLLVM(OpPassManager &pm, const PipelineOptions &o) {
  KernelToLLVMOptions lower;
  lower.target = o.target;
  lower.fastMath = o.fastMath;
  buildKernelToLLVMPipeline(pm, lower);
}

static void buildGPU(OpPassManager &pm, const PipelineOptions &o) {
  buildKernelToGPUPipeline(pm, o.target);
}

static void buildNVVM(OpPassManager &pm, const PipelineOptions &o) {
  buildGPUToNVVMPipeline(pm, o.fastMath);
}

llvm::ArrayRef<PhaseInfo> pipeline::phases() {
  static const PhaseInfo table[] = {
      {Phase::AST, Row::All, "ast", "the source as it was read", nullptr},
      {Phase::RNN, Row::All, "rnn", "the checked program: named axes, no batch",
       nullptr},
      {Phase::Batched, Row::All, "batched",
       "functions on tensors with batch and lengths, loops over time",
       buildBatched},
      {Phase::Grad, Row::All, "grad",
       "gradients and updates are code like any other", buildGrad},
      {Phase::Scheduled, Row::All, "scheduled",
       "what needs no carry has left the time loops", buildScheduled},
      {Phase::Phases, Row::All, "phases",
       "pointwise code and reductions are few phases on tensors", buildPhases},
      {Phase::Planned, Row::All, "planned",
       "how each phase is computed is decided, for every target", buildPlanned},
      {Phase::Kernel, Row::All, "kernel", "few kernels on buffers",
       buildKernel},
      {Phase::Buffer, Row::All, "buffer",
       "every buffer has a place in the workspace", buildBuffer},
      {Phase::LLVM, Row::CPU, "llvm", "the LLVM dialect, for one target",
       buildLLVM},
      {Phase::Object, Row::CPU, "object", "machine code", nullptr},
      {Phase::Library, Row::CPU, "library", "a shared library and its header",
       nullptr},
      {Phase::GPU, Row::GPU, "gpu", "kernels of threads, and their launches",
       buildGPU},
      {Phase::NVVM, Row::GPU, "nvvm",
       "the kernels in the LLVM and NVVM dialects", buildNVVM},
      {Phase::PTX, Row::GPU, "ptx", "the kernels as text that a driver loads",
       nullptr},
  };
  return table;
}

const PhaseInfo &pipeline::phaseInfo(Phase phase) {
  return phases()[size_t(phase)];
}

std::optional<Phase> pipeline::phaseNamed(llvm::StringRef name) {
  for (const PhaseInfo &info : phases())
    if (info.name == name)
      return info.phase;
  return std::nullopt;
}

bool pipeline::hasPhase(Row row, Phase phase) {
  Row needed = phaseInfo(phase).row;
  return needed == Row::All || needed == row;
}

std::string pipeline::phaseNames(Row row) {
  std::string out;
  for (const PhaseInfo &info : phases())
    if (hasPhase(row, info.phase))
      out += (out.empty() ? "" : ", ") + info.name.str();
  return out;
}

void pipeline::addPhase(OpPassManager &manager, Phase phase,
                        const PipelineOptions &options) {
  if (auto build = phaseInfo(phase).build)
    build(manager, options);
}

//===----------------------------------------------------------------------===//
// The phases as pipelines of rnn-opt
//===----------------------------------------------------------------------===//

// What a phase takes on a command line, `--rnnc-PHASE="NAME=VALUE ..."`; the
// rest is refused there.
namespace {

using mlir::PassPipelineOptions;

struct NoFlags : PassPipelineOptions<NoFlags> {
  void set(PipelineOptions &) const {}
};

struct BatchedFlags : PassPipelineOptions<BatchedFlags> {
  Option<std::string> precision{*this, "precision",
                                llvm::cl::desc("f32 or f64"),
                                llvm::cl::init(PipelineOptions().precision)};
  Option<bool> allFunctions{
      *this, "all-functions",
      llvm::cl::desc("make all functions, whatever `export` names"),
      llvm::cl::init(PipelineOptions().allFunctions)};
  Option<bool> hoist{
      *this, "hoist",
      llvm::cl::desc("compute outside of loops what they do not change"),
      llvm::cl::init(PipelineOptions().hoist)};
  Option<bool> clipGradients{
      *this, "clip-gradients",
      llvm::cl::desc("limit gradients where `clipgrad` says so"),
      llvm::cl::init(PipelineOptions().clipGradients)};
  Option<bool> stateGradients{
      *this, "state-gradients",
      llvm::cl::desc("make `state_grad` of every model"),
      llvm::cl::init(PipelineOptions().stateGradients)};
  Option<bool> attention{*this, "attention",
                         llvm::cl::desc("make `attention` of models that have "
                                        "any"),
                         llvm::cl::init(PipelineOptions().attention)};
  Option<bool> lossTerms{*this, "loss-terms",
                         llvm::cl::desc("let `loss` give each of several terms "
                                        "too"),
                         llvm::cl::init(PipelineOptions().lossTerms)};

  void set(PipelineOptions &o) const {
    o.precision = precision;
    o.allFunctions = allFunctions;
    o.hoist = hoist;
    o.clipGradients = clipGradients;
    o.stateGradients = stateGradients;
    o.attention = attention;
    o.lossTerms = lossTerms;
  }
};

struct GradFlags : PassPipelineOptions<GradFlags> {
  Option<bool> mergeProducts{
      *this, "merge-products",
      llvm::cl::desc("put products together that share an operand"),
      llvm::cl::init(PipelineOptions().mergeProducts)};

  void set(PipelineOptions &o) const { o.mergeProducts = mergeProducts; }
};

struct ScheduledFlags : PassPipelineOptions<ScheduledFlags> {
  Option<bool> simplify{*this, "simplify",
                        llvm::cl::desc("remove what gradients leave behind"),
                        llvm::cl::init(PipelineOptions().simplify)};
  Option<bool> hoist{*this, "hoist",
                     llvm::cl::desc("take products out of the time loops"),
                     llvm::cl::init(PipelineOptions().hoist)};
  Option<bool> sumWeightGradients{
      *this, "sum-weight-gradients",
      llvm::cl::desc("add up weight gradients after the loop"),
      llvm::cl::init(PipelineOptions().sumWeightGradients)};
  Option<bool> mergeProducts{
      *this, "merge-products",
      llvm::cl::desc("put products together that share an operand"),
      llvm::cl::init(PipelineOptions().mergeProducts)};
  Option<int64_t> chunk{
      *this, "chunk",
      llvm::cl::desc("steps that loops and what they read do together; 0: as "
                     "many as there are; -1: as decided"),
      llvm::cl::init(PipelineOptions().chunk)};
  Option<bool> stagger{*this, "stagger",
                       llvm::cl::desc("let layers run a chunk of time apart"),
                       llvm::cl::init(PipelineOptions().stagger)};
  Option<int64_t> unroll{
      *this, "unroll",
      llvm::cl::desc("steps of a time loop at a time; 0: loops of known length "
                     "are written out"),
      llvm::cl::init(PipelineOptions().unroll)};
  Option<int64_t> unrollBudget{
      *this, "unroll-budget",
      llvm::cl::desc("most ops that an unrolled loop may hold"),
      llvm::cl::init(PipelineOptions().unrollBudget)};

  void set(PipelineOptions &o) const {
    o.simplify = simplify;
    o.hoist = hoist;
    o.sumWeightGradients = sumWeightGradients;
    o.mergeProducts = mergeProducts;
    o.chunk = chunk;
    o.stagger = stagger;
    o.unroll = unroll;
    o.unrollBudget = unrollBudget;
  }
};

struct PhasesFlags : PassPipelineOptions<PhasesFlags> {
  Option<bool> fuseProducts{
      *this, "fuse-products",
      llvm::cl::desc("put products into the phases that read them"),
      llvm::cl::init(PipelineOptions().fuseProducts)};

  Option<bool> fuseRows{
      *this, "fuse-rows",
      llvm::cl::desc("put what works on the same rows into one phase"),
      llvm::cl::init(PipelineOptions().fuseRows)};

  void set(PipelineOptions &o) const {
    o.fuseProducts = fuseProducts;
    o.fuseRows = fuseRows;
  }
};

struct PlannedFlags : PassPipelineOptions<PlannedFlags> {
  ListOption<std::string> targets{
      *this, "targets",
      llvm::cl::desc("what code is made for, where the module does not say: "
                     "v2, v3, v4, neon, sm_80, sm_90")};
  Option<std::string> schedule{*this, "schedule",
                               llvm::cl::desc("file of decisions that differ"),
                               llvm::cl::init("")};
  Option<std::string> productType{
      *this, "product-type",
      llvm::cl::desc("what large products of f32 multiply on a GPU: f32, tf32 "
                     "or bf16"),
      llvm::cl::init(PipelineOptions().productType)};

  void set(PipelineOptions &o) const {
    o.targets.assign(targets.begin(), targets.end());
    o.schedule = schedule;
    o.productType = productType;
  }
};

struct KernelFlags : PassPipelineOptions<KernelFlags> {
  Option<bool> prepareWeights{
      *this, "prepare-weights",
      llvm::cl::desc("pack weights in a function of their own"),
      llvm::cl::init(PipelineOptions().prepareWeights)};

  Option<unsigned> weightBits{
      *this, "weight-bits",
      llvm::cl::desc("of a number of packed weights: 16 for bf16, 8 for int8; "
                     "0: as it is"),
      llvm::cl::init(PipelineOptions().weightBits)};

  Option<bool> sparseUpdate{
      *this, "sparse-update",
      llvm::cl::desc("update those rows of a table that a batch reads"),
      llvm::cl::init(PipelineOptions().sparseUpdate)};

  void set(PipelineOptions &o) const {
    o.prepareWeights = prepareWeights;
    o.weightBits = weightBits;
    o.sparseUpdate = sparseUpdate;
  }
};

struct LLVMFlags : PassPipelineOptions<LLVMFlags> {
  Option<std::string> target{
      *this, "target",
      llvm::cl::desc("which of the module's targets; none: the last"),
      llvm::cl::init("")};
  Option<bool> fastMath{*this, "fast-math",
                        llvm::cl::desc("faster, less exact functions"),
                        llvm::cl::init(PipelineOptions().fastMath)};

  void set(PipelineOptions &o) const {
    o.target = target;
    o.fastMath = fastMath;
  }
};

struct GPUFlags : PassPipelineOptions<GPUFlags> {
  Option<std::string> target{
      *this, "target",
      llvm::cl::desc("which of the module's targets; none: the last"),
      llvm::cl::init("")};

  void set(PipelineOptions &o) const { o.target = target; }
};

struct NVVMFlags : PassPipelineOptions<NVVMFlags> {
  Option<bool> fastMath{*this, "fast-math",
                        llvm::cl::desc("faster, less exact functions"),
                        llvm::cl::init(PipelineOptions().fastMath)};

  void set(PipelineOptions &o) const { o.fastMath = fastMath; }
};

} // namespace

template <typename Flags> static void registerPhase(Phase phase) {
  const PhaseInfo &info = phaseInfo(phase);
  mlir::PassPipelineRegistration<Flags>(
      ("rnnc-" + info.name).str(), info.summary,
      [phase](OpPassManager &manager, const Flags &flags) {
        PipelineOptions options;
        flags.set(options);
        addPhase(manager, phase, options);
      });
}

void pipeline::registerPipelines() {
  registerPipelinePasses();
  registerPhase<BatchedFlags>(Phase::Batched);
  registerPhase<GradFlags>(Phase::Grad);
  registerPhase<ScheduledFlags>(Phase::Scheduled);
  registerPhase<PhasesFlags>(Phase::Phases);
  registerPhase<PlannedFlags>(Phase::Planned);
  registerPhase<KernelFlags>(Phase::Kernel);
  registerPhase<NoFlags>(Phase::Buffer);
  registerPhase<LLVMFlags>(Phase::LLVM);
  registerPhase<GPUFlags>(Phase::GPU);
  registerPhase<NVVMFlags>(Phase::NVVM);
}
