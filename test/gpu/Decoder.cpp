// Decoder.cpp: kernels, their variables, registers and constants.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Decoder.h"

#include <algorithm>

using namespace rnnc::ptx;

bool Modifiers::take(std::string_view name) {
  for (size_t k = 0; k < used.size(); ++k)
    if (!used[k] && statement.modifiers[k] == name)
      return used[k] = true;
  return false;
}

int Modifiers::takeOneOf(std::initializer_list<std::string_view> names) {
  int index = 0;
  for (std::string_view name : names) {
    if (take(name))
      return index;
    ++index;
  }
  return -1;
}

std::optional<Type> Modifiers::takeType() {
  for (size_t k = 0; k < used.size(); ++k)
    if (!used[k])
      if (std::optional<Type> type = typeOf(statement.modifiers[k])) {
        used[k] = true;
        return type;
      }
  return std::nullopt;
}

std::optional<Space> Modifiers::takeSpace() {
  for (size_t k = 0; k < used.size(); ++k)
    if (!used[k])
      if (std::optional<Space> space = spaceOf(statement.modifiers[k])) {
        used[k] = true;
        return space;
      }
  return std::nullopt;
}

bool Modifiers::takePrefix(std::string_view prefix) {
  for (size_t k = 0; k < used.size(); ++k)
    if (!used[k] &&
        std::string_view(statement.modifiers[k]).starts_with(prefix))
      return used[k] = true;
  return false;
}

const std::string *Modifiers::left() const {
  for (size_t k = 0; k < used.size(); ++k)
    if (!used[k])
      return &statement.modifiers[k];
  return nullptr;
}

bool Decoder::refuse(int line, std::string reason) {
  refusal = {line, std::move(reason)};
  return false;
}

bool Decoder::unknown(const Statement &s, const Modifiers &modifiers) {
  if (const std::string *left = modifiers.left())
    return refuse(s, "`." + *left + "` is not known here");
  return refuse(s, "is not known here");
}

/// Aligned to `align` and no better, with a gap before.
static uint64_t placeExactly(uint64_t top, uint64_t align) {
  constexpr uint64_t kGapBytes = 32;
  uint64_t start = (top + kGapBytes + 2 * align - 1) / (2 * align);
  return start * 2 * align + align;
}

static uint64_t roundUp(uint64_t value, uint64_t align) {
  return (value + align - 1) / align * align;
}

/// Shared variables that the kernel and what it calls use.
bool Decoder::collectShared(const Function &function,
                            std::set<const Function *> &seen,
                            std::vector<const Variable *> &found) {
  if (!seen.insert(&function).second)
    return true;
  for (const Variable &variable : function.variables)
    if (variable.space == Space::Shared)
      found.push_back(&variable);
  auto look = [&](const Operand &operand, auto &&self) -> bool {
    for (const Operand &part : operand.parts)
      if (!self(part, self))
        return false;
    if (operand.name.empty() || operand.variable >= 0)
      return true;
    for (const Variable &variable : module.syntax.variables)
      if (variable.name == operand.name && variable.space == Space::Shared &&
          std::find(found.begin(), found.end(), &variable) == found.end())
        found.push_back(&variable);
    const Function *callee = module.syntax.find(operand.name);
    return !callee || collectShared(*callee, seen, found);
  };
  for (const Statement &statement : function.statements)
    for (const Operand &operand : statement.operands)
      if (!look(operand, look))
        return false;
  return true;
}

bool Decoder::layOutShared() {
  std::set<const Function *> seen;
  std::vector<const Variable *> found;
  if (!collectShared(entry, seen, found))
    return false;
  uint64_t extent = 0, bytes = 0, dynamicAlign = 0;
  for (const Variable *variable : found) {
    if (variable->bytes == 0) {
      if (!variable->isExtern)
        return refuse(variable->line, variable->name + " has no size");
      dynamicAlign = std::max(dynamicAlign, variable->align);
      continue;
    }
    if (!variable->init.empty())
      return refuse(variable->line, "shared memory has no initial values");
    uint64_t offset = placeExactly(extent, variable->align);
    sharedOffsets[variable] = offset;
    kernel->sharedRanges.push_back({offset, variable->bytes});
    extent = offset + variable->bytes;
    bytes = roundUp(bytes, variable->align) + variable->bytes;
  }
  kernel->sharedBytes = bytes;
  if (bytes > 48 << 10)
    return refuse(entry.line, entry.name + " has " + std::to_string(bytes) +
                                  " bytes of static shared memory, more than "
                                  "48 KB");
  kernel->hasDynamicShared = dynamicAlign != 0;
  if (dynamicAlign)
    extent = placeExactly(extent, dynamicAlign);
  kernel->sharedExtent = extent;
  for (const Variable *variable : found)
    if (variable->bytes == 0)
      sharedOffsets[variable] = extent;
  return true;
}

void Decoder::layOutParams() {
  uint64_t at = 0;
  for (unsigned k = 0; k < entry.numParams; ++k) {
    const Variable &variable = entry.variables[k];
    at = roundUp(at, variable.align);
    kernel->params.push_back(
        {at, variable.bytes, variable.pointerAlign, variable.name});
    at += variable.bytes;
  }
  kernel->paramBytes = at;
}

Decoder::Placed Decoder::placeLocal(const Variable &variable) {
  Placed placed;
  placed.space = Space::Local;
  placed.offset = placeExactly(kernel->localBytes, variable.align);
  placed.bytes = variable.bytes;
  kernel->localBytes = placed.offset + variable.bytes;
  return placed;
}

std::unique_ptr<Kernel> Decoder::run() {
  kernel = std::make_unique<Kernel>();
  kernel->name = entry.name;
  kernel->line = entry.line;
  kernel->reqntid = entry.reqntid;
  kernel->maxntid = entry.maxntid;
  layOutParams();
  Instance instance{&entry, 0, 0, {}, -1};
  for (const Parameter &param : kernel->params)
    instance.variables.push_back({Space::Param, param.offset, param.bytes});
  if (!layOutShared() || !decodeFunction(entry, instance))
    return nullptr;
  Statement end;
  end.line =
      entry.statements.empty() ? entry.line : entry.statements.back().line;
  end.text = "exit";
  emit(end, exitThread);
  for (const auto &[at, label] : branches) {
    Inst &inst = kernel->code[at];
    uint32_t to = uint32_t(positions[size_t(label)]);
    if (inst.run == branchIndexed) {
      Slot slot;
      slot.offset = to;
      inst.list.push_back(slot);
    } else {
      inst.target = to;
    }
  }
  // What an assembler needs at least: registers that live at one place.
  unsigned most = 0;
  std::vector<int> change(kernel->code.size() + 2);
  for (const Used &used : lives) {
    change[used.first] += int(used.words);
    change[used.last + 1] -= int(used.words);
  }
  int alive = 0;
  for (int by : change)
    most = std::max(most, unsigned(alive += by));
  kernel->registersPerThread = std::clamp(most + 10, 16u, 255u);
  unsigned threads =
      kernel->reqntid[0] * kernel->reqntid[1] * kernel->reqntid[2];
  if (threads)
    kernel->registersPerThread =
        std::min(kernel->registersPerThread, 65536 / threads / 8 * 8);
  if (entry.maxRegisters)
    kernel->registersPerThread =
        std::min(kernel->registersPerThread, entry.maxRegisters);
  kernel->localBytes = roundUp(kernel->localBytes, 16);
  return std::move(kernel);
}

bool Decoder::decodeFunction(const Function &function, Instance &instance) {
  if (std::find(calls.begin(), calls.end(), &function) != calls.end())
    return refuse(function.line, function.name + " calls itself, which is not "
                                                 "known here");
  calls.push_back(&function);
  instance.registers = registers.size();
  registers.resize(registers.size() + function.registers.size());
  instance.labels = int(positions.size());
  positions.resize(positions.size() + size_t(function.numLabels), -1);
  for (size_t k = instance.variables.size(); k < function.variables.size();
       ++k) {
    const Variable &variable = function.variables[k];
    if (variable.space == Space::Shared)
      instance.variables.push_back(
          {Space::Shared, sharedOffsets[&variable], variable.bytes});
    else
      instance.variables.push_back(placeLocal(variable));
  }
  Instance *before = current;
  current = &instance;
  for (const Statement &statement : function.statements) {
    if (statement.label >= 0)
      positions[size_t(instance.labels + statement.label)] =
          int(kernel->code.size());
    else if (!decode(statement))
      return false;
  }
  current = before;
  calls.pop_back();
  return true;
}

Slot Decoder::allocate(unsigned bytes) {
  Slot slot;
  slot.isConstant = false;
  slot.offset = kernel->registerBytes;
  slot.def = kernel->numDefs++;
  // A predicate is one word.
  kernel->registerBytes += bytes ? bytes * kLanes : 4;
  kernel->registerBytes = uint32_t(roundUp(kernel->registerBytes, 32));
  return slot;
}

Type Decoder::registerType(int reg) const {
  return current->function->registers[size_t(reg)].type;
}

Slot Decoder::registerSlot(int reg) {
  size_t index = current->registers + size_t(reg);
  Slot &slot = registers[index];
  if (slot.isConstant) { // not used before
    slot = allocate(bytesOf(registerType(reg)));
    lives.resize(std::max(lives.size(), size_t(slot.def) + 1));
    unsigned bytes = bytesOf(registerType(reg));
    lives[slot.def] = {kernel->code.size(), kernel->code.size(),
                       bytes > 4 ? 2u
                       : bytes   ? 1u
                                 : 0u};
  }
  lives[slot.def].last = kernel->code.size();
  return slot;
}

Slot Decoder::constant(uint64_t bits, unsigned bytes) {
  auto [at, isNew] = constants.try_emplace({bits, bytes});
  if (!isNew)
    return at->second;
  Slot &slot = at->second;
  slot.offset = uint32_t(kernel->constants.size());
  for (unsigned l = 0; l < kLanes; ++l)
    for (unsigned k = 0; k < bytes; ++k)
      kernel->constants.push_back(uint8_t(bits >> (8 * k)));
  return slot;
}

Slot Decoder::constantPredicate(bool value) {
  return constant(value ? ~uint64_t(0) : 0, 4);
}

static constexpr std::pair<std::string_view, Special> kSpecials[] = {
    {"%tid.x", Special::TidX},
    {"%tid.y", Special::TidY},
    {"%tid.z", Special::TidZ},
    {"%ntid.x", Special::NtidX},
    {"%ntid.y", Special::NtidY},
    {"%ntid.z", Special::NtidZ},
    {"%ctaid.x", Special::CtaidX},
    {"%ctaid.y", Special::CtaidY},
    {"%ctaid.z", Special::CtaidZ},
    {"%nctaid.x", Special::NctaidX},
    {"%nctaid.y", Special::NctaidY},
    {"%nctaid.z", Special::NctaidZ},
    {"%laneid", Special::LaneId},
    {"%warpid", Special::WarpId},
    {"%nwarpid", Special::NWarpId},
    {"%smid", Special::SmId},
    {"%nsmid", Special::NSmId},
    {"%gridid", Special::GridId},
    {"%lanemask_eq", Special::LaneMaskEq},
    {"%lanemask_le", Special::LaneMaskLe},
    {"%lanemask_lt", Special::LaneMaskLt},
    {"%lanemask_ge", Special::LaneMaskGe},
    {"%lanemask_gt", Special::LaneMaskGt},
    {"%dynamic_smem_size", Special::DynamicShared},
    {"%total_smem_size", Special::TotalShared},
    {"%envreg1", Special::EnvReg1},
    {"%envreg2", Special::EnvReg2}};

bool Decoder::special(const Statement &s, const std::string &name, Slot &slot) {
  for (const auto &[spelling, special] : kSpecials) {
    if (spelling != name)
      continue;
    auto [at, isNew] = specials.try_emplace(name);
    if (isNew) {
      at->second = allocate(4);
      kernel->specials.emplace_back(special, at->second);
    }
    slot = at->second;
    return true;
  }
  return refuse(s, name + " is not declared");
}

bool Decoder::symbol(const Statement &s, const Operand &operand, Space &space,
                     uint64_t &address, uint64_t *bytes) {
  uint64_t size = 0;
  if (operand.variable >= 0) {
    const Placed &placed = current->variables[size_t(operand.variable)];
    space = placed.space;
    address = placed.offset;
    size = placed.bytes;
  } else if (auto found = module.variables.find(operand.name);
             found != module.variables.end()) {
    space = found->second->isConst ? Space::Const : Space::Global;
    address = found->second->base;
    size = found->second->size;
  } else {
    const Variable *shared = nullptr;
    for (const Variable &variable : module.syntax.variables)
      if (variable.name == operand.name && sharedOffsets.count(&variable))
        shared = &variable;
    if (!shared)
      return refuse(s, operand.name + " is not declared");
    space = Space::Shared;
    address = sharedOffsets[shared];
    size = shared->bytes;
  }
  address += uint64_t(operand.integer);
  if (bytes)
    *bytes = size;
  return true;
}

bool Decoder::source(const Statement &s, const Operand &operand, Type type,
                     Slot &slot, bool cut) {
  unsigned bytes = bytesOf(type);
  Space space;
  uint64_t address = 0;
  switch (operand.kind) {
  case Operand::Kind::Register: {
    unsigned have = bytesOf(registerType(operand.reg));
    slot = registerSlot(operand.reg);
    if (operand.negated)
      return refuse(s, "`!` before what is no predicate");
    if (have == bytes)
      return true;
    if (!cut || have < bytes)
      return refuse(s, "a register of type ." +
                           std::string(nameOf(registerType(operand.reg))) +
                           " where one of ." + nameOf(type) + " belongs");
    Slot narrow = allocate(bytes);
    constexpr Type kUnsigned[] = {Type::U8, Type::U16, Type::U32, Type::U64};
    auto of = [&](unsigned n) {
      return kUnsigned[n == 1 ? 0 : n == 2 ? 1 : n == 4 ? 2 : 3];
    };
    Inst &inst = emitMore(s, pickCast(of(bytes), of(have)));
    inst.d = narrow;
    inst.a = slot;
    slot = narrow;
    return true;
  }
  case Operand::Kind::Integer:
    // `0f` is written before f32; f16 and bf16 have their bits.
    if (type == Type::F32 || type == Type::F64)
      return refuse(s, "an integer where a floating number belongs");
    slot = constant(uint64_t(operand.integer), bytes);
    return true;
  case Operand::Kind::Float:
    if (bytes == 4 && operand.wide)
      slot =
          constant(fromDouble(Type::F32, toDouble(Type::F64, operand.bits)), 4);
    else if (bytes == (operand.wide ? 8 : 4))
      slot = constant(operand.bits, bytes);
    else
      return refuse(s, "a floating number of another width");
    return true;
  case Operand::Kind::Special:
    if (bytes == 8) {
      Slot narrow;
      if (!special(s, operand.name, narrow))
        return false;
      slot = allocate(8);
      Inst &inst = emitMore(s, pickCast(Type::U64, Type::U32));
      inst.d = slot;
      inst.a = narrow;
      return true;
    }
    if (bytes != 4)
      return refuse(s, operand.name + " has 32 bits");
    return special(s, operand.name, slot);
  case Operand::Kind::Symbol:
    if (bytes != 8 && bytes != 4)
      return refuse(s, "an address of so few bits");
    if (!symbol(s, operand, space, address))
      return false;
    if (bytes == 4 && space != Space::Shared && space != Space::Local &&
        space != Space::Param)
      return refuse(s, "an address of so few bits");
    slot = constant(address, bytes);
    return true;
  default:
    return refuse(s, "an operand that does not belong there");
  }
}

bool Decoder::predicate(const Statement &s, const Operand &operand, Slot &slot,
                        bool &isNegated) {
  isNegated = operand.negated;
  if (operand.kind == Operand::Kind::Integer) {
    slot = constantPredicate(operand.integer != 0);
    return true;
  }
  if (operand.kind != Operand::Kind::Register ||
      registerType(operand.reg) != Type::Pred)
    return refuse(s, "a predicate belongs there");
  slot = registerSlot(operand.reg);
  return true;
}

bool Decoder::target(const Statement &s, const Operand &operand, Type type,
                     Slot &slot, bool widen) {
  unsigned bytes = bytesOf(type);
  if (operand.kind == Operand::Kind::Sink) {
    slot = allocate(bytes);
    return true;
  }
  if (operand.kind != Operand::Kind::Register || operand.negated)
    return refuse(s, "a result that is no register");
  unsigned have = bytesOf(registerType(operand.reg));
  slot = registerSlot(operand.reg);
  if (have == bytes)
    return true;
  if (!widen || have < bytes)
    return refuse(s, "a register of type ." +
                         std::string(nameOf(registerType(operand.reg))) +
                         " for a result of ." + nameOf(type));
  slot = allocate(bytes);
  return true;
}

void Decoder::finish(const Statement &s, const Operand &operand, Type type,
                     const Slot &slot) {
  if (operand.kind != Operand::Kind::Register)
    return;
  Slot to = registerSlot(operand.reg);
  if (to.offset == slot.offset)
    return;
  unsigned have = bytesOf(registerType(operand.reg));
  Type wide = have == 2 ? Type::U16 : have == 4 ? Type::U32 : Type::U64;
  Type narrow = type;
  if (isFloat(type) || !isSigned(type))
    narrow = bytesOf(type) == 1   ? Type::U8
             : bytesOf(type) == 2 ? Type::U16
                                  : Type::U32;
  Inst &inst = emitMore(s, pickCast(wide, narrow));
  inst.d = to;
  inst.a = slot;
}

bool Decoder::hasOperands(const Statement &s, size_t least, size_t most) {
  if (s.operands.size() >= least && s.operands.size() <= most)
    return true;
  return refuse(s, "so many operands: " + std::to_string(s.operands.size()));
}

Inst &Decoder::emit(const Statement &s, Handler handler) {
  kernel->code.emplace_back();
  Inst &inst = kernel->code.back();
  inst.run = handler;
  inst.line = s.line;
  inst.text = s.text;
  if (s.guard >= 0) {
    Slot guard = registerSlot(s.guard);
    inst.isGuarded = true;
    inst.isGuardNegated = s.guardNegated;
    inst.guard = guard.offset;
    inst.guardDef = guard.def;
  }
  return inst;
}

Inst &Decoder::emitMore(const Statement &s, Handler handler) {
  Inst &inst = emit(s, handler);
  inst.weight = 0;
  return inst;
}

bool Decoder::checked(const Statement &s, Handler handler, Type type) {
  return handler ||
         refuse(s, std::string("is not known here for .") + nameOf(type));
}

void Decoder::branchTo(Inst &inst, int label) {
  branches.emplace_back(size_t(&inst - kernel->code.data()),
                        current->labels + label);
}
