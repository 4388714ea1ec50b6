// Compile.h: from a source to a library, an object, or the text of a phase.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_PIPELINE_COMPILE_H
#define RNNC_PIPELINE_COMPILE_H

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace rnnc {

struct CompileRequest {
  /// A `.rnn` source, or the text of a phase (`.mlir`), which goes on from
  /// there.
  std::string source;
  /// Where the result goes; "-" is standard output. The header of a library
  /// stands beside it.
  std::string output;
  /// What every symbol of a library begins with; "": it follows from the
  /// output's name.
  std::string prefix;
  /// Files of weights that become a part of the library: FILE or MODULE=FILE.
  std::vector<std::string> weights;
  std::vector<std::pair<std::string, int64_t>> dims;
  /// f32 or f64; "": what `train` says, else f32.
  std::string precision;
  int optLevel = 2;
  /// The machine that code is for, as a triple; "": the one at hand.
  std::string target;
  /// "": the variants that a library has by default, picked when loaded; else
  /// what -march says.
  std::string march;
  bool fastMath = false;
  /// All functions that are possible, whatever `export` names.
  bool allFunctions = false;
  /// Limit gradients where `clipgrad` says so; false: never.
  bool clipGradients = true;
  /// Make `state_grad` of every model, whatever `export` names.
  bool stateGradients = false;
  /// Make `attention` of every model that has any, whatever `export` names.
  bool attention = false;
  /// Let `loss` give each of several terms too.
  bool lossTerms = false;
  std::vector<std::string> importDirs;

  enum class Emit { SharedLibrary, Object, StaticArchive, Phase };
  Emit emit = Emit::SharedLibrary;
  /// With Emit::Phase: whose text is wanted.
  std::string phase;

  bool verbose = false;
  bool color = false;
  /// The options --mlir-… of the command line are in force.
  bool debugOptions = false;
  // Passes that can be left out, for comparison.
  bool hoist = true;
  bool sumWeightGradients = true;
  bool mergeProducts = true;
  bool simplify = true;
  /// Bits of a number of packed weights: 16 for bf16, 8 for int8; 0: as it is.
  unsigned weightBits = 0;
  /// Steps of a time loop at a time; 0: loops of known length are written out.
  int64_t unroll = 1;
  /// Steps that time loops and what they read do together; 0: as many as there
  /// are; less: as decided.
  int64_t chunk = -1;
  bool stagger = true; ///< layers run a chunk apart
  int64_t unrollBudget = 1024;
  /// Report what passes did and did not do.
  bool remarks = false;
  bool fuseProducts = true;
  bool fuseRows = true;
  /// File of decisions about speed that differ; "": none.
  std::string schedule;
  bool prepareWeights = true;
  /// Update those rows of a table that a batch reads, where that is the same.
  bool sparseUpdate = true;
  /// What large products of f32 multiply on a GPU: f32, tf32 or bf16.
  std::string productType = "f32";
  /// PHASE:KIND: the pass rnnc-test-fault runs behind a phase.
  std::string testFault;
};

/// Registers the passes of all phases, so that options such as
/// --mlir-print-ir-after=PASS know them; `compile` does it too.
void registerCompilerPasses();

/// Compiles; messages go to `err`. Returns an exit code: 0 fine, 1 errors in
/// the source, 2 usage, 3 a tool failed, 70 a fault of the compiler.
int compile(const CompileRequest &request, llvm::raw_ostream &err);

/// A decision about speed, as a line of a schedule file names it.
struct PlannedDecision {
  std::string place; ///< of an op, or `module`
  std::string name;
  int64_t value, least, most;
};

/// What `compile` would decide for the request, target by target. Returns an
/// exit code as that does.
int planDecisions(const CompileRequest &request,
                  std::vector<PlannedDecision> &decisions,
                  llvm::raw_ostream &err);

} // namespace rnnc

#endif // RNNC_PIPELINE_COMPILE_H
