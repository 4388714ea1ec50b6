// BindArguments.cpp: where the arguments of compiled functions come from.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "FunctionBinder.h"

#include "llvm/ADT/STLExtras.h"

using namespace rnnc;
using namespace rnnc::target;
using interface::Role;

int64_t target::elementsOf(const RawArg &arg) {
  mlir::ArrayAttr shape = arg.slot.getShape();
  auto size = shape.size() == 1 ? llvm::dyn_cast<mlir::IntegerAttr>(shape[0])
                                : mlir::IntegerAttr();
  return size ? size.getInt() : 0;
}

void FunctionBinder::collectTimes(Function &f, const RawEntry &raw) {
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

int64_t FunctionBinder::dimension(const Function &f,
                                  llvm::StringRef name) const {
  if (name == interface::kBatch)
    return rt::kBatch;
  return rt::kTime - (llvm::find(f.times, name) - f.times.begin());
}

Shape FunctionBinder::shapeOf(const Function &f, mlir::ArrayAttr sizes) const {
  Shape shape;
  for (mlir::Attribute size : sizes) {
    auto name = llvm::dyn_cast<mlir::StringAttr>(size);
    shape.push_back(name ? dimension(f, name)
                         : llvm::cast<mlir::IntegerAttr>(size).getInt());
  }
  return shape;
}

/// What limits the entries of an index: a number, or the length of a time axis
/// that the function knows.
static int64_t indexSize(const Function &f, const Port &port) {
  auto time = llvm::find(f.times, port.indexAxis);
  if (port.size > 0 || time == f.times.end())
    return port.size;
  return -1 - (time - f.times.begin());
}

int FunctionBinder::addArg(Function &f, llvm::StringRef name, rt::DType dtype,
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
      arg.indexSize = indexSize(f, p);
  f.args.push_back(arg);
  return int(f.args.size()) - 1;
}

int FunctionBinder::parameterIndex(llvm::StringRef name) const {
  if (!name.consume_front("marks."))
    name.consume_front("grad.");
  for (size_t i = 0; i < m.parameters.size(); ++i)
    if (m.parameters[i].name == name)
      return int(i);
  return -1;
}

int FunctionBinder::stateIndex(llvm::StringRef name) const {
  name.consume_front("state.");
  for (size_t i = 0; i < m.states.size(); ++i)
    if (m.states[i].name == name)
      return int(i);
  return -1;
}

/// The role of an argument that the caller gives, if it is one.
std::optional<rt::Role> FunctionBinder::userRole(const Function &f,
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

llvm::Error FunctionBinder::bindArg(Function &f, EntryArg &arg,
                                    const RawEntry &raw, const RawArg &from) {
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
          "` from chunk to chunk: it is not one index");
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
  case Role::Marks: // other functions write all rows: their choice is 0
    return f.kind == rt::KindTrainStep
               ? take(rt::SrcMarks, parameterIndex(name))
               : take(rt::SrcScratch);
  default:
    return unknown(raw, from);
  }
}

/// Binds all arguments, the lengths of time axes first.
llvm::Error FunctionBinder::bind(Function &f, Entry &entry,
                                 const RawEntry &raw) {
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
    entry.results += arg.result;
  }
  return llvm::Error::success();
}

llvm::Error FunctionBinder::bindUpdate(Entry &entry, const RawEntry &raw) {
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
    case Role::Marks:
      out.source = rt::SrcMarks;
      out.index = parameterIndex(arg.slot.getName());
      if (out.index < 0)
        return unknown(raw, arg);
      break;
    default:
      return unknown(raw, arg);
    }
    entry.args.push_back(out);
    entry.results += arg.result;
  }
  m.numSlots = slot;
  return llvm::Error::success();
}
