// DecodeCompute.cpp: instructions that compute. SPDX-License-Identifier:
// Apache-2.0 WITH LLVM-exception
#include "Decoder.h"

using namespace rnnc::ptx;

namespace {

/// Which operands have another type than the instruction.
enum class Shape : uint8_t {
  Same,   ///< all have its type
  Wide,   ///< the result and c have twice its bits
  Count,  ///< the result is a u32
  Amount, ///< all but the first are u32
  Insert  ///< c and the one behind it are u32
};

struct IntegerForm {
  std::string_view name;
  Op op;
  uint8_t arity;
  Shape shape;
};

} // namespace

static constexpr IntegerForm kIntegers[] = {
    {"add", Op::Add, 2, Shape::Same},
    {"sub", Op::Sub, 2, Shape::Same},
    {"addc", Op::AddCarry, 2, Shape::Same},
    {"subc", Op::SubCarry, 2, Shape::Same},
    {"div", Op::Div, 2, Shape::Same},
    {"rem", Op::Rem, 2, Shape::Same},
    {"min", Op::Min, 2, Shape::Same},
    {"max", Op::Max, 2, Shape::Same},
    {"and", Op::And, 2, Shape::Same},
    {"or", Op::Or, 2, Shape::Same},
    {"xor", Op::Xor, 2, Shape::Same},
    {"shl", Op::Shl, 2, Shape::Amount},
    {"shr", Op::Shr, 2, Shape::Amount},
    {"not", Op::Not, 1, Shape::Same},
    {"cnot", Op::Cnot, 1, Shape::Same},
    {"neg", Op::Neg, 1, Shape::Same},
    {"abs", Op::Abs, 1, Shape::Same},
    {"clz", Op::Clz, 1, Shape::Count},
    {"popc", Op::Popc, 1, Shape::Count},
    {"brev", Op::Brev, 1, Shape::Same},
    {"bfind", Op::Bfind, 1, Shape::Count},
    {"bfe", Op::Bfe, 3, Shape::Amount},
    {"bfi", Op::Bfi, 4, Shape::Insert},
    {"sad", Op::Sad, 3, Shape::Same},
    {"prmt", Op::Prmt, 3, Shape::Same}};

static Type twice(Type type) {
  switch (type) {
  case Type::U16:
    return Type::U32;
  case Type::S16:
    return Type::S32;
  case Type::S32:
    return Type::S64;
  default:
    return Type::U64;
  }
}

bool Decoder::compute(const Statement &s) {
  Modifiers m(s);
  if (m.take("pred"))
    return m.left() ? unknown(s, m) : computePredicate(s);
  std::optional<Type> type = m.takeType();
  if (!type)
    return refuse(s, "there is no type");
  if (isFloat(*type))
    return computeFloat(s, m, *type);
  return computeInteger(s, m, *type);
}

bool Decoder::computeInteger(const Statement &s, Modifiers &m, Type type) {
  IntegerForm form{};
  for (const IntegerForm &candidate : kIntegers)
    if (candidate.name == s.name)
      form = candidate;
  if (s.name == "mul" || s.name == "mad") {
    bool isMad = s.name == "mad";
    int part = m.takeOneOf({"lo", "hi", "wide"});
    if (part < 0)
      return refuse(s, "neither .lo nor .hi nor .wide");
    constexpr Op kOps[2][3] = {{Op::MulLo, Op::MulHi, Op::MulWide},
                               {Op::MadLo, Op::MadHi, Op::MadWide}};
    form = {s.name, kOps[isMad][part], uint8_t(isMad ? 3 : 2),
            part == 2 ? Shape::Wide : Shape::Same};
  }
  if (form.name.empty())
    return refuse(s, "is not known here");
  uint8_t carry = form.op == Op::AddCarry || form.op == Op::SubCarry ? 1 : 0;
  if (m.take("cc")) {
    if (s.name != "add" && s.name != "sub" && !carry)
      return refuse(s, "`.cc` is not known here");
    form.op = s.name.starts_with("add") ? Op::AddCarry : Op::SubCarry;
    carry |= 2;
  }
  if (s.name == "bfind" && m.take("shiftamt"))
    form.op = Op::BfindShift;
  if (m.left())
    return unknown(s, m);
  Handler handler = pickInteger(form.op, type);
  if (!checked(s, handler, type) || !hasOperands(s, form.arity + 1u))
    return false;
  Slot slots[4], d;
  for (unsigned k = 0; k < form.arity; ++k) {
    Type of = type;
    if ((form.shape == Shape::Amount && k > 0) ||
        (form.shape == Shape::Insert && k > 1))
      of = Type::U32;
    if (form.shape == Shape::Wide && k == 2)
      of = twice(type);
    if (!source(s, s.operands[k + 1], of, slots[k]))
      return false;
  }
  Type result = form.shape == Shape::Wide    ? twice(type)
                : form.shape == Shape::Count ? Type::U32
                                             : type;
  if (!target(s, s.operands[0], result, d))
    return false;
  Inst &inst = emit(s, handler);
  inst.d = d;
  inst.a = slots[0];
  inst.b = slots[1];
  inst.c = slots[2];
  inst.e = slots[3];
  inst.type = type;
  inst.kind = carry;
  return true;
}

bool Decoder::computePredicate(const Statement &s) {
  Op op = s.name == "and"   ? Op::And
          : s.name == "or"  ? Op::Or
          : s.name == "xor" ? Op::Xor
          : s.name == "not" ? Op::Not
                            : Op::Add;
  unsigned arity = op == Op::Not ? 1 : 2;
  if (op == Op::Add)
    return refuse(s, "is not known here for .pred");
  if (!hasOperands(s, arity + 1))
    return false;
  Slot d, a, b;
  bool notA = false, notB = false, ignored;
  if (!predicate(s, s.operands[1], a, notA) ||
      (arity == 2 && !predicate(s, s.operands[2], b, notB)) ||
      !predicate(s, s.operands[0], d, ignored))
    return false;
  Inst &inst = emit(s, combinePredicates);
  inst.d = d;
  inst.a = a;
  inst.b = arity == 2 ? b : a;
  inst.kind = uint8_t(op);
  inst.imm = (notA != (op == Op::Not)) | notB << 1;
  return true;
}

static Rounding takeRounding(Modifiers &m, bool &isThere) {
  int which = m.takeOneOf({"rn", "rz", "rm", "rp"});
  isThere = which >= 0;
  return isThere ? Rounding(which) : Rounding::Nearest;
}

bool Decoder::computeFloat(const Statement &s, Modifiers &m, Type type) {
  bool isRounded;
  Rounding rounding = takeRounding(m, isRounded);
  bool ftz = m.take("ftz"), saturate = m.take("sat"), relu = m.take("relu");
  bool isApproximate = m.take("approx") || m.take("full");
  bool nan = m.take("NaN");
  // add.rn.f32.bf16: an f32 and a bf16.
  Type narrow = m.takeType().value_or(Type::None);
  if (m.left())
    return unknown(s, m);
  Op op;
  unsigned arity = 2;
  if (s.name == "add")
    op = Op::Add;
  else if (s.name == "sub")
    op = Op::Sub;
  else if (s.name == "mul")
    op = Op::Mul;
  else if (s.name == "min")
    op = nan ? Op::MinNan : Op::Min;
  else if (s.name == "max")
    op = nan ? Op::MaxNan : Op::Max;
  else if (s.name == "div")
    op = isApproximate ? Op::ApproxDiv : Op::Div;
  else if (s.name == "copysign")
    op = Op::Copysign;
  else if (s.name == "fma" || s.name == "mad")
    op = Op::Fma, arity = 3;
  else if (s.name == "neg")
    op = Op::Neg, arity = 1;
  else if (s.name == "abs")
    op = Op::Abs, arity = 1;
  else if (s.name == "rcp")
    op = isApproximate ? Op::ApproxRcp : Op::Rcp, arity = 1;
  else if (s.name == "sqrt")
    op = isApproximate ? Op::ApproxSqrt : Op::Sqrt, arity = 1;
  else
    return refuse(s, std::string("is not known here for .") + nameOf(type));
  bool needsMode =
      op == Op::Fma || op == Op::Div || op == Op::Rcp || op == Op::Sqrt;
  if (needsMode && !isRounded)
    return refuse(s, "there is no mode of rounding");
  bool isHalf = type != Type::F32 && type != Type::F64;
  if (narrow != Type::None &&
      (type != Type::F32 || (narrow != Type::F16 && narrow != Type::BF16) ||
       (op != Op::Add && op != Op::Sub && op != Op::Fma)))
    return refuse(s, "such types are not known here");
  if (nan && op != Op::MinNan && op != Op::MaxNan)
    return refuse(s, "`.NaN` is not known here");
  if (ftz && type == Type::F64 && op != Op::ApproxRcp)
    return refuse(s, "`.ftz` of .f64");
  if (isHalf && rounding != Rounding::Nearest)
    return refuse(s, "such rounding of ." + std::string(nameOf(type)));
  return emitFloat(s, op, type, arity, rounding, ftz && type == Type::F32,
                   saturate, relu, isApproximate, narrow);
}

Slot Decoder::widened(const Statement &s, const Slot &slot, Type type) {
  Slot made = allocate(4);
  Inst &inst = emitMore(s, convert);
  inst.d = made;
  inst.a = slot;
  inst.type = Type::F32;
  inst.bytes = uint8_t(type);
  return made;
}

Slot Decoder::flushed(const Statement &s, const Slot &slot) {
  Slot made = allocate(4);
  Inst &inst = emitMore(s, pickFloat(Op::FlushSubnormal, Type::F32));
  inst.d = made;
  inst.a = slot;
  return made;
}

bool Decoder::emitFloat(const Statement &s, Op op, Type type, unsigned arity,
                        Rounding rounding, bool ftz, bool saturate, bool relu,
                        bool isApproximate, Type narrow) {
  bool isHalf = type != Type::F32 && type != Type::F64;
  Handler handler = isApproximate                   ? pickApproximate(op, type)
                    : isHalf                        ? pickHalf(op, type)
                    : rounding != Rounding::Nearest ? pickRounded(op, type)
                                                    : pickFloat(op, type);
  if (!checked(s, handler, type) || !hasOperands(s, arity + 1))
    return false;
  Slot d, slots[3];
  for (unsigned k = 0; k < arity; ++k) {
    bool isNarrow = narrow != Type::None && k + 1 < arity;
    if (!source(s, s.operands[k + 1], isNarrow ? narrow : type, slots[k]))
      return false;
    if (isNarrow)
      slots[k] = widened(s, slots[k], narrow);
    if (ftz)
      slots[k] = flushed(s, slots[k]);
  }
  if (!target(s, s.operands[0], type, d))
    return false;
  // Half instructions read as many operands as they have only.
  Inst &inst = emit(s, handler);
  inst.d = d;
  inst.a = slots[0];
  inst.b = arity > 1 ? slots[1] : slots[0];
  inst.c = arity > 2 ? slots[2] : slots[0];
  inst.type = type;
  inst.kind = uint8_t(rounding);
  auto then = [&](Op next) {
    Handler after = isHalf ? pickHalf(next, type) : pickFloat(next, type);
    Inst &more = emitMore(s, after);
    more.d = more.a = more.b = more.c = d;
    return checked(s, after, type);
  };
  return (!ftz || then(Op::FlushSubnormal)) &&
         (!saturate || then(Op::Saturate)) && (!relu || then(Op::Relu));
}

bool Decoder::approximate(const Statement &s) {
  Modifiers m(s);
  Op op = s.name == "ex2"    ? Op::Ex2
          : s.name == "lg2"  ? Op::Lg2
          : s.name == "sin"  ? Op::Sin
          : s.name == "cos"  ? Op::Cos
          : s.name == "tanh" ? Op::Tanh
                             : Op::ApproxRsqrt;
  bool isApproximate = m.take("approx"), ftz = m.take("ftz");
  std::optional<Type> type = m.takeType();
  if (!isApproximate || !type || m.left())
    return unknown(s, m);
  return emitFloat(s, op, *type, 1, Rounding::Nearest,
                   ftz && *type == Type::F32, false, false, true);
}

bool Decoder::lop3(const Statement &s) {
  Modifiers m(s);
  if (m.takeType() != Type::B32 || m.left())
    return unknown(s, m);
  if (!hasOperands(s, 5))
    return false;
  Slot slots[3], d;
  for (unsigned k = 0; k < 3; ++k)
    if (!source(s, s.operands[k + 1], Type::B32, slots[k]))
      return false;
  if (s.operands[4].kind != Operand::Kind::Integer)
    return refuse(s, "its table is no number");
  if (!target(s, s.operands[0], Type::B32, d))
    return false;
  Inst &inst = emit(s, pickInteger(Op::Lop3, Type::B32));
  inst.d = d;
  inst.a = slots[0];
  inst.b = slots[1];
  inst.c = slots[2];
  inst.imm = s.operands[4].integer;
  return true;
}

bool Decoder::funnel(const Statement &s) {
  Modifiers m(s);
  int left = m.takeOneOf({"r", "l"}), clamp = m.takeOneOf({"wrap", "clamp"});
  if (left < 0 || clamp < 0 || m.takeType() != Type::B32 || m.left())
    return unknown(s, m);
  if (!hasOperands(s, 4))
    return false;
  Slot slots[3], d;
  for (unsigned k = 0; k < 3; ++k)
    if (!source(s, s.operands[k + 1], Type::U32, slots[k]))
      return false;
  if (!target(s, s.operands[0], Type::B32, d))
    return false;
  Inst &inst =
      emit(s, pickInteger(left ? Op::FunnelLeft : Op::FunnelRight, Type::B32));
  inst.d = d;
  inst.a = slots[0];
  inst.b = slots[1];
  inst.c = slots[2];
  inst.kind = uint8_t(clamp);
  return true;
}

/// a CMP b, into a predicate of its own.
bool Decoder::comparison(const Statement &s, Modifiers &m, Type type,
                         Slot &result) {
  int which = m.takeOneOf({"eq", "ne", "lt", "le", "gt", "ge", "equ", "neu",
                           "ltu", "leu", "gtu", "geu", "num", "nan"});
  // Of unsigned numbers.
  if (which < 0) {
    constexpr int kUnsigned[] = {2, 3, 4, 5};
    which = m.takeOneOf({"lo", "ls", "hi", "hs"});
    if (which < 0)
      return refuse(s, "there is no comparison");
    which = kUnsigned[which];
  }
  bool ftz = m.take("ftz");
  if (which > 5 && !isFloat(type))
    return refuse(s, "such a comparison of integers");
  Handler handler = pickCompare(Compare(which), type);
  Slot a, b;
  if (!checked(s, handler, type) || !source(s, s.operands[1], type, a) ||
      !source(s, s.operands[2], type, b))
    return false;
  if (ftz && type == Type::F32) {
    a = flushed(s, a);
    b = flushed(s, b);
  }
  Inst &inst = emit(s, handler);
  result = allocate(0);
  inst.d = result;
  inst.a = a;
  inst.b = b;
  return true;
}

/// setp.CMP{.and|.or|.xor}.type p{|q}, a, b{, {!}c}, and set.
bool Decoder::setp(const Statement &s) {
  Modifiers m(s);
  bool isSet = s.name == "set";
  std::optional<Type> to = isSet ? m.takeType() : Type::Pred;
  std::optional<Type> type = m.takeType();
  int combine = m.takeOneOf({"and", "or", "xor"});
  if (!type || !to || !hasOperands(s, combine < 0 ? 3 : 4))
    return type && to ? false : refuse(s, "there is no type");
  Slot compared, with;
  bool isNegated = false;
  if (!comparison(s, m, *type, compared))
    return false;
  if (m.left())
    return unknown(s, m);
  if (combine >= 0 && !predicate(s, s.operands[3], with, isNegated))
    return false;
  constexpr Op kOps[] = {Op::And, Op::Or, Op::Xor};
  auto give = [&](const Slot &d, bool isOpposite) {
    Inst &inst = emitMore(s, combinePredicates);
    inst.d = d;
    inst.a = compared;
    inst.b = combine < 0 ? compared : with;
    inst.kind = uint8_t(combine < 0 ? Op::Not : kOps[combine]);
    inst.imm = isOpposite | isNegated << 1;
  };
  const Operand &d = s.operands[0];
  if (isSet) {
    if (bytesOf(*to) != 4)
      return refuse(s, "a result of so many bits");
    Slot result, p = allocate(0);
    give(p, false);
    if (!target(s, d, *to, result))
      return false;
    Inst &inst = emitMore(s, predicateToValue);
    inst.d = result;
    inst.a = p;
    inst.imm = *to == Type::F32 ? 0x3f800000 : 0xffffffff;
    return true;
  }
  bool isPair = d.kind == Operand::Kind::Pair;
  Slot p, q;
  bool ignored;
  const Operand &first = isPair ? d.parts[0] : d;
  if (first.kind != Operand::Kind::Sink) {
    if (!predicate(s, first, p, ignored))
      return false;
    if (combine < 0 && !isPair) {
      kernel->code.back().d = p;
      return true;
    }
    give(p, false);
  }
  if (isPair && d.parts[1].kind != Operand::Kind::Sink) {
    if (!predicate(s, d.parts[1], q, ignored))
      return false;
    // The first result is there already.
    bool isOperand =
        combine >= 0 && !with.isConstant && with.offset == p.offset;
    if (isOperand || (s.guard >= 0 && registerSlot(s.guard).offset == p.offset))
      return refuse(s, "its first result is its operand or guard");
    give(q, true);
  }
  return true;
}

bool Decoder::select(const Statement &s) {
  Modifiers m(s);
  bool isSlct = s.name == "slct";
  m.take("ftz");
  std::optional<Type> type = m.takeType();
  std::optional<Type> by = isSlct ? m.takeType() : Type::Pred;
  if (!type || !by || m.left())
    return unknown(s, m);
  if (!hasOperands(s, 4))
    return false;
  Slot a, b, c, d;
  bool isNegated = false;
  if (isSlct ? !source(s, s.operands[3], *by, c)
             : !predicate(s, s.operands[3], c, isNegated))
    return false;
  if (*type == Type::Pred) {
    bool ignored;
    if (!predicate(s, s.operands[1], a, ignored) ||
        !predicate(s, s.operands[2], b, ignored) ||
        !predicate(s, s.operands[0], d, ignored))
      return false;
  } else if (!source(s, s.operands[1], *type, a) ||
             !source(s, s.operands[2], *type, b) ||
             !target(s, s.operands[0], *type, d)) {
    return false;
  }
  Handler handler = *type == Type::Pred
                        ? selectPredicate
                        : pickInteger(isSlct ? Op::Slct : Op::Selp, *type);
  if (!checked(s, handler, *type))
    return false;
  Inst &inst = emit(s, handler);
  inst.d = d;
  inst.a = isNegated ? b : a;
  inst.b = isNegated ? a : b;
  inst.c = c;
  inst.kind = *by == Type::F32;
  return true;
}

bool Decoder::move(const Statement &s) {
  Modifiers m(s);
  std::optional<Type> type = m.takeType();
  if (!type || m.left())
    return unknown(s, m);
  if (!hasOperands(s, 2))
    return false;
  const Operand &to = s.operands[0], &from = s.operands[1];
  if (*type == Type::Pred) {
    Slot d, a;
    bool isNegated, ignored;
    if (!predicate(s, from, a, isNegated) || !predicate(s, to, d, ignored))
      return false;
    Inst &inst = emit(s, combinePredicates);
    inst.d = d;
    inst.a = inst.b = a;
    inst.kind = uint8_t(Op::Not);
    inst.imm = isNegated;
    return true;
  }
  if (to.kind == Operand::Kind::Vector || from.kind == Operand::Kind::Vector)
    return movePacked(s, *type);
  Slot d, a;
  if (!target(s, to, *type, d))
    return false;
  bool isHigh = from.name == "%clock_hi" || from.name == "%globaltimer_hi";
  if (isHigh || from.name == "%clock" || from.name == "%clock64" ||
      from.name == "%globaltimer" || from.name == "%globaltimer_lo") {
    Inst &inst = emit(s, readClock);
    inst.d = d;
    inst.bytes = uint8_t(bytesOf(*type));
    inst.kind = isHigh;
    return inst.bytes >= 4 || refuse(s, "a clock of so few bits");
  }
  bool isConstant = from.kind == Operand::Kind::Integer && isFloat(*type);
  if (isConstant)
    a = constant(uint64_t(from.integer), bytesOf(*type));
  else if (!source(s, from, *type, a))
    return false;
  Inst &inst = emit(s, pickInteger(Op::Mov, *type));
  inst.d = d;
  inst.a = a;
  return checked(s, inst.run, *type);
}

static Type bitsOf(unsigned bytes) {
  return bytes == 1   ? Type::B8
         : bytes == 2 ? Type::B16
         : bytes == 4 ? Type::B32
                      : Type::B64;
}

/// mov.b64 %rd, {%r1, %r2} and back.
bool Decoder::movePacked(const Statement &s, Type type) {
  bool isUnpack = s.operands[0].kind == Operand::Kind::Vector;
  const Operand &vector = s.operands[isUnpack ? 0 : 1];
  const Operand &whole = s.operands[isUnpack ? 1 : 0];
  size_t count = vector.parts.size();
  if ((count != 2 && count != 4) || bytesOf(type) % count)
    return refuse(s, "so many parts");
  unsigned part = unsigned(bytesOf(type) / count);
  Slot one;
  if (isUnpack ? !source(s, whole, type, one) : !target(s, whole, type, one))
    return false;
  std::vector<Slot> slots(count);
  for (size_t k = 0; k < count; ++k) {
    const Operand &operand = vector.parts[k];
    if (isUnpack && operand.kind == Operand::Kind::Sink)
      slots[k].offset = ~0u;
    else if (isUnpack ? !target(s, operand, bitsOf(part), slots[k])
                      : !source(s, operand, bitsOf(part), slots[k]))
      return false;
  }
  Inst &inst = emit(s, isUnpack ? unpack : pack);
  (isUnpack ? inst.a : inst.d) = one;
  inst.list = std::move(slots);
  inst.bytes = uint8_t(part);
  return true;
}

bool Decoder::testp(const Statement &s) {
  Modifiers m(s);
  int which = m.takeOneOf(
      {"finite", "infinite", "number", "notanumber", "normal", "subnormal"});
  std::optional<Type> type = m.takeType();
  if (which < 0 || !type || m.left())
    return unknown(s, m);
  Slot d, a;
  bool ignored;
  if (!hasOperands(s, 2) || !source(s, s.operands[1], *type, a) ||
      !predicate(s, s.operands[0], d, ignored))
    return false;
  Inst &inst = emit(s, testProperty);
  inst.d = d;
  inst.a = a;
  inst.type = *type;
  inst.kind = uint8_t(which);
  return true;
}

bool Decoder::cvt(const Statement &s) {
  Modifiers m(s);
  std::optional<Type> to = m.takeType();
  if (to == Type::F16x2 || to == Type::BF16x2)
    return cvtPair(s, m, *to);
  std::optional<Type> from = m.takeType();
  if (!to || !from)
    return refuse(s, "there is no type");
  int whole = m.takeOneOf({"rni", "rzi", "rmi", "rpi"});
  int mode = m.takeOneOf({"rn", "rz", "rm", "rp", "rna"});
  bool ftz = m.take("ftz"), sat = m.take("sat"), relu = m.take("relu");
  if (m.left())
    return unknown(s, m);
  if (isFloat(*from) && !isFloat(*to) && whole < 0)
    return refuse(s, "there is no mode of rounding to an integer");
  bool isNarrowing =
      isFloat(*to) && (!isFloat(*from) || bytesOf(*to) < bytesOf(*from) ||
                       (*to == Type::TF32 && *from != Type::TF32));
  if (isNarrowing && mode < 0)
    return refuse(s, "there is no mode of rounding");
  if (!hasOperands(s, 2))
    return false;
  Slot d, a;
  if (!source(s, s.operands[1], *from, a, true) ||
      !target(s, s.operands[0], *to, d, true))
    return false;
  if (ftz && *from == Type::F32)
    a = flushed(s, a);
  bool isCast = !sat && !relu && whole < 0 && mode <= 0 &&
                !(isFloat(*from) && !isFloat(*to));
  Handler cast = isCast ? pickCast(*to, *from) : nullptr;
  Inst &inst = emit(s, cast ? cast : convert);
  inst.d = d;
  inst.a = a;
  inst.type = *to;
  inst.bytes = uint8_t(*from);
  inst.kind = uint8_t(whole >= 0 ? whole : mode >= 0 ? mode : 0);
  inst.imm = (whole >= 0 ? kToInteger : 0) | (sat ? kSaturate : 0) |
             (relu ? kRelu : 0);
  if (ftz && *to == Type::F32) {
    Inst &more = emitMore(s, pickFloat(Op::FlushSubnormal, Type::F32));
    more.d = more.a = d;
  }
  finish(s, s.operands[0], *to, d);
  return true;
}

/// cvt.rn.bf16x2.f32 d, a, b: a is the upper half.
bool Decoder::cvtPair(const Statement &s, Modifiers &m, Type to) {
  Type half = to == Type::F16x2 ? Type::F16 : Type::BF16;
  int mode = m.takeOneOf({"rn", "rz"});
  bool relu = m.take("relu");
  if (m.takeType() != Type::F32 || mode < 0 || m.left())
    return unknown(s, m);
  if (!hasOperands(s, 3))
    return false;
  std::vector<Slot> halves(2);
  for (unsigned k = 0; k < 2; ++k) {
    Slot a;
    if (!source(s, s.operands[2 - k], Type::F32, a))
      return false;
    halves[k] = allocate(2);
    Inst &inst = emitMore(s, convert);
    inst.d = halves[k];
    inst.a = a;
    inst.type = half;
    inst.bytes = uint8_t(Type::F32);
    inst.kind = uint8_t(mode);
    inst.imm = relu ? kRelu : 0;
  }
  Slot d;
  if (!target(s, s.operands[0], to, d))
    return false;
  Inst &inst = emit(s, pack);
  inst.d = d;
  inst.list = std::move(halves);
  inst.bytes = 2;
  return true;
}
