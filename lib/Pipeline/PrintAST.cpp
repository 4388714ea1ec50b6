// PrintAST.cpp: the syntax tree as text.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "PrintAST.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace rnnc;
using namespace rnnc::ast;

namespace {

class Printer {
public:
  Printer(llvm::raw_ostream &os, const SourceManager &sources)
      : os(os), sources(sources) {}

  void item(const Item &item);

private:
  /// Prints a line; what `inside` prints stands below it.
  template <typename Inside>
  void node(const llvm::Twine &text, SourceRange range, Inside inside) {
    os.indent(depth * 2) << text;
    if (range.valid()) {
      LineColumn place = sources.lineColumn(range.file, range.begin);
      os << "  " << place.line << ":" << place.column;
    }
    os << "\n";
    ++depth;
    inside();
    --depth;
  }
  void leaf(const llvm::Twine &text, SourceRange range) {
    node(text, range, [] {});
  }

  std::string size(const Size &s);
  std::string sizes(const std::vector<SizePtr> &list);
  std::string type(const Type &t);
  std::string names(const std::vector<Name> &list);
  std::string generics(const std::vector<Generic> &list);
  std::string inner(const Chain &chain);
  std::string given(const std::vector<Given> &list);

  void expr(const ExprPtr &e, llvm::StringRef role = "");
  void args(const std::vector<Arg> &list);
  void recur(const Recur &r, llvm::StringRef role);
  void choice(const If &choice);
  void record(const Record &record);
  void chain(const Chain &c);
  void stmt(const Stmt &s);
  void block(const Block &b) {
    for (const StmtPtr &s : b)
      stmt(*s);
  }
  void fields(llvm::StringRef word, const std::vector<Field> &list);
  void dims(const std::vector<DimEntry> &list, SourceRange range);
  void train(const TrainItem &t);
  void exports(const ExportItem &e);

  llvm::raw_ostream &os;
  const SourceManager &sources;
  unsigned depth = 0;
};

std::string Printer::size(const Size &s) {
  auto both = [&](llvm::StringRef op) {
    return "(" + size(*s.lhs) + op.str() + size(*s.rhs) + ")";
  };
  switch (s.kind) {
  case Size::Kind::Number:
    return std::to_string(s.number);
  case Size::Kind::Name:
    return s.name;
  case Size::Kind::Add:
    return both(" + ");
  case Size::Kind::Sub:
    return both(" - ");
  case Size::Kind::Mul:
    return both("*");
  }
  return "";
}

std::string Printer::sizes(const std::vector<SizePtr> &list) {
  return "[" +
         llvm::join(
             llvm::map_range(list, [&](const SizePtr &s) { return size(*s); }),
             ", ") +
         "]";
}

std::string Printer::type(const Type &t) {
  std::string axes = t.axes.empty() ? "" : sizes(t.axes);
  std::string space = axes.empty() ? "" : " ";
  switch (t.kind) {
  case Type::Kind::Real:
    return axes.empty() ? "real" : axes;
  case Type::Kind::Index:
    return axes + space + "in " + size(*t.index);
  case Type::Kind::Int:
    return axes + space + "int";
  case Type::Kind::Bit:
    return axes + space + "bit";
  case Type::Kind::Dist:
    return t.dist.text + axes;
  }
  return "";
}

std::string Printer::names(const std::vector<Name> &list) {
  return llvm::join(llvm::map_range(list, [](const Name &n) { return n.text; }),
                    ", ");
}

std::string Printer::generics(const std::vector<Generic> &list) {
  if (list.empty())
    return "";
  std::vector<std::string> out;
  for (const Generic &g : list) {
    std::string text = (g.isTime ? "time " : "") + g.name.text;
    if (g.isModule)
      text = (g.isCell ? "cell " : "layer ") + g.name.text + ": " +
             type(g.reads) + " -> " + type(g.gives);
    if (g.hasDefault)
      text += " = " + llvm::formatv("{0}", g.defaultValue).str();
    out.push_back(text);
  }
  return "[" + llvm::join(out, ", ") + "]";
}

std::string Printer::given(const std::vector<Given> &list) {
  std::vector<std::string> out;
  for (const Given &g : list)
    out.push_back(g.kind == Given::Kind::Size     ? size(*g.size)
                  : g.kind == Given::Kind::Module ? inner(*g.chain)
                  : g.kind == Given::Kind::Number
                      ? llvm::formatv("{0}", g.number).str()
                      : "_");
  return "[" + llvm::join(out, ", ") + "]";
}

/// A chain among sizes.
std::string Printer::inner(const Chain &c) {
  std::string name = c.stage.empty() ? "" : c.stage.text + ": ";
  switch (c.kind) {
  case Chain::Kind::Ref:
    return name + c.module.text + (c.hasBrackets ? given(c.given) : "");
  case Chain::Kind::Repeat:
    return name + "repeat[" + size(*c.count) + "] " + inner(*c.body);
  case Chain::Kind::Sequence:
    break;
  }
  std::vector<std::string> links;
  for (const ChainPtr &link : c.links)
    links.push_back(inner(*link));
  return name + "(" + llvm::join(links, " >> ") + ")";
}

void Printer::args(const std::vector<Arg> &list) {
  for (const Arg &a : list)
    expr(a.value, a.name.text);
}

void Printer::recur(const Recur &r, llvm::StringRef role) {
  std::string text = std::string(spelling(r.op)) + " " + r.cell.text;
  if (!r.generics.empty())
    text += sizes(r.generics);
  if (r.backward)
    text += " backward";
  if (r.times)
    text += " times " + size(*r.times);
  if (!r.finalName.empty())
    text += " final " + r.finalName.text;
  node(role + text, r.range, [&] {
    args(r.args);
    for (const ExprPtr &e : r.over)
      expr(e, "over");
    expr(r.from, "from");
    expr(r.start, "start");
    expr(r.stop, "stop");
    expr(r.maxSteps, "max");
  });
}

void Printer::choice(const If &choice) {
  expr(choice.condition);
  expr(choice.thenValue, "then");
  expr(choice.elseValue, "else");
}

void Printer::record(const Record &record) {
  for (const Record::Field &field : record.fields) {
    std::string path;
    for (const Name &part : field.path)
      path += (path.empty() ? "" : ".") + part.text;
    expr(field.value, path.empty() ? "else" : path);
  }
}

void Printer::expr(const ExprPtr &e, llvm::StringRef name) {
  if (!e)
    return;
  std::string role = name.empty() ? "" : name.str() + ": ";
  auto with = [&](const llvm::Twine &text, auto inside) {
    node(role + text, e->range, inside);
  };
  switch (e->kind) {
  case Expr::Kind::Number:
    return leaf(role + "number " + std::string(sources.text(e->range)),
                e->range);
  case Expr::Kind::NameRef:
    return leaf(role + "name " + as<NameRef>(*e).name, e->range);
  case Expr::Kind::Call: {
    auto &call = as<Call>(*e);
    std::string at = call.generics.empty() ? "" : sizes(call.generics);
    return with("call " + call.callee.text + at, [&] { args(call.args); });
  }
  case Expr::Kind::Index: {
    auto &index = as<Index>(*e);
    return with("index", [&] {
      expr(index.base);
      for (const ExprPtr &i : index.indices)
        expr(i);
    });
  }
  case Expr::Kind::List:
    return with("list", [&] {
      for (const ExprPtr &item : as<List>(*e).items)
        expr(item);
    });
  case Expr::Kind::Slice: {
    auto &slice = as<Slice>(*e);
    return leaf(role + "part " + (slice.from ? size(*slice.from) : "") + ".." +
                    (slice.to ? size(*slice.to) : ""),
                e->range);
  }
  case Expr::Kind::Member:
    return with("member " + as<Member>(*e).member.text,
                [&] { expr(as<Member>(*e).base); });
  case Expr::Kind::Prime:
    return leaf(role + "next " + as<Prime>(*e).state.text, e->range);
  case Expr::Kind::Power:
    return with("power", [&] {
      expr(as<Power>(*e).base);
      expr(as<Power>(*e).exponent);
    });
  case Expr::Kind::As:
    return with("as " + type(as<As>(*e).type), [&] { expr(as<As>(*e).value); });
  case Expr::Kind::Neg:
    return with("minus", [&] { expr(as<Neg>(*e).value); });
  case Expr::Kind::Not:
    return with("not", [&] { expr(as<Not>(*e).value); });
  case Expr::Kind::Binary: {
    auto &binary = as<Binary>(*e);
    return with(std::string("binary ") + spelling(binary.op), [&] {
      expr(binary.lhs);
      expr(binary.rhs);
    });
  }
  case Expr::Kind::If:
    return with("if", [&] { choice(as<If>(*e)); });
  case Expr::Kind::Record:
    return with("record", [&] { record(as<Record>(*e)); });
  case Expr::Kind::Bind: {
    auto &bind = as<Bind>(*e);
    return with(std::string(spelling(bind.op)) + " " + bind.index.text +
                    " in " + size(*bind.axis),
                [&] { expr(bind.body); });
  }
  case Expr::Kind::Recur:
    return recur(as<Recur>(*e), role);
  }
}

void Printer::chain(const Chain &c) {
  std::string stage = c.stage.empty() ? "" : c.stage.text + ": ";
  switch (c.kind) {
  case Chain::Kind::Ref:
    return leaf(stage + "module " + c.module.text +
                    (c.hasBrackets ? given(c.given) : ""),
                c.range);
  case Chain::Kind::Sequence:
    return node(stage + "chain", c.range, [&] {
      for (const ChainPtr &link : c.links)
        chain(*link);
    });
  case Chain::Kind::Repeat:
    return node(stage + "repeat " + size(*c.count), c.range,
                [&] { chain(*c.body); });
  }
}

void Printer::fields(llvm::StringRef word, const std::vector<Field> &list) {
  for (const Field &field : list)
    leaf(word + " " + field.name.text + " : " + type(field.type),
         field.name.range);
}

void Printer::dims(const std::vector<DimEntry> &list, SourceRange range) {
  for (const DimEntry &entry : list)
    leaf("dim " + entry.name.text +
             (entry.value ? " = " + size(*entry.value) : ""),
         entry.name.range);
}

void Printer::stmt(const Stmt &s) {
  switch (s.kind) {
  case Stmt::Kind::Time:
    return leaf("time " + names(as<TimeStmt>(s).names), s.range);
  case Stmt::Kind::Axis:
    return leaf("axis " + as<AxisStmt>(s).name.text + " = {" +
                    names(as<AxisStmt>(s).labels) + "}",
                s.range);
  case Stmt::Kind::Dim:
    return dims(as<DimStmt>(s).entries, s.range);
  case Stmt::Kind::Param: {
    auto &param = as<ParamStmt>(s);
    std::string text = "param " + names(param.names) + " : " + type(param.type);
    if (param.init)
      text += " ~ " + param.init->name.text;
    if (param.frozen)
      text += " frozen";
    return node(text, s.range, [&] {
      if (param.init)
        args(param.init->args);
      expr(param.value);
    });
  }
  case Stmt::Kind::State: {
    auto &state = as<StateStmt>(s);
    return node("state " + names(state.names) + " : " + type(state.type),
                s.range, [&] { expr(state.first); });
  }
  case Stmt::Kind::Use:
    for (const UseStmt::Entry &entry : as<UseStmt>(s).entries)
      node("use " + entry.name.text, entry.name.range,
           [&] { chain(*entry.chain); });
    return;
  case Stmt::Kind::Input:
    return fields("input", as<InputStmt>(s).fields);
  case Stmt::Kind::Output:
    return fields("output", as<OutputStmt>(s).fields);
  case Stmt::Kind::Define:
    return node("define " + as<DefineStmt>(s).name.text, s.range,
                [&] { expr(as<DefineStmt>(s).value); });
  case Stmt::Kind::Next:
    return node("set next " + as<NextStmt>(s).state.text, s.range,
                [&] { expr(as<NextStmt>(s).value); });
  case Stmt::Kind::Observe:
    return node("observe " + as<ObserveStmt>(s).output.text, s.range,
                [&] { expr(as<ObserveStmt>(s).value); });
  case Stmt::Kind::Out:
    return node("out", s.range, [&] { expr(as<OutStmt>(s).value); });
  case Stmt::Kind::Loss:
    return node("loss", s.range, [&] { expr(as<LossStmt>(s).value); });
  }
}

void Printer::train(const TrainItem &t) {
  node("train " + t.model.text, t.range, [&] {
    for (const Setting &setting : t.settings) {
      std::string text = "set " + setting.name.text;
      if (setting.init)
        text += " ~ " + setting.init->name.text;
      node(text, setting.range, [&] {
        for (const Name &part : setting.path)
          leaf("below " + part.text, part.range);
        for (const ExprPtr &value : setting.values)
          expr(value);
        if (setting.init)
          args(setting.init->args);
      });
    }
  });
}

void Printer::exports(const ExportItem &e) {
  for (const ExportEntry &entry : e.entries) {
    std::string text = "export " + entry.module.text;
    if (entry.hasBrackets)
      text += given(entry.given);
    text += "." + entry.function.text;
    if (!entry.alias.empty())
      text += " as " + entry.alias.text;
    node(text, entry.range, [&] { args(entry.args); });
  }
}

void Printer::item(const Item &item) {
  switch (item.kind) {
  case Item::Kind::Import:
    return leaf("import " + as<ImportItem>(item).name.text, item.range);
  case Item::Kind::Dim:
    return dims(as<DimItem>(item).entries, item.range);
  case Item::Kind::Axis:
    return leaf("axis " + as<AxisItem>(item).name.text + " = {" +
                    names(as<AxisItem>(item).labels) + "}",
                item.range);
  case Item::Kind::Fn: {
    auto &fn = as<FnItem>(item);
    return node("fn " + fn.name.text + generics(fn.generics) + " -> " +
                    type(fn.result),
                item.range, [&] {
                  fields("argument", fn.args);
                  block(fn.body);
                });
  }
  case Item::Kind::Module: {
    auto &module = as<ModuleItem>(item);
    return node((module.isCell ? "cell " : "layer ") + module.name.text +
                    generics(module.generics) + " -> " + type(module.result),
                item.range, [&] {
                  fields("argument", module.inputs);
                  fields("constant", module.constants);
                  block(module.body);
                });
  }
  case Item::Kind::Dist: {
    auto &dist = as<DistItem>(item);
    return node("dist " + dist.name.text + generics(dist.generics) + " for " +
                    dist.value.text + " : " + type(dist.type),
                item.range, [&] {
                  fields("argument", dist.args);
                  block(dist.body);
                });
  }
  case Item::Kind::Model: {
    auto &model = as<ModelItem>(item);
    return node("model " + model.name.text + generics(model.generics),
                item.range, [&] { block(model.body); });
  }
  case Item::Kind::Train:
    return train(as<TrainItem>(item));
  case Item::Kind::Export:
    return exports(as<ExportItem>(item));
  }
}

} // namespace

void pipeline::printAST(llvm::raw_ostream &os, const File &file,
                        const SourceManager &sources) {
  Printer printer(os, sources);
  for (const ItemPtr &item : file.items)
    printer.item(*item);
}
