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
constexpr double left = 68, right = 20, top = 40, bottom = 48;

/// The window of data and where it lies in the picture.
struct Frame {
  double maxStep = 1, low = 0, high = 1;
  double x(double step) const {
    return left + (width - left - right) * step / maxStep;
  }
  double y(double loss) const {
    return top + (height - top - bottom) * (high - loss) / (high - low);
  }
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

static Frame frameOf(const CurvePoints &train, const CurvePoints &valid) {
  Frame frame;
  double low = INFINITY, high = -INFINITY;
  for (const CurvePoints *points : {&train, &valid})
    for (const auto &[step, loss] : *points) {
      frame.maxStep = std::max(frame.maxStep, step);
      low = std::min(low, loss);
      high = std::max(high, loss);
    }
  if (low > high)
    low = 0, high = 1;
  double margin = std::max((high - low) * 0.05, 1e-6);
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

static std::string axes(const Frame &frame) {
  std::string svg;
  double distance = tickDistance(frame.high - frame.low, 6);
  for (double loss = std::ceil(frame.low / distance) * distance;
       loss <= frame.high; loss += distance) {
    svg += fmt::format("<line x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\" "
                       "stroke=\"#ddd\"/>\n",
                       left, width - right, frame.y(loss), frame.y(loss));
    svg += text(left - 8, frame.y(loss) + 4, "end", fmt::format("{:.4g}", loss));
  }
  distance = tickDistance(frame.maxStep, 7);
  for (double step = 0; step <= frame.maxStep; step += distance)
    svg += text(frame.x(step), height - bottom + 18, "middle",
                fmt::format("{:.6g}", step));
  svg += fmt::format("<path d=\"M{} {}V{}H{}\" fill=\"none\" "
                     "stroke=\"#444\"/>\n",
                     left, top, height - bottom, width - right);
  svg += text((left + width - right) / 2, height - 10, "middle", "updates");
  return svg;
}

static std::string line(const Frame &frame, const CurvePoints &points,
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
                                const CurvePoints &valid) {
  CurvePoints thinTrain = thin(train, 300), thinValid = thin(valid, 300);
  Frame frame = frameOf(thinTrain, thinValid);
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
  svg += fmt::format("<g fill=\"#4477aa\">{}</g>",
                     text(width - right - 110, 24, "end", "training loss"));
  if (!thinValid.empty())
    svg += fmt::format("<g fill=\"#cc3311\">{}</g>",
                       text(width - right, 24, "end", "validation loss"));
  return svg + "</svg>\n";
}
