// CheckRequest.cpp: what is asked of the compiler, before it begins.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Compilation.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace rnnc;
using namespace rnnc::pipeline;

int Compilation::checkRequest() {
  if (!request.precision.empty() && request.precision != "f32" &&
      request.precision != "f64")
    return fail(ExitUsage,
                "--precision is f32 or f64, not `" + request.precision + "`");
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
                "code for " +
                    llvm::Twine(isForGPU() ? "GPUs" : architecture->name) +
                    " has no phase `" + request.phase + "`; there are " +
                    phaseNames(row()) +
                    (isForGPU() ? "" : "; --target=nvptx64 is for GPUs"));
  if (!phase || *phase == Phase::Object || *phase == Phase::Library)
    return fail(ExitUsage, "there is no phase `" + request.phase +
                               "`; there are " + phaseNames(row()));
  wanted = *phase;
  return ExitOk;
}

/// Code for GPUs alone is a text, which is no library: it has no runtime, no
/// symbols in C, and no place for weights.
int Compilation::checkAlone() {
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

/// The chip stands behind the triple, or is what -march says where the code is
/// for GPUs alone.
int Compilation::chooseChip(llvm::StringRef triple, bool alone) {
  if (chip)
    return fail(ExitUsage, "--target names GPUs twice");
  auto [name, number] = triple.split("-sm_");
  if (llvm::Error error = target::nvptx::checkTriple(name))
    return fail(ExitUsage, llvm::toString(std::move(error)));
  std::string march = number.empty() ? "" : ("sm_" + number).str();
  if (alone && march.empty())
    march = request.march;
  else if (alone && !request.march.empty() && request.march != march)
    return fail(ExitUsage, "--target names `" + march + "` and -march `" +
                               request.march + "`");
  auto found = target::nvptx::chipFor(march);
  if (!found)
    return fail(ExitUsage, llvm::toString(found.takeError()));
  chip = *found;
  return alone ? checkAlone() : ExitOk;
}

int Compilation::chooseProcessor(llvm::StringRef triple) {
  if (architecture)
    return fail(ExitUsage, "--target names processors twice: a library is for "
                           "those of one kind");
  auto found = target::architectureFor(triple == "cpu" ? "" : triple);
  if (!found)
    return fail(ExitUsage, llvm::toString(found.takeError()));
  architecture = *found;
  if (request.emit == CompileRequest::Emit::Phase)
    return ExitOk;
  if (llvm::Error error = target::checkRuntime(*architecture))
    return fail(ExitTool, llvm::toString(std::move(error)));
  return ExitOk;
}

/// What the code is for: processors, which a library needs a runtime for, GPUs,
/// or both.
int Compilation::chooseArchitecture() {
  llvm::SmallVector<llvm::StringRef> triples;
  llvm::StringRef(request.target).split(triples, ',');
  for (llvm::StringRef triple : triples) {
    int code = target::nvptx::isTriple(triple.split("-sm_").first)
                   ? chooseChip(triple, triples.size() == 1)
                   : chooseProcessor(triple);
    if (code)
      return code;
  }
  return ExitOk;
}

/// What all symbols of the library begin with.
std::string Compilation::symbolPrefix() const {
  return request.prefix.empty() ? target::symbolPrefix(request.output)
                                : request.prefix;
}

/// Shorter weights are f32 ones, packed beforehand, for a processor.
int Compilation::checkWeightType() {
  if (!request.weightBits)
    return ExitOk;
  std::string option = "--weight-type=";
  option += request.weightBits == 8 ? "int8" : "bf16";
  if (options.precision != "f32")
    return fail(ExitUsage, option + " is for numbers that are f32, and these "
                                    "are f64");
  if (!request.prepareWeights)
    return fail(ExitUsage, "--weight-type says how prepared weights are "
                           "stored, and --no-prepare-weights wants none");
  if (chip)
    return fail(ExitUsage, option + " is for processors; code for GPUs reads "
                                    "f32");
  return ExitOk;
}

/// Factors are rounded for the tensor cores of a GPU, where they are f32.
int Compilation::checkProductType() {
  if (request.productType == "f32")
    return ExitOk;
  std::string option = "--product-type=" + request.productType;
  if (!chip)
    return fail(ExitUsage, option + " is for GPUs; code for processors "
                                    "multiplies what there is");
  if (options.precision != "f32")
    return fail(ExitUsage, option + " is for numbers that are f32, and these "
                                    "are f64");
  return ExitOk;
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
  bool alone = target::nvptx::isTriple(
      llvm::StringRef(request.target).split("-sm_").first);
  bool hasRuntime = !text && !alone;
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
  if (path == "-" && isForGPU() && !isText)
    return fail(ExitUsage,
                "there is a manifest beside the PTX; -o names a file, "
                "and --emit=ptx prints the PTX alone");
  if (path == "-")
    return isText ? ExitOk
                  : fail(ExitUsage, "a library or an object cannot go to "
                                    "standard output; -o names a file");
  if (isForGPU() && !isText && manifestPath() == path)
    return fail(ExitUsage, "`" + path +
                               "` is where the manifest of the PTX "
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
    return fail(ExitTool,
                "`" + path + "` cannot be written: " + code.message());
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
    outputs.push_back(isForGPU() ? manifestPath() : headerPath());
  for (const std::string &output : outputs)
    for (const std::string &input : inputs)
      if (llvm::sys::fs::equivalent(output, input))
        return fail(ExitUsage, "`" + output +
                                   "` is the source, one of its imports, a "
                                   "schedule or weights, and would be "
                                   "overwritten");
  return ExitOk;
}

/// `libNAME.h` beside the result, NAME from the file even if symbols begin
/// with something else.
std::string Compilation::headerPath() const {
  llvm::SmallString<128> path(llvm::sys::path::parent_path(request.output));
  llvm::sys::path::append(path,
                          "lib" + target::symbolPrefix(request.output) + ".h");
  return path.str().str();
}

/// `NAME.json` beside the PTX.
std::string Compilation::manifestPath() const {
  llvm::SmallString<128> path(request.output);
  llvm::sys::path::replace_extension(path, "json");
  return path.str().str();
}
