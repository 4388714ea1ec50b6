// CollectInterface.cpp: the pass that writes down what functions need.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `rnnc-collect-interface` joins the static manifest (`rnnc.manifest`) with
// the arguments and results of every public function into `rnnc.interface`, a
// text that stays with the module until the library is made
// (rnnc/Target/Interface/Interface.h).
#include "rnnc/Pipeline/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
namespace json = llvm::json;

namespace rnnc::pipeline {
#define GEN_PASS_DEF_COLLECTINTERFACE
#include "rnnc/Pipeline/Passes.h.inc"
} // namespace rnnc::pipeline

namespace {

json::Array listOf(ArrayAttr attributes) {
  json::Array out;
  for (Attribute attribute : attributes) {
    if (auto name = dyn_cast<StringAttr>(attribute))
      out.push_back(name.getValue());
    else if (auto size = dyn_cast<IntegerAttr>(attribute))
      out.push_back(size.getInt());
  }
  return out;
}

/// Buffers keep truth values in bytes.
std::string typeName(Type type) {
  Type element = getElementTypeOrSelf(type);
  if (element.isInteger(8))
    return "i1";
  std::string text;
  llvm::raw_string_ostream(text) << element;
  return text;
}

class CollectInterface
    : public rnnc::pipeline::impl::CollectInterfaceBase<CollectInterface> {
public:
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto text = module->getAttrOfType<StringAttr>("rnnc.manifest");
    if (!text)
      return;
    llvm::Expected<json::Value> manifest = json::parse(text.getValue());
    json::Object *root = manifest ? manifest->getAsObject() : nullptr;
    json::Array *modules = root ? root->getArray("modules") : nullptr;
    if (!modules) {
      llvm::consumeError(manifest.takeError());
      module.emitError("`rnnc.manifest` is no list of modules");
      return signalPassFailure();
    }
    for (json::Value &value : *modules)
      if (json::Object *object = value.getAsObject())
        addEntries(*object);
    std::string out;
    llvm::raw_string_ostream(out) << *manifest;
    module->setAttr("rnnc.interface", StringAttr::get(&getContext(), out));
  }

private:
  void addEntries(json::Object &object) {
    json::Array entries;
    std::string name = object.getString("name").value_or("").str();
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      auto owner = function->getAttr("rnnc.module");
      StringRef ownerName;
      if (auto symbol = dyn_cast_or_null<StringAttr>(owner))
        ownerName = symbol.getValue();
      else if (auto reference = dyn_cast_or_null<FlatSymbolRefAttr>(owner))
        ownerName = reference.getValue();
      if (function.isPrivate() || function.isDeclaration() ||
          ownerName != name)
        continue;
      if (std::optional<json::Object> entry = describe(function))
        entries.push_back(std::move(*entry));
    }
    object["entries"] = std::move(entries);
  }

  std::optional<json::Object> describe(func::FuncOp function) {
    auto kind = function->getAttrOfType<StringAttr>("rnnc.function");
    if (!kind)
      return std::nullopt;
    json::Array args;
    // On buffers the results are the last arguments.
    auto results = function->getAttrOfType<IntegerAttr>("rnnc.num_results");
    unsigned inputs = function.getNumArguments() -
                      unsigned(results ? results.getInt() : 0);
    for (unsigned i = 0; i < function.getNumArguments(); ++i) {
      json::Object arg = describeArg(function.getArgumentTypes()[i],
                                     function.getArgAttrDict(i), i >= inputs);
      if (function.getArgument(i).use_empty())
        arg["unused"] = true;
      args.push_back(std::move(arg));
    }
    for (unsigned i = 0; i < function.getNumResults(); ++i)
      args.push_back(describeArg(function.getResultTypes()[i],
                                 function.getResultAttrDict(i), true));
    json::Object out{{"name", kind.getValue()},
                     {"symbol", function.getSymName()},
                     {"args", std::move(args)}};
    if (auto dims = function->getAttrOfType<ArrayAttr>("rnnc.dims"))
      out["dims"] = listOf(dims);
    return out;
  }

  json::Object describeArg(Type type, DictionaryAttr attributes, bool result) {
    json::Object out{{"dtype", typeName(type)}};
    if (result)
      out["result"] = true;
    if (!attributes)
      return out;
    if (auto name = attributes.getAs<StringAttr>("rnnc.name"))
      out["name"] = name.getValue();
    if (auto role = attributes.getAs<StringAttr>("rnnc.role"))
      out["role"] = role.getValue();
    if (auto shape = attributes.getAs<ArrayAttr>("rnnc.shape"))
      out["shape"] = listOf(shape);
    if (attributes.get("rnnc.optional"))
      out["optional"] = true;
    return out;
  }
};

} // namespace
