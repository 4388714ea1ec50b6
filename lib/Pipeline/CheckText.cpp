// CheckText.cpp: what the passes rely on and no op's verifier can see.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The text of a phase may have been changed by hand. Ops verify what is theirs;
// the attributes that functions carry from phase to phase, and the numbers that
// sizes are asked by, are looked at here.
#include "rnnc/Pipeline/Passes.h"
#include "rnnc/Support/Text.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "llvm/Support/JSON.h"

using namespace mlir;

namespace rnnc::pipeline {
#define GEN_PASS_DEF_CHECKTEXT
#include "rnnc/Pipeline/Passes.h.inc"
} // namespace rnnc::pipeline

namespace {

template <typename DimOp> LogicalResult checkDim(DimOp dim) {
  auto type = dyn_cast<ShapedType>(dim.getSource().getType());
  std::optional<int64_t> number = dim.getConstantIndex();
  if (!type || !type.hasRank())
    return dim.emitOpError("needs a value whose dimensions are known");
  if (number && (*number < 0 || *number >= type.getRank()))
    return dim.emitOpError("asks for dimension ") << *number << " of " << type;
  return success();
}

bool areNames(ArrayAttr list) {
  return llvm::all_of(list, [](Attribute one) { return isa<StringAttr>(one); });
}

/// The attributes of one argument or result.
class ArgumentCheck {
public:
  ArgumentCheck(func::FuncOp function, ArrayAttr dims)
      : function(function), dims(dims) {}

  LogicalResult check(Type type, DictionaryAttr attributes) {
    if (!attributes)
      return success();
    for (StringRef name : {"rnnc.name", "rnnc.role"})
      if (Attribute text = attributes.get(name);
          text && (!isa<StringAttr>(text) ||
                   cast<StringAttr>(text).getValue().empty()))
        return function.emitOpError() << name << " is a name";
    Attribute shape = attributes.get("rnnc.shape");
    return shape ? checkShape(type, dyn_cast<ArrayAttr>(shape)) : success();
  }

private:
  LogicalResult checkShape(Type type, ArrayAttr shape) {
    auto shaped = dyn_cast<ShapedType>(type);
    if (!shape || !shaped || int64_t(shape.size()) != shaped.getRank())
      return function.emitOpError("rnnc.shape has not one entry for each "
                                  "dimension of ")
             << type;
    for (auto [size, known] : llvm::zip_equal(shape, shaped.getShape())) {
      auto number = dyn_cast<IntegerAttr>(size);
      auto name = dyn_cast<StringAttr>(size);
      bool fits = number ? !ShapedType::isDynamic(known) &&
                               number.getInt() == known
                         : name && ShapedType::isDynamic(known);
      if (!fits)
        return function.emitOpError("rnnc.shape ")
               << shape << " does not fit " << type;
      if (name && (!dims || !llvm::is_contained(dims, name)))
        return function.emitOpError("rnnc.shape names ")
               << name << ", which rnnc.dims does not";
    }
    return success();
  }

  func::FuncOp function;
  ArrayAttr dims;
};

LogicalResult checkFunction(func::FuncOp function) {
  if (!function->hasAttr("rnnc.function"))
    return success();
  if (!function->getAttrOfType<StringAttr>("rnnc.function") ||
      !function->getAttrOfType<StringAttr>("rnnc.module"))
    return function.emitOpError("rnnc.function and rnnc.module are names");
  auto dims = function->getAttrOfType<ArrayAttr>("rnnc.dims");
  if (function->hasAttr("rnnc.dims") && (!dims || !areNames(dims)))
    return function.emitOpError("rnnc.dims is a list of names");
  if (function->hasAttr("rnnc.num_results")) {
    auto results = function->getAttrOfType<IntegerAttr>("rnnc.num_results");
    if (!results || results.getInt() < 0 ||
        results.getInt() > int64_t(function.getNumArguments()))
      return function.emitOpError("rnnc.num_results is no number of arguments");
  }
  ArgumentCheck arguments(function, dims);
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (failed(arguments.check(function.getArgumentTypes()[i],
                               function.getArgAttrDict(i))))
      return failure();
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    if (failed(arguments.check(function.getResultTypes()[i],
                               function.getResultAttrDict(i))))
      return failure();
  return success();
}

/// The JSON texts that a module carries.
LogicalResult checkManifest(ModuleOp module) {
  for (StringRef name : {"rnnc.manifest", "rnnc.interface"}) {
    if (!module->hasAttr(name))
      continue;
    auto text = module->getAttrOfType<StringAttr>(name);
    if (!text)
      return module.emitError() << name << " is a text";
    if (rnnc::findDeeper(text.getValue(), 100) != StringRef::npos)
      return module.emitError() << name << " is nested too deep";
    llvm::Expected<llvm::json::Value> value =
        llvm::json::parse(text.getValue());
    if (!value)
      return module.emitError()
             << name << ": " << llvm::toString(value.takeError());
    const llvm::json::Object *root = value->getAsObject();
    if (!root || !root->getArray("modules"))
      return module.emitError() << name << " has no list of modules";
  }
  return success();
}

struct CheckText : public rnnc::pipeline::impl::CheckTextBase<CheckText> {
  void runOnOperation() override {
    WalkResult result = getOperation().walk([](Operation *op) {
      LogicalResult fine = success();
      if (auto dim = dyn_cast<tensor::DimOp>(op))
        fine = checkDim(dim);
      else if (auto dim = dyn_cast<memref::DimOp>(op))
        fine = checkDim(dim);
      else if (auto function = dyn_cast<func::FuncOp>(op))
        fine = checkFunction(function);
      else if (auto module = dyn_cast<ModuleOp>(op))
        fine = checkManifest(module);
      return failed(fine) ? WalkResult::interrupt() : WalkResult::advance();
    });
    if (result.wasInterrupted())
      return signalPassFailure();
    markAllAnalysesPreserved();
  }
};

} // namespace
