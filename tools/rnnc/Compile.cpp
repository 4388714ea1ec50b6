// Compile.cpp: `rnnc model.rnn -o libmodel.so`, in the manner of clang.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Commands.h"
#include "CompileCommand.h"
#include "Guesses.h"
#include "Model.h"
#include "SlowNotice.h"

#include "rnnc/Data/Spelling.h"
#include "rnnc/Frontend/Check.h"
#include "rnnc/Pipeline/Compile.h"
#include "rnnc/Pipeline/Phases.h"
#include "rnnc/Support/Text.h"
#include "rnnc/Target/NVPTX/PTX.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/WithColor.h"
#include "llvm/Support/raw_ostream.h"

using namespace rnnc;
namespace cl = llvm::cl;

namespace {

cl::OptionCategory category("Compiling a model");
cl::OptionCategory debugging("Looking into the compiler (MLIR's own options)");

/// The options of the command line.
struct Options {
  cl::opt<std::string> source{cl::Positional, cl::desc("MODEL.rnn"),
                              cl::value_desc("MODEL.rnn"), cl::cat(category)};
  cl::opt<std::string> output{
      "o",
      cl::desc("Where the result goes; a library's header stands beside it"),
      cl::value_desc("file"), cl::cat(category)};
  cl::opt<std::string> prefix{
      "prefix",
      cl::desc("What every symbol of the library begins with; without it the "
               "output's name, so that libnet.so has net_..."),
      cl::value_desc("name"), cl::cat(category)};
  cl::opt<bool> object{"c", cl::desc("Make an object, do not link"),
                       cl::cat(category)};
  cl::opt<std::string> emit{
      "emit",
      cl::desc(
          "What to make: shared (the default), object, static, or the text "
          "of a phase: ast, rnn, batched, grad, scheduled, phases, planned, "
          "kernel, buffer, llvm; for GPUs gpu, nvvm, ptx"),
      cl::value_desc("what"), cl::cat(category)};
  cl::opt<std::string> optLevel{
      "O",
      cl::Prefix,
      cl::init("2"),
      cl::desc("Optimisation level, -O0 to -O3; -O2 without it"),
      cl::value_desc("level"),
      cl::cat(category)};
  cl::opt<std::string> march{
      "march",
      cl::desc("Code for one processor: native, x86-64-v3, ...; without it the "
               "library holds v2, v3 and v4 (for AArch64: neon) and picks when "
               "it is loaded"),
      cl::value_desc("processor"), cl::cat(category)};
  cl::opt<std::string> target{
      "target",
      cl::desc("The machine that code is for: x86_64-linux-gnu, "
               "aarch64-linux-gnu or nvptx64 (PTX for GPUs, and a manifest); "
               "cpu,nvptx64: a library with code for GPUs beside that for "
               "processors; nvptx64-sm_90: for newer GPUs; without it the "
               "machine at hand"),
      cl::value_desc("triple"), cl::cat(category)};
  cl::list<std::string> dims{"D", cl::Prefix,
                             cl::desc("Set a dim of the source"),
                             cl::value_desc("AXIS=N"), cl::cat(category)};
  cl::list<std::string> imports{"I", cl::Prefix,
                                cl::desc("Where imports are looked for"),
                                cl::value_desc("folder"), cl::cat(category)};
  cl::opt<std::string> precision{
      "precision",
      cl::desc(
          "Type of real numbers: f32 or f64; without it what `train` says, "
          "else f32"),
      cl::value_desc("type"), cl::cat(category)};
  cl::opt<bool> fastMath{"fast-math",
                         cl::desc("Faster, less exact elementary functions"),
                         cl::cat(category)};
  cl::opt<bool> all{"all-functions",
                    cl::desc("Make all functions, whatever `export` names"),
                    cl::cat(category)};
  cl::opt<bool> noHoist{"no-hoist",
                        cl::desc("Leave products inside the time loops"),
                        cl::cat(category)};
  cl::opt<bool> noSum{"no-sum-weight-gradients",
                      cl::desc("Add up weight gradients step by step"),
                      cl::cat(category)};
  cl::opt<bool> noMerge{"no-merge-products",
                        cl::desc("Leave products that share an operand apart"),
                        cl::cat(category)};
  cl::opt<bool> noSimplify{"no-simplify",
                           cl::desc("Leave what gradients leave behind"),
                           cl::cat(category)};
  cl::opt<std::string> weightType{
      "weight-type", cl::init("f32"),
      cl::desc("What packed weights are stored as, outside of gradients: f32 "
               "(the default); bf16, half the memory to read and 8 bits of "
               "precision; or int8, a quarter, with a scale for each row of a "
               "matrix, what they multiply as well, a scale for each example"),
      cl::value_desc("f32|bf16|int8"), cl::cat(category)};
  cl::opt<std::string> productType{
      "product-type", cl::init("f32"),
      cl::desc("What large products multiply on a GPU: f32 (the default), or, "
               "by its tensor cores, tf32, 11 bits of precision, or bf16, 8; "
               "sums stay f32"),
      cl::value_desc("f32|tf32|bf16"), cl::cat(category)};
  cl::opt<std::string> chunk{
      "chunk", cl::init("auto"),
      cl::desc("Steps that time loops and the products they read do together: "
               "N; auto (the default): what fits the caches; off: all"),
      cl::value_desc("N|auto|off"), cl::cat(category)};
  cl::opt<bool> noStagger{
      "no-stagger",
      cl::desc("Leave layers that could run a chunk of time apart together"),
      cl::cat(category)};
  cl::opt<std::string> unroll{
      "unroll", cl::init("off"),
      cl::desc("Unroll time loops: N steps at a time; full: write loops of "
               "known length out; off (the default)"),
      cl::value_desc("N|full|off"), cl::cat(category)};
  cl::opt<int64_t> unrollBudget{
      "unroll-budget", cl::init(1024),
      cl::desc("Most ops that an unrolled loop may hold (default 1024)"),
      cl::value_desc("ops"), cl::cat(category)};
  cl::opt<bool> remarks{"remarks",
                        cl::desc("Report what passes did and what they left"),
                        cl::cat(category)};
  cl::opt<bool> noFuse{"no-fuse-products",
                       cl::desc("Leave products apart from what reads them"),
                       cl::cat(category)};
  cl::opt<bool> noFuseRows{"no-fuse-rows",
                           cl::desc("Leave what works on the same rows apart"),
                           cl::cat(category)};
  cl::opt<std::string> schedule{
      "schedule",
      cl::desc(
          "Decide about speed as this file says: `NAME: DECISION = N, …` a "
          "line; --remarks shows names and decisions"),
      cl::value_desc("file"), cl::cat(category)};
  cl::opt<bool> noPrepare{"no-prepare-weights",
                          cl::desc("Pack weights inside every call"),
                          cl::cat(category)};
  cl::opt<bool> noSparseUpdate{
      "no-sparse-update",
      cl::desc("Update all rows of a table, those too that no batch reads"),
      cl::cat(category)};
  cl::list<std::string> weights{
      "weights",
      cl::desc(
          "Make these weights a part of the library (a .safetensors file); "
          "MODULE=FILE where several modules have parameters"),
      cl::value_desc("file"), cl::cat(category)};
  cl::opt<std::string> testFault{
      "test-fault", cl::Hidden,
      cl::desc("Fail on purpose behind a phase: rnnc-test-fault says how"),
      cl::value_desc("PHASE:KIND"), cl::cat(category)};
  cl::opt<bool> verbose{
      "v", cl::desc("Show the version and the commands that are run"),
      cl::cat(category)};
  cl::opt<bool> noColor{"no-color",
                        cl::desc("Do not colour the messages on a terminal"),
                        cl::cat(category)};
};

int usage(const llvm::Twine &message) {
  llvm::errs() << "rnnc: error: " << shown(message.str(), /*lines=*/true)
               << "\n";
  return 2;
}

/// 0 stands for "full", 1 for "off".
bool parseUnroll(llvm::StringRef text, int64_t &factor) {
  if (text == "full" || text == "off") {
    factor = text == "off";
    return true;
  }
  return !text.getAsInteger(10, factor) && factor >= 1 && factor <= 1024;
}

bool parseChunk(llvm::StringRef text, int64_t &steps) {
  if (text == "auto" || text == "off") {
    steps = text == "off" ? 0 : -1;
    return true;
  }
  return !text.getAsInteger(10, steps) && steps >= 1 && steps <= 1 << 20;
}

/// LLVM's own message would propose one of its hundreds of options.
int refuseUnknown(int argc, char **argv) {
  const auto &known = cl::getRegisteredOptions();
  for (int i = 1; i < argc; ++i) {
    llvm::StringRef name = llvm::StringRef(argv[i]).split('=').first;
    if (name == "--")
      break;
    bool prefix = name.starts_with("-D") || name.starts_with("-I") ||
                  name.starts_with("-O");
    if (!name.starts_with("-") || name.size() < 2 || prefix ||
        known.contains(name.ltrim('-')))
      continue;
    std::string help = tool::guessedOption(name, "");
    if (!help.empty())
      return usage("there is no option `" + name + "`; " + help);
    std::vector<std::string> names;
    for (auto &[word, option] : known)
      if (option->getOptionHiddenFlag() == cl::NotHidden)
        names.push_back(((word.size() == 1 ? "-" : "--") + word).str());
    return usage("there is no option `" + name + "`" +
                 data::didYouMean(name.str(), names) +
                 "; `rnnc MODEL.rnn --help` lists them");
  }
  return 0;
}

bool isText(cl::Option &option) {
  static constexpr const char *kTexts[] = {
      "D",        "I",      "O",          "chunk",  "emit",
      "march",    "o",      "precision",  "prefix", "product-type",
      "schedule", "target", "test-fault", "unroll", "weight-type",
      "weights"};
  return llvm::is_contained(kTexts, option.ArgStr);
}

/// LLVM quotes values that it does not like as they are: those of options that
/// are no texts of ours, which may be paths and are quoted by our own messages.
int refuseControls(int argc, char **argv) {
  const auto &known = cl::getRegisteredOptions();
  for (int i = 1; i < argc; ++i) {
    auto [name, value] = llvm::StringRef(argv[i]).split('=');
    llvm::StringRef option = name.ltrim('-');
    auto found = known.find(option);
    bool isLLVMs = option.starts_with("mlir-");
    if (!name.starts_with("-") || found == known.end() ||
        (isText(*found->second) && !isLLVMs))
      continue;
    if (value.empty() && i + 1 < argc && (isLLVMs || option == "unroll-budget"))
      value = argv[i + 1];
    if (std::string text = shown(value); text != value)
      return usage("`" + name + "` cannot be `" + text + "`");
  }
  return 0;
}

/// The default name of what is made: `libmodel.so` of `model.rnn`.
std::string defaultOutput(const CompileRequest &request) {
  llvm::StringRef stem = llvm::sys::path::stem(request.source);
  switch (request.emit) {
  case CompileRequest::Emit::Object:
    return (stem + ".o").str();
  case CompileRequest::Emit::StaticArchive:
    return ("lib" + stem + ".a").str();
  case CompileRequest::Emit::SharedLibrary:
    if (target::nvptx::isTriple(request.target))
      return (stem + ".ptx").str();
    return ("lib" + stem + ".so").str();
  case CompileRequest::Emit::Phase:
    return "-";
  }
  return "-";
}

/// `--color` is LLVM's own, for its messages as well.
void chooseColors(const Options &options) {
  if (options.noColor)
    chooseColor(false);
  else if (cl::getRegisteredOptions().lookup("color")->getNumOccurrences())
    chooseColor(llvm::WithColor(llvm::errs()).colorsEnabled());
}

/// Leaves LLVM's hundreds of options out of --help; --help-hidden shows them.
void hideForeignOptions() {
  for (auto &[name, option] : cl::getRegisteredOptions()) {
    bool ours = llvm::is_contained(option->Categories, &category);
    bool kept = name == "help" || name == "help-hidden" || name == "version" ||
                name == "color";
    if (llvm::StringRef(name).starts_with("mlir-"))
      option->addCategory(debugging);
    else if (!ours && !kept)
      option->setHiddenFlag(cl::Hidden);
  }
}

int fill(const Options &options, CompileRequest &request) {
  using Emit = CompileRequest::Emit;
  llvm::StringRef emit = options.emit.getValue();
  if (emit == "object" || (emit.empty() && options.object))
    request.emit = Emit::Object;
  else if (emit == "static")
    request.emit = Emit::StaticArchive;
  else if (emit.empty() || emit == "shared" || emit == "library")
    request.emit = Emit::SharedLibrary;
  else
    request.emit = Emit::Phase;
  if (llvm::StringRef(options.optLevel).getAsInteger(10, request.optLevel) ||
      request.optLevel < 0 || request.optLevel > 3)
    return usage("-O" + options.optLevel + ": there are the levels -O0 to -O3");
  if (options.object && !emit.empty() && emit != "object")
    return usage("-c and --emit=" + emit + " contradict each other");
  request.phase = emit.str();
  request.source = options.source;
  request.output = options.output;
  request.prefix = options.prefix;
  request.weights.assign(options.weights.begin(), options.weights.end());
  if (options.prefix.getNumOccurrences() && options.prefix.empty())
    return usage("--prefix is empty");
  if (options.target.getNumOccurrences() && options.target.empty())
    return usage("--target is empty");
  request.target = options.target;
  if (request.output.empty())
    request.output = defaultOutput(request);
  if (request.source == "-" && options.output.empty() &&
      request.emit != Emit::Phase)
    return usage("a source from standard input has no name; -o names the "
                 "result");
  auto dims = tool::parseDims({options.dims.begin(), options.dims.end()});
  if (!dims)
    return tool::report(dims.error());
  request.dims = std::move(*dims);
  request.importDirs.assign(options.imports.begin(), options.imports.end());
  request.precision = options.precision;
  request.march = options.march;
  request.fastMath = options.fastMath;
  request.allFunctions = options.all;
  request.verbose = options.verbose;
  request.color = wantsColor(stderr);
  request.debugOptions = true;
  request.hoist = !options.noHoist;
  request.sumWeightGradients = !options.noSum;
  request.mergeProducts = !options.noMerge;
  request.simplify = !options.noSimplify;
  request.remarks = options.remarks;
  if (!parseUnroll(options.unroll, request.unroll))
    return usage("`--unroll=" + options.unroll +
                 "`: write a number of steps from 1 to 1024, `full`, or `off`");
  request.unrollBudget = options.unrollBudget;
  if (request.unrollBudget < 0)
    return usage("`--unroll-budget` must not be negative");
  request.fuseProducts = !options.noFuse;
  request.fuseRows = !options.noFuseRows;
  std::optional<unsigned> bits =
      llvm::StringSwitch<std::optional<unsigned>>(options.weightType)
          .Case("f32", 0)
          .Case("bf16", 16)
          .Case("int8", 8)
          .Default(std::nullopt);
  if (!bits)
    return usage("`--weight-type=" + options.weightType +
                 "`: weights are stored as f32, bf16 or int8");
  request.weightBits = *bits;
  llvm::StringRef products = options.productType;
  if (products != "f32" && products != "tf32" && products != "bf16")
    return usage("`--product-type=" + options.productType +
                 "`: products multiply f32, tf32 or bf16");
  request.productType = options.productType;
  if (!parseChunk(options.chunk, request.chunk))
    return usage("`--chunk=" + options.chunk +
                 "`: write a number of steps from 1 to 1048576, `auto`, or "
                 "`off`");
  request.stagger = !options.noStagger;
  request.schedule = options.schedule;
  request.prepareWeights = !options.noPrepare;
  request.sparseUpdate = !options.noSparseUpdate;
  request.testFault = options.testFault;
  return 0;
}

} // namespace

bool tool::isCompileCommand(int argc, char **argv) {
  llvm::StringRef word = argc > 1 ? argv[1] : "--help";
  if (word == "--help" || word == "-h" || word == "--version")
    return false; // these speak of the verbs too
  return word.starts_with("-") || word.ends_with(".rnn") ||
         word.ends_with(".mlir");
}

int tool::runCompileCommand(int argc, char **argv) {
  Options options;
  registerCompilerPasses();
  mlir::registerAsmPrinterCLOptions();
  mlir::registerMLIRContextCLOptions();
  mlir::registerPassManagerCLOptions();
  mlir::registerDefaultTimingManagerCLOptions();
  hideForeignOptions();
  cl::SetVersionPrinter(
      [](llvm::raw_ostream &os) { os << tool::versionText() << "\n"; });
  if (int code = refuseUnknown(argc, argv))
    return code;
  if (int code = refuseControls(argc, argv))
    return code;
  if (!cl::ParseCommandLineOptions(argc, argv,
                                   "Compiles a model to a library and its "
                                   "header; `rnnc --help` lists the verbs\n",
                                   &llvm::errs()))
    return 2;
  chooseColors(options);
  if (options.verbose)
    llvm::errs() << tool::versionText() << "\n";
  if (options.source.empty())
    return options.verbose ? 0 : usage("no source is given");
  CompileRequest request;
  if (int code = fill(options, request))
    return code;
  SlowNotice notice(onTerminal("compiling " + request.source + " ..."));
  return compile(request, llvm::errs());
}
