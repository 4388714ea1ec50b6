// Train.cpp - the settings of `train` as attributes, with their defaults.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Emitter.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::elab;

namespace {

/// A setting with arguments: their names in order and their defaults.
struct Choice {
  const char *name;
  std::vector<std::pair<const char *, double>> args;
};

// Defaults are those of PyTorch.
const std::vector<Choice> &optimizers() {
  static const std::vector<Choice> list = {
      {"sgd", {{"lr", 1e-3}, {"momentum", 0}, {"nesterov", 0}}},
      {"adam", {{"lr", 1e-3}, {"beta1", 0.9}, {"beta2", 0.999}, {"eps", 1e-8}}},
      {"adamw",
       {{"lr", 1e-3},
        {"decay", 1e-2},
        {"beta1", 0.9},
        {"beta2", 0.999},
        {"eps", 1e-8}}},
      {"rmsprop",
       {{"lr", 1e-2}, {"alpha", 0.99}, {"eps", 1e-8}, {"momentum", 0}}},
      {"adagrad", {{"lr", 1e-2}, {"eps", 1e-10}, {"lr_decay", 0}}}};
  return list;
}

const std::vector<Choice> &schedules() {
  static const std::vector<Choice> list = {
      {"constant", {}},
      {"cosine", {{"warmup", 0}}},
      {"linear", {{"hold", 0}, {"to", 0}}},
      {"step", {{"every", 1}, {"by", 0.1}, {"after", 0}}},
      {"plateau", {{"patience", 10}, {"by", 0.1}}},
      {"onecycle", {{"peak", 1e-2}}}};
  return list;
}

/// Of the share of draws that an unfold reads.
const std::vector<Choice> &feedSchedules() {
  static const std::vector<Choice> list = {
      {"linear", {{"to", 0}, {"until", 1}, {"after", 0}}},
      {"exponential", {{"k", 0.999}}},
      {"sigmoid", {{"k", 1000}}}};
  return list;
}

const std::vector<Choice> &choicesOf(StringRef setting) {
  return setting == "optimize"   ? optimizers()
         : setting == "schedule" ? schedules()
                                 : feedSchedules();
}

} // namespace

/// `adam(lr = 2e-3)`: a dictionary with `key` = adam and all its numbers.
DictionaryAttr Emitter::choiceAttr(const ast::Expr &node, StringRef setting,
                                   Env &env) {
  const auto *call = ast::dynAs<ast::Call>(node);
  const auto *plain = ast::dynAs<ast::NameRef>(node);
  std::string name = call ? call->callee.text : plain ? plain->name : "";
  for (const Choice &choice : choicesOf(setting)) {
    if (name != choice.name)
      continue;
    auto args = choice.args;
    size_t position = 0;
    if (call)
      for (const ast::Arg &arg : call->args) {
        size_t slot = position;
        if (arg.name.empty())
          ++position;
        else
          slot = llvm::find_if(args,
                               [&](const auto &one) {
                                 return arg.name.text == one.first;
                               }) -
                 args.begin();
        std::optional<double> value = number(*arg.value, env);
        // `nesterov` alone switches it on.
        const auto *flag = ast::dynAs<ast::NameRef>(*arg.value);
        if (!value && flag &&
            (flag->name == "true" || flag->name == "nesterov" ||
             flag->name == "false")) {
          value = flag->name != "false";
          if (arg.name.empty())
            slot = 2;
        }
        if (slot >= args.size() || !value) {
          contradiction(arg.value->range, "this setting of `" + name + "`");
          return {};
        }
        args[slot].second = *value;
      }
    NamedAttrList list;
    list.append(setting == "optimize" ? "name" : "kind",
                builder.getStringAttr(name));
    for (auto &[argName, value] : args)
      list.append(argName, builder.getF64FloatAttr(value));
    return list.getDictionary(builder.getContext());
  }
  contradiction(node.range, "`" + name + "`");
  return {};
}

/// Any other setting: numbers and words as written.
std::optional<Attribute> Emitter::settingValue(const ast::Expr &expr,
                                               Env &env) {
  if (const auto *literal = ast::dynAs<ast::Number>(expr))
    if (literal->isInteger)
      return builder.getI64IntegerAttr(int64_t(literal->value));
  if (std::optional<double> value = number(expr, env))
    return builder.getF64FloatAttr(*value);
  if (const auto *word = ast::dynAs<ast::NameRef>(expr))
    return builder.getStringAttr(word->name);
  contradiction(expr.range, "this setting");
  return std::nullopt;
}

DictionaryAttr Emitter::trainSettings(const ast::TrainItem *train, Env &env) {
  NamedAttrList list;
  list.set("batch", builder.getI64IntegerAttr(32));
  list.set("epochs", builder.getI64IntegerAttr(10));
  list.set("seed", builder.getI64IntegerAttr(0));
  list.set("per", builder.getStringAttr("element"));
  auto choose = [&](StringRef name, bool isOptimizer) {
    NamedAttrList choice;
    choice.append(isOptimizer ? "name" : "kind", builder.getStringAttr(name));
    for (const Choice &one : isOptimizer ? optimizers() : schedules())
      if (name == one.name)
        for (auto &[key, value] : one.args)
          choice.append(key, builder.getF64FloatAttr(value));
    return choice.getDictionary(builder.getContext());
  };
  list.set("optimize", choose("adam", true));
  list.set("schedule", choose("constant", false));
  llvm::SmallVector<Attribute> clips;
  if (train)
    for (const ast::Setting &setting : train->settings)
      if (!addSetting(setting, list, clips, env))
        return {};
  list.set("clip", builder.getArrayAttr(clips));
  return list.getDictionary(builder.getContext());
}

bool Emitter::addSetting(const ast::Setting &setting, NamedAttrList &list,
                         llvm::SmallVectorImpl<Attribute> &clips, Env &env) {
  const std::string &name = setting.name.text;
  if (name == "init" || name == "rate" || name == "lazy")
    return true; // Of the parameters.
  auto word = [&](size_t i) -> std::string {
    if (i >= setting.values.size())
      return "";
    const auto *ref = ast::dynAs<ast::NameRef>(*setting.values[i]);
    return ref ? ref->name : "";
  };
  if (setting.values.empty()) {
    contradiction(setting.range, "a setting without a value");
    return false;
  }
  if (name == "optimize" || name == "schedule") {
    DictionaryAttr attr = choiceAttr(*setting.values[0], name, env);
    if (attr)
      list.set(name, attr);
    return bool(attr);
  }
  if (name == "feed" && setting.values.size() == 2 &&
      ast::dynAs<ast::Call>(*setting.values[1])) {
    DictionaryAttr attr = choiceAttr(*setting.values[1], name, env);
    if (attr)
      list.set(name,
               builder.getArrayAttr({builder.getStringAttr(word(0)), attr}));
    return bool(attr);
  }
  if (name == "clip") {
    std::optional<double> limit = setting.values.size() > 1
                                      ? number(*setting.values[1], env)
                                      : std::nullopt;
    if (!limit || word(0).empty()) {
      contradiction(setting.range, "this clipping");
      return false;
    }
    NamedAttrList clip;
    clip.append("kind", builder.getStringAttr(word(0)));
    clip.append("limit", builder.getF64FloatAttr(*limit));
    clips.push_back(clip.getDictionary(builder.getContext()));
    return true;
  }
  if (name == "batch" && word(1) == "mixed")
    list.set("mixed", builder.getBoolAttr(true));
  if (name == "bptt") {
    std::optional<double> steps = number(*setting.values[0], env);
    if (!steps || *steps < 1) {
      contradiction(setting.range, "this number of steps");
      return false;
    }
    NamedAttrList bptt;
    bptt.append("steps", builder.getI64IntegerAttr(int64_t(*steps)));
    bptt.append("carry", builder.getBoolAttr(word(1) == "carry"));
    list.set(name, bptt.getDictionary(builder.getContext()));
    return true;
  }
  if (name == "checkpoint") {
    NamedAttrList checkpoint;
    checkpoint.append("kind", builder.getStringAttr(word(0)));
    std::optional<double> amount = setting.values.size() > 1
                                       ? number(*setting.values[1], env)
                                       : std::nullopt;
    std::string unit = word(2);
    double factor = unit == "kB"   ? 1e3
                    : unit == "MB" ? 1e6
                    : unit == "GB" ? 1e9
                                   : 1;
    if (amount)
      checkpoint.append("amount",
                        builder.getI64IntegerAttr(int64_t(*amount * factor)));
    if (word(0) != "none")
      list.set(name, checkpoint.getDictionary(builder.getContext()));
    return true;
  }
  std::optional<Attribute> value = settingValue(*setting.values[0], env);
  if (!value)
    return false;
  if (setting.values.size() == 1 || name == "batch") {
    list.set(name, *value);
    return true;
  }
  llvm::SmallVector<Attribute> all{*value};
  for (const ast::ExprPtr &more : llvm::drop_begin(setting.values)) {
    std::optional<Attribute> next = settingValue(*more, env);
    if (!next)
      return false;
    all.push_back(*next);
  }
  list.set(name, builder.getArrayAttr(all));
  return true;
}

/// The parameters below the path of a setting; E409 if there is none.
llvm::SmallVector<rnn::ParamOp>
Emitter::paramsBelow(const ast::Setting &setting, rnn::ModuleOp module) {
  std::string path;
  for (const ast::Name &name : setting.path)
    path += (path.empty() ? "" : ".") + name.text;
  llvm::SmallVector<rnn::ParamOp> found;
  for (rnn::ParamOp param : module.getBody().getOps<rnn::ParamOp>()) {
    StringRef name = param.getName();
    if (path.empty() || name == path ||
        (name.starts_with(path) && name[path.size()] == '.'))
      found.push_back(param);
  }
  if (found.empty() && !path.empty())
    error("E409", setting.range, "there is no parameter in `" + path + "`",
          "nothing is learned there");
  return found;
}

/// `init rnn ~ uniform(-0.1, 0.1)` replaces the first values of every parameter
/// below the path.
bool Emitter::overrideInit(const ast::TrainItem &train, rnn::ModuleOp module,
                           Env &env) {
  for (const ast::Setting &setting : train.settings) {
    if (setting.name.text != "init" || !setting.init)
      continue;
    DictionaryAttr init = initialiser(*setting.init, env);
    llvm::SmallVector<rnn::ParamOp> params = paramsBelow(setting, module);
    if (!init || (params.empty() && !setting.path.empty()))
      return false;
    for (rnn::ParamOp param : params)
      param.setInitAttr(init);
  }
  return true;
}

/// `rate Emb 0.1`: a factor on the rate of every parameter below the path, by
/// the names of the parameters.
std::optional<DictionaryAttr> Emitter::ratesOf(const ast::TrainItem &train,
                                               rnn::ModuleOp module, Env &env) {
  NamedAttrList rates;
  for (const ast::Setting &setting : train.settings) {
    if (setting.name.text != "rate")
      continue;
    std::optional<double> factor = number(*setting.values[0], env);
    llvm::SmallVector<rnn::ParamOp> params = paramsBelow(setting, module);
    if (params.empty())
      return std::nullopt;
    if (!factor) {
      contradiction(setting.range, "this rate");
      return std::nullopt;
    }
    for (rnn::ParamOp param : params)
      rates.set(param.getName(), builder.getF64FloatAttr(*factor));
  }
  return rates.getDictionary(builder.getContext());
}

/// `lazy Emb`: the names of the parameters below the paths.
std::optional<ArrayAttr> Emitter::lazyParams(const ast::TrainItem &train,
                                             rnn::ModuleOp module) {
  llvm::SetVector<Attribute> names;
  for (const ast::Setting &setting : train.settings) {
    if (setting.name.text != "lazy")
      continue;
    llvm::SmallVector<rnn::ParamOp> params = paramsBelow(setting, module);
    if (params.empty())
      return std::nullopt;
    for (rnn::ParamOp param : params)
      names.insert(param.getNameAttr());
  }
  return builder.getArrayAttr(names.getArrayRef());
}
