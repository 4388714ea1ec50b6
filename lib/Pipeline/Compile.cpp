// Compile.cpp: from a source to a library, an object, or the text of a phase.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Compilation.h"

#include "PrintAST.h"
#include "rnnc/Dialect/Kernel/Kernel.h"

#ifdef RNNC_HAVE_ASTTORNN
#include "rnnc/Conversion/ASTToRNN/ASTToRNN.h"
#endif
#include "rnnc/Dialect/RNN/RNN.h"
#include "rnnc/InitAll.h"
#include "rnnc/Pipeline/Passes.h"
#include "rnnc/Support/Text.h"
#include "rnnc/Support/Work.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/CommandLine.h"

using namespace rnnc;
using namespace rnnc::pipeline;

static mlir::DialectRegistry &registry() {
  static mlir::DialectRegistry instance = [] {
    mlir::DialectRegistry r;
    registerAllDialects(r);
    return r;
  }();
  return instance;
}

Compilation::Compilation(const CompileRequest &request, llvm::raw_ostream &err)
    : request(request), err(err), context(registry()), crashSources(sources) {
  context.loadAllAvailableDialects();
  target::registerTranslations(context);
  target::nvptx::registerTranslations(context);
  options.allFunctions = request.allFunctions;
  options.fastMath = request.fastMath;
  options.clipGradients = request.clipGradients;
  options.stateGradients = request.stateGradients;
  options.attention = request.attention;
  options.lossTerms = request.lossTerms;
  options.optLevel = request.optLevel;
  options.hoist = request.hoist;
  options.sumWeightGradients = request.sumWeightGradients;
  options.mergeProducts = request.mergeProducts;
  options.simplify = request.simplify;
  options.chunk = request.chunk;
  options.stagger = request.stagger;
  options.weightBits = request.weightBits;
  options.unroll = request.unroll;
  options.unrollBudget = request.unrollBudget;
  if (request.remarks)
    enableRemarks(context);
  options.fuseProducts = request.fuseProducts;
  options.fuseRows = request.fuseRows;
  options.schedule = request.schedule;
  options.prepareWeights = request.prepareWeights;
  options.sparseUpdate = request.sparseUpdate;
  options.productType = request.productType;
}

int Compilation::fail(int code, const llvm::Twine &message) {
  err << "rnnc: error: " << shown(message.str(), /*lines=*/true) << "\n";
  return code;
}

int Compilation::printTree(const CheckedProgram &program) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  printAST(stream, program.main(), sources);
  return write(request.output, text);
}

/// Reads and checks a `.rnn` source.
int Compilation::readSource() {
  Diagnostics diags(sources);
  currentWork = {"rnn"};
  FrontendOptions frontend{request.dims, request.importDirs};
  std::optional<CheckedProgram> program =
      check(sources, request.source, frontend, diags);
  if (int code = keepInputs())
    return code;
  if (program && wanted == Phase::AST) {
    diags.sort();
    err << diags.render(request.color);
    return printTree(*program);
  }
  if (program) {
#ifdef RNNC_HAVE_ASTTORNN
    reportUnsupported(*program, diags);
    if (!diags.hasErrors())
      module = emitRNN(*program, sources, context, diags);
#endif
  }
  diags.sort();
  err << diags.render(request.color);
  if (diags.hasErrors())
    return ExitSource;
  if (!module)
    return fail(ExitInternal, "the source was refused without a message");
  have = Phase::RNN;
  return ExitOk;
}

/// MLIR reads, verifies and prints by recursion; no phase nests so deep.
bool Compilation::nestsTooDeep(uint32_t file) {
  size_t at = findDeeper(sources.text(file), 1000);
  if (at == std::string_view::npos)
    return false;
  LineColumn place = sources.lineColumn(file, static_cast<uint32_t>(at));
  mlir::emitError(mlir::FileLineColLoc::get(&context, request.source,
                                            place.line, place.column))
      << "brackets are nested too deep here";
  return true;
}

/// Reads the text that `--emit` printed; it says of which phase it is.
int Compilation::readText() {
  uint32_t id = 0;
  std::string problem;
  if (!sources.addFile(request.source, id, problem))
    return fail(ExitSource,
                "`" + request.source + "` cannot be read: " + problem);
  isText = true;
  Messages messages(context, sources);
  if (int code = keepInputs())
    return code;
  if (!nestsTooDeep(id))
    module = mlir::parseSourceString<mlir::ModuleOp>(sources.text(id), &context,
                                                     request.source);
  if (!module) {
    err << messages.render(request.color);
    return ExitSource;
  }
  auto name = (*module)->getAttrOfType<mlir::StringAttr>("rnnc.phase");
  std::optional<Phase> phase =
      name ? phaseNamed(name.getValue()) : std::optional(Phase::RNN);
  if (!phase)
    return fail(ExitSource, "`" + request.source + "` is of the phase `" +
                                name.getValue() + "`, which does not exist");
  if (!hasPhase(row(), *phase))
    return fail(ExitSource, "`" + request.source + "` is of the phase `" +
                                name.getValue() + "`, which code for " +
                                (isForGPU() ? "GPUs" : architecture->name) +
                                " does not go through");
  have = *phase;
  return ExitOk;
}

/// The lines of the schedule are shown in messages; the pass that decides reads
/// them.
int Compilation::readSchedule() {
  if (request.schedule.empty())
    return ExitOk;
  if (have >= Phase::Planned)
    return fail(ExitUsage, "`" + request.source +
                               "` is planned already; "
                               "--schedule decides before");
  if (request.emit == CompileRequest::Emit::Phase && wanted < Phase::Planned)
    return fail(ExitUsage, "--schedule decides in the phase `planned`, and the "
                           "text is of an earlier one");
  uint32_t id = 0;
  std::string problem;
  if (!sources.addFile(request.schedule, id, problem))
    return fail(ExitSource, "the schedule `" + request.schedule +
                                "` cannot be read: " + problem);
  return ExitOk;
}

/// Real numbers are as the command line says, else as `train` says, else f32.
int Compilation::choosePrecision() {
  options.precision = request.precision.empty() ? "f32" : request.precision;
  if (!request.precision.empty() || have != Phase::RNN)
    return ExitOk;
  Messages messages(context, sources);
  mlir::StringAttr said;
  for (rnn::ModuleOp model : module->getOps<rnn::ModuleOp>()) {
    auto one = model.getTrainAttr().getAs<mlir::StringAttr>("precision");
    if (said && one && one != said) {
      model.emitError("[E416] `train` of another model says `precision ")
          << said.getValue() << "`, and a library has one";
      err << messages.render(request.color);
      return ExitSource;
    }
    if (one)
      said = one;
  }
  if (said)
    options.precision = said.str();
  return ExitOk;
}

bool Compilation::isDebugged() const {
  if (!request.debugOptions)
    return false;
  for (auto &[name, option] : llvm::cl::getRegisteredOptions())
    if (name.starts_with("mlir-") && option->getNumOccurrences())
      return true;
  return false;
}

namespace {
/// A pass that breaks the code must not be covered up by those behind it, which
/// may drop what has no place any more: a wrong number is worse than an error.
struct VerifyPhase
    : mlir::PassWrapper<VerifyPhase, mlir::OperationPass<mlir::ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(VerifyPhase)
  llvm::StringRef getName() const override { return "verify-phase"; }
  void runOnOperation() override {
    if (mlir::failed(mlir::verify(getOperation())))
      signalPassFailure();
    markAllAnalysesPreserved();
  }
};
} // namespace

/// Runs the passes of the phases after `from`, up to `to`. No fault: the
/// options --mlir-… do not fit together.
mlir::LogicalResult Compilation::runPasses(mlir::ModuleOp top, Phase from,
                                           Phase to,
                                           const PipelineOptions &passes,
                                           std::string &fault) {
  mlir::PassManager manager(&context);
  if (request.debugOptions) {
    if (mlir::failed(mlir::applyPassManagerCLOptions(manager)))
      return mlir::failure();
    mlir::applyDefaultTimingPassManagerCLOptions(manager);
  }
  // To verify behind every pass takes a third of the time of all passes, behind
  // every phase little. Text may be of any hand, and who looks for a fault
  // wants to see where it began.
  bool each = isText || isDebugged() || !request.testFault.empty();
  manager.enableVerifier(each);
  addPasses(manager, from, to, passes);
  if (mlir::succeeded(manager.run(top)))
    return mlir::success();
  fault = "a pass failed";
  return mlir::failure();
}

void Compilation::addPasses(mlir::PassManager &manager, Phase from, Phase to,
                            const PipelineOptions &passes) {
  if (isText)
    manager.addPass(createCheckText());
  auto [faultPhase, faultKind] = llvm::StringRef(request.testFault).split(':');
  std::vector<PhaseEnd> ends;
  for (const PhaseInfo &info : phases()) {
    if (info.phase <= from || info.phase > to || !hasPhase(row(), info.phase))
      continue;
    addPhase(manager, info.phase, passes);
    manager.addPass(std::make_unique<VerifyPhase>());
    if (faultPhase == info.name)
      manager.addPass(createTestFault({faultKind.str()}));
    ends.emplace_back(manager.size(), info.name.data());
  }
  noteWork(manager, ends);
}

int Compilation::lower(mlir::ModuleOp top, Phase from, Phase to,
                       const PipelineOptions &passes) {
  Messages messages(context, sources);
  std::string fault;
  bool ok = mlir::succeeded(runPasses(top, from, to, passes, fault));
  return verdict(messages, ok, fault);
}

/// Prints the messages; the exit code of passes that ran.
int Compilation::verdict(Messages &messages, bool ok,
                         const std::string &fault) {
  err << messages.render(request.color);
  if (messages.sourceErrors())
    return ExitSource;
  if (ok)
    return ExitOk;
  return fault.empty() ? ExitUsage : failInside(fault);
}

/// Something behind the check of the source failed.
int Compilation::failInside(const llvm::Twine &fault) {
  if (isText)
    return fail(ExitSource, "`" + request.source + "`: " + fault +
                                "; the text is not what the phase prints");
  return fail(ExitInternal, fault + "; this is a fault of the compiler: please "
                                    "report it, with this text, the source "
                                    "and the command");
}

int Compilation::write(const std::string &path, llvm::StringRef text) {
  if (path == "-") {
    llvm::outs() << text;
    return ExitOk;
  }
  if (llvm::Error error = target::writeFile(path, text))
    return fail(ExitTool, llvm::toString(std::move(error)));
  return ExitOk;
}

/// Goes on to the phase whose text is wanted.
int Compilation::lowerToWanted() {
  if (have > wanted)
    return fail(ExitUsage, "`" + request.source +
                               "` is of a later phase than `" + request.phase +
                               "`");
  std::vector<target::VariantInfo> variants;
  llvm::SmallVector<mlir::Attribute> targets;
  if (int code = describeTargets(variants, targets))
    return code;
  if (wanted >= Phase::Planned)
    nameTargets(targets);
  // The last variant is the widest.
  return lower(*module, have, wanted,
               isForGPU() ? options : optionsFor(options, variants.back()));
}

int Compilation::printPhase() {
  if (int code = lowerToWanted())
    return code;
  if (wanted == Phase::PTX)
    return printPTX();
  (*module)->setAttr("rnnc.phase",
                     mlir::StringAttr::get(&context, request.phase));
  std::string text;
  llvm::raw_string_ostream stream(text);
  (*module)->print(stream, mlir::OpPrintingFlags());
  return write(request.output, text + "\n");
}

/// Reads what the request names, up to where phases begin.
int Compilation::read() {
  registerCompilerPasses();
  if (int code = checkRequest())
    return code;
  bool text = llvm::StringRef(request.source).ends_with(".mlir");
  if (int code = text ? readText() : readSource())
    return code;
  if (wanted == Phase::AST && !text)
    return ExitOk; // printed when it was read
  if (int code = readSchedule())
    return code;
  if (int code = choosePrecision())
    return code;
  if (int code = checkWeightType())
    return code;
  return checkProductType();
}

int Compilation::run() {
  if (int code = read())
    return code;
  if (wanted == Phase::AST && !isText)
    return ExitOk;
  if (request.emit == CompileRequest::Emit::Phase)
    return printPhase();
  return isForGPU() ? emitPTX() : emit();
}

int Compilation::plan(std::vector<PlannedDecision> &decisions) {
  if (int code = read())
    return code;
  if (int code = lowerToWanted())
    return code;
  (*module)->walk([&](mlir::Operation *op) {
    auto name = op->getAttrOfType<mlir::StringAttr>(kernel::kDecisionName);
    bool top = op == module->getOperation();
    if (!name && !top)
      return;
    for (kernel::ScheduleAttr schedule : kernel::schedulesOf(op))
      for (unsigned i = 0; i != kernel::kNumDecisions; ++i) {
        const auto &info = kernel::infoOf(kernel::Decision(i));
        if (int64_t value = schedule.get(kernel::Decision(i)))
          decisions.push_back({top ? "module" : name.str(), info.name.str(),
                               value, info.least, info.most});
      }
  });
  return ExitOk;
}

void rnnc::registerCompilerPasses() {
  static bool done = [] {
    registerAllPasses();
    registerPipelines();
    return true;
  }();
  (void)done;
}

int rnnc::compile(const CompileRequest &request, llvm::raw_ostream &err) {
  int code = Compilation(request, err).run();
  currentWork = {};
  return code;
}

int rnnc::planDecisions(const CompileRequest &request,
                        std::vector<PlannedDecision> &decisions,
                        llvm::raw_ostream &err) {
  CompileRequest planned = request;
  planned.emit = CompileRequest::Emit::Phase;
  planned.phase = "planned";
  planned.output = "-";
  int code = Compilation(planned, err).plan(decisions);
  currentWork = {};
  return code;
}
