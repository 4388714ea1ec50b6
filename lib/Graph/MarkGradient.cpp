// MarkGradient.cpp: along which edges the gradient flows.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Graph/Graph.h"

using namespace rnnc;
using namespace rnnc::graph;

/// What depends on a trained parameter, and what the loss depends on: a
/// gradient flows where both is true of numbers.
void graph::markGradient(Diagram &diagram) {
  for (GraphNode &node : diagram.nodes)
    node.isActive |= node.hasParameters && !node.stops;
  for (bool again = true; again;) {
    again = false;
    for (const GraphEdge &edge : diagram.edges) {
      GraphNode &from = diagram.nodes[edge.from], &to = diagram.nodes[edge.to];
      if (!edge.isReal)
        continue;
      if (from.isActive && !to.isActive && !to.stops)
        to.isActive = again = true;
      if (to.isRelevant && !from.isRelevant && !to.stops)
        from.isRelevant = again = true;
    }
  }
  for (GraphEdge &edge : diagram.edges)
    edge.hasGradient = edge.isReal && diagram.nodes[edge.from].isActive &&
                       diagram.nodes[edge.to].isRelevant &&
                       !diagram.nodes[edge.to].stops;
}
