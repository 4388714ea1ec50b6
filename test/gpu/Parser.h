// Parser.h: from PTX text to its syntax. SPDX-License-Identifier: Apache-2.0
// WITH LLVM-exception
#ifndef RNNC_TEST_GPU_PARSER_H
#define RNNC_TEST_GPU_PARSER_H

#include "Lexer.h"
#include "Syntax.h"

namespace rnnc::ptx {

/// Every function that returns false has left a refusal.
class Parser {
public:
  Parser(std::string_view text, Module &module, Refusal &refusal)
      : lexer(text), module(module), refusal(refusal) {}
  bool run();

private:
  /// Names of a `{ … }` inside of a function.
  struct Scope {
    int parent = -1;
    std::map<std::string, int, std::less<>> registers, variables, labels,
        tables;
  };
  /// `name<count>` declares name0, name1, …
  struct Linkage {
    bool isExtern = false;
  };

  bool refuse(int line, std::string reason);
  bool refuse(std::string reason) {
    return refuse(lexer.peek().line, std::move(reason));
  }
  bool expect(std::string_view mark);
  bool integer(int64_t &value);

  bool directive();
  bool version();
  bool target();
  bool moduleVariable(Linkage linkage);
  bool function(Linkage linkage);
  bool performance(Function &function);
  bool threeNumbers(std::array<unsigned, 3> &numbers);
  bool parameters(Function &function, unsigned &count);
  bool body();
  bool blockItem();
  bool registers();
  bool instruction();
  bool label(const Token &name);
  bool branchTargets(const Token &name);
  bool resolveLabels();
  int findLabel(int scope, std::string_view name) const;

  bool variable(Variable &variable);
  bool initializer(Variable &variable, uint64_t &at, Type type);
  bool operand(Operand &operand);
  bool address(Operand &operand);
  bool list(Operand &operand, std::string_view end);
  bool named(Operand &operand, const Token &name);
  int lookUp(std::map<std::string, int, std::less<>> Scope::*names,
             std::string_view name) const;

  Lexer lexer;
  Module &module;
  Refusal &refusal;
  Function *current = nullptr;
  std::vector<Scope> scopes;
  int scope = 0;
  /// Tables of a brx.idx, by name, until labels are known.
  struct Targets {
    int scope;
    int line;
    std::vector<std::string> labels;
  };
  std::vector<Targets> targets;
};

} // namespace rnnc::ptx

#endif
