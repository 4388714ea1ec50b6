// Graph.cpp: `rnnc graph`.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Graph/Graph.h"
#include "CommandLine.h"
#include "Commands.h"
#include "Elaborated.h"
#include "rnnc/Data/Files.h"

using namespace rnnc;
using namespace rnnc::tool;

namespace {
struct GraphCommand {
  ModelOptions model;
  graph::GraphOptions graph;
  std::string name, out;
  bool dot = false;
};
} // namespace

/// The module to draw: the named one, or the only one.
static Result<rnn::ModuleOp> chooseModule(Elaborated &program,
                                          const std::string &name) {
  std::string known;
  std::vector<rnn::ModuleOp> all = program.modules();
  for (rnn::ModuleOp module : all) {
    if (module.getSymName() == name || module.getSource() == name ||
        (name.empty() && all.size() == 1))
      return module;
    known += (known.empty() ? "" : ", ") + module.getSource().str();
  }
  if (all.empty())
    return usageError("rnnc: error: the source has no model, and exports no "
                      "layer: there is nothing to draw");
  return usageError("rnnc: error: {}; --model names one of {}",
                    name.empty() ? "the source has several models"
                                 : fmt::format("there is no model `{}`", name),
                    known);
}

static int drawGraph(const GraphCommand &command) {
  if (!std::string_view(command.model.model).ends_with(".rnn"))
    return report(usageError("{}: error: a picture is made of a .rnn source",
                             command.model.model));
  auto program = elaborate(command.model);
  if (!program)
    return report(program.error());
  Result<rnn::ModuleOp> module = chooseModule(**program, command.name);
  if (!module)
    return report(module.error());
  std::vector<graph::Diagram> diagrams =
      graph::makeDiagrams(*module, command.graph);
  std::string text = command.dot ? graph::drawDOT(diagrams, command.graph)
                                 : graph::drawSVG(diagrams, command.graph);
  if (command.out.empty() || command.out == "-") {
    fmt::print("{}", text);
    return ExitOk;
  }
  if (Status status = data::keepInputs(command.out, {command.model.model});
      !status)
    return report(status.error());
  if (Status status = data::writeFileAtomically(command.out, text); !status)
    return report(status.error());
  return ExitOk;
}

void tool::addGraphCommand(CLI::App &app, int &exitCode) {
  auto options = std::make_shared<GraphCommand>();
  CLI::App *command = addVerb(app, "graph", "Draw a model: what computes what");
  command->add_option("MODEL", options->model.model, "A .rnn source")
      ->required();
  command
      ->add_option("--model", options->name,
                   "The model to draw, if the source has several")
      ->option_text("NAME");
  command
      ->add_option("--unroll", options->graph.unroll,
                   "Draw N steps of each recurrence, not a loop")
      ->option_text("N")
      ->check(CLI::Range(1, 16));
  command->add_flag("--gradient", options->graph.gradient,
                    "Also how the gradient of the loss flows back");
  command->add_flag("--steps", options->graph.insides,
                    "Also what one step of each recurrence computes");
  command->add_flag("--dot", options->dot, "The language of Graphviz, not SVG");
  command
      ->add_option("--out", options->out,
                   "Where the picture goes (default: standard output)")
      ->option_text("FILE");
  command->add_option("-D", options->model.dims, "Set a dim of the source")
      ->option_text("AXIS=N")
      ->allow_extra_args(false);
  command
      ->add_option("-I", options->model.importDirs,
                   "Look for imports in DIR too")
      ->option_text("DIR")
      ->allow_extra_args(false);
  command->footer("Examples:\n"
                  "  rnnc graph model.rnn --out model.svg\n"
                  "  rnnc graph model.rnn --unroll 4 --gradient > model.svg\n"
                  "  rnnc graph model.rnn --steps --dot | dot -Tpng > "
                  "model.png");
  command->callback([options, &exitCode] { exitCode = drawGraph(*options); });
}
