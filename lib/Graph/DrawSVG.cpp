// DrawSVG.cpp: diagrams as one SVG.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Layout.h"
#include "rnnc/Support/Markup.h"

#include <algorithm>
#include <fmt/format.h>

using namespace rnnc;
using namespace rnnc::graph;

/// What colour says, a dash or the form of a box says too.
static constexpr std::string_view style = R"(
svg { background: #ffffff; }
text { font: 12px ui-monospace, "DejaVu Sans Mono", Menlo, monospace; fill: #1b1b1b; }
.title { font-size: 15px; font-weight: 600; } .name { font-weight: 600; }
.box { fill: #ffffff; stroke: #444444; stroke-width: 1.2; }
.input { fill: #eef4fa; } .output { fill: #fbf1e6; } .recurrence { fill: #eaf5f1; stroke: #00705a; stroke-width: 2.4; }
.state { fill: #f4eef8; stroke-dasharray: 5 3; }
.edge { fill: none; stroke: #444444; stroke-width: 1.2; marker-end: url(#arrow); }
.gradient { fill: none; stroke: #b8460e; stroke-width: 1.5; stroke-dasharray: 6 3; marker-end: url(#gradarrow); }
.label { font-size: 11px; fill: #595959; } .under { fill: #ffffff; fill-opacity: .85; }
.head { fill: #444444; } .gradhead { fill: #b8460e; }
@media (prefers-color-scheme: dark) {
svg { background: #16181b; } text { fill: #e8e8e8; } .box { fill: #1f2226; stroke: #b9b9b9; }
.input { fill: #1b2a38; } .output { fill: #382a1a; } .recurrence { fill: #17302a; stroke: #5fd0b0; } .state { fill: #2c2236; }
.edge { stroke: #b9b9b9; } .gradient { stroke: #f2a06d; } .label { fill: #ababab; } .under { fill: #16181b; }
.head { fill: #b9b9b9; } .gradhead { fill: #f2a06d; } }
)";

namespace {
class SVGDrawer {
public:
  SVGDrawer(const Diagram &diagram, bool gradient, double top)
      : diagram(diagram), layout(DiagramLayout::of(diagram)),
        gradient(gradient) {
    for (PlacedBox &box : layout.boxes) {
      box.x += 24;
      box.y += top + 40;
    }
    svg = fmt::format("<g>\n<text class=\"title\" x=\"24\" y=\"{:.1f}\">{}"
                      "</text>\n",
                      top + 20, escapeMarkup(diagram.title));
  }

  std::string draw();
  double width() const { return layout.width + 48; }
  double height() const { return layout.height + 70; }

private:
  void drawEdge(size_t number);
  void drawBack(const GraphEdge &edge);
  void drawBox(size_t number);
  void label(double x, double y, const std::string &text);
  void path(const char *kind, const std::string &way) {
    svg += fmt::format("<path class=\"{}\" d=\"{}\"/>\n", kind, way);
  }
  double port(size_t edge, int box, bool below) const;

  const Diagram &diagram;
  DiagramLayout layout;
  bool gradient;
  std::string svg;
  /// Of edges: they stand above all lines.
  struct EdgeLabel {
    double x, y;
    std::string text;
  };
  std::vector<EdgeLabel> labels;
};
} // namespace

/// On a ground of its own: it stands on the line.
void SVGDrawer::label(double x, double y, const std::string &text) {
  if (text.empty())
    return;
  double wide = textWidth(text) * 11 / 12 + 4;
  svg += fmt::format("<rect class=\"under\" x=\"{:.1f}\" y=\"{:.1f}\" "
                     "width=\"{:.1f}\" height=\"14\"/>\n",
                     x - wide / 2, y - 10.5, wide);
  svg += fmt::format("<text class=\"label\" x=\"{:.1f}\" y=\"{:.1f}\" "
                     "text-anchor=\"middle\">{}</text>\n",
                     x, y, escapeMarkup(text));
}

/// Where an edge touches a box: side by side, as the other ends lie.
double SVGDrawer::port(size_t edge, int box, bool below) const {
  std::vector<std::pair<double, size_t>> ends;
  for (size_t e = 0; e < layout.paths.size(); ++e) {
    const std::vector<int> &way = layout.paths[e];
    if (way.empty())
      continue;
    if (below && way.front() == box)
      ends.emplace_back(layout.boxes[way[1]].center(), e);
    if (!below && way.back() == box)
      ends.emplace_back(layout.boxes[way[way.size() - 2]].center(), e);
  }
  std::sort(ends.begin(), ends.end());
  double middle = layout.boxes[box].center();
  double step = std::min(26.0, layout.boxes[box].width /
                                   static_cast<double>(ends.size() + 1));
  for (size_t i = 0; i < ends.size(); ++i)
    if (ends[i].second == edge)
      return middle + step * (static_cast<double>(i) -
                              static_cast<double>(ends.size() - 1) / 2);
  return middle;
}

void SVGDrawer::drawEdge(size_t number) {
  const GraphEdge &edge = diagram.edges[number];
  if (edge.kind != GraphEdge::Kind::Data)
    return drawBack(edge);
  const std::vector<int> &way = layout.paths[number];
  double x = port(number, edge.from, true);
  double y = layout.boxes[edge.from].y + layout.boxes[edge.from].height;
  std::string forward = fmt::format("M{:.1f} {:.1f}", x, y), back;
  double labelX = x, labelY = y;
  std::vector<std::pair<double, double>> points = {{x, y}};
  for (size_t i = 1; i < way.size(); ++i) {
    const PlacedBox &box = layout.boxes[way[i]];
    bool isLast = i + 1 == way.size();
    double toX = isLast ? port(number, edge.to, false) : box.center();
    double toY = isLast ? box.y - 2 : box.y;
    double half = (toY - y) / 2;
    forward += fmt::format("C{:.1f} {:.1f} {:.1f} {:.1f} {:.1f} {:.1f}", x,
                           y + half, toX, toY - half, toX, toY);
    if (i == 1)
      labelX = (x + toX) / 2, labelY = (y + toY) / 2;
    points.emplace_back(toX, toY);
    if (!isLast) {
      toY += box.height;
      forward += fmt::format("V{:.1f}", toY);
      points.emplace_back(toX, toY);
    }
    x = toX;
    y = toY;
  }
  path("edge", forward);
  if (gradient && edge.hasGradient) {
    constexpr double beside = 7;
    back = fmt::format("M{:.1f} {:.1f}", points.back().first + beside,
                       points.back().second + 2);
    for (size_t i = points.size() - 1; i-- > 0;) {
      auto [fromX, fromY] = points[i + 1];
      auto [toX, toY] = points[i];
      double half = (toY - fromY) / 2;
      back += fmt::format("C{:.1f} {:.1f} {:.1f} {:.1f} {:.1f} {:.1f}",
                          fromX + beside, fromY + half, toX + beside,
                          toY - half, toX + beside, toY + (i == 0 ? 2 : 0));
    }
    path("gradient", back);
  }
  // What a box gives to several others is said once.
  for (size_t other = 0; other < number; ++other)
    if (diagram.edges[other].from == edge.from &&
        diagram.edges[other].label == edge.label &&
        diagram.edges[other].kind == edge.kind)
      return;
  labels.push_back({labelX, labelY + 4, edge.label});
}

/// States: to the copy beside it, or around the box.
void SVGDrawer::drawBack(const GraphEdge &edge) {
  const PlacedBox &from = layout.boxes[edge.from], &to = layout.boxes[edge.to];
  if (edge.kind == GraphEdge::Kind::Sideways) {
    bool right = to.x > from.x;
    double x1 = right ? from.x + from.width : from.x;
    double x2 = right ? to.x - 2 : to.x + to.width + 2;
    double y = from.y + from.height / 2;
    path("edge", fmt::format("M{:.1f} {:.1f}H{:.1f}", x1, y, x2));
    if (gradient && edge.hasGradient)
      path("gradient", fmt::format("M{:.1f} {:.1f}H{:.1f}", right ? x2 + 2 : x2,
                                   y + 8, right ? x1 + 2 : x1 - 2));
    return label((x1 + x2) / 2, y - 6, edge.label);
  }
  double x = from.x + from.width, low = from.y + from.height * 0.72,
         high = from.y + from.height * 0.28;
  auto around = [&](double start, double end, double out) {
    return fmt::format("M{0:.1f} {1:.1f}C{2:.1f} {1:.1f} {2:.1f} {3:.1f} "
                       "{4:.1f} {3:.1f}",
                       x, start, x + out, end, x + 2);
  };
  path("edge", around(low, high, 34));
  if (gradient && edge.hasGradient)
    path("gradient", around(high - 6, low + 6, 46));
  svg +=
      fmt::format("<text class=\"label\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n",
                  x + (gradient && edge.hasGradient ? 40 : 32),
                  (low + high) / 2 + 4, escapeMarkup(edge.label));
}

void SVGDrawer::drawBox(size_t number) {
  const GraphNode &node = diagram.nodes[number];
  const PlacedBox &box = layout.boxes[number];
  bool isRound = node.kind == GraphNode::Kind::Input ||
                 node.kind == GraphNode::Kind::Output;
  const char *kinds[] = {"input", "op", "recurrence", "output", "state"};
  svg += fmt::format("<rect class=\"box {}\" x=\"{:.1f}\" y=\"{:.1f}\" "
                     "width=\"{:.1f}\" height=\"{:.1f}\" rx=\"{}\"/>\n",
                     kinds[static_cast<int>(node.kind)], box.x, box.y,
                     box.width, box.height, isRound ? 14 : 4);
  bool isTrained = gradient && node.hasParameters && node.isRelevant;
  for (size_t i = 0; i < node.lines.size(); ++i)
    svg += fmt::format(
        "<text{} x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}{}"
        "</text>\n",
        i == 0 ? " class=\"name\"" : "", box.center(),
        box.y + 19 + 16 * static_cast<double>(i),
        i == 0 && isTrained ? "∂ " : "", escapeMarkup(node.lines[i]));
}

std::string SVGDrawer::draw() {
  for (size_t i = 0; i < diagram.edges.size(); ++i)
    drawEdge(i);
  for (const EdgeLabel &one : labels)
    label(one.x, one.y, one.text);
  for (size_t i = 0; i < diagram.nodes.size(); ++i)
    drawBox(i);
  return svg + "</g>\n";
}

static std::string arrow(const char *id, const char *kind) {
  return fmt::format("<marker id=\"{}\" viewBox=\"0 0 8 8\" refX=\"7\" "
                     "refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" "
                     "orient=\"auto\"><path class=\"{}\" d=\"M0 0L8 4L0 "
                     "8Z\"/></marker>\n",
                     id, kind);
}

std::string graph::drawSVG(const std::vector<Diagram> &diagrams,
                           const GraphOptions &options) {
  std::string body;
  double width = 0, top = 0;
  for (const Diagram &diagram : diagrams) {
    SVGDrawer drawer(diagram, options.gradient, top);
    body += drawer.draw();
    width = std::max({width, drawer.width(), textWidth(diagram.title) + 80});
    top += drawer.height();
  }
  if (options.gradient) {
    constexpr std::string_view legend =
        "dashed: the gradient of the loss flows back; ∂: parameters that get "
        "one";
    body += fmt::format("<text class=\"label\" x=\"24\" y=\"{:.1f}\">{}"
                        "</text>\n",
                        top + 6, legend);
    width = std::max(width, textWidth(std::string(legend)) + 48);
    top += 20;
  }
  return fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" "
                     "viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" "
                     "height=\"{1:.0f}\">\n<style>{2}</style>\n<defs>\n{3}{4}"
                     "</defs>\n{5}</svg>\n",
                     width, top, style, arrow("arrow", "head"),
                     arrow("gradarrow", "gradhead"), body);
}
