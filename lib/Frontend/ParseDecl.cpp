// ParseDecl.cpp - items of a file and statements of a block.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Parser.h"

#include <fmt/format.h>

using namespace rnnc;
using namespace rnnc::ast;

ItemPtr Parser::item() {
  size_t begin = at;
  const Token &token = peek();
  ItemPtr result;
  if (token.is("import")) {
    result = importItem();
  } else if (token.is("dim")) {
    take();
    auto node = std::make_unique<DimItem>();
    if (dims(node->entries))
      result = std::move(node);
  } else if (token.is("axis")) {
    take();
    auto node = std::make_unique<AxisItem>();
    if (labels(node->name, node->labels))
      result = std::move(node);
  } else if (token.is("fn")) {
    result = fnItem();
  } else if (token.is("layer") || token.is("cell")) {
    result = moduleItem();
  } else if (token.is("dist")) {
    result = distItem();
  } else if (token.is("model")) {
    result = modelItem();
  } else if (token.is("train")) {
    result = trainItem();
  } else if (token.is("export")) {
    result = exportItem();
  } else if (token.afterBad) { // told by the lexer
    return nullptr;
  } else {
    std::string foreign = foreignHere();
    diags
        .error("E007", token.range,
               fmt::format("expected a declaration, found `{}`", token.text))
        .label("not expected here")
        .help(!foreign.empty() ? foreign
                               : "a file holds `import`, `dim`, `axis`, `fn`, "
                                 "`layer`, `cell`, "
                                 "`dist`, `model`, `train` and `export`");
    return nullptr;
  }
  if (!result)
    return nullptr;
  result->range = since(begin);
  if (!atLineEnd()) {
    fail("the end of the line");
    return nullptr;
  }
  return result;
}

ItemPtr Parser::importItem() {
  take();
  auto node = std::make_unique<ImportItem>();
  return name(node->name, "the name of a file") ? std::move(node) : nullptr;
}

bool Parser::dims(std::vector<DimEntry> &entries) {
  do {
    DimEntry entry;
    if (!name(entry.name, "the name of an axis"))
      return false;
    if (accept("=") && !(entry.value = size()))
      return false;
    entries.push_back(std::move(entry));
  } while (accept(","));
  return true;
}

bool Parser::labels(Name &axis, std::vector<Name> &list) {
  if (!name(axis, "the name of an axis") ||
      !expect("=", "after the name of the axis") ||
      !expect("{", "before the labels"))
    return false;
  Brackets inside(*this);
  do {
    Name label;
    if (!name(label, "a label"))
      return false;
    list.push_back(std::move(label));
  } while (accept(","));
  return expect("}", "after the labels");
}

bool Parser::generics(std::vector<Generic> &list) {
  if (!at_("["))
    return true;
  Brackets inside(*this);
  take();
  do {
    Generic one;
    size_t begin = at;
    one.isModule = at_("cell") || at_("layer");
    one.isCell = at_("cell");
    one.isTime = accept("time");
    if (one.isModule)
      take();
    if (!name(one.name,
              one.isModule ? "the name of a parameter" : "the name of an axis"))
      return false;
    if (one.isModule &&
        (!expect(":", "and what it reads") || !type(one.reads) ||
         !expect("->", "and what it gives") || !type(one.gives)))
      return false;
    if (accept("=")) {
      bool negative = accept("-");
      if (peek().kind != Token::Kind::Number)
        return fail("a number");
      ExprPtr value = number();
      if (!value)
        return false;
      one.hasDefault = true;
      one.defaultIsInteger = as<Number>(*value).isInteger;
      one.defaultValue = as<Number>(*value).value * (negative ? -1 : 1);
    }
    one.range = since(begin);
    list.push_back(std::move(one));
  } while (accept(","));
  return expect("]", "after the axes");
}

bool Parser::fields(std::vector<Field> &list) {
  do {
    Field field;
    if (!name(field.name, "a name") || !expect(":", "and a type") ||
        !type(field.type))
      return false;
    list.push_back(std::move(field));
  } while (accept(","));
  return true;
}

ItemPtr Parser::fnItem() {
  take();
  auto node = std::make_unique<FnItem>();
  if (!name(node->name, "the name of a function") || !generics(node->generics))
    return nullptr;
  if (!expect("(", "before the arguments"))
    return nullptr;
  {
    Brackets inside(*this);
    if (!at_(")") && !fields(node->args))
      return nullptr;
    if (!expect(")", "after the arguments"))
      return nullptr;
  }
  if (!expect("->", "and the type of the result") || !type(node->result) ||
      !block(node->body))
    return nullptr;
  return node;
}

ItemPtr Parser::moduleItem() {
  auto node = std::make_unique<ModuleItem>();
  node->isCell = take().is("cell");
  if (!name(node->name, "the name of a layer or a cell") ||
      !generics(node->generics) || !expect("(", "before the inputs"))
    return nullptr;
  {
    Brackets inside(*this);
    if (!fields(node->inputs) || (accept(";") && !fields(node->constants)) ||
        !expect(")", "after the inputs"))
      return nullptr;
  }
  if (!expect("->", "and the type of the output") || !type(node->result) ||
      !block(node->body))
    return nullptr;
  return node;
}

ItemPtr Parser::distItem() {
  take();
  auto node = std::make_unique<DistItem>();
  if (!name(node->name, "the name of a distribution") ||
      !generics(node->generics) || !expect("(", "before the arguments"))
    return nullptr;
  {
    Brackets inside(*this);
    if (!fields(node->args) || !expect(")", "after the arguments"))
      return nullptr;
  }
  if (!expect("for", "and what is drawn") ||
      !name(node->value, "the name of what is drawn") ||
      !expect(":", "and its type") || !type(node->type) || !block(node->body))
    return nullptr;
  return node;
}

ItemPtr Parser::modelItem() {
  take();
  auto node = std::make_unique<ModelItem>();
  if (!name(node->name, "the name of a model") || !generics(node->generics) ||
      !block(node->body))
    return nullptr;
  return node;
}

ItemPtr Parser::trainItem() {
  size_t begin = at;
  take();
  auto node = std::make_unique<TrainItem>();
  if (!name(node->model, "the name of a model"))
    return nullptr;
  node->headRange = since(begin);
  if (!at_("{")) {
    fail("`{` and the settings");
    return nullptr;
  }
  take();
  while (!at_("}")) {
    if (peek().kind == Token::Kind::End || startsItem(peek())) {
      fail("`}` after the settings");
      return nullptr;
    }
    Setting one;
    size_t first = at;
    if (setting(one) && expectLineEnd()) {
      one.range = since(first);
      node->settings.push_back(std::move(one));
    } else {
      skipStatement(first);
    }
  }
  take();
  return node;
}

bool Parser::setting(Setting &setting) {
  const Token &word = peek();
  if (word.kind != Token::Kind::Word)
    return fail("a setting");
  take();
  setting.name = {std::string(word.text), word.range};
  bool isRate = word.is("rate"), isInit = word.is("init"),
       isLazy = word.is("lazy");
  if ((at_("=") || at_(":")) && !atLineEnd())
    return fail(fmt::format("the value of `{}`", setting.name.text),
                fmt::format("a setting and its value stand side by side: `{} "
                            "{}`",
                            setting.name.text, peek(1).text));
  if (!isInit && !isRate && !isLazy) {
    while (!atLineEnd() && !at_("}")) {
      ExprPtr value = expr();
      if (!value)
        return false;
      setting.values.push_back(std::move(value));
    }
    return true;
  }
  if (isRate && peek().kind == Token::Kind::Number)
    return fail("an instance or a parameter, and its rate");
  if (!isInit || !at_("~")) {
    do {
      Name part;
      if (peek().kind == Token::Kind::Number && !atLineEnd()) {
        part = {std::string(peek().text), peek().range};
        take();
      } else if (!anyWord(part, isInit ? "an instance or `~`"
                                       : "an instance or a parameter")) {
        return false;
      }
      setting.path.push_back(std::move(part));
    } while (accept("."));
  }
  if (isRate) {
    ExprPtr value = expr();
    if (!value)
      return false;
    setting.values.push_back(std::move(value));
    return true;
  }
  if (isLazy)
    return true;
  setting.init.emplace();
  return expect("~", "and where the first values come from") &&
         initialiser(*setting.init);
}

ItemPtr Parser::exportItem() {
  take();
  auto node = std::make_unique<ExportItem>();
  do {
    ExportEntry entry;
    if (!exportEntry(entry))
      return nullptr;
    node->entries.push_back(std::move(entry));
  } while (accept(","));
  return node;
}

bool Parser::exportEntry(ExportEntry &entry) {
  size_t begin = at;
  if (!name(entry.module, "a model, a layer or a cell"))
    return false;
  entry.hasBrackets = at_("[") && !atLineEnd();
  if (entry.hasBrackets && !given(entry.given))
    return false;
  if (!expect(".", "and the name of a function") ||
      !anyWord(entry.function, "the name of a function"))
    return false;
  entry.hasCall = at_("(") && !atLineEnd();
  if (entry.hasCall && !args(entry.args))
    return false;
  if (accept("as") && !name(entry.alias, "a name"))
    return false;
  entry.range = since(begin);
  return true;
}

bool Parser::block(Block &body) {
  if (!at_("{"))
    return fail("`{`");
  take();
  while (!at_("}")) {
    // An item that cannot stand in a block: the `}` is missing.
    bool nextItem = startsItem(peek()) && !at_("dim") && !at_("axis");
    if (peek().kind == Token::Kind::End || nextItem)
      return fail("`}` at the end of the block");
    size_t begin = at;
    StmtPtr node = statement();
    if (node && expectLineEnd()) {
      node->range = since(begin);
      body.push_back(std::move(node));
    } else {
      skipStatement(begin);
    }
  }
  take();
  return true;
}

bool Parser::names(std::vector<Name> &list, const char *what) {
  do {
    Name one;
    if (!name(one, what))
      return false;
    list.push_back(std::move(one));
  } while (accept(","));
  return true;
}

StmtPtr Parser::statement() {
  const Token &token = peek();
  if (token.is("param"))
    return paramStatement();
  if (token.is("state"))
    return stateStatement();
  if (token.is("use"))
    return useStatement();
  if (token.is("time")) {
    take();
    auto node = std::make_unique<TimeStmt>();
    return names(node->names, "the name of a time axis") ? std::move(node)
                                                         : nullptr;
  }
  if (token.is("axis")) {
    take();
    auto node = std::make_unique<AxisStmt>();
    return labels(node->name, node->labels) ? std::move(node) : nullptr;
  }
  if (token.is("dim")) {
    take();
    auto node = std::make_unique<DimStmt>();
    return dims(node->entries) ? std::move(node) : nullptr;
  }
  if (token.is("input")) {
    take();
    auto node = std::make_unique<InputStmt>();
    return fields(node->fields) ? std::move(node) : nullptr;
  }
  if (token.is("output")) {
    take();
    auto node = std::make_unique<OutputStmt>();
    return fields(node->fields) ? std::move(node) : nullptr;
  }
  if (token.is("out")) {
    take();
    auto node = std::make_unique<OutStmt>();
    return (node->value = expr()) ? std::move(node) : nullptr;
  }
  if (token.is("loss")) {
    take();
    auto node = std::make_unique<LossStmt>();
    return (node->value = expr()) ? std::move(node) : nullptr;
  }
  return plainStatement();
}

/// `x = e`, `h' = e`, `y ~ e`.
StmtPtr Parser::plainStatement() {
  size_t begin = at;
  const Token &word = peek();
  if (word.kind != Token::Kind::Word || isReserved(word.text)) {
    auto &d = diags.error("E007", word.range,
                          fmt::format("expected a statement, found {}",
                                      word.kind == Token::Kind::End
                                          ? std::string("the end of the file")
                                          : fmt::format("`{}`", word.text)));
    d.label("not expected here");
    if (std::string help = nearlyRight("a statement"); !help.empty())
      d.help(help);
    return nullptr;
  }
  take();
  Name target = {std::string(word.text), word.range};
  if (accept("'")) {
    auto node = std::make_unique<NextStmt>();
    node->state = std::move(target);
    node->targetRange = since(begin);
    if (!expect("=", "and the next value") || !(node->value = expr()))
      return nullptr;
    return node;
  }
  if (accept("~")) {
    auto node = std::make_unique<ObserveStmt>();
    node->output = std::move(target);
    return (node->value = expr()) ? std::move(node) : nullptr;
  }
  auto node = std::make_unique<DefineStmt>();
  node->name = std::move(target);
  if (!expect("=", "or `~` after the name") || !(node->value = expr()))
    return nullptr;
  return node;
}

bool Parser::initialiser(Initialiser &init) {
  size_t begin = at;
  if (!name(init.name, "where the first values come from"))
    return false;
  if (at_("(") && !atLineEnd() && !args(init.args))
    return false;
  init.range = since(begin);
  return true;
}

StmtPtr Parser::paramStatement() {
  take();
  auto node = std::make_unique<ParamStmt>();
  if (!names(node->names, "the name of a parameter") ||
      !expect(":", "and a type") || !type(node->type))
    return nullptr;
  if (accept("=")) {
    if (!(node->value = expr()))
      return nullptr;
  } else if (accept("~")) {
    node->init.emplace();
    if (!initialiser(*node->init))
      return nullptr;
  } else {
    fail("`=` or `~` and the first values");
    return nullptr;
  }
  node->frozen = accept("frozen");
  return node;
}

StmtPtr Parser::stateStatement() {
  take();
  auto node = std::make_unique<StateStmt>();
  if (!names(node->names, "the name of a state") ||
      !expect(":", "and a type") || !type(node->type) ||
      !expect("=", "and the first value") || !(node->first = expr()))
    return nullptr;
  return node;
}

StmtPtr Parser::useStatement() {
  take();
  auto node = std::make_unique<UseStmt>();
  do {
    UseStmt::Entry entry;
    if (!name(entry.name, "the name of an instance") ||
        !expect("=", "and a layer or a cell") || !(entry.chain = chain()))
      return nullptr;
    node->entries.push_back(std::move(entry));
  } while (accept(","));
  return node;
}
