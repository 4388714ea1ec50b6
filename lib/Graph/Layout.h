// Layout.h: places of boxes and ways of edges.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_GRAPH_LAYOUT_H
#define RNNC_LIB_GRAPH_LAYOUT_H

#include "rnnc/Graph/Graph.h"

namespace rnnc::graph {

/// A box, or the place where a long edge passes a layer.
struct PlacedBox {
  double x = 0, y = 0, width = 0, height = 0; ///< x, y: the upper left corner
  double room = 0; ///< to the right, for what loops there
  int layer = 0, group = -1, step = 0;
  bool isPassage = false;

  double center() const { return x + width / 2; }
};

/// A layered drawing: every edge of data goes down, through a passage in each
/// layer between. The layers are ordered by the means of neighbours, which
/// leaves few crossings (Sugiyama, Tagawa and Toda 1981).
struct DiagramLayout {
  std::vector<PlacedBox> boxes;        ///< of the nodes, then passages
  std::vector<std::vector<int>> paths; ///< of each edge of data, its boxes
  double width = 0, height = 0;

  static DiagramLayout of(const Diagram &diagram);
};

/// About how wide a text is drawn.
double textWidth(const std::string &text);

} // namespace rnnc::graph

#endif // RNNC_LIB_GRAPH_LAYOUT_H
