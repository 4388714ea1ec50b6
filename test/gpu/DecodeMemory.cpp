// DecodeMemory.cpp: instructions that go to memory. SPDX-License-Identifier:
// Apache-2.0 WITH LLVM-exception
#include "Decoder.h"

#include <cstdlib>

using namespace rnnc::ptx;

/// [%rd1+8], [name+8], [64]: a slot of addresses and what is added to them.
bool Decoder::address(const Statement &s, const Operand &operand, Space &space,
                      Inst &inst, Slot &slot, int64_t &displacement,
                      bool &isWide) {
  if (operand.kind != Operand::Kind::Address)
    return refuse(s, "an address belongs there");
  displacement = operand.integer;
  isWide = true;
  if (operand.reg >= 0) {
    unsigned bytes = bytesOf(registerType(operand.reg));
    if (bytes != 8 && bytes != 4)
      return refuse(s, "an address of so few bits");
    isWide = bytes == 8;
    slot = registerSlot(operand.reg);
    return true;
  }
  uint64_t at = 0;
  if (!operand.name.empty()) {
    Space of;
    if (!symbol(s, operand, of, at))
      return false;
    displacement = 0;
    bool isSame = of == space || (space == Space::Param && of == Space::Local);
    if (space == Space::Generic)
      at += of == Space::Shared  ? kSharedWindow
            : of == Space::Local ? kLocalWindow
            : of == Space::Param ? kParamWindow
                                 : 0;
    else if (!isSame)
      return refuse(s, operand.name + " is in ." + nameOf(of) + " memory");
    else
      space = of;
  }
  slot = constant(at, 8);
  return true;
}

bool Decoder::order(const Statement &s, Modifiers &m, Inst &inst) {
  int which = m.takeOneOf(
      {"weak", "relaxed", "acquire", "release", "acq_rel", "volatile"});
  int scope = m.takeOneOf({"cta", "gpu", "sys", "cluster"});
  if (scope == 3)
    return refuse(s, "`.cluster` is not known here");
  inst.isGpuScope = scope == 1 || scope == 2 || (scope < 0 && which == 5);
  inst.order = which <= 0   ? Order::Weak
               : which == 5 ? Order::Relaxed
                            : Order(which);
  inst.isStrong = inst.order != Order::Weak;
  if (which > 0 && which < 5 && scope < 0)
    return refuse(s, "an order without a scope");
  return true;
}

bool Decoder::elements(const Statement &s, const Operand &operand, Type type,
                       unsigned count, bool isLoad, std::vector<Slot> &slots) {
  bool isVector = operand.kind == Operand::Kind::Vector;
  if (isVector ? operand.parts.size() != count : count != 1)
    return refuse(s, "another number of elements");
  for (unsigned k = 0; k < count; ++k) {
    const Operand &part = isVector ? operand.parts[k] : operand;
    slots.emplace_back();
    if (isLoad && part.kind == Operand::Kind::Sink) {
      slots.back().offset = ~0u;
      continue;
    }
    bool isBits = part.kind == Operand::Kind::Integer && isFloat(type);
    if (isBits)
      slots.back() = constant(uint64_t(part.integer), bytesOf(type));
    else if (isLoad ? !target(s, part, type, slots.back(), true)
                    : !source(s, part, type, slots.back(), true))
      return false;
  }
  return true;
}

/// ld.param of a kernel's parameter at a place that is known.
bool Decoder::parameterAccess(const Statement &s, Inst &inst,
                              const Operand &operand, bool &isDone) {
  isDone = false;
  if (inst.space != Space::Param || operand.reg >= 0 || operand.name.empty())
    return true;
  Space of;
  uint64_t at = 0, size = 0;
  if (!symbol(s, operand, of, at, &size))
    return false;
  if (of != Space::Param)
    return true;
  if (inst.run == &ptx::store)
    return refuse(s, "a store to a parameter");
  unsigned total = unsigned(inst.bytes) * inst.count;
  if (operand.integer < 0 || uint64_t(operand.integer) + total > size)
    return refuse(s, "beyond the parameter " + operand.name);
  if (at % total)
    return refuse(s, "not aligned in the parameters");
  isDone = true;
  inst.run = loadParameter;
  inst.imm = int64_t(at);
  return true;
}

/// Of one access: chips from sm_100 on have wider ones.
unsigned Decoder::mostBytes() const {
  return std::atoi(module.syntax.target.c_str() + 3) >= 100 ? 32 : 16;
}

/// ld and st.
bool Decoder::access(const Statement &s) {
  Modifiers m(s);
  bool isLoad = s.name == "ld";
  Inst read;
  read.run = isLoad ? &ptx::load : &ptx::store;
  if (!order(s, m, read))
    return false;
  if (isLoad ? read.order == Order::Release : read.order == Order::Acquire)
    return refuse(s, "such an order");
  read.space = m.takeSpace().value_or(Space::Generic);
  read.isCached = isLoad && m.take("nc");
  // Hints for caches change no numbers.
  isLoad ? m.takeOneOf({"ca", "cg", "cs", "lu", "cv"})
         : m.takeOneOf({"wb", "cg", "cs", "wt"});
  while (m.takePrefix("L1::evict") || m.takePrefix("L1::no_allocate") ||
         m.takePrefix("L2::128B") || m.takePrefix("L2::64B") ||
         m.takePrefix("L2::256B"))
    ;
  int vector = m.takeOneOf({"v2", "v4", "v8"});
  read.count = uint8_t(vector < 0 ? 1 : 2 << vector);
  std::optional<Type> type = m.takeType();
  if (!type || m.left())
    return unknown(s, m);
  if (read.isCached && read.space != Space::Global)
    return refuse(s, "`.nc` outside of .global");
  read.type = *type;
  read.bytes = uint8_t(bytesOf(*type));
  if (!read.bytes || unsigned(read.bytes) * read.count > mostBytes())
    return refuse(s, "elements of so many bits");
  kernel->hasCachedLoads |= read.isCached;
  if (!hasOperands(s, 2))
    return false;
  const Operand &value = s.operands[isLoad ? 0 : 1];
  const Operand &place = s.operands[isLoad ? 1 : 0];
  bool isDone, isWide;
  if (!elements(s, value, *type, read.count, isLoad, read.list) ||
      !parameterAccess(s, read, place, isDone))
    return false;
  if (!isDone && !address(s, place, read.space, read, read.a, read.imm, isWide))
    return false;
  read.isAddressWide = !isDone && isWide;
  Inst &inst = emit(s, read.run);
  read.isGuarded = inst.isGuarded;
  read.isGuardNegated = inst.isGuardNegated;
  read.guard = inst.guard;
  read.guardDef = inst.guardDef;
  read.line = inst.line;
  read.text = inst.text;
  std::vector<Slot> slots = read.list;
  inst = std::move(read);
  for (unsigned k = 0; isLoad && k < slots.size(); ++k)
    if (slots[k].offset != ~0u)
      finish(s, value.kind == Operand::Kind::Vector ? value.parts[k] : value,
             *type, slots[k]);
  return true;
}

/// atom{.sem}{.scope}{.space}.op.type d, [a], b{, c}; red has no d.
bool Decoder::atom(const Statement &s) {
  Modifiers m(s);
  bool hasResult = s.name == "atom";
  Inst read;
  int sem = m.takeOneOf({"relaxed", "acquire", "release", "acq_rel"});
  int scope = m.takeOneOf({"cta", "gpu", "sys"});
  read.order = sem < 0 ? Order::Relaxed : Order(sem + 1);
  read.isGpuScope = scope != 0;
  read.space = m.takeSpace().value_or(Space::Generic);
  int op = m.takeOneOf(
      {"add", "min", "max", "and", "or", "xor", "exch", "cas", "inc", "dec"});
  m.take("noftz");
  std::optional<Type> type = m.takeType();
  if (op < 0 || !type || m.left())
    return unknown(s, m);
  AtomicOp atomicOp = AtomicOp(op);
  bool isSmall = bytesOf(*type) < 4 && !isFloat(*type);
  if (isSmall && (atomicOp != AtomicOp::Cas || bytesOf(*type) != 2))
    return refuse(s, std::string("is not known here for .") + nameOf(*type));
  if (isFloat(*type) && atomicOp != AtomicOp::Add)
    return refuse(s, std::string("is not known here for .") + nameOf(*type));
  if (read.space != Space::Generic && read.space != Space::Global &&
      read.space != Space::Shared)
    return refuse(s, "memory that only one thread has");
  bool isCas = atomicOp == AtomicOp::Cas;
  size_t first = hasResult ? 1 : 0;
  if (!hasOperands(s, first + (isCas ? 3 : 2)))
    return false;
  Slot a, b, c, d;
  int64_t displacement;
  bool isWide;
  d.offset = ~0u;
  if (!address(s, s.operands[first], read.space, read, a, displacement,
               isWide) ||
      !source(s, s.operands[first + 1], *type, b) ||
      (isCas && !source(s, s.operands[first + 2], *type, c)) ||
      (hasResult && s.operands[0].kind != Operand::Kind::Sink &&
       !target(s, s.operands[0], *type, d)))
    return false;
  Inst &inst = emit(s, atomic);
  inst.a = a;
  inst.b = b;
  inst.c = isCas ? c : b;
  inst.d = d;
  inst.type = *type;
  inst.bytes = uint8_t(bytesOf(*type));
  inst.kind = uint8_t(op);
  inst.space = read.space;
  inst.order = read.order;
  inst.isGpuScope = read.isGpuScope;
  inst.isStrong = true;
  inst.isAddressWide = isWide;
  inst.imm = displacement;
  return true;
}

/// fence{.sem}.scope and membar.scope
bool Decoder::memoryFence(const Statement &s) {
  Modifiers m(s);
  int scope;
  if (s.name == "membar") {
    scope = m.takeOneOf({"cta", "gl", "sys"});
  } else {
    m.takeOneOf({"sc", "acq_rel", "acquire", "release"});
    scope = m.takeOneOf({"cta", "gpu", "sys"});
  }
  if (scope < 0 || m.left())
    return unknown(s, m);
  if (!hasOperands(s, 0))
    return false;
  Inst &inst = emit(s, fence);
  inst.isGpuScope = scope != 0;
  inst.isStrong = true;
  return true;
}

bool Decoder::cvta(const Statement &s) {
  Modifiers m(s);
  bool isBack = m.take("to");
  std::optional<Space> space = m.takeSpace();
  std::optional<Type> type = m.takeType();
  if (!space || !type || bytesOf(*type) != 8 || m.left())
    return unknown(s, m);
  if (!hasOperands(s, 2))
    return false;
  Slot d, a;
  if (!source(s, s.operands[1], Type::U64, a) ||
      !target(s, s.operands[0], Type::U64, d))
    return false;
  Inst &inst = emit(s, isBack ? toSpace : toGeneric);
  inst.d = d;
  inst.a = a;
  inst.space = *space;
  return true;
}

bool Decoder::isspacep(const Statement &s) {
  Modifiers m(s);
  std::optional<Space> space = m.takeSpace();
  if (!space || m.left())
    return unknown(s, m);
  Slot d, a;
  bool ignored;
  if (!hasOperands(s, 2) || !source(s, s.operands[1], Type::U64, a) ||
      !predicate(s, s.operands[0], d, ignored))
    return false;
  Inst &inst = emit(s, isInSpace);
  inst.d = d;
  inst.a = a;
  inst.space = *space;
  return true;
}

bool Decoder::prefetches(const Statement &s) {
  Modifiers m(s);
  Space space = m.takeSpace().value_or(Space::Generic);
  if (m.takeOneOf({"L1", "L2"}) < 0 || m.left())
    return unknown(s, m);
  Inst read;
  Slot a;
  int64_t displacement;
  bool isWide;
  if (!hasOperands(s, 1) ||
      !address(s, s.operands[0], space, read, a, displacement, isWide))
    return false;
  Inst &inst = emit(s, prefetch);
  inst.a = a;
  inst.imm = displacement;
  inst.isAddressWide = isWide;
  return true;
}

/// cp.async.{ca,cg}.shared.global [to], [from], bytes{, read}; and its groups.
bool Decoder::cp(const Statement &s) {
  Modifiers m(s);
  if (!m.take("async"))
    return unknown(s, m);
  if (m.take("commit_group"))
    return m.left() ? unknown(s, m) : (emit(s, commitGroup), true);
  bool isAll = m.take("wait_all");
  if (isAll || m.take("wait_group")) {
    if (m.left())
      return unknown(s, m);
    if (!hasOperands(s, isAll ? 0 : 1))
      return false;
    if (!isAll && s.operands[0].kind != Operand::Kind::Integer)
      return refuse(s, "its number of groups is no number");
    emit(s, waitGroup).imm = isAll ? -1 : s.operands[0].integer;
    return true;
  }
  int cache = m.takeOneOf({"ca", "cg"});
  bool isShared = m.take("shared") || m.take("shared::cta");
  bool isGlobal = m.take("global");
  while (m.takePrefix("L2::128B") || m.takePrefix("L2::64B") ||
         m.takePrefix("L2::256B"))
    ;
  if (cache < 0 || !isShared || !isGlobal || m.left())
    return unknown(s, m);
  if (!hasOperands(s, 3, 4))
    return false;
  const Operand &size = s.operands[2];
  bool isSize = size.kind == Operand::Kind::Integer &&
                (size.integer == 16 ||
                 (cache == 0 && (size.integer == 4 || size.integer == 8)));
  if (!isSize)
    return refuse(s, "copies of such a size");
  Inst read;
  Space to = Space::Shared, from = Space::Global;
  Slot a, b, c;
  int64_t toBy, fromBy;
  bool isToWide, isFromWide;
  if (!address(s, s.operands[0], to, read, a, toBy, isToWide) ||
      !address(s, s.operands[1], from, read, b, fromBy, isFromWide) ||
      (s.operands.size() == 4 && !source(s, s.operands[3], Type::U32, c)))
    return false;
  Inst &inst = emit(s, copyAsync);
  inst.a = a;
  inst.b = b;
  inst.c = c;
  inst.bytes = uint8_t(size.integer);
  inst.kind = uint8_t(isToWide | (s.operands.size() == 4) << 1);
  inst.target = uint32_t(toBy);
  inst.imm = fromBy;
  inst.isAddressWide = isFromWide;
  return true;
}

bool Decoder::ldmatrix(const Statement &s) {
  Modifiers m(s);
  bool isKnown = m.take("sync") && m.take("aligned") && m.take("m8n8");
  int count = m.takeOneOf({"x1", "x2", "x4"});
  bool isTransposed = m.take("trans");
  Space space = m.takeSpace().value_or(Space::Generic);
  if (!isKnown || count < 0 || m.takeType() != Type::B16 || m.left())
    return unknown(s, m);
  if (!hasOperands(s, 2))
    return false;
  std::vector<Slot> slots;
  Inst read;
  Slot a;
  int64_t displacement;
  bool isWide;
  if (!elements(s, s.operands[0], Type::B32, 1u << count, true, slots) ||
      !address(s, s.operands[1], space, read, a, displacement, isWide))
    return false;
  for (Slot &slot : slots)
    if (slot.offset == ~0u)
      slot = allocate(4);
  Inst &inst = emit(s, loadMatrix);
  inst.a = a;
  inst.imm = displacement;
  inst.isAddressWide = isWide;
  inst.space = space;
  inst.kind = isTransposed;
  inst.count = uint8_t(1 << count);
  inst.list = std::move(slots);
  inst.e = constant(0xffffffff, 4);
  return true;
}

/// mma.sync.aligned.m16n8kK.row.col.f32.A.B.f32 d, a, b, c
bool Decoder::mma(const Statement &s) {
  Modifiers m(s);
  bool isKnown =
      m.take("sync") && m.take("aligned") && m.take("row") && m.take("col");
  int shape = m.takeOneOf({"m16n8k4", "m16n8k8", "m16n8k16"});
  std::optional<Type> d = m.takeType(), a = m.takeType(), b = m.takeType(),
                      c = m.takeType();
  if (!isKnown || shape < 0 || !a || m.left())
    return unknown(s, m);
  bool isTf32 = a == Type::TF32;
  bool isType = a == b && d == Type::F32 && c == Type::F32 &&
                (isTf32 || a == Type::F16 || a == Type::BF16);
  if (!isType || (isTf32 ? shape == 2 : shape == 0))
    return refuse(s, "such types and shape are not known here");
  unsigned k = 4u << shape, wide = isTf32 ? 1 : 2;
  unsigned counts[] = {4, 16 * k / 32 / wide, 8 * k / 32 / wide, 4};
  if (!hasOperands(s, 4))
    return false;
  std::vector<Slot> slots;
  for (unsigned n = 0; n < 4; ++n)
    if (!elements(s, s.operands[n], Type::B32, counts[n], false, slots))
      return false;
  for (unsigned n = 0; n < 4; ++n)
    if (slots[n].isConstant)
      return refuse(s, "a result that is no register");
  Inst &inst = emit(s, multiplyMatrices);
  inst.list = std::move(slots);
  inst.type = *a;
  inst.imm = k;
  inst.e = constant(0xffffffff, 4);
  return true;
}
