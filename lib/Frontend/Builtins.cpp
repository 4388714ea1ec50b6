// Builtins.cpp - the table of built-in functions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Builtins.h"

using namespace rnnc;

static const std::vector<Builtin> &table() {
  using Group = Builtin::Group;
  static const std::vector<Builtin> builtins = [] {
    std::vector<Builtin> all;
    for (const char *name :
         {"exp", "log", "sqrt", "abs", "sigmoid", "tanh", "relu", "softplus",
          "sin", "cos", "erf", "gelu", "floor", "ceil", "round", "sign"})
      all.push_back({name, Group::Unary, {"x"}, 1});
    for (const char *name : {"min", "max", "pow", "mod"})
      all.push_back({name, Group::Binary, {"a", "b"}, 2});
    all.push_back({"clamp", Group::Clamp, {"x", "low", "high"}, 3});
    for (const char *name : {"softmax", "logsumexp", "sum", "mean", "argmax"})
      all.push_back({name, Group::LastAxis, {"x"}, 1});
    all.push_back({"layer_norm", Group::LastAxis, {"x", "eps"}, 1});
    for (const char *name : {"last", "first", "reverse", "cumsum"})
      all.push_back({name, Group::FirstAxis, {"x"}, 1});
    all.push_back({"shift", Group::FirstAxis, {"x", "k"}, 2});
    all.push_back({"dropout", Group::Dropout, {"x", "p", "tied"}, 2});
    all.push_back({"noise", Group::Noise, {"x", "from", "tied"}, 2});
    all.push_back({"stop", Group::Identity, {"x"}, 1});
    all.push_back({"clipgrad", Group::Identity, {"x", "c"}, 2});
    all.push_back({"onehot", Group::OneHot, {"i"}, 1});
    all.push_back({"real", Group::ToReal, {"i"}, 1});
    all.push_back({"categorical", Group::Dist, {"scores", "smooth"}, 1});
    all.push_back({"bernoulli", Group::Dist, {"scores"}, 1});
    all.push_back({"normal", Group::Dist, {"mean", "sd"}, 2});
    all.push_back({"laplace", Group::Dist, {"mean", "scale"}, 2});
    return all;
  }();
  return builtins;
}

const Builtin *rnnc::findBuiltin(const std::string &name) {
  for (const Builtin &builtin : table())
    if (builtin.name == name)
      return &builtin;
  return nullptr;
}

std::vector<std::string> rnnc::builtinNames() {
  std::vector<std::string> names;
  for (const Builtin &builtin : table())
    names.push_back(builtin.name);
  return names;
}
