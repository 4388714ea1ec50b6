// AnalyseTrain.cpp - the settings of `train`.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Analyser.h"

#include "Constant.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <set>

using namespace rnnc;
using namespace rnnc::ast;

namespace rnnc {

/// Reads one `train` block into its settings.
class TrainAnalyser {
public:
  TrainAnalyser(Analyser &analyser, const ModelInfo &model,
                TrainSettings &settings)
      : analyser(analyser), diags(analyser.diags), model(model),
        settings(settings) {}

  void run(const TrainItem &item) {
    for (const Setting &one : item.settings)
      setting(one);
    for (const Setting *one : seen) {
      if (one->name.text == "schedule")
        rateOfCycle(*one);
      if (one->name.text == "batch" && settings.mixed && settings.carry)
        wrong(*one, one->values[1]->range,
              "with `carry` all rows of a batch are chunks of one length");
      if (one->name.text == "accumulate")
        countedAlike(*one);
    }
  }

private:
  using Method = TrainSettings::Method;
  struct KnownMethod {
    const char *name;
    std::vector<const char *> args;
  };

  void setting(const Setting &one) {
    const std::string &name = one.name.text;
    if (name != "clip" && name != "init" && name != "rate" && name != "lazy") {
      for (const Setting *before : seen)
        if (before->name.text == name) {
          diags
              .error("E408", one.name.range,
                     fmt::format("`{}` is set twice", name))
              .label("set again here")
              .also(before->name.range, "first set here");
          return;
        }
      seen.push_back(&one);
    }
    if (name == "init")
      return init(one);
    if (name == "rate")
      return rate(one);
    if (name == "lazy")
      return lazy(one);
    if (one.values.empty()) {
      if (isKnown(name))
        wrong(one, one.name.range, "has no value");
      else
        unknown(one);
      return;
    }
    if (name == "optimize")
      method(one, optimizers(), settings.optimize);
    else if (name == "schedule")
      method(one, schedules(), settings.schedule);
    else if (name == "clip")
      clip(one);
    else if (name == "bptt")
      bptt(one);
    else if (name == "checkpoint")
      checkpoint(one);
    else if (name == "feed")
      feed(one);
    else if (name == "per")
      per(one);
    else if (name == "precision")
      precision(one);
    else if (name == "batch")
      batch(one);
    else if (name == "epochs")
      whole(one, 1, settings.epochs);
    else if (name == "seed")
      whole(one, 0, settings.seed);
    else if (name == "decay")
      plain(one, settings.decay, 0, 1e30);
    else if (name == "average")
      average(one);
    else if (name == "accumulate")
      whole(one, 1, settings.accumulate, 1000000);
    else
      unknown(one);
  }

  static const std::vector<std::string> &names() {
    static const std::vector<std::string> all = {
        "optimize", "schedule", "init",      "clip",  "bptt",      "checkpoint",
        "feed",     "per",      "precision", "batch", "epochs",    "seed",
        "decay",    "average",  "rate",      "lazy",  "accumulate"};
    return all;
  }
  static bool isKnown(const std::string &name) {
    return std::find(names().begin(), names().end(), name) != names().end();
  }

  static const std::vector<KnownMethod> &optimizers() {
    static const std::vector<KnownMethod> all = {
        {"sgd", {"lr", "momentum", "nesterov"}},
        {"adam", {"lr", "beta1", "beta2", "eps"}},
        {"adamw", {"lr", "beta1", "beta2", "eps", "decay"}},
        {"rmsprop", {"lr", "alpha", "eps", "momentum"}},
        {"adagrad", {"lr", "eps"}}};
    return all;
  }
  static const std::vector<KnownMethod> &schedules() {
    static const std::vector<KnownMethod> all = {
        {"constant", {}},
        {"cosine", {"warmup"}},
        {"linear", {"hold", "to"}},
        {"step", {"every", "by", "after"}},
        {"plateau", {"patience", "by"}},
        {"onecycle", {"peak"}}};
    return all;
  }

  /// How the share of draws grows with the number n of batches.
  static const std::vector<KnownMethod> &feedSchedules() {
    static const std::vector<KnownMethod> all = {
        {"linear", {"to", "until", "after"}},
        {"exponential", {"k"}},
        {"sigmoid", {"k"}}};
    return all;
  }

  void unknown(const Setting &one) {
    std::string close = analyser.similar(one.name.text, names());
    for (const std::string &name : names())
      if (close.empty() && one.name.text.starts_with(name + "_"))
        close = name; // batch_size, clip_grad_norm
    auto &d =
        diags.error("E406", one.name.range,
                    fmt::format("there is no setting `{}`", one.name.text));
    d.label("not known here");
    d.help(
        close.empty()
            ? fmt::format("there are {}", fmt::join(names(), ", "))
            : fmt::format("a setting with a similar name exists: `{}`", close));
  }

  void wrong(const Setting &one, SourceRange range, std::string label) {
    static const std::map<std::string, const char *> forms = {
        {"optimize", "optimize adam(lr = 1e-3)"},
        {"schedule", "schedule cosine(warmup = 1000)"},
        {"clip", "clip global_norm 1"},
        {"bptt", "bptt 100` or `bptt 100 carry"},
        {"checkpoint", "checkpoint none`, `sqrt`, `every 10` or `memory 500MB"},
        {"feed", "feed truth`, `feed sampled 0.2` or `feed sampled linear(to = "
                 "0.5, until = 10000)"},
        {"per", "per element` or `per example"},
        {"precision", "precision f32` or `precision f64"},
        {"batch", "batch 32` or `batch 32 mixed"},
        {"epochs", "epochs 10"},
        {"seed", "seed 0"},
        {"decay", "decay 1e-4"},
        {"average", "average 0.99"},
        {"accumulate", "accumulate 4"},
        {"rate", "rate Emb 0.1"},
        {"lazy", "lazy Emb"},
        {"init", "init rnn ~ uniform(-0.1, 0.1)"}};
    std::string form = forms.at(one.name.text);
    if (!one.values.empty()) {
      const std::string *name = word(one, 0);
      if (const auto *call = dynAs<Call>(*one.values[0]))
        name = &call->callee.text;
      if (name && *name == "plateau")
        form = "schedule plateau(patience = 10, by = 0.1)";
      if (name && *name == "linear")
        form = "schedule linear(hold = 0.5)";
      if (name && *name == "sgd")
        form = "optimize sgd(lr = 0.1, momentum = 0.9, nesterov = 1)";
      if (name && *name == "onecycle")
        form = "schedule onecycle(peak = 0.01)";
    }
    diags
        .error("E407", range,
               fmt::format("this is no value of `{}`", one.name.text))
        .label(std::move(label))
        .help(fmt::format("write `{}`", form));
  }

  const std::string *word(const Setting &one, size_t i) const {
    if (i >= one.values.size())
      return nullptr;
    const auto *ref = dynAs<NameRef>(*one.values[i]);
    return ref ? &ref->name : nullptr;
  }

  std::optional<double> number(const Setting &one, size_t i) {
    if (i >= one.values.size())
      return std::nullopt;
    return constantOf(*one.values[i], analyser.program.dims);
  }

  /// `batch 32`, `batch 32 mixed`.
  void batch(const Setting &one) {
    const std::string *kind = word(one, 1);
    bool isMixed = kind && *kind == "mixed";
    settings.mixed = isMixed;
    whole(one, 1, settings.batch, 9e15, isMixed ? 2 : 1);
  }

  bool noMore(const Setting &one, size_t count) {
    if (one.values.size() <= count)
      return true;
    const std::string *next = word(one, count);
    if (!next || !isKnown(*next)) {
      wrong(one, one.values[count]->range, "not expected here");
      return false;
    }
    diags
        .error("E407", one.values[count]->range,
               fmt::format("this is no value of `{}`", one.name.text))
        .label("another setting")
        .help(fmt::format("begin a new line with `{}`", *next));
    return false;
  }

  void whole(const Setting &one, int64_t least, std::optional<int64_t> &slot,
             double most = 9e15, size_t values = 1) {
    std::optional<double> value = number(one, 0);
    if (!value || *value != std::floor(*value) || *value < least ||
        *value > most)
      return wrong(
          one, one.values[0]->range,
          most < 9e15 ? fmt::format("a whole number from {} to {}", least, most)
                      : fmt::format("a whole number, at least {}", least));
    if (noMore(one, values))
      slot = static_cast<int64_t>(*value);
  }

  void plain(const Setting &one, double &slot, double low, double high) {
    std::optional<double> value = number(one, 0);
    if (!value || !(*value >= low) || !(*value <= high))
      return wrong(one, one.values[0]->range,
                   high > 1 ? "a number, at least 0" : "a number from 0 to 1");
    if (noMore(one, 1))
      slot = *value;
  }

  /// What an update leaves of the mean weights: all would be no mean.
  void average(const Setting &one) {
    std::optional<double> value = number(one, 0);
    if (!value || !(*value >= 0) || !(*value < 1))
      return wrong(one, one.values[0]->range, "a number from 0, and below 1");
    if (noMore(one, 1))
      settings.average = *value;
  }

  /// `adam`, `adam(lr = 1e-3)`, `sgd(0.1, nesterov)`.
  void method(const Setting &one, const std::vector<KnownMethod> &known,
              Method &slot, size_t place = 0) {
    const auto *call = dynAs<Call>(*one.values[place]);
    const std::string *name = call ? &call->callee.text : word(one, place);
    SourceRange range = call ? call->callee.range : one.values[place]->range;
    const KnownMethod *found = nullptr;
    std::string all;
    for (const KnownMethod &candidate : known) {
      all += (all.empty() ? "`" : ", `") + std::string(candidate.name) + "`";
      if (name && *name == candidate.name)
        found = &candidate;
    }
    if (!found)
      return wrong(one, range, "known are " + all);
    if (!noMore(one, place + 1))
      return;
    Method result{found->name, {}};
    std::vector<Port> ports;
    for (const char *arg : found->args)
      ports.push_back({arg, Ty::real(), {}});
    bool ok = true;
    static const std::vector<Arg> none;
    if (call && !haveValues(one, *found, call->args))
      return;
    auto args = analyser.assign(found->name, range, call ? call->args : none,
                                ports, 0, ok);
    for (size_t i = 0; i < args.size(); ++i)
      if (args[i] && !methodArg(one, ports[i].name, *args[i], result))
        ok = false;
    if (result.name == "step" && ok &&
        (!result.args.count("every") || !result.args.count("by"))) {
      wrong(one, range, "`every` and `by` are needed");
      ok = false;
    }
    if (result.name == "onecycle" && ok && !result.args.count("peak")) {
      wrong(one, range, "`peak`, the highest rate, is needed");
      ok = false;
    }
    ok = ok && (place == 0 || isFeedSchedule(one, range, result));
    if (ok)
      slot = std::move(result);
  }

  /// Whether no argument is only named, as in `sgd(lr = 0.1, nesterov)`.
  bool haveValues(const Setting &one, const KnownMethod &method,
                  const std::vector<Arg> &args) {
    for (const Arg &arg : args) {
      const auto *ref = dynAs<NameRef>(*arg.value);
      if (!arg.name.empty() || !ref ||
          std::find(method.args.begin(), method.args.end(), ref->name) ==
              method.args.end())
        continue;
      wrong(one, arg.value->range,
            fmt::format("what is it? Write `{} = {}`", ref->name,
                        ref->name == "nesterov" ? "1" : "..."));
      return false;
    }
    return true;
  }

  /// Whether the share of draws stays between 0 and 1, and all is said of it.
  bool isFeedSchedule(const Setting &one, SourceRange range,
                      const Method &result) {
    auto value = [&](const char *name) {
      auto found = result.args.find(name);
      return found == result.args.end() ? 0 : found->second;
    };
    std::string lacks;
    if (result.name == "linear") {
      if (!result.args.count("to") || !result.args.count("until"))
        lacks = "`to` and `until` are needed";
      else if (value("to") > 1)
        lacks = "`to` is a number from 0 to 1";
      else if (value("until") <= value("after"))
        lacks = "`until` is a later batch than `after`";
    } else if (result.name == "exponential" &&
               (value("k") <= 0 || value("k") >= 1)) {
      lacks = "`k` is above 0 and below 1, such as 0.999";
    } else if (result.name == "sigmoid" && value("k") < 1) {
      lacks = "`k` is at least 1, such as 2000";
    }
    if (!lacks.empty())
      wrong(one, range, lacks);
    return lacks.empty();
  }

  /// The cycle begins at the optimiser's rate, and is a multiple of it.
  void rateOfCycle(const Setting &one) {
    auto rate = settings.optimize.args.find("lr");
    if (settings.schedule.name == "onecycle" &&
        rate != settings.optimize.args.end() && rate->second == 0)
      wrong(one, one.values[0]->range,
            "the cycle begins at `lr`, which is 0 here");
  }

  /// The time axes that a mean counts; "" counts examples.
  std::string countOf(const ModelInfo::Drawn &output) const {
    std::multiset<std::string> names; // in whatever order they stand
    for (const Poly &size : output.type.axes)
      if (size.time())
        names.insert(size.str());
    std::string times;
    for (const std::string &name : names)
      times += (times.empty() ? "" : ", ") + name;
    return times;
  }

  /// Batches are weighed by what their mean counts: one number for each.
  void countedAlike(const Setting &one) {
    if (settings.accumulate.value_or(1) == 1 || settings.perExample ||
        model.outputs.empty())
      return;
    auto text = [](const std::string &times) {
      return times.empty() ? std::string("a mean over examples")
                           : fmt::format("a mean over elements of {}", times);
    };
    std::string first = countOf(model.outputs.front());
    SourceRange other;
    std::string second;
    for (const ModelInfo::Drawn &output : model.outputs)
      if (!other.valid() && countOf(output) != first) {
        other = output.typeRange;
        second = countOf(output);
      }
    // What reads no data is the same in every batch, however they are weighed.
    if (!other.valid() && !first.empty())
      other = model.loss;
    if (!other.valid())
      return;
    diags
        .error(
            "E421", one.range,
            "`accumulate` adds up batches that have to be counted in one way")
        .label("two means of different numbers")
        .also(model.outputs.front().typeRange, text(first))
        .also(other, text(second))
        .help("add a line `per example`: every loss is a mean over examples");
  }

  bool methodArg(const Setting &one, const std::string &name, const Expr &arg,
                 Method &result) {
    const auto *ref = dynAs<NameRef>(arg);
    std::optional<double> value = constantOf(arg, analyser.program.dims);
    if (ref && name == "nesterov" &&
        (ref->name == "nesterov" || ref->name == "true"))
      value = 1;
    if (ref && name == "nesterov" && ref->name == "false")
      value = 0;
    bool below1 = name == "beta1" || name == "beta2" || name == "alpha" ||
                  name == "hold" || (name == "by" && result.name == "plateau");
    bool steps = name == "every" || name == "warmup" || name == "after" ||
                 name == "patience" || name == "until";
    if (!value || !(*value >= 0) || (below1 && *value >= 1) ||
        (steps && *value != std::floor(*value)) ||
        (name == "every" && *value < 1)) {
      wrong(one, arg.range,
            below1  ? fmt::format("`{}` is at least 0 and below 1", name)
            : steps ? fmt::format("`{}` is a whole number", name)
                    : fmt::format("`{}` is a number, at least 0", name));
      return false;
    }
    result.args[name] = *value;
    return true;
  }

  void clip(const Setting &one) {
    const std::string *kind = word(one, 0);
    if (!kind || (*kind != "value" && *kind != "norm" &&
                  *kind != "global_norm" && *kind != "adaptive"))
      return wrong(one, one.values[0]->range,
                   one.values.size() == 1
                       ? "a kind and a limit above 0 have to follow"
                       : "known are `value`, `norm`, `global_norm` and "
                         "`adaptive`");
    std::optional<double> limit = number(one, 1);
    if (!limit || !(*limit > 0) || !std::isfinite(*limit))
      return wrong(one,
                   one.values.size() > 1 ? one.values[1]->range
                                         : one.values[0]->range,
                   "a limit above 0 has to follow");
    if (noMore(one, 2))
      settings.clips.push_back({*kind, *limit});
  }

  void bptt(const Setting &one) {
    std::optional<double> steps = number(one, 0);
    if (!steps || *steps < 1 || *steps != std::floor(*steps) || *steps > 1e9)
      return wrong(one, one.values[0]->range, "a number of steps");
    settings.bptt = static_cast<int64_t>(*steps);
    if (one.values.size() == 1)
      return;
    const std::string *carry = word(one, 1);
    if (!carry || *carry != "carry")
      return wrong(one, one.values[1]->range, "only `carry` can follow");
    if (!noMore(one, 2))
      return;
    settings.carry = true;
    bool backward = model.backward.valid();
    if (!backward && !model.nonCausalModule.valid())
      return;
    diags
        .error("E401", one.values[1]->range,
               "`carry` needs a model that runs forward only")
        .label("keeps the state from one chunk to the next")
        .also(backward ? model.backward : model.nonCausalModule,
              backward ? "this scan starts at the end of the sequence"
                       : "this layer needs the whole sequence")
        .help("remove `carry`, or train on whole sequences without `bptt`");
  }

  void checkpoint(const Setting &one) {
    const std::string *kind = word(one, 0);
    size_t used = 1;
    double amount = 0;
    if (!kind || (*kind != "none" && *kind != "sqrt" && *kind != "every" &&
                  *kind != "memory"))
      return wrong(one, one.values[0]->range,
                   "known are `none`, `sqrt`, `every` and `memory`");
    if (*kind == "every" || *kind == "memory") {
      std::optional<double> value = number(one, used);
      if (!value || *value < 1 || *value != std::floor(*value))
        return wrong(one, one.values.back()->range,
                     "a whole number has to follow");
      amount = *value;
      ++used;
    }
    if (*kind == "memory") {
      const std::string *unit = word(one, used);
      double factor = !unit           ? 0
                      : *unit == "kB" ? 1e3
                      : *unit == "MB" ? 1e6
                      : *unit == "GB" ? 1e9
                                      : 0;
      if (factor == 0)
        return wrong(one, one.values.back()->range,
                     "the unit is `kB`, `MB` or `GB`");
      amount *= factor;
      ++used;
    }
    if (!noMore(one, used))
      return;
    settings.checkpoint = *kind;
    settings.checkpointAmount = amount;
  }

  void feed(const Setting &one) {
    const std::string *kind = word(one, 0);
    if (kind && *kind == "truth") {
      noMore(one, 1);
      return;
    }
    if (!kind || *kind != "sampled")
      return wrong(one, one.values[0]->range,
                   "known are `truth` and `sampled`");
    if (one.values.size() > 1 && dynAs<Call>(*one.values[1])) {
      Method schedule;
      method(one, feedSchedules(), schedule, 1);
      if (!schedule.name.empty() && feedsDraws(one))
        settings.feedSchedule = std::move(schedule);
      return;
    }
    std::optional<double> part = number(one, 1);
    if (!part || *part < 0 || *part > 1)
      return wrong(one, one.values.back()->range,
                   "a number from 0 to 1 or a schedule has to follow");
    if (noMore(one, 2) && *part > 0 && feedsDraws(one))
      settings.feedSampled = *part;
  }

  /// Whether there is an unfold to feed.
  bool feedsDraws(const Setting &one) {
    bool unfolds =
        std::any_of(model.outputs.begin(), model.outputs.end(),
                    [](const ModelInfo::Drawn &one) { return one.unfolded; });
    if (!unfolds)
      diags
          .error("E407", one.range,
                 fmt::format("`feed sampled` has nothing to feed in `{}`",
                             model.name))
          .label("no output is unfolded")
          .help("remove it: what `scan` reads is given");
    return unfolds;
  }

  void per(const Setting &one) {
    const std::string *kind = word(one, 0);
    if (!kind || (*kind != "element" && *kind != "example"))
      return wrong(one, one.values[0]->range,
                   "known are `element` and `example`");
    if (noMore(one, 1))
      settings.perExample = *kind == "example";
  }

  void precision(const Setting &one) {
    const std::string *kind = word(one, 0);
    if (!kind || (*kind != "f32" && *kind != "f64"))
      return wrong(one, one.values[0]->range, "known are `f32` and `f64`");
    if (noMore(one, 1))
      settings.precision = *kind;
  }

  /// A factor on the rate of the parameters below a path.
  void rate(const Setting &one) {
    TrainSettings::Rate result;
    if (!findPath(one, result.path))
      return;
    std::optional<double> value = number(one, 0);
    if (!value || !(*value >= 0) || !std::isfinite(*value))
      return wrong(one, one.values[0]->range,
                   "a factor on the rate, at least 0");
    result.factor = *value;
    settings.rates.push_back(std::move(result));
  }

  /// Parameters below a path of which only what has a gradient is updated.
  void lazy(const Setting &one) {
    std::vector<std::string> path;
    findPath(one, path);
  }

  /// The instance or parameter that a setting is for.
  bool findPath(const Setting &one, std::vector<std::string> &path) {
    const PathTree *at = model.paths.get();
    for (const Name &part : one.path) {
      auto it = at->below.find(part.text);
      if (at->isOpen) { // what is below is found when weights are made
        path.push_back(part.text);
        continue;
      }
      if (it == at->below.end()) {
        std::vector<std::string> names;
        for (const auto &[name, tree] : at->below)
          names.push_back(name);
        std::string close = analyser.similar(part.text, names);
        auto &d = diags.error("E409", part.range,
                              fmt::format("there is no instance or parameter "
                                          "`{}`",
                                          part.text));
        d.label("not known here").also(model.decl, "in this model");
        if (!close.empty())
          d.help(fmt::format("one with a similar name exists: `{}`", close));
        return false;
      }
      at = it->second.get();
      path.push_back(part.text);
    }
    return true;
  }

  void init(const Setting &one) {
    TrainSettings::Init result;
    if (!findPath(one, result.path))
      return;
    size_t before = diags.errorCount();
    analyser.initialiser(*one.init);
    if (diags.errorCount() != before)
      return;
    result.method.name = one.init->name.text;
    const char *const argNames[2][2] = {{"mean", "sd"}, {"from", "to"}};
    const auto &names = argNames[result.method.name == "uniform"];
    size_t position = 0;
    for (const Arg &arg : one.init->args) {
      std::optional<double> value =
          constantOf(*arg.value, analyser.program.dims);
      if (!value)
        return wrong(one, arg.value->range, "a plain number has to stand here");
      std::string name = arg.name.empty()
                             ? names[std::min<size_t>(position++, 1)]
                             : arg.name.text;
      result.method.args[name] = *value;
    }
    settings.inits.push_back(std::move(result));
  }

  Analyser &analyser;
  Diagnostics &diags;
  const ModelInfo &model;
  TrainSettings &settings;
  std::vector<const Setting *> seen;
};

} // namespace rnnc

void Analyser::trainItem(const TrainItem &item) {
  const Entity *entity = findEntity(item.model.text);
  if (!entity || entity->kind != Entity::Kind::Model) {
    if (!entity && declaredLater(item.model.text, item.model.range))
      return;
    auto &d =
        diags.error("E410", item.model.range,
                    fmt::format("there is no model `{}`", item.model.text));
    d.label("not a model");
    if (entity)
      d.also(entity->decl, "declared here");
    std::vector<std::string> models;
    for (const ItemPtr &other : program.files.back()->items)
      if (const auto *model = dynAs<ModelItem>(*other))
        models.push_back(fmt::format("`{}`", model->name.text));
    if (!models.empty())
      d.help(fmt::format("the model{} of this file: {}",
                         models.size() > 1 ? "s" : "",
                         fmt::join(models, ", ")));
    return;
  }
  const ModelInfo &model = *entity->model;
  auto [it, isNew] = program.train.emplace(model.name, TrainSettings());
  if (!isNew) {
    diags
        .error("E408", item.headRange,
               fmt::format("`{}` is trained twice", model.name))
        .label("a second `train`")
        .also(it->second.range, "the first one");
    return;
  }
  it->second.model = model.name;
  it->second.range = item.headRange;
  beginBlock(BlockScope::Kind::Model);
  size_t before = diags.errorCount();
  TrainAnalyser(*this, model, it->second).run(item);
  blockScope.reset();
  if (diags.errorCount() != before || !model.plain.valid() ||
      !it->second.clips.empty())
    return;
  diags
      .warning("W501", item.headRange,
               "gradients of this model can grow without bound")
      .label("no `clip` here")
      .also(model.plain,
            fmt::format("a plain recurrence over {}",
                        model.plainAxis.empty() ? "time" : model.plainAxis))
      .help("add `clip norm 1`");
}
