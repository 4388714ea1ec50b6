// Phases.h: the one table of what the compiler does, in order.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `rnnc --emit=PHASE`, the named pipelines of rnn-opt, the documentation and
// the tests all come from this table.
#ifndef RNNC_PIPELINE_PHASES_H
#define RNNC_PIPELINE_PHASES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mlir {
class OpPassManager;
class Pass;
} // namespace mlir

namespace rnnc::pipeline {

enum class Phase {
  AST,
  RNN,
  Batched,
  Grad,
  Scheduled,
  Phases,
  Planned,
  Kernel,
  Buffer,
  LLVM,
  Object,
  Library, // processors
  GPU,
  NVVM,
  PTX // GPUs
};

/// Behind `buffer` there is a row of phases for each kind of machine. What is
/// decided before, from `planned` on, is decided for machines of one kind.
enum class Row { All, CPU, GPU };

/// What the passes of a phase depend on.
struct PipelineOptions {
  std::string precision = "f32";
  bool allFunctions = true;
  bool fastMath = false;
  /// Limit gradients where `clipgrad` says so.
  bool clipGradients = true;
  /// Make `state_grad` of every model, whatever `export` names.
  bool stateGradients = false;
  /// Make `attention` of every model that has any, whatever `export` names.
  bool attention = false;
  /// Let `loss` give each of several terms too.
  bool lossTerms = false;
  int optLevel = 2;
  // Passes that can be left out.
  bool hoist = true;
  bool sumWeightGradients = true;
  bool mergeProducts = true;
  bool simplify = true;
  /// Steps that time loops and what they read do together; 0: as many as there
  /// are; less: as decided.
  int64_t chunk = -1;
  bool stagger = true; ///< layers run a chunk apart
  /// Steps of a time loop at a time; 0: loops of known length are written out.
  int64_t unroll = 1;
  int64_t unrollBudget = 1024;
  bool fuseProducts = true;
  bool fuseRows = true;
  bool prepareWeights = true;
  bool sparseUpdate = true;
  /// Bits of a number of prepared weights: 16 for bf16, 8 for int8; 0: as it
  /// is.
  unsigned weightBits = 0;
  /// What code is made for, where the module does not name it: v2, v3, v4,
  /// neon, sm_80, sm_90.
  std::vector<std::string> targets;
  /// File of decisions that differ; "": none.
  std::string schedule;
  /// What large products of f32 multiply on a GPU: f32, tf32 or bf16.
  std::string productType = "f32";
  /// Of the phases after `buffer`, which run once for every target: its name;
  /// "": the last.
  std::string target;
};

struct PhaseInfo {
  Phase phase;
  Row row;
  llvm::StringRef name;
  llvm::StringRef summary;
  /// Adds the passes that lead from the phase before to this one; null where
  /// no pass does.
  void (*build)(mlir::OpPassManager &manager, const PipelineOptions &options);
};

/// All phases: those for all machines in order, then row by row.
llvm::ArrayRef<PhaseInfo> phases();
const PhaseInfo &phaseInfo(Phase phase);
std::optional<Phase> phaseNamed(llvm::StringRef name);
/// Whether a machine of this kind has the phase.
bool hasPhase(Row row, Phase phase);

/// The names of the phases of a machine of this kind, for messages.
std::string phaseNames(Row row);

/// Adds the passes of one phase.
void addPhase(mlir::OpPassManager &manager, Phase phase,
              const PipelineOptions &options);

/// Registers `rnnc-PHASE`, with the options that the phase depends on, for
/// every phase that has passes, and the passes of the pipeline itself.
void registerPipelines();

} // namespace rnnc::pipeline

#endif // RNNC_PIPELINE_PHASES_H
