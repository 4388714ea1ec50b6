// Program.cpp: from a source text to evaluated functions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Program.h"

#include "rnnc/Conversion/ASTToRNN/ASTToRNN.h"
#include "rnnc/Conversion/RNNToScan/RNNToScan.h"
#include "rnnc/Dialect/Grad/Grad.h"
#include "rnnc/Dialect/Grad/Transforms/Passes.h"
#include "rnnc/Dialect/RNN/RNN.h"
#include "rnnc/Dialect/Scan/Gradients.h"
#include "rnnc/Dialect/Scan/Transforms/Passes.h"
#include "rnnc/Support/Diagnostics.h"
#include "rnnc/Support/SourceManager.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"

#include <random>

using namespace mlir;

namespace rnnc::test {
using interface::Role;

static std::unique_ptr<MLIRContext> makeContext() {
  DialectRegistry registry;
  registry.insert<rnn::RNNDialect, scan::ScanDialect, grad::GradDialect,
                  arith::ArithDialect, func::FuncDialect, math::MathDialect,
                  tensor::TensorDialect>();
  scan::registerGradients(registry);
  return std::make_unique<MLIRContext>(registry);
}

Program::Program(const std::string &source, bool hoist, bool gradients)
    : context(makeContext()) {
  SourceManager sources;
  Diagnostics diags(sources);
  auto program = checkText(sources, "test.rnn", source, {}, diags);
  if (program)
    module = emitRNN(*program, sources, *context, diags);
  if (!module) {
    error = diags.render(false);
    return;
  }
  module->walk([&](Operation *op) {
    if (!isa<rnn::InputOp, rnn::OutputOp>(op))
      return;
    auto type = cast<rnn::ValueType>(op->getResult(0).getType());
    std::string name = op->getAttrOfType<StringAttr>("name").str();
    indexSizes[name] = 2;
    if (type.isIndex())
      indexSizes[name] = indexSizes["prev"] = type.getIndexAxis().getSize();
  });
  ScopedDiagnosticHandler handler(context.get(),
                                  [&](mlir::Diagnostic &diagnostic) {
                                    error += diagnostic.str() + "\n";
                                    return success();
                                  });
  PassManager passes(context.get());
  ConvertRNNToScanOptions options;
  options.precision = "f64";
  options.hoist = hoist;
  passes.addPass(createConvertRNNToScan(options));
  if (gradients) {
    passes.addPass(scan::createScanSegment());
    passes.addPass(grad::createGradGenerate());
  }
  if (failed(passes.run(*module)) && error.empty())
    error = "a pass failed";
}

func::FuncOp Program::find(const std::string &function) const {
  for (auto op : module.get().getOps<func::FuncOp>())
    if (op.getSymName().ends_with("." + function))
      return op;
  return {};
}

bool Program::has(const std::string &function) const {
  return bool(find(function));
}

static interface::SlotAttr slotOf(func::FuncOp op, unsigned i, bool result) {
  return result ? interface::resultSlotOf(op, i) : interface::slotOf(op, i);
}

std::vector<std::string> Program::named(const std::string &function,
                                        const std::string &role,
                                        bool results) const {
  func::FuncOp op = find(function);
  std::vector<std::string> names;
  unsigned count = results ? op.getNumResults() : op.getNumArguments();
  for (unsigned i = 0; i < count; ++i) {
    interface::SlotAttr slot = slotOf(op, i, results);
    if (interface::stringifyRole(slot.getRole()) == role)
      names.push_back(slot.getName().str());
  }
  return names;
}

int Program::timeDim(const std::string &function, const std::string &name,
                     bool result) const {
  func::FuncOp op = find(function);
  unsigned count = result ? op.getNumResults() : op.getNumArguments();
  for (unsigned i = 0; i < count; ++i) {
    interface::SlotAttr slot = slotOf(op, i, result);
    if (slot.getName() != name)
      continue;
    for (auto [dim, size] : llvm::enumerate(slot.getShape()))
      if (auto axis = dyn_cast<StringAttr>(size);
          axis && axis.getValue() == "T")
        return int(dim);
  }
  return -1;
}

Named Program::draw(const std::string &function, const Sizes &sizes,
                    int seed) const {
  func::FuncOp op = find(function);
  Named args;
  for (unsigned i = 0; i < op.getNumArguments(); ++i) {
    interface::SlotAttr slot = slotOf(op, i, false);
    std::string name = slot.getName().str();
    Role role = slot.getRole();
    std::vector<int64_t> shape;
    for (Attribute size : slot.getShape())
      shape.push_back(isa<StringAttr>(size)
                          ? sizes.at(cast<StringAttr>(size).str())
                          : cast<IntegerAttr>(size).getInt());
    Tensor value(shape);
    unsigned own = std::hash<std::string>()(name) % 10007;
    std::mt19937 random(own + (role == Role::Param ? 0 : unsigned(seed) * 131));
    auto type = cast<RankedTensorType>(op.getArgumentTypes()[i]);
    for (double &number : value.data) {
      if (role == Role::Lengths)
        number = double(sizes.at(name));
      else if (role == Role::Reset)
        number = 1;
      else if (isa<FloatType>(type.getElementType()))
        number = std::uniform_real_distribution<double>(-1, 1)(random);
      else if (indexSizes.count(name))
        number = double(random() % indexSizes.at(name));
    }
    args[name] = value;
  }
  return args;
}

Named Program::call(const std::string &function, const Named &args) const {
  func::FuncOp op = find(function);
  std::vector<Tensor> values;
  for (unsigned i = 0; i < op.getNumArguments(); ++i)
    values.push_back(args.at(slotOf(op, i, false).getName().str()));
  auto results = interpreter::evaluate(op, values);
  Named named;
  if (failed(results))
    return named;
  for (unsigned i = 0; i < op.getNumResults(); ++i)
    named[slotOf(op, i, true).getName().str()] = (*results)[i];
  return named;
}

// What calls look arguments and results up by.
static DictionaryAttr describe(OpBuilder &b, StringRef prefix, Role role,
                               interface::SlotAttr like) {
  return interface::attributesOf(interface::SlotAttr::get(
      b.getStringAttr(prefix + like.getName().getValue()), role,
      like.getShape()));
}

void Program::askDerivative(const std::string &function,
                            const std::string &name, bool reverse) {
  func::FuncOp op = find(function);
  FunctionType type = op.getFunctionType();
  OpBuilder b = OpBuilder::atBlockEnd(module->getBody());
  SmallVector<int64_t> params, real;
  for (unsigned i = 0; i < type.getNumInputs(); ++i)
    if (slotOf(op, i, false).getRole() == Role::Param)
      params.push_back(i);
  for (unsigned i = 0; i < type.getNumResults(); ++i)
    if (isa<FloatType>(cast<ShapedType>(type.getResult(i)).getElementType()))
      real.push_back(i);
  SmallVector<Type> inputs(type.getInputs()), results(type.getResults());
  for (int64_t i : reverse ? real : params)
    inputs.push_back(reverse ? type.getResult(i) : type.getInput(i));
  for (int64_t i : reverse ? params : real)
    results.push_back(reverse ? type.getInput(i) : type.getResult(i));
  auto asked = func::FuncOp::create(b, op.getLoc(), "M." + name,
                                    b.getFunctionType(inputs, results));
  for (unsigned i = 0; i < type.getNumInputs(); ++i)
    asked.setArgAttrs(i, op.getArgAttrDict(i));
  for (unsigned i = 0; i < type.getNumResults(); ++i)
    asked.setResultAttrs(i, op.getResultAttrDict(i));
  for (auto [k, i] : llvm::enumerate(reverse ? real : params)) {
    asked.setArgAttrs(type.getNumInputs() + k,
                      describe(b, reverse ? "cot." : "tan.", Role::Cot,
                               slotOf(op, i, reverse)));
  }
  for (auto [k, i] : llvm::enumerate(reverse ? params : real)) {
    asked.setResultAttrs(
        type.getNumResults() + k,
        describe(b, "d.", Role::Grad, slotOf(op, i, !reverse)));
  }
  b.setInsertionPointToStart(asked.addEntryBlock());
  ValueRange all = asked.getArguments();
  ValueRange args = all.take_front(type.getNumInputs());
  ValueRange seeds = all.drop_front(type.getNumInputs());
  Operation *request;
  if (reverse)
    request = grad::VjpOp::create(b, op.getLoc(), results, op.getSymName(),
                                  args, seeds, params, real);
  else
    request = grad::JvpOp::create(b, op.getLoc(), results, op.getSymName(),
                                  args, seeds, params, real);
  func::ReturnOp::create(b, op.getLoc(), request->getResults());
}

bool Program::generate() {
  ScopedDiagnosticHandler handler(context.get(),
                                  [&](mlir::Diagnostic &diagnostic) {
                                    error += diagnostic.str() + "\n";
                                    return success();
                                  });
  PassManager passes(context.get());
  passes.addPass(grad::createGradGenerate());
  return succeeded(passes.run(*module));
}

} // namespace rnnc::test
