// EmitCode.cpp: libraries, objects, and PTX with its manifest.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Compilation.h"
#include "Weights.h"

#include "rnnc/Conversion/KernelToGPU/KernelToGPU.h"
#include "rnnc/Dialect/Kernel/Kernel.h"
#include "rnnc/Support/Work.h"
#include "rnnc/Target/CPU/Prototypes.h"

#include "mlir/IR/Threading.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Path.h"

using namespace rnnc;
using namespace rnnc::pipeline;

PipelineOptions pipeline::optionsFor(PipelineOptions options,
                                     const target::VariantInfo &variant) {
  options.target = variant.name;
  return options;
}

/// What code is made for.
int Compilation::describeTargets(
    std::vector<target::VariantInfo> &variants,
    llvm::SmallVectorImpl<mlir::Attribute> &targets) {
  if (isForGPU()) {
    targets.push_back(target::nvptx::describe(&context, *chip));
    options.target = chip->name.str();
    options.chunk = 0; // a chunk would be launches of its own
    return ExitOk;
  }
  llvm::Expected<std::vector<target::VariantInfo>> found =
      target::variantsFor(*architecture, request.march);
  if (!found)
    return fail(ExitUsage, llvm::toString(found.takeError()));
  variants = std::move(*found);
  for (const target::VariantInfo &variant : variants)
    targets.push_back(target::describe(&context, variant));
  if (chip)
    targets.push_back(target::nvptx::describe(&context, *chip));
  return ExitOk;
}

/// The module says what it is for, before anything is decided.
void Compilation::nameTargets(llvm::ArrayRef<mlir::Attribute> targets) {
  if (have < Phase::Planned)
    (*module)->setAttr(kernel::kTargets,
                       mlir::ArrayAttr::get(&context, targets));
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
    llvm::SmallVector<mlir::ModuleOp> parts = {*copy};
    mlir::OwningOpRef<mlir::ModuleOp> half = target::splitOff(*copy);
    if (half)
      parts.push_back(*half);
    auto translated = target::translate(parts, info);
    if (translated)
      made[i].emplace(std::move(*translated));
    else
      faults[i] = llvm::toString(translated.takeError());
  };
  if (isDebugged()) {
    // What these options print, one variant after the other.
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
  llvm::json::Object options{{"opt", request.optLevel},
                             {"march", march},
                             {"fast_math", request.fastMath},
                             {"dims", std::move(dims)}};
  if (request.weightBits)
    options["weight_type"] = request.weightBits == 8 ? "int8" : "bf16";
  if (request.productType != "f32")
    options["product_type"] = request.productType;
  return options;
}

/// What the compiled model offers.
int Compilation::readLibrary(std::optional<target::Library> &library) {
  if (have > (isForGPU() ? Phase::GPU : Phase::Buffer))
    return fail(ExitUsage, "`" + request.source + "` is of the phase `" +
                               phaseInfo(have).name +
                               "`, where nothing says any more what functions "
                               "take; a library is made of a phase before");
  if (!(*module)->hasAttr(interface::kInterface))
    return fail(ExitSource, "nothing to compile: there is no model and "
                            "nothing is exported");
  llvm::Expected<target::Library> read =
      target::readInterface(*module, symbolPrefix(), request.allFunctions);
  if (!read)
    return failInside(llvm::toString(read.takeError()));
  llvm::StringRef march = request.march;
  if (march.empty())
    march = isForGPU() ? chip->name : architecture->defaults;
  read->options = optionsJson(request, march);
  read->target = isForGPU() ? target::nvptx::kTriple.str() : architecture->name;
  library = std::move(*read);
  return ExitOk;
}

/// Who has the text alone is told what to launch.
int Compilation::collectLaunches() {
  Messages messages(context, sources);
  mlir::PassManager manager(&context);
  manager.addPass(createGPUCollectLaunches());
  bool ok = mlir::succeeded(manager.run(*module));
  return verdict(messages, ok, ok ? "" : "a pass failed");
}

/// The text of the kernels, and the manifest beside it.
int Compilation::emitPTX() {
  std::vector<target::VariantInfo> none;
  llvm::SmallVector<mlir::Attribute> targets;
  if (int code = describeTargets(none, targets))
    return code;
  nameTargets(targets);
  // Behind `gpu` the functions are no more.
  if (int code = lower(*module, have, Phase::GPU, options))
    return code;
  std::optional<target::Library> library;
  if (int code = readLibrary(library))
    return code;
  if (int code = collectLaunches())
    return code;
  auto launches = (*module)->getAttrOfType<mlir::ArrayAttr>(kLaunches);
  if (!launches)
    return failInside("nothing says what is to be launched");
  std::string manifest = target::nvptx::manifestOf(
      *library, launches, llvm::sys::path::filename(request.output));
  if (int code =
          lower(*module, std::max(have, Phase::GPU), Phase::NVVM, options))
    return code;
  have = Phase::NVVM;
  if (int code = printPTX())
    return code;
  return write(manifestPath(), manifest);
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
  if (chip)
    library->gpu.emplace(); // its functions are part of the interface
  if (std::string name = target::repeatedName(*library); !name.empty())
    return fail(ExitSource, "two things in the library would be called `" +
                                name +
                                "`; `as` in an `export` gives another "
                                "name");
  std::vector<target::VariantModule> modules;
  if (int code = makeVariants(variants, modules))
    return code;
  if (chip)
    if (int code = makeDeviceCode(*library, modules))
      return code;
  target::EmitOptions emitOptions;
  emitOptions.architecture = architecture;
  emitOptions.path = request.output;
  emitOptions.optLevel = request.optLevel;
  emitOptions.verbose = request.verbose;
  emitOptions.warn = [this](llvm::StringRef text) {
    err << "rnnc: warning: " << text << "\n";
  };
  emitOptions.output = request.emit == CompileRequest::Emit::Object
                           ? target::Output::Object
                       : request.emit == CompileRequest::Emit::StaticArchive
                           ? target::Output::StaticArchive
                           : target::Output::SharedLibrary;
  if (llvm::Error error =
          target::emitLibrary(std::move(modules), *library, emitOptions))
    return fail(ExitTool, llvm::toString(std::move(error)));
  return write(headerPath(), target::headerText(*library));
}
