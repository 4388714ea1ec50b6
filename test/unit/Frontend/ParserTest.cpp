// ParserTest.cpp - trees, line ends and precedence.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Parser.h"

#include <gtest/gtest.h>

using namespace rnnc;
using namespace rnnc::ast;

namespace {

/// An expression with all its brackets.
class Shower {
public:
  explicit Shower(const SourceManager &sources) : sources(sources) {}

  std::string show(const ExprPtr &ptr) const {
    const Expr &expr = *ptr;
    if (const auto *node = dynAs<Binary>(expr))
      return "(" + show(node->lhs) + " " + spelling(node->op) + " " +
             show(node->rhs) + ")";
    if (const auto *node = dynAs<Neg>(expr))
      return "(-" + show(node->value) + ")";
    if (const auto *node = dynAs<Power>(expr))
      return "(" + show(node->base) + "^" + show(node->exponent) + ")";
    if (const auto *node = dynAs<Bind>(expr))
      return std::string("(") + spelling(node->op) + " " + node->index.text +
             ": " + show(node->body) + ")";
    if (const auto *node = dynAs<Recur>(expr))
      return recur(*node);
    return std::string(sources.text(expr.range));
  }

private:
  std::string recur(const Recur &node) const {
    std::string out = std::string("(") + spelling(node.op);
    for (const ExprPtr &over : node.over)
      out += " over " + show(over);
    out += node.backward ? " backward" : "";
    out += node.from ? " from " + show(node.from) : "";
    out += node.start ? " start " + show(node.start) : "";
    out += node.stop ? " stop " + show(node.stop) : "";
    out += node.maxSteps ? " max " + show(node.maxSteps) : "";
    return out + ")";
  }

  const SourceManager &sources;
};

/// The values of the definitions in a block, or the messages.
std::vector<std::string> parsed(const std::string &body) {
  SourceManager sources;
  Diagnostics diags(sources);
  uint32_t id =
      sources.addText("t.rnn", "fn f(x: real) -> real {\n" + body + "\n}\n");
  std::unique_ptr<File> file = Parser(sources, id, diags).run();
  std::vector<std::string> out;
  for (const Diagnostic &d : diags.all())
    out.push_back(d.message);
  if (!out.empty())
    return out;
  for (const StmtPtr &stmt : as<FnItem>(*file->items.at(0)).body)
    if (const auto *define = dynAs<DefineStmt>(*stmt))
      out.push_back(define->name.text + " = " +
                    Shower(sources).show(define->value));
  return out;
}

using Lines = std::vector<std::string>;

TEST(Parser, Precedence) {
  EXPECT_EQ(parsed("y = a + b * c @ d - e"),
            Lines({"y = ((a + (b * (c @ d))) - e)"}));
  EXPECT_EQ(parsed("y = a ++ b + c < d"), Lines({"y = ((a ++ (b + c)) < d)"}));
  EXPECT_EQ(parsed("y = -x^2 @ z"), Lines({"y = ((-(x^2)) @ z)"}));
  EXPECT_EQ(parsed("y = a / b / c"), Lines({"y = ((a / b) / c)"}));
  EXPECT_EQ(parsed("y = a * -b"), Lines({"y = (a * (-b))"}));
}

TEST(Parser, BindersReachRight) {
  EXPECT_EQ(parsed("y = a * sum i in I: b[i] + c"),
            Lines({"y = (a * (sum i: (b[i] + c)))"}));
  EXPECT_EQ(parsed("y = (mean i in I: b[i]) + c"),
            Lines({"y = ((mean i: b[i]) + c)"}));
  // A reduction's name is an ordinary function too.
  EXPECT_EQ(parsed("y = sum(x) + max(a, b)"),
            Lines({"y = (sum(x) + max(a, b))"}));
}

TEST(Parser, Clauses) {
  EXPECT_EQ(parsed("y = scan c over x + z backward from s"),
            Lines({"y = (scan over (x + z) backward from s)"}));
  EXPECT_EQ(parsed("y = fold c over (x, z)"),
            Lines({"y = (fold over x over z)"}));
  EXPECT_EQ(parsed("y = fold c over (x + z) * a"),
            Lines({"y = (fold over ((x + z) * a))"}));
  EXPECT_EQ(parsed("y = unfold c(m = a) start 0 stop 2 max 80"),
            Lines({"y = (unfold start 0 stop 2 max 80)"}));
  EXPECT_EQ(parsed("y = stop(x) + z"), Lines({"y = (stop(x) + z)"}));
}

TEST(Parser, LineEnds) {
  EXPECT_EQ(parsed("y = a +\n  b\nz = c"), Lines({"y = (a + b)", "z = c"}));
  EXPECT_EQ(parsed("y = a\n  + b\n\n  * c"), Lines({"y = (a + (b * c))"}));
  EXPECT_EQ(parsed("y = f(a,\n\n  b)\nz = (c\n)"),
            Lines({"y = f(a,\n\n  b)", "z = c"}));
  EXPECT_EQ(parsed("y = scan c over x\n  backward\n  from s"),
            Lines({"y = (scan over x backward from s)"}));
  EXPECT_EQ(parsed("y = a # + b\nz = c"), Lines({"y = a", "z = c"}));
  EXPECT_EQ(parsed("y = a\n(b)"), Lines({"expected a statement, found `(`"}));
  EXPECT_EQ(parsed("y = a b"),
            Lines({"expected the end of the line, found `b`"}));
}

TEST(Parser, StageNumbers) {
  EXPECT_EQ(parsed("y = net.0.1.h + net.10.0.1.2"),
            Lines({"y = (net.0.1.h + net.10.0.1.2)"}));
}

/// Each broken statement gives one message, and the rest is read.
TEST(Parser, Recovery) {
  EXPECT_EQ(parsed("y = (a + \nz = b ~ c\nw = 1 + )\nv = {a: \n}"),
            Lines({"expected `)` after the expression, found `=`",
                   "expected an expression, found `)`",
                   "expected an expression, found `}`"}));
  EXPECT_EQ(parsed("y = a\nq r s\nstate = 3\nz = 1 +"),
            Lines({"expected `=` or `~` after the name, found `r`",
                   "expected the name of a state, found `=`",
                   "expected an expression, found the end of the line"}));
}

} // namespace
