// ProgramTest.cpp - what a checked program knows.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Programs.h"
#include "rnnc/Frontend/Check.h"

#include <cctype>
#include <gtest/gtest.h>
#include <set>

using namespace rnnc;

namespace {

TEST(Program, SamplesAndExamplesAreClean) {
  for (const char *folder : {RNNC_PROGRAMS, RNNC_EXAMPLES})
    for (const auto &[path, text] : programsIn(folder)) {
      SourceManager sources;
      Diagnostics diags(sources);
      EXPECT_TRUE(check(sources, path, {}, diags).has_value())
          << diags.render();
      for (const Diagnostic &d : diags.all()) // adding_rnn is without clip
        EXPECT_EQ(d.code, "W501") << path;
    }
}

struct Checked {
  SourceManager sources;
  Diagnostics diags{sources};
  std::optional<CheckedProgram> program;

  explicit Checked(std::string text, FrontendOptions options = {}) {
    program = checkText(sources, "t.rnn", std::move(text), options, diags);
  }
};

const char *model = "import std\n"
                    "dim I = 2, H, K = 2*I\n"
                    "model M {\n"
                    "  time T\n"
                    "  input x : [T, I]\n"
                    "  output y : [T, K]\n"
                    "  use rnn = lstm[I, H] >> dense[H, K]\n"
                    "  y ~ normal(scan rnn over x, 1)\n"
                    "}\n";

TEST(Program, Dims) {
  Checked plain(model);
  ASSERT_TRUE(plain.program) << plain.diags.render();
  EXPECT_EQ(plain.program->dims.at("K"), 4);
  EXPECT_EQ(plain.program->dims.count("H"), 0u);
  FrontendOptions options;
  options.dims = {{"I", 5}, {"H", 7}};
  Checked given(model, options);
  ASSERT_TRUE(given.program) << given.diags.render();
  EXPECT_EQ(given.program->dims.at("K"), 10);
  EXPECT_EQ(given.program->dims.at("H"), 7);
  ASSERT_EQ(given.program->files.size(), 2u);
  EXPECT_EQ(given.program->files[0]->module, "std");
  EXPECT_EQ(given.program->main().module, "t");
}

TEST(Program, FeedSampled) {
  Checked checked("cell c(prev: real) -> normal {\n"
                  "  state h : real = 0\n"
                  "  h' = 0.5 * h + prev\n"
                  "  out normal(h', 1)\n"
                  "}\n"
                  "model M {\n"
                  "  time T\n"
                  "  output y : [T]\n"
                  "  use f = c\n"
                  "  y ~ unfold f start 0\n"
                  "}\n"
                  "train M { feed sampled 1/4 }\n");
  ASSERT_TRUE(checked.program) << checked.diags.render();
  EXPECT_EQ(checked.program->train.at("M").feedSampled, 0.25);
  EXPECT_FALSE(checked.program->train.at("M").feedSchedule);
}

TEST(Program, TrainSettings) {
  Checked checked(std::string(model) +
                  "train M {\n"
                  "  optimize sgd(0.1, momentum = 1 - 0.5, nesterov = true)\n"
                  "  schedule step(every = 2, by = 0.5, after = 4)\n"
                  "  clip value 5\n"
                  "  clip global_norm 2^3\n"
                  "  bptt 35 carry\n"
                  "  checkpoint memory 500MB\n"
                  "  per example\n"
                  "  batch 2*I\n"
                  "  seed 0\n"
                  "  precision f64\n"
                  "  decay 1e-4\n"
                  "  average 0.99\n"
                  "  init ~ uniform(-0.5, to = 1)\n"
                  "  init rnn.0.W ~ normal(0, sd = 2)\n"
                  "}\n");
  ASSERT_TRUE(checked.program) << checked.diags.render();
  const TrainSettings &train = checked.program->train.at("M");
  EXPECT_EQ(train.optimize.name, "sgd");
  EXPECT_EQ(train.optimize.args,
            (std::map<std::string, double>{
                {"lr", 0.1}, {"momentum", 0.5}, {"nesterov", 1}}));
  EXPECT_EQ(train.schedule.name, "step");
  EXPECT_EQ(train.schedule.args.at("after"), 4);
  ASSERT_EQ(train.clips.size(), 2u);
  EXPECT_EQ(train.clips[0].kind, "value");
  EXPECT_EQ(train.clips[1].limit, 8);
  EXPECT_EQ(train.bptt, 35);
  EXPECT_TRUE(train.carry);
  EXPECT_EQ(train.checkpoint, "memory");
  EXPECT_EQ(train.checkpointAmount, 500e6);
  EXPECT_TRUE(train.perExample);
  EXPECT_EQ(train.batch, 4);
  EXPECT_EQ(train.seed, 0);
  EXPECT_FALSE(train.epochs.has_value());
  EXPECT_EQ(train.precision, "f64");
  EXPECT_EQ(train.decay, 1e-4);
  EXPECT_EQ(train.average, 0.99);
  ASSERT_EQ(train.inits.size(), 2u);
  EXPECT_TRUE(train.inits[0].path.empty());
  EXPECT_EQ(train.inits[0].method.args,
            (std::map<std::string, double>{{"from", -0.5}, {"to", 1}}));
  EXPECT_EQ(train.inits[1].path, (std::vector<std::string>{"rnn", "0", "W"}));
  EXPECT_EQ(train.inits[1].method.args.at("sd"), 2);
}

TEST(Program, Exports) {
  Checked checked(std::string(model) +
                  "export M.loss, M.step, lstm[64, 2*I].vjp as back\n"
                  "export drop[3, 0.25].forward\n"
                  "export M.sample(temperature = 0.5, max = 10) as draw\n");
  ASSERT_TRUE(checked.program) << checked.diags.render();
  const std::vector<ExportRequest> &exports = checked.program->exports;
  ASSERT_EQ(exports.size(), 5u);
  EXPECT_TRUE(exports[0].isModel);
  EXPECT_EQ(exports[1].function, "step");
  EXPECT_TRUE(exports[2].isCell);
  EXPECT_EQ(exports[2].given, (std::vector<double>{64, 4}));
  EXPECT_EQ(exports[2].alias, "back");
  EXPECT_FALSE(exports[3].isCell);
  EXPECT_EQ(exports[3].given, (std::vector<double>{3, 0.25}));
  EXPECT_EQ(exports[4].args.at("temperature"), 0.5);
}

/// Codes as sources write them: "E101", or "[E101] ..." in the error of a pass.
std::set<std::string> codesIn(const std::string &text) {
  std::set<std::string> codes;
  for (size_t i = 0; i + 6 <= text.size(); ++i) {
    size_t at = i + (text[i + 1] == '[');
    bool isCode = text[i] == '"' && at + 5 < text.size() &&
                  (text[at + 1] == 'E' || text[at + 1] == 'W') &&
                  isdigit(text[at + 2]) && isdigit(text[at + 3]) &&
                  isdigit(text[at + 4]) &&
                  text[at + 5] == (at == i ? '"' : ']');
    if (isCode)
      codes.insert(text.substr(at + 1, 4));
  }
  return codes;
}

/// Every code in the sources has a page and a test, and the other way round.
TEST(Program, EveryCodeIsExplainedAndTested) {
  std::set<std::string> used;
  for (const char *folder : {"/lib", "/tools", "/include"})
    for (const auto &entry : std::filesystem::recursive_directory_iterator(
             std::string(RNNC_SOURCES) + folder))
      if (entry.path().extension() == ".cpp" ||
          entry.path().extension() == ".h")
        used.merge(codesIn(readText(entry.path())));
  std::vector<std::string> pages = explainedCodes();
  EXPECT_EQ(std::set<std::string>(pages.begin(), pages.end()), used);
  EXPECT_GT(used.size(), 80u);
  for (const std::string &code : pages) {
    if (code == "E999") // no program is known that shows a fault of rnnc
      continue;
    std::string test =
        readText(std::string(RNNC_ERROR_TESTS) + "/" + code + ".test");
    EXPECT_NE(test.find((code[0] == 'W' ? "warning[" : "error[") + code + "]"),
              std::string::npos)
        << code << " has no test that expects it";
  }
  EXPECT_TRUE(std::is_sorted(pages.begin(), pages.end() - 2));
  EXPECT_EQ(explain("E101")->substr(0, 5), "E101:");
  EXPECT_EQ(explain("E10"), std::nullopt);
  EXPECT_EQ(explain(""), std::nullopt);
}

TEST(Program, DimOption) {
  EXPECT_EQ(splitDim("V=96"), std::make_pair(std::string("V"), int64_t(96)));
  for (const char *bad : {"V", "V=", "=3", "V=x", "V=1x", "V=1.5", ""})
    EXPECT_EQ(splitDim(bad), std::nullopt) << bad;
}

} // namespace
