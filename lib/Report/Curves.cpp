// Curves.cpp: how training went, update by update.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Html.h"
#include "Sections.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <set>

using namespace rnnc;
using namespace rnnc::pages;

static constexpr size_t mostPoints = 400;

/// With one run its name says nothing.
static std::string named(const Runs &runs, const RunRecord &run,
                         const std::string &what) {
  return runs.size() == 1 ? what : run.name + ": " + what;
}

static PlotPoints figureOf(const RunRecord &run, std::string_view key) {
  PlotPoints points;
  for (const auto &[step, figures] : run.validations)
    if (double value = numberAt(figures, key); std::isfinite(value))
      points.emplace_back(static_cast<double>(step), value);
  return points;
}

static std::string lossPlot(const Runs &runs) {
  PlotSpec plot;
  plot.title = "Loss";
  plot.x = "updates";
  plot.y = "loss (as trained)";
  for (size_t r = 0; r < runs.size(); ++r) {
    int colour = runs.size() == 1 ? 0 : static_cast<int>(r);
    plot.lines.push_back({named(runs, runs[r], "training"),
                          thinned(runs[r].loss, mostPoints), colour});
    plot.lines.push_back({named(runs, runs[r], "validation"),
                          figureOf(runs[r], "loss"),
                          runs.size() == 1 ? 1 : colour, /*dashed=*/true});
  }
  return drawPlot(plot);
}

static std::string figurePlot(const Runs &runs, const char *key,
                              const char *title, const char *unit,
                              bool isShare) {
  PlotSpec plot;
  plot.title = title;
  plot.x = "updates";
  plot.y = unit;
  plot.isShare = isShare;
  for (size_t r = 0; r < runs.size(); ++r)
    plot.lines.push_back({named(runs, runs[r], "validation"),
                          figureOf(runs[r], key), static_cast<int>(r),
                          /*dashed=*/runs.size() == 1});
  return drawPlot(plot);
}

static std::string ratePlot(const Runs &runs) {
  PlotSpec plot;
  plot.title = "Learning rate";
  plot.x = "updates";
  plot.y = "learning rate";
  plot.fromZero = true;
  for (size_t r = 0; r < runs.size(); ++r)
    plot.lines.push_back({named(runs, runs[r], "learning rate"),
                          thinned(runs[r].rate, mostPoints),
                          static_cast<int>(r)});
  return drawPlot(plot);
}

std::string pages::curvesSection(const Runs &runs) {
  std::string plots = lossPlot(runs);
  plots += figurePlot(runs, "accuracy", "Accuracy", "right", true);
  plots += figurePlot(runs, "span_f1", "F1 of spans", "F1", true);
  plots +=
      figurePlot(runs, "label_error_rate", "Label error rate", "errors", true);
  plots += figurePlot(runs, "perplexity", "Perplexity", "perplexity", false);
  plots += ratePlot(runs);
  if (plots.empty())
    return "";
  return "<section id=\"curves\">\n<h2>Learning curves</h2>\n<div "
         "class=\"plots\">\n" +
         plots + "</div>\n</section>\n";
}

//===-- Gradients by distance
//----------------------------------------------===//

static PlotPoints tracePoints(const Json &trace) {
  PlotPoints points;
  const Json &distances = at(trace, "distance"), &norms = at(trace, "norm");
  if (!distances.is_array() || !norms.is_array())
    return points;
  for (size_t i = 0; i < std::min(distances.size(), norms.size()); ++i)
    points.emplace_back(numberOf(distances[i]), numberOf(norms[i]));
  return points;
}

/// At most five looks, the first and the last among them.
static std::vector<size_t> chosenTraces(size_t count) {
  std::set<size_t> chosen;
  for (size_t i = 0; count > 0 && i < 5; ++i)
    chosen.insert((count - 1) * i / 4);
  return {chosen.begin(), chosen.end()};
}

static std::string statePlot(const RunRecord &run, const std::string &state,
                             const std::string &title) {
  PlotSpec plot;
  plot.title = title;
  plot.x = "distance from the loss, steps of time";
  plot.y = "norm of the gradient";
  plot.isLog = true;
  int colour = 0;
  for (size_t i : chosenTraces(run.traces.size())) {
    const auto &[step, states] = run.traces[i];
    plot.lines.push_back(
        {step == 0 ? std::string("before training")
                   : fmt::format("after {} updates", countText(step)),
         tracePoints(at(states, state)), colour, /*dashed=*/colour == 0});
    ++colour;
  }
  return drawPlot(plot);
}

/// All states of all runs in one picture, when training ended.
static std::string comparedPlot(const Runs &runs, bool last) {
  PlotSpec plot;
  plot.title =
      last ? "All runs when training ended" : "All runs before training";
  plot.x = "distance from the loss, steps of time";
  plot.y = "norm of the gradient";
  plot.isLog = true;
  for (size_t r = 0; r < runs.size(); ++r) {
    if (runs[r].traces.empty())
      continue;
    const Json &states =
        last ? runs[r].traces.back().second : runs[r].traces.front().second;
    bool first = true;
    for (const auto &[state, trace] : states.items()) {
      plot.lines.push_back({runs[r].name + ": " + state, tracePoints(trace),
                            static_cast<int>(r), /*dashed=*/!first});
      first = false;
    }
  }
  return drawPlot(plot);
}

/// What the picture shows, in words.
static std::string verdict(const Json &trace) {
  PlotPoints points = tracePoints(trace);
  auto nonzero = [](const auto &point) { return point.second > 0; };
  auto near = std::find_if(points.begin(), points.end(), nonzero);
  if (near == points.end())
    return "no gradient";
  if (!std::all_of(points.begin(), points.end(), [](const auto &point) {
        return std::isfinite(point.second);
      }))
    return "not finite";
  auto far = std::find_if(points.rbegin(), points.rend(), nonzero);
  if (far->first <= near->first)
    return "only the last step";
  double perStep =
      std::pow(far->second / near->second, 1 / (far->first - near->first));
  std::string text = fmt::format("× {:.4g} a step", perStep);
  if (far->first < points.back().first)
    text += fmt::format("; exactly 0 beyond {:.0f}", far->first);
  if (far->second < 1e-3 * near->second)
    return "vanishes: " + text;
  return (far->second > 1e3 * near->second ? "explodes: " : "stays: ") + text;
}

static std::string distanceTable(const Runs &runs) {
  std::vector<TableRow> rows;
  for (const RunRecord &run : runs) {
    if (run.traces.empty())
      continue;
    for (const auto &[state, trace] : run.traces.back().second.items()) {
      PlotPoints points = tracePoints(trace);
      if (points.empty())
        continue;
      rows.push_back(
          {escape(runs.size() == 1 ? state : run.name + ": " + state),
           escape(verdict(at(run.traces.front().second, state))),
           escape(verdict(trace)), shortNumber(points.front().second),
           shortNumber(points.back().second),
           fmt::format("{:.0f}", points.back().first)});
    }
  }
  return rows.empty()
             ? ""
             : table({"State", "First look", "Last look", "Norm at the loss",
                      "Norm furthest away", "Steps away"},
                     rows);
}

std::string pages::distanceSection(const Runs &runs) {
  std::string rows = distanceTable(runs), plots;
  if (rows.empty())
    return "";
  if (runs.size() > 1)
    plots +=
        comparedPlot(runs, /*last=*/false) + comparedPlot(runs, /*last=*/true);
  for (const RunRecord &run : runs)
    if (!run.traces.empty())
      for (const auto &[state, trace] : run.traces.back().second.items())
        plots += statePlot(run, state, named(runs, run, "state " + state));
  return "<section id=\"distance\">\n<h2>Gradient by distance in time</h2>\n"
         "<p>How much the loss of the last step depends on each state before "
         "it (of what runs backward: the loss of the first step), on the same "
         "examples at each look. A line that falls steeply is a vanishing "
         "gradient: the loss says nothing about what happened so long ago. "
         "One that rises is exploding. Clipping of whole gradients does not "
         "change these lines; <code>clipgrad</code> inside a cell does.</p>\n" +
         rows + "<div class=\"plots\">\n" + plots + "</div>\n</section>\n";
}

//===-- Clipping
//-----------------------------------------------------------===//

/// The limit of the whole gradient's norm; NaN: there is none.
static double thresholdOf(const RunRecord &run) {
  const Json &clips = at(at(run.report, "settings"), "clip");
  if (clips.is_array())
    for (const Json &clip : clips)
      if (textAt(clip, "kind") == "global_norm")
        return numberAt(clip, "limit");
  return NAN;
}

static std::string clipWords(const RunRecord &run) {
  const Json &clips = at(at(run.report, "settings"), "clip");
  std::string words;
  if (clips.is_array())
    for (const Json &clip : clips)
      words += (words.empty() ? "" : ", ") + textAt(clip, "kind") + " " +
               shortNumber(numberAt(clip, "limit"));
  return words.empty() ? "none" : words;
}

static std::string normPlot(const RunRecord &run, const std::string &title) {
  PlotSpec plot;
  plot.title = title;
  plot.x = "updates";
  plot.y = "norm, before clipping";
  plot.isLog = true;
  plot.lines.push_back(
      {"gradient", thinned(run.norm, mostPoints, /*isLog=*/true), 0});
  double limit = thresholdOf(run);
  if (!std::isfinite(limit))
    return drawPlot(plot);
  plot.rule = limit;
  plot.ruleName = "limit of clip global_norm";
  PlotPoints clipped;
  for (const auto &point : run.norm)
    if (point.second > limit)
      clipped.push_back(point);
  // Largest ones of each stretch: the picture stays small.
  size_t group = clipped.size() / mostPoints + 1;
  PlotPoints shown;
  for (size_t i = 0; i < clipped.size(); i += group)
    shown.push_back(*std::max_element(
        clipped.begin() + static_cast<long>(i),
        clipped.begin() +
            static_cast<long>(std::min(i + group, clipped.size())),
        [](const auto &a, const auto &b) { return a.second < b.second; }));
  plot.lines.push_back({"clipped", shown, 1, false, /*dots=*/true});
  return drawPlot(plot);
}

static TableRow clipRow(const RunRecord &run) {
  double limit = thresholdOf(run);
  std::vector<double> norms;
  int64_t clipped = 0;
  for (const auto &[step, norm] : run.norm) {
    clipped += norm > limit;
    if (std::isfinite(norm))
      norms.push_back(norm);
  }
  std::sort(norms.begin(), norms.end());
  auto count = static_cast<int64_t>(run.norm.size());
  double skipped = numberAt(run.report, "skipped");
  return {escape(run.name),
          escape(clipWords(run)),
          std::isfinite(limit)
              ? fmt::format("{} of {} ({:.1f} %)", countText(clipped),
                            countText(count),
                            count ? 100.0 * static_cast<double>(clipped) /
                                        static_cast<double>(count)
                                  : 0)
              : "–",
          norms.empty() ? "–" : shortNumber(norms[norms.size() / 2]),
          norms.empty() ? "–" : shortNumber(norms.back()),
          std::isfinite(skipped) ? shortNumber(skipped) : "–"};
}

std::string pages::clippingSection(const Runs &runs) {
  std::string plots;
  std::vector<TableRow> rows;
  for (const RunRecord &run : runs) {
    if (run.norm.empty())
      continue;
    rows.push_back(clipRow(run));
    plots += normPlot(run, named(runs, run, "Gradient of the parameters"));
  }
  if (rows.empty())
    return "";
  return "<section id=\"clipping\">\n<h2>Gradient norm and clipping</h2>\n" +
         table({"Run", "Clipping", "Updates clipped", "Median norm",
                "Largest norm", "Updates skipped"},
               rows) +
         "<div class=\"plots\">\n" + plots + "</div>\n</section>\n";
}

//===-- Throughput
//---------------------------------------------------------===//

/// Tokens a second over stretches of the log.
static PlotPoints speedOf(const RunRecord &run) {
  PlotPoints points;
  size_t count = std::min(run.seconds.size(), run.tokens.size());
  size_t group = std::max<size_t>(count / 100, 1);
  for (size_t i = 0; i + group < count; i += group) {
    double tokens = 0;
    for (size_t j = i + 1; j <= i + group; ++j)
      tokens += run.tokens[j].second;
    double passed = run.seconds[i + group].second - run.seconds[i].second;
    if (passed > 0)
      points.emplace_back(run.seconds[i + group].first, tokens / passed);
  }
  return points;
}

std::string pages::throughputSection(const Runs &runs) {
  PlotSpec plot;
  plot.title = "Throughput";
  plot.x = "updates";
  plot.y = "tokens a second";
  plot.fromZero = true;
  for (size_t r = 0; r < runs.size(); ++r)
    plot.lines.push_back({named(runs, runs[r], "tokens a second"),
                          speedOf(runs[r]), static_cast<int>(r)});
  std::string drawn = drawPlot(plot);
  if (drawn.empty())
    return "";
  return "<section id=\"throughput\">\n<h2>Throughput</h2>\n<p>Updates with "
         "all that happens between them: validation, checkpoints.</p>\n<div "
         "class=\"plots\">\n" +
         drawn + "</div>\n</section>\n";
}
