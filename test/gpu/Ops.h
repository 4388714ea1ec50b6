// Ops.h: what instructions compute, by operation and type.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TEST_GPU_OPS_H
#define RNNC_TEST_GPU_OPS_H

#include "Launch.h"

namespace rnnc::ptx {

enum class Op : uint8_t {
  // Of integers; operands are a, b, c.
  Add,
  Sub,
  AddCarry, ///< kind & 1: takes a carry; & 2: leaves one
  SubCarry,
  MulLo,
  MulHi,
  MulWide,
  Div,
  Rem,
  Min,
  Max,
  And,
  Or,
  Xor,
  Shl,
  Shr,
  Not,
  Cnot,
  Neg,
  Abs,
  Clz,
  Popc,
  Brev,
  Bfind,
  BfindShift,
  Bfe,
  Bfi,
  MadLo,
  MadHi,
  MadWide,
  Lop3, ///< `imm` is the table
  Prmt,
  FunnelLeft, ///< kind: clamp
  FunnelRight,
  Sad,
  // Of all types.
  Mov,
  Selp,
  Slct,   ///< c is an s32, or (kind) an f32
  Extend, ///< from `bytes` bytes; kind: signed
  // Of floating numbers; rounded to nearest.
  Mul,
  Fma,
  MinNan,
  MaxNan,
  Rcp,
  Sqrt,
  Copysign,
  FlushSubnormal,
  Saturate,
  Relu,
  // Approximate ones.
  ApproxDiv,
  ApproxRcp,
  ApproxSqrt,
  ApproxRsqrt,
  Ex2,
  Lg2,
  Sin,
  Cos,
  Tanh
};

enum class Compare : uint8_t {
  Eq,
  Ne,
  Lt,
  Le,
  Gt,
  Ge,
  Equ,
  Neu,
  Ltu,
  Leu,
  Gtu,
  Geu,
  Num,
  Nan
};

/// Handlers, or null where there is none for the type.
Handler pickInteger(Op op, Type type);
Handler pickFloat(Op op, Type type);
Handler pickHalf(Op op, Type type);    ///< f16, bf16, one or two
Handler pickRounded(Op op, Type type); ///< kind is the Rounding
Handler pickApproximate(Op op, Type type);
Handler pickCompare(Compare compare, Type type); ///< to a predicate
/// cvt in general. kind: the Rounding; imm: ConvertFlags; bytes: the Type from.
void convert(Warp &warp, const Inst &inst);
/// Those that are casts of C++, or null.
Handler pickCast(Type to, Type from);

/// Of predicates. kind: Op::And, Or, Xor; imm bit 0, 1: negate a, b.
void combinePredicates(Warp &warp, const Inst &inst);
void selectPredicate(Warp &warp, const Inst &inst);
void testProperty(Warp &warp, const Inst &inst);     ///< kind: Property
void predicateToValue(Warp &warp, const Inst &inst); ///< imm: what true is
void pack(Warp &warp, const Inst &inst);
void unpack(Warp &warp, const Inst &inst);
void readClock(Warp &warp, const Inst &inst);

enum class Property : uint8_t {
  Finite,
  Infinite,
  Number,
  NotANumber,
  Normal,
  Subnormal
};

/// For convert.
enum ConvertFlags : int64_t {
  kToInteger = 1, ///< .rni and the like from float to float
  kSaturate = 2,
  kRelu = 4
};

// Memory, threads, warps: the handlers themselves.
void load(Warp &warp, const Inst &inst);
void store(Warp &warp, const Inst &inst);
void loadParameter(Warp &warp, const Inst &inst);
void atomic(Warp &warp, const Inst &inst);
void fence(Warp &warp, const Inst &inst);
void prefetch(Warp &warp, const Inst &inst);
void toGeneric(Warp &warp, const Inst &inst);
void toSpace(Warp &warp, const Inst &inst);
void isInSpace(Warp &warp, const Inst &inst);
void copyAsync(Warp &warp, const Inst &inst);
void commitGroup(Warp &warp, const Inst &inst);
void waitGroup(Warp &warp, const Inst &inst);
void loadMatrix(Warp &warp, const Inst &inst);
void multiplyMatrices(Warp &warp, const Inst &inst);

void branch(Warp &warp, const Inst &inst);
void branchIndexed(Warp &warp, const Inst &inst);
void exitThread(Warp &warp, const Inst &inst);
void trap(Warp &warp, const Inst &inst);
void barrier(Warp &warp, const Inst &inst);
void sleepThread(Warp &warp, const Inst &inst);
void warpBarrier(Warp &warp, const Inst &inst);
void shuffle(Warp &warp, const Inst &inst);
void vote(Warp &warp, const Inst &inst);
void match(Warp &warp, const Inst &inst);
void reduce(Warp &warp, const Inst &inst);
void activeMask(Warp &warp, const Inst &inst);

enum class AtomicOp : uint8_t {
  Add,
  Min,
  Max,
  And,
  Or,
  Xor,
  Exch,
  Cas,
  Inc,
  Dec
};

enum class BarrierKind : uint8_t {
  Sync, ///< the whole block or `b` threads
  Arrive,
  RedPopc,
  RedAnd,
  RedOr
};

} // namespace rnnc::ptx

#endif
