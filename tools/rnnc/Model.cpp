// Model.cpp: opens a compiled library or compiles a source on the fly.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Model.h"

#include "CommandLine.h"

#include "rnnc/Frontend/Check.h"
#include "rnnc/Support/Text.h"

#if RNNC_HAVE_PIPELINE
#include "CompileModel.h"
#include "SlowNotice.h"
#include "llvm/Support/raw_ostream.h"
#endif

#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>

using namespace rnnc;
using namespace rnnc::tool;
using training::Library;

void tool::addModelOptions(CLI::App &command, ModelOptions &options) {
  const char *group = "When MODEL is a source";
  command.add_option("-D", options.dims, "Set a dim of the source")
      ->option_text("AXIS=N")
      ->allow_extra_args(false)
      ->group(group);
  command.add_option("-I", options.importDirs, "Look for imports in DIR too")
      ->option_text("DIR")
      ->allow_extra_args(false)
      ->group(group);
  command
      .add_option("--precision", options.precision,
                  "Type of its numbers: f32 (the default) or f64")
      ->option_text("f32|f64")
      ->check(oneOf({"f32", "f64"}))
      ->group(group);
  command
      .add_option("-O", options.optLevel,
                  "Optimisation level, 0 to 3 (the default)")
      ->option_text("N")
      ->check(oneOf({"0", "1", "2", "3"}))
      ->group(group);
  command
      .add_flag("--fast-math", options.fastMath, "Faster, less exact functions")
      ->group(group);
  addWeightTypeOption(command, options.weightType)->group(group);
  addProductTypeOption(command, options.productType)->group(group);
}

CLI::Option *tool::addProductTypeOption(CLI::App &command, std::string &type) {
  return command
      .add_option("--product-type", type,
                  "What large products multiply on a GPU: f32 (the default), "
                  "or, by its tensor cores, tf32 or bf16")
      ->option_text("f32|tf32|bf16")
      ->check(oneOf({"f32", "tf32", "bf16"}));
}

CLI::Option *tool::addWeightTypeOption(CLI::App &command, std::string &type) {
  return command
      .add_option("--weight-type", type,
                  "What weights are stored as where no gradient is computed: "
                  "f32 (the default), bf16 or int8")
      ->option_text("f32|bf16|int8")
      ->check(oneOf({"f32", "bf16", "int8"}));
}

CLI::Option *tool::addDeviceOption(CLI::App &command, std::string &device) {
  return command
      .add_option("--device", device,
                  "What computes: cpu (the default), gpu, or gpu:N for another "
                  "GPU than the first; a library needs code for it "
                  "(--target=cpu,nvptx64), a source gets some")
      ->option_text("cpu|gpu[:N]")
      ->transform(DeviceName);
}

Result<std::pair<std::string, int64_t>>
tool::parseDim(const std::string &text) {
  auto pair = splitDim(text);
  if (!pair)
    return usageError("rnnc: error: `-D {}`: write it as AXIS=N, N a whole "
                      "number",
                      text);
  if (pair->second < 1)
    return usageError("rnnc: error: `-D {}`: a size is at least 1", text);
  return *pair;
}

Result<std::vector<std::pair<std::string, int64_t>>>
tool::parseDims(const std::vector<std::string> &texts) {
  std::vector<std::pair<std::string, int64_t>> dims;
  for (const std::string &text : texts) {
    Result<std::pair<std::string, int64_t>> dim = parseDim(text);
    if (!dim)
      return dim.error();
    dims.push_back(*dim);
  }
  return dims;
}

int tool::report(const Error &error) {
  // Whoever found errors in a source has printed them.
  if (!error.message.empty())
    fmt::print(stderr, "{}\n", shown(error.message, /*lines=*/true));
  return error.exitCode;
}

#if RNNC_HAVE_PIPELINE
Result<CompileRequest> tool::requestFor(const ModelOptions &options) {
  CompileRequest request;
  request.source = options.model;
  auto dims = parseDims(options.dims);
  if (!dims)
    return dims.error();
  request.dims = std::move(*dims);
  if (!options.precision.empty())
    request.precision = options.precision;
  request.optLevel = options.optLevel;
  request.fastMath = options.fastMath;
  request.weightBits = options.weightType == "bf16"   ? 16
                       : options.weightType == "int8" ? 8
                                                      : 0;
  request.productType = options.productType;
  request.importDirs = options.importDirs;
  request.march = "native";
  if (!options.device.empty())
    request.target = "cpu,nvptx64";
  request.allFunctions = true;
  request.clipGradients = options.clipGradients;
  request.stateGradients = options.stateGradients;
  request.attention = options.attention;
  request.lossTerms = options.lossTerms;
  request.color = wantsColor(stderr);
  return request;
}

static Result<std::shared_ptr<Library>>
compileAndOpen(const ModelOptions &options) {
  Result<CompileRequest> made = tool::requestFor(options);
  if (!made)
    return made.error();
  CompileRequest request = std::move(*made);
  TemporaryDirectory directory;
  if (directory.path.empty())
    return toolError("rnnc: error: cannot make a temporary directory");
  // Symbols and messages carry the source's name.
  std::string stem = std::filesystem::path(options.model).stem().string();
  request.output = directory.path + "/lib" + stem + ".so";
  std::string messages;
  llvm::raw_string_ostream stream(messages);
  SlowNotice notice(
      options.quiet ? "" : onTerminal("compiling " + options.model + " ..."));
  int code = compile(request, options.onlyErrors
                                  ? static_cast<llvm::raw_ostream &>(stream)
                                  : llvm::errs());
  if (code != 0) {
    llvm::errs() << messages;
    return Error{"", code};
  }
  return Library::open(request.output, options.model);
}
#else
static Result<std::shared_ptr<Library>>
compileAndOpen(const ModelOptions &options) {
  return toolError("{}: error: this build of rnnc has no code generator",
                   options.model);
}
#endif

Result<std::shared_ptr<Library>> tool::openModel(const ModelOptions &options) {
  if (std::string_view(options.model).ends_with(".rnn"))
    return compileAndOpen(options);
  if (!options.dims.empty())
    return usageError("rnnc: error: -D applies to a .rnn source; the sizes of "
                      "a library are fixed");
  if (options.weightType != "f32")
    return usageError("rnnc: error: --weight-type applies to a .rnn source; "
                      "how a library stores weights is fixed");
  if (options.productType != "f32")
    return usageError("rnnc: error: --product-type applies to a .rnn source; "
                      "what a library multiplies is fixed");
  const char *compiles = options.optLevel != ModelOptions().optLevel ? "-O"
                         : options.fastMath            ? "--fast-math"
                         : !options.importDirs.empty() ? "-I"
                                                       : nullptr;
  if (compiles)
    return usageError("rnnc: error: {} applies to a .rnn source; a library is "
                      "compiled already",
                      compiles);
  Result<std::shared_ptr<Library>> library = Library::open(options.model);
  if (library && !options.precision.empty() &&
      options.precision != (*library)->manifest().precision)
    return usageError("{}: error: the library computes in {}, not {}",
                      options.model, (*library)->manifest().precision,
                      options.precision);
  return library;
}
