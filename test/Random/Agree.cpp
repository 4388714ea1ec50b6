// Agree.cpp: compiles a source and compares what it gives with the interpreter.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Agree.h"

#include "rnnc/Conversion/ASTToRNN/ASTToRNN.h"
#include "rnnc/Frontend/Frontend.h"
#include "rnnc/Pipeline/Compile.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/raw_ostream.h"

using namespace rnnc;
using namespace rnnc::agree;
namespace cl = llvm::cl;

static cl::opt<std::string> source(cl::Positional, cl::desc("SOURCE.rnn"),
                                   cl::Required);
static cl::opt<std::string> folder("folder", cl::desc("For what is compiled"),
                                   cl::Required);
static cl::opt<uint32_t> seed("seed", cl::desc("Of arguments and dropout"));
static cl::opt<int> optLevel("O", cl::Prefix, cl::desc("Level"));
static cl::opt<std::string> march("march", cl::desc("Processor"));
static cl::list<std::string> without("without", cl::CommaSeparated,
                                     cl::desc("Passes that are left out"));
static cl::opt<int64_t> chunk("chunk", cl::init(-1),
                              cl::desc("steps of a chunk; 0: all"));
static cl::opt<int64_t> unroll("unroll", cl::init(1), cl::desc("0: full"));
static cl::opt<bool> allFunctions("all-functions",
                                  cl::desc("Whatever is exported"));
static cl::opt<bool> single("f32", cl::desc("Compare in f32 too"));
static cl::list<int> threads("thread-counts", cl::CommaSeparated,
                             cl::desc("Numbers of threads"));
static cl::opt<std::string>
    spoil("spoil", cl::desc("FUNCTION:RESULT that is given wrong"));

namespace {

struct Elaborated {
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

} // namespace

/// The program as the interpreter runs it. Refusals are printed; the exit code
/// tells the generator's mistakes (1) from sizes without a value (2).
static std::unique_ptr<Elaborated> elaborate(int &exitCode) {
  SourceManager sources;
  Diagnostics diags(sources);
  auto result = std::make_unique<Elaborated>();
  std::optional<CheckedProgram> program = check(sources, source, {}, diags);
  exitCode = 1;
  if (program && !diags.hasErrors()) {
    reportUnsupported(*program, diags);
    if (diags.hasErrors())
      exitCode = 2;
    else
      result->module = emitRNN(*program, sources, result->context, diags);
  }
  diags.sort();
  if (diags.hasErrors())
    llvm::errs() << diags.render(false);
  if (!result->module)
    return nullptr;
  exitCode = 0;
  return result;
}

static CompileRequest request(const std::string &precision) {
  CompileRequest request;
  request.source = source;
  request.output = folder + "/lib" + precision + ".so";
  request.precision = precision;
  request.optLevel = optLevel;
  request.march = march;
  request.allFunctions = request.attention = allFunctions;
  for (const std::string &pass : without) {
    request.hoist &= pass != "hoist";
    request.sumWeightGradients &= pass != "sum-weight-gradients";
    request.mergeProducts &= pass != "merge-products";
    request.simplify &= pass != "simplify";
    request.prepareWeights &= pass != "prepare-weights";
    request.fuseProducts &= pass != "fuse-products";
    request.fuseRows &= pass != "fuse-rows";
    request.stagger &= pass != "stagger";
    request.sparseUpdate &= pass != "sparse-update";
  }
  request.unroll = unroll;
  request.chunk = chunk;
  return request;
}

static std::shared_ptr<training::Library> build(const std::string &precision,
                                                int &exitCode) {
  CompileRequest what = request(precision);
  exitCode = compile(what, llvm::errs());
  if (exitCode)
    return nullptr;
  auto library = training::Library::open(what.output, source);
  if (!library) {
    llvm::errs() << library.error().message << "\n";
    exitCode = 3;
    return nullptr;
  }
  return *library;
}

static int indexOf(const training::Library &library, llvm::StringRef name) {
  const auto &modules = library.manifest().modules;
  for (size_t m = 0; m < modules.size(); ++m)
    if (modules[m].name == name)
      return int(m);
  return -1;
}

static training::Json toJson(llvm::StringRef name, const Report &report) {
  training::Json list = training::Json::array();
  for (const Difference &one : report.differences)
    list.push_back(one.where + ": " + one.what);
  return {{"module", name.str()},
          {"functions", report.functions},
          {"directions", report.directions},
          {"kinks", report.kinks},
          {"not_finite", report.notFinite},
          {"ill_conditioned", report.illConditioned},
          {"differences", std::move(list)}};
}

static Report checkModule(rnn::ModuleOp module,
                          std::shared_ptr<training::Library> real,
                          std::shared_ptr<training::Library> small,
                          const Plant &plant) {
  Report report;
  Subject subject{module, real, indexOf(*real, module.getSymName())};
  if (subject.index < 0) {
    report.differences.push_back(
        {module.getSymName().str(), "is not compiled"});
    return report;
  }
  std::vector<int> counts(threads.begin(), threads.end());
  if (counts.empty())
    counts = {1};
  Draw draw(seed);
  std::vector<Case> cases = makeCases(subject, draw);
  for (const Case &one : cases)
    Checker(subject, nullptr, seed, counts, plant, report).run(one);
  if (!small || !report.differences.empty())
    return report;
  Subject other{module, small, indexOf(*small, module.getSymName())};
  for (const Case &one : cases)
    Checker(other, &subject, seed, counts, plant, report).run(one);
  return report;
}

int main(int argc, char **argv) {
  cl::ParseCommandLineOptions(argc, argv, "compiled against interpreted\n");
  int exitCode = 0;
  std::unique_ptr<Elaborated> program = elaborate(exitCode);
  if (!program) {
    llvm::outs() << (exitCode == 2 ? "not supported\n" : "refused\n");
    return exitCode;
  }
  std::shared_ptr<training::Library> real = build("f64", exitCode), small;
  if (!exitCode && single)
    small = build("f32", exitCode);
  if (exitCode) {
    llvm::outs() << "not compiled: exit code " << exitCode << "\n";
    return 70;
  }
  Plant plant;
  std::tie(plant.function, plant.result) = [] {
    auto [function, result] = llvm::StringRef(spoil).split(':');
    return std::pair(function.str(), result.str());
  }();
  bool differs = false;
  for (rnn::ModuleOp module : program->module->getOps<rnn::ModuleOp>()) {
    llvm::errs() << "in " << module.getSymName() << "\n";
    Report report = checkModule(module, real, small, plant);
    differs |= !report.differences.empty();
    llvm::outs() << toJson(module.getSymName(), report).dump() << "\n";
    llvm::outs().flush();
  }
  return differs ? 5 : 0;
}
