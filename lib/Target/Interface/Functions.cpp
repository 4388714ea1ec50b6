// Functions.cpp: from compiled functions to public ones.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A compiled function has an argument for every tensor it needs; a public one
// shows what the caller gives and gets, and takes the rest from objects
// (parameters, carry, stream, optimiser). Both sides follow from the roles.
#include "Functions.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace rnnc;
using namespace rnnc::target;
using interface::Role;

namespace {

/// The order in which functions stand in the manifest.
constexpr const char *kOrder[] = {
    "loss", "grad",  "train_step", "hvp",     "predict", "predict_chunk",
    "sample", "beam", "begin",     "step",    "forward", "vjp"};

class Maker {
public:
  Maker(const Library &library, Module &m,
        const std::vector<RawEntry> &entries)
      : library(library), m(m), entries(entries) {}

  llvm::Expected<Function> make(llvm::StringRef name, const RawExport *named);
  /// The code that packs the weights, if there is any.
  llvm::Error makePrepare();

private:
  const RawEntry *find(llvm::StringRef name) const {
    for (const RawEntry &entry : entries)
      if (entry.function.getName() == name)
        return &entry;
    return nullptr;
  }
  const Port *port(llvm::StringRef name) const {
    for (const Port &p : m.ports)
      if (p.name == name)
        return &p;
    return nullptr;
  }
  llvm::Error unknown(const RawEntry &entry, const RawArg &arg) const {
    return llvm::createStringError(
        "`" + entry.symbol + "`: argument `" + arg.slot.getName().str() +
        "` has the role `" + interface::stringifyRole(arg.slot.getRole()) +
        "`, which `" + entry.function.getName().str() + "` does not know");
  }

  Function plain(const RawEntry &raw);
  llvm::Expected<Function> trainStep(const RawEntry &gradient,
                                     const RawEntry &update);
  llvm::Expected<Function> sample(const RawEntry &step);
  llvm::Expected<Function> draw(llvm::StringRef name, const RawExport *named);
  llvm::Error bindDraw(Function &f, Entry &entry, const RawEntry &raw,
                       const Port &drawn);
  void addDrawOptions(Function &f);
  void addDrawResults(Function &f, const Port &drawn, const RawEntry &begin,
                      bool isShown);

  void collectTimes(Function &f, const RawEntry &raw);
  void collectObserved(Function &f);
  Shape shapeOf(const Function &f, mlir::ArrayAttr sizes) const;
  int64_t dimension(const Function &f, llvm::StringRef name) const;
  int addArg(Function &f, llvm::StringRef name, rt::DType dtype, Shape shape,
             rt::Role role, bool optional = false);
  int addArg(Function &f, const RawArg &raw, rt::Role role, bool optional) {
    return addArg(f, raw.slot.getName(), raw.dtype,
                  shapeOf(f, raw.slot.getShape()), role, optional);
  }
  llvm::Error bind(Function &f, Entry &entry, const RawEntry &raw);
  llvm::Error bindArg(Function &f, EntryArg &arg, const RawEntry &raw,
                      const RawArg &from);
  std::optional<rt::Role> userRole(const Function &f,
                                   const RawArg &from) const;
  llvm::Error bindUpdate(Entry &entry, const RawEntry &raw);
  int parameterIndex(llvm::StringRef name) const;
  int stateIndex(llvm::StringRef name) const;
  bool statesAreArguments() const { return m.kind != "model"; }

  const Library &library;
  Module &m;
  const std::vector<RawEntry> &entries;
};

void Maker::collectTimes(Function &f, const RawEntry &raw) {
  auto add = [&](llvm::StringRef name) {
    if (name != interface::kBatch && !llvm::is_contained(f.times, name))
      f.times.push_back(name.str());
  };
  for (const RawArg &arg : raw.args)
    if (arg.slot.getRole() == Role::Lengths)
      add(arg.slot.getName());
  for (auto dim : raw.function.getDims().getAsRange<mlir::StringAttr>())
    add(dim);
}

int64_t Maker::dimension(const Function &f, llvm::StringRef name) const {
  if (name == interface::kBatch)
    return rt::kBatch;
  return rt::kTime - (llvm::find(f.times, name) - f.times.begin());
}

Shape Maker::shapeOf(const Function &f, mlir::ArrayAttr sizes) const {
  Shape shape;
  for (mlir::Attribute size : sizes) {
    auto name = llvm::dyn_cast<mlir::StringAttr>(size);
    shape.push_back(name ? dimension(f, name)
                         : llvm::cast<mlir::IntegerAttr>(size).getInt());
  }
  return shape;
}

int Maker::addArg(Function &f, llvm::StringRef name, rt::DType dtype,
                  Shape shape, rt::Role role, bool optional) {
  Arg arg;
  arg.name = name.str();
  arg.role = role;
  arg.dtype = dtype;
  arg.shape = std::move(shape);
  arg.optional = optional;
  if (role == rt::RoleLengths)
    arg.time = int(llvm::find(f.times, name) - f.times.begin());
  // The element before has the type of what is predicted.
  for (const Port &p : m.ports)
    if (p.kind == "index" && !arg.isResult() && role == rt::RoleInput &&
        (p.name == name || (name == "prev" && p.unfold)))
      arg.indexSize = p.size;
  f.args.push_back(arg);
  return int(f.args.size()) - 1;
}

int Maker::parameterIndex(llvm::StringRef name) const {
  name.consume_front("grad.");
  for (size_t i = 0; i < m.parameters.size(); ++i)
    if (m.parameters[i].name == name)
      return int(i);
  return -1;
}

int Maker::stateIndex(llvm::StringRef name) const {
  name.consume_front("state.");
  for (size_t i = 0; i < m.states.size(); ++i)
    if (m.states[i].name == name)
      return int(i);
  return -1;
}

/// The role of an argument that the caller gives, if it is one.
std::optional<rt::Role> Maker::userRole(const Function &f,
                                        const RawArg &from) const {
  auto when = [](bool condition, rt::Role role) {
    return condition ? std::optional(role) : std::nullopt;
  };
  switch (from.slot.getRole()) {
  case Role::StateIn:
    return when(statesAreArguments(), rt::RoleStateIn);
  case Role::StateOut:
    return when(statesAreArguments(), rt::RoleStateOut);
  case Role::Prev:
  case Role::Step:
    return when(f.usesStream, rt::RoleInput);
  case Role::Kept:
    return from.result ? rt::RoleOutput : rt::RoleInput;
  case Role::Grad:
    return when(f.kind != rt::KindTrainStep, rt::RoleGrad);
  case Role::Input:
    return rt::RoleInput;
  case Role::Cot:
    return rt::RoleCot;
  case Role::Loss:
    return rt::RoleLoss;
  case Role::Output:
  case Role::Steps:
  case Role::Start:
    return rt::RoleOutput;
  case Role::Probability:
    return rt::RoleProbability;
  default:
    return std::nullopt;
  }
}

llvm::Error Maker::bindArg(Function &f, EntryArg &arg, const RawEntry &raw,
                           const RawArg &from) {
  llvm::StringRef name = from.slot.getName();
  auto take = [&](rt::Source source, int index = 0) -> llvm::Error {
    if (index < 0)
      return unknown(raw, from);
    arg.source = source;
    arg.index = index;
    return llvm::Error::success();
  };
  if (std::optional<rt::Role> user = userRole(f, from)) {
    bool optional = from.slot.getOptional() || *user == rt::RoleStateOut;
    return take(rt::SrcUser, addArg(f, from, *user, optional));
  }
  switch (from.slot.getRole()) {
  case Role::Param: {
    int index = parameterIndex(name);
    return take(from.unused && index >= 0 ? rt::SrcNothing : rt::SrcParam,
                index);
  }
  case Role::Lengths: // its argument was added before all others
    return take(rt::SrcLengths,
                int(llvm::find(f.times, name) - f.times.begin()));
  case Role::Prepared:
    return take(rt::SrcPrepared);
  case Role::Seed:
    f.usesSeed = true;
    return take(rt::SrcSeed);
  case Role::Reset:
    if (!f.usesStream)
      addArg(f, from, rt::RoleReset, true);
    return take(rt::SrcReset);
  case Role::Prev:
    if (from.dtype != rt::I32 || from.slot.getShape().size() != 1 ||
        name != "prev")
      return llvm::createStringError(
          "`" + raw.symbol + "`: carrying `" + name.str() +
          "` from chunk to chunk is not supported yet: it is not one index");
    return take(from.result ? rt::SrcPrevOut : rt::SrcPrev);
  case Role::Given: {
    llvm::StringRef state = name;
    state.consume_front("given.");
    auto found = llvm::find_if(
        f.args, [&](const Arg &known) { return known.name == state; });
    return found == f.args.end()
               ? unknown(raw, from)
               : take(rt::SrcGiven, int(found - f.args.begin()));
  }
  case Role::StateIn:
    return take(rt::SrcStateIn, stateIndex(name));
  case Role::StateOut:
    return take(rt::SrcStateOut, stateIndex(name));
  case Role::Grad:
    return take(rt::SrcGrad, parameterIndex(name));
  default:
    return unknown(raw, from);
  }
}

/// Binds all arguments, the lengths of time axes first.
llvm::Error Maker::bind(Function &f, Entry &entry, const RawEntry &raw) {
  entry.symbol = raw.symbol;
  collectTimes(f, raw);
  entry.dims = shapeOf(f, raw.function.getDims());
  for (const RawArg &arg : raw.args)
    if (arg.slot.getRole() == Role::Lengths)
      addArg(f, arg, rt::RoleLengths, true);
  for (const RawArg &arg : raw.args) {
    Role role = arg.slot.getRole();
    f.usesCarry |= (role == Role::StateIn || role == Role::Prev) &&
                   !f.usesStream && !statesAreArguments();
    EntryArg out;
    out.dtype = arg.dtype;
    out.shape = shapeOf(f, arg.slot.getShape());
    if (llvm::Error error = bindArg(f, out, raw, arg))
      return error;
    entry.args.push_back(out);
  }
  return llvm::Error::success();
}

/// Of an argument with one dimension that is known; 0 of all others.
static int64_t elementsOf(const RawArg &arg) {
  mlir::ArrayAttr shape = arg.slot.getShape();
  auto size = shape.size() == 1 ? llvm::dyn_cast<mlir::IntegerAttr>(shape[0])
                                : mlir::IntegerAttr();
  return size ? size.getInt() : 0;
}

llvm::Error Maker::bindUpdate(Entry &entry, const RawEntry &raw) {
  entry.symbol = raw.symbol;
  int slot = 0, newSlot = 0;
  for (const RawArg &arg : raw.args)
    if (arg.slot.getRole() == Role::Params)
      m.arena = std::max(m.arena, elementsOf(arg));
  for (const RawArg &arg : raw.args) {
    EntryArg out;
    out.dtype = arg.dtype;
    out.shape = shapeOf({}, arg.slot.getShape());
    switch (arg.slot.getRole()) {
    case Role::Params:
      out.source = arg.result ? rt::SrcNewParams : rt::SrcParams;
      break;
    case Role::Grads:
      out.source = rt::SrcGrads;
      break;
    case Role::Slot:
      out.source = arg.result ? rt::SrcNewSlot : rt::SrcSlot;
      out.index = arg.result ? newSlot++ : slot++;
      break;
    case Role::Scalars:
      out.source = rt::SrcScalars;
      break;
    case Role::Norm:
      out.source = rt::SrcNorm;
      break;
    case Role::Finite:
      out.source = rt::SrcFinite;
      break;
    default:
      return unknown(raw, arg);
    }
    entry.args.push_back(out);
  }
  m.numSlots = slot;
  return llvm::Error::success();
}

llvm::Expected<Function> Maker::trainStep(const RawEntry &gradient,
                                          const RawEntry &update) {
  Function f;
  f.name = "train_step";
  f.kind = rt::KindTrainStep;
  if (llvm::Error error = bind(f, f.entry, gradient))
    return std::move(error);
  addArg(f, "norm", library.real(), {}, rt::RoleNorm);
  f.update.emplace();
  if (llvm::Error error = bindUpdate(*f.update, update))
    return std::move(error);
  collectObserved(f);
  return f;
}

/// The arguments that are predicted data.
void Maker::collectObserved(Function &f) {
  for (size_t i = 0; i < f.args.size(); ++i)
    if (const Port *p = port(f.args[i].name); p && p->output)
      f.observed.push_back(int(i));
}

llvm::Expected<Function> Maker::sample(const RawEntry &step) {
  const Port *drawn = nullptr;
  for (const Port &p : m.ports)
    if (p.unfold)
      drawn = &p;
  Function inner;
  inner.name = "step";
  inner.usesStream = true;
  if (llvm::Error error = bind(inner, inner.entry, step))
    return std::move(error);
  Function f;
  f.name = "sample";
  f.kind = rt::KindSample;
  f.usesStream = f.usesSeed = true;
  f.entry = inner.entry;
  f.symbols = int(drawn->size);
  f.start = int(drawn->start.value_or(-1));
  f.stop = int(drawn->stop.value_or(-1));
  // What the step takes from its caller comes from the loop.
  for (EntryArg &arg : f.entry.args) {
    if (arg.source != rt::SrcUser)
      continue;
    const Arg &user = inner.args[size_t(arg.index)];
    if (user.name == "prev")
      arg.source = rt::SrcPrev;
    else if (user.name == drawn->name + ".p")
      arg.source = rt::SrcProbabilities;
    else
      arg.source = rt::SrcScratch;
  }
  std::string time = drawn->axes.empty() ? "T" : drawn->axes.front();
  // The interpreter names the prompt's axis alike.
  std::string given = time == "P" ? "P.2" : "P";
  f.times = {given, time};
  Shape rows = {rt::kBatch};
  auto rowsOf = [&](llvm::StringRef axis) {
    return Shape{rt::kBatch, dimension(f, axis)};
  };
  addArg(f, given, rt::I32, rows, rt::RoleLengths, true);
  addArg(f, "prompt", rt::I32, rowsOf(given), rt::RoleInput, true);
  f.args.back().indexSize = drawn->size;
  addArg(f, "temperature", rt::F32, {}, rt::RoleOption, true);
  f.args.back().defaultValue = 1;
  addArg(f, "top_k", rt::I32, {}, rt::RoleOption, true);
  addArg(f, "top_p", rt::F32, {}, rt::RoleOption, true);
  f.args.back().defaultValue = 1;
  addArg(f, "never", rt::I32, {}, rt::RoleOption, true);
  f.args.back().defaultValue = -1;
  addArg(f, drawn->name, rt::I32, rowsOf(time), rt::RoleOutput);
  addArg(f, time, rt::I32, rows, rt::RoleOutput);
  return f;
}

/// What the arguments of `begin` and `next` are to the loop around them.
llvm::Error Maker::bindDraw(Function &f, Entry &entry, const RawEntry &raw,
                            const Port &drawn) {
  entry.symbol = raw.symbol;
  bool isFirst = raw.function.getName() == "begin";
  collectTimes(f, raw);
  for (const RawArg &arg : raw.args)
    if (arg.slot.getRole() == Role::Lengths && isFirst)
      addArg(f, arg, rt::RoleLengths, true);
  int kept = 0;
  auto sourceOf = [&](const RawArg &arg) -> std::optional<rt::Source> {
    switch (arg.slot.getRole()) {
    case Role::Kept:
    case Role::Steps:
      return rt::SrcKept;
    case Role::Step:
      return rt::SrcStep;
    case Role::Start:
    case Role::Prev:
      return rt::SrcFeed;
    case Role::Output:
      return rt::SrcDrawn;
    case Role::Probability:
      return rt::SrcProbabilities;
    default:
      return std::nullopt;
    }
  };
  for (const RawArg &arg : raw.args) {
    EntryArg out;
    out.dtype = arg.dtype;
    out.shape = shapeOf(f, arg.slot.getShape());
    if (std::optional<rt::Source> source = sourceOf(arg)) {
      out.source = *source;
      if (*source == rt::SrcKept || *source == rt::SrcStep)
        out.index = kept++;
    } else if (llvm::Error error = bindArg(f, out, raw, arg)) {
      return error;
    }
    entry.args.push_back(out);
  }
  entry.dims = shapeOf(f, raw.function.getDims());
  f.draw.numKept = kept;
  return llvm::Error::success();
}

void Maker::addDrawOptions(Function &f) {
  auto add = [&](llvm::StringRef name, rt::DType dtype, double value) {
    addArg(f, name, dtype, {}, rt::RoleOption, true);
    f.args.back().defaultValue = value;
  };
  bool isSample = f.draw.mode == rt::DrawSample;
  if (isSample)
    add("temperature", rt::F32, 1);
  if (f.draw.mode == rt::DrawBeam)
    add("length_penalty", rt::F32, 0);
  if (f.draw.kind != rt::DrawCategorical)
    return;
  if (isSample) {
    add("top_k", rt::I32, 0);
    add("top_p", rt::F32, 1);
  }
  add("never", rt::I32, -1);
}

/// The sequences; how long they are, where nobody said so; their scores.
/// `isShown`: each example has several.
void Maker::addDrawResults(Function &f, const Port &drawn,
                           const RawEntry &begin, bool isShown) {
  const RawArg *start = nullptr;
  for (const RawArg &arg : begin.args)
    if (arg.slot.getRole() == Role::Start)
      start = &arg;
  bool isFixed = drawn.steps > 0;
  std::string time = drawn.axes.front();
  f.draw.fixed = isFixed ? int32_t(drawn.steps) : 0;
  f.draw.time = -1;
  if (!isFixed) {
    f.draw.given = llvm::is_contained(f.times, time);
    if (!f.draw.given)
      f.times.push_back(time);
    f.draw.time = int(llvm::find(f.times, time) - f.times.begin());
  }
  Shape each = {rt::kBatch};
  if (isShown)
    each.push_back(f.draw.mode == rt::DrawBeam ? f.draw.best : f.draw.paths);
  Shape all = each;
  all.push_back(isFixed ? drawn.steps : dimension(f, time));
  f.draw.elements = 1;
  Shape element = start ? shapeOf(f, start->slot.getShape()) : Shape();
  for (int64_t size : llvm::drop_begin(element)) {
    all.push_back(size);
    f.draw.elements *= size;
  }
  rt::DType dtype = start ? start->dtype : rt::I32;
  f.draw.result = addArg(f, drawn.name, dtype, all, rt::RoleOutput);
  f.draw.counts = f.draw.scores = -1;
  if (!isFixed && !f.draw.given)
    f.draw.counts = addArg(f, time, rt::I32, each, rt::RoleOutput);
  if (f.draw.mode == rt::DrawBeam)
    f.draw.scores = addArg(f, drawn.name + ".score", library.real(), each,
                           rt::RoleProbability);
}

llvm::Expected<Function> Maker::draw(llvm::StringRef name,
                                     const RawExport *named) {
  const Port *drawn = nullptr;
  for (const Port &p : m.ports)
    if (p.unfold)
      drawn = &p;
  auto setting = [&](const char *key, int otherwise) {
    auto found = named ? named->defaults.find(key)
                       : std::map<std::string, double>::const_iterator();
    bool given = named && found != named->defaults.end();
    return given ? std::max(1, int(found->second)) : otherwise;
  };
  Function f;
  f.name = name.str();
  f.kind = rt::KindDraw;
  f.draw.mode = name == "sample" ? rt::DrawSample
                : name == "beam" ? rt::DrawBeam
                                 : rt::DrawMost;
  f.usesSeed = f.draw.mode == rt::DrawSample;
  f.draw.kind = llvm::StringSwitch<int32_t>(drawn->distribution)
                    .Case("bernoulli", rt::DrawBernoulli)
                    .Case("normal", rt::DrawNormal)
                    .Case("laplace", rt::DrawLaplace)
                    .Default(rt::DrawCategorical);
  bool isSymbol = f.draw.kind == rt::DrawCategorical;
  f.symbols = isSymbol ? int(drawn->size) : 0;
  f.start = int(drawn->start.value_or(-1));
  f.stop = int(drawn->stop.value_or(-1));
  f.draw.paths = f.draw.best = 1;
  if (f.draw.mode == rt::DrawSample)
    f.draw.paths = setting("paths", 1);
  if (f.draw.mode == rt::DrawBeam) {
    f.draw.paths = setting("width", 5);
    f.draw.best = std::min(setting("best", 1), int(f.draw.paths));
  }
  f.begin.emplace();
  if (llvm::Error error = bindDraw(f, *f.begin, *find("begin"), *drawn))
    return std::move(error);
  if (llvm::Error error = bindDraw(f, f.entry, *find("next"), *drawn))
    return std::move(error);
  addDrawOptions(f);
  addDrawResults(f, *drawn, *find("begin"),
                 named && (named->defaults.count("paths") ||
                           named->defaults.count("best")));
  return f;
}

llvm::Expected<Function> Maker::make(llvm::StringRef name,
                                     const RawExport *named) {
  if (name == "train_step")
    return trainStep(*find("grad"), *find("update"));
  bool fromInputs = find("begin") && !find("step");
  bool draws = name == "beam" || (fromInputs && !find(name) && name != "step");
  if (draws)
    return draw(name, named);
  if (name == "sample")
    return sample(*find("step"));
  Function f;
  f.name = name.str();
  f.usesStream =
      (name == "step" || name == "predict_chunk" || name == "begin") &&
      !statesAreArguments();
  f.kind = f.usesStream ? rt::KindStep : rt::KindPlain;
  f.optionalSeed = name == "vjp";
  bool isNext = name == "step" && fromInputs;
  if (llvm::Error error = bind(f, f.entry, *find(isNext ? "next" : name)))
    return std::move(error);
  if (name == "loss" || name == "grad" || name == "hvp")
    collectObserved(f);
  return f;
}

llvm::Error Maker::makePrepare() {
  const RawEntry *raw = find("prepare");
  if (!raw)
    return llvm::Error::success();
  Function f;
  m.prepare.emplace();
  for (const RawArg &arg : raw->args)
    if (arg.slot.getRole() == Role::Prepared)
      m.prepared = elementsOf(arg);
  return bind(f, *m.prepare, *raw);
}

} // namespace

/// The functions that can be made from the compiled ones.
static std::vector<std::string> possible(const Module &m,
                                         const std::vector<RawEntry> &entries) {
  llvm::StringSet<> have;
  for (const RawEntry &entry : entries)
    have.insert(entry.function.getName());
  if (have.contains("begin"))
    have.insert("beam");
  if (have.contains("begin") && have.contains("step"))
    have.erase("begin"); // made for `beam` alone
  if (have.contains("begin")) {
    for (llvm::StringRef name : {"predict", "sample", "step"})
      have.insert(name);
    // Indices are looked at where they come in.
    for (const RawEntry &entry : entries)
      for (const RawArg &arg : entry.args)
        if ((arg.slot.getRole() == Role::Kept ||
             arg.slot.getRole() == Role::Steps) &&
            arg.dtype == rt::I32) {
          have.erase("begin");
          have.erase("step");
        }
  }
  if (have.contains("grad") && have.contains("update"))
    have.insert("train_step");
  bool draws = llvm::any_of(m.ports, [](const Port &p) {
    return p.unfold && p.kind == "index";
  });
  // The loop has nothing else to feed to the step than what it drew.
  for (const RawEntry &entry : entries)
    draws &= entry.function.getName() != "step" ||
             llvm::none_of(entry.args, [](const RawArg &arg) {
               return arg.slot.getRole() == Role::Input;
             });
  if (have.contains("step") && draws && m.kind == "model")
    have.insert("sample");
  std::vector<std::string> names;
  for (const char *name : kOrder)
    if (have.contains(name))
      names.push_back(name);
  return names;
}

/// Calls `visit` with each parameter that the code of a function reads.
template <typename Visit>
static void forEachParameter(const Function &f, Visit visit) {
  for (const Entry *entry : {&f.entry, f.begin ? &*f.begin : nullptr})
    for (const EntryArg &arg : entry ? entry->args : std::vector<EntryArg>())
      if (arg.source == rt::SrcParam)
        visit(arg.index);
}

/// What functions that change no parameter read of them is kept beside the
/// packed weights, so that these do alone. Functions with gradients pack most
/// weights themselves: they need the parameters.
static void keepParameters(Module &m) {
  auto differentiates = [](const Function &f) {
    return f.name == "grad" || f.name == "vjp" || f.name == "hvp" ||
           f.kind == rt::KindTrainStep;
  };
  for (const Function &f : m.functions)
    if (!differentiates(f))
      forEachParameter(f, [&](int i) { m.parameters[size_t(i)].kept = 0; });
  for (Parameter &p : m.parameters)
    if (p.kept == 0) {
      p.kept = m.kept;
      m.kept += (p.count() + 15) / 16 * 16;
    }
  for (Function &f : m.functions) {
    f.fromPrepared = f.kind != rt::KindTrainStep;
    forEachParameter(f, [&](int i) {
      f.fromPrepared &= m.parameters[size_t(i)].kept >= 0;
    });
  }
}

llvm::Error target::makeFunctions(const Library &library, Module &m,
                                  const std::vector<RawEntry> &entries,
                                  const std::vector<RawExport> &exports) {
  for (const Port &p : m.ports)
    if (p.unfold) {
      m.hasPrev = true;
      m.firstPrev = p.start.value_or(0);
      m.prevSize = p.kind == "index" ? p.size : 0;
    }
  Maker maker(library, m, entries);
  if (llvm::Error error = maker.makePrepare())
    return error;
  for (const std::string &name : possible(m, entries)) {
    const RawExport *named = nullptr;
    for (const RawExport &e : exports)
      if (e.function == name)
        named = &e;
    // Nobody can step without what comes before.
    bool isNeeded = name == "begin" &&
                    llvm::any_of(exports, [](const RawExport &e) {
                      return e.function == "step";
                    });
    bool shown =
        exports.empty() || exports.front().all || named || isNeeded;
    // What a search is as wide as stands in the export.
    shown &= name != "beam" || named;
    if (!shown)
      continue;
    llvm::Expected<Function> f = maker.make(name, named);
    if (!f)
      return f.takeError();
    if (f->times.size() > rt::kMaxTimes)
      return llvm::createStringError(
          "`" + m.name + "." + name + "` has " +
          std::to_string(f->times.size()) + " time axes, a library has at most " +
          std::to_string(rt::kMaxTimes));
    for (size_t t = 0; t < f->times.size(); ++t)
      if (llvm::is_contained(m.nonempty, f->times[t]))
        f->nonempty |= 1u << t;
    f->symbol = library.name + "_" +
                (named && !named->as.empty() ? cName(named->as)
                                             : cName(m.name) + "_" + f->name);
    if (named)
      if (auto it = named->defaults.find("max"); it != named->defaults.end())
        f->most = int64_t(it->second);
    if (named)
      for (Arg &arg : f->args)
        if (auto it = named->defaults.find(arg.name);
            it != named->defaults.end() && arg.role == rt::RoleOption)
          arg.defaultValue = it->second;
    m.functions.push_back(std::move(*f));
  }
  keepParameters(m);
  return llvm::Error::success();
}
