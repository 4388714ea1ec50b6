// Jit.cpp: compiles kernel-level text and calls it, for tests.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Jit.h"

#include "rnnc/Conversion/KernelToLoops/KernelToLoops.h"
#include "rnnc/Dialect/Kernel/Kernel.h"
#include "rnnc/Dialect/Kernel/Transforms/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/ExecutionEngine/ExecutionEngine.h"
#include "mlir/ExecutionEngine/OptUtils.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"

#include <algorithm>
#include <thread>

using namespace mlir;

namespace rnnc::test {

std::string JitTarget::features() const {
  if (vectorBits == 512)
    return "+avx512f,+avx512vl,+avx512dq,+avx512bw,+avx2,+fma,"
           "-prefer-256-bit";
  if (vectorBits == 256)
    return "+avx2,+fma,-avx512f";
  return fma ? "+sse4.2,+fma,-avx512f" : "+sse4.2,-avx,-fma";
}

std::vector<JitTarget> jitTargets() {
  llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
  std::vector<JitTarget> targets{{128, false}};
  if (host.lookup("avx2") && host.lookup("fma"))
    targets.push_back({256, true});
  if (host.lookup("avx512f") && host.lookup("avx512vl"))
    targets.push_back({512, true});
  return targets;
}

void setTarget(ModuleOp module, const JitTarget &target) {
  MLIRContext *context = module.getContext();
  kernel::TargetAttr like =
      kernel::targetNamed(context, target.vectorBits == 512 ? "v4" : "v3");
  Attribute own = kernel::TargetAttr::get(
      context, "test", target.vectorBits, like.getRegisters(), target.fma,
      like.getL1(), like.getL2(), /*dots=*/0, /*half_dots=*/0,
      kernel::GPUAttr());
  module->setAttr(kernel::kTargets, ArrayAttr::get(context, own));
}

/// Runs the tasks last to first on two threads: nothing may depend on it.
static void parallelForOfTests(const void *, int64_t n,
                               void (*body)(void *, int64_t), void *data,
                               int64_t) {
  std::thread other([&] {
    for (int64_t i = n - 1; i >= 0; i -= 2)
      body(data, i);
  });
  for (int64_t i = n - 2; i >= 0; i -= 2)
    body(data, i);
  other.join();
}

/// Parts of the loop as the runtime cuts it, the same way.
static void cutLoopOfTests(const void *run, int64_t trips, int64_t tasks,
                           void (*body)(void *, int64_t, int64_t), void *data,
                           int64_t work) {
  struct Parts {
    void (*body)(void *, int64_t, int64_t);
    void *data;
    int64_t share, trips;
  } parts{body, data, (trips + tasks - 1) / tasks, trips};
  parallelForOfTests(
      run, (trips + parts.share - 1) / parts.share,
      [](void *of, int64_t i) {
        auto &p = *static_cast<Parts *>(of);
        p.body(p.data, i * p.share, std::min((i + 1) * p.share, p.trips));
      },
      &parts, work);
}

static int64_t membersOfTests(const void *) { return 2; }

struct Jit::Impl {
  std::unique_ptr<MLIRContext> context;
  std::unique_ptr<ExecutionEngine> engine;
  std::string message;
};

static void setUp(MLIRContext &context) {
  DialectRegistry registry;
  registry.insert<affine::AffineDialect, arith::ArithDialect, func::FuncDialect,
                  LLVM::LLVMDialect, linalg::LinalgDialect, math::MathDialect,
                  memref::MemRefDialect, scf::SCFDialect, vector::VectorDialect,
                  kernel::KernelDialect>();
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerKernelToLLVMConversions(registry);
  context.appendDialectRegistry(registry);
  context.loadAllAvailableDialects();
  // Tests spell scan.sigmoid as text without the scan dialect.
  context.allowUnregisteredDialects();
}

Jit::Jit(const std::string &source, const JitTarget &target)
    : impl(std::make_unique<Impl>()) {
  static bool once = [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    return true;
  }();
  (void)once;
  impl->context =
      std::make_unique<MLIRContext>(MLIRContext::Threading::DISABLED);
  setUp(*impl->context);
  ScopedDiagnosticHandler handler(impl->context.get(), [&](Diagnostic &d) {
    impl->message += d.str() + "\n";
    return success();
  });
  OwningOpRef<ModuleOp> module =
      parseSourceString<ModuleOp>(source, impl->context.get());
  if (!module)
    return;
  PassManager pm(impl->context.get());
  // What comes from the level of tensors was scheduled there.
  if (!(*module)->hasAttr(kernel::kTargets)) {
    setTarget(*module, target);
    pm.addPass(kernel::createKernelSelectSchedule());
  }
  KernelToLLVMOptions options;
  options.fastMath = target.fastMath;
  options.threads = target.threads;
  buildKernelToLLVMPipeline(pm, options);
  if (failed(pm.run(*module)))
    return;
  auto builder =
      llvm::cantFail(llvm::orc::JITTargetMachineBuilder::detectHost());
  if (target.vectorBits != 512 || !target.fma)
    builder.setCPU(target.vectorBits == 256 ? "x86-64-v3" : "x86-64-v2");
  builder.getFeatures() = llvm::SubtargetFeatures(target.features());
  builder.setCodeGenOptLevel(llvm::CodeGenOptLevel::Aggressive);
  auto machine = llvm::cantFail(builder.createTargetMachine());
  ExecutionEngineOptions engineOptions;
  auto optimise = makeOptimizingTransformer(3, 0, machine.get());
  std::string width = std::to_string(target.vectorBits);
  // The options keep a reference only.
  std::function<llvm::Error(llvm::Module *)> transform =
      [&](llvm::Module *m) -> llvm::Error {
    for (llvm::Function &f : *m)
      f.addFnAttr("prefer-vector-width", width);
    return optimise(m);
  };
  engineOptions.transformer = transform;
  engineOptions.jitCodeGenOptLevel = llvm::CodeGenOptLevel::Aggressive;
  auto engine =
      ExecutionEngine::create(*module, engineOptions, std::move(machine));
  if (!engine) {
    impl->message += llvm::toString(engine.takeError());
    return;
  }
  impl->engine = std::move(*engine);
  impl->engine->registerSymbols([](llvm::orc::MangleAndInterner mangle) {
    llvm::orc::SymbolMap symbols;
    symbols[mangle("rnnc_rt_parallel_for")] = {
        llvm::orc::ExecutorAddr::fromPtr(&parallelForOfTests),
        llvm::JITSymbolFlags::Exported};
    symbols[mangle("rnnc_rt_cut_loop")] = {
        llvm::orc::ExecutorAddr::fromPtr(&cutLoopOfTests),
        llvm::JITSymbolFlags::Exported};
    symbols[mangle("rnnc_rt_members")] = {
        llvm::orc::ExecutorAddr::fromPtr(&membersOfTests),
        llvm::JITSymbolFlags::Exported};
    return symbols;
  });
  impl->engine->initialize();
}

Jit::~Jit() = default;
bool Jit::ok() const { return impl->engine != nullptr; }
const std::string &Jit::message() const { return impl->message; }

void *Jit::lookup(const std::string &name) const {
  auto address = impl->engine->lookup(name);
  if (!address) {
    llvm::consumeError(address.takeError());
    return nullptr;
  }
  return *address;
}

void Jit::call(const std::string &name, std::vector<void *> args,
               std::vector<int64_t> dims, void *workspace) const {
  using Entry = void (*)(void **, int64_t *, void *, void *);
  auto entry = reinterpret_cast<Entry>(lookup(name + ".entry"));
  int context = 0; // whatever it is, threads help
  entry(args.data(), dims.data(), workspace, &context);
}

} // namespace rnnc::test
