// ScanJit.cpp: compiles scan-level text in memory and calls it, for tests.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ScanJit.h"

#include "rnnc/Conversion/ScanToKernel/Passes.h"
#include "rnnc/Dialect/Kernel/Kernel.h"
#include "rnnc/Dialect/Kernel/Transforms/Passes.h"
#include "rnnc/Dialect/Scan/Scan.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

using namespace mlir;

namespace rnnc::test {

std::string toKernels(const std::string &source, std::string &errors) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  context.loadDialect<arith::ArithDialect, func::FuncDialect, math::MathDialect,
                      tensor::TensorDialect, scan::ScanDialect,
                      kernel::KernelDialect>();
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &d) {
    errors += d.str() + "\n";
    return success();
  });
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(source, &context);
  if (!module)
    return "";
  PassManager pm(&context);
  setTarget(*module, jitTargets().back());
  pm.addNestedPass<func::FuncOp>(createKernelFormPhases());
  pm.addPass(kernel::createKernelSelectSchedule());
  pm.addPass(createConvertScanToKernel());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(kernel::createKernelPlanMemory());
  if (failed(pm.run(*module)))
    return "";
  std::string text;
  llvm::raw_string_ostream stream(text);
  module->print(stream, OpPrintingFlags().printGenericOpForm());
  return text;
}

ScanJit::ScanJit(const std::string &source) {
  std::string kernels = toKernels(source, errors);
  if (kernels.empty())
    return;
  jit = std::make_unique<Jit>(kernels, jitTargets().back());
  errors += jit->message();
}

void ScanJit::call(const std::string &name, std::vector<void *> args,
                   std::vector<int64_t> dims) {
  using Size = int64_t (*)(int64_t *);
  auto size = reinterpret_cast<Size>(jit->lookup(name + ".workspace"));
  int64_t bytes = size(dims.data());
  constexpr int64_t kGuard = 4096;
  std::vector<unsigned char> memory(bytes + 2 * kGuard + 64, 0xff);
  auto address = reinterpret_cast<uintptr_t>(memory.data()) + kGuard;
  auto *workspace =
      reinterpret_cast<unsigned char *>((address + 63) & ~uintptr_t(63));
  jit->call(name, std::move(args), std::move(dims), workspace);
  for (unsigned char *p = memory.data(); p < workspace; ++p)
    guardsIntact &= *p == 0xff;
  for (unsigned char *p = workspace + bytes; p < memory.data() + memory.size();
       ++p)
    guardsIntact &= *p == 0xff;
}

std::vector<float> numbers(size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::vector<float> result(count);
  for (float &x : result)
    x = float(generator() / 2147483648.0 - 1.0);
  return result;
}

double distance(const std::vector<float> &a, const std::vector<float> &b) {
  if (a.size() != b.size())
    return std::numeric_limits<double>::infinity();
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    double d = std::fabs(double(a[i]) - double(b[i]));
    if (!(d <= std::numeric_limits<double>::max()))
      return std::numeric_limits<double>::infinity();
    largest = std::max(largest, d);
  }
  return largest;
}

} // namespace rnnc::test
