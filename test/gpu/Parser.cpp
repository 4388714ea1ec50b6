// Parser.cpp: from PTX text to its syntax: modules and functions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Parser.h"

#include <charconv>

using namespace rnnc::ptx;

bool rnnc::ptx::parse(std::string_view text, Module &module, Refusal &refusal) {
  return Parser(text, module, refusal).run();
}

static std::optional<Type> typeAfterDot(std::string_view word) {
  return word.starts_with(".") ? typeOf(word.substr(1)) : std::nullopt;
}

bool Parser::refuse(int line, std::string reason) {
  refusal = {line, std::move(reason)};
  return false;
}

bool Parser::expect(std::string_view mark) {
  if (lexer.eat(mark))
    return true;
  return refuse("expected `" + std::string(mark) + "`, found `" +
                std::string(lexer.peek().text) + "`");
}

bool Parser::integer(int64_t &value) {
  bool minus = lexer.eat("-");
  if (lexer.peek().kind != Token::Kind::Integer)
    return refuse("expected a number, found `" +
                  std::string(lexer.peek().text) + "`");
  value = int64_t(lexer.take().bits);
  if (minus)
    value = -value;
  return true;
}

bool Parser::run() {
  while (lexer.peek().kind != Token::Kind::End)
    if (!directive())
      return false;
  if (!module.major)
    return refuse("there is no .version");
  if (module.target.empty())
    return refuse("there is no .target");
  return true;
}

bool Parser::directive() {
  if (lexer.peek().is(".version"))
    return version();
  if (lexer.peek().is(".target"))
    return target();
  if (lexer.eat(".address_size")) {
    int64_t bits = 0;
    if (!integer(bits))
      return false;
    return bits == 64 || refuse(".address_size is not 64");
  }
  if (lexer.peek().is(".file") || lexer.peek().is(".loc")) {
    lexer.skipLine();
    return true;
  }
  if (lexer.eat(".section")) {
    while (!lexer.peek().is("}") && lexer.peek().kind != Token::Kind::End)
      lexer.take();
    return expect("}");
  }
  if (lexer.eat(";"))
    return true;
  Linkage linkage;
  while (true) {
    if (lexer.eat(".extern"))
      linkage.isExtern = true;
    else if (!lexer.eat(".visible") && !lexer.eat(".weak"))
      break;
  }
  if (lexer.peek().is(".entry") || lexer.peek().is(".func"))
    return function(linkage);
  return moduleVariable(linkage);
}

bool Parser::version() {
  lexer.take();
  Token number = lexer.take();
  std::string text(number.text);
  if (std::sscanf(text.c_str(), "%d.%d", &module.major, &module.minor) != 2)
    return refuse(number.line, "`" + text + "` is no version");
  if (module.major < 6 || module.major > 9)
    return refuse(number.line, "version " + text + " of PTX is not known here");
  return true;
}

bool Parser::target() {
  lexer.take();
  do {
    Token name = lexer.take();
    if (name.text.starts_with("sm_"))
      module.target = std::string(name.text);
    else if (name.text != "debug" && name.text != "texmode_independent")
      return refuse(name.line, "target `" + std::string(name.text) +
                                   "` is not known here");
  } while (lexer.eat(","));
  return true;
}

bool Parser::moduleVariable(Linkage linkage) {
  Variable read;
  read.isExtern = linkage.isExtern;
  if (!variable(read))
    return false;
  if (read.isExtern && read.space != Space::Shared)
    return refuse(read.line, "nothing gives `.extern` " + read.name);
  if (read.space != Space::Global && read.space != Space::Const &&
      read.space != Space::Shared)
    return refuse(read.line, std::string("a variable of a module is in .") +
                                 nameOf(read.space));
  for (const Variable &other : module.variables)
    if (other.name == read.name)
      return refuse(read.line, read.name + " is there twice");
  module.variables.push_back(std::move(read));
  return expect(";");
}

bool Parser::function(Linkage linkage) {
  Function read;
  current = &read;
  scopes.assign(1, Scope());
  targets.clear();
  scope = 0;
  read.line = lexer.peek().line;
  read.isEntry = lexer.take().text == ".entry";
  if (lexer.peek().is("(") && !parameters(read, read.numResults))
    return false;
  read.name = std::string(lexer.take().text);
  if (lexer.peek().is("(") && !parameters(read, read.numParams))
    return false;
  if (linkage.isExtern)
    return refuse(read.line, "nothing gives `.extern .func` " + read.name);
  if (!performance(read))
    return false;
  if (lexer.eat(";")) {
    read.isDeclaration = true;
  } else if (!expect("{") || !body() || !resolveLabels()) {
    return false;
  }
  const Function *other = module.find(read.name);
  if (other && !other->isDeclaration && !read.isDeclaration)
    return refuse(read.line, read.name + " is there twice");
  module.functions.push_back(std::move(read));
  return true;
}

bool Parser::threeNumbers(std::array<unsigned, 3> &numbers) {
  numbers = {1, 1, 1};
  for (unsigned i = 0; i < 3; ++i) {
    int64_t value = 0;
    if (!integer(value))
      return false;
    numbers[i] = unsigned(value);
    if (!lexer.eat(","))
      break;
  }
  return true;
}

bool Parser::performance(Function &function) {
  while (!lexer.peek().is("{") && !lexer.peek().is(";")) {
    Token name = lexer.take();
    int64_t ignored = 0;
    if (name.is(".reqntid")) {
      if (!threeNumbers(function.reqntid))
        return false;
    } else if (name.is(".maxntid")) {
      if (!threeNumbers(function.maxntid))
        return false;
    } else if (name.is(".maxnreg")) {
      if (!integer(ignored))
        return false;
      function.maxRegisters = unsigned(ignored);
    } else if (name.is(".minnctapersm")) {
      if (!integer(ignored))
        return false;
    } else if (name.is(".pragma")) {
      lexer.take();
      if (!expect(";"))
        return false;
    } else if (!name.is(".noreturn")) {
      // Clusters change what a block may assume: not known here.
      return refuse(name.line, "directive `" + std::string(name.text) +
                                   "` is not known here");
    }
  }
  return true;
}

bool Parser::parameters(Function &function, unsigned &count) {
  if (!expect("("))
    return false;
  while (!lexer.eat(")")) {
    if (count && !expect(","))
      return false;
    Variable read;
    if (lexer.eat(".reg")) {
      Token type = lexer.take();
      std::optional<Type> known = typeAfterDot(type.text);
      if (!known)
        return refuse(type.line, "parameter of type " + std::string(type.text));
      read.line = type.line;
      read.isRegister = true;
      read.space = Space::Param;
      read.type = *known;
      read.name = std::string(lexer.take().text);
      scopes[0].registers[read.name] = int(function.registers.size());
      function.registers.push_back({read.name, read.type});
    } else if (!variable(read)) {
      return false;
    }
    if (read.space != Space::Param)
      return refuse(read.line, read.name + " is no parameter");
    if (!read.isRegister)
      scopes[0].variables[read.name] = int(function.variables.size());
    function.variables.push_back(std::move(read));
    ++count;
  }
  return true;
}

bool Parser::body() {
  while (!lexer.eat("}"))
    if (!blockItem())
      return false;
  return true;
}

bool Parser::blockItem() {
  const Token &next = lexer.peek();
  if (next.kind == Token::Kind::End)
    return refuse("the text ends inside of " + current->name);
  if (next.is("{")) {
    lexer.take();
    scopes.push_back({scope, {}, {}, {}, {}});
    int outer = scope;
    scope = int(scopes.size()) - 1;
    bool ok = body();
    scope = outer;
    return ok;
  }
  if (lexer.eat(";"))
    return true;
  if (next.is(".loc") || next.is(".file")) {
    lexer.skipLine();
    return true;
  }
  if (next.is(".pragma")) {
    lexer.take();
    lexer.take();
    return expect(";");
  }
  if (next.is(".reg"))
    return registers();
  if (next.kind == Token::Kind::Word && next.text.starts_with(".")) {
    Variable read;
    if (!variable(read))
      return false;
    if (read.space == Space::Global || read.space == Space::Const)
      return refuse(read.line, "a variable of a function in ." +
                                   std::string(nameOf(read.space)));
    scopes[size_t(scope)].variables[read.name] = int(current->variables.size());
    current->variables.push_back(std::move(read));
    return expect(";");
  }
  return instruction();
}

/// .reg .b32 %r<12>, %x, %y;
bool Parser::registers() {
  lexer.take();
  Token type = lexer.take();
  std::optional<Type> known = typeAfterDot(type.text);
  if (!known)
    return refuse(type.line, "registers of type `" + std::string(type.text) +
                                 "` are not known here");
  auto declare = [&](const std::string &name) {
    scopes[size_t(scope)].registers[name] = int(current->registers.size());
    current->registers.push_back({name, *known});
  };
  do {
    Token name = lexer.take();
    if (!lexer.eat("<")) {
      declare(std::string(name.text));
      continue;
    }
    int64_t count = 0;
    if (!integer(count) || !expect(">"))
      return false;
    if (count < 0 || count > 1000000)
      return refuse(name.line, "so many registers");
    for (int64_t i = 0; i < count; ++i)
      declare(std::string(name.text) + std::to_string(i));
  } while (lexer.eat(","));
  return expect(";");
}
