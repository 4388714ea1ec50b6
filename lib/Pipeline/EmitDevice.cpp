// EmitDevice.cpp: code for GPUs that becomes a part of a library.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From `buffer` on it goes its own way: the functions on the host are compiled
// as another variant, and the kernels become a text.
#include "Compilation.h"

#include "rnnc/Conversion/KernelToGPU/KernelToGPU.h"
#include "rnnc/Support/Work.h"

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
  mlir::OwningOpRef<mlir::ModuleOp> kernels(host->clone());
  ok = runPipeline(*kernels, [&](mlir::OpPassManager &pm) {
    buildGPUToNVVMPipeline(pm, options.fastMath);
  });
  ok = ok && runPipeline(*host, [&](mlir::OpPassManager &pm) {
         buildGPUHostPipeline(pm, options.fastMath);
       });
  std::string fault = ok ? "" : "a pass failed";
  if (ok) {
    auto text = target::nvptx::ptxOf(*kernels, *chip, request.optLevel);
    if (text)
      code.ptx = std::move(*text) +
                 target::nvptx::squaresKernel(options.precision == "f64");
    else
      fault = llvm::toString(text.takeError());
  }
  code.kernels.push_back("rnnc_rt_squares");
  if (fault.empty())
    if (llvm::Error error = target::nvptx::checkPTX(code.ptx, *chip))
      fault = llvm::toString(std::move(error));
  if (fault.empty()) {
    auto made =
        target::translate(*host, hostVariant(modules.front().info, *chip));
    if (made)
      modules.push_back(std::move(*made));
    else
      fault = llvm::toString(made.takeError());
  }
  library.gpu = std::move(code);
  return verdict(messages, fault.empty(), fault);
}
