// Outcomes.cpp: what came of a training: figures, confusion, forecasts.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Html.h"
#include "Sections.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>

using namespace rnnc;
using namespace rnnc::pages;

//===-- Summary
//------------------------------------------------------------===//

/// The figures of one part, the most telling first.
static std::string figuresOf(const Json &part) {
  std::string text;
  auto add = [&](const char *key, const char *name, bool isShare) {
    double value = numberAt(part, key);
    if (std::isnan(value))
      return;
    text +=
        (text.empty() ? "" : ", ") + std::string(name) + " " +
        (isShare ? fmt::format("{:.2f} %", 100 * value) : shortNumber(value));
  };
  add("accuracy", "accuracy", true);
  add("span_f1", "F1", true);
  add("label_error_rate", "label error rate", true);
  add("perplexity", "perplexity", false);
  add("bits_per_character", "bits a character", false);
  const Json &outputs = at(part, "outputs");
  if (outputs.is_object())
    for (const auto &[name, output] : outputs.items())
      if (double root = numberAt(output, "rmse"); !std::isnan(root))
        text += (text.empty() ? "" : ", ") + ("RMSE of " + name + " ") +
                shortNumber(root);
  add("loss", "loss", false);
  return text;
}

static std::string stateOf(const RunRecord &run) {
  if (run.report.is_null())
    return "going on, or cut off";
  std::string reason = textAt(at(run.report, "failed"), "reason");
  if (!reason.empty())
    return "failed: " + reason;
  if (at(run.report, "interrupted") == Json(true))
    return "interrupted";
  return at(run.report, "stopped_early") == Json(true) ? "stopped early"
                                                       : "done";
}

static std::string durationText(double seconds) {
  if (std::isnan(seconds))
    return "–";
  if (seconds < 100)
    return fmt::format("{:.1f} s", seconds);
  auto whole = static_cast<int64_t>(seconds);
  return whole < 3600
             ? fmt::format("{} min {:02} s", whole / 60, whole % 60)
             : fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
}

std::string pages::summarySection(const Runs &runs) {
  std::vector<TableRow> rows;
  for (const RunRecord &run : runs) {
    const Json &r = run.report;
    double steps = run.loss.empty() ? NAN : run.loss.back().first;
    double seconds = run.seconds.empty() ? NAN : run.seconds.back().second;
    auto number = [&](const char *key) {
      double value = numberAt(r, key);
      return std::isnan(value) ? std::string("–") : shortNumber(value);
    };
    std::string optimizer = textAt(at(at(r, "settings"), "optimize"), "name");
    rows.push_back({escape(run.name), escape(textAt(run.options, "model")),
                    escape(stateOf(run)), number("parameters"),
                    escape(optimizer.empty() ? "–" : optimizer),
                    std::isnan(steps) ? "–" : shortNumber(steps),
                    durationText(seconds), number("tokens_per_second"),
                    number("train_loss"), escape(figuresOf(at(r, "valid"))),
                    escape(figuresOf(at(r, "test")))});
  }
  return "<section id=\"summary\">\n<h2>Summary</h2>\n" +
         table({"Run", "Model", "State", "Parameters", "Optimiser", "Updates",
                "Time", "Tokens a second", "Training loss", "Validation",
                "Test"},
               rows) +
         "</section>\n";
}

//===-- Confusion
//----------------------------------------------------------===//

static constexpr size_t mostLabels = 25;

namespace {
struct ConfusionTable {
  std::vector<std::string> labels;
  std::vector<std::vector<double>> counts; ///< [true][predicted]
};
} // namespace

/// Null counts where the record is not a square of numbers.
static ConfusionTable readConfusion(const Json &output) {
  ConfusionTable table;
  const Json &labels = at(output, "labels"), &rows = at(output, "confusion");
  if (!labels.is_array() || !rows.is_array() || labels.size() != rows.size())
    return table;
  for (const Json &label : labels)
    table.labels.push_back(label.is_string() ? label.get<std::string>()
                                             : label.dump());
  for (const Json &row : rows) {
    std::vector<double> counts;
    if (row.is_array() && row.size() == rows.size())
      for (const Json &count : row)
        counts.push_back(count.is_number() ? count.get<double>() : 0);
    if (counts.empty())
      return {};
    table.counts.push_back(std::move(counts));
  }
  return table;
}

/// The labels that occur, the frequent ones where there are many.
static std::vector<size_t> shownLabels(const ConfusionTable &confusion) {
  std::vector<double> weight(confusion.labels.size());
  for (size_t t = 0; t < weight.size(); ++t)
    for (size_t p = 0; p < weight.size(); ++p) {
      weight[t] += confusion.counts[t][p];
      weight[p] += confusion.counts[t][p];
    }
  std::vector<size_t> order;
  for (size_t i = 0; i < weight.size(); ++i)
    if (weight[i] > 0)
      order.push_back(i);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return weight[a] > weight[b]; });
  order.resize(std::min(order.size(), mostLabels));
  std::sort(order.begin(), order.end());
  return order;
}

static std::string confusionGrid(const ConfusionTable &confusion,
                                 const std::vector<size_t> &shown) {
  std::string html = "<div class=\"scroll\"><table class=\"confusion\">\n"
                     "<thead><tr><th scope=\"col\">true \\ predicted</th>";
  for (size_t p : shown)
    html += "<th scope=\"col\">" + escape(confusion.labels[p]) + "</th>";
  html += "<th scope=\"col\">recall</th></tr></thead>\n<tbody>\n";
  for (size_t t : shown) {
    const std::vector<double> &row = confusion.counts[t];
    double all = std::accumulate(row.begin(), row.end(), 0.0);
    html += "<tr><th scope=\"row\">" + escape(confusion.labels[t]) + "</th>";
    for (size_t p : shown) {
      double share = all > 0 ? row[p] / all : 0;
      html += fmt::format("<td class=\"{}\" style=\"background:"
                          "rgba(var(--{}),{:.3f})\">{:.0f}</td>",
                          t == p ? "right" : "wrong", t == p ? "heat" : "warn",
                          0.6 * share, row[p]);
    }
    html += all > 0 ? fmt::format("<td>{:.1f} %</td>", 100 * row[t] / all)
                    : "<td>–</td>";
    html += "</tr>\n";
  }
  return html + "</tbody>\n</table></div>\n";
}

static std::string commonMistakes(const ConfusionTable &confusion) {
  struct Mistake {
    double count;
    size_t truth, guess;
  };
  std::vector<Mistake> mistakes;
  for (size_t t = 0; t < confusion.labels.size(); ++t)
    for (size_t p = 0; p < confusion.labels.size(); ++p)
      if (t != p && confusion.counts[t][p] > 0)
        mistakes.push_back({confusion.counts[t][p], t, p});
  std::stable_sort(
      mistakes.begin(), mistakes.end(),
      [](const Mistake &a, const Mistake &b) { return a.count > b.count; });
  std::vector<TableRow> rows;
  for (size_t i = 0; i < std::min<size_t>(mistakes.size(), 10); ++i)
    rows.push_back({escape(confusion.labels[mistakes[i].truth]),
                    escape(confusion.labels[mistakes[i].guess]),
                    shortNumber(mistakes[i].count)});
  return rows.empty() ? ""
                      : "<h4>Most common mistakes</h4>\n" +
                            table({"True", "Predicted", "Times"}, rows);
}

std::string pages::confusionSection(const Runs &runs) {
  std::string html;
  for (const RunRecord &run : runs) {
    const char *part = at(run.report, "test").is_object() ? "test" : "valid";
    const Json &outputs = at(at(run.report, part), "outputs");
    if (!outputs.is_object())
      continue;
    for (const auto &[name, output] : outputs.items()) {
      ConfusionTable confusion = readConfusion(output);
      if (confusion.counts.empty())
        continue;
      std::vector<size_t> shown = shownLabels(confusion);
      html += fmt::format("<h3>{}output {}, {} part</h3>\n",
                          runs.size() > 1 ? escape(run.name) + ": " : "",
                          escape(name),
                          part == std::string("test") ? "test" : "validation");
      if (shown.size() == mostLabels)
        html +=
            fmt::format("<p>The {} most frequent labels.</p>\n", mostLabels);
      html += confusionGrid(confusion, shown);
      if (shown.size() > 3)
        html += commonMistakes(confusion);
    }
  }
  return html.empty() ? ""
                      : "<section id=\"confusion\">\n<h2>Confusion</h2>\n" +
                            html + "</section>\n";
}

//===-- Forecasts
//----------------------------------------------------------===//

static PlotPoints seriesPoints(const Json &list, const Json &scale,
                               double widths) {
  PlotPoints points;
  if (!list.is_array())
    return points;
  for (size_t i = 0; i < list.size(); ++i) {
    double width =
        scale.is_array() && i < scale.size() ? numberOf(scale[i]) : 0;
    points.emplace_back(static_cast<double>(i),
                        numberOf(list[i]) + widths * width);
  }
  return points;
}

/// One series with its prediction; empty if it has none.
static std::string forecastPlot(const Json &output, const std::string &title,
                                const char *x) {
  const Json &truth = at(output, "truth"), &guess = at(output, "predicted"),
             &scale = at(output, "scale");
  if (!truth.is_array() || !guess.is_array())
    return "";
  PlotSpec plot;
  plot.title = title;
  plot.x = x;
  plot.y = "value";
  plot.lines = {{"true", seriesPoints(truth, Json(), 0), 1},
                {"predicted", seriesPoints(guess, Json(), 0), 0}};
  if (scale.is_array())
    plot.bands = {{"predicted, two deviations to both sides (95 %)",
                   seriesPoints(guess, scale, -2),
                   seriesPoints(guess, scale, 2), 0}};
  return drawPlot(plot);
}

/// One column of rows of several numbers.
static Json columnOf(const Json &rows, size_t column) {
  Json list = Json::array();
  if (rows.is_array())
    for (const Json &row : rows)
      if (row.is_array() && column < row.size())
        list.push_back(row[column]);
  return list;
}

/// What was predicted for a window of several rows: a picture for each column.
static std::string windowPlots(const Json &output, const std::string &title) {
  constexpr size_t mostColumns = 8;
  const Json &truth = at(output, "truth");
  if (!truth.is_array() || truth.size() <= 2)
    return "";
  if (truth[0].is_number_float())
    return forecastPlot(output, title, "step");
  if (!truth[0].is_array() || truth[0].empty() ||
      !truth[0][0].is_number_float())
    return "";
  std::string plots;
  for (size_t c = 0; c < std::min(truth[0].size(), mostColumns); ++c) {
    Json column = {{"truth", columnOf(truth, c)},
                   {"predicted", columnOf(at(output, "predicted"), c)}};
    if (output.contains("scale"))
      column["scale"] = columnOf(at(output, "scale"), c);
    plots += forecastPlot(column, fmt::format("{}, column {}", title, c + 1),
                          "step");
  }
  return plots;
}

std::string pages::forecastSection(const Runs &runs) {
  std::string plots;
  for (const RunRecord &run : runs) {
    std::string before = runs.size() > 1 ? run.name + ": " : "";
    const Json &series = at(run.examples, "forecast");
    if (series.is_object())
      for (const auto &[name, output] : series.items())
        plots += forecastPlot(output, before + name, "rows of the part");
    // Horizons of several rows: a window is a picture of its own.
    const Json &examples = at(run.examples, "examples");
    if (!examples.is_array() || (series.is_object() && !series.empty()))
      continue;
    for (size_t i = 0; i < std::min<size_t>(examples.size(), 4); ++i) {
      const Json &outputs = at(examples[i], "outputs");
      if (!outputs.is_object())
        continue;
      for (const auto &[name, output] : outputs.items())
        plots += windowPlots(output, before + name + ", " +
                                         textAt(examples[i], "place"));
    }
  }
  return plots.empty() ? ""
                       : "<section id=\"forecast\">\n<h2>Predicted "
                         "numbers</h2>\n<div class=\"plots\">\n" +
                             plots + "</div>\n</section>\n";
}
