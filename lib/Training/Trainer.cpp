// Trainer.cpp: the training loop.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Training/Trainer.h"
#include "rnnc/Data/Files.h"
#include "rnnc/Training/LearningRate.h"

#include <algorithm>
#include <cmath>

using namespace rnnc;
using namespace rnnc::training;
using data::Batch;
using data::BatchPlan;

Json TrainResult::toJson() const {
  Json json = {{"steps", steps},
               {"epochs", epochs},
               {"train_loss", loss ? jsonNumber(*loss) : Json()},
               {"skipped", skipped},
               {"empty", empty},
               {"seconds", seconds},
               {"updates_per_second", updatesPerSecond},
               {"tokens_per_second", tokensPerSecond},
               {"weights", useLast ? "last.safetensors" : "best.safetensors"},
               {"best_step", bestStep},
               {"interrupted", interrupted},
               {"stopped_early", stoppedEarly},
               {"gradient_norms", norms},
               {"settings", settings}};
  if (!lastTrace.is_null())
    json["state_gradients"] = {{"first", firstTrace}, {"last", lastTrace}};
  if (!failure.empty())
    json["failed"] = {{"reason", failure}, {"since", failedSince}};
  if (valid)
    json["valid"] = valid->toJson();
  return json;
}

std::string TrainResult::summary() const {
  auto updates = [](int64_t count) {
    return fmt::format("{} update{}", count, count == 1 ? "" : "s");
  };
  std::string text = updates(steps);
  if (made == 0)
    text += ", none of them now";
  else if (made < steps)
    text += fmt::format(", {} of them now,", made);
  std::string rate = updatesPerSecond < 100
                         ? fmt::format("{:.3g}", updatesPerSecond)
                         : countText(updatesPerSecond);
  if (made > 0)
    text +=
        fmt::format(" in {}: {} a second, {} tokens/s", durationText(seconds),
                    rate, countText(tokensPerSecond));
  if (loss)
    text += "; training loss " + lossText(*loss);
  if (skipped > 0)
    text +=
        fmt::format("; {} skipped, something was not finite", updates(skipped));
  if (stoppedEarly)
    text += "; stopped early";
  if (!lastTrace.is_null())
    text += fmt::format("\ngradient of the loss at the states, by distance in "
                        "time; at first\n{}\nnow\n{}",
                        describeTrace(firstTrace), describeTrace(lastTrace));
  return text;
}

Trainer::Trainer(ModelInstance &instance, const data::Schema &schema,
                 const ModelDirectory &directory, const data::Dataset &train,
                 const data::Dataset *valid, const TrainOptions &options)
    : instance(instance), schema(schema), directory(directory), train(train),
      valid(valid && valid->size() ? valid : nullptr), options(options),
      progress(options.quiet), health(instance.module()), stateTrace(instance) {
}

BatchPlan Trainer::planEpoch(int64_t epoch) const {
  BatchPlan::Options plan;
  plan.batch = batch;
  plan.seed = options.seed;
  plan.epoch = static_cast<uint64_t>(epoch);
  plan.chunk = schema.chunk.value_or(0);
  plan.mixed = instance.module().mixesLengths();
  return BatchPlan(train, schema, plan);
}

double Trainer::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() -
                                       started)
      .count();
}

/// How many updates there will be, and when to validate.
void Trainer::planSteps() {
  perEpoch = std::max<int64_t>(
      (planEpoch(0).count() + accumulate - 1) / accumulate, 1);
  epochs = options.epochs;
  const Json &settings = instance.module().train;
  if (epochs == 0 && settings.contains("epochs") &&
      settings["epochs"].is_number_integer())
    epochs = settings["epochs"].get<int64_t>();
  if (epochs <= 0)
    epochs = 10;
  totalSteps = options.steps > 0 ? options.steps : epochs * perEpoch;
  if (options.steps > 0 || (options.maxSeconds > 0 && options.epochs == 0))
    epochs = 0; // no limit by epochs
  // Only a limit of time: no number of updates is known before it is over.
  if (epochs == 0 && options.steps == 0)
    totalSteps = 0;
  validEvery = options.validEvery;
  if (validEvery == 0 && perEpoch > 1000)
    validEvery = 500;
}

/// A number of the `train` block.
static double settingOr(const Json &settings, const char *name,
                        double otherwise) {
  return settings.contains(name) && settings[name].is_number()
             ? settings[name].get<double>()
             : otherwise;
}

Status Trainer::prepare() {
  function = instance.module().find("train_step");
  if (function < 0)
    return usageError("{}: error: `{}` has no function `train_step`",
                      instance.library().path(), instance.module().name);
  batch =
      options.batch > 0 ? options.batch : static_cast<int32_t>(schema.batch);
  if (planEpoch(0).count() == 0)
    return dataError("{}: error: there is too little text for {} rows; give "
                     "a smaller --batch",
                     train.files.front(), batch);
  if (Status status = instance.initialiseOptimizer(); !status)
    return status;
  instance.liveOnDevice();
  average = settingOr(instance.module().train, "average", 0);
  accumulate =
      static_cast<int64_t>(settingOr(instance.module().train, "accumulate", 1));
  if (schema.chunk)
    if (Status status = instance.initialiseCarry(batch); !status)
      return status;
  planSteps();
  if (options.resume && directory.hasFile("last.safetensors"))
    if (Status status = loadCheckpoint(); !status)
      return status;
  firstStep = state.step;
  if (options.traceEvery > 0)
    return stateTrace.prepare(planEpoch(0).make(0), options.seed);
  return {};
}

Status Trainer::begin() {
  if (Status status = log.open(directory.file("log.jsonl"), state.step);
      !status)
    return status;
  started = std::chrono::steady_clock::now();
  if (firstStep > 0)
    progress.print(fmt::format("resuming after update {}", firstStep));
  if (totalSteps > 0 && firstStep > totalSteps)
    progress.print(fmt::format("warning: {} updates have been made already, "
                               "more than the {} asked for in all",
                               firstStep, totalSteps));
  return firstStep == 0 ? traceStates(/*extra=*/false) : Status();
}

/// Looks at the gradients of the states, where that is asked for.
Status Trainer::traceStates(bool extra) {
  if (options.traceEvery == 0 || lastTraced == state.step)
    return {};
  Result<Json> states = stateTrace.measure();
  if (!states)
    return states.error();
  lastTraced = state.step;
  if (result.firstTrace.is_null())
    result.firstTrace = *states;
  result.lastTrace = *states;
  return log.addTrace({{"step", state.step},
                       {"epoch", state.epoch},
                       {"state_gradients", std::move(*states)},
                       {"seconds", log.earlierSeconds() + seconds()}},
                      extra);
}

/// Where only time limits training, the schedule is stretched over the updates
/// that will probably be done. Where a number of updates is given too, time
/// only stops training, as a hand would: it can be resumed to the same bytes.
static int64_t expectedSteps(int64_t first, int64_t step, double seconds,
                             double limit) {
  int64_t done = step - first;
  if (done < 5)
    return step + 100000;
  double left = std::max(limit - seconds, 0.0);
  return step + static_cast<int64_t>(left * static_cast<double>(done) /
                                     std::max(seconds, 1e-9));
}

/// What was not finite in an update; empty if nothing was.
static std::string faultOf(const rnnc_error &error, double loss) {
  std::string skipped = skipReason(error);
  if (!skipped.empty())
    return skipped;
  return std::isfinite(loss) ? "" : fmt::format("the loss is {}", loss);
}

/// `checkpoint memory M`: as few segments as fit; where none fit, it says so.
void Trainer::warnMemory(const Batch &data) {
  int64_t limit = instance.module().memoryLimit();
  auto need = static_cast<int64_t>(instance.lastWorkspace());
  if (limit == 0 || need <= limit || need <= toldMemory)
    return;
  // Told again only where it is much more: lengths differ in every batch.
  toldMemory = need + need / 4;
  progress.print(fmt::format(
      "warning: step {}: `checkpoint memory` allows {}, `train_step` needs {} "
      "for these {} rows; a smaller `batch` (`accumulate` adds several up), "
      "`bptt` or --max-length needs less",
      state.step + 1, bytesText(limit), bytesText(need), data.rows));
}

/// Calls `train_step` for the batches of an update: one, or as many as
/// `accumulate` says; the last update of an epoch has those that are left.
Status Trainer::gatherUpdate(const BatchPlan &plan, Made &made) {
  const FunctionInfo &info =
      instance.module().functions[static_cast<size_t>(function)];
  int64_t count = std::min(accumulate, plan.count() - state.batch);
  if (accumulate > 1)
    instance.counters()->accumulate = static_cast<int32_t>(count);
  ModelInstance::CallOptions call;
  call.seed = options.seed;
  call.hasSeed = true;
  call.useOptimizer = true;
  call.useCarry = schema.chunk.has_value();
  call.norms = &made.norms;
  bool hasOutputs =
      std::any_of(schema.fields.begin(), schema.fields.end(),
                  [](const data::FieldSchema &field) { return field.output; });
  double losses = 0, weights = 0;
  for (int64_t i = 0; i < count; ++i) {
    Batch data = plan.make(state.batch);
    Result<Arrays> results =
        instance.call(function, argumentsOf(info, data), call);
    if (!results)
      return results.error();
    ++state.batch;
    warnMemory(data);
    bool examples = instance.module().lossPerExample() || !hasOutputs;
    double weight = static_cast<double>(examples ? data.rows : data.elements);
    made.loss = plain((*results)["loss"].number(0));
    losses += weight > 0 ? weight * made.loss : 0;
    weights += weight;
    made.norm =
        results->contains("norm") ? plain((*results)["norm"].number(0)) : 0;
    made.rows += data.rows;
    made.elements += data.elements;
    made.steps += data.steps;
  }
  if (count > 1)
    made.loss = weights > 0 ? losses / weights : 0;
  return {};
}

Status Trainer::oneUpdate(const BatchPlan &plan) {
  rnnc_optimizer_counters *counters = instance.counters();
  counters->epoch = state.epoch;
  counters->total_steps =
      totalSteps > 0
          ? totalSteps
          : expectedSteps(firstStep, state.step, seconds(), options.maxSeconds);
  double rate = learningRate(instance.module().train, *counters);
  Made made;
  if (Status status = gatherUpdate(plan, made); !status)
    return status;
  ++state.step;
  return noteUpdate(made, rate);
}

Status Trainer::noteUpdate(const Made &made, double rate) {
  tokens += made.steps;
  health.add(state.step, faultOf(instance.lastError(), made.loss), made.norms);
  if (instance.lastError().status == RNNC_ERR_NOT_FINITE)
    warnSkipped(health.fault());
  lastLoss = made.loss;
  if (std::isfinite(made.loss)) {
    // A mean over about the last hundred updates.
    runningLoss = 0.99 * runningLoss + made.loss;
    runningWeight = 0.99 * runningWeight + 1;
    double share = static_cast<double>(
        instance.module().lossPerExample() ? made.rows : made.elements);
    runningNats = 0.99 * runningNats + made.loss * share;
    runningElements =
        0.99 * runningElements + static_cast<double>(made.elements);
    state.epochLoss += made.loss;
    ++state.epochUpdates;
  }
  Json entry = {{"step", state.step},
                {"epoch", state.epoch},
                {"loss", jsonNumber(made.loss)},
                {"norm", jsonNumber(made.norm)},
                {"norms", health.lastNorms()},
                {"rate", rate},
                {"tokens", made.steps},
                {"seconds", log.earlierSeconds() + seconds()}};
  showProgress(made.norm);
  return log.addUpdate(entry);
}

void Trainer::warnSkipped(const std::string &fault) {
  const rnnc_optimizer_counters *counters = instance.counters();
  // The first few and then every hundredth: a broken run must not flood.
  if (counters->skipped > 5 && counters->skipped % 100 != 0)
    return;
  progress.print(fmt::format("warning: step {}: {}; the update was skipped "
                             "({} so far)",
                             state.step, fault, counters->skipped));
}

void Trainer::showProgress(double norm) {
  ProgressState show;
  show.step = state.step;
  show.totalSteps = totalSteps;
  show.epoch = state.epoch;
  show.epochs = epochs;
  bool isFinite = std::isfinite(lastLoss) && runningWeight > 0;
  show.loss = isFinite ? runningLoss / runningWeight : lastLoss;
  show.norm = norm;
  double passed = std::max(seconds(), 1e-9);
  show.tokensPerSecond = static_cast<double>(tokens) / passed;
  if (schema.isLanguageModel() && runningElements > 0) {
    double perplexity =
        std::exp(isFinite ? runningNats / runningElements : lastLoss);
    show.metric = fmt::format("perplexity {:.2f}", perplexity);
    show.shortMetric = fmt::format("ppl {:.2f}", perplexity);
  } else if (lastValid && !lastValid->classifications.empty()) {
    double accuracy = lastValid->classifications.front().accuracy();
    show.shortMetric = fmt::format("valid {:.1f} %", 100 * accuracy);
    show.metric = show.shortMetric + " right";
  } else if (lastValid) {
    show.metric = show.shortMetric =
        fmt::format("valid {:.4f}", lastValid->loss);
  }
  double bySteps = 0, byTime = 0;
  if (totalSteps > firstStep)
    bySteps = static_cast<double>(state.step - firstStep) /
              static_cast<double>(totalSteps - firstStep);
  if (options.maxSeconds > 0)
    byTime = passed / options.maxSeconds;
  show.done = std::max(bySteps, byTime);
  if (show.done > 0)
    show.secondsLeft = passed / show.done - passed;
  progress.update(show);
}

Trainer::Stop Trainer::shouldStop() const {
  if (options.interrupted && options.interrupted->load())
    return Stop::Interrupted;
  if (health.hopeless(state.step, perEpoch))
    return Stop::Hopeless;
  if (options.patience > 0 && state.sinceBest >= options.patience)
    return Stop::Early;
  if (totalSteps > 0 && state.step >= totalSteps)
    return Stop::Done;
  if (epochs > 0 && state.epoch >= epochs)
    return Stop::Done;
  if (options.maxSeconds > 0 && seconds() >= options.maxSeconds)
    return Stop::Done;
  return Stop::No;
}

/// Evaluates the weights that are used, and leaves those that are trained.
Result<Evaluation> Trainer::evaluateUsed() {
  EvaluateOptions evaluation;
  evaluation.batch = batch;
  evaluation.vocabularies = &directory.vocabularies;
  if (average <= 0)
    return evaluate(instance, schema, *valid, evaluation);
  if (Status status = instance.fetch(); !status)
    return status.error();
  data::TensorFile trained = instance.parameters();
  if (Status status = useMean(); !status)
    return status.error();
  Result<Evaluation> figures = evaluate(instance, schema, *valid, evaluation);
  if (Status status = instance.setParameters(trained, directory.model); !status)
    return status.error();
  return figures;
}

Status Trainer::validate(bool extra) {
  if (!valid || lastValidation == state.step)
    return {};
  Result<Evaluation> figures = evaluateUsed();
  if (!figures)
    return figures.error();
  lastValidation = state.step;
  lastValid = *figures;
  progress.print(fmt::format("step {}, epoch {}: validation {}", state.step,
                             state.batch ? state.epoch + 1 : state.epoch,
                             figures->summary()));
  return log.addValidation({{"step", state.step},
                            {"epoch", state.epoch},
                            {"valid", figures->toJson()},
                            {"seconds", log.earlierSeconds() + seconds()}},
                           extra);
}

/// `schedule plateau(patience, by)`: an epoch that is no better than the best,
/// more than `patience` times in a row, makes the rate smaller.
void Trainer::followPlateau() {
  const Json &settings = instance.module().train;
  double score = state.epochUpdates > 0
                     ? state.epochLoss / static_cast<double>(state.epochUpdates)
                     : NAN;
  state.epochLoss = 0;
  state.epochUpdates = 0;
  if (!settings.contains("schedule") ||
      settings["schedule"].value("kind", "") != "plateau")
    return;
  const Json &schedule = settings["schedule"];
  if (valid && lastValid)
    score = lastValid->score();
  bool better =
      std::isfinite(score) && (state.sincePlateau < 0 || score < state.plateau);
  if (better) {
    state.plateau = score;
    state.sincePlateau = 0;
    return;
  }
  state.sincePlateau = std::max<int64_t>(state.sincePlateau, 0) + 1;
  if (static_cast<double>(state.sincePlateau) <=
      settingOr(schedule, "patience", 10))
    return;
  rnnc_optimizer_counters *counters = instance.counters();
  counters->rate_scale *= settingOr(schedule, "by", 0.1);
  progress.print(fmt::format(
      "step {}, epoch {}: {} epochs without a better {}; the learning rate is "
      "now {:.4g}",
      state.step, state.epoch, state.sincePlateau,
      valid ? "validation" : "training loss",
      counters->rate_scale * settingOr(settings["optimize"], "lr", 1)));
  state.sincePlateau = 0;
}

/// Validation and checkpoints that are due.
Status Trainer::afterBatch() {
  if (options.traceEvery > 0 && state.step % options.traceEvery == 0)
    if (Status status = traceStates(/*extra=*/false); !status)
      return status;
  bool epochEnds = state.batch == 0;
  bool due =
      valid && (epochEnds || (validEvery > 0 && state.step % validEvery == 0));
  if (due) {
    if (Status status = validate(/*extra=*/false); !status)
      return status;
    double score = lastValid->score();
    bool better =
        std::isfinite(score) && (state.bestStep < 0 || score < state.best);
    state.sinceBest = better ? 0 : state.sinceBest + 1;
    if (better) {
      state.best = score;
      state.bestStep = state.step;
      bestValid = lastValid;
      if (Status status = saveBest(); !status)
        return status;
    }
  }
  if (epochEnds)
    followPlateau();
  // Without a wish: often enough that a cut costs minutes, not an epoch.
  int64_t every = options.checkpointEvery > 0 ? options.checkpointEvery : 500;
  bool checkpoint = state.step % every == 0 ||
                    (options.checkpointEvery == 0 && (due || epochEnds));
  return checkpoint ? saveCheckpoint() : Status();
}

Status Trainer::loop() {
  while ((stop = shouldStop()) == Stop::No) {
    BatchPlan plan = planEpoch(state.epoch);
    while (state.batch < plan.count()) {
      stop = shouldStop();
      if (stop != Stop::No)
        return {};
      if (Status status = oneUpdate(plan); !status)
        return status;
      if (state.batch == plan.count()) {
        ++state.epoch;
        state.batch = 0;
      }
      if (Status status = afterBatch(); !status)
        return status;
      if (state.batch == 0)
        break;
    }
  }
  return {};
}

/// Whether what was trained is of any use.
void Trainer::judge() {
  if (health.failed(firstStep, state.step)) {
    result.failure = health.fault();
    result.failedSince = health.faultySince();
  } else if (lastValid && state.bestStep < 0 &&
             !std::isfinite(lastValid->score())) {
    result.failure = fmt::format("the validation loss is {}", lastValid->loss);
    result.failedSince = state.step;
  }
}

Status Trainer::finish() {
  if (Status status = saveCheckpoint(); !status)
    return status;
  // This last look is for the report alone: were it kept, a training that is
  // resumed would not end in the bytes of one that ran through.
  result.interrupted = stop == Stop::Interrupted;
  result.stoppedEarly = stop == Stop::Early;
  result.useLast = state.bestStep < 0;
  if (!result.interrupted) {
    if (Status status = validate(/*extra=*/true); !status)
      return status;
    if (lastValid && lastValidation == state.step)
      result.useLast = state.bestStep < 0 || lastValid->score() <= state.best;
    judge();
  }
  if (Status status = traceStates(/*extra=*/true); !status)
    return status;
  // What is done with the instance from here on sees what the files hold.
  if (Status status = useMean(); !status)
    return status;
  result.valid = result.useLast ? lastValid : bestValid;
  result.bestStep = result.useLast ? state.step : state.bestStep;
  result.steps = state.step;
  result.made = state.step - firstStep;
  result.epochs = state.epoch;
  if (!std::isfinite(lastLoss))
    result.loss = lastLoss;
  else if (runningWeight > 0)
    result.loss = runningLoss / runningWeight;
  result.norms = health.allNorms();
  result.settings = instance.module().train;
  result.skipped = instance.counters()->skipped;
  result.empty = instance.counters()->empty;
  result.seconds = seconds();
  double passed = std::max(result.seconds, 1e-9);
  result.updatesPerSecond =
      static_cast<double>(state.step - firstStep) / passed;
  result.tokensPerSecond = static_cast<double>(tokens) / passed;
  if (Status status = log.flush(); !status)
    return status;
  if (Status status = writeCurve(); !status)
    return status;
  return data::writeFileAtomically(directory.file("report.json"),
                                   result.toJson().dump(2) + "\n");
}

Result<TrainResult> Trainer::run() {
  if (function < 0)
    if (Status status = prepare(); !status)
      return status.error();
  for (auto step : {&Trainer::begin, &Trainer::loop, &Trainer::finish})
    if (Status status = (this->*step)(); !status)
      return status.error();
  return result;
}
