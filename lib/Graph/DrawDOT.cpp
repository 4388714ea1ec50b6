// DrawDOT.cpp: diagrams in the language of Graphviz.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Graph/Graph.h"

#include <fmt/format.h>

using namespace rnnc;
using namespace rnnc::graph;

static std::string quoted(const std::string &text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      result += '\\';
    result += c == '\n' ? ' ' : c;
  }
  return result + "\"";
}

/// The lines of a box; those of quoted strings are parted by `\n`.
static std::string boxLabel(const GraphNode &node) {
  std::string label = "\"";
  for (size_t i = 0; i < node.lines.size(); ++i) {
    std::string line = quoted(node.lines[i]);
    label += (i ? "\\n" : "") + line.substr(1, line.size() - 2);
  }
  return label + "\"";
}

static std::string boxStyle(const GraphNode &node) {
  switch (node.kind) {
  case GraphNode::Kind::Input:
    return "shape=box, style=\"rounded,filled\", fillcolor=\"#eef4fa\"";
  case GraphNode::Kind::Output:
    return "shape=box, style=\"rounded,filled\", fillcolor=\"#fbf1e6\"";
  case GraphNode::Kind::Recurrence:
    return "shape=box, penwidth=2.4, color=\"#00705a\"";
  case GraphNode::Kind::State:
    return "shape=box, style=dashed";
  case GraphNode::Kind::Op:
    break;
  }
  return "shape=box";
}

static std::string drawDiagram(const Diagram &diagram, int number,
                               bool gradient) {
  auto name = [&](int node) { return fmt::format("n{}_{}", number, node); };
  std::string dot = fmt::format("  subgraph cluster_{} {{\n    label={};\n",
                                number, quoted(diagram.title));
  for (size_t i = 0; i < diagram.nodes.size(); ++i)
    dot += fmt::format("    {} [label={}, {}];\n", name(static_cast<int>(i)),
                       boxLabel(diagram.nodes[i]), boxStyle(diagram.nodes[i]));
  for (const GraphEdge &edge : diagram.edges) {
    bool isState = edge.kind != GraphEdge::Kind::Data;
    dot += fmt::format("    {} -> {} [label={}{}];\n", name(edge.from),
                       name(edge.to), quoted(edge.label),
                       isState ? ", constraint=false" : "");
    if (gradient && edge.hasGradient)
      dot += fmt::format("    {} -> {} [style=dashed, color=\"#b8460e\", "
                         "constraint=false];\n",
                         name(edge.to), name(edge.from));
  }
  // Copies of a recurrence lie side by side.
  std::string row;
  int last = -1;
  for (size_t i = 0; i <= diagram.nodes.size(); ++i) {
    int group = i < diagram.nodes.size() ? diagram.nodes[i].group : -1;
    if (group != last && !row.empty()) {
      dot += "    { rank=same; " + row + "}\n";
      row.clear();
    }
    if (group >= 0)
      row += name(static_cast<int>(i)) + "; ";
    last = group;
  }
  return dot + "  }\n";
}

std::string graph::drawDOT(const std::vector<Diagram> &diagrams,
                           const GraphOptions &options) {
  std::string dot = "digraph model {\n  node [fontname=\"monospace\", "
                    "fontsize=11];\n  edge [fontname=\"monospace\", "
                    "fontsize=10];\n";
  for (size_t i = 0; i < diagrams.size(); ++i)
    dot += drawDiagram(diagrams[i], static_cast<int>(i), options.gradient);
  return dot + "}\n";
}
