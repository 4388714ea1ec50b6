// Straight.cpp: where all lies in a call that lacks nothing.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The places are those that the runtime finds on its long way: lib/Runtime,
// placeStates and runEntryOnce in Call.cpp, viewOf in Objects.cpp. States of
// one row lie at places that are known here; those of more depend on the batch.
#include "Straight.h"

using namespace rnnc;
using namespace rnnc::target;
using rt::alignUp;

uint32_t target::usesOf(const Function &f) {
  uint32_t uses = f.kind == rt::KindSample ? rt::UsesStates : 0;
  uses |= f.fromPrepared ? 0 : rt::UsesParams;
  auto use = [&](const EntryArg &arg) {
    switch (arg.source) {
    case rt::SrcStateIn:
    case rt::SrcStateOut:
    case rt::SrcPrev:
    case rt::SrcPrevOut:
    case rt::SrcReset:
      uses |= rt::UsesStates;
      break;
    case rt::SrcPrepared:
      uses |= rt::UsesPanels;
      break;
    default:
      break;
    }
  };
  llvm::for_each(f.entry.args, use);
  if (f.begin)
    llvm::for_each(f.begin->args, use);
  // A batch of less than 2^31 rows of less than 2^31 bytes can be held.
  if (!f.times.empty())
    uses |= rt::UsesSizes;
  for (const Arg &arg : f.args) {
    if (arg.indexSize != 0 || arg.role == rt::RoleReset)
      uses |= rt::UsesValues;
    double row = 8;
    for (int64_t dim : arg.shape)
      row *= dim > 0 ? double(dim) : 1;
    if (row >= 0x1p31)
      uses |= rt::UsesSizes;
  }
  return uses;
}

namespace {

class Maker {
public:
  Maker(const Library &library, const Module &m, const Function &f)
      : m(m), f(f), real(library.real() == rt::F64 ? 8 : 4) {}

  std::optional<Straight> make();

private:
  bool canBeStraight() const;
  bool addIndices();
  void placeWorkspace();
  int64_t stateOffset(size_t state) const;
  std::optional<rt::PlaceDesc> placeOf(const EntryArg &arg, bool alone) const;
  bool addPlaces();

  const Module &m;
  const Function &f;
  const size_t real; ///< bytes of a real number
  Straight out;
};

} // namespace

/// One entry, whatever the values of its arguments are.
bool Maker::canBeStraight() const {
  bool once = f.kind == rt::KindPlain || f.kind == rt::KindStep;
  bool sized = !f.times.empty() || usesOf(f) & rt::UsesSizes;
  bool draws = f.usesSeed || f.optionalSeed;
  // Only a stream holds states that the compiler knows the place of.
  bool carries = usesOf(f) & rt::UsesStates && f.kind != rt::KindStep;
  if (!once || sized || draws || carries || !f.observed.empty() ||
      f.args.empty() || f.args.size() > size_t(rt::kMaxStraightArgs))
    return false;
  for (const Arg &arg : f.args)
    if (arg.role == rt::RoleReset)
      return false;
  return f.entry.dims.empty() || f.entry.dims == Shape{rt::kBatch};
}

bool Maker::addIndices() {
  for (size_t i = 0; i != f.args.size(); ++i) {
    const Arg &arg = f.args[i];
    if (arg.isResult() || arg.indexSize <= 0 || arg.shape.empty())
      continue;
    if (arg.shape.front() != rt::kBatch || arg.indexSize > INT32_MAX)
      return false;
    int64_t count = 1;
    for (size_t k = 1; k != arg.shape.size(); ++k)
      count *= arg.shape[k];
    out.indices.push_back({count, int32_t(i), int32_t(arg.indexSize)});
  }
  return true;
}

/// New states and elements, pointers to the arguments, the entry's own.
void Maker::placeWorkspace() {
  size_t used = 0;
  if (usesOf(f) & rt::UsesStates) {
    out.stateBytes = stateOffset(m.states.size());
    out.prevOut = out.stateBytes;
    used = alignUp(size_t(out.prevOut) + sizeof(int32_t));
    out.maxBatch = 1;
  }
  out.args = int64_t(used);
  out.work = int64_t(alignUp(used + f.entry.args.size() * sizeof(void *)));
}

/// Behind the first state of one row.
int64_t Maker::stateOffset(size_t state) const {
  size_t offset = 0;
  for (size_t s = 0; s != state; ++s)
    offset += alignUp(size_t(m.states[s].count) * real);
  return int64_t(offset);
}

std::optional<rt::PlaceDesc> Maker::placeOf(const EntryArg &arg,
                                            bool alone) const {
  auto at = [](rt::Base base, size_t offset) {
    return rt::PlaceDesc{int64_t(offset), base};
  };
  switch (arg.source) {
  case rt::SrcUser:
    return rt::PlaceDesc{0, rt::BaseUser + arg.index};
  case rt::SrcParam: {
    const Parameter &p = m.parameters[size_t(arg.index)];
    size_t kept = rt::keptOffset(size_t(m.prepared) * real);
    if (alone)
      return at(rt::BasePrepared, kept + size_t(p.kept) * real);
    return at(rt::BaseParams, rt::kArenaOffset + size_t(p.offset) * real);
  }
  case rt::SrcPrepared:
    return at(rt::BasePrepared, rt::kPanelsOffset);
  case rt::SrcStateIn:
    return at(rt::BaseStream,
              rt::statesOffset(1) + size_t(stateOffset(size_t(arg.index))));
  case rt::SrcStateOut:
    return at(rt::BaseWorkspace, size_t(stateOffset(size_t(arg.index))));
  case rt::SrcPrev:
    return at(rt::BaseStream, rt::prevOffset(1));
  case rt::SrcPrevOut:
    return at(rt::BaseWorkspace, size_t(out.prevOut));
  case rt::SrcReset:
    return at(rt::BaseStream, rt::kFreshOffset);
  case rt::SrcGiven:
    return at(rt::BaseGiven, 0);
  case rt::SrcNothing:
    return at(rt::BaseNothing, 0);
  default:
    return std::nullopt;
  }
}

bool Maker::addPlaces() {
  if (f.fromPrepared)
    out.alone.emplace();
  for (const EntryArg &arg : f.entry.args) {
    std::optional<rt::PlaceDesc> place = placeOf(arg, false);
    if (!place)
      return false;
    out.places.push_back(*place);
    if (out.alone)
      out.alone->push_back(*placeOf(arg, true));
  }
  return true;
}

std::optional<Straight> Maker::make() {
  if (!canBeStraight() || !addIndices())
    return std::nullopt;
  placeWorkspace();
  if (!addPlaces())
    return std::nullopt;
  out.needsPrepared = usesOf(f) & rt::UsesPanels;
  // Stricter than need be where types differ: such a call takes the long way.
  for (const Arg &arg : f.args)
    out.unaligned |= arg.dtype == rt::F64 || arg.dtype == rt::I64 ? 7
                     : arg.dtype == rt::I1                        ? 0
                                                                  : 3;
  return out;
}

std::optional<Straight> target::straightOf(const Library &library,
                                           const Module &m, const Function &f) {
  return Maker(library, m, f).make();
}
