// Interface.cpp: reading `rnnc.interface`.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Functions.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Path.h"

using namespace rnnc;
using namespace rnnc::target;
namespace json = llvm::json;

int64_t Parameter::count() const {
  int64_t n = 1;
  for (int64_t size : shape)
    n *= size;
  return n;
}

std::string target::cName(llvm::StringRef name) {
  std::string out;
  for (char c : name)
    if (llvm::isAlnum(c))
      out += c;
    else if (!out.empty() && out.back() != '_')
      out += '_';
  while (!out.empty() && out.back() == '_')
    out.pop_back();
  if (out.empty() || llvm::isDigit(out.front()))
    out = "m" + out;
  return out;
}

bool target::isCIdentifier(llvm::StringRef name) {
  return !name.empty() && !llvm::isDigit(name.front()) &&
         llvm::all_of(name,
                      [](char c) { return llvm::isAlnum(c) || c == '_'; });
}

std::string target::symbolPrefix(llvm::StringRef fileName) {
  llvm::StringRef stem = llvm::sys::path::filename(fileName);
  stem = stem.take_until([](char c) { return c == '.'; });
  stem.consume_front("lib");
  return cName(stem);
}

llvm::StringRef target::roleName(rt::Role role) {
  switch (role) {
  case rt::RoleLengths:
    return "lengths";
  case rt::RoleInput:
    return "input";
  case rt::RoleStateIn:
    return "state_in";
  case rt::RoleCot:
    return "cot";
  case rt::RoleReset:
    return "reset";
  case rt::RoleOption:
    return "option";
  case rt::RoleLoss:
    return "loss";
  case rt::RoleNorm:
    return "norm";
  case rt::RoleOutput:
    return "output";
  case rt::RoleProbability:
    return "probability";
  case rt::RoleStateOut:
    return "state_out";
  case rt::RoleGrad:
    return "grad";
  }
  return "";
}

llvm::StringRef target::dtypeName(rt::DType dtype) {
  switch (dtype) {
  case rt::F32:
    return "f32";
  case rt::F64:
    return "f64";
  case rt::I32:
    return "i32";
  case rt::I64:
    return "i64";
  case rt::I1:
    return "bool";
  }
  return "";
}

static rt::DType dtypeOf(llvm::StringRef name) {
  return llvm::StringSwitch<rt::DType>(name)
      .Case("f64", rt::F64)
      .Case("i32", rt::I32)
      .Cases({"i64", "index"}, rt::I64)
      .Cases({"i1", "bool"}, rt::I1)
      .Default(rt::F32);
}

static double numberOr(const json::Object &object, llvm::StringRef key,
                       double otherwise) {
  return object.getNumber(key).value_or(otherwise);
}

static std::string stringOr(const json::Object &object, llvm::StringRef key) {
  return object.getString(key).value_or("").str();
}

static std::vector<std::string> strings(const json::Array *array) {
  std::vector<std::string> out;
  if (array)
    for (const json::Value &value : *array) {
      if (auto text = value.getAsString())
        out.push_back(text->str());
      else if (auto number = value.getAsInteger())
        out.push_back(std::to_string(*number));
    }
  return out;
}

/// Calls `visit` with each object of a list.
template <typename Visit>
static void forEach(const json::Object &object, llvm::StringRef key,
                    Visit visit) {
  if (const json::Array *array = object.getArray(key))
    for (const json::Value &value : *array)
      if (const json::Object *entry = value.getAsObject())
        visit(*entry);
}

static void readInit(Parameter &p, const json::Object &init) {
  p.initName = stringOr(init, "kind");
  p.init = llvm::StringSwitch<rt::Init>(p.initName)
               .Case("uniform", rt::InitUniform)
               .Case("normal", rt::InitNormal)
               .Case("glorot", rt::InitGlorot)
               .Case("orthogonal", rt::InitOrthogonal)
               .Cases({"labels", "table"}, rt::InitTable)
               .Case("identity", rt::InitIdentity)
               .Default(rt::InitConstant);
  switch (p.init) {
  case rt::InitUniform:
    p.a = numberOr(init, "low", 0);
    p.b = numberOr(init, "high", 1);
    break;
  case rt::InitNormal:
    p.a = numberOr(init, "mean", 0);
    p.b = numberOr(init, "std", 1);
    break;
  case rt::InitTable:
    p.a = numberOr(init, "axis", -1);
    if (const json::Array *values = init.getArray("values"))
      for (const json::Value &value : *values)
        p.table.push_back(value.getAsNumber().value_or(0));
    break;
  default:
    p.a = numberOr(init, "value", p.init == rt::InitIdentity ? 1 : 0);
  }
}

static Parameter readParameter(const json::Object &object,
                               const llvm::StringSet<> &labelled,
                               int64_t width) {
  Parameter p;
  p.offset = object.getInteger("offset").value_or(0) / width;
  p.name = stringOr(object, "name");
  if (const json::Array *shape = object.getArray("shape"))
    for (const json::Value &size : *shape)
      p.shape.push_back(size.getAsInteger().value_or(1));
  p.axes = strings(object.getArray("axes"));
  for (size_t i = 0; i < p.axes.size() && i < 32; ++i)
    if (labelled.contains(p.axes[i]))
      p.labelled |= 1u << i;
  p.trainable = object.getBoolean("trainable").value_or(true);
  if (const json::Object *init = object.getObject("init_args"))
    readInit(p, *init);
  return p;
}

static Port readPort(const json::Object &object, bool output) {
  Port port;
  port.output = output;
  port.name = stringOr(object, "name");
  port.kind = stringOr(object, "kind");
  port.size = object.getInteger("size").value_or(0);
  port.axes = strings(object.getArray("axes"));
  port.distribution = stringOr(object, "distribution");
  if (const json::Object *unfold = object.getObject("unfold")) {
    port.unfold = true;
    port.start = unfold->getInteger("start");
    port.stop = unfold->getInteger("stop");
    port.max = unfold->getInteger("max");
    port.steps = unfold->getInteger("steps").value_or(0);
  }
  return port;
}

static void readSchedule(Module &m) {
  const json::Object *train = m.manifest.getObject("train");
  const json::Object *schedule = train ? train->getObject("schedule") : nullptr;
  if (!schedule)
    return;
  std::string kind = stringOr(*schedule, "kind");
  if (kind == "step") {
    m.schedule = rt::ScheduleStep;
    m.scheduleA = numberOr(*schedule, "every", 1);
    m.scheduleB = numberOr(*schedule, "by", 0.1);
    m.scheduleC = numberOr(*schedule, "after", 0);
  } else if (kind == "cosine") {
    m.schedule = rt::ScheduleCosine;
    m.scheduleA = numberOr(*schedule, "warmup", 0);
  }
}

/// Parameters lie where the manifest says.
static void measureArena(Module &m) {
  for (Parameter &p : m.parameters)
    m.arena = std::max(m.arena, (p.offset + p.count() + 15) / 16 * 16);
}

static RawEntry readEntry(const json::Object &object) {
  RawEntry entry;
  entry.name = stringOr(object, "name");
  entry.symbol = stringOr(object, "symbol");
  entry.dims = strings(object.getArray("dims"));
  forEach(object, "args", [&](const json::Object &arg) {
    RawArg raw;
    raw.name = stringOr(arg, "name");
    raw.role = stringOr(arg, "role");
    raw.dtype = dtypeOf(stringOr(arg, "dtype"));
    raw.shape = strings(arg.getArray("shape"));
    raw.result = arg.getBoolean("result").value_or(false);
    raw.optional = arg.getBoolean("optional").value_or(false);
    raw.unused = arg.getBoolean("unused").value_or(false);
    entry.args.push_back(std::move(raw));
  });
  return entry;
}

static Module readModule(const json::Object &object, int64_t width) {
  Module m;
  m.name = stringOr(object, "name");
  m.kind = stringOr(object, "kind");
  m.source = stringOr(object, "source");
  m.manifest = object;
  m.manifest.erase("entries");
  m.manifest.erase("exports");
  llvm::StringSet<> labelled;
  forEach(object, "axes", [&](const json::Object &axis) {
    if (axis.getArray("labels"))
      labelled.insert(stringOr(axis, "name"));
  });
  forEach(object, "parameters", [&](const json::Object &p) {
    m.parameters.push_back(readParameter(p, labelled, width));
  });
  forEach(object, "inputs", [&](const json::Object &p) {
    m.ports.push_back(readPort(p, false));
  });
  forEach(object, "outputs", [&](const json::Object &p) {
    m.ports.push_back(readPort(p, true));
  });
  forEach(object, "states", [&](const json::Object &s) {
    State state;
    state.name = stringOr(s, "name");
    if (const json::Array *shape = s.getArray("shape"))
      for (const json::Value &size : *shape)
        state.shape.push_back(size.getAsInteger().value_or(1));
    for (int64_t size : state.shape)
      state.count *= size;
    m.states.push_back(state);
  });
  m.nonempty = strings(object.getArray("nonempty"));
  measureArena(m);
  readSchedule(m);
  return m;
}

llvm::Expected<Library> target::readInterface(llvm::StringRef text,
                                              llvm::StringRef libraryName,
                                              bool allFunctions) {
  llvm::Expected<json::Value> value = json::parse(text);
  if (!value)
    return value.takeError();
  const json::Object *root = value->getAsObject();
  if (!root || !root->getArray("modules"))
    return llvm::createStringError("the interface has no modules");
  Library library;
  library.name = libraryName.str();
  library.precision = root->getString("precision").value_or("f32").str();
  llvm::Error error = llvm::Error::success();
  forEach(*root, "modules", [&](const json::Object &object) {
    Module m = readModule(object, library.real() == rt::F64 ? 8 : 4);
    std::vector<RawEntry> entries;
    forEach(object, "entries", [&](const json::Object &entry) {
      entries.push_back(readEntry(entry));
    });
    std::vector<RawExport> exports;
    forEach(object, "exports", [&](const json::Object &e) {
      RawExport out;
      out.function = stringOr(e, "function");
      out.as = stringOr(e, "as");
      if (const json::Object *defaults = e.getObject("defaults"))
        for (const auto &entry : *defaults)
          if (auto number = entry.second.getAsNumber())
            out.defaults[entry.first.str()] = *number;
      exports.push_back(std::move(out));
    });
    if (allFunctions)
      for (RawExport &e : exports)
        e.all = true;
    llvm::Error made = makeFunctions(library, m, entries, exports);
    error = llvm::joinErrors(std::move(error), std::move(made));
    library.modules.push_back(std::move(m));
  });
  if (error)
    return std::move(error);
  return library;
}
