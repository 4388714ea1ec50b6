// Distributions.cpp - built-in distributions and those written in the language.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Emitter.h"

#include "rnnc/Frontend/Walk.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::elab;

Thing Emitter::dist(const ast::Call &node, Env &env) {
  MLIRContext *context = builder.getContext();
  rnn::DistKind kind = *rnn::symbolizeDistKind(node.callee.text);
  bool isPair = kind == rnn::DistKind::Normal || kind == rnn::DistKind::Laplace;
  llvm::SmallVector<Value> args;
  const ast::Expr *first = argument(node, 0, isPair ? "mean" : "scores");
  const ast::Expr *second =
      isPair ? argument(node, 1, kind == rnn::DistKind::Normal ? "sd" : "scale")
             : nullptr;
  for (const ast::Expr *one : {first, second}) {
    if (!one)
      continue;
    args.push_back(real(*one, env));
    if (!args.back())
      return {};
  }
  if (args.size() != (isPair ? 2u : 1u))
    return contradiction(node.range, "this number of arguments");
  double smooth = 0;
  if (kind == rnn::DistKind::Categorical)
    if (const ast::Expr *given = argument(node, 1, "smooth")) {
      std::optional<double> value = fixedNumber(*given, env);
      if (!value)
        return notFixed(given->range, "`smooth`");
      if (!(*value >= 0 && *value < 1))
        return error("E117", given->range, "`smooth` lies between 0 and 1",
                     "outside");
      smooth = *value;
    }
  auto scores = cast<rnn::ValueType>(args[0].getType());
  rnn::ValueType drawn = scores;
  if (kind == rnn::DistKind::Categorical) {
    if (!scores.getRank())
      return contradiction(node.range, "`categorical` of these scores");
    drawn = rnn::ValueType::get(context, scores.getAxes().drop_back(),
                                rnn::ValueKind::Index, scores.getAxes().back());
  } else if (kind == rnn::DistKind::Bernoulli) {
    drawn = scores.withKind(rnn::ValueKind::Bit);
  } else {
    drawn = rnn::suffixType(scores, cast<rnn::ValueType>(args[1].getType()));
    if (!drawn)
      return contradiction(node.range, "these arguments together");
  }
  Thing result;
  result.value = rnn::DistOp::create(builder, loc(node.range),
                                     rnn::DistType::get(context, kind, drawn),
                                     kind, args, llvm::APFloat(smooth))
                     .getResult();
  return result;
}

//===----------------------------------------------------------------------===//
// Distributions written in the language
//===----------------------------------------------------------------------===//

namespace rnnc::elab {
/// A distribution whose arguments are known.
struct Law {
  const ast::DistItem &item;
  SourceRange range; ///< of the call
  Env env;           ///< its sizes
  llvm::SmallVector<Value> args;
  /// Axes in front: each entry is a draw of its own.
  llvm::ArrayRef<rnn::AxisAttr> lead;
  rnn::ValueType drawn;
};
} // namespace rnnc::elab

/// The lines that a part (`logp`, `mode`, `sample`) is made of: other parts may
/// read what is not known here.
static llvm::DenseSet<const ast::Stmt *> linesOf(const ast::Block &body,
                                                 const std::string &part) {
  llvm::DenseSet<const ast::Stmt *> lines;
  std::set<std::string> wanted = {part};
  for (const ast::StmtPtr &stmt : llvm::reverse(body)) {
    const auto *define = ast::dynAs<ast::DefineStmt>(*stmt);
    if (!define)
      continue;
    std::set<std::string> read;
    bool isWanted = wanted.count(define->name.text);
    rnnc::walk(*define->value, [&](const ast::Expr &expr) {
      if (const auto *name = ast::dynAs<ast::NameRef>(expr))
        read.insert(name->name);
      if (const auto *recur = ast::dynAs<ast::Recur>(expr))
        isWanted |= wanted.count(recur->finalName.text) > 0;
    });
    if (!isWanted)
      continue;
    lines.insert(stmt.get());
    wanted.insert(read.begin(), read.end());
  }
  return lines;
}

static bool hasPart(const ast::DistItem &item, llvm::StringRef part) {
  return llvm::any_of(item.body, [&](const ast::StmtPtr &stmt) {
    const auto *define = ast::dynAs<ast::DefineStmt>(*stmt);
    return define && define->name.text == part;
  });
}

/// One binder for each leading axis; what lacks it is the same in all draws.
Thing Emitter::forEachDraw(
    llvm::ArrayRef<rnn::AxisAttr> lead, llvm::ArrayRef<int64_t> ranks,
    llvm::ArrayRef<Value> values, SourceRange range,
    llvm::function_ref<Thing(llvm::ArrayRef<Value>)> body) {
  if (lead.empty())
    return body(values);
  return bindOver(rnn::BindKind::For, lead.front(), range, [&](Value position) {
    llvm::SmallVector<Value> entries(values);
    for (auto [value, rank] : llvm::zip(entries, ranks)) {
      auto type = cast<rnn::ValueType>(value.getType());
      if (type.getRank() != rank + int64_t(lead.size()))
        continue;
      value = make<rnn::LookupOp>(range, value, position).value;
      if (!value)
        return Thing();
    }
    return forEachDraw(lead.drop_front(), ranks, entries, range, body);
  });
}

/// The value of a part for one draw.
Thing Emitter::lawPart(const Law &law, const std::string &part,
                       llvm::ArrayRef<Value> values) {
  Env env = law.env;
  for (auto [i, value] : llvm::enumerate(values)) {
    const std::vector<ast::Field> &args = law.item.args;
    const ast::Name &name = i < args.size() ? args[i].name : law.item.value;
    env.values[name.text].value = value;
  }
  llvm::DenseSet<const ast::Stmt *> lines = linesOf(law.item.body, part);
  Thing result;
  SourceRange range = law.range;
  for (const ast::StmtPtr &stmt : law.item.body) {
    if (!lines.contains(stmt.get()))
      continue;
    const auto &define = ast::as<ast::DefineStmt>(*stmt);
    result = expr(*define.value, env);
    if (!result)
      return {};
    range = define.value->range;
    env.values[define.name.text] = result;
  }
  if (part == "beam" || part == "score")
    return result;
  rnn::ValueType type =
      part == "logp"
          ? rnn::ValueType::real(builder.getContext())
          : law.drawn.withAxes(law.drawn.getAxes().drop_front(law.lead.size()));
  // A sequence whose length only the data say is found along another axis.
  rnn::ValueType given = result.type();
  if (part != "logp" && given && given.getRank() == type.getRank() &&
      type.hasTimeAxis())
    type = type.withAxes(given.getAxes());
  Thing typed;
  typed.value = asType(result, type, range);
  return typed;
}

bool Emitter::lawRegion(const Law &law, const std::string &part,
                        Region &region) {
  Block *block = new Block;
  region.push_back(block);
  llvm::SmallVector<Value> values;
  llvm::SmallVector<int64_t> ranks;
  for (auto [field, arg] : llvm::zip_equal(law.item.args, law.args)) {
    values.push_back(block->addArgument(arg.getType(), arg.getLoc()));
    ranks.push_back(field.type.axes.size());
  }
  if (part == "logp") {
    values.push_back(block->addArgument(law.drawn, loc(law.range)));
    ranks.push_back(law.drawn.getRank() - law.lead.size());
  }
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(block);
  uses.push_back(law.range);
  Thing result = forEachDraw(
      law.lead, ranks, values, law.range,
      [&](llvm::ArrayRef<Value> one) { return lawPart(law, part, one); });
  uses.pop_back();
  if (!result)
    return false;
  rnn::YieldOp::create(builder, loc(law.range), ValueRange(), result.value);
  return true;
}

/// The arguments by their order, and the sizes that follow from them.
bool Emitter::lawArguments(const ast::Call &node, Env &env, Law &law) {
  std::map<std::string, Thing> given;
  if (!sortArguments(node.args, law.item.args, node.range, env, given))
    return false;
  law.env = fileEnv(law.item.name);
  std::set<std::string> open =
      openSizes(law.item.generics, node.generics, env, law.env);
  for (const ast::Field &field : law.item.args) {
    Thing &thing = given[field.name.text];
    bool isNumber = field.type.kind == ast::Type::Kind::Real;
    Value value = isNumber ? asReal(thing, node.range) : thing.value;
    auto type =
        value ? dyn_cast<rnn::ValueType>(value.getType()) : rnn::ValueType();
    size_t rank = field.type.axes.size();
    // A number stands for an index where one is read.
    if (thing.literal && field.type.kind == ast::Type::Kind::Index) {
      rnn::ValueType formal = this->type(field.type, law.env);
      value = formal ? asType(thing, formal, node.range) : Value();
    } else if (!type || size_t(type.getRank()) < rank ||
               !matchType(field.type, type, type.getRank() - rank, law.env,
                          open)) {
      error("E999", node.range,
            "`" + field.name.text + "` of `" + law.item.name.text +
                "` cannot take this",
            "used here");
      return false;
    }
    if (!value)
      return false;
    law.args.push_back(value);
    if (type && type.getRank() - rank > law.lead.size())
      law.lead = type.getAxes().take_front(type.getRank() - rank);
  }
  return true;
}

/// `data` is the type of what is observed: it says the length of a sequence
/// that no argument knows.
Thing Emitter::law(const ast::DistItem &item, const ast::Call &node, Env &env,
                   rnn::ValueType data) {
  MLIRContext *context = builder.getContext();
  Law law{item, node.range, {}, {}, {}, {}};
  if (isTooLarge(node.range, "`" + item.name.text + "`") ||
      !lawArguments(node, env, law))
    return {};
  std::set<std::string> open;
  for (const ast::Generic &generic : item.generics)
    if (!law.env.sizes.count(generic.name.text))
      open.insert(generic.name.text);
  if (data && !open.empty() &&
      size_t(data.getRank()) == law.lead.size() + item.type.axes.size())
    matchType(item.type, data, law.lead.size(), law.env, open);
  if (!declareSizes(item.body, law.env))
    return {};
  rnn::ValueType one = type(item.type, law.env);
  if (!one)
    return {};
  llvm::SmallVector<rnn::AxisAttr> axes(law.lead);
  llvm::append_range(axes, one.getAxes());
  law.drawn = one.withAxes(axes);
  Region parts[3];
  for (auto [region, part] :
       llvm::zip(parts, std::array{"logp", "mode", "sample"}))
    if (hasPart(item, part) && !lawRegion(law, part, region))
      return {};
  auto op = rnn::LawOp::create(
      builder, loc(node.range),
      rnn::DistType::get(context, rnn::DistKind::Law, law.drawn),
      item.name.text, law.args);
  op.getLogp().takeBody(parts[0]);
  op.getMode().takeBody(parts[1]);
  op.getSample().takeBody(parts[2]);
  bool isAsked = findsBest && law.lead.empty() && hasPart(item, "beam") &&
                 builder.getInsertionBlock() == moduleBlock;
  bool isFound = true;
  uses.push_back(law.range);
  if (isAsked)
    for (auto [part, list] :
         {std::pair("beam", &Found::best), std::pair("score", &Found::scores)})
      isFound =
          isFound && (found[op].*list = lawPart(law, part, law.args).value);
  uses.pop_back();
  if (!isFound)
    return {};
  Thing result;
  result.value = op.getResult();
  return result;
}
