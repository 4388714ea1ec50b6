// Plot.h: lines over two axes, as SVG inside a page.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_REPORT_PLOT_H
#define RNNC_LIB_REPORT_PLOT_H

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rnnc::pages {

using PlotPoints = std::vector<std::pair<double, double>>;

struct PlotLine {
  std::string name;
  PlotPoints points;
  int colour = 0; ///< of the page's palette
  bool dashed = false;
  bool dots = false; ///< points that are not joined
};

/// What lies between two lines over the same places.
struct PlotBand {
  std::string name;
  PlotPoints low, high;
  int colour = 0;
};

/// Colours and fonts come from the page, which knows light and dark.
struct PlotSpec {
  std::string title, x, y;
  bool isLog = false;    ///< the y axis; what is not above 0 is left out
  bool isShare = false;  ///< the y axis counts percents
  bool fromZero = false; ///< the y axis begins with 0
  std::vector<PlotLine> lines;
  std::vector<PlotBand> bands;
  std::optional<double> rule; ///< a horizontal line, such as a threshold
  std::string ruleName;
};

/// A figure with its legend; empty if there is nothing to draw.
std::string drawPlot(const PlotSpec &plot);

/// Means of neighbouring points, so that a long training stays a small picture;
/// on a logarithmic axis their geometric means.
PlotPoints thinned(const PlotPoints &points, size_t most, bool isLog = false);

/// Colours of the palette.
constexpr int plotColours = 6;

} // namespace rnnc::pages

#endif // RNNC_LIB_REPORT_PLOT_H
