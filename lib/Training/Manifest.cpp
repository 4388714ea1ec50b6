// Manifest.cpp: reads the JSON that a compiled library carries.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Training/Manifest.h"
#include "rnnc/Runtime/ABI.h"
#include "rnnc/Support/Text.h"

#include <cmath>

using namespace rnnc;
using namespace rnnc::training;

Json training::parseJson(std::string_view text) {
  constexpr size_t deepest = 100; // nothing of ours comes near
  if (findDeeper(text, deepest) != std::string_view::npos)
    return Json(Json::value_t::discarded);
  return Json::parse(text, nullptr, /*allow_exceptions=*/false);
}

Json training::jsonNumber(double value) {
  return std::isfinite(value) ? Json(value)
                              : Json(fmt::format("{}", plain(value)));
}

int64_t ParameterInfo::count() const {
  int64_t n = 1;
  for (int64_t size : shape)
    n *= size;
  return n;
}

int FunctionInfo::find(std::string_view name) const {
  for (size_t i = 0; i < args.size(); ++i)
    if (args[i].name == name)
      return static_cast<int>(i);
  return -1;
}

int FunctionInfo::findInput(std::string_view name) const {
  int at = find(name);
  return at >= 0 && !args[static_cast<size_t>(at)].isOutput() ? at : -1;
}

int ModuleInfo::find(std::string_view function) const {
  for (size_t i = 0; i < functions.size(); ++i)
    if (functions[i].name == function)
      return static_cast<int>(i);
  return -1;
}

namespace {

/// Typed access to JSON; the first thing that is missing or of the wrong kind
/// is remembered, what follows reads defaults.
class ManifestReader {
public:
  std::string problem;

  std::string text(const Json &object, const char *key,
                   const char *fallback = nullptr) {
    const Json *value = get(object, key, fallback != nullptr);
    if (!value)
      return fallback ? fallback : "";
    if (!value->is_string())
      return fail(key, "a text"), "";
    return value->get<std::string>();
  }
  std::optional<int64_t> number(const Json &object, const char *key) {
    const Json *value = get(object, key, true);
    if (!value || value->is_null())
      return std::nullopt;
    if (!value->is_number_integer())
      return fail(key, "a whole number"), std::nullopt;
    return value->get<int64_t>();
  }
  bool flag(const Json &object, const char *key, bool fallback) {
    const Json *value = get(object, key, true);
    if (!value)
      return fallback;
    if (!value->is_boolean())
      return fail(key, "true or false"), fallback;
    return value->get<bool>();
  }
  const Json &list(const Json &object, const char *key, bool optional = false) {
    static const Json empty = Json::array();
    const Json *value = get(object, key, optional);
    if (!value)
      return empty;
    if (!value->is_array())
      return fail(key, "a list"), empty;
    return *value;
  }
  std::vector<std::string> texts(const Json &object, const char *key,
                                 bool optional = false) {
    std::vector<std::string> result;
    for (const Json &item : list(object, key, optional)) {
      if (item.is_string())
        result.push_back(item.get<std::string>());
      else
        fail(key, "a list of names");
    }
    return result;
  }
  std::vector<int64_t> sizes(const Json &object, const char *key) {
    std::vector<int64_t> result;
    for (const Json &item : list(object, key)) {
      if (item.is_number_integer() && item.get<int64_t>() >= 0)
        result.push_back(item.get<int64_t>());
      else
        fail(key, "a list of sizes");
    }
    return result;
  }
  std::vector<Dim> dims(const Json &object) {
    std::vector<Dim> result;
    for (const Json &item : list(object, "shape")) {
      if (item.is_number_integer() && item.get<int64_t>() >= 0)
        result.push_back({Dim::Kind::Fixed, item.get<int64_t>(), ""});
      else if (item == "batch")
        result.push_back({Dim::Kind::Batch, 0, ""});
      else if (item.is_string())
        result.push_back({Dim::Kind::Time, 0, item.get<std::string>()});
      else
        fail("shape", "a list of sizes, \"batch\" and time axes");
    }
    return result;
  }
  void fail(std::string_view key, std::string_view what) {
    if (problem.empty())
      problem = fmt::format("`{}` is not {}", key, what);
  }

private:
  const Json *get(const Json &object, const char *key, bool optional) {
    if (object.is_object()) {
      auto found = object.find(key);
      if (found != object.end())
        return &*found;
    }
    if (!optional && problem.empty())
      problem = fmt::format("`{}` is missing", key);
    return nullptr;
  }
};

} // namespace

static std::optional<ArgInfo::Role> parseRole(std::string_view role) {
  using Role = ArgInfo::Role;
  static constexpr std::pair<std::string_view, Role> roles[] = {
      {"lengths", Role::Lengths},    {"input", Role::Input},
      {"state_in", Role::StateIn},   {"cot", Role::Cotangent},
      {"reset", Role::Reset},        {"option", Role::Option},
      {"loss", Role::Loss},          {"norm", Role::Norm},
      {"output", Role::Output},      {"probability", Role::Probability},
      {"state_out", Role::StateOut}, {"grad", Role::Gradient}};
  for (const auto &[name, value] : roles)
    if (name == role)
      return value;
  return std::nullopt;
}

static ArgInfo readArg(ManifestReader &reader, const Json &json) {
  ArgInfo arg;
  arg.name = reader.text(json, "name");
  std::string role = reader.text(json, "role");
  if (std::optional<ArgInfo::Role> value = parseRole(role))
    arg.role = *value;
  else
    reader.fail("role", "a known role");
  if (auto type = data::parseDType(reader.text(json, "dtype")))
    arg.dtype = *type;
  else
    reader.fail("dtype", "a known type");
  arg.shape = reader.dims(json);
  arg.size = reader.number(json, "size").value_or(0);
  arg.optional = reader.flag(json, "optional", false);
  if (json.is_object() && json.contains("default") &&
      json["default"].is_number())
    arg.defaultValue = json["default"].get<double>();
  return arg;
}

static FunctionInfo readFunction(ManifestReader &reader, const Json &json) {
  FunctionInfo function;
  function.name = reader.text(json, "name");
  function.symbol = reader.text(json, "symbol", "");
  function.times = reader.texts(json, "times", true);
  function.draws = reader.flag(json, "draws", false);
  function.max = reader.number(json, "max");
  for (const Json &arg : reader.list(json, "args"))
    function.args.push_back(readArg(reader, arg));
  for (const ArgInfo &arg : function.args)
    for (const Dim &dim : arg.shape)
      if (dim.kind == Dim::Kind::Time &&
          std::find(function.times.begin(), function.times.end(), dim.time) ==
              function.times.end())
        reader.fail("shape", "made of the function's time axes");
  return function;
}

static PortInfo readPort(ManifestReader &reader, const Json &json,
                         bool output) {
  PortInfo port;
  port.output = output;
  port.name = reader.text(json, "name");
  std::string kind = reader.text(json, "kind");
  if (kind == "index")
    port.kind = PortInfo::Kind::Index;
  else if (kind == "bit")
    port.kind = PortInfo::Kind::Bit;
  else if (kind == "int")
    port.kind = PortInfo::Kind::Int;
  else if (kind != "real")
    reader.fail("kind", "index, real, bit or int");
  if (port.kind == PortInfo::Kind::Index) {
    port.axis = reader.text(json, "axis", "");
    port.size = reader.number(json, "size").value_or(0);
  }
  port.shape = reader.dims(json);
  port.distribution = reader.text(json, "distribution", "");
  if (json.is_object() && json.contains("unfold") &&
      json["unfold"].is_object()) {
    const Json &unfold = json["unfold"];
    port.unfold = true;
    port.start = reader.number(unfold, "start");
    port.stop = reader.number(unfold, "stop");
    port.max = reader.number(unfold, "max");
  }
  return port;
}

static void readTraining(ManifestReader &reader, const Json &json,
                         ModuleInfo &module) {
  if (json.contains("train") && json["train"].is_object())
    module.train = json["train"];
  if (module.train.contains("bptt") && module.train["bptt"].is_object()) {
    module.bpttSteps = reader.number(module.train["bptt"], "steps");
    module.carry = reader.flag(module.train["bptt"], "carry", false);
  }
  if (!json.contains("optimizer") || !json["optimizer"].is_object())
    return;
  module.optimizerSlots = reader.texts(json["optimizer"], "slot_names", true);
}

static ModuleInfo readModule(ManifestReader &reader, const Json &json) {
  ModuleInfo module;
  if (!json.is_object()) {
    reader.fail("modules", "a list of objects");
    return module;
  }
  module.name = reader.text(json, "name");
  module.kind = reader.text(json, "kind", "model");
  module.source = reader.text(json, "source", module.name.c_str());
  module.times = reader.texts(json, "times", true);
  for (const Json &item : reader.list(json, "axes", true))
    if (item.is_object() && item.contains("labels"))
      module.labels[reader.text(item, "name")] = reader.texts(item, "labels");
  for (const Json &item : reader.list(json, "parameters"))
    module.parameters.push_back({reader.text(item, "name"),
                                 reader.sizes(item, "shape"),
                                 reader.flag(item, "trainable", true),
                                 reader.texts(item, "axes", true)});
  for (const Json &item : reader.list(json, "inputs", true))
    module.ports.push_back(readPort(reader, item, false));
  for (const Json &item : reader.list(json, "outputs", true))
    module.ports.push_back(readPort(reader, item, true));
  for (const Json &item : reader.list(json, "states", true))
    module.states.push_back(
        {reader.text(item, "name"), reader.sizes(item, "shape")});
  for (const Json &item : reader.list(json, "functions"))
    module.functions.push_back(readFunction(reader, item));
  readTraining(reader, json, module);
  return module;
}

Result<Manifest> training::parseManifest(std::string_view text,
                                         const std::string &path) {
  Manifest manifest;
  manifest.json = parseJson(text);
  if (!manifest.json.is_object())
    return toolError("{}: error: the library's manifest is not JSON", path);
  ManifestReader reader;
  std::optional<int64_t> abi = reader.number(manifest.json, "abi");
  if (abi && *abi != RNNC_ABI_VERSION)
    return toolError("{}: error: made for ABI {}; this rnnc speaks ABI {}",
                     path, *abi, RNNC_ABI_VERSION);
  manifest.compiler = reader.text(manifest.json, "compiler", "");
  manifest.target = reader.text(manifest.json, "target", "");
  manifest.library = reader.text(manifest.json, "library");
  manifest.precision = reader.text(manifest.json, "precision");
  if (manifest.precision != "f32" && manifest.precision != "f64")
    reader.fail("precision", "f32 or f64");
  for (const Json &item : reader.list(manifest.json, "modules"))
    manifest.modules.push_back(readModule(reader, item));
  if (!reader.problem.empty())
    return toolError("{}: error: the library's manifest is damaged: {}", path,
                     reader.problem);
  return manifest;
}
