// Examples.cpp: examples with truth and prediction, and where a model looked.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Html.h"
#include "Sections.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

using namespace rnnc;
using namespace rnnc::pages;

static std::string wordOf(const Json &value) {
  if (value.is_string())
    return value.get<std::string>();
  return value.is_number() ? shortNumber(value.get<double>()) : value.dump();
}

static bool isList(const Json &value) {
  return value.is_array() && !value.empty();
}

/// Words, characters, or indices of a model without a vocabulary.
static bool isSymbols(const Json &value) {
  return isList(value) &&
         (value[0].is_string() || value[0].is_number_integer());
}

/// Characters stand side by side, words apart.
static std::string joined(const Json &value) {
  if (!value.is_array())
    return wordOf(value);
  size_t longest = 0;
  for (const Json &one : value)
    if (one.is_string()) {
      size_t characters = 0;
      for (char c : one.get<std::string>())
        characters += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
      longest = std::max(longest, characters);
    } else {
      longest = 2;
    }
  std::string text;
  constexpr size_t most = 120;
  for (size_t i = 0; i < std::min(value.size(), most); ++i)
    text += (i > 0 && longest > 1 ? " " : "") + wordOf(value[i]);
  return value.size() > most ? text + " …" : text;
}

/// A label below each symbol of the sequence it belongs to.
static std::string tagged(const Json &symbols, const Json &truth,
                          const Json &guess) {
  std::string html = "<div class=\"tokens\">";
  for (size_t i = 0; i < truth.size(); ++i) {
    std::string label = i < guess.size() ? wordOf(guess[i]) : "";
    bool right = i < guess.size() && guess[i] == truth[i];
    html += fmt::format("<span class=\"token {}\"><b>{}</b><i>{}</i></span>",
                        right ? "right" : "wrong", escape(wordOf(symbols[i])),
                        right ? escape(label)
                              : "✗ " + escape(label) + " (true: " +
                                    escape(wordOf(truth[i])) + ")");
  }
  return html + "</div>\n";
}

static std::string probabilityText(const Json &shares) {
  std::string text;
  if (shares.is_object())
    for (const auto &[name, share] : shares.items())
      text += (text.empty() ? "" : ", ") + name + " " +
              fmt::format("{:.1f} %", 100 * numberOf(share));
  return text.empty() ? "" : "<small>" + escape(text) + "</small>";
}

/// The input that an output's labels stand beside; null if there is none.
static const Json &beside(const Json &inputs, const Json &truth) {
  static const Json none;
  if (isList(truth) && truth[0].is_string() && inputs.is_object())
    for (const auto &[name, value] : inputs.items())
      if (value.is_array() && value.size() == truth.size() &&
          value[0].is_string())
        return value;
  return none;
}

/// Numbers, or lists of them in any depth.
static bool isNumbers(const Json &value) {
  return value.is_number_float() || (isList(value) && isNumbers(value[0]));
}

static std::string outputHtml(const std::string &name, const Json &output,
                              const Json &inputs) {
  const Json &truth = at(output, "truth"), &guess = at(output, "predicted");
  if (const Json &symbols = beside(inputs, truth); symbols.is_array())
    if (isList(guess) && guess.size() == truth.size())
      return "<dt>" + escape(name) + "</dt><dd>" +
             tagged(symbols, truth, guess) + "</dd>\n";
  bool isNumber = isNumbers(truth);
  if (isNumber && truth.is_array())
    return ""; // drawn, not written
  std::string scale =
      output.contains("scale") && at(output, "scale").is_number()
          ? " ± " + shortNumber(numberAt(output, "scale"))
          : "";
  const char *kind = isNumber ? "" : truth == guess ? "right" : "wrong";
  return fmt::format(
      "<dt>{0}</dt><dd><span class=\"{1}\">{2}{3}{4}</span> {5}{6}</dd>\n",
      escape(name), kind,
      isNumber         ? ""
      : truth == guess ? "✓ "
                       : "✗ ",
      escape(joined(guess)), scale,
      isNumber || truth != guess
          ? "<span class=\"truth\">true: " + escape(joined(truth)) + "</span> "
          : "",
      probabilityText(at(output, "probabilities")));
}

//===-- Attention
//----------------------------------------------------------===//

/// Names of the rows or columns of a map: the symbols of what lies along the
/// axis, where there are as many.
static std::vector<std::string> namesAlong(const Json &example, size_t count) {
  std::vector<std::string> names;
  auto take = [&](const Json &value) {
    if (names.empty() && isSymbols(value) && value.size() == count)
      for (const Json &one : value)
        names.push_back(wordOf(one));
  };
  const Json &inputs = at(example, "inputs"), &outputs = at(example, "outputs");
  if (inputs.is_object())
    for (const auto &[name, value] : inputs.items())
      take(value);
  if (outputs.is_object())
    for (const auto &[name, value] : outputs.items())
      take(at(value, "truth"));
  names.resize(count);
  return names;
}

/// Of the rows: the truth that was read while the map was made.
static std::vector<std::string> rowNames(const Json &example, size_t count) {
  std::vector<std::string> names;
  const Json &outputs = at(example, "outputs");
  if (outputs.is_object())
    for (const auto &[name, value] : outputs.items()) {
      const Json &truth = at(value, "truth");
      bool fits = truth.is_array() &&
                  (truth.size() == count || truth.size() + 1 == count);
      if (names.empty() && fits)
        for (const Json &one : truth)
          names.push_back(wordOf(one));
    }
  names.resize(count);
  return names;
}

/// As much of a name as has room.
static std::string cutName(const std::string &name) {
  size_t characters = 0;
  for (size_t i = 0; i < name.size(); ++i)
    if ((static_cast<unsigned char>(name[i]) & 0xc0) != 0x80 &&
        ++characters > 13)
      return name.substr(0, i) + "…";
  return name;
}

static std::string attentionMap(const Json &map, const Json &example) {
  const Json &weights = at(map, "weights");
  if (!isList(weights) || !isList(weights[0]))
    return "";
  size_t rows = weights.size(), columns = weights[0].size();
  std::vector<std::string> left =
      rows > 1 ? rowNames(example, rows) : std::vector<std::string>(1);
  std::vector<std::string> top = namesAlong(example, columns);
  constexpr double cell = 18, leftRoom = 110, topRoom = 90;
  std::string svg = fmt::format(
      "<svg class=\"map\" xmlns=\"http://www.w3.org/2000/svg\" "
      "viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" role=\"img\" "
      "aria-label=\"attention weights\">\n",
      leftRoom + cell * static_cast<double>(columns) + 50,
      topRoom + cell * static_cast<double>(rows) + 4);
  for (size_t c = 0; c < columns; ++c)
    svg += fmt::format("<text transform=\"translate({:.1f} {:.1f}) "
                       "rotate(-60)\">{}</text>\n",
                       leftRoom + cell * (static_cast<double>(c) + 0.6),
                       topRoom - 6, escape(cutName(top[c])));
  for (size_t r = 0; r < rows; ++r) {
    double y = topRoom + cell * static_cast<double>(r);
    svg += fmt::format(
        "<text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n",
        leftRoom - 6, y + 13, escape(cutName(left[r])));
    if (!weights[r].is_array())
      continue;
    for (size_t c = 0; c < std::min(columns, weights[r].size()); ++c) {
      double weight = std::clamp(numberOf(weights[r][c]), 0.0, 1.0);
      svg += fmt::format(
          "<rect class=\"cell\" x=\"{:.0f}\" y=\"{:.0f}\" width=\"17\" "
          "height=\"17\" fill-opacity=\"{:.3f}\"><title>{} → {}: "
          "{:.3f}</title></rect>\n",
          leftRoom + cell * static_cast<double>(c), y,
          std::isnan(weight) ? 0 : weight, escape(left[r]), escape(top[c]),
          weight);
    }
  }
  return "<div class=\"scroll\">" + svg + "</svg></div>\n";
}

//===-- Sections
//-----------------------------------------------------------===//

static std::string exampleHtml(const Json &example) {
  const Json &inputs = at(example, "inputs"), &outputs = at(example, "outputs");
  std::string html;
  bool isTagged = false;
  if (outputs.is_object())
    for (const auto &[name, output] : outputs.items()) {
      isTagged |= beside(inputs, at(output, "truth")).is_array();
      html += outputHtml(name, output, inputs);
    }
  if (html.empty())
    return "";
  std::string given;
  if (inputs.is_object() && !isTagged)
    for (const auto &[name, value] : inputs.items())
      if (!value.is_array() || isSymbols(value))
        given += "<dt>" + escape(name) + "</dt><dd>" + escape(joined(value)) +
                 "</dd>\n";
  const Json &maps = at(example, "attention");
  if (maps.is_object())
    for (const auto &[name, map] : maps.items())
      if (std::string drawn = attentionMap(map, example); !drawn.empty())
        html += "<dt>" + escape(name) + "</dt><dd>" + drawn + "</dd>\n";
  return "<article><p class=\"place\">" + escape(textAt(example, "place")) +
         "</p>\n<dl>\n" + given + html + "</dl></article>\n";
}

std::string pages::examplesSection(const Runs &runs) {
  std::string html;
  for (const RunRecord &run : runs) {
    std::string part;
    const Json &examples = at(run.examples, "examples"),
               &samples = at(run.examples, "samples");
    if (examples.is_array())
      for (const Json &example : examples)
        part += exampleHtml(example);
    if (samples.is_array())
      for (const Json &sample : samples)
        part += "<article><p class=\"place\">drawn, seed " +
                escape(wordOf(at(sample, "seed"))) + "</p>\n<pre>" +
                escape(textAt(sample, "text")) + "</pre></article>\n";
    if (part.empty())
      continue;
    std::string of = textAt(run.examples, "part");
    html += "<h3>" + escape(runs.size() > 1 ? run.name + ": " : "") +
            (of.empty() ? "" : escape(of) + " part") + "</h3>\n" + part;
  }
  return html.empty() ? ""
                      : "<section id=\"examples\">\n<h2>Examples</h2>\n" +
                            html + "</section>\n";
}
