// TrainerTest.cpp: training, resuming, evaluating a library by hand.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Training/Trainer.h"
#include "rnnc/Data/Files.h"
#include "rnnc/Data/Text.h"
#include "rnnc/Training/Curve.h"

#include <cmath>
#include <filesystem>
#include <gtest/gtest.h>

using namespace rnnc;
using namespace rnnc::training;
using data::Dataset;
using data::Schema;

namespace {

/// A library, its data, and a directory that goes away.
class TrainerTest : public testing::Test {
protected:
  void TearDown() override { std::filesystem::remove_all(root); }

  void load(const char *library, const std::string &name,
            const std::string &content) {
    std::filesystem::create_directories(root);
    std::string path = root + "/" + name;
    ASSERT_TRUE(data::writeFileAtomically(path, content));
    Result<std::shared_ptr<Library>> opened = Library::open(library);
    ASSERT_TRUE(opened) << opened.error().message;
    instance = std::move(*ModelInstance::create(*opened, 0, 1));
    schema = schemaOf(instance->module());
    Result<Dataset> all = data::readDataset({path}, schema, {});
    ASSERT_TRUE(all) << all.error().message;
    Result<data::Parts> parts = data::splitDataset(
        std::move(*all), schema, *data::Split::parse("80/20", 0));
    train = std::move(parts->train);
    valid = std::move(parts->valid);
    Result<data::Learned> learned = data::learnVocabularies(train, schema, {});
    ASSERT_TRUE(learned) << learned.error().message;
    vocabularies = learned->vocabularies;
    for (Dataset *part : {&train, &valid})
      ASSERT_TRUE(data::applyVocabularies(*part, schema, vocabularies,
                                          data::Unit::Characters));
  }

  void loadText() {
    std::string text;
    for (int i = 0; i < 200; ++i)
      text += i * i % 7 < 3 ? "abcde" : i % 2 ? "fghij" : "jjab";
    load(TABLE_LM, "a.txt", text);
  }

  ModelDirectory directory(const std::string &name) {
    ModelDirectory result(root + "/" + name);
    result.model = "Table";
    result.vocabularies = vocabularies;
    EXPECT_TRUE(result.save());
    return result;
  }

  /// Trains from the first weights of the seed.
  TrainResult run(const ModelDirectory &directory, TrainOptions options) {
    options.quiet = true;
    EXPECT_TRUE(instance->initialise(options.seed));
    Trainer trainer(*instance, schema, directory, train, &valid, options);
    Result<TrainResult> result = trainer.run();
    EXPECT_TRUE(result) << result.error().message;
    return result ? *result : TrainResult();
  }

  static std::string bytes(const ModelDirectory &directory,
                           const std::string &name) {
    Result<std::string> content = data::readFile(directory.file(name));
    EXPECT_TRUE(content);
    return content ? *content : "";
  }

  std::string root =
      testing::TempDir() + "rnnc-trainer-" +
      testing::UnitTest::GetInstance()->current_test_info()->name();
  std::unique_ptr<ModelInstance> instance;
  Schema schema;
  Dataset train, valid;
  data::Vocabularies vocabularies;
};

} // namespace

TEST_F(TrainerTest, LearnsAndReports) {
  loadText();
  EvaluateOptions options;
  options.batch = 3;
  Result<Evaluation> before = evaluate(*instance, schema, valid, options);
  ASSERT_TRUE(before);
  EXPECT_NEAR(before->perplexity(), 12, 1);
  EXPECT_EQ(before->elements, valid.lengths[0][0]);
  ModelDirectory out = directory("run");
  TrainOptions training;
  training.epochs = 3;
  TrainResult result = run(out, training);
  ASSERT_TRUE(result.valid);
  EXPECT_LT(result.valid->perplexity(), 3);
  EXPECT_EQ(result.epochs, 3);
  for (const char *name : {"last.safetensors", "best.safetensors", "log.jsonl",
                           "curve.svg", "report.json"})
    EXPECT_TRUE(out.hasFile(name)) << name;
}

TEST_F(TrainerTest, ResumedIsTheSameBytes) {
  loadText();
  TrainOptions options;
  options.seed = 5;
  options.checkpointEvery = 7;
  options.steps = 150;
  ModelDirectory whole = directory("whole"), parts = directory("parts");
  run(whole, options);
  for (int64_t steps : {33, 34, 100, 150}) {
    options.steps = steps;
    options.resume = true; // without a checkpoint: from the start
    run(parts, options);
  }
  EXPECT_EQ(bytes(whole, "last.safetensors"), bytes(parts, "last.safetensors"));
  EXPECT_EQ(bytes(whole, "best.safetensors"), bytes(parts, "best.safetensors"));
}

TEST_F(TrainerTest, InterruptedSavesAndGoesOn) {
  loadText();
  TrainOptions options;
  options.steps = 60;
  ModelDirectory whole = directory("whole"), parts = directory("parts");
  run(whole, options);
  std::atomic<bool> interrupted{true};
  options.interrupted = &interrupted;
  EXPECT_TRUE(run(parts, options).interrupted);
  interrupted = false;
  options.resume = true;
  EXPECT_FALSE(run(parts, options).interrupted);
  EXPECT_EQ(bytes(whole, "last.safetensors"), bytes(parts, "last.safetensors"));
}

TEST_F(TrainerTest, ForeignCheckpointsAreRefused) {
  loadText();
  ModelDirectory out = directory("run");
  TrainOptions options;
  options.steps = 20;
  run(out, options);
  options.resume = true;
  options.quiet = true;
  std::string good = bytes(out, "last.safetensors");
  auto refusal = [&](const std::string &content, TrainOptions options) {
    EXPECT_TRUE(
        data::writeFileAtomically(out.file("last.safetensors"), content));
    Trainer trainer(*instance, schema, out, train, &valid, options);
    Result<TrainResult> result = trainer.run();
    EXPECT_FALSE(result);
    // Nothing was overwritten.
    EXPECT_EQ(bytes(out, "last.safetensors"), content);
    return result ? "" : result.error().message;
  };
  EXPECT_NE(refusal(good.substr(0, good.size() / 2), options).find("truncated"),
            std::string::npos);
  TrainOptions other = options;
  other.seed = 9;
  EXPECT_NE(refusal(good, other).find("seed 0"), std::string::npos);
  data::TensorFile weights = instance->parameters();
  EXPECT_NE(refusal(data::printSafetensors(weights), options)
                .find("not a checkpoint of a training"),
            std::string::npos);
  train.columns[0].ints[3] ^= 1;
  EXPECT_NE(refusal(good, options).find("other data"), std::string::npos);
}

TEST_F(TrainerTest, EarlyStopping) {
  loadText();
  ModelDirectory out = directory("run");
  TrainOptions options;
  options.epochs = 1000;
  options.patience = 2;
  TrainResult result = run(out, options);
  EXPECT_TRUE(result.stoppedEarly);
  EXPECT_FALSE(result.useLast);
  EXPECT_LT(result.bestStep, result.steps);
  EXPECT_EQ(*out.weightFile(), out.file("best.safetensors"));
}

TEST_F(TrainerTest, NonFiniteUpdatesAreCounted) {
  loadText();
  ModelDirectory out = directory("run");
  TrainOptions options;
  options.steps = 4;
  options.quiet = true;
  data::TensorFile weights = instance->parameters();
  for (int64_t i = 0; i < weights.tensors[0].second.count(); ++i)
    weights.tensors[0].second.as<float>()[i] = NAN;
  ASSERT_TRUE(instance->setParameters(weights, "w"));
  Trainer trainer(*instance, schema, out, train, nullptr, options);
  Result<TrainResult> result = trainer.run();
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->skipped, 4);
  EXPECT_NE(result->failure.find("is not finite"), std::string::npos);
  EXPECT_EQ(result->failedSince, 1);
  ASSERT_TRUE(result->loss);
  EXPECT_TRUE(std::isnan(*result->loss));
  EXPECT_NE(bytes(out, "log.jsonl").find("\"loss\":\"nan\""),
            std::string::npos);
  EXPECT_NE(result->summary().find("training loss nan"), std::string::npos);
  // Resumed, the weights are refused.
  options.resume = true;
  Trainer again(*instance, schema, out, train, nullptr, options);
  Status status = again.prepare();
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("is nan"), std::string::npos);
}

TEST_F(TrainerTest, NoNumberIsNeverTheBest) {
  loadText();
  ModelDirectory out = directory("run");
  TrainOptions options;
  options.epochs = 2;
  options.quiet = true;
  data::TensorFile weights = instance->parameters();
  for (int64_t i = 0; i < weights.tensors[0].second.count(); ++i)
    weights.tensors[0].second.as<float>()[i] = NAN;
  ASSERT_TRUE(instance->setParameters(weights, "w"));
  Trainer trainer(*instance, schema, out, train, &valid, options);
  Result<TrainResult> result = trainer.run();
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_FALSE(out.hasFile("best.safetensors"));
  EXPECT_FALSE(result->failure.empty());
}

TEST(Health, ARowOfFaults) {
  ModuleInfo module;
  module.parameters = {{"W", {2, 2}, true}, {"mask", {2}, false}};
  Health health(module);
  EXPECT_TRUE(health.lastNorms().empty());
  health.add(1, "", {3, 0});
  health.add(2, "the gradient of `W` is not finite", {INFINITY, 0});
  EXPECT_EQ(health.faultySince(), 2);
  EXPECT_FALSE(health.failed(0, 2)); // one may be an unlucky batch
  EXPECT_TRUE(health.failed(1, 2));  // but not all there are
  health.add(3, "", {1, 0});
  EXPECT_EQ(health.faultySince(), 0);
  for (int step = 4; step < 103; ++step)
    health.add(step, "the loss is inf", {2, 0});
  EXPECT_TRUE(health.failed(0, 102));
  EXPECT_FALSE(health.hopeless(102, 7));
  EXPECT_TRUE(health.hopeless(103, 7));
  EXPECT_FALSE(health.hopeless(103, 500));
  EXPECT_EQ(health.fault(), "the loss is inf");
  EXPECT_EQ(health.allNorms()["W"]["largest"], 3);
  EXPECT_FALSE(health.allNorms().contains("mask"));
  health.add(104, "x", {NAN, 0});
  EXPECT_EQ(health.lastNorms()["W"], "nan");
}

TEST_F(TrainerTest, ClassifierIsCounted) {
  std::string table = "mood\twords\n";
  for (int i = 0; i < 60; ++i)
    table += fmt::format("{}\t{} {}\n", i % 2 ? "good" : "bad",
                         std::string(1, static_cast<char>(i % 2 ? 'a' : 'f')),
                         std::string(1, static_cast<char>('a' + i % 10)));
  load(TABLE_CLASSIFIER, "a.tsv", table);
  ModelDirectory out = directory("run");
  TrainOptions options;
  options.epochs = 10;
  TrainResult result = run(out, options);
  ASSERT_TRUE(result.valid);
  ASSERT_EQ(result.valid->classifications.size(), 1u);
  const Classification &mood = result.valid->classifications[0];
  EXPECT_EQ(mood.total, valid.size());
  EXPECT_GT(mood.accuracy(), 0.9);
  int64_t sum = 0;
  for (const auto &row : mood.confusion)
    for (int64_t count : row)
      sum += count;
  EXPECT_EQ(sum, mood.total);
}

TEST_F(TrainerTest, LinesAlone) {
  loadText();
  Schema lines = schema;
  lines.chunk.reset();
  Result<Dataset> texts =
      data::datasetOfTexts({"abc", "a"}, "<text>", lines, {});
  ASSERT_TRUE(texts);
  ASSERT_TRUE(data::applyVocabularies(*texts, lines, vocabularies,
                                      data::Unit::Characters));
  Result<std::vector<LineEvaluation>> result =
      evaluateLines(*instance, lines, *texts);
  ASSERT_TRUE(result);
  ASSERT_EQ(result->size(), 2u);
  EXPECT_EQ((*result)[0].line, 1);
  EXPECT_EQ((*result)[0].elements, 3);
  EXPECT_EQ((*result)[1].characters, 1);
}

TEST(Figures, PerplexityAndBits) {
  Evaluation evaluation;
  evaluation.languageModel = true;
  evaluation.nats = 10 * std::log(4.0);
  evaluation.elements = 10;
  evaluation.characters = 20;
  EXPECT_NEAR(evaluation.perplexity(), 4, 1e-9);
  EXPECT_NEAR(evaluation.perplexityPerCharacter(), 2, 1e-9);
  EXPECT_NEAR(evaluation.bitsPerCharacter(), 1, 1e-9);
}

TEST(Figures, MacroF1) {
  Classification c;
  c.confusion = {{8, 2}, {1, 9}};
  // F1 of the classes: 16/19 and 18/21.
  EXPECT_NEAR(c.macroF1(), (16.0 / 19 + 18.0 / 21) / 2, 1e-12);
}

TEST(Figures, Durations) {
  EXPECT_EQ(durationText(12), "12s");
  EXPECT_EQ(durationText(0.84), "0.8s");
  EXPECT_EQ(durationText(200), "3m20s");
  EXPECT_EQ(durationText(3725), "1h02m");
  EXPECT_EQ(countText(950), "950");
  EXPECT_EQ(countText(12345), "12.3k");
}

TEST(Progress, FitsTheTerminal) {
  ProgressState state;
  state.step = 6056;
  state.totalSteps = 30212;
  state.epoch = 2;
  state.epochs = 13;
  state.loss = 4.2345;
  state.metric = "perplexity 133.91";
  state.shortMetric = "ppl 133.91";
  state.norm = 5.38;
  state.tokensPerSecond = 3100;
  state.done = 0.2;
  state.secondsLeft = 3145;
  auto columnsOf = [](const std::string &line) {
    return data::countCharacters(line);
  };
  for (int columns = 1; columns < 200; ++columns) {
    EXPECT_LE(columnsOf(progressLine(state, columns)),
              std::max(columns - 1, 1));
  }
  std::string usual = progressLine(state, 80);
  for (const char *part : {" 20 % █", "6056/30212", "loss 4.2345", "ppl 133.91",
                           "norm 5.4", "3.1k/s", "52m25s left"})
    EXPECT_NE(usual.find(part), std::string::npos) << usual;
  EXPECT_NE(progressLine(state, 160).find("perplexity 133.91"),
            std::string::npos);
}

TEST(Curve, LeavesOutWhatIsNotFinite) {
  CurvePoints train;
  for (int i = 0; i < 5000; ++i)
    train.emplace_back(i, i == 7 ? NAN : 3.0 / (1 + i));
  std::string svg =
      drawCurve("a < b", "loss & co", train, {{100, 1}, {5000, 0.5}});
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_NE(svg.find("a &lt; b"), std::string::npos);
  EXPECT_LT(svg.size(), 12000u); // thinned
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  EXPECT_NE(drawCurve("empty", "", {}, {}).find("</svg>"), std::string::npos);
}

TEST(Curve, AccuracyAndZero) {
  // A tick at zero between negative and positive losses.
  std::string svg = drawCurve("t", "loss", {{1, -0.7}, {9, 0.9}},
                              {{5, 0.1}, {9, 0}}, {{5, 0.25}, {9, 0.75}});
  EXPECT_NE(svg.find(">0</text>"), std::string::npos);
  EXPECT_EQ(svg.find(">-0<"), std::string::npos);
  EXPECT_EQ(svg.find("e-1"), std::string::npos);
  EXPECT_NE(svg.find("validation accuracy"), std::string::npos);
  EXPECT_NE(svg.find(">50 %<"), std::string::npos);
  EXPECT_EQ(drawCurve("t", "loss", {{1, 2}, {2, 1}}, {}).find("accuracy"),
            std::string::npos);
  // Numbers beside which a margin is nothing.
  for (double value : {1e30, -1e300, 0.0})
    EXPECT_NE(drawCurve("t", "", {{1, value}, {2, value}}, {}).find("</svg>"),
              std::string::npos);
}

TEST(Directory, RoundTrip) {
  std::string path = testing::TempDir() + "rnnc-directory";
  ModelDirectory out(path);
  out.model = "M";
  out.split = "80/10/10";
  out.read.tokens = "chars";
  out.read.columns = {{"mood", "0"}};
  out.compile = {{"dims", {{"V", 7}}}};
  out.vocabularies["V"] = data::Vocabulary({"<unk>", "中", "\n"});
  ASSERT_TRUE(out.save());
  ModelDirectory back(path);
  Status status = back.load();
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(back.model, "M");
  EXPECT_EQ(back.split, "80/10/10");
  EXPECT_EQ(back.read.tokens, "chars");
  EXPECT_EQ(back.read.columns, out.read.columns);
  EXPECT_EQ(back.compile, out.compile);
  EXPECT_EQ(back.vocabularies.at("V").all(), out.vocabularies.at("V").all());
  std::filesystem::remove_all(path);
  EXPECT_FALSE(ModelDirectory(path).load());
}

/// What is copied and written by recursion is not read if it would fill the
/// stack.
TEST(Directory, DeepJsonIsNone) {
  std::string path = testing::TempDir() + "rnnc-deep-directory";
  ASSERT_TRUE(ModelDirectory(path).save());
  std::string deep = std::string(1000000, '[') + std::string(1000000, ']');
  for (const char *key : {"compile", "read", "other"}) {
    ASSERT_TRUE(data::writeFileAtomically(
        path + "/options.json",
        fmt::format("{{\"format\": 1, \"{}\": {{\"x\": {}}}}}", key, deep)));
    Status status = ModelDirectory(path).load();
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().message,
              path + "/options.json: error: damaged: not a JSON object");
  }
  std::filesystem::remove_all(path);
  EXPECT_TRUE(parseJson(deep.substr(1000000 - 90, 180)).is_array());
  EXPECT_TRUE(parseJson("\"" + std::string(1000, '[') + "\"").is_string());
}
