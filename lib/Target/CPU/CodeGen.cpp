// CodeGen.cpp: LLVM's passes and the machine that objects are made for.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "CodeGen.h"

#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/IPO/GlobalDCE.h"
#include "llvm/Transforms/InstCombine/InstCombine.h"
#include "llvm/Transforms/Scalar/DeadStoreElimination.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Scalar/GVN.h"
#include "llvm/Transforms/Scalar/IndVarSimplify.h"
#include "llvm/Transforms/Scalar/LICM.h"
#include "llvm/Transforms/Scalar/LoopPassManager.h"
#include "llvm/Transforms/Scalar/LoopRotation.h"
#include "llvm/Transforms/Scalar/SimplifyCFG.h"

#include <mutex>

using namespace rnnc;
using namespace rnnc::target;

/// What a step of code generation is told for all functions, unless somebody
/// else has spoken.
static void setOption(llvm::StringRef name, llvm::StringRef value) {
  auto &options = llvm::cl::getRegisteredOptions();
  auto option = options.find(name);
  if (option != options.end() && !option->second->getNumOccurrences())
    option->second->addOccurrence(0, name, value);
}

/// Loops of kernels read at a base and an index: processors add these up for
/// nothing. Strength reduction, a third of the time of code generation, gives
/// each address a register of its own instead.
///
/// Tiles are written in the order in which they should run. The scheduler puts
/// the loads of several steps first, for which the registers do not suffice: in
/// the loop, sums go to memory and back. As written takes 0.92 to 0.95 forward
/// with 512 bits (lstm 256, 512, 128, gru 256; batch 16 to 64), 0.95 to 1.0
/// with all gradients, and 0.99 to 1.03 with 256 bits, Zen 4.
static void setOptions() {
  setOption("disable-lsr", "true");
  setOption("enable-misched", "false");
}

/// LLVM's tables of targets are for all threads.
static void initialiseTargets() {
  static std::once_flag once;
  std::call_once(once, [] {
    for (const Architecture *one : architectures())
      one->initialise();
    setOptions();
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
llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
target::makeMachine(const Architecture &architecture, int optLevel) {
  initialiseTargets();
  llvm::Triple triple(architecture.triple);
  std::string error;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return llvm::createStringError(error);
  llvm::TargetOptions options;
  options.FunctionSections = true;
  options.DataSections = true;
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(
      triple, architecture.cpu, "", options, llvm::Reloc::PIC_,
      llvm::CodeModel::Small, codeGenLevel(optLevel)));
}

void target::setTarget(llvm::Module &module, llvm::TargetMachine &machine) {
  module.setTargetTriple(machine.getTargetTriple());
  module.setDataLayout(machine.createDataLayout());
}

/// What the kernels gain from. They are vectors and register tiles already:
/// a search for vectors, unrolling and inlining, and LLVM's usual repetition
/// of these passes, take four times as long and make the code no faster.
static llvm::FunctionPassManager kernelPasses(int optLevel) {
  llvm::FunctionPassManager passes;
  passes.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/true));
  passes.addPass(llvm::SimplifyCFGPass());
  passes.addPass(llvm::InstCombinePass());
  if (optLevel == 1)
    return passes;
  llvm::LoopPassManager loops;
  loops.addPass(llvm::LoopRotatePass());
  loops.addPass(llvm::LICMPass(llvm::LICMOptions()));
  passes.addPass(llvm::createFunctionToLoopPassAdaptor(std::move(loops),
                                                       /*UseMemorySSA=*/true));
  passes.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/true));
  passes.addPass(
      llvm::createFunctionToLoopPassAdaptor(llvm::IndVarSimplifyPass()));
  passes.addPass(llvm::GVNPass());
  passes.addPass(llvm::DSEPass());
  passes.addPass(llvm::InstCombinePass());
  passes.addPass(llvm::SimplifyCFGPass());
  return passes;
}

void target::optimise(llvm::Module &module, llvm::TargetMachine &machine,
                      int optLevel, CodeKind kind) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager graphs;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graphs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graphs, modules);
  llvm::ModulePassManager passes;
  passes.addPass(llvm::GlobalDCEPass());
  // The runtime was optimised when it was built.
  if (optLevel > 0 && kind == CodeKind::Kernels)
    passes.addPass(
        llvm::createModuleToFunctionPassAdaptor(kernelPasses(optLevel)));
  passes.run(module, modules);
}

llvm::Expected<Bytes> target::makeObject(llvm::Module &module,
                                         llvm::TargetMachine &machine,
                                         StackUse &stack) {
  stack.watch(module);
  stack.readCalls(module);
  Bytes bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, stream, nullptr,
                                  llvm::CodeGenFileType::ObjectFile))
    return llvm::createStringError("objects cannot be made for this machine");
  passes.run(module);
  return bytes;
}
