// Phases.cpp: the one table of what the compiler does, in order.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Pipeline/Phases.h"

#include "CollectInterface.h"

#include "rnnc/Pipeline/CrashReport.h"

#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

using namespace rnnc;
using namespace rnnc::pipeline;

static std::string none(const PipelineOptions &) { return ""; }

static std::string batchedPasses(const PipelineOptions &o) {
  return "convert-rnn-to-scan{precision=" + o.precision +
         " all-functions=" + (o.allFunctions ? "true" : "false") +
         " hoist=" + (o.hoist ? "true" : "false") +
         " clip-gradients=" + (o.clipGradients ? "true" : "false") +
         "},canonicalize,cse";
}

/// Borders of `bptt` are cut first. Gradients are asked for, made, clipped and
/// applied.
static std::string gradPasses(const PipelineOptions &) {
  return "scan-segment,grad-generate,grad-expand-clip,grad-expand-update,"
         "symbol-dce,canonicalize,cse";
}

/// Products are hoisted once more after the sums: what these stack lets others
/// leave, and their products may be free of a loop further out. Unrolling comes
/// last: nothing is merged across steps.
static std::string scheduledPasses(const PipelineOptions &o) {
  std::string passes;
  if (o.simplify)
    passes += "scan-simplify{forget-gradients=true},scan-keep-last,";
  passes += "canonicalize,cse,";
  if (o.hoist)
    passes += "scan-hoist,";
  if (o.sumWeightGradients)
    passes += "scan-sum-weight-gradients,canonicalize,";
  if (o.hoist)
    passes += "scan-hoist,";
  if (o.mergeProducts)
    passes += "scan-merge-products,";
  passes += "canonicalize,cse";
  if (o.hoist)
    passes += ",scan-verify-schedule";
  if (o.unroll != 1)
    passes += ",scan-unroll{factor=" + std::to_string(o.unroll) +
              " budget=" + std::to_string(o.unrollBudget) +
              "},canonicalize,cse";
  return passes;
}

/// Then it is known what functions there are, and what they need.
static std::string kernelPasses(const PipelineOptions &o) {
  std::string passes =
      "convert-scan-to-kernel,kernel-unroll-loops,canonicalize,cse,";
  if (o.prepareWeights)
    passes += "kernel-prepare-weights,canonicalize,cse,";
  return passes + "rnnc-collect-interface";
}

static std::string bufferPasses(const PipelineOptions &) {
  return "kernel-plan-memory";
}

static std::string llvmPasses(const PipelineOptions &o) {
  std::string fma = o.fma ? "true" : "false";
  return "lower-kernel-to-llvm{vector-bits=" + std::to_string(o.vectorBits) +
         " fma=" + fma + " fast-math=" + (o.fastMath ? "true" : "false") + "}";
}

llvm::ArrayRef<PhaseInfo> pipeline::phases() {
  static const PhaseInfo table[] = {
      {Phase::AST, "ast", "the source as it was read", none},
      {Phase::RNN, "rnn", "the checked program: named axes, no batch", none},
      {Phase::Batched, "batched",
       "functions on tensors with batch and lengths, loops over time",
       batchedPasses},
      {Phase::Grad, "grad", "gradients and updates are code like any other",
       gradPasses},
      {Phase::Scheduled, "scheduled",
       "what needs no carry has left the time loops", scheduledPasses},
      {Phase::Kernel, "kernel", "few kernels on buffers", kernelPasses},
      {Phase::Buffer, "buffer", "every buffer has a place in the workspace",
       bufferPasses},
      {Phase::LLVM, "llvm", "the LLVM dialect, for one set of instructions",
       llvmPasses},
      {Phase::Object, "object", "machine code", none},
      {Phase::Library, "library", "a shared library and its header", none},
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

std::string pipeline::phaseNames() {
  std::string out;
  for (const PhaseInfo &info : phases())
    out += (out.empty() ? "" : ", ") + info.name.str();
  return out;
}

bool pipeline::addPhase(mlir::OpPassManager &manager, Phase phase,
                        const PipelineOptions &options, std::string &error) {
  std::string passes = phaseInfo(phase).passes(options);
  if (passes.empty())
    return true;
  llvm::raw_string_ostream stream(error);
  return mlir::succeeded(mlir::parsePassPipeline(passes, manager, stream));
}

void pipeline::registerPipelines() {
  registerCollectInterface();
  registerCheckText();
  registerTestFault();
  for (const PhaseInfo &info : phases()) {
    if (info.passes == none)
      continue;
    std::string name = "rnnc-" + info.name.str();
    Phase phase = info.phase;
    mlir::registerPassPipeline(
        name, info.summary,
        [phase](mlir::OpPassManager &manager, llvm::StringRef,
                llvm::function_ref<mlir::LogicalResult(const llvm::Twine &)>
                    fail) -> mlir::LogicalResult {
          std::string error;
          if (addPhase(manager, phase, PipelineOptions(), error))
            return mlir::success();
          return fail(error);
        },
        [](llvm::function_ref<void(const mlir::detail::PassOptions &)>) {});
  }
}
