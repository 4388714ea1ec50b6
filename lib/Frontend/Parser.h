// Parser.h - from tokens to the syntax tree, by recursive descent.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A rule returns null (or false) after it has reported an error; the caller
// gives up too, up to the statement or item, which goes on behind the mistake.
#ifndef RNNC_LIB_FRONTEND_PARSER_H
#define RNNC_LIB_FRONTEND_PARSER_H

#include "Lexer.h"
#include "rnnc/Frontend/AST.h"

#include <string>

namespace rnnc {

class Parser {
public:
  Parser(const SourceManager &sources, uint32_t file, Diagnostics &diags)
      : sources(sources), diags(diags), file(file),
        tokens(lex(sources, file, diags)) {}

  std::unique_ptr<ast::File> run();

private:
  // Tokens (Parser.cpp).
  const Token &peek(size_t ahead = 0) const {
    size_t i = at + ahead;
    return tokens[i < tokens.size() ? i : tokens.size() - 1];
  }
  const Token &take();
  bool at_(std::string_view what) const { return peek().is(what); }
  bool accept(std::string_view what);
  bool expect(std::string_view what, const char *where);
  /// Whether the statement ends before the next token.
  bool atLineEnd() const;
  bool continuesLine(const Token &token) const;
  bool expectLineEnd();
  bool fail(const std::string &expected, std::string help = {});
  std::string foreignHere() const;
  // Lines that are nearly right (ParseHelp.cpp).
  std::string nearlyRight(std::string_view expected) const;
  std::string numberHelp() const;
  std::string lineHelp() const;
  size_t lineBegin() const;
  std::string found() const;
  SourceRange since(size_t firstToken) const;
  bool name(ast::Name &result, const char *what);
  bool anyWord(ast::Name &result, const char *what);
  void skipStatement(size_t begin);
  void skipItem(size_t begin);
  bool startsItem(const Token &token) const;

  /// Counts nesting as long as it lives.
  struct Nest {
    explicit Nest(Parser &parser) : parser(parser) { ++parser.nesting; }
    ~Nest() { --parser.nesting; }
    Parser &parser;
  };
  bool tooDeep();

  /// Inside brackets line ends mean nothing.
  struct Brackets {
    explicit Brackets(Parser &parser) : parser(parser) { ++parser.brackets; }
    ~Brackets() { --parser.brackets; }
    Parser &parser;
  };

  // Items and statements (ParseDecl.cpp).
  ast::ItemPtr item();
  ast::ItemPtr importItem();
  ast::ItemPtr fnItem();
  ast::ItemPtr moduleItem();
  ast::ItemPtr distItem();
  ast::ItemPtr modelItem();
  ast::ItemPtr trainItem();
  ast::ItemPtr exportItem();
  bool exportEntry(ast::ExportEntry &entry);
  bool setting(ast::Setting &setting);
  bool dims(std::vector<ast::DimEntry> &entries);
  bool labels(ast::Name &axis, std::vector<ast::Name> &labels);
  bool generics(std::vector<ast::Generic> &list);
  bool fields(std::vector<ast::Field> &list);
  bool block(ast::Block &body);
  ast::StmtPtr statement();
  ast::StmtPtr plainStatement();
  ast::StmtPtr paramStatement();
  ast::StmtPtr stateStatement();
  ast::StmtPtr useStatement();
  bool names(std::vector<ast::Name> &list, const char *what);
  bool initialiser(ast::Initialiser &init);

  // Types, sizes and chains (ParseType.cpp).
  bool type(ast::Type &result);
  ast::SizePtr size();
  ast::SizePtr sizeTerm();
  ast::SizePtr sizeFactor();
  bool sizeList(std::vector<ast::SizePtr> &list);
  bool startsChain() const;
  bool given(std::vector<ast::Given> &list);
  ast::ChainPtr chain();
  ast::ChainPtr link();
  bool integer(int64_t &value);
  ast::SizePtr sizeOf(const ast::Expr &expr);

  // Expressions (ParseExpr.cpp).
  ast::ExprPtr expr();
  ast::ExprPtr ifExpr();
  ast::ExprPtr binary(int level);
  ast::ExprPtr negation();
  ast::ExprPtr sign();
  ast::ExprPtr postfix();
  ast::ExprPtr postfixOf(ast::ExprPtr base, size_t begin);
  ast::ExprPtr callOf(ast::ExprPtr callee, size_t begin);
  ast::ExprPtr indexOf(ast::ExprPtr base, size_t begin);
  ast::ExprPtr memberOf(ast::ExprPtr base, size_t begin);
  ast::ExprPtr primary();
  ast::ExprPtr number();
  ast::ExprPtr timeWord();
  ast::ExprPtr record();
  ast::ExprPtr list();
  ast::ExprPtr indexItem();
  ast::ExprPtr bind(ast::BindOp op);
  ast::ExprPtr recur(ast::RecurOp op);
  bool clauses(ast::Recur &node);
  bool overClause(ast::Recur &node);
  bool args(std::vector<ast::Arg> &list);
  ast::ExprPtr finish(ast::ExprPtr node, size_t begin,
                      std::initializer_list<const ast::Expr *> children);

  const SourceManager &sources;
  Diagnostics &diags;
  uint32_t file;
  std::vector<Token> tokens;
  size_t at = 0;
  unsigned nesting = 0;
  unsigned brackets = 0;
};

} // namespace rnnc

#endif // RNNC_LIB_FRONTEND_PARSER_H
