// Walk.cpp - visiting the parts of an expression.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Frontend/Walk.h"

using namespace rnnc;
using namespace rnnc::ast;

using Visit = std::function<void(const Expr &)>;

static void visitArgs(const std::vector<Arg> &args, const Visit &visit) {
  for (const Arg &arg : args)
    visit(*arg.value);
}

static void visitRecur(const Recur &recur, const Visit &visit) {
  visitArgs(recur.args, visit);
  for (const ExprPtr &over : recur.over)
    visit(*over);
  for (const ExprPtr *clause :
       {&recur.from, &recur.start, &recur.stop, &recur.maxSteps})
    if (*clause)
      visit(**clause);
}

void rnnc::forEachChild(const Expr &expr, const Visit &visit) {
  switch (expr.kind) {
  case Expr::Kind::Number:
  case Expr::Kind::NameRef:
  case Expr::Kind::Prime:
  case Expr::Kind::Slice:
    return;
  case Expr::Kind::List:
    for (const ExprPtr &item : as<List>(expr).items)
      visit(*item);
    return;
  case Expr::Kind::Call:
    return visitArgs(as<Call>(expr).args, visit);
  case Expr::Kind::Index:
    visit(*as<Index>(expr).base);
    for (const ExprPtr &index : as<Index>(expr).indices)
      visit(*index);
    return;
  case Expr::Kind::Member:
    return visit(*as<Member>(expr).base);
  case Expr::Kind::Power:
    visit(*as<Power>(expr).base);
    return visit(*as<Power>(expr).exponent);
  case Expr::Kind::As:
    return visit(*as<As>(expr).value);
  case Expr::Kind::Neg:
    return visit(*as<Neg>(expr).value);
  case Expr::Kind::Not:
    return visit(*as<Not>(expr).value);
  case Expr::Kind::Binary:
    visit(*as<Binary>(expr).lhs);
    return visit(*as<Binary>(expr).rhs);
  case Expr::Kind::If:
    visit(*as<If>(expr).condition);
    visit(*as<If>(expr).thenValue);
    return visit(*as<If>(expr).elseValue);
  case Expr::Kind::Record:
    for (const Record::Field &field : as<Record>(expr).fields)
      visit(*field.value);
    return;
  case Expr::Kind::Bind:
    return visit(*as<Bind>(expr).body);
  case Expr::Kind::Recur:
    return visitRecur(as<Recur>(expr), visit);
  }
}

void rnnc::forEachExpr(const Stmt &stmt, const Visit &visit) {
  switch (stmt.kind) {
  case Stmt::Kind::Time:
  case Stmt::Kind::Axis:
  case Stmt::Kind::Dim:
  case Stmt::Kind::Use:
  case Stmt::Kind::Input:
  case Stmt::Kind::Output:
    return;
  case Stmt::Kind::Param:
    if (as<ParamStmt>(stmt).value)
      visit(*as<ParamStmt>(stmt).value);
    return;
  case Stmt::Kind::State:
    return visit(*as<StateStmt>(stmt).first);
  case Stmt::Kind::Define:
    return visit(*as<DefineStmt>(stmt).value);
  case Stmt::Kind::Next:
    return visit(*as<NextStmt>(stmt).value);
  case Stmt::Kind::Observe:
    return visit(*as<ObserveStmt>(stmt).value);
  case Stmt::Kind::Out:
    return visit(*as<OutStmt>(stmt).value);
  case Stmt::Kind::Loss:
    return visit(*as<LossStmt>(stmt).value);
  }
}

void rnnc::walk(const Expr &expr, const Visit &visit) {
  visit(expr);
  forEachChild(expr, [&](const Expr &child) { walk(child, visit); });
}
