// Syntax.h: a PTX text as it was written. SPDX-License-Identifier: Apache-2.0
// WITH LLVM-exception
#ifndef RNNC_TEST_GPU_SYNTAX_H
#define RNNC_TEST_GPU_SYNTAX_H

#include "Types.h"

#include <array>
#include <map>
#include <string>
#include <vector>

namespace rnnc::ptx {

/// What is wrong with a text, and where.
struct Refusal {
  int line = 0;
  std::string reason;
};

struct Operand {
  enum class Kind : uint8_t {
    Register,
    Integer,
    Float,   ///< `bits`, of an f32 or (`wide`) an f64
    Symbol,  ///< a variable, plus `integer`
    Special, ///< %tid.x and the like
    Label,   ///< `integer` is its number
    Table,   ///< labels of a brx.idx; `integer` is its number
    Address, ///< [register or symbol or nothing, plus `integer`]
    Vector,  ///< {a, b}
    Pair,    ///< a|b
    List,    ///< (a, b) of a call
    Sink     ///< _
  };
  Kind kind = Kind::Sink;
  bool negated = false;
  bool wide = false;
  int reg = -1;      ///< of the function; also of an Address
  int variable = -1; ///< of the function; none: `name` is of the module
  int64_t integer = 0;
  uint64_t bits = 0;
  std::string name;
  std::vector<Operand> parts;
};

struct Statement {
  int line = 0;
  int label = -1; ///< a label and no instruction, if not negative
  int scope = 0;
  int guard = -1;
  bool guardNegated = false;
  std::string text; ///< the whole opcode
  std::string name;
  std::vector<std::string> modifiers;
  std::vector<Operand> operands;
};

/// A variable with its bytes, and addresses of others among them.
struct Variable {
  struct Relocation {
    uint64_t offset = 0;
    std::string symbol;
    int64_t addend = 0;
  };
  std::string name;
  int line = 0;
  Space space = Space::Global;
  Type type = Type::B8;
  uint64_t align = 1;
  uint64_t bytes = 0;
  bool isExtern = false;
  bool isRegister = false;   ///< a parameter of a function in a register
  uint64_t pointerAlign = 0; ///< what .ptr .align promises
  std::vector<uint8_t> init;
  std::vector<Relocation> relocations;
};

struct Register {
  std::string name;
  Type type = Type::None;
};

struct Function {
  std::string name;
  int line = 0;
  bool isEntry = false;
  bool isDeclaration = false;
  /// Parameters come first among the variables, results before them.
  unsigned numResults = 0, numParams = 0;
  std::vector<Variable> variables;
  std::vector<Register> registers;
  std::vector<Statement> statements;
  int numLabels = 0;
  std::vector<std::vector<int>> tables;
  std::array<unsigned, 3> reqntid = {0, 0, 0};
  std::array<unsigned, 3> maxntid = {0, 0, 0};
  unsigned maxRegisters = 0;
};

struct Module {
  int major = 0, minor = 0; ///< of .version
  std::string target;
  std::vector<Variable> variables;
  std::vector<Function> functions;
  /// In the order of the text.
  const Function *find(const std::string &name) const {
    const Function *found = nullptr;
    for (const Function &function : functions)
      if (function.name == name && (!found || found->isDeclaration))
        found = &function;
    return found;
  }
};

/// Reads a text; false and a refusal if it is not understood.
bool parse(std::string_view text, Module &module, Refusal &refusal);

} // namespace rnnc::ptx

#endif
