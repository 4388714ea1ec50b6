// Interface.cpp: what a compiled module offers, read off its attributes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Functions.h"

#include "rnnc/Dialect/Kernel/InPlace.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Path.h"

using namespace rnnc;
using namespace rnnc::target;

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

/// Buffers keep truth values in bytes.
static rt::DType dtypeOf(mlir::Type type) {
  mlir::Type element = mlir::getElementTypeOrSelf(type);
  if (element.isF64())
    return rt::F64;
  if (element.isInteger(32))
    return rt::I32;
  if (element.isInteger(64) || element.isIndex())
    return rt::I64;
  return element.isInteger(1) || element.isInteger(8) ? rt::I1 : rt::F32;
}

static double numberOr(mlir::Attribute value, double otherwise) {
  if (auto real = llvm::dyn_cast_or_null<mlir::FloatAttr>(value))
    return real.getValueAsDouble();
  if (auto integer = llvm::dyn_cast_or_null<mlir::IntegerAttr>(value))
    return double(integer.getInt());
  return otherwise;
}

static double numberOr(mlir::DictionaryAttr settings, llvm::StringRef key,
                       double otherwise) {
  return numberOr(settings.get(key), otherwise);
}

static llvm::StringRef textOr(mlir::DictionaryAttr settings,
                              llvm::StringRef key) {
  auto text = settings.getAs<mlir::StringAttr>(key);
  return text ? text.getValue() : llvm::StringRef();
}

static std::vector<std::string> strings(mlir::ArrayAttr list) {
  std::vector<std::string> out;
  if (list)
    for (auto text : list.getAsRange<mlir::StringAttr>())
      out.push_back(text.str());
  return out;
}

/// Sizes that are known; a time axis counts as one.
static std::vector<int64_t> sizes(mlir::ArrayAttr list) {
  std::vector<int64_t> out;
  for (mlir::Attribute size : list) {
    auto number = llvm::dyn_cast<mlir::IntegerAttr>(size);
    out.push_back(number ? number.getInt() : 1);
  }
  return out;
}

static void readInit(Parameter &p, mlir::DictionaryAttr init) {
  p.initName = textOr(init, "kind").str();
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
    if (auto values = init.getAs<mlir::ArrayAttr>("values"))
      for (mlir::Attribute value : values)
        p.table.push_back(numberOr(value, 0));
    break;
  default:
    p.a = numberOr(init, "value", p.init == rt::InitIdentity ? 1 : 0);
  }
}

static Parameter readParameter(interface::ParameterAttr declared,
                               const llvm::StringSet<> &labelled,
                               int64_t width) {
  Parameter p;
  p.offset = declared.getOffset() / width;
  p.name = declared.getName().str();
  p.shape = sizes(declared.getShape());
  p.axes = strings(declared.getAxes());
  for (size_t i = 0; i < p.axes.size() && i < 32; ++i)
    if (labelled.contains(p.axes[i]))
      p.labelled |= 1u << i;
  p.trainable = !declared.getFrozen();
  readInit(p, declared.getInit());
  return p;
}

static std::optional<int64_t> limit(mlir::DictionaryAttr unfold,
                                    llvm::StringRef key) {
  auto number = unfold.getAs<mlir::IntegerAttr>(key);
  return number ? std::optional(number.getInt()) : std::nullopt;
}

static Port readPort(interface::PortAttr declared, bool output) {
  Port port;
  port.output = output;
  port.name = declared.getName().str();
  port.kind = declared.getKind().str();
  if (declared.getAxis())
    port.indexAxis = declared.getAxis().str();
  if (auto size = llvm::dyn_cast_or_null<mlir::IntegerAttr>(declared.getSize()))
    port.size = size.getInt();
  port.axes = strings(declared.getAxes());
  mlir::DictionaryAttr predicted = declared.getOutput();
  if (!predicted)
    return port;
  port.distribution = textOr(predicted, "distribution").str();
  if (auto unfold = predicted.getAs<mlir::DictionaryAttr>("unfold")) {
    port.unfold = true;
    port.start = limit(unfold, "start");
    port.stop = limit(unfold, "stop");
    port.max = limit(unfold, "max");
    port.steps = limit(unfold, "steps").value_or(0);
  }
  return port;
}

static State readState(interface::PortAttr declared) {
  State state;
  state.name = declared.getName().str();
  state.shape = sizes(declared.getShape());
  for (int64_t size : state.shape)
    state.count *= size;
  return state;
}

static void readSchedule(Module &m) {
  auto train = m.declared.getSettings().getAs<mlir::DictionaryAttr>("train");
  auto schedule = train ? train.getAs<mlir::DictionaryAttr>("schedule") : train;
  if (!schedule)
    return;
  llvm::StringRef kind = textOr(schedule, "kind");
  if (kind == "step") {
    m.schedule = rt::ScheduleStep;
    m.scheduleA = numberOr(schedule, "every", 1);
    m.scheduleB = numberOr(schedule, "by", 0.1);
    m.scheduleC = numberOr(schedule, "after", 0);
  } else if (kind == "cosine") {
    m.schedule = rt::ScheduleCosine;
    m.scheduleA = numberOr(schedule, "warmup", 0);
  } else if (kind == "linear") {
    m.schedule = rt::ScheduleLinear;
    m.scheduleA = numberOr(schedule, "hold", 0);
    m.scheduleB = numberOr(schedule, "to", 0);
  } else if (kind == "onecycle") {
    auto optimize = train.getAs<mlir::DictionaryAttr>("optimize");
    double rate = optimize ? numberOr(optimize, "lr", 0) : 0;
    m.schedule = rt::ScheduleOneCycle;
    m.scheduleA = rate > 0 ? numberOr(schedule, "peak", rate) / rate : 1;
  }
}

/// Of how many batches an update is made, and what each of them counts.
static void readAccumulate(Module &m) {
  auto train = m.declared.getSettings().getAs<mlir::DictionaryAttr>("train");
  if (!train)
    return;
  m.accumulate = int64_t(numberOr(train, "accumulate", 1));
  m.perExample = textOr(train, "per") == "example";
}

/// Parameters lie where the program says.
static void measureArena(Module &m) {
  for (Parameter &p : m.parameters)
    m.arena = std::max(m.arena, (p.offset + p.count() + 15) / 16 * 16);
}

static llvm::StringSet<> labelledAxes(interface::ModuleAttr declared) {
  llvm::StringSet<> labelled;
  if (auto axes = declared.getSettings().getAs<mlir::ArrayAttr>("axes"))
    for (auto axis : axes.getAsRange<mlir::DictionaryAttr>())
      if (axis.contains("labels"))
        labelled.insert(textOr(axis, "name"));
  return labelled;
}

static Module readModule(interface::ModuleAttr declared, int64_t width) {
  Module m;
  m.name = declared.getName().str();
  m.kind = declared.getKind().str();
  m.source = declared.getSource().str();
  m.declared = declared;
  llvm::StringSet<> labelled = labelledAxes(declared);
  using interface::ParameterAttr, interface::PortAttr;
  for (auto p : declared.getParameters().getAsRange<ParameterAttr>())
    m.parameters.push_back(readParameter(p, labelled, width));
  for (auto port : declared.getInputs().getAsRange<PortAttr>())
    m.ports.push_back(readPort(port, false));
  for (auto port : declared.getOutputs().getAsRange<PortAttr>())
    m.ports.push_back(readPort(port, true));
  for (auto state : declared.getStates().getAsRange<PortAttr>())
    m.states.push_back(readState(state));
  m.nonempty =
      strings(declared.getSettings().getAs<mlir::ArrayAttr>("nonempty"));
  measureArena(m);
  readSchedule(m);
  readAccumulate(m);
  return m;
}

/// On buffers the results are the last arguments before the workspace.
static RawEntry readEntry(mlir::func::FuncOp function) {
  RawEntry entry;
  entry.function = interface::functionOf(function);
  entry.symbol = function.getSymName().str();
  entry.inPlace = function->hasAttr(kernel::kInPlace);
  unsigned end = function.getNumArguments();
  while (end) {
    interface::SlotAttr slot = interface::slotOf(function, end - 1);
    if (!slot || slot.getRole() != interface::Role::Workspace)
      break;
    --end;
  }
  unsigned inputs = end - std::min(end, unsigned(entry.function.getResults()));
  for (unsigned i = 0; i < end; ++i)
    entry.args.push_back({interface::slotOf(function, i),
                          dtypeOf(function.getArgumentTypes()[i]), i >= inputs,
                          function.getArgument(i).use_empty()});
  return entry;
}

/// Functions of a model on buffers that somebody can call; an error where an
/// argument says nothing of itself.
static llvm::Expected<std::vector<RawEntry>> entriesOf(mlir::ModuleOp module,
                                                       const Module &m) {
  std::vector<RawEntry> entries;
  for (auto function : module.getOps<mlir::func::FuncOp>()) {
    if (function.isPrivate() || function.isDeclaration() ||
        !interface::hasDims(function) ||
        interface::functionOf(function).getModule() != m.name)
      continue;
    entries.push_back(readEntry(function));
    for (const RawArg &arg : entries.back().args)
      if (!arg.slot || !arg.slot.getShape())
        return llvm::createStringError("an argument of `" +
                                       entries.back().symbol +
                                       "` does not say what it holds");
  }
  return entries;
}

static std::vector<RawExport> exportsOf(interface::ModuleAttr declared,
                                        bool allFunctions) {
  std::vector<RawExport> exports;
  for (auto line : declared.getExports().getAsRange<mlir::DictionaryAttr>()) {
    RawExport out;
    out.function = textOr(line, "function").str();
    out.as = textOr(line, "as").str();
    out.all = allFunctions;
    if (auto defaults = line.getAs<mlir::DictionaryAttr>("defaults"))
      for (mlir::NamedAttribute entry : defaults)
        out.defaults[entry.getName().str()] =
            numberOr(defaults, entry.getName(), 0);
    exports.push_back(std::move(out));
  }
  return exports;
}

llvm::Expected<Library> target::readInterface(mlir::ModuleOp module,
                                              llvm::StringRef libraryName,
                                              bool allFunctions) {
  auto offered =
      module->getAttrOfType<interface::InterfaceAttr>(interface::kInterface);
  if (!offered)
    return llvm::createStringError("the module offers nothing");
  Library library;
  library.name = libraryName.str();
  library.precision = offered.getPrecision().str();
  int64_t width = library.real() == rt::F64 ? 8 : 4;
  for (auto declared :
       offered.getModules().getAsRange<interface::ModuleAttr>()) {
    Module m = readModule(declared, width);
    llvm::Expected<std::vector<RawEntry>> entries = entriesOf(module, m);
    if (!entries)
      return entries.takeError();
    if (llvm::Error error = makeFunctions(library, m, *entries,
                                          exportsOf(declared, allFunctions)))
      return std::move(error);
    library.modules.push_back(std::move(m));
  }
  return library;
}
