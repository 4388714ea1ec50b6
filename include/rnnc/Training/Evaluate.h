// Evaluate.h: how well a model does on a data set.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TRAINING_EVALUATE_H
#define RNNC_TRAINING_EVALUATE_H

#include "rnnc/Data/Batches.h"
#include "rnnc/Training/Library.h"
#include "rnnc/Training/Metrics.h"

namespace rnnc::training {

/// What a module wants to be fed with, from its manifest.
data::Schema schemaOf(const ModuleInfo &module);

/// The arguments of a function that a batch provides.
Arrays argumentsOf(const FunctionInfo &function, const data::Batch &batch);

/// Whether `predict` gives an output along another time axis than the data has:
/// each label where it begins, 0 elsewhere.
bool isTranscribed(const ModuleInfo &module, const data::FieldSchema &field);

/// How an output of symbols was predicted.
struct Classification {
  std::string output;
  std::vector<std::string> labels;
  int64_t right = 0, total = 0;
  /// [true label][predicted label]
  std::vector<std::vector<int64_t>> confusion;

  double accuracy() const {
    return total ? static_cast<double>(right) / static_cast<double>(total) : 0;
  }
  double macroF1() const;
};

/// How the spans were found that an output of labels stands for, as conlleval
/// counts.
struct SpanCounts {
  std::string output;
  int64_t right = 0, found = 0, wanted = 0;

  double precision() const { return ratio(right, found); }
  double recall() const { return ratio(right, wanted); }
  double f1() const { return ratio(2 * right, found + wanted); }

private:
  static double ratio(int64_t part, int64_t all) {
    return all ? static_cast<double>(part) / static_cast<double>(all) : 0;
  }
};

/// How labels were found whose number does not follow from the inputs.
struct Transcription {
  std::string output;
  int64_t edits = 0, labels = 0;

  /// Insertions, deletions and substitutions by true label.
  double errorRate() const {
    return labels ? static_cast<double>(edits) / static_cast<double>(labels)
                  : 0;
  }
};

/// How an output of numbers was predicted.
struct Regression {
  std::string output;
  double squares = 0, absolutes = 0; ///< sums
  int64_t count = 0;
  /// Of outputs that are predicted with their spread: sums of the ranked
  /// probability score and of the surprise in nats, and how many true values
  /// lie in the middle 90 % of what was predicted.
  double ranked = 0, surprise = 0;
  int64_t inBand = 0;
  bool hasSpread = false;

  double meanSquare() const { return mean(squares); }
  double mean(double sum) const {
    return count ? plain(sum / static_cast<double>(count)) : 0;
  }
};

/// How sequences of symbols were written that depend on inputs.
struct Writing {
  std::string output;
  int64_t sequences = 0, exact = 0;
  int64_t edits = 0, symbols = 0; ///< against the nearest right answer
  Bleu bleu = {};
  ChrF chrF = {};

  double exactShare() const { return share(exact, sequences); }
  double errorRate() const { return share(edits, symbols); }

private:
  static double share(int64_t part, int64_t all) {
    return all ? static_cast<double>(part) / static_cast<double>(all) : 0;
  }
};

struct Evaluation {
  double loss = 0; ///< as trained: mean per element or per example
  int64_t examples = 0, elements = 0;
  bool languageModel = false;
  double nats = 0; ///< total surprise of a language model
  int64_t characters = 0;
  std::vector<Classification> classifications;
  std::vector<Regression> regressions;
  std::vector<SpanCounts> spans;
  std::vector<Transcription> transcriptions;
  std::vector<Writing> writings;
  /// Nats a step, of what is predicted step by step and is neither text nor
  /// one label.
  std::optional<double> natsPerStep;

  double perToken() const;
  double perplexity() const;
  double perplexityPerCharacter() const;
  double bitsPerCharacter() const;
  /// What "best" means: smaller is better.
  double score() const;

  Json toJson() const;
  /// One line for people.
  std::string summary() const;
};

struct EvaluateOptions {
  int32_t batch = 32;
  bool predict = true; ///< also accuracy and confusion
  const data::Vocabularies *vocabularies = nullptr; ///< for label names
  /// Also lets the model write what it writes from inputs, and compares.
  struct Writes {
    std::string function = "predict"; ///< or beam
    std::optional<int32_t> length;    ///< at most; the `max` of the source
    /// Examples with equal inputs are several right answers for one.
    bool manyRight = false;
    std::map<std::string, data::Unit> units; ///< of outputs
  };
  std::optional<Writes> writes;
};

Result<Evaluation> evaluate(ModelInstance &instance, const data::Schema &schema,
                            const data::Dataset &data,
                            const EvaluateOptions &options);

/// One example alone.
struct LineEvaluation {
  int32_t file = 0; ///< among the files of the data
  int64_t line = 0, elements = 0, characters = 0;
  double loss = 0; ///< mean per element
  /// Outputs that are one label: what it is and what was predicted.
  struct Label {
    std::string output, truth, predicted;
  };
  std::vector<Label> labels;
};
/// `vocabularies` name the labels; without them they are numbers.
Result<std::vector<LineEvaluation>>
evaluateLines(ModelInstance &instance, const data::Schema &schema,
              const data::Dataset &data,
              const data::Vocabularies *vocabularies = nullptr);

} // namespace rnnc::training

#endif // RNNC_TRAINING_EVALUATE_H
