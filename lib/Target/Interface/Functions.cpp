// Functions.cpp: from compiled functions to public ones.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A compiled function has an argument for every tensor it needs; a public one
// shows what the caller gives and gets, and takes the rest from objects
// (parameters, carry, stream, optimiser). Both sides follow from the roles.
#include "FunctionBinder.h"

#include "llvm/ADT/STLExtras.h"

using namespace rnnc;
using namespace rnnc::target;
using interface::Role;

/// The order in which functions stand in the manifest.
constexpr const char *kOrder[] = {
    "loss",    "grad",          "train_step", "hvp",  "state_grad",
    "predict", "predict_chunk", "sample",     "beam", "begin",
    "step",    "attention",     "forward",    "vjp"};

llvm::Expected<Function> FunctionBinder::trainStep(const RawEntry &gradient,
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
  if (update.inPlace)
    m.reach = grad::updateReach(
        m.declared.getSettings().getAs<mlir::DictionaryAttr>("train"));
  collectObserved(f);
  return f;
}

/// The arguments that are predicted data.
void FunctionBinder::collectObserved(Function &f) {
  for (size_t i = 0; i < f.args.size(); ++i)
    if (const Port *p = port(f.args[i].name); p && p->output)
      f.observed.push_back(int(i));
}

/// Whether every output is drawn on its own, from a distribution that the
/// runtime knows.
static bool drawsEach(const Module &m) {
  bool any = false;
  for (const Port &p : m.ports) {
    if (!p.output)
      continue;
    if (p.unfold || drawKind(p) > rt::DrawLaplace)
      return false;
    any = true;
  }
  return any && m.kind == "model";
}

llvm::Expected<Function> FunctionBinder::make(llvm::StringRef name,
                                              const RawExport *named) {
  if (name == "train_step")
    return trainStep(*find("grad"), *find("update"));
  bool fromInputs = find("begin") && !find("step");
  bool draws = (name == "beam" && !find("beam")) ||
               (fromInputs && !find(name) && name != "step");
  if (draws)
    return draw(name, named);
  if (name == "sample" && find("sample"))
    return sampleEach(*find("sample"));
  if (name == "sample")
    return drawsEach(m) ? sampleEach(*find("predict")) : sample(*find("step"));
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
  // Weights of attention do not become zero where nothing is predicted.
  if (name == "loss" || name == "grad" || name == "hvp" || name == "state_grad")
    collectObserved(f);
  return f;
}

llvm::Error FunctionBinder::makePrepare() {
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

/// Whether the steps of `next` find what a function feeds to the next one. A
/// distribution of one's own may lack its mode or its draws.
static bool hasDraws(const Module &m, const std::vector<RawEntry> &entries,
                     bool isSample) {
  const Port *drawn = nullptr;
  for (const Port &p : m.ports)
    if (p.unfold)
      drawn = &p;
  bool isOwn = drawn && !llvm::is_contained(
                            {"categorical", "bernoulli", "normal", "laplace"},
                            drawn->distribution);
  Role wanted = isSample ? Role::Probability : Role::Output;
  for (const RawEntry &entry : entries)
    for (const RawArg &arg : entry.args)
      if (entry.function.getName() == "next" && arg.slot.getRole() == wanted)
        return true;
  return !isOwn;
}

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
    have.insert("step");
    for (llvm::StringRef name : {"predict", "sample"})
      if (hasDraws(m, entries, name == "sample"))
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
  bool draws = llvm::any_of(
      m.ports, [](const Port &p) { return p.unfold && p.kind == "index"; });
  // The loop has nothing else to feed to the step than what it drew.
  for (const RawEntry &entry : entries)
    draws &= entry.function.getName() != "step" ||
             llvm::none_of(entry.args, [](const RawArg &arg) {
               return arg.slot.getRole() == Role::Input;
             });
  if (have.contains("step") && draws && m.kind == "model" &&
      hasDraws(m, entries, /*isSample=*/true))
    have.insert("sample");
  if (have.contains("predict") && drawsEach(m))
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
           f.name == "state_grad" || f.kind == rt::KindTrainStep;
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
    forEachParameter(
        f, [&](int i) { f.fromPrepared &= m.parameters[size_t(i)].kept >= 0; });
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
  FunctionBinder maker(library, m, entries);
  if (llvm::Error error = maker.makePrepare())
    return error;
  for (const std::string &name : possible(m, entries)) {
    const RawExport *named = nullptr;
    for (const RawExport &e : exports)
      if (e.function == name)
        named = &e;
    // Nobody can step without what comes before.
    bool isNeeded =
        name == "begin" && llvm::any_of(exports, [](const RawExport &e) {
          return e.function == "step";
        });
    bool shown = exports.empty() || exports.front().all || named || isNeeded;
    // What a search is as wide as stands in the export.
    shown &= name != "beam" || named;
    if (!shown)
      continue;
    llvm::Expected<Function> f = maker.make(name, named);
    if (!f)
      return f.takeError();
    if (f->times.size() > rt::kMaxTimes)
      return llvm::createStringError("`" + m.name + "." + name + "` has " +
                                     std::to_string(f->times.size()) +
                                     " time axes, a library has at most " +
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
