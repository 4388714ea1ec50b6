// OracleTest.cpp: every function of the conversion's test programs, compiled,
// against the interpreter of the scan level.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ScanJit.h"

#include "rnnc/Dialect/Interface/Interface.h"
#include "rnnc/InitAll.h"
#include "rnnc/Interpreter/Scan.h"
#include "rnnc/Pipeline/Phases.h"
#include "rnnc/Runtime/Kernels.h"

#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

using namespace mlir;
using namespace rnnc;
using namespace rnnc::test;

namespace {

// Compiled code looks it up in this program.
[[maybe_unused, gnu::used]] auto *const philox = &rnnc_rt_philox_uniform_f64;

/// One argument or result: the interpreter's numbers and the same in memory.
struct Data {
  Type element;
  interpreter::Tensor numbers;
  std::vector<char> bytes;

  size_t width() const {
    return element.isInteger(1) ? 1 : element.getIntOrFloatBitWidth() / 8;
  }
  void store() {
    bytes.assign(std::max<size_t>(1, numbers.data.size() * width()), 0);
    for (size_t i = 0; i < numbers.data.size(); ++i) {
      char *place = bytes.data() + i * width();
      if (element.isF64())
        memcpy(place, &numbers.data[i], 8);
      else if (int64_t value = int64_t(numbers.data[i]); true)
        memcpy(place, &value, width());
    }
  }
  double load(size_t i) const {
    const char *place = bytes.data() + i * width();
    if (element.isF64()) {
      double value;
      memcpy(&value, place, 8);
      return value;
    }
    int64_t value = 0;
    memcpy(&value, place, width());
    if (width() == 4)
      return double(int32_t(value));
    return double(value);
  }
};

class Oracle : public ::testing::TestWithParam<const char *> {};

int64_t sizeNamed(StringRef name, ArrayAttr dims) {
  for (auto [i, dim] : llvm::enumerate(dims))
    if (cast<StringAttr>(dim).getValue() == name)
      return i == 0 ? 4 : 5 + int64_t(i);
  return -1;
}

std::vector<int64_t> shapeOf(Attribute shape, ArrayAttr dims) {
  std::vector<int64_t> sizes;
  for (Attribute size : cast<ArrayAttr>(shape)) {
    if (auto name = dyn_cast<StringAttr>(size))
      sizes.push_back(sizeNamed(name.getValue(), dims));
    else
      sizes.push_back(cast<IntegerAttr>(size).getInt());
  }
  return sizes;
}

/// Numbers that fit the argument's role.
Data makeArgument(func::FuncOp function, unsigned number, ArrayAttr dims,
                  std::mt19937 &random) {
  Data data;
  data.element = getElementTypeOrSelf(function.getArgumentTypes()[number]);
  interface::SlotAttr slot = interface::slotOf(function, number);
  data.numbers = interpreter::Tensor(shapeOf(slot.getShape(), dims));
  bool isLengths = slot.getRole() == interface::Role::Lengths;
  int64_t longest = isLengths ? sizeNamed(slot.getName(), dims) : 0;
  for (double &x : data.numbers.data) {
    double unit = random() / 4294967296.0;
    if (data.element.isF64())
      x = 1.6 * unit - 0.8;
    else if (isLengths)
      x = std::floor(unit * double(longest + 1));
    else
      x = std::floor(unit * 2);
  }
  data.store();
  return data;
}

OwningOpRef<ModuleOp> scheduled(const std::string &path, MLIRContext &context) {
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(path, &context);
  if (!module)
    return {};
  pipeline::PipelineOptions options;
  options.precision = "f64";
  PassManager pm(&context);
  for (auto phase : {pipeline::Phase::Batched, pipeline::Phase::Grad,
                     pipeline::Phase::Scheduled})
    pipeline::addPhase(pm, phase, options);
  if (failed(pm.run(*module)))
    return {};
  return module;
}

void compareFunction(func::FuncOp function, ScanJit &jit) {
  ASSERT_TRUE(interface::hasDims(function)) << function.getName().str();
  ArrayAttr dims = interface::functionOf(function).getDims();
  std::mt19937 random(7);
  std::vector<Data> args, results;
  std::vector<interpreter::Tensor> tensors;
  for (unsigned i = 0; i < function.getNumArguments(); ++i) {
    args.push_back(makeArgument(function, i, dims, random));
    tensors.push_back(args.back().numbers);
  }
  auto expected = interpreter::evaluate(function, tensors);
  ASSERT_TRUE(succeeded(expected)) << function.getName().str();
  std::vector<void *> pointers;
  for (Data &data : args)
    pointers.push_back(data.bytes.data());
  for (auto [i, type] : llvm::enumerate(function.getResultTypes())) {
    Data data;
    data.element = getElementTypeOrSelf(type);
    data.numbers = interpreter::Tensor((*expected)[i].shape, 77);
    data.store();
    results.push_back(data);
  }
  for (Data &data : results)
    pointers.push_back(data.bytes.data());
  std::vector<int64_t> sizes;
  for (Attribute dim : dims)
    sizes.push_back(sizeNamed(cast<StringAttr>(dim).getValue(), dims));
  jit.call(function.getName().str(), pointers, sizes);
  EXPECT_TRUE(jit.intact()) << function.getName().str();
  for (auto [i, data] : llvm::enumerate(results)) {
    const interpreter::Tensor &want = (*expected)[i];
    double largest = 1e-300, worst = 0;
    for (size_t k = 0; k < want.data.size(); ++k) {
      largest = std::max(largest, std::fabs(want.data[k]));
      double got = data.load(k);
      if (got == want.data[k] || (std::isnan(got) && std::isnan(want.data[k])))
        continue;
      double error = std::fabs(got - want.data[k]);
      worst = std::max(worst, std::isfinite(error) ? error : 1e300);
    }
    interface::SlotAttr slot = interface::resultSlotOf(function, i);
    EXPECT_LE(worst, 1e-10 * std::max(1.0, largest))
        << function.getName().str() << ": "
        << (slot ? slot.getName().str() : std::to_string(i));
  }
}

TEST_P(Oracle, Agrees) {
  DialectRegistry registry;
  registerAllDialects(registry);
  // Registering twice is an error.
  static bool once = (registerAllPasses(), pipeline::registerPipelines(), true);
  (void)once;
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  OwningOpRef<ModuleOp> module =
      scheduled(std::string(RNNC_SOURCE) + "/test/Conversion/RNNToScan/" +
                    GetParam() + ".mlir",
                context);
  ASSERT_TRUE(module);
  std::string text;
  llvm::raw_string_ostream stream(text);
  module->print(stream);
  ScanJit jit(text);
  ASSERT_TRUE(jit.ok()) << jit.message();
  unsigned count = 0;
  for (auto function : module->getOps<func::FuncOp>()) {
    // The update works on arenas, which have tests of their own.
    if (function.isPrivate() || function.getName().ends_with(".update"))
      continue;
    compareFunction(function, jit);
    ++count;
  }
  EXPECT_GT(count, 0u);
}

INSTANTIATE_TEST_SUITE_P(Programs, Oracle,
                         ::testing::Values("distributions", "expressions",
                                           "language-model", "recurrences"),
                         [](const auto &info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

} // namespace
