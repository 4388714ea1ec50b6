// Decoder.h: from the syntax of a kernel to instructions that run; calls are
// put in line. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TEST_GPU_DECODER_H
#define RNNC_TEST_GPU_DECODER_H

#include "Floats.h"
#include "Ops.h"

#include <set>

namespace rnnc::ptx {

/// The modifiers of an instruction, in any order; what nobody takes is unknown.
class Modifiers {
public:
  explicit Modifiers(const Statement &statement)
      : statement(statement), used(statement.modifiers.size()) {}

  bool take(std::string_view name);
  /// The index of the first of these that is there, or -1.
  int takeOneOf(std::initializer_list<std::string_view> names);
  std::optional<Type> takeType();
  std::optional<Space> takeSpace();
  bool takePrefix(std::string_view prefix);
  /// One that nobody took, or null.
  const std::string *left() const;

private:
  const Statement &statement;
  std::vector<bool> used;
};

/// Every function that returns false has left a refusal.
class Decoder {
public:
  Decoder(const LoadedModule &module, const Function &entry, Refusal &refusal)
      : module(module), entry(entry), refusal(refusal) {}
  std::unique_ptr<Kernel> run();

private:
  /// Where a variable of a function lies.
  struct Placed {
    Space space = Space::Local;
    uint64_t offset = 0;
    uint64_t bytes = 0;
  };
  /// A function at one place where it is called.
  struct Instance {
    const Function *function;
    size_t registers; ///< its first one
    int labels;       ///< its first one
    std::vector<Placed> variables;
    int end = -1; ///< the label behind it; none: the kernel ends
  };

  bool refuse(int line, std::string reason);
  bool refuse(const Statement &s, const std::string &why) {
    return refuse(s.line, "`" + s.text + "`: " + why);
  }
  bool unknown(const Statement &s, const Modifiers &modifiers);

  // Layout.
  bool collectShared(const Function &function, std::set<const Function *> &seen,
                     std::vector<const Variable *> &found);
  bool layOutShared();
  void layOutParams();
  bool decodeFunction(const Function &function, Instance &instance);
  Placed placeLocal(const Variable &variable);

  // Registers and constants.
  Slot allocate(unsigned bytes);
  Slot registerSlot(int reg);
  Type registerType(int reg) const;
  Slot constant(uint64_t bits, unsigned bytes);
  Slot constantPredicate(bool value);
  bool special(const Statement &s, const std::string &name, Slot &slot);
  bool symbol(const Statement &s, const Operand &operand, Space &space,
              uint64_t &address, uint64_t *bytes = nullptr);

  /// The lanes of an operand. A register that is wider is cut if `cut`.
  bool source(const Statement &s, const Operand &operand, Type type, Slot &slot,
              bool cut = false);
  bool predicate(const Statement &s, const Operand &operand, Slot &slot,
                 bool &isNegated);
  /// A register that is wider gets a result by `finish`.
  bool target(const Statement &s, const Operand &operand, Type type, Slot &slot,
              bool widen = false);
  void finish(const Statement &s, const Operand &operand, Type type,
              const Slot &slot);
  bool hasOperands(const Statement &s, size_t least, size_t most);
  bool hasOperands(const Statement &s, size_t count) {
    return hasOperands(s, count, count);
  }

  Inst &emit(const Statement &s, Handler handler);
  /// One more instruction for the same statement.
  Inst &emitMore(const Statement &s, Handler handler);
  bool checked(const Statement &s, Handler handler, Type type);
  void branchTo(Inst &inst, int label);

  // Statements, by subject.
  bool decode(const Statement &s);
  using Function1 = bool (Decoder::*)(const Statement &);
  static const std::map<std::string, Function1, std::less<>> &table();

  bool compute(const Statement &s);
  bool computeInteger(const Statement &s, Modifiers &m, Type type);
  bool computeFloat(const Statement &s, Modifiers &m, Type type);
  bool computePredicate(const Statement &s);
  bool emitFloat(const Statement &s, Op op, Type type, unsigned arity,
                 Rounding rounding, bool ftz, bool saturate, bool relu,
                 bool isApproximate, Type narrow = Type::None);
  Slot widened(const Statement &s, const Slot &slot, Type type);
  Slot flushed(const Statement &s, const Slot &slot);
  bool approximate(const Statement &s);
  bool lop3(const Statement &s);
  bool funnel(const Statement &s);
  bool setp(const Statement &s);
  bool comparison(const Statement &s, Modifiers &m, Type type, Slot &result);
  bool select(const Statement &s);
  bool move(const Statement &s);
  bool movePacked(const Statement &s, Type type);
  bool testp(const Statement &s);
  bool cvt(const Statement &s);
  bool cvtPair(const Statement &s, Modifiers &m, Type to);

  bool address(const Statement &s, const Operand &operand, Space &space,
               Inst &inst, Slot &slot, int64_t &displacement, bool &isWide);
  bool parameterAccess(const Statement &s, Inst &inst, const Operand &operand,
                       bool &isDone);
  bool access(const Statement &s);
  unsigned mostBytes() const;
  bool order(const Statement &s, Modifiers &m, Inst &inst);
  bool elements(const Statement &s, const Operand &operand, Type type,
                unsigned count, bool isLoad, std::vector<Slot> &slots);
  bool atom(const Statement &s);
  bool memoryFence(const Statement &s);
  bool cvta(const Statement &s);
  bool isspacep(const Statement &s);
  bool prefetches(const Statement &s);
  bool cp(const Statement &s);
  bool ldmatrix(const Statement &s);
  bool mma(const Statement &s);

  bool bra(const Statement &s);
  bool brx(const Statement &s);
  bool call(const Statement &s);
  bool ret(const Statement &s);
  bool exits(const Statement &s);
  bool bar(const Statement &s);
  bool barOf(const Statement &s, Modifiers &m, bool isAligned);
  bool shfl(const Statement &s);
  bool votes(const Statement &s);
  bool matches(const Statement &s);
  bool redux(const Statement &s);
  bool activemask(const Statement &s);
  bool nanosleep(const Statement &s);

  const LoadedModule &module;
  const Function &entry;
  Refusal &refusal;
  std::unique_ptr<Kernel> kernel;
  std::vector<const Function *> calls; ///< that are being put in line
  Instance *current = nullptr;
  struct Used {
    size_t first, last;
    unsigned words;
  };
  std::vector<Slot> registers;
  std::vector<Used> lives;    ///< of registers, by their index
  std::vector<int> positions; ///< of labels
  std::vector<std::pair<size_t, int>> branches; ///< instruction, label
  std::map<std::pair<uint64_t, unsigned>, Slot> constants;
  std::map<std::string, Slot> specials;
  std::map<const Variable *, uint64_t> sharedOffsets;
};

} // namespace rnnc::ptx

#endif
