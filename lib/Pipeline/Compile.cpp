// Compile.cpp: from a source to a library, an object, or the text of a phase.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Pipeline/Compile.h"

#include "Messages.h"
#include "PrintAST.h"
#include "Weights.h"

#ifdef RNNC_HAVE_ASTTORNN
#include "rnnc/Conversion/ASTToRNN/ASTToRNN.h"
#endif
#include "rnnc/Conversion/KernelToGPU/KernelToGPU.h"
#include "rnnc/Dialect/Kernel/Kernel.h"
#include "rnnc/Dialect/RNN/RNN.h"
#include "rnnc/Frontend/Frontend.h"
#include "rnnc/InitAll.h"
#include "rnnc/Pipeline/CrashReport.h"
#include "rnnc/Pipeline/Passes.h"
#include "rnnc/Pipeline/Phases.h"
#include "rnnc/Support/Text.h"
#include "rnnc/Support/Work.h"
#include "rnnc/Target/CPU/Library.h"
#include "rnnc/Target/CPU/Prototypes.h"
#include "rnnc/Target/NVPTX/PTX.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Threading.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace rnnc;
using namespace rnnc::pipeline;

namespace {

enum ExitCode { ExitOk = 0, ExitSource = 1, ExitUsage = 2, ExitTool = 3,
                ExitInternal = 70 };

mlir::DialectRegistry &registry() {
  static mlir::DialectRegistry instance = [] {
    mlir::DialectRegistry r;
    registerAllDialects(r);
    return r;
  }();
  return instance;
}

class Compilation {
public:
  Compilation(const CompileRequest &request, llvm::raw_ostream &err)
      : request(request), err(err), context(registry()), crashSources(sources) {
    context.loadAllAvailableDialects();
    target::registerTranslations(context);
    target::nvptx::registerTranslations(context);
    options.allFunctions = request.allFunctions;
    options.fastMath = request.fastMath;
    options.clipGradients = request.clipGradients;
    options.optLevel = request.optLevel;
    options.hoist = request.hoist;
    options.sumWeightGradients = request.sumWeightGradients;
    options.mergeProducts = request.mergeProducts;
    options.simplify = request.simplify;
    options.unroll = request.unroll;
    options.unrollBudget = request.unrollBudget;
    if (request.remarks)
      enableRemarks(context);
    options.fuseProducts = request.fuseProducts;
    options.schedule = request.schedule;
    options.prepareWeights = request.prepareWeights;
  }

  int run();

private:
  int fail(int code, const llvm::Twine &message) {
    err << "rnnc: error: " << shown(message.str(), /*lines=*/true) << "\n";
    return code;
  }
  int checkRequest();
  int checkLibraryOptions();
  int chooseArchitecture();
  int chooseChip();
  int choosePhase();
  int checkOutput();
  int keepInputs();
  int readSource();
  bool nestsTooDeep(uint32_t file);
  int readText();
  int readSchedule();
  int choosePrecision();
  int printTree(const CheckedProgram &program);
  int lower(mlir::ModuleOp top, Phase from, Phase to,
            const PipelineOptions &passes);
  mlir::LogicalResult runPasses(mlir::ModuleOp top, Phase from, Phase to,
                                const PipelineOptions &passes,
                                std::string &fault);
  void addPasses(mlir::PassManager &manager, Phase from, Phase to,
                 const PipelineOptions &passes);
  int verdict(Messages &messages, bool ok, const std::string &fault);
  int failInside(const llvm::Twine &fault);
  int printPhase();
  int printPTX();
  int emit();
  int emitPTX();
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
  Row row() const { return chip ? Row::GPU : Row::CPU; }

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
  // checkRequest finds one of them.
  const target::Architecture *architecture = nullptr;
  const target::nvptx::Chip *chip = nullptr; ///< of a GPU
};

int Compilation::checkRequest() {
  if (!request.precision.empty() && request.precision != "f32" &&
      request.precision != "f64")
    return fail(ExitUsage, "--precision is f32 or f64, not `" +
                               request.precision + "`");
  if (request.optLevel < 0 || request.optLevel > 3)
    return fail(ExitUsage, "there are the levels -O0 to -O3");
  if (int code = checkLibraryOptions())
    return code;
  if (int code = chooseArchitecture())
    return code;
  if (int code = choosePhase())
    return code;
  return checkOutput();
}

/// What is to be printed, if a phase is.
int Compilation::choosePhase() {
  if (request.emit != CompileRequest::Emit::Phase)
    return ExitOk;
  std::optional<Phase> phase = phaseNamed(request.phase);
  if (phase && !hasPhase(row(), *phase))
    return fail(ExitUsage,
                "code for " + llvm::Twine(chip ? "GPUs" : architecture->name) +
                    " has no phase `" + request.phase + "`; there are " +
                    phaseNames(row()) +
                    (chip ? "" : "; --target=nvptx64 is for GPUs"));
  if (!phase || *phase == Phase::Object || *phase == Phase::Library)
    return fail(ExitUsage, "there is no phase `" + request.phase +
                               "`; there are " + phaseNames(row()));
  wanted = *phase;
  return ExitOk;
}

/// Code for GPUs is a text, which is no library: it has no runtime, no symbols
/// in C, and no place for weights.
int Compilation::chooseChip() {
  if (llvm::Error error = target::nvptx::checkTriple(request.target))
    return fail(ExitUsage, llvm::toString(std::move(error)));
  auto found = target::nvptx::chipFor(request.march);
  if (!found)
    return fail(ExitUsage, llvm::toString(found.takeError()));
  chip = *found;
  using Emit = CompileRequest::Emit;
  if (request.emit == Emit::Object || request.emit == Emit::StaticArchive)
    return fail(ExitUsage, "code for GPUs is PTX, a text: there are no objects "
                           "and no archives of it");
  if (request.emit == Emit::SharedLibrary && !request.weights.empty())
    return fail(ExitUsage, "--weights go into a library, and code for GPUs is "
                           "none: whoever calls it gives the weights");
  if (request.emit == Emit::SharedLibrary && !request.prefix.empty())
    return fail(ExitUsage, "--prefix names the symbols of a library, and code "
                           "for GPUs is none");
  return ExitOk;
}

/// What the code is for; a library needs a runtime for it.
int Compilation::chooseArchitecture() {
  if (target::nvptx::isTriple(request.target))
    return chooseChip();
  auto found = target::architectureFor(request.target);
  if (!found)
    return fail(ExitUsage, llvm::toString(found.takeError()));
  architecture = *found;
  if (request.emit == CompileRequest::Emit::Phase)
    return ExitOk;
  if (llvm::Error error = target::checkRuntime(*architecture))
    return fail(ExitTool, llvm::toString(std::move(error)));
  return ExitOk;
}

/// What all symbols of the library begin with.
std::string Compilation::symbolPrefix() const {
  return request.prefix.empty() ? target::symbolPrefix(request.output)
                                : request.prefix;
}

/// Options that only a library can have.
int Compilation::checkLibraryOptions() {
  llvm::StringRef prefix = request.prefix;
  bool text = request.emit == CompileRequest::Emit::Phase;
  if (text && !request.weights.empty())
    return fail(ExitUsage, "--weights go into a library; the text of a phase "
                           "has none");
  if (text && !prefix.empty())
    return fail(ExitUsage, "--prefix names the symbols of a library; the text "
                           "of a phase has none");
  if (!prefix.empty() && !target::isCIdentifier(prefix))
    return fail(ExitUsage, "--prefix `" + prefix +
                               "` is no name in C: letters, digits and _, no "
                               "digit first");
  // The runtime in the library has names of its own.
  bool hasRuntime = !text && !target::nvptx::isTriple(request.target);
  if (hasRuntime && llvm::StringRef(symbolPrefix()).starts_with("rnnc_rt"))
    return fail(ExitUsage, "symbols cannot begin with `" + symbolPrefix() +
                               "`; --prefix names another beginning");
  return ExitOk;
}

/// Whether a file can be made where the result goes: better known before the
/// work than after it.
int Compilation::checkOutput() {
  namespace fs = llvm::sys::fs;
  bool isText = request.emit == CompileRequest::Emit::Phase;
  llvm::StringRef path = request.output;
  if (path == "-" && chip && !isText)
    return fail(ExitUsage, "there is a manifest beside the PTX; -o names a file, "
                           "and --emit=ptx prints the PTX alone");
  if (path == "-")
    return isText ? ExitOk
                  : fail(ExitUsage, "a library or an object cannot go to "
                                    "standard output; -o names a file");
  if (chip && !isText && manifestPath() == path)
    return fail(ExitUsage, "`" + path + "` is where the manifest of the PTX "
                           "goes; give the PTX another name");
  fs::file_status status;
  fs::status(path, status);
  if (fs::is_directory(status))
    return fail(ExitTool, "`" + path + "` is a folder");
  // What is made replaces the file; a device must not be replaced.
  if (fs::exists(status) && !fs::is_regular_file(status) && !isText)
    return fail(ExitTool, "`" + path + "` is not a file");
  llvm::SmallString<128> folder(llvm::sys::path::parent_path(path));
  if (folder.empty())
    folder = ".";
  bool isNew = !fs::exists(status) || !isText;
  if (std::error_code code =
          fs::access(isNew ? folder.str() : path, fs::AccessMode::Write))
    return fail(ExitTool, "`" + path + "` cannot be written: " +
                              code.message());
  return ExitOk;
}

/// Neither the result nor its header may replace what was read, under another
/// spelling or through a link either.
int Compilation::keepInputs() {
  std::vector<std::string> inputs = {request.source};
  for (uint32_t file = 0; file != sources.size(); ++file)
    inputs.push_back(sources.name(file));
  if (!request.schedule.empty())
    inputs.push_back(request.schedule);
  for (llvm::StringRef weights : request.weights) {
    inputs.push_back(weights.str());
    inputs.push_back(weights.split('=').second.str());
  }
  std::vector<std::string> outputs = {request.output};
  if (request.emit != CompileRequest::Emit::Phase)
    outputs.push_back(chip ? manifestPath() : headerPath());
  for (const std::string &output : outputs)
    for (const std::string &input : inputs)
      if (llvm::sys::fs::equivalent(output, input))
        return fail(ExitUsage, "`" + output +
                                   "` is the source, one of its imports, a "
                                   "schedule or weights, and would be "
                                   "overwritten");
  return ExitOk;
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
    return fail(ExitSource, "`" + request.source + "` cannot be read: " +
                                problem);
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
                                (chip ? "GPUs" : architecture->name) +
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
    return fail(ExitUsage, "`" + request.source + "` is planned already; "
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

/// The options of the phases that run once for every variant.
static PipelineOptions optionsFor(PipelineOptions options,
                                  const target::VariantInfo &variant) {
  options.target = variant.name;
  return options;
}

/// What code is made for.
int Compilation::describeTargets(
    std::vector<target::VariantInfo> &variants,
    llvm::SmallVectorImpl<mlir::Attribute> &targets) {
  if (chip) {
    targets.push_back(target::nvptx::describe(&context, *chip));
    options.target = chip->name.str();
    return ExitOk;
  }
  llvm::Expected<std::vector<target::VariantInfo>> found =
      target::variantsFor(*architecture, request.march);
  if (!found)
    return fail(ExitUsage, llvm::toString(found.takeError()));
  variants = std::move(*found);
  for (const target::VariantInfo &variant : variants)
    targets.push_back(target::describe(&context, variant));
  return ExitOk;
}

/// The module says what it is for, before anything is decided.
void Compilation::nameTargets(llvm::ArrayRef<mlir::Attribute> targets) {
  if (have < Phase::Planned)
    (*module)->setAttr(kernel::kTargets,
                       mlir::ArrayAttr::get(&context, targets));
}

int Compilation::printPhase() {
  if (have > wanted)
    return fail(ExitUsage, "`" + request.source + "` is of a later phase than `" +
                               request.phase + "`");
  std::vector<target::VariantInfo> variants;
  llvm::SmallVector<mlir::Attribute> targets;
  if (int code = describeTargets(variants, targets))
    return code;
  if (wanted >= Phase::Planned)
    nameTargets(targets);
  // The last variant is the widest.
  if (int code = lower(*module, have, wanted,
                       chip ? options : optionsFor(options, variants.back())))
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

/// Writes the text of kernels in the NVVM dialect.
int Compilation::printPTX() {
  Messages messages(context, sources);
  currentWork = {"ptx"};
  llvm::Expected<std::string> text =
      target::nvptx::ptxOf(*module, *chip, request.optLevel);
  std::string fault = text ? "" : llvm::toString(text.takeError());
  if (int code = verdict(messages, fault.empty(), fault))
    return code;
  return write(request.output, *text);
}

/// The options --mlir-… print while passes run: one variant after the other
/// then.
static bool isDebugged() {
  for (auto &[name, option] : llvm::cl::getRegisteredOptions())
    if (name.starts_with("mlir-") && option->getNumOccurrences())
      return true;
  return false;
}

/// Code for every set of instructions, on a thread each. Messages come in the
/// order of the variants.
int Compilation::makeVariants(llvm::ArrayRef<target::VariantInfo> variants,
                              std::vector<target::VariantModule> &out) {
  std::vector<std::optional<target::VariantModule>> made(variants.size());
  std::vector<std::string> faults(variants.size());
  Messages messages(context, sources);
  auto makeOne = [&](size_t i) {
    CrashStack stack; // a thread of the pool has none
    const target::VariantInfo &info = variants[i];
    mlir::OwningOpRef<mlir::ModuleOp> copy(module->clone());
    if (mlir::failed(runPasses(*copy, have, Phase::LLVM,
                               optionsFor(options, info), faults[i])))
      return;
    currentWork = {"object"};
    auto translated = target::translate(*copy, info);
    if (translated)
      made[i].emplace(std::move(*translated));
    else
      faults[i] = llvm::toString(translated.takeError());
  };
  if (request.debugOptions && isDebugged()) {
    for (size_t i = 0; i != variants.size(); ++i)
      makeOne(i);
  } else {
    mlir::ParallelDiagnosticHandler order(&context);
    mlir::parallelFor(&context, 0, variants.size(), [&](size_t i) {
      order.setOrderIDForThread(i);
      makeOne(i);
      order.eraseOrderIDForThread();
    });
  }
  size_t first = 0; // the first that failed, or the number of variants
  while (first != made.size() && made[first])
    ++first;
  bool ok = first == made.size();
  if (int code = verdict(messages, ok, ok ? "" : faults[first]))
    return code;
  for (std::optional<target::VariantModule> &variant : made)
    out.push_back(std::move(*variant));
  return ExitOk;
}

static llvm::json::Object optionsJson(const CompileRequest &request,
                                      llvm::StringRef march) {
  llvm::json::Object dims;
  for (const auto &[name, value] : request.dims)
    dims[name] = value;
  return llvm::json::Object{
      {"opt", request.optLevel},
      {"march", march},
      {"fast_math", request.fastMath},
      {"dims", std::move(dims)}};
}

/// `libNAME.h` beside the result, NAME from the file even if symbols begin
/// with something else.
std::string Compilation::headerPath() const {
  llvm::SmallString<128> path(llvm::sys::path::parent_path(request.output));
  llvm::sys::path::append(
      path, "lib" + target::symbolPrefix(request.output) + ".h");
  return path.str().str();
}

/// `NAME.json` beside the PTX.
std::string Compilation::manifestPath() const {
  llvm::SmallString<128> path(request.output);
  llvm::sys::path::replace_extension(path, "json");
  return path.str().str();
}

/// What the compiled model offers.
int Compilation::readLibrary(std::optional<target::Library> &library) {
  auto interface =
      (*module)->getAttrOfType<mlir::StringAttr>("rnnc.interface");
  if (!interface)
    return fail(ExitSource, "nothing to compile: there is no model and "
                            "nothing is exported");
  llvm::Expected<target::Library> read = target::readInterface(
      interface.getValue(), symbolPrefix(), request.allFunctions);
  if (!read)
    return failInside(llvm::toString(read.takeError()));
  llvm::StringRef march = request.march;
  if (march.empty())
    march = chip ? chip->name : architecture->defaults;
  read->options = optionsJson(request, march);
  read->target = chip ? target::nvptx::kTriple.str() : architecture->name;
  library = std::move(*read);
  return ExitOk;
}

/// The text of the kernels, and the manifest beside it.
int Compilation::emitPTX() {
  std::vector<target::VariantInfo> none;
  llvm::SmallVector<mlir::Attribute> targets;
  if (int code = describeTargets(none, targets))
    return code;
  nameTargets(targets);
  if (int code = lower(*module, have, Phase::NVVM, options))
    return code;
  std::optional<target::Library> library;
  if (int code = readLibrary(library))
    return code;
  auto launches = (*module)->getAttrOfType<mlir::StringAttr>(kLaunches);
  if (!launches)
    return failInside("nothing says what is to be launched");
  llvm::Expected<std::string> manifest = target::nvptx::manifestOf(
      *library, launches.getValue(),
      llvm::sys::path::filename(request.output));
  if (!manifest)
    return failInside(llvm::toString(manifest.takeError()));
  if (int code = printPTX())
    return code;
  return write(manifestPath(), *manifest);
}

int Compilation::emit() {
  std::vector<target::VariantInfo> variants;
  llvm::SmallVector<mlir::Attribute> targets;
  if (int code = describeTargets(variants, targets))
    return code;
  nameTargets(targets);
  if (int code = lower(*module, have, Phase::Buffer, options))
    return code;
  have = std::max(have, Phase::Buffer);
  std::optional<target::Library> library;
  if (int code = readLibrary(library))
    return code;
  if (int code = bakeWeights(*library, request.weights, err))
    return code;
  if (std::string name = target::repeatedName(*library); !name.empty())
    return fail(ExitSource, "two things in the library would be called `" +
                                name + "`; `as` in an `export` gives another "
                                       "name");
  std::vector<target::VariantModule> modules;
  if (int code = makeVariants(variants, modules))
    return code;
  target::EmitOptions emitOptions;
  emitOptions.architecture = architecture;
  emitOptions.path = request.output;
  emitOptions.optLevel = request.optLevel;
  emitOptions.verbose = request.verbose;
  emitOptions.warn = [this](llvm::StringRef text) {
    err << "rnnc: warning: " << text << "\n";
  };
  emitOptions.output =
      request.emit == CompileRequest::Emit::Object ? target::Output::Object
      : request.emit == CompileRequest::Emit::StaticArchive
          ? target::Output::StaticArchive
          : target::Output::SharedLibrary;
  if (llvm::Error error =
          target::emitLibrary(std::move(modules), *library, emitOptions))
    return fail(ExitTool, llvm::toString(std::move(error)));
  return write(headerPath(), target::headerText(*library));
}

int Compilation::run() {
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
  if (request.emit == CompileRequest::Emit::Phase)
    return printPhase();
  return chip ? emitPTX() : emit();
}

} // namespace

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
