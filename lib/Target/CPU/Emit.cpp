// Emit.cpp: linking the variants with the runtime, optimising, writing.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Tables.h"

#include "rnnc/Runtime/Embedded.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Linker/Linker.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/IPO/GlobalDCE.h"
#include "llvm/Transforms/IPO/Internalize.h"

#include <mutex>

using namespace rnnc;
using namespace rnnc::target;

static constexpr const char *kTriple = "x86_64-unknown-linux-gnu";

static void initialiseTarget() {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeX86AsmParser();
  });
}

static llvm::CodeGenOptLevel codeGenLevel(int optLevel) {
  switch (optLevel) {
  case 0:
    return llvm::CodeGenOptLevel::None;
  case 1:
    return llvm::CodeGenOptLevel::Less;
  case 2:
    return llvm::CodeGenOptLevel::Default;
  default:
    return llvm::CodeGenOptLevel::Aggressive;
  }
}

/// The machine of the code that has no variant; variants say theirs by
/// function attributes.
static llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
makeMachine(int optLevel) {
  initialiseTarget();
  llvm::Triple triple(kTriple);
  std::string error;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return llvm::createStringError(error);
  llvm::TargetOptions options;
  options.FunctionSections = true;
  options.DataSections = true;
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(
      triple, "x86-64", "", options, llvm::Reloc::PIC_,
      llvm::CodeModel::Small, codeGenLevel(optLevel)));
}

llvm::Expected<std::unique_ptr<llvm::Module>>
target::translate(mlir::ModuleOp module, llvm::LLVMContext &context,
                  const VariantInfo &info) {
  mlir::registerBuiltinDialectTranslation(*module.getContext());
  mlir::registerLLVMDialectTranslation(*module.getContext());
  std::unique_ptr<llvm::Module> out =
      mlir::translateModuleToLLVMIR(module, context, "model");
  if (!out)
    return llvm::createStringError("the code could not be translated to LLVM");
  for (llvm::Function &f : *out) {
    if (f.isDeclaration())
      continue;
    f.setName(variantName(f.getName(), info.name));
    // The linker drops local functions that nothing refers to yet; all are
    // made local once the tables refer to them.
    f.setLinkage(llvm::GlobalValue::ExternalLinkage);
    f.setDoesNotThrow();
    f.addFnAttr("target-cpu", info.cpu);
    if (!info.features.empty())
      f.addFnAttr("target-features", info.features);
    f.addFnAttr("prefer-vector-width", std::to_string(info.vectorBits));
  }
  for (llvm::GlobalVariable &g : out->globals())
    if (!g.isDeclaration())
      g.setLinkage(llvm::GlobalValue::PrivateLinkage);
  return out;
}

/// All variants and the runtime in one module.
static llvm::Expected<std::unique_ptr<llvm::Module>>
linkModules(std::vector<VariantModule> &variants, llvm::TargetMachine &machine) {
  llvm::LLVMContext &context = variants.front().module->getContext();
  llvm::Expected<std::unique_ptr<llvm::Module>> runtime =
      llvm::parseBitcodeFile(
          llvm::MemoryBufferRef(runtimeBitcode(), "runtime"), context);
  if (!runtime)
    return runtime.takeError();
  std::unique_ptr<llvm::Module> whole = std::move(*runtime);
  whole->setModuleIdentifier("library");
  whole->setSourceFileName("library");
  whole->setTargetTriple(llvm::Triple(kTriple));
  whole->setDataLayout(machine.createDataLayout());
  for (VariantModule &variant : variants) {
    variant.module->setTargetTriple(llvm::Triple(kTriple));
    variant.module->setDataLayout(machine.createDataLayout());
    if (llvm::Linker::linkModules(*whole, std::move(variant.module)))
      return llvm::createStringError("the variants could not be linked");
  }
  // What clang said about the runtime is of no use, and not the same on
  // every machine.
  if (llvm::NamedMDNode *ident = whole->getNamedMetadata("llvm.ident"))
    whole->eraseNamedMetadata(ident);
  return whole;
}

static void optimise(llvm::Module &module, llvm::TargetMachine &machine,
                     int optLevel) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager graphs;
  llvm::ModuleAnalysisManager modules;
  // The kernels are vectors and register tiles already, the runtime was
  // optimised when it was built: looking for more costs half the time.
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = false;
  tuning.SLPVectorization = false;
  tuning.LoopUnrolling = false;
  tuning.LoopInterleaving = false;
  llvm::PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graphs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graphs, modules);
  llvm::OptimizationLevel level =
      optLevel == 0   ? llvm::OptimizationLevel::O0
      : optLevel == 1 ? llvm::OptimizationLevel::O1
      : optLevel == 2 ? llvm::OptimizationLevel::O2
                      : llvm::OptimizationLevel::O3;
  llvm::ModulePassManager passes;
  passes.addPass(llvm::GlobalDCEPass());
  passes.addPass(optLevel == 0 ? builder.buildO0DefaultPipeline(level)
                               : builder.buildPerModuleDefaultPipeline(level));
  passes.run(module, modules);
}

static llvm::Expected<llvm::SmallVector<char, 0>>
makeObject(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, stream, nullptr,
                                  llvm::CodeGenFileType::ObjectFile))
    return llvm::createStringError("objects cannot be made for this machine");
  passes.run(module);
  return bytes;
}

llvm::Error target::writeFile(llvm::StringRef path, llvm::StringRef bytes) {
  return llvm::writeToOutput(path, [&](llvm::raw_ostream &os) {
    os << bytes;
    return llvm::Error::success();
  });
}

static llvm::Error writeArchiveFile(llvm::StringRef path,
                                    llvm::StringRef object) {
  llvm::SmallString<64> member(llvm::sys::path::stem(path));
  member += ".o";
  llvm::NewArchiveMember entry(llvm::MemoryBufferRef(object, member));
  return llvm::writeArchive(path, entry, llvm::SymtabWritingMode::NormalSymtab,
                            llvm::object::Archive::K_GNU,
                            /*Deterministic=*/true, /*Thin=*/false);
}

static llvm::Error writeShared(llvm::StringRef object,
                               const EmitOptions &options) {
  llvm::SmallString<128> path;
  if (std::error_code code =
          llvm::sys::fs::createTemporaryFile("rnnc", "o", path))
    return llvm::errorCodeToError(code);
  llvm::Error error = writeFile(path, object);
  if (!error)
    error = linkShared(path, options);
  llvm::sys::fs::remove(path);
  return error;
}

llvm::Error target::emitLibrary(std::vector<VariantModule> variants,
                                const Library &library,
                                const EmitOptions &options) {
  llvm::Expected<std::unique_ptr<llvm::TargetMachine>> machine =
      makeMachine(options.optLevel);
  if (!machine)
    return machine.takeError();
  std::vector<VariantInfo> infos;
  for (const VariantModule &variant : variants)
    infos.push_back(variant.info);
  llvm::Expected<std::unique_ptr<llvm::Module>> whole =
      linkModules(variants, **machine);
  if (!whole)
    return whole.takeError();
  if (llvm::Error error = emitTables(**whole, library, infos))
    return error;
  llvm::StringSet<> api;
  for (const std::string &name : emitWrappers(**whole, library))
    api.insert(name);
  llvm::internalizeModule(**whole, [&](const llvm::GlobalValue &value) {
    return api.contains(value.getName());
  });
  std::string message;
  llvm::raw_string_ostream stream(message);
  if (llvm::verifyModule(**whole, &stream))
    return llvm::createStringError("invalid code: " + message);
  optimise(**whole, **machine, options.optLevel);
  auto object = makeObject(**whole, **machine);
  if (!object)
    return object.takeError();
  llvm::StringRef bytes(object->data(), object->size());
  if (llvm::Error error = checkObject(bytes, infos))
    return error;
  switch (options.output) {
  case Output::Object:
    return writeFile(options.path, bytes);
  case Output::StaticArchive:
    return writeArchiveFile(options.path, bytes);
  case Output::SharedLibrary:
    return writeShared(bytes, options);
  }
  return llvm::Error::success();
}
