// Manifest.cpp: the JSON text that describes a library.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Target/Interface/Interface.h"

#include "rnnc/Runtime/ABI.h"

#include "llvm/Support/raw_ostream.h"

using namespace rnnc;
using namespace rnnc::target;
namespace json = llvm::json;

static json::Array shapeJson(const Shape &shape,
                             const std::vector<std::string> &times) {
  json::Array out;
  for (int64_t dim : shape)
    if (dim == rt::kBatch)
      out.push_back("batch");
    else if (dim <= rt::kTime)
      out.push_back(times[size_t(rt::kTime - dim)]);
    else
      out.push_back(dim);
  return out;
}

static json::Object argJson(const Arg &arg, const Function &f) {
  json::Object out{{"name", arg.name},
                   {"role", roleName(arg.role)},
                   {"dtype", dtypeName(arg.dtype)},
                   {"shape", shapeJson(arg.shape, f.times)}};
  if (arg.optional)
    out["optional"] = true;
  if (arg.indexSize > 0)
    out["size"] = arg.indexSize;
  if (arg.role == rt::RoleOption)
    out["default"] = arg.defaultValue;
  return out;
}

static json::Object functionJson(const Function &f) {
  json::Array args, inputs, outputs;
  for (const Arg &arg : f.args) {
    args.push_back(argJson(arg, f));
    (arg.isResult() ? outputs : inputs).push_back(arg.name);
  }
  json::Object out{{"name", f.name},
                   {"symbol", f.symbol},
                   {"times", f.times},
                   {"args", std::move(args)},
                   {"inputs", std::move(inputs)},
                   {"outputs", std::move(outputs)},
                   {"seed", f.usesSeed},
                   {"carry", f.usesCarry},
                   {"stream", f.usesStream}};
  if (f.begin)
    out["draws"] = true;
  if (f.most)
    out["max"] = *f.most;
  return out;
}

static json::Array parametersJson(const Library &library, const Module &m) {
  json::Array out;
  int64_t width = library.real() == rt::F64 ? 8 : 4;
  for (const Parameter &p : m.parameters)
    out.push_back(json::Object{{"name", p.name},
                               {"shape", p.shape},
                               {"axes", p.axes},
                               {"init", p.initName},
                               {"trainable", p.trainable},
                               {"offset", p.offset * width},
                               {"bytes", p.count() * width}});
  return out;
}

/// Attributes that are nothing of these are null.
json::Value target::toJson(mlir::Attribute attribute) {
  if (auto text = llvm::dyn_cast<mlir::StringAttr>(attribute))
    return text.getValue();
  if (auto flag = llvm::dyn_cast<mlir::BoolAttr>(attribute))
    return flag.getValue();
  if (auto number = llvm::dyn_cast<mlir::IntegerAttr>(attribute))
    return number.getInt();
  if (auto number = llvm::dyn_cast<mlir::FloatAttr>(attribute))
    return number.getValueAsDouble();
  if (auto list = llvm::dyn_cast<mlir::ArrayAttr>(attribute)) {
    json::Array array;
    for (mlir::Attribute element : list)
      array.push_back(toJson(element));
    return array;
  }
  if (auto dictionary = llvm::dyn_cast<mlir::DictionaryAttr>(attribute)) {
    json::Object object;
    for (mlir::NamedAttribute entry : dictionary)
      object[entry.getName().getValue()] = toJson(entry.getValue());
    return object;
  }
  return llvm::isa<mlir::UnitAttr>(attribute) ? json::Value(true)
                                              : json::Value(nullptr);
}

/// An input or an output.
static json::Object portJson(interface::PortAttr port) {
  json::Object out{{"name", port.getName().getValue()},
                   {"kind", port.getKind().getValue()},
                   {"axes", toJson(port.getAxes())},
                   {"shape", toJson(port.getShape())}};
  if (port.getAxis()) {
    out["axis"] = port.getAxis().getValue();
    // A time axis is as long as each example.
    if (llvm::isa_and_nonnull<mlir::IntegerAttr>(port.getSize()))
      out["size"] = toJson(port.getSize());
  }
  if (!port.getOutput())
    return out;
  for (mlir::NamedAttribute known : port.getOutput())
    out[known.getName().getValue()] = toJson(known.getValue());
  if (json::Object *unfold = out.getObject("unfold"))
    for (llvm::StringRef limit : {"stop", "max"})
      unfold->try_emplace(limit, nullptr);
  return out;
}

static json::Array portsJson(mlir::ArrayAttr ports) {
  json::Array out;
  for (auto port : ports.getAsRange<interface::PortAttr>())
    out.push_back(portJson(port));
  return out;
}

static json::Array statesJson(mlir::ArrayAttr states) {
  json::Array out;
  for (auto state : states.getAsRange<interface::PortAttr>())
    out.push_back(json::Object{{"name", state.getName().getValue()},
                               {"shape", toJson(state.getShape())}});
  return out;
}

/// What the program says of a module, whatever functions it has.
static json::Object declaredJson(interface::ModuleAttr source) {
  json::Object out{{"name", source.getName().getValue()},
                   {"kind", source.getKind().getValue()},
                   {"source", source.getSource().getValue()},
                   {"inputs", portsJson(source.getInputs())},
                   {"outputs", portsJson(source.getOutputs())},
                   {"states", statesJson(source.getStates())}};
  for (mlir::NamedAttribute setting : source.getSettings())
    if (setting.getName() != "slot_names")
      out[setting.getName().getValue()] = toJson(setting.getValue());
  auto slots = source.getSettings().getAs<mlir::ArrayAttr>("slot_names");
  if (slots)
    out["optimizer"] = json::Object{{"slots", int64_t(slots.size())},
                                    {"slot_names", toJson(slots)}};
  return out;
}

static json::Object moduleJson(const Library &library, const Module &m) {
  json::Object out = declaredJson(m.declared);
  out["parameters"] = parametersJson(library, m);
  json::Array functions;
  for (const Function &f : m.functions)
    functions.push_back(functionJson(f));
  out["functions"] = std::move(functions);
  if (!m.baked.empty())
    out["baked"] = true;
  if (!out.get("optimizer"))
    out["optimizer"] = json::Object{{"slots", m.numSlots}};
  return out;
}

json::Object target::manifestJson(const Library &library) {
  json::Object root{
      {"abi", RNNC_ABI_VERSION},  {"compiler", "rnnc " RNNC_VERSION},
      {"library", library.name},  {"precision", library.precision},
      {"target", library.target}, {"options", json::Object(library.options)}};
  if (library.gpu)
    root["gpu"] = json::Object{{"chip", library.gpu->chip},
                               {"kernels", library.gpu->kernels.size()}};
  json::Array modules;
  for (const Module &m : library.modules)
    modules.push_back(moduleJson(library, m));
  if (library.modules.size() == 1) {
    json::Object only = *modules.front().getAsObject();
    root["parameters"] = *only.get("parameters");
    root["functions"] = *only.get("functions");
  }
  root["modules"] = std::move(modules);
  return root;
}

std::string target::manifestText(const Library &library) {
  std::string text;
  llvm::raw_string_ostream(text) << json::Value(manifestJson(library));
  return text;
}
