// EmitDevice.cpp: code for GPUs that becomes a part of a library.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From `buffer` on it goes its own way: the functions on the host are compiled
// as another variant, and the kernels become a text.
#include "Compilation.h"

#include "rnnc/Conversion/KernelToGPU/KernelToGPU.h"
#include "rnnc/Support/Work.h"

#include "mlir/IR/Threading.h"
#include "llvm/IR/Module.h"

using namespace rnnc;
using namespace rnnc::pipeline;

static bool runPipeline(mlir::ModuleOp module,
                        llvm::function_ref<void(mlir::OpPassManager &)> build) {
  mlir::PassManager manager(module.getContext());
  build(manager);
  return mlir::succeeded(manager.run(module));
}

/// The functions on the host, as a variant that no processor chooses: any that
/// the library is for can run it.
static target::VariantInfo hostVariant(const target::VariantInfo &least,
                                       const target::nvptx::Chip &chip) {
  target::VariantInfo host = least;
  host.name = chip.name.str();
  host.device = true;
  return host;
}

/// The text of the kernels, with the runtime's own.
static llvm::Expected<std::string> textOf(mlir::ModuleOp kernels,
                                          const target::nvptx::Chip &chip,
                                          const PipelineOptions &options) {
  currentWork = {"nvvm"};
  if (!runPipeline(kernels, [&](mlir::OpPassManager &pm) {
        buildGPUToNVVMPipeline(pm, options.fastMath);
      }))
    return llvm::createStringError("a pass failed");
  currentWork = {"ptx"};
  auto text = target::nvptx::ptxOf(kernels, chip, options.optLevel);
  if (!text)
    return text.takeError();
  *text += target::nvptx::squaresKernel(options.precision == "f64");
  if (llvm::Error error = target::nvptx::checkPTX(*text, chip))
    return std::move(error);
  return text;
}

/// The functions that launch them.
static llvm::Expected<target::VariantModule>
hostOf(mlir::ModuleOp host, const target::VariantInfo &info,
       const PipelineOptions &options) {
  currentWork = {"llvm"};
  if (!runPipeline(host, [&](mlir::OpPassManager &pm) {
        buildGPUHostPipeline(pm, options.fastMath);
      }))
    return llvm::createStringError("a pass failed");
  return target::translate(host, info);
}

/// Both at a time: they have nothing in common from here on.
int Compilation::makeDeviceCode(target::Library &library,
                                std::vector<target::VariantModule> &modules) {
  Messages messages(context, sources);
  currentWork = {"gpu"};
  mlir::OwningOpRef<mlir::ModuleOp> host(module->clone());
  bool ok = runPipeline(*host, [&](mlir::OpPassManager &pm) {
    buildKernelToGPUPipeline(pm, chip->name);
  });
  if (int code = verdict(messages, ok, ok ? "" : "a pass failed"))
    return code;
  target::GpuCode code{chip->name.str(), chip->capability(), "", {}};
  for (llvm::StringRef name : kernelNames(*host))
    code.kernels.push_back(name.str());
  code.kernels.push_back("rnnc_rt_squares");
  mlir::OwningOpRef<mlir::ModuleOp> kernels(host->clone());
  std::optional<llvm::Expected<std::string>> text;
  std::optional<llvm::Expected<target::VariantModule>> made;
  auto makeOne = [&](size_t i) {
    CrashStack stack; // a thread of the pool has none
    if (i == 0)
      text.emplace(textOf(*kernels, *chip, options));
    else
      made.emplace(
          hostOf(*host, hostVariant(modules.front().info, *chip), options));
  };
  if (isDebugged()) {
    makeOne(0);
    makeOne(1);
  } else {
    mlir::ParallelDiagnosticHandler order(&context);
    mlir::parallelFor(&context, 0, 2, [&](size_t i) {
      order.setOrderIDForThread(i);
      makeOne(i);
      order.eraseOrderIDForThread();
    });
  }
  std::string fault = *text ? "" : llvm::toString(text->takeError());
  if (!*made)
    fault += (fault.empty() ? "" : "; ") + llvm::toString(made->takeError());
  if (fault.empty()) {
    code.ptx = std::move(**text);
    modules.push_back(std::move(**made));
  }
  library.gpu = std::move(code);
  return verdict(messages, fault.empty(), fault);
}
