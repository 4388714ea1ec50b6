// rnn-opt.cpp - runs passes on the text of any level, for tests and debugging.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A file whose name ends in `.rnn` is read as a program and elaborated first.
#include "rnnc/Conversion/ASTToRNN/ASTToRNN.h"
#include "rnnc/Frontend/Check.h"
#include "rnnc/InitAll.h"
#include "rnnc/Pipeline/CrashReport.h"
#include "rnnc/Pipeline/Passes.h"
#include "rnnc/Pipeline/Phases.h"

#include "mlir/Dialect/Linalg/TransformOps/DialectExtension.h"
#include "mlir/Dialect/Transform/IR/TransformDialect.h"
#include "mlir/Dialect/Transform/Transforms/Passes.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/ADT/Statistic.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;

static llvm::cl::list<std::string>
    dims("D", llvm::cl::Prefix, llvm::cl::value_desc("NAME=VALUE"),
         llvm::cl::desc("Value of a dim of the program (.rnn only)"));
static llvm::cl::list<std::string>
    importDirs("I", llvm::cl::Prefix, llvm::cl::value_desc("DIR"),
               llvm::cl::desc("Where imports are looked for (.rnn only)"));

/// MLIR's own `--mlir-pass-statistics` prints an empty table where LLVM was
/// built without assertions, as Debian's is.
static llvm::cl::opt<bool>
    statistics("rnnc-statistics",
               llvm::cl::desc("Print what the passes of rnnc counted"));

/// The rnn level of a program as text, with places.
static std::unique_ptr<llvm::MemoryBuffer>
elaborate(StringRef path, DialectRegistry &registry) {
  rnnc::FrontendOptions options;
  options.importDirs.assign(importDirs.begin(), importDirs.end());
  for (const std::string &dim : dims) {
    std::optional<std::pair<std::string, int64_t>> given = rnnc::splitDim(dim);
    if (!given) {
      llvm::errs() << "rnn-opt: error: `-D " << dim
                   << "`: write it as AXIS=N\n";
      return nullptr;
    }
    options.dims.push_back(*given);
  }
  rnnc::SourceManager sources;
  rnnc::Diagnostics diags(sources);
  MLIRContext context(registry);
  OwningOpRef<ModuleOp> module;
  auto program = rnnc::check(sources, path.str(), options, diags);
  if (program)
    module = rnnc::emitRNN(*program, sources, context, diags);
  llvm::errs() << diags.render(rnnc::wantsColor(stderr));
  if (!module)
    return nullptr;
  std::string text;
  llvm::raw_string_ostream stream(text);
  module->print(stream, OpPrintingFlags().enableDebugInfo());
  return llvm::MemoryBuffer::getMemBufferCopy(text, path);
}

/// What the command line asks for, with passes noted for the report of a crash.
static MlirOptMainConfig noted(const MlirOptMainConfig &asked) {
  MlirOptMainConfig config = asked;
  return config.setPassPipelineSetupFn([&asked](PassManager &manager) {
    manager.addPass(rnnc::pipeline::createCheckText());
    if (failed(asked.setupPassPipeline(manager)))
      return failure();
    rnnc::pipeline::noteWork(manager, {});
    return success();
  });
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  rnnc::installCrashReport("rnn-opt", /*trace=*/true);
  DialectRegistry registry;
  rnnc::registerAllDialects(registry);
  rnnc::registerAllPasses();
  // Tiles and loops by hand: `kernel.phase` has the interfaces for it.
  registry.insert<transform::TransformDialect>();
  linalg::registerTransformDialectExtension(registry);
  transform::registerTransformPasses();
  rnnc::pipeline::registerPipelines();
  auto [input, output] =
      registerAndParseCLIOptions(argc, argv, "rnnc pass driver\n", registry);
  if (statistics)
    llvm::EnableStatistics(/*DoPrintOnExit=*/false);
  MlirOptMainConfig asked = MlirOptMainConfig::createFromCLOptions();
  std::string message;
  std::unique_ptr<llvm::MemoryBuffer> buffer =
      StringRef(input).ends_with(".rnn") ? elaborate(input, registry)
                                         : openInputFile(input, &message);
  if (!message.empty())
    llvm::errs() << message << "\n";
  if (!buffer)
    return 1;
  std::unique_ptr<llvm::ToolOutputFile> file = openOutputFile(output, &message);
  if (!file) {
    llvm::errs() << message << "\n";
    return 1;
  }
  if (failed(
          MlirOptMain(file->os(), std::move(buffer), registry, noted(asked))))
    return 1;
  if (statistics)
    llvm::PrintStatistics(llvm::errs());
  file->keep();
  return 0;
}
