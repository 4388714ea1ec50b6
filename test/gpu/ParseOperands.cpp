// ParseOperands.cpp: from PTX text to its syntax: variables, instructions and
// what they work on. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Parser.h"

#include <cstring>

using namespace rnnc::ptx;

/// .shared .align 4 .b8 name[24] = {…}, up to the semicolon or comma.
bool Parser::variable(Variable &variable) {
  Token first = lexer.take();
  variable.line = first.line;
  std::optional<Space> space;
  if (first.text.starts_with("."))
    space = spaceOf(first.text.substr(1));
  if (!space)
    return refuse(first.line,
                  "`" + std::string(first.text) + "` is not known here");
  variable.space = *space;
  uint64_t lanes = 1, align = 0;
  std::optional<Type> type;
  while (lexer.peek().kind == Token::Kind::Word &&
         lexer.peek().text.starts_with(".")) {
    Token word = lexer.take();
    int64_t value = 0;
    if (word.is(".align")) {
      if (!integer(value))
        return false;
      if (value <= 0 || (value & (value - 1)))
        return refuse(word.line, "an alignment that is no power of two");
      // Behind .ptr it is of what the parameter points to.
      (type && variable.space == Space::Param ? variable.pointerAlign : align) =
          uint64_t(value);
    } else if (word.is(".v2") || word.is(".v4")) {
      lanes = word.is(".v2") ? 2 : 4;
    } else if (word.is(".ptr") || (type && spaceOf(word.text.substr(1)))) {
      continue;
    } else if (!(type = typeOf(word.text.substr(1)))) {
      return refuse(word.line,
                    "`" + std::string(word.text) + "` is not known here");
    }
  }
  if (!type || *type == Type::Pred)
    return refuse(first.line, "a variable without a type of memory");
  variable.type = *type;
  variable.name = std::string(lexer.take().text);
  uint64_t count = lanes;
  while (lexer.eat("[")) {
    int64_t size = 0;
    if (!lexer.peek().is("]") && !integer(size))
      return false;
    if (size < 0 || size > (int64_t(1) << 40))
      return refuse(first.line, "so large a variable");
    count *= uint64_t(size);
    if (!expect("]"))
      return false;
  }
  variable.bytes = count * bytesOf(*type);
  variable.align = align ? align : bytesOf(*type) * lanes;
  if (!lexer.eat("="))
    return true;
  variable.init.assign(variable.bytes, 0);
  uint64_t at = 0;
  return initializer(variable, at, *type);
}

bool Parser::initializer(Variable &variable, uint64_t &at, Type type) {
  if (lexer.eat("{")) {
    while (!lexer.eat("}")) {
      if (!initializer(variable, at, type))
        return false;
      if (!lexer.peek().is("}") && !expect(","))
        return false;
    }
    return true;
  }
  Operand value;
  if (!operand(value))
    return false;
  unsigned width = bytesOf(type);
  if (at + width > variable.bytes)
    return refuse(variable.line, variable.name + " has not so many elements");
  if (value.kind == Operand::Kind::Symbol) {
    if (width != 8)
      return refuse(variable.line, "an address in elements that are no .u64");
    variable.relocations.push_back({at, value.name, value.integer});
  } else if (value.kind == Operand::Kind::Integer) {
    std::memcpy(&variable.init[at], &value.integer, width);
  } else if (value.kind == Operand::Kind::Float) {
    if (width != (value.wide ? 8u : 4u))
      return refuse(variable.line, "a floating number of another width");
    std::memcpy(&variable.init[at], &value.bits, width);
  } else {
    return refuse(variable.line, "an initial value that is not known here");
  }
  at += width;
  return true;
}

bool Parser::instruction() {
  Statement statement;
  statement.scope = scope;
  statement.line = lexer.peek().line;
  if (lexer.eat("@")) {
    statement.guardNegated = lexer.eat("!");
    Token name = lexer.take();
    statement.guard = lookUp(&Scope::registers, name.text);
    if (statement.guard < 0)
      return refuse(name.line, std::string(name.text) + " is not declared");
    if (current->registers[size_t(statement.guard)].type != Type::Pred)
      return refuse(name.line, std::string(name.text) + " is no predicate");
  }
  Token opcode = lexer.take();
  if (opcode.kind != Token::Kind::Word)
    return refuse(opcode.line,
                  "`" + std::string(opcode.text) + "` is no instruction");
  if (statement.guard < 0 && lexer.eat(":"))
    return lexer.peek().is(".branchtargets") ? branchTargets(opcode)
                                             : label(opcode);
  statement.text = std::string(opcode.text);
  std::string_view rest = opcode.text;
  while (!rest.empty()) {
    size_t dot = rest.find('.');
    std::string part(rest.substr(0, dot));
    if (statement.name.empty())
      statement.name = part;
    else
      statement.modifiers.push_back(part);
    rest = dot == rest.npos ? "" : rest.substr(dot + 1);
  }
  while (!lexer.peek().is(";")) {
    if (!statement.operands.empty() && !expect(","))
      return false;
    statement.operands.emplace_back();
    if (!operand(statement.operands.back()))
      return false;
  }
  current->statements.push_back(std::move(statement));
  return expect(";");
}

bool Parser::label(const Token &name) {
  auto [at, isNew] = scopes[size_t(scope)].labels.emplace(
      std::string(name.text), current->numLabels);
  if (!isNew)
    return refuse(name.line, std::string(name.text) + " is there twice");
  Statement statement;
  statement.line = name.line;
  statement.label = current->numLabels++;
  current->statements.push_back(std::move(statement));
  return true;
}

bool Parser::branchTargets(const Token &name) {
  lexer.take();
  Targets table{scope, name.line, {}};
  do
    table.labels.emplace_back(lexer.take().text);
  while (lexer.eat(","));
  scopes[size_t(scope)].tables[std::string(name.text)] = int(targets.size());
  targets.push_back(std::move(table));
  return expect(";");
}

int Parser::findLabel(int from, std::string_view name) const {
  for (int at = from; at >= 0; at = scopes[size_t(at)].parent)
    if (auto found = scopes[size_t(at)].labels.find(name);
        found != scopes[size_t(at)].labels.end())
      return found->second;
  return -1;
}

/// Labels may stand behind the branches to them.
bool Parser::resolveLabels() {
  for (const Targets &table : targets) {
    current->tables.emplace_back();
    for (const std::string &name : table.labels) {
      current->tables.back().push_back(findLabel(table.scope, name));
      if (current->tables.back().back() < 0)
        return refuse(table.line, "there is no label " + name);
    }
  }
  for (Statement &statement : current->statements) {
    if (statement.name != "bra" && statement.name != "brx")
      continue;
    if (statement.operands.empty() ||
        statement.operands.back().kind != Operand::Kind::Symbol)
      return refuse(statement.line, "a branch without a label");
    Operand &to = statement.operands.back();
    if (statement.name == "bra") {
      to.kind = Operand::Kind::Label;
      to.integer = findLabel(statement.scope, to.name);
    } else {
      scope = statement.scope;
      to.kind = Operand::Kind::Table;
      to.integer = lookUp(&Scope::tables, to.name);
    }
    if (to.integer < 0)
      return refuse(statement.line, "there is no label " + to.name);
  }
  return true;
}

int Parser::lookUp(std::map<std::string, int, std::less<>> Scope::*names,
                   std::string_view name) const {
  for (int at = scope; at >= 0; at = scopes[size_t(at)].parent) {
    const auto &map = scopes[size_t(at)].*names;
    if (auto found = map.find(name); found != map.end())
      return found->second;
  }
  return -1;
}

bool Parser::list(Operand &operand, std::string_view end) {
  while (!lexer.eat(end)) {
    if (!operand.parts.empty() && !expect(","))
      return false;
    operand.parts.emplace_back();
    if (!this->operand(operand.parts.back()))
      return false;
  }
  return true;
}

bool Parser::operand(Operand &operand) {
  Token first = lexer.take();
  if (first.is("[")) {
    operand.kind = Operand::Kind::Address;
    return address(operand);
  }
  if (first.is("{")) {
    operand.kind = Operand::Kind::Vector;
    return list(operand, "}");
  }
  if (first.is("(")) {
    operand.kind = Operand::Kind::List;
    return list(operand, ")");
  }
  if (first.is("!")) {
    if (!this->operand(operand))
      return false;
    operand.negated = true;
    return operand.kind == Operand::Kind::Register ||
           refuse(first.line, "`!` before what is no predicate");
  }
  bool minus = first.is("-");
  if (minus)
    first = lexer.take();
  switch (first.kind) {
  case Token::Kind::Integer:
    operand.kind = Operand::Kind::Integer;
    operand.integer = minus ? -int64_t(first.bits) : int64_t(first.bits);
    return true;
  case Token::Kind::Float:
  case Token::Kind::Double:
    operand.kind = Operand::Kind::Float;
    operand.wide = first.kind == Token::Kind::Double;
    operand.bits = first.bits;
    if (minus)
      operand.bits ^= uint64_t(1) << (operand.wide ? 63 : 31);
    return true;
  case Token::Kind::Word:
    if (!minus)
      return named(operand, first);
    [[fallthrough]];
  default:
    return refuse(first.line,
                  "`" + std::string(first.text) + "` is no operand");
  }
}

bool Parser::named(Operand &operand, const Token &name) {
  if (name.text == "_") {
    operand.kind = Operand::Kind::Sink;
  } else if (current &&
             (operand.reg = lookUp(&Scope::registers, name.text)) >= 0) {
    operand.kind = Operand::Kind::Register;
  } else if (name.text.starts_with("%")) {
    operand.kind = Operand::Kind::Special;
    operand.name = std::string(name.text);
  } else if (name.text == "generic" && lexer.eat("(")) {
    Token symbol = lexer.take();
    operand.kind = Operand::Kind::Symbol;
    operand.name = std::string(symbol.text);
    if (!expect(")"))
      return false;
  } else {
    operand.kind = Operand::Kind::Symbol;
    operand.name = std::string(name.text);
    if (current)
      operand.variable = lookUp(&Scope::variables, name.text);
  }
  if (operand.kind == Operand::Kind::Symbol && lexer.eat("+"))
    return integer(operand.integer);
  if (!lexer.eat("|"))
    return true;
  Operand pair;
  pair.kind = Operand::Kind::Pair;
  pair.parts.push_back(operand);
  pair.parts.emplace_back();
  if (!this->operand(pair.parts.back()))
    return false;
  operand = std::move(pair);
  return true;
}

/// [%rd1+8], [name], [name+-4], [64]; the bracket is taken.
bool Parser::address(Operand &operand) {
  if (lexer.peek().kind == Token::Kind::Word) {
    Operand base;
    if (!named(base, lexer.take()))
      return false;
    if (base.kind != Operand::Kind::Register &&
        base.kind != Operand::Kind::Symbol)
      return refuse("an address of what is no register and no variable");
    operand.reg = base.reg;
    operand.name = base.name;
    operand.variable = base.variable;
    operand.integer = base.integer;
    if (base.kind == Operand::Kind::Register && lexer.eat("+") &&
        !integer(operand.integer))
      return false;
  } else if (!integer(operand.integer)) {
    return false;
  }
  return expect("]");
}
