// Programs.cpp - programs for the tests of the interpreter.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Programs.h"

#include "rnnc/Conversion/ASTToRNN/ASTToRNN.h"
#include "rnnc/Dialect/Interface/Interface.h"
#include "rnnc/InitAll.h"
#include "rnnc/Pipeline/Phases.h"

#include "mlir/Pass/PassManager.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace rnnc;
using namespace rnnc::test;

Program::Program() {
  static bool once = (registerAllPasses(), pipeline::registerPipelines(), true);
  (void)once;
  DialectRegistry registry;
  registerAllDialects(registry);
  context.appendDialectRegistry(registry);
  context.loadAllAvailableDialects();
  context.disableMultithreading();
}

bool Program::read(const std::string &text) {
  SourceManager sources;
  Diagnostics diags(sources);
  auto checked = checkText(sources, "test.rnn", text, {}, diags);
  if (checked)
    rnnLevel = emitRNN(*checked, sources, context, diags);
  if (!rnnLevel) {
    ADD_FAILURE() << diags.render();
    return false;
  }
  scanLevel = rnnLevel->clone();
  PassManager manager(&context);
  pipeline::PipelineOptions options;
  options.precision = "f64";
  pipeline::addPhase(manager, pipeline::Phase::Batched, options);
  pipeline::addPhase(manager, pipeline::Phase::Grad, options);
  bool ok = succeeded(manager.run(*scanLevel));
  EXPECT_TRUE(ok);
  return ok;
}

rnn::ModuleOp Program::module(StringRef name) {
  for (auto module : rnnLevel->getOps<rnn::ModuleOp>())
    if (name.empty() || module.getSymName() == name)
      return module;
  return nullptr;
}

std::optional<interp::Arrays> Program::scan(StringRef function,
                                            const interp::Arrays &inputs) {
  auto func = scanLevel->lookupSymbol<func::FuncOp>(function);
  if (!func) {
    ADD_FAILURE() << "there is no " << function.str();
    return std::nullopt;
  }
  std::vector<interpreter::Tensor> args;
  int64_t batch = 1;
  for (auto &[name, array] : inputs)
    if (name == "T")
      batch = array.size();
  for (unsigned i = 0; i < func.getNumArguments(); ++i) {
    std::string name = interface::slotOf(func, i).getName().str();
    auto it = inputs.find(name);
    interpreter::Tensor tensor;
    if (it != inputs.end()) {
      tensor.shape = it->second.shape;
      tensor.data = it->second.data;
    } else {
      // A seed, or a reset: zeros; with one for each row where it has rows.
      auto type = cast<RankedTensorType>(func.getArgument(i).getType());
      std::vector<int64_t> shape;
      for (int64_t dim : type.getShape())
        shape.push_back(ShapedType::isDynamic(dim) ? batch : dim);
      tensor = interpreter::Tensor(shape, name == "reset" ? 1 : 0);
    }
    args.push_back(std::move(tensor));
  }
  auto results = interpreter::evaluate(func, args);
  if (failed(results)) {
    ADD_FAILURE() << function.str() << " could not be evaluated";
    return std::nullopt;
  }
  interp::Arrays outputs;
  for (auto [i, result] : llvm::enumerate(*results)) {
    interface::SlotAttr slot = interface::resultSlotOf(func, i);
    interp::Array &array = outputs[slot ? slot.getName().str() : "?"];
    array.shape = result.shape;
    array.data = result.data;
  }
  return outputs;
}
