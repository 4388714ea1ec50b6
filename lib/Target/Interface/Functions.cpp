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

namespace {

/// The order in which functions stand in the manifest.
constexpr const char *kOrder[] = {
    "loss", "grad",  "train_step", "predict", "predict_chunk", "sample",
    "beam", "begin", "step",       "forward", "vjp"};

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
      if (entry.name == name)
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
    return llvm::createStringError("`" + entry.symbol + "`: argument `" +
                                   arg.name + "` has the role `" + arg.role +
                                   "`, which `" + entry.name +
                                   "` does not know");
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
  Shape shapeOf(const Function &f, const std::vector<std::string> &dims) const;
  int addArg(Function &f, const RawArg &raw, rt::Role role,
             bool optional = false);
  llvm::Error bind(Function &f, Entry &entry, const RawEntry &raw);
  llvm::Error checkSizes(const Function &f, const RawEntry &raw) const;
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
    int64_t size;
    if (name != "batch" && name.getAsInteger(10, size) &&
        !llvm::is_contained(f.times, name))
      f.times.push_back(name.str());
  };
  for (const RawArg &arg : raw.args)
    if (arg.role == "lengths")
      add(arg.name);
  for (const std::string &dim : raw.dims)
    add(dim);
}

Shape Maker::shapeOf(const Function &f,
                     const std::vector<std::string> &dims) const {
  Shape shape;
  for (const std::string &dim : dims) {
    int64_t size;
    if (dim == "batch")
      shape.push_back(rt::kBatch);
    else if (!llvm::StringRef(dim).getAsInteger(10, size))
      shape.push_back(size);
    else
      shape.push_back(rt::kTime - (llvm::find(f.times, dim) - f.times.begin()));
  }
  return shape;
}

int Maker::addArg(Function &f, const RawArg &raw, rt::Role role,
                  bool optional) {
  Arg arg;
  arg.name = raw.name;
  arg.role = role;
  arg.dtype = raw.dtype;
  arg.shape = shapeOf(f, raw.shape);
  arg.optional = optional;
  if (role == rt::RoleLengths)
    arg.time = int(llvm::find(f.times, raw.name) - f.times.begin());
  llvm::StringRef name = raw.name;
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
  llvm::StringRef role = from.role;
  if (role == "state_in" && statesAreArguments())
    return rt::RoleStateIn;
  if (role == "state_out" && statesAreArguments())
    return rt::RoleStateOut;
  if ((role == "prev" || role == "step") && f.usesStream)
    return rt::RoleInput;
  if (role == "kept")
    return from.result ? rt::RoleOutput : rt::RoleInput;
  if (role == "grad" && f.kind != rt::KindTrainStep)
    return rt::RoleGrad;
  return llvm::StringSwitch<std::optional<rt::Role>>(role)
      .Case("input", rt::RoleInput)
      .Case("cot", rt::RoleCot)
      .Case("loss", rt::RoleLoss)
      .Cases({"output", "steps", "start"}, rt::RoleOutput)
      .Case("probability", rt::RoleProbability)
      .Default(std::nullopt);
}

llvm::Error Maker::bindArg(Function &f, EntryArg &arg, const RawEntry &raw,
                           const RawArg &from) {
  llvm::StringRef role = from.role;
  auto take = [&](rt::Source source, int index = 0) -> llvm::Error {
    if (index < 0)
      return unknown(raw, from);
    arg.source = source;
    arg.index = index;
    return llvm::Error::success();
  };
  if (std::optional<rt::Role> user = userRole(f, from)) {
    bool optional = from.optional || *user == rt::RoleStateOut;
    return take(rt::SrcUser, addArg(f, from, *user, optional));
  }
  if (role == "param") {
    int index = parameterIndex(from.name);
    return take(from.unused && index >= 0 ? rt::SrcNothing : rt::SrcParam,
                index);
  }
  if (role == "lengths") {
    // Its argument was added before all others.
    return take(rt::SrcLengths,
                int(llvm::find(f.times, from.name) - f.times.begin()));
  }
  if (role == "prepared")
    return take(rt::SrcPrepared);
  if (role == "seed") {
    f.usesSeed = true;
    return take(rt::SrcSeed);
  }
  if (role == "reset") {
    if (!f.usesStream)
      addArg(f, from, rt::RoleReset, true);
    return take(rt::SrcReset);
  }
  if (role == "prev") {
    if (from.dtype != rt::I32 || from.shape.size() != 1 || from.name != "prev")
      return llvm::createStringError(
          "`" + raw.symbol + "`: carrying `" + from.name +
          "` from chunk to chunk is not supported yet: it is not one index");
    return take(from.result ? rt::SrcPrevOut : rt::SrcPrev);
  }
  if (role == "given") {
    llvm::StringRef state = from.name;
    state.consume_front("given.");
    auto found = llvm::find_if(
        f.args, [&](const Arg &known) { return known.name == state; });
    return found == f.args.end()
               ? unknown(raw, from)
               : take(rt::SrcGiven, int(found - f.args.begin()));
  }
  if (role == "state_in")
    return take(rt::SrcStateIn, stateIndex(from.name));
  if (role == "state_out")
    return take(rt::SrcStateOut, stateIndex(from.name));
  if (role == "grad")
    return take(rt::SrcGrad, parameterIndex(from.name));
  return unknown(raw, from);
}

/// Binds all arguments, the lengths of time axes first.
llvm::Error Maker::bind(Function &f, Entry &entry, const RawEntry &raw) {
  entry.symbol = raw.symbol;
  collectTimes(f, raw);
  entry.dims = shapeOf(f, raw.dims);
  for (const RawArg &arg : raw.args)
    if (arg.role == "lengths")
      addArg(f, arg, rt::RoleLengths, true);
  for (const RawArg &arg : raw.args) {
    f.usesCarry |= (arg.role == "state_in" || arg.role == "prev") &&
                   !f.usesStream && !statesAreArguments();
    EntryArg out;
    out.dtype = arg.dtype;
    out.shape = shapeOf(f, arg.shape);
    if (llvm::Error error = bindArg(f, out, raw, arg))
      return error;
    entry.args.push_back(out);
  }
  return checkSizes(f, raw);
}

/// Every size has to be a number, the batch or a time axis of the function.
llvm::Error Maker::checkSizes(const Function &f, const RawEntry &raw) const {
  for (const RawArg &arg : raw.args)
    for (const std::string &dim : arg.shape) {
      int64_t size;
      if (dim != "batch" && llvm::StringRef(dim).getAsInteger(10, size) &&
          !llvm::is_contained(f.times, dim))
        return llvm::createStringError("`" + raw.symbol + "`: argument `" +
                                       arg.name + "` has the size `" + dim +
                                       "`, which nothing gives");
    }
  return llvm::Error::success();
}

llvm::Error Maker::bindUpdate(Entry &entry, const RawEntry &raw) {
  entry.symbol = raw.symbol;
  int slot = 0, newSlot = 0;
  for (const RawArg &arg : raw.args)
    if (arg.role == "params" && arg.shape.size() == 1)
      m.arena = std::max<int64_t>(m.arena, std::stoll(arg.shape.front()));
  for (const RawArg &arg : raw.args) {
    EntryArg out;
    out.dtype = arg.dtype;
    out.shape = shapeOf({}, arg.shape);
    llvm::StringRef role = arg.role;
    if (role == "params")
      out.source = arg.result ? rt::SrcNewParams : rt::SrcParams;
    else if (role == "grads")
      out.source = rt::SrcGrads;
    else if (role == "slot") {
      out.source = arg.result ? rt::SrcNewSlot : rt::SrcSlot;
      out.index = arg.result ? newSlot++ : slot++;
    } else if (role == "scalars")
      out.source = rt::SrcScalars;
    else if (role == "norm")
      out.source = rt::SrcNorm;
    else if (role == "finite" || role == "bad")
      out.source = rt::SrcFinite;
    else
      return unknown(raw, arg);
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
  RawArg norm;
  norm.name = "norm";
  norm.dtype = library.real();
  norm.result = true;
  addArg(f, norm, rt::RoleNorm);
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

/// A public argument that no compiled code sees.
static RawArg publicArg(llvm::StringRef name, rt::DType dtype,
                        std::vector<std::string> shape) {
  RawArg arg;
  arg.name = name.str();
  arg.dtype = dtype;
  arg.shape = std::move(shape);
  return arg;
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
  addArg(f, publicArg(given, rt::I32, {"batch"}), rt::RoleLengths, true);
  addArg(f, publicArg("prompt", rt::I32, {"batch", given}), rt::RoleInput,
         true);
  f.args.back().indexSize = drawn->size;
  addArg(f, publicArg("temperature", rt::F32, {}), rt::RoleOption, true);
  f.args.back().defaultValue = 1;
  addArg(f, publicArg("top_k", rt::I32, {}), rt::RoleOption, true);
  addArg(f, publicArg("top_p", rt::F32, {}), rt::RoleOption, true);
  f.args.back().defaultValue = 1;
  addArg(f, publicArg("never", rt::I32, {}), rt::RoleOption, true);
  f.args.back().defaultValue = -1;
  addArg(f, publicArg(drawn->name, rt::I32, {"batch", time}), rt::RoleOutput);
  addArg(f, publicArg(time, rt::I32, {"batch"}), rt::RoleOutput);
  return f;
}

/// What the arguments of `begin` and `next` are to the loop around them.
llvm::Error Maker::bindDraw(Function &f, Entry &entry, const RawEntry &raw,
                            const Port &drawn) {
  entry.symbol = raw.symbol;
  bool isFirst = raw.name == "begin";
  collectTimes(f, raw);
  for (const RawArg &arg : raw.args)
    if (arg.role == "lengths" && isFirst)
      addArg(f, arg, rt::RoleLengths, true);
  int kept = 0;
  auto sourceOf = [&](const RawArg &arg) -> std::optional<rt::Source> {
    return llvm::StringSwitch<std::optional<rt::Source>>(arg.role)
        .Case("kept", rt::SrcKept)
        .Case("steps", rt::SrcKept)
        .Case("step", rt::SrcStep)
        .Cases({"start", "prev"}, rt::SrcFeed)
        .Case("output", rt::SrcDrawn)
        .Case("probability", rt::SrcProbabilities)
        .Default(std::nullopt);
  };
  for (const RawArg &arg : raw.args) {
    EntryArg out;
    out.dtype = arg.dtype;
    out.shape = shapeOf(f, arg.shape);
    if (std::optional<rt::Source> source = sourceOf(arg)) {
      out.source = *source;
      if (*source == rt::SrcKept || *source == rt::SrcStep)
        out.index = kept++;
    } else if (llvm::Error error = bindArg(f, out, raw, arg)) {
      return error;
    }
    entry.args.push_back(out);
  }
  entry.dims = shapeOf(f, raw.dims);
  f.draw.numKept = kept;
  return checkSizes(f, raw);
}

void Maker::addDrawOptions(Function &f) {
  auto add = [&](llvm::StringRef name, rt::DType dtype, double value) {
    addArg(f, publicArg(name, dtype, {}), rt::RoleOption, true);
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
  std::string time = drawn.axes.front();
  int64_t fixed;
  bool isFixed = false;
  const RawArg *start = nullptr;
  for (const RawArg &arg : begin.args)
    if (arg.role == "start")
      start = &arg;
  if (drawn.steps > 0) {
    fixed = drawn.steps;
    isFixed = true;
    time = std::to_string(fixed);
  }
  f.draw.fixed = isFixed ? int32_t(fixed) : 0;
  f.draw.time = -1;
  if (!isFixed) {
    f.draw.given = llvm::is_contained(f.times, time);
    if (!f.draw.given)
      f.times.push_back(time);
    f.draw.time = int(llvm::find(f.times, time) - f.times.begin());
  }
  std::vector<std::string> each = {"batch"};
  if (isShown)
    each.push_back(std::to_string(f.draw.mode == rt::DrawBeam ? f.draw.best
                                                              : f.draw.paths));
  std::vector<std::string> all = each;
  all.push_back(time);
  f.draw.elements = 1;
  for (size_t i = 1; start && i < start->shape.size(); ++i) {
    all.push_back(start->shape[i]);
    f.draw.elements *= std::stoll(start->shape[i]);
  }
  rt::DType dtype = start ? start->dtype : rt::I32;
  f.draw.result = addArg(f, publicArg(drawn.name, dtype, all), rt::RoleOutput);
  f.draw.counts = f.draw.scores = -1;
  if (!isFixed && !f.draw.given)
    f.draw.counts = addArg(f, publicArg(time, rt::I32, each), rt::RoleOutput);
  if (f.draw.mode == rt::DrawBeam)
    f.draw.scores = addArg(f, publicArg(drawn.name + ".score", library.real(),
                                        each),
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
  if (name == "loss" || name == "grad")
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
    if (arg.role == "prepared")
      m.prepared = std::stoll(arg.shape.front());
  return bind(f, *m.prepare, *raw);
}

} // namespace

/// The functions that can be made from the compiled ones.
static std::vector<std::string> possible(const Module &m,
                                         const std::vector<RawEntry> &entries) {
  llvm::StringSet<> have;
  for (const RawEntry &entry : entries)
    have.insert(entry.name);
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
        if ((arg.role == "kept" || arg.role == "steps") &&
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
    draws &= entry.name != "step" ||
             llvm::none_of(entry.args, [](const RawArg &arg) {
               return arg.role == "input";
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
    return f.name == "grad" || f.name == "vjp" || f.kind == rt::KindTrainStep;
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
      for (Arg &arg : f->args)
        if (auto it = named->defaults.find(arg.name);
            it != named->defaults.end() && arg.role == rt::RoleOption)
          arg.defaultValue = it->second;
    m.functions.push_back(std::move(*f));
  }
  keepParameters(m);
  return llvm::Error::success();
}
