// Plot.cpp: draws lines and bands.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Plot.h"

#include "Html.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

using namespace rnnc;
using namespace rnnc::pages;

namespace {
constexpr double plotWidth = 640, plotHeight = 300;
constexpr double plotLeft = 66, plotRight = 14, plotTop = 12, plotBottom = 44;

/// The values that are shown and where they lie.
class PlotArea {
public:
  explicit PlotArea(const PlotSpec &plot);
  bool isEmpty() const { return lowX > highX; }
  bool shows(double value) const {
    // Beyond that, a range would not be a number.
    return std::fabs(value) < 1e150 && (!isLog || value > 0);
  }
  double x(double value) const {
    double span = highX > lowX ? highX - lowX : 1;
    return plotLeft +
           (plotWidth - plotLeft - plotRight) * (value - lowX) / span;
  }
  double y(double value) const {
    double at = isLog ? std::log10(value) : value;
    return plotTop +
           (plotHeight - plotTop - plotBottom) * (highY - at) / (highY - lowY);
  }
  std::string axes(const PlotSpec &plot) const;

private:
  void add(double x, double y);
  bool isLog;
  double lowX = INFINITY, highX = -INFINITY, lowY = INFINITY, highY = -INFINITY;
};
} // namespace

void PlotArea::add(double x, double y) {
  if (!std::isfinite(x) || !shows(y))
    return;
  double at = isLog ? std::log10(y) : y;
  lowX = std::min(lowX, x);
  highX = std::max(highX, x);
  lowY = std::min(lowY, at);
  highY = std::max(highY, at);
}

PlotArea::PlotArea(const PlotSpec &plot) : isLog(plot.isLog) {
  for (const PlotLine &line : plot.lines)
    for (const auto &[x, y] : line.points)
      add(x, y);
  for (const PlotBand &band : plot.bands)
    for (const PlotPoints *points : {&band.low, &band.high})
      for (const auto &[x, y] : *points)
        add(x, y);
  if (isEmpty())
    return;
  if (plot.rule)
    add(lowX, *plot.rule);
  if (plot.fromZero && !isLog)
    lowY = std::min(lowY, 0.0);
  // Equal values get a window too, one that their digits can tell apart.
  double margin = std::max(
      {(highY - lowY) * 0.05, std::fabs(highY) * 1e-6, isLog ? 0.1 : 1e-9});
  highY += margin;
  lowY -= plot.fromZero && !isLog && lowY == 0 ? 0 : margin;
}

/// Whole multiples of 1, 2 or 5 times a power of ten.
static std::vector<double> ticksOf(double low, double high, int count,
                                   double least = 0) {
  double raw = std::max(high - low, 1e-300) / count;
  double power = std::pow(10.0, std::floor(std::log10(raw)));
  double factor = raw / power;
  double step = power * (factor < 1.5   ? 1
                         : factor < 3.5 ? 2
                         : factor < 7.5 ? 5
                                        : 10);
  std::vector<double> result;
  for (double k = std::ceil(low / step); k * step <= high && result.size() < 50;
       ++k)
    result.push_back(k == 0 ? 0 : k * step);
  return result;
}

static std::string label(double x, double y, const char *anchor,
                         const std::string &text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}"
                     "</text>\n",
                     x, y, anchor, escape(text));
}

std::string PlotArea::axes(const PlotSpec &plot) const {
  std::string svg;
  auto row = [&](double at, const std::string &text) {
    double where = plotTop + (plotHeight - plotTop - plotBottom) *
                                 (highY - at) / (highY - lowY);
    svg += fmt::format("<line class=\"grid\" x1=\"{}\" x2=\"{}\" "
                       "y1=\"{:.1f}\" y2=\"{:.1f}\"/>\n",
                       plotLeft, plotWidth - plotRight, where, where);
    svg += label(plotLeft - 6, where + 4, "end", text);
  };
  if (isLog && highY - lowY >= 1) {
    double every = std::max(1.0, std::ceil((highY - lowY) / 8));
    for (double k = std::ceil(lowY / every) * every; k <= highY; k += every)
      row(k, fmt::format("1e{:.0f}", k));
  } else if (isLog) { // less than a decade
    double power = std::pow(10.0, std::floor(lowY));
    for (double factor : {1., 2., 3., 5., 7., 10., 20., 30., 50., 70.})
      if (double at = std::log10(factor * power); at >= lowY && at <= highY)
        row(at, fmt::format("{:.3g}", factor * power));
  } else {
    for (double at : ticksOf(lowY, highY, 5))
      row(at, plot.isShare ? fmt::format("{:.4g} %", 100 * at)
                           : fmt::format("{:.4g}", at));
  }
  // Updates and steps are whole.
  for (double at : ticksOf(lowX, std::max(highX, lowX + 1e-9), 7, 1))
    svg += label(x(at), plotHeight - plotBottom + 16, "middle",
                 fmt::format("{:.6g}", at));
  svg += fmt::format("<path class=\"axis\" d=\"M{} {}V{}H{}\"/>\n", plotLeft,
                     plotTop, plotHeight - plotBottom, plotWidth - plotRight);
  svg += label((plotLeft + plotWidth - plotRight) / 2, plotHeight - 8, "middle",
               plot.x);
  svg += fmt::format("<text transform=\"translate(14 {:.1f}) rotate(-90)\" "
                     "text-anchor=\"middle\">{}</text>\n",
                     (plotTop + plotHeight - plotBottom) / 2, escape(plot.y));
  return svg;
}

static std::string drawLine(const PlotArea &area, const PlotLine &line) {
  std::string path, dots;
  bool joins = false;
  size_t shown = 0;
  for (const auto &[x, y] : line.points) {
    if (!std::isfinite(x) || !area.shows(y)) {
      joins = false;
      continue;
    }
    ++shown;
    path +=
        fmt::format("{}{:.1f} {:.1f}", joins ? "L" : "M", area.x(x), area.y(y));
    dots += fmt::format("<circle class=\"f{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" "
                        "r=\"{}\"/>\n",
                        line.colour % plotColours, area.x(x), area.y(y),
                        line.dots ? 2.2 : 2);
    joins = true;
  }
  std::string svg;
  if (!line.dots && !path.empty())
    svg = fmt::format("<path class=\"s{}{}\" d=\"{}\"/>\n",
                      line.colour % plotColours, line.dashed ? " dash" : "",
                      path);
  if (line.dots || shown <= 30)
    svg += dots;
  return svg;
}

static std::string drawBand(const PlotArea &area, const PlotBand &band) {
  std::string path;
  auto add = [&](const std::pair<double, double> &point) {
    if (std::isfinite(point.first) && area.shows(point.second))
      path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L",
                          area.x(point.first), area.y(point.second));
  };
  for (const auto &point : band.low)
    add(point);
  for (size_t i = band.high.size(); i-- > 0;)
    add(band.high[i]);
  return path.empty() ? ""
                      : fmt::format("<path class=\"band f{}\" d=\"{}Z\"/>\n",
                                    band.colour % plotColours, path);
}

static std::string legendEntry(const std::string &sample,
                               const std::string &name) {
  return "<li><svg class=\"key\" viewBox=\"0 0 28 10\" aria-hidden=\"true\">" +
         sample + "</svg> " + escape(name) + "</li>";
}

static std::string legend(const PlotSpec &plot) {
  std::string items;
  for (const PlotLine &line : plot.lines)
    if (!line.name.empty() && !line.points.empty())
      items += legendEntry(
          line.dots ? fmt::format(
                          "<circle class=\"f{}\" cx=\"14\" cy=\"5\" r=\"3\"/>",
                          line.colour % plotColours)
                    : fmt::format("<path class=\"s{}{}\" d=\"M1 5H27\"/>",
                                  line.colour % plotColours,
                                  line.dashed ? " dash" : ""),
          line.name);
  for (const PlotBand &band : plot.bands)
    items +=
        legendEntry(fmt::format("<path class=\"band f{}\" d=\"M1 1H27V9H1Z\"/>",
                                band.colour % plotColours),
                    band.name);
  if (plot.rule)
    items += legendEntry("<path class=\"rule\" d=\"M1 5H27\"/>", plot.ruleName);
  return items.empty() ? "" : "<ul class=\"legend\">" + items + "</ul>\n";
}

std::string pages::drawPlot(const PlotSpec &plot) {
  PlotArea area(plot);
  if (area.isEmpty())
    return "";
  std::string svg = fmt::format(
      "<figure>\n<figcaption>{0}</figcaption>\n<svg class=\"plot\" "
      "xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {1} {2}\" "
      "role=\"img\" aria-label=\"{0}\">\n",
      escape(plot.title), plotWidth, plotHeight);
  svg += area.axes(plot);
  for (const PlotBand &band : plot.bands)
    svg += drawBand(area, band);
  if (plot.rule && area.shows(*plot.rule))
    svg += fmt::format("<path class=\"rule\" d=\"M{} {:.1f}H{}\"/>\n", plotLeft,
                       area.y(*plot.rule), plotWidth - plotRight);
  for (const PlotLine &line : plot.lines)
    svg += drawLine(area, line);
  return svg + "</svg>\n" + legend(plot) + "</figure>\n";
}

PlotPoints pages::thinned(const PlotPoints &points, size_t most, bool isLog) {
  PlotPoints finite;
  for (const auto &point : points)
    if (std::isfinite(point.second) && (!isLog || point.second > 0))
      finite.push_back(point);
  size_t group = (finite.size() + most - 1) / most;
  if (group <= 1)
    return finite;
  PlotPoints result;
  for (size_t i = 0; i < finite.size(); i += group) {
    size_t end = std::min(i + group, finite.size());
    double x = 0, y = 0;
    for (size_t j = i; j < end; ++j) {
      x += finite[j].first;
      y += isLog ? std::log(finite[j].second) : finite[j].second;
    }
    auto count = static_cast<double>(end - i);
    result.emplace_back(x / count, isLog ? std::exp(y / count) : y / count);
  }
  return result;
}
