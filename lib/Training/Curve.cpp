// Curve.cpp: draws learning curves as SVG.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Training/Curve.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

using namespace rnnc;
using namespace rnnc::training;

namespace {
constexpr double width = 720, height = 400;
constexpr double left = 68, top = 40, bottom = 48;

/// The window of data and where it lies in the picture.
struct PlotFrame {
  double maxStep = 1, low = 0, high = 1;
  double right = 20; ///< room for a second scale
  double x(double step) const {
    return left + (width - left - right) * step / maxStep;
  }
  double y(double value) const {
    return top + (height - top - bottom) * (high - value) / (high - low);
  }
  double end() const { return width - right; }
};
} // namespace

/// Means of neighbouring points, so that a long training stays a small file.
static CurvePoints thin(const CurvePoints &points, size_t most) {
  CurvePoints finite;
  for (const auto &point : points)
    if (std::isfinite(point.second))
      finite.push_back(point);
  size_t group = (finite.size() + most - 1) / most;
  if (group <= 1)
    return finite;
  CurvePoints result;
  for (size_t i = 0; i < finite.size(); i += group) {
    size_t end = std::min(i + group, finite.size());
    double step = 0, loss = 0;
    for (size_t j = i; j < end; ++j) {
      step += finite[j].first;
      loss += finite[j].second;
    }
    double count = static_cast<double>(end - i);
    result.emplace_back(step / count, loss / count);
  }
  return result;
}

/// 1, 2 or 5 times a power of ten: about `count` ticks in `range`.
static double tickDistance(double range, int count) {
  double raw = range / count;
  double power = std::pow(10.0, std::floor(std::log10(raw)));
  double factor = raw / power;
  return power * (factor < 1.5 ? 1 : factor < 3.5 ? 2 : factor < 7.5 ? 5 : 10);
}

static PlotFrame frameOf(std::initializer_list<const CurvePoints *> curves) {
  PlotFrame frame;
  double low = INFINITY, high = -INFINITY;
  for (const CurvePoints *points : curves)
    for (const auto &[step, value] : *points) {
      frame.maxStep = std::max(frame.maxStep, step);
      low = std::min(low, value);
      high = std::max(high, value);
    }
  if (low > high)
    low = 0, high = 1;
  // Equal values get a window too, one that their digits can tell apart.
  double margin = std::max(
      {(high - low) * 0.05, 1e-6, std::abs(low) * 1e-6, std::abs(high) * 1e-6});
  frame.low = low - margin;
  frame.high = high + margin;
  return frame;
}

static std::string text(double x, double y, const char *anchor,
                        const std::string &content) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}"
                     "</text>\n",
                     x, y, anchor, content);
}

/// Whole multiples of a round distance, so that zero is zero.
static std::vector<double> ticks(double low, double high, int count) {
  double distance = tickDistance(high - low, count);
  std::vector<double> result;
  for (double k = std::ceil(low / distance); k * distance <= high; ++k)
    result.push_back(k == 0 ? 0 : k * distance);
  return result;
}

static std::string axes(const PlotFrame &frame) {
  std::string svg;
  for (double loss : ticks(frame.low, frame.high, 6)) {
    svg += fmt::format("<line x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\" "
                       "stroke=\"#ddd\"/>\n",
                       left, frame.end(), frame.y(loss), frame.y(loss));
    svg +=
        text(left - 8, frame.y(loss) + 4, "end", fmt::format("{:.4g}", loss));
  }
  for (double step : ticks(0, frame.maxStep, 7))
    svg += text(frame.x(step), height - bottom + 18, "middle",
                fmt::format("{:.6g}", step));
  svg += fmt::format("<path d=\"M{} {}V{}H{}\" fill=\"none\" "
                     "stroke=\"#444\"/>\n",
                     left, top, height - bottom, frame.end());
  svg += text((left + frame.end()) / 2, height - 10, "middle", "updates");
  return svg;
}

/// The scale of the accuracy, at the right.
static std::string accuracyAxis(const PlotFrame &frame) {
  std::string svg;
  for (double share : ticks(frame.low, frame.high, 6))
    if (share >= 0 && share <= 1)
      svg += text(frame.end() + 8, frame.y(share) + 4, "start",
                  fmt::format("{:.4g} %", 100 * share));
  svg += fmt::format("<path d=\"M{} {}V{}\" fill=\"none\" stroke=\"#444\"/>\n",
                     frame.end(), top, height - bottom);
  return svg;
}

static std::string line(const PlotFrame &frame, const CurvePoints &points,
                        const char *colour) {
  std::string path;
  for (const auto &[step, loss] : points)
    path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L",
                        frame.x(step), frame.y(loss));
  std::string svg;
  if (points.size() > 1)
    svg = fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"{}\" "
                      "stroke-width=\"1.8\"/>\n",
                      path, colour);
  if (points.size() <= 60)
    for (const auto &[step, loss] : points)
      svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.5\" "
                         "fill=\"{}\"/>\n",
                         frame.x(step), frame.y(loss), colour);
  return svg;
}

static std::string escape(const std::string &text) {
  std::string result;
  for (char c : text)
    result += c == '<' ? "&lt;" : c == '&' ? "&amp;" : std::string(1, c);
  return result;
}

std::string training::drawCurve(const std::string &title,
                                const std::string &unit,
                                const CurvePoints &train,
                                const CurvePoints &valid,
                                const CurvePoints &accuracy) {
  CurvePoints thinTrain = thin(train, 300), thinValid = thin(valid, 300),
              thinAccuracy = thin(accuracy, 300);
  PlotFrame frame = frameOf({&thinTrain, &thinValid});
  PlotFrame shares = frameOf({&thinAccuracy});
  shares.maxStep = frame.maxStep = std::max(frame.maxStep, shares.maxStep);
  if (!thinAccuracy.empty())
    shares.right = frame.right = 64;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" "
      "width=\"{0}\" height=\"{1}\" font-family=\"sans-serif\" "
      "font-size=\"12\">\n<rect width=\"{0}\" height=\"{1}\" "
      "fill=\"white\"/>\n",
      width, height);
  svg += fmt::format("<text x=\"{}\" y=\"24\" font-size=\"15\">{}</text>\n",
                     left, escape(title));
  svg += axes(frame);
  svg += fmt::format("<text transform=\"translate(16 {:.1f}) rotate(-90)\" "
                     "text-anchor=\"middle\">{}</text>\n",
                     (top + height - bottom) / 2, escape(unit));
  svg += line(frame, thinTrain, "#4477aa");
  svg += line(frame, thinValid, "#cc3311");
  if (!thinAccuracy.empty())
    svg += accuracyAxis(shares) + line(shares, thinAccuracy, "#228833");
  // From the right, as many names as there are curves.
  double at = width - 20;
  auto name = [&](const CurvePoints &points, const char *colour,
                  const char *what, double room) {
    if (points.empty())
      return;
    svg +=
        fmt::format("<g fill=\"{}\">{}</g>", colour, text(at, 24, "end", what));
    at -= room;
  };
  name(thinAccuracy, "#228833", "validation accuracy", 130);
  name(thinValid, "#cc3311", "validation loss", 110);
  name(thinTrain, "#4477aa", "training loss", 0);
  return svg + "</svg>\n";
}
