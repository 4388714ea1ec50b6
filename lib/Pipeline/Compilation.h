// Compilation.h: what one call of the compiler knows, and its parts.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_PIPELINE_COMPILATION_H
#define RNNC_LIB_PIPELINE_COMPILATION_H

#include "Messages.h"

#include "rnnc/Frontend/Frontend.h"
#include "rnnc/Pipeline/Compile.h"
#include "rnnc/Pipeline/CrashReport.h"
#include "rnnc/Pipeline/Phases.h"
#include "rnnc/Target/CPU/Library.h"
#include "rnnc/Target/NVPTX/PTX.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"

namespace rnnc::pipeline {

enum ExitCode {
  ExitOk = 0,
  ExitSource = 1,
  ExitUsage = 2,
  ExitTool = 3,
  ExitInternal = 70
};

/// The options of the phases that run once for every variant.
PipelineOptions optionsFor(PipelineOptions options,
                           const target::VariantInfo &variant);

/// From a request to what it asks for. What returns an int returns an exit
/// code, and 0 to go on.
class Compilation {
public:
  Compilation(const CompileRequest &request, llvm::raw_ostream &err);

  int run();
  /// What is decided on the way to `planned`.
  int plan(std::vector<PlannedDecision> &decisions);

private:
  int fail(int code, const llvm::Twine &message);
  int checkRequest();
  int checkLibraryOptions();
  int checkWeightType();
  int checkProductType();
  int chooseArchitecture();
  int chooseChip(llvm::StringRef triple, bool alone);
  int chooseProcessor(llvm::StringRef triple);
  int checkAlone();
  int choosePhase();
  int checkOutput();
  int keepInputs();
  int read();
  int readSource();
  bool nestsTooDeep(uint32_t file);
  int readText();
  int readSchedule();
  int choosePrecision();
  int printTree(const CheckedProgram &program);
  int lower(mlir::ModuleOp top, Phase from, Phase to,
            const PipelineOptions &passes);
  /// Whether an option --mlir-… was given: these print while passes run.
  bool isDebugged() const;
  mlir::LogicalResult runPasses(mlir::ModuleOp top, Phase from, Phase to,
                                const PipelineOptions &passes,
                                std::string &fault);
  void addPasses(mlir::PassManager &manager, Phase from, Phase to,
                 const PipelineOptions &passes);
  int verdict(Messages &messages, bool ok, const std::string &fault);
  int failInside(const llvm::Twine &fault);
  int lowerToWanted();
  int printPhase();
  int printPTX();
  int emit();
  int emitPTX();
  int collectLaunches();
  int readLibrary(std::optional<target::Library> &library);
  int describeTargets(std::vector<target::VariantInfo> &variants,
                      llvm::SmallVectorImpl<mlir::Attribute> &targets);
  void nameTargets(llvm::ArrayRef<mlir::Attribute> targets);
  int makeVariants(llvm::ArrayRef<target::VariantInfo> variants,
                   std::vector<target::VariantModule> &out);
  int write(const std::string &path, llvm::StringRef text);
  std::string symbolPrefix() const;
  std::string headerPath() const;
  std::string manifestPath() const;
  int makeDeviceCode(target::Library &library,
                     std::vector<target::VariantModule> &modules);
  /// Whether the code is for GPUs alone.
  bool isForGPU() const { return chip && !architecture; }
  Row row() const { return isForGPU() ? Row::GPU : Row::CPU; }

  const CompileRequest &request;
  llvm::raw_ostream &err;
  PipelineOptions options;
  mlir::MLIRContext context;
  SourceManager sources;
  CrashSources crashSources;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  /// The source is the text of a phase: what cannot be compiled is its fault.
  bool isText = false;
  Phase wanted = Phase::Library;
  Phase have = Phase::RNN; ///< the phase that `module` is in
  // checkRequest finds one of them, or both for a library with code for GPUs.
  const target::Architecture *architecture = nullptr;
  const target::nvptx::Chip *chip = nullptr; ///< of a GPU
};

} // namespace rnnc::pipeline

#endif // RNNC_LIB_PIPELINE_COMPILATION_H
