// CheckGradient.cpp: gradients against finite differences, by the interpreter.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "CheckGradient.h"

#include "rnnc/Dialect/Grad/Grad.h"
#include "rnnc/Dialect/Grad/Transforms/Passes.h"
#include "rnnc/Dialect/Scan/Gradients.h"
#include "rnnc/Dialect/Scan/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace rnnc;
using namespace rnnc::test;
using rnnc::interpreter::Tensor;

static constexpr double kStep = 1e-5;
static const double kFailed = std::numeric_limits<double>::infinity();

Tensor test::numbers(std::vector<int64_t> shape, double low, double high) {
  Tensor tensor(shape);
  static uint32_t state = 12345;
  for (double &x : tensor.data) {
    state = state * 1664525u + 1013904223u;
    x = low + (high - low) * (state >> 8) / double(1 << 24);
  }
  return tensor;
}

Tensor test::integers(std::vector<int64_t> shape, std::vector<double> values) {
  Tensor tensor(shape);
  tensor.data = std::move(values);
  return tensor;
}

namespace {
bool isReal(Type type) {
  return isa<FloatType>(cast<RankedTensorType>(type).getElementType());
}

using Tensors = std::vector<Tensor>;

class Checker {
public:
  Checker(const std::string &text, const CheckOptions &options)
      : options(options) {
    DialectRegistry registry;
    registry
        .insert<func::FuncDialect, arith::ArithDialect, math::MathDialect,
                tensor::TensorDialect, scan::ScanDialect, grad::GradDialect>();
    scan::registerGradients(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
    module = parseSourceString<ModuleOp>(text, &context);
  }

  double run(Tensors args);
  std::string derivative(bool reverse);
  std::optional<Tensors> seeds(const Tensors &args, bool reverse);
  Tensor gradient(Tensors args, std::vector<double> cotangents);

private:
  bool prepare();
  func::FuncOp makeRequest(bool reverse);
  bool generate();
  std::optional<double> objective(const Tensors &args);
  double compareReverse(const Tensors &args, const Tensors &expected);
  double compareForward(const Tensors &args, const Tensors &expected);

  CheckOptions options;
  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  func::FuncOp function;
  std::vector<int64_t> wrt, of;
  Tensors cotangents;
};
} // namespace

// A function that asks for the gradient: arguments, then seeds.
func::FuncOp Checker::makeRequest(bool reverse) {
  OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
  Location loc = function.getLoc();
  FunctionType type = function.getFunctionType();
  SmallVector<Type> inputs(type.getInputs()), results(type.getResults());
  for (int64_t number : reverse ? of : wrt)
    inputs.push_back(reverse ? type.getResult(number) : type.getInput(number));
  for (int64_t number : reverse ? wrt : of)
    results.push_back(reverse ? type.getInput(number) : type.getResult(number));
  auto request =
      func::FuncOp::create(builder, loc, reverse ? "reverse" : "forward",
                           builder.getFunctionType(inputs, results));
  Block *body = request.addEntryBlock();
  builder.setInsertionPointToStart(body);
  ValueRange all = body->getArguments();
  ValueRange args = all.take_front(type.getNumInputs());
  ValueRange seeds = all.drop_front(type.getNumInputs());
  Operation *op;
  if (reverse)
    op = grad::VjpOp::create(builder, loc, results, "f", args, seeds, wrt, of);
  else
    op = grad::JvpOp::create(builder, loc, results, "f", args, seeds, wrt, of);
  func::ReturnOp::create(builder, loc, op->getResults());
  return request;
}

bool Checker::generate() {
  static const bool registered = [] {
    scan::registerScanPasses();
    registerTransformsPasses();
    return true;
  }();
  (void)registered;
  PassManager manager(&context);
  auto add = [&](const std::string &passes) {
    return passes.empty() || succeeded(parsePassPipeline(passes, manager));
  };
  if (!add(options.before))
    return false;
  grad::GradGenerateOptions settings;
  settings.breakRule = options.brokenRule;
  manager.addPass(grad::createGradGenerate(settings));
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  return add(options.passes) && succeeded(manager.run(*module));
}

// The sum of all real results' products with the cotangents.
std::optional<double> Checker::objective(const Tensors &args) {
  auto results = interpreter::evaluate(function, args);
  if (failed(results))
    return std::nullopt;
  double sum = 0;
  for (auto [k, number] : llvm::enumerate(of))
    for (int64_t i = 0; i < (*results)[number].size(); ++i)
      sum += (*results)[number].data[i] * cotangents[k].data[i];
  return sum;
}

double Checker::compareReverse(const Tensors &args, const Tensors &expected) {
  Tensors all = args;
  all.insert(all.end(), cotangents.begin(), cotangents.end());
  auto results =
      interpreter::evaluate(module->lookupSymbol<func::FuncOp>("reverse"), all);
  if (failed(results))
    return kFailed;
  double worst = 0;
  unsigned before = function.getNumResults();
  for (auto [k, number] : llvm::enumerate(wrt)) {
    const Tensor &gradient = (*results)[before + k];
    if (gradient.shape != args[number].shape)
      return kFailed;
    double largest = 1;
    for (double x : expected[k].data)
      largest = std::max(largest, std::abs(x));
    for (int64_t i = 0; i < gradient.size(); ++i) {
      double error = std::abs(gradient.data[i] - expected[k].data[i]) / largest;
      worst = std::isfinite(error) ? std::max(worst, error) : kFailed;
    }
  }
  return worst;
}

// <cotangents, J v> is <gradient, v>.
double Checker::compareForward(const Tensors &args, const Tensors &expected) {
  Tensors all = args;
  double should = 0, largest = 1;
  for (auto [k, number] : llvm::enumerate(wrt)) {
    Tensor tangent = numbers(args[number].shape);
    for (int64_t i = 0; i < tangent.size(); ++i)
      should += tangent.data[i] * expected[k].data[i];
    all.push_back(tangent);
  }
  auto results =
      interpreter::evaluate(module->lookupSymbol<func::FuncOp>("forward"), all);
  if (failed(results))
    return kFailed;
  double is = 0;
  unsigned before = function.getNumResults();
  for (auto [k, number] : llvm::enumerate(of))
    for (int64_t i = 0; i < cotangents[k].size(); ++i)
      if (cotangents[k].data[i] != 0)
        is += (*results)[before + k].data[i] * cotangents[k].data[i];
  largest = std::max(largest, std::abs(should));
  double error = std::abs(is - should) / largest;
  return std::isfinite(error) ? error : kFailed;
}

// Finds the function, and what it is differentiated by and of.
bool Checker::prepare() {
  if (!module || !(function = module->lookupSymbol<func::FuncOp>("f")))
    return false;
  FunctionType type = function.getFunctionType();
  wrt = options.wrt;
  if (wrt.empty())
    for (unsigned i = 0; i < type.getNumInputs(); ++i)
      if (isReal(type.getInput(i)))
        wrt.push_back(i);
  for (unsigned i = 0; i < type.getNumResults(); ++i)
    if (isReal(type.getResult(i)))
      of.push_back(i);
  return true;
}

double Checker::run(Tensors args) {
  if (!prepare())
    return kFailed;
  auto results = interpreter::evaluate(function, args);
  if (failed(results))
    return kFailed;
  for (int64_t number : of)
    cotangents.push_back(numbers((*results)[number].shape));

  Tensors expected;
  for (int64_t number : wrt) {
    Tensor gradient(args[number].shape);
    for (int64_t i = 0; i < gradient.size(); ++i) {
      double at = args[number].data[i];
      args[number].data[i] = at + kStep;
      std::optional<double> above = objective(args);
      args[number].data[i] = at - kStep;
      std::optional<double> below = objective(args);
      args[number].data[i] = at;
      if (!above || !below)
        return kFailed;
      gradient.data[i] = (*above - *below) / (2 * kStep);
    }
    expected.push_back(gradient);
  }
  makeRequest(true);
  makeRequest(false);
  if (!generate())
    return kFailed;
  return std::max(compareReverse(args, expected),
                  compareForward(args, expected));
}

double test::gradientError(const std::string &text, std::vector<Tensor> args,
                           const CheckOptions &options) {
  return Checker(text, options).run(std::move(args));
}

// Random cotangents of the real results, or tangents of the real arguments.
std::optional<Tensors> Checker::seeds(const Tensors &args, bool reverse) {
  if (!prepare())
    return std::nullopt;
  auto results = interpreter::evaluate(function, args);
  if (failed(results))
    return std::nullopt;
  Tensors random;
  for (int64_t number : reverse ? of : wrt)
    random.push_back(
        numbers((reverse ? (*results)[number] : args[number]).shape));
  return random;
}

Tensor Checker::gradient(Tensors args, std::vector<double> numbers) {
  if (!prepare())
    return {};
  auto results = interpreter::evaluate(function, args);
  func::FuncOp request = makeRequest(true);
  if (failed(results) || !generate())
    return {};
  args.push_back((*results)[0]);
  args.back().data = std::move(numbers);
  auto all = interpreter::evaluate(request, args);
  return failed(all) ? Tensor() : (*all)[results->size()];
}

std::string Checker::derivative(bool reverse) {
  if (!prepare())
    return {};
  func::FuncOp request = makeRequest(reverse);
  if (!generate())
    return {};
  function.erase();
  request.setName("f");
  std::string text;
  llvm::raw_string_ostream(text) << *module;
  return text;
}

std::string test::derivativeOf(const std::string &text, bool reverse) {
  return Checker(text, {}).derivative(reverse);
}

Tensor test::gradientOf(const std::string &text, Tensors args,
                        std::vector<double> cotangents) {
  return Checker(text, {}).gradient(std::move(args), std::move(cotangents));
}

double test::secondGradientError(const std::string &text, Tensors args,
                                 bool reverse) {
  std::optional<Tensors> seeds = Checker(text, {}).seeds(args, reverse);
  if (!seeds)
    return kFailed;
  args.insert(args.end(), seeds->begin(), seeds->end());
  return gradientError(derivativeOf(text, reverse), args);
}
