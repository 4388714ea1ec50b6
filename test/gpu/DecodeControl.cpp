// DecodeControl.cpp: branches, calls, barriers, and what lanes do together.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Decoder.h"

using namespace rnnc::ptx;

const std::map<std::string, Decoder::Function1, std::less<>> &Decoder::table() {
  static const auto *table = [] {
    auto *made = new std::map<std::string, Function1, std::less<>>();
    for (const char *name :
         {"add",  "sub", "addc", "subc", "mul",  "mad",  "div",     "rem",
          "min",  "max", "and",  "or",   "xor",  "shl",  "shr",     "not",
          "cnot", "neg", "abs",  "clz",  "popc", "brev", "bfind",   "bfe",
          "bfi",  "sad", "prmt", "fma",  "rcp",  "sqrt", "copysign"})
      made->emplace(name, &Decoder::compute);
    for (const char *name : {"ex2", "lg2", "sin", "cos", "tanh", "rsqrt"})
      made->emplace(name, &Decoder::approximate);
    const std::pair<const char *, Function1> others[] = {
        {"lop3", &Decoder::lop3},
        {"shf", &Decoder::funnel},
        {"setp", &Decoder::setp},
        {"set", &Decoder::setp},
        {"selp", &Decoder::select},
        {"slct", &Decoder::select},
        {"mov", &Decoder::move},
        {"testp", &Decoder::testp},
        {"cvt", &Decoder::cvt},
        {"ld", &Decoder::access},
        {"st", &Decoder::access},
        {"atom", &Decoder::atom},
        {"red", &Decoder::atom},
        {"fence", &Decoder::memoryFence},
        {"membar", &Decoder::memoryFence},
        {"cvta", &Decoder::cvta},
        {"isspacep", &Decoder::isspacep},
        {"prefetch", &Decoder::prefetches},
        {"cp", &Decoder::cp},
        {"ldmatrix", &Decoder::ldmatrix},
        {"mma", &Decoder::mma},
        {"bra", &Decoder::bra},
        {"brx", &Decoder::brx},
        {"call", &Decoder::call},
        {"ret", &Decoder::ret},
        {"exit", &Decoder::exits},
        {"trap", &Decoder::exits},
        {"brkpt", &Decoder::exits},
        {"bar", &Decoder::bar},
        {"barrier", &Decoder::bar},
        {"shfl", &Decoder::shfl},
        {"vote", &Decoder::votes},
        {"match", &Decoder::matches},
        {"redux", &Decoder::redux},
        {"activemask", &Decoder::activemask},
        {"nanosleep", &Decoder::nanosleep}};
    for (const auto &[name, function] : others)
      made->emplace(name, function);
    return made;
  }();
  return *table;
}

bool Decoder::decode(const Statement &s) {
  if (kernel->code.size() > 4'000'000)
    return refuse(s, "so many instructions, calls put in line");
  auto found = table().find(s.name);
  if (found == table().end())
    return refuse(s, "is not known here");
  return (this->*found->second)(s);
}

bool Decoder::bra(const Statement &s) {
  Modifiers m(s);
  m.take("uni");
  if (m.left())
    return unknown(s, m);
  if (!hasOperands(s, 1))
    return false;
  branchTo(emit(s, branch), int(s.operands[0].integer));
  return true;
}

bool Decoder::brx(const Statement &s) {
  Modifiers m(s);
  m.take("uni");
  if (!m.take("idx") || m.left())
    return unknown(s, m);
  Slot index;
  if (!hasOperands(s, 2) || !source(s, s.operands[0], Type::U32, index))
    return false;
  Inst &inst = emit(s, branchIndexed);
  inst.a = index;
  for (int label : current->function->tables[size_t(s.operands[1].integer)])
    branchTo(inst, label);
  return true;
}

/// call{.uni} {(results),} function{, (arguments)}
bool Decoder::call(const Statement &s) {
  Modifiers m(s);
  m.take("uni");
  if (m.left())
    return unknown(s, m);
  std::vector<Operand> results, arguments;
  size_t at = 0;
  if (at < s.operands.size() && s.operands[at].kind == Operand::Kind::List)
    results = s.operands[at++].parts;
  if (at >= s.operands.size() || s.operands[at].kind != Operand::Kind::Symbol)
    return refuse(s, "a call of what is no function is not known here");
  const Function *callee = module.syntax.find(s.operands[at++].name);
  if (at < s.operands.size() && s.operands[at].kind == Operand::Kind::List)
    arguments = s.operands[at++].parts;
  if (at != s.operands.size())
    return refuse(s, "a call of what is no function is not known here");
  if (!callee || callee->isDeclaration || callee->isEntry)
    return refuse(s, "nothing gives that function");
  if (results.size() != callee->numResults ||
      arguments.size() != callee->numParams)
    return refuse(s, callee->name + " has another number of parameters");
  Instance instance{callee, 0, 0, {}, -1};
  std::vector<Operand> all = std::move(results);
  all.insert(all.end(), arguments.begin(), arguments.end());
  for (size_t k = 0; k < all.size(); ++k) {
    const Variable &formal = callee->variables[k];
    if (formal.isRegister)
      return refuse(s, "a parameter in a register is not known here");
    if (all[k].kind != Operand::Kind::Symbol || all[k].variable < 0)
      return refuse(s, "an argument that is no .param variable");
    const Placed &placed = current->variables[size_t(all[k].variable)];
    if (placed.space == Space::Param || placed.bytes < formal.bytes)
      return refuse(s, "an argument of another size");
    instance.variables.push_back(placed);
  }
  // Lanes that do not call go on behind it.
  instance.end = int(positions.size());
  positions.push_back(-1);
  if (s.guard >= 0) {
    Inst &skip = emit(s, branch);
    skip.isGuardNegated = !skip.isGuardNegated;
    branches.emplace_back(size_t(&skip - kernel->code.data()), instance.end);
  }
  if (!decodeFunction(*callee, instance))
    return false;
  positions[size_t(instance.end)] = int(kernel->code.size());
  return true;
}

bool Decoder::ret(const Statement &s) {
  Modifiers m(s);
  m.take("uni");
  if (m.left())
    return unknown(s, m);
  if (!hasOperands(s, 0))
    return false;
  if (current->end < 0) {
    emit(s, exitThread);
    return true;
  }
  Inst &inst = emit(s, branch);
  branches.emplace_back(size_t(&inst - kernel->code.data()), current->end);
  return true;
}

bool Decoder::exits(const Statement &s) {
  if (!s.modifiers.empty())
    return refuse(s, "is not known here");
  if (!hasOperands(s, 0))
    return false;
  emit(s, s.name == "exit" ? exitThread : trap);
  return true;
}

/// bar.sync is barrier.sync.aligned.
bool Decoder::bar(const Statement &s) {
  Modifiers m(s);
  m.take("cta");
  bool isAligned = m.take("aligned") || s.name == "bar";
  if (!m.take("warp"))
    return barOf(s, m, isAligned);
  Slot members;
  if (!m.take("sync") || m.left())
    return unknown(s, m);
  if (!hasOperands(s, 1) || !source(s, s.operands[0], Type::U32, members))
    return false;
  emit(s, warpBarrier).a = members;
  return true;
}

bool Decoder::barOf(const Statement &s, Modifiers &m, bool isAligned) {
  int what = m.takeOneOf({"sync", "arrive", "red"});
  int op = what == 2 ? m.takeOneOf({"popc", "and", "or"}) : -1;
  m.take("all");
  Type type = Type::None;
  if (what == 2)
    type = m.take("pred") ? Type::Pred : m.takeType().value_or(Type::None);
  if (what < 0 || (what == 2 && op < 0) || m.left())
    return unknown(s, m);
  size_t first = what == 2 ? 1 : 0;
  size_t last = what == 2 ? s.operands.size() - 1 : s.operands.size();
  if (!hasOperands(s, first + (what == 1 ? 2 : 1) + (what == 2),
                   first + 2 + (what == 2)))
    return false;
  Slot id, count, p, d;
  bool isNegated = false, ignored, hasCount = last - first == 2;
  if (!source(s, s.operands[first], Type::U32, id) ||
      (hasCount && !source(s, s.operands[first + 1], Type::U32, count)))
    return false;
  if (what == 2 && (!predicate(s, s.operands.back(), p, isNegated) ||
                    (op == 0 ? !target(s, s.operands[0], type, d)
                             : !predicate(s, s.operands[0], d, ignored))))
    return false;
  constexpr BarrierKind kKinds[] = {BarrierKind::RedPopc, BarrierKind::RedAnd,
                                    BarrierKind::RedOr};
  Inst &inst = emit(s, barrier);
  kernel->hasBarriers = true;
  inst.a = id;
  inst.b = count;
  inst.c = p;
  inst.d = d;
  inst.imm = isNegated;
  inst.hasCount = hasCount;
  inst.isAligned = isAligned;
  inst.kind = uint8_t(what == 2   ? kKinds[op]
                      : what == 1 ? BarrierKind::Arrive
                                  : BarrierKind::Sync);
  return true;
}

/// A result and, behind `|`, a predicate that nobody may want.
static const Operand &firstOf(const Operand &operand) {
  return operand.kind == Operand::Kind::Pair ? operand.parts[0] : operand;
}

bool Decoder::shfl(const Statement &s) {
  Modifiers m(s);
  bool isSync = m.take("sync");
  int mode = m.takeOneOf({"up", "down", "bfly", "idx"});
  if (!isSync || mode < 0 || m.takeType() != Type::B32 || m.left())
    return unknown(s, m);
  if (!hasOperands(s, 5))
    return false;
  Slot slots[4], d, p;
  p.offset = ~0u;
  for (unsigned k = 0; k < 4; ++k)
    if (!source(s, s.operands[k + 1], k ? Type::U32 : Type::B32, slots[k]))
      return false;
  const Operand &to = s.operands[0];
  bool ignored;
  if (!target(s, firstOf(to), Type::B32, d) ||
      (to.kind == Operand::Kind::Pair &&
       to.parts[1].kind != Operand::Kind::Sink &&
       !predicate(s, to.parts[1], p, ignored)))
    return false;
  Inst &inst = emit(s, shuffle);
  inst.d = d;
  inst.d2 = p;
  inst.a = slots[0];
  inst.b = slots[1];
  inst.c = slots[2];
  inst.e = slots[3];
  inst.kind = uint8_t(mode);
  return true;
}

bool Decoder::votes(const Statement &s) {
  Modifiers m(s);
  bool isSync = m.take("sync");
  int mode = m.takeOneOf({"all", "any", "uni", "ballot"});
  bool isType = mode == 3 ? m.takeType() == Type::B32 : m.take("pred");
  if (!isSync || mode < 0 || !isType || m.left())
    return unknown(s, m);
  if (!hasOperands(s, 3))
    return false;
  Slot d, a, members;
  bool isNegated, ignored;
  if (!predicate(s, s.operands[1], a, isNegated) ||
      !source(s, s.operands[2], Type::U32, members) ||
      (mode == 3 ? !target(s, s.operands[0], Type::B32, d)
                 : !predicate(s, s.operands[0], d, ignored)))
    return false;
  Inst &inst = emit(s, vote);
  inst.d = d;
  inst.a = a;
  inst.b = members;
  inst.kind = uint8_t(mode);
  inst.imm = isNegated;
  return true;
}

bool Decoder::matches(const Statement &s) {
  Modifiers m(s);
  int mode = m.takeOneOf({"any", "all"});
  bool isSync = m.take("sync");
  std::optional<Type> type = m.takeType();
  if (!isSync || mode < 0 || !type || bytesOf(*type) < 4 || m.left())
    return unknown(s, m);
  if (!hasOperands(s, 3))
    return false;
  Slot d, p, a, members;
  p.offset = ~0u;
  bool ignored;
  const Operand &to = s.operands[0];
  if (!source(s, s.operands[1], *type, a) ||
      !source(s, s.operands[2], Type::U32, members) ||
      !target(s, firstOf(to), Type::B32, d) ||
      (to.kind == Operand::Kind::Pair &&
       to.parts[1].kind != Operand::Kind::Sink &&
       !predicate(s, to.parts[1], p, ignored)))
    return false;
  Inst &inst = emit(s, match);
  inst.d = d;
  inst.d2 = p;
  inst.a = a;
  inst.b = members;
  inst.bytes = uint8_t(bytesOf(*type));
  inst.kind = uint8_t(mode);
  return true;
}

bool Decoder::redux(const Statement &s) {
  Modifiers m(s);
  bool isSync = m.take("sync");
  int op = m.takeOneOf({"add", "min", "max", "and", "or", "xor"});
  std::optional<Type> type = m.takeType();
  if (!isSync || op < 0 || !type || bytesOf(*type) != 4 || isFloat(*type) ||
      m.left())
    return unknown(s, m);
  Slot d, a, members;
  if (!hasOperands(s, 3) || !source(s, s.operands[1], *type, a) ||
      !source(s, s.operands[2], Type::U32, members) ||
      !target(s, s.operands[0], *type, d))
    return false;
  Inst &inst = emit(s, reduce);
  inst.d = d;
  inst.a = a;
  inst.b = members;
  inst.type = *type;
  inst.kind = uint8_t(op);
  return true;
}

bool Decoder::activemask(const Statement &s) {
  Modifiers m(s);
  Slot d;
  if (m.takeType() != Type::B32 || m.left())
    return unknown(s, m);
  if (!hasOperands(s, 1) || !target(s, s.operands[0], Type::B32, d))
    return false;
  emit(s, activeMask).d = d;
  return true;
}

bool Decoder::nanosleep(const Statement &s) {
  Modifiers m(s);
  Slot ignored;
  if (m.takeType() != Type::U32 || m.left())
    return unknown(s, m);
  if (!hasOperands(s, 1) || !source(s, s.operands[0], Type::U32, ignored))
    return false;
  emit(s, sleepThread);
  return true;
}
