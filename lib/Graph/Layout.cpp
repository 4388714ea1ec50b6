// Layout.cpp: a layered drawing of a diagram.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Layout.h"

#include <algorithm>
#include <map>

using namespace rnnc;
using namespace rnnc::graph;

static constexpr double lineHeight = 16, columnGap = 26, layerGap = 46;

double graph::textWidth(const std::string &text) {
  double characters = 0;
  for (char c : text)
    characters += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return 7.1 * characters;
}

namespace {
class LayoutMaker {
public:
  explicit LayoutMaker(const Diagram &diagram) : diagram(diagram) {}
  DiagramLayout run();

private:
  void measure();
  void assignLayers();
  void addPassages();
  void orderLayers();
  void sortLayer(std::vector<int> &layer, bool down);
  void placeColumns();
  void pushApart(const std::vector<int> &layer);
  void placeRows();
  double gapBefore(int left, int right) const;
  const std::vector<int> &neighbours(int box, bool down) const {
    return down ? above[box] : below[box];
  }

  const Diagram &diagram;
  DiagramLayout layout;
  std::vector<std::vector<int>> layers, above, below;
  std::map<int, double> sidewaysRoom; ///< between the copies of a group
};
} // namespace

void LayoutMaker::measure() {
  for (const GraphNode &node : diagram.nodes) {
    PlacedBox box;
    box.width = 40;
    for (const std::string &line : node.lines)
      box.width = std::max(box.width, textWidth(line) + 22);
    box.height = lineHeight * static_cast<double>(node.lines.size()) + 14;
    box.group = node.group;
    box.step = node.step;
    layout.boxes.push_back(box);
  }
  for (const GraphEdge &edge : diagram.edges) {
    if (edge.kind == GraphEdge::Kind::Loop)
      layout.boxes[edge.from].room = 40 + textWidth(edge.label);
    if (edge.kind == GraphEdge::Kind::Sideways)
      sidewaysRoom[diagram.nodes[edge.from].group] = textWidth(edge.label) + 26;
  }
}

/// Each box lies below all that it reads; copies of one recurrence lie side by
/// side, and inputs just above their first reader.
void LayoutMaker::assignLayers() {
  std::vector<PlacedBox> &boxes = layout.boxes;
  std::map<int, int> layerOfGroup;
  bool again = true;
  for (size_t round = 0; again && round < 2 * boxes.size() + 2; ++round) {
    again = false;
    for (const GraphEdge &edge : diagram.edges) {
      if (edge.kind != GraphEdge::Kind::Data)
        continue;
      int least = boxes[edge.from].layer + 1;
      if (boxes[edge.to].layer < least)
        boxes[edge.to].layer = least, again = true;
    }
    for (PlacedBox &box : boxes) {
      if (box.group < 0)
        continue;
      int &layer = layerOfGroup[box.group];
      layer = std::max(layer, box.layer);
      if (box.layer < layer)
        box.layer = layer, again = true;
    }
  }
  for (size_t n = 0; n < diagram.nodes.size(); ++n) {
    int first = -1;
    bool reads = false;
    for (const GraphEdge &edge : diagram.edges) {
      reads |= edge.to == int(n);
      if (edge.from == int(n) && edge.kind == GraphEdge::Kind::Data)
        first = first < 0 ? boxes[edge.to].layer
                          : std::min(first, boxes[edge.to].layer);
    }
    if (!reads && first > 0)
      boxes[n].layer = first - 1;
  }
}

void LayoutMaker::addPassages() {
  for (const GraphEdge &edge : diagram.edges) {
    std::vector<int> &path = layout.paths.emplace_back();
    if (edge.kind != GraphEdge::Kind::Data)
      continue;
    path.push_back(edge.from);
    for (int layer = layout.boxes[edge.from].layer + 1;
         layer < layout.boxes[edge.to].layer; ++layer) {
      PlacedBox passage;
      passage.isPassage = true;
      passage.layer = layer;
      passage.width = 8;
      path.push_back(static_cast<int>(layout.boxes.size()));
      layout.boxes.push_back(passage);
    }
    path.push_back(edge.to);
  }
  above.resize(layout.boxes.size());
  below.resize(layout.boxes.size());
  for (const std::vector<int> &path : layout.paths)
    for (size_t i = 0; i + 1 < path.size(); ++i) {
      below[path[i]].push_back(path[i + 1]);
      above[path[i + 1]].push_back(path[i]);
    }
  for (size_t b = 0; b < layout.boxes.size(); ++b) {
    auto layer = static_cast<size_t>(layout.boxes[b].layer);
    if (layers.size() <= layer)
      layers.resize(layer + 1);
    layers[layer].push_back(static_cast<int>(b));
  }
}

/// Sorts by the mean place of neighbours; x holds places while layers are
/// ordered. Copies of a recurrence stay together, in the order of their steps.
void LayoutMaker::sortLayer(std::vector<int> &layer, bool down) {
  std::map<int, std::pair<double, int>> ofGroup;
  std::map<int, double> key;
  for (int b : layer) {
    const PlacedBox &box = layout.boxes[b];
    double sum = 0;
    for (int other : neighbours(b, down))
      sum += layout.boxes[other].x;
    size_t count = neighbours(b, down).size();
    key[b] = count ? sum / static_cast<double>(count) : box.x;
    if (box.group >= 0) {
      ofGroup[box.group].first += key[b];
      ++ofGroup[box.group].second;
    }
  }
  for (int b : layer)
    if (int group = layout.boxes[b].group; group >= 0)
      key[b] = ofGroup[group].first / ofGroup[group].second;
  std::stable_sort(layer.begin(), layer.end(), [&](int a, int b) {
    const PlacedBox &left = layout.boxes[a], &right = layout.boxes[b];
    if (left.group >= 0 && left.group == right.group)
      return left.step < right.step;
    if (key[a] != key[b])
      return key[a] < key[b];
    return left.group < right.group;
  });
  for (size_t i = 0; i < layer.size(); ++i)
    layout.boxes[layer[i]].x = static_cast<double>(i);
}

void LayoutMaker::orderLayers() {
  for (std::vector<int> &layer : layers)
    for (size_t i = 0; i < layer.size(); ++i)
      layout.boxes[layer[i]].x = static_cast<double>(i);
  for (int sweep = 0; sweep < 8; ++sweep) {
    bool down = sweep % 2 == 0;
    for (size_t i = 0; i < layers.size(); ++i)
      sortLayer(layers[down ? i : layers.size() - 1 - i], down);
  }
}

double LayoutMaker::gapBefore(int left, int right) const {
  const PlacedBox &a = layout.boxes[left], &b = layout.boxes[right];
  if (a.group >= 0 && a.group == b.group) {
    auto room = sidewaysRoom.find(a.group);
    return room == sidewaysRoom.end() ? columnGap : room->second;
  }
  return a.room + (a.isPassage && b.isPassage ? 10 : columnGap);
}

/// Moves what overlaps to the right, and all so that the mean stays.
void LayoutMaker::pushApart(const std::vector<int> &layer) {
  double before = 0, after = 0;
  for (int b : layer)
    before += layout.boxes[b].x;
  for (size_t i = 1; i < layer.size(); ++i) {
    const PlacedBox &left = layout.boxes[layer[i - 1]];
    PlacedBox &right = layout.boxes[layer[i]];
    right.x = std::max(right.x,
                       left.x + left.width + gapBefore(layer[i - 1], layer[i]));
  }
  for (int b : layer)
    after += layout.boxes[b].x;
  double back = (after - before) / static_cast<double>(layer.size());
  for (int b : layer)
    layout.boxes[b].x -= back;
}

void LayoutMaker::placeColumns() {
  for (std::vector<int> &layer : layers) {
    double x = 0;
    for (size_t i = 0; i < layer.size(); ++i) {
      if (i > 0)
        x += gapBefore(layer[i - 1], layer[i]);
      layout.boxes[layer[i]].x = x;
      x += layout.boxes[layer[i]].width;
    }
  }
  for (int sweep = 0; sweep < 16; ++sweep) {
    bool down = sweep % 2 == 0;
    for (size_t i = 0; i < layers.size(); ++i) {
      std::vector<int> &layer = layers[down ? i : layers.size() - 1 - i];
      for (int b : layer) {
        const std::vector<int> &near = neighbours(b, down);
        if (near.empty())
          continue;
        double sum = 0;
        for (int other : near)
          sum += layout.boxes[other].center();
        PlacedBox &box = layout.boxes[b];
        box.x = sum / static_cast<double>(near.size()) - box.width / 2;
      }
      pushApart(layer);
    }
  }
  double left = 0;
  for (const PlacedBox &box : layout.boxes)
    left = std::min(left, box.x);
  for (PlacedBox &box : layout.boxes) {
    box.x -= left;
    layout.width = std::max(layout.width, box.x + box.width + box.room);
  }
}

void LayoutMaker::placeRows() {
  double y = 0;
  for (const std::vector<int> &layer : layers) {
    double tallest = 0;
    for (int b : layer)
      tallest = std::max(tallest, layout.boxes[b].height);
    for (int b : layer) {
      PlacedBox &box = layout.boxes[b];
      if (box.isPassage)
        box.height = tallest;
      box.y = y + (tallest - box.height) / 2;
    }
    y += tallest + layerGap;
  }
  layout.height = std::max(y - layerGap, 0.0);
}

DiagramLayout LayoutMaker::run() {
  measure();
  assignLayers();
  addPassages();
  orderLayers();
  placeColumns();
  placeRows();
  return std::move(layout);
}

DiagramLayout DiagramLayout::of(const Diagram &diagram) {
  return LayoutMaker(diagram).run();
}
