// DrawFunctions.cpp: the functions that draw sequences.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "FunctionBinder.h"

#include "rnnc/Runtime/Descriptors.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace rnnc;
using namespace rnnc::target;
using interface::Role;

llvm::Expected<Function> FunctionBinder::sample(const RawEntry &step) {
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

int32_t target::drawKind(const Port &port) {
  auto own = port.kind == "real" ? rt::DrawOwnReal : rt::DrawOwnIndex;
  return llvm::StringSwitch<int32_t>(port.distribution)
      .Case("categorical", rt::DrawCategorical)
      .Case("bernoulli", rt::DrawBernoulli)
      .Case("normal", rt::DrawNormal)
      .Case("laplace", rt::DrawLaplace)
      .Default(own);
}

/// `predict`, whose modes become draws; a compiled `sample` gives those of
/// distributions of the model's own itself.
llvm::Expected<Function> FunctionBinder::sampleEach(const RawEntry &predict) {
  Function f;
  f.name = "sample";
  f.kind = rt::KindDrawEach;
  f.usesSeed = true;
  f.start = f.stop = -1;
  if (llvm::Error error = bind(f, f.entry, predict))
    return std::move(error);
  bool hasScales = false;
  for (Arg &arg : f.args)
    for (const Port &p : m.ports)
      if (p.output && p.name == arg.name) {
        arg.drawn = 1 + drawKind(p);
        hasScales |= drawKind(p) <= rt::DrawLaplace;
        if (drawKind(p) == rt::DrawCategorical)
          f.symbols = std::max(f.symbols, int(p.size));
      }
  auto add = [&](llvm::StringRef name, rt::DType dtype, double value) {
    addArg(f, name, dtype, {}, rt::RoleOption, true);
    f.args.back().defaultValue = value;
  };
  if (hasScales)
    add("temperature", rt::F32, 1);
  if (f.symbols == 0)
    return f;
  add("top_k", rt::I32, 0);
  add("top_p", rt::F32, 1);
  add("never", rt::I32, -1);
  return f;
}

/// What the arguments of `begin` and `next` are to the loop around them.
llvm::Error FunctionBinder::bindDraw(Function &f, Entry &entry,
                                     const RawEntry &raw, const Port &drawn) {
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
    case Role::Seed: // the loop counts the steps in it
      return rt::SrcSeed;
    case Role::Reset: // its size is that of the batch
      return rt::SrcScratch;
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
    entry.results += arg.result;
  }
  entry.dims = shapeOf(f, raw.function.getDims());
  f.draw.numKept = kept;
  return llvm::Error::success();
}

void FunctionBinder::addDrawOptions(Function &f) {
  auto add = [&](llvm::StringRef name, rt::DType dtype, double value) {
    addArg(f, name, dtype, {}, rt::RoleOption, true);
    f.args.back().defaultValue = value;
  };
  bool isSample = f.draw.mode == rt::DrawSample;
  if (isSample && f.draw.kind <= rt::DrawLaplace)
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
void FunctionBinder::addDrawResults(Function &f, const Port &drawn,
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

llvm::Expected<Function> FunctionBinder::draw(llvm::StringRef name,
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
  f.draw.kind = drawKind(*drawn);
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
