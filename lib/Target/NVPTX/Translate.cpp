// Translate.cpp: LLVM's passes and its back end for PTX.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Nothing outside of LLVM is needed: no toolkit, no library of functions.
#include "rnnc/Target/NVPTX/PTX.h"

#include "rnnc/Conversion/KernelToGPU/KernelToGPU.h"

#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Target/TargetMachine.h"

#include <mutex>

using namespace rnnc;
using namespace rnnc::target;

extern "C" {
void LLVMInitializeNVPTXTargetInfo();
void LLVMInitializeNVPTXTarget();
void LLVMInitializeNVPTXTargetMC();
void LLVMInitializeNVPTXAsmPrinter();
}

/// LLVM's tables of targets are for all threads.
static void initialiseTarget() {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
  });
}

void nvptx::registerTranslations(mlir::MLIRContext &context) {
  mlir::registerBuiltinDialectTranslation(context);
  mlir::registerGPUDialectTranslation(context);
  mlir::registerLLVMDialectTranslation(context);
  mlir::registerNVVMDialectTranslation(context);
}

static llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
makeMachine(const nvptx::Chip &chip, int optLevel) {
  initialiseTarget();
  llvm::Triple triple(nvptx::kTriple);
  std::string error;
  const llvm::Target *found = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!found)
    return llvm::createStringError(error);
  // Multiplications and additions are rounded one by one, as the code says.
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  auto level = llvm::CodeGenOpt::getLevel(optLevel);
  return std::unique_ptr<llvm::TargetMachine>(found->createTargetMachine(
      triple, chip.name, chip.version, options, std::nullopt, std::nullopt,
      level.value_or(llvm::CodeGenOptLevel::Default)));
}

static llvm::OptimizationLevel levelOf(int optLevel) {
  switch (optLevel) {
  case 0:
    return llvm::OptimizationLevel::O0;
  case 1:
    return llvm::OptimizationLevel::O1;
  case 2:
    return llvm::OptimizationLevel::O2;
  default:
    return llvm::OptimizationLevel::O3;
  }
}

/// Sums of f64 that a loop may have for NVIDIA's assembler to unroll it. It
/// unrolls all of a loop of 25 trips with 8 of them, loads early what many of
/// them need, and spills.
static constexpr unsigned kUnrolledDoubles = 2;

/// Loops with many numbers of two registers stay as they are: `.pragma
/// "nounroll"`.
static void keepLoops(llvm::Function &function) {
  if (function.isDeclaration())
    return;
  llvm::DominatorTree tree(function);
  llvm::LoopInfo loops(tree);
  for (llvm::Loop *loop : loops.getLoopsInPreorder())
    if (llvm::count_if(loop->getHeader()->phis(), [](llvm::PHINode &phi) {
          return phi.getType()->isDoubleTy();
        }) > kUnrolledDoubles)
      loop->setLoopAlreadyUnrolled();
}

static void optimise(llvm::Module &module, llvm::TargetMachine &machine,
                     int optLevel) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager graphs;
  llvm::ModuleAnalysisManager modules;
  // Loops are unrolled as schedules say. LLVM, which unrolls all of a short
  // one, then moves the sums of a row to where it is stored: what they read
  // takes all registers and more. The driver's assembler unrolls loops, too.
  llvm::PipelineTuningOptions tuning;
  tuning.LoopUnrolling = false;
  llvm::PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graphs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graphs, modules);
  builder.buildPerModuleDefaultPipeline(levelOf(optLevel)).run(module, modules);
  llvm::for_each(module, keepLoops);
}

/// Parameters are called after their kernel, with a long name and often: a
/// seventh of a text. Each kernel has names of its own.
static std::string shortParameters(llvm::StringRef text) {
  std::string out, prefix;
  out.reserve(text.size());
  while (!text.empty()) {
    auto [line, rest] = text.split('\n');
    text = rest;
    if (size_t at = line.find(".entry "); at != llvm::StringRef::npos)
      prefix = (line.drop_front(at + 7).split('(').first + "_param_").str();
    for (size_t at; !prefix.empty() &&
                    (at = line.find(prefix)) != llvm::StringRef::npos;) {
      out += line.take_front(at);
      out += 'p';
      line = line.drop_front(at + prefix.size());
    }
    out += line;
    out += '\n';
  }
  return out;
}

llvm::Expected<std::string> nvptx::ptxOf(mlir::ModuleOp module,
                                         const Chip &chip, int optLevel) {
  auto kernels = module.lookupSymbol<mlir::gpu::GPUModuleOp>(kKernels);
  if (!kernels)
    return llvm::createStringError("there are no kernels");
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> code =
      mlir::translateModuleToLLVMIR(kernels, context, kKernels);
  if (!code)
    return llvm::createStringError("kernels cannot be translated");
  auto machine = makeMachine(chip, optLevel);
  if (!machine)
    return machine.takeError();
  code->setTargetTriple((*machine)->getTargetTriple());
  code->setDataLayout((*machine)->createDataLayout());
  optimise(*code, **machine, optLevel);
  llvm::SmallString<0> text;
  llvm::raw_svector_ostream stream(text);
  llvm::legacy::PassManager passes;
  if ((*machine)->addPassesToEmitFile(passes, stream, nullptr,
                                      llvm::CodeGenFileType::AssemblyFile))
    return llvm::createStringError("LLVM cannot write PTX");
  passes.run(*code);
  std::string shorter = shortParameters(text);
  if (llvm::Error error = checkPTX(shorter, chip))
    return std::move(error);
  return shorter;
}
