// Graph.h: pictures of programs at the rnn level.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_GRAPH_GRAPH_H
#define RNNC_GRAPH_GRAPH_H

#include "rnnc/Dialect/RNN/RNN.h"

#include <string>
#include <vector>

namespace rnnc::graph {

struct GraphOptions {
  int unroll = 0;        ///< steps of each recurrence drawn; 0: a loop
  bool gradient = false; ///< also how the gradient flows
  bool insides = false;  ///< also what a step of each recurrence computes
};

/// A box: what computes a value, or where one comes from or goes.
struct GraphNode {
  enum class Kind { Input, Op, Recurrence, Output, State };
  Kind kind = Kind::Op;
  std::vector<std::string> lines; ///< the first is its name
  int group = -1;                 ///< copies of one recurrence, side by side
  int step = 0;                   ///< of a copy
  bool hasParameters = false;     ///< that are trained
  bool stops = false;             ///< no gradient goes through
  bool isActive = false;          ///< depends on what is trained
  bool isRelevant = false;        ///< the loss depends on it
};

struct GraphEdge {
  enum class Kind { Data, Sideways, Loop };
  int from = 0, to = 0;
  std::string label; ///< the shape of what flows
  Kind kind = Kind::Data;
  bool isReal = true;       ///< numbers, which have gradients
  bool hasGradient = false; ///< a gradient flows back
};

struct Diagram {
  std::string title;
  std::vector<GraphNode> nodes;
  std::vector<GraphEdge> edges;
};

/// The module's graph, then with `insides` one of each recurrence's step.
std::vector<Diagram> makeDiagrams(rnn::ModuleOp module,
                                  const GraphOptions &options);

/// Finds the edges that a gradient flows along.
void markGradient(Diagram &diagram);

std::string drawSVG(const std::vector<Diagram> &diagrams,
                    const GraphOptions &options);
std::string drawDOT(const std::vector<Diagram> &diagrams,
                    const GraphOptions &options);

} // namespace rnnc::graph

#endif // RNNC_GRAPH_GRAPH_H
