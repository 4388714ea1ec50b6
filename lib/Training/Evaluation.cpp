// Evaluation.cpp: the figures of an evaluation, as JSON and in words.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Training/Evaluate.h"
#include "rnnc/Training/Progress.h"

#include <algorithm>
#include <cmath>

using namespace rnnc;
using namespace rnnc::training;

double Classification::macroF1() const {
  double sum = 0;
  int64_t classes = 0;
  for (size_t c = 0; c < confusion.size(); ++c) {
    int64_t truth = 0, guessed = 0;
    for (size_t other = 0; other < confusion.size(); ++other) {
      truth += confusion[c][other];
      guessed += confusion[other][c];
    }
    if (truth + guessed == 0)
      continue;
    ++classes;
    sum += 2.0 * static_cast<double>(confusion[c][c]) /
           static_cast<double>(truth + guessed);
  }
  return classes ? sum / static_cast<double>(classes) : 0;
}

double Evaluation::perToken() const {
  return elements ? nats / static_cast<double>(elements) : 0;
}
double Evaluation::perplexity() const { return std::exp(perToken()); }
double Evaluation::perplexityPerCharacter() const {
  return characters ? std::exp(nats / static_cast<double>(characters)) : 0;
}
double Evaluation::bitsPerCharacter() const {
  return characters ? nats / static_cast<double>(characters) / std::log(2.0)
                    : 0;
}

double Evaluation::score() const {
  // Weights that give no number are never the best, whatever they guess.
  if (!std::isfinite(loss))
    return INFINITY;
  if (!languageModel && !transcriptions.empty())
    return transcriptions.front().errorRate();
  if (!languageModel && !spans.empty())
    return -spans.front().f1();
  if (languageModel || classifications.empty())
    return loss;
  return -classifications.front().accuracy();
}

Json Evaluation::toJson() const {
  Json json = {{"loss", jsonNumber(loss)},
               {"examples", examples},
               {"elements", elements}};
  if (languageModel) {
    json["nats_per_token"] = jsonNumber(perToken());
    json["perplexity"] = jsonNumber(perplexity());
    json["characters"] = characters;
    json["perplexity_per_character"] = jsonNumber(perplexityPerCharacter());
    json["bits_per_character"] = jsonNumber(bitsPerCharacter());
  }
  for (const Classification &output : classifications) {
    Json entry = {
        {"accuracy", output.accuracy()}, {"macro_f1", output.macroF1()},
        {"right", output.right},         {"total", output.total},
        {"labels", output.labels},       {"confusion", output.confusion}};
    if (!json.contains("accuracy"))
      json["accuracy"] = output.accuracy();
    json["outputs"][output.output] = std::move(entry);
  }
  for (const SpanCounts &output : spans) {
    Json &entry = json["outputs"][output.output];
    entry["span_precision"] = output.precision();
    entry["span_recall"] = output.recall();
    entry["span_f1"] = output.f1();
    entry["spans"] = {{"right", output.right},
                      {"found", output.found},
                      {"true", output.wanted}};
    if (!json.contains("span_f1"))
      json["span_f1"] = output.f1();
  }
  for (const Transcription &output : transcriptions) {
    json["outputs"][output.output] = {{"label_error_rate", output.errorRate()},
                                      {"edits", output.edits},
                                      {"labels", output.labels}};
    if (!json.contains("label_error_rate"))
      json["label_error_rate"] = output.errorRate();
  }
  for (const Regression &output : regressions) {
    double mean = output.meanSquare();
    json["outputs"][output.output] = {
        {"mse", jsonNumber(mean)},
        {"rmse", jsonNumber(std::sqrt(mean))},
        {"mae", jsonNumber(output.mean(output.absolutes))}};
    if (!output.hasSpread)
      continue;
    Json &entry = json["outputs"][output.output];
    entry["crps"] = jsonNumber(output.mean(output.ranked));
    entry["nll"] = jsonNumber(output.mean(output.surprise));
    entry["in_90_band"] =
        jsonNumber(output.mean(static_cast<double>(output.inBand)));
  }
  for (const Writing &output : writings) {
    json["outputs"][output.output] = {{"sequences", output.sequences},
                                      {"exact_match", output.exactShare()},
                                      {"error_rate", output.errorRate()},
                                      {"edits", output.edits},
                                      {"symbols", output.symbols},
                                      {"bleu", output.bleu.score()},
                                      {"bleu_tokens", output.bleu.tokens()},
                                      {"chrf", output.chrF.score()}};
  }
  if (natsPerStep)
    json["nats_per_step"] = jsonNumber(*natsPerStep);
  return json;
}

std::string Evaluation::summary() const {
  if (languageModel) {
    std::string text = fmt::format("loss {} nats a token, perplexity {:.3f}",
                                   lossText(perToken()), perplexity());
    if (characters)
      text += fmt::format("; a character: perplexity {:.3f}, {:.4f} bits",
                          perplexityPerCharacter(), bitsPerCharacter());
    return text;
  }
  std::string text = "loss " + lossText(loss);
  for (const Classification &output : classifications)
    text += fmt::format(", {} {:.2f} % right ({} of {})", output.output,
                        100 * output.accuracy(), output.right, output.total);
  for (const SpanCounts &output : spans)
    text += fmt::format(", {} spans: precision {:.2f} %, recall {:.2f} %, "
                        "F1 {:.2f}",
                        output.output, 100 * output.precision(),
                        100 * output.recall(), 100 * output.f1());
  for (const Transcription &output : transcriptions)
    text += fmt::format(", {} label error rate {:.2f} % ({} edits of {})",
                        output.output, 100 * output.errorRate(), output.edits,
                        output.labels);
  for (const Regression &output : regressions) {
    text += fmt::format(", {} mean square error {:.6g} (root {:.6g}), mean "
                        "absolute error {:.6g}",
                        output.output, output.meanSquare(),
                        std::sqrt(output.meanSquare()),
                        output.mean(output.absolutes));
    if (output.hasSpread)
      text +=
          fmt::format(", CRPS {:.6g}, {:.6g} nats, {:.1f} % in the 90 % "
                      "band",
                      output.mean(output.ranked), output.mean(output.surprise),
                      100 * output.mean(static_cast<double>(output.inBand)));
  }
  for (const Writing &output : writings)
    text += fmt::format(", {} exact {:.2f} % ({} of {}), error rate {:.2f} % "
                        "({} edits of {}), BLEU {:.2f}{}, chrF {:.2f}",
                        output.output, 100 * output.exactShare(), output.exact,
                        output.sequences, 100 * output.errorRate(),
                        output.edits, output.symbols, output.bleu.score(),
                        output.bleu.tokens() == "zh" ? " (zh tokens)" : "",
                        output.chrF.score());
  if (natsPerStep)
    text += fmt::format(", {:.4f} nats a step", *natsPerStep);
  return text;
}
