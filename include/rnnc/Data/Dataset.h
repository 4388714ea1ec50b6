// Dataset.h: examples in memory, and how they are read.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_DATA_DATASET_H
#define RNNC_DATA_DATASET_H

#include "rnnc/Data/Layout.h"
#include "rnnc/Data/Pieces.h"
#include "rnnc/Data/Schema.h"
#include "rnnc/Data/Series.h"
#include "rnnc/Data/Tensor.h"
#include "rnnc/Data/Text.h"
#include "rnnc/Data/Vocabulary.h"

#include <nlohmann/json_fwd.hpp>
#include <set>

namespace rnnc::data {

/// How files become examples. Stored with a trained model.
struct ReadOptions {
  /// auto, text, csv, tsv, space, conll, roll, npz, jsonl
  std::string format = "auto";
  /// chars, words, bytes or bpe(N); empty: what suits the model
  std::string tokens;
  std::map<std::string, std::string> units;   ///< field -> the same
  std::map<std::string, std::string> columns; ///< field -> header or number
  std::string encoding; ///< of texts and tables; empty: UTF-8
  bool lower = false;
  int64_t minCount = 1, maxVocabulary = 0;
  int64_t maxLength = 0; ///< longer sequences are cut; 0: none is
  SeriesOptions series;
  /// Learned for `bpe(N)`, by the key of the vocabulary; stored apart.
  std::map<std::string, Pieces> pieces;

  nlohmann::json toJson() const;
  static ReadOptions fromJson(const nlohmann::json &json);
  /// The unit of what is written, or else of what is read.
  Unit unit(const Schema &schema) const;
  Unit unit(const Schema &schema, const FieldSchema &field) const;
  /// The unit of a field as the user wrote it.
  const std::string &unitText(const FieldSchema &field) const {
    auto own = units.find(field.name);
    return own == units.end() ? tokens : own->second;
  }
  /// The symbols of running text that a field would read.
  std::vector<std::string> runningSymbols(const std::string &text,
                                          const Schema &schema,
                                          const FieldSchema &field) const;
  /// Whether the user chose the unit of a field.
  bool choseUnit(const FieldSchema &field) const {
    return !tokens.empty() || units.contains(field.name);
  }
  /// The column that a field reads, `0` of `0:pair`, and whether each symbol
  /// is taken together with the next one.
  struct Wish {
    std::string column;
    bool pairs = false;
  };
  Wish wish(const FieldSchema &field) const;
};

/// The values of one field for all examples.
struct Column {
  std::vector<int32_t> ints; ///< indices, bits, whole numbers
  std::vector<double> reals;
  std::vector<int64_t> begin = {0}; ///< of each example, in elements
  /// Symbols are numbers of `Dataset::symbols` until a vocabulary is applied.
  bool raw = false;
  /// Of texts that a model writes from inputs: what stood in the file, numbers
  /// of `Dataset::symbols`, when `ints` are indices; with the begin of each.
  std::vector<int32_t> written;
  std::vector<int64_t> writtenBegin;
};

/// Examples, or one long text.
struct Dataset {
  std::vector<Column> columns;               ///< one a field of the schema
  std::vector<std::vector<int32_t>> lengths; ///< [time][example]
  /// [time] of an axis inside of another: a length for each of its elements.
  /// `lengths` has the longest of an example then.
  std::vector<Column> inner;
  std::vector<std::string> files;
  /// Of running text: how many symbols there are up to the end of each file.
  /// Not kept for parts.
  std::vector<int64_t> textEnds;
  struct Place {
    int32_t file = 0;
    int64_t line = 0;
  };
  std::vector<Place> places; ///< of each example
  std::vector<std::string> symbols;
  /// Characters of each example's text, for reports per character. Words
  /// count with the blank behind them. Set by applyVocabularies.
  std::vector<int64_t> characters;
  std::map<std::string, int64_t> axisSizes; ///< that the schema left open
  std::vector<std::string> warnings;        ///< for the user
  /// Settled where the rows of tables are steps of time, with the columns of
  /// each field.
  std::optional<SeriesOptions> series;
  std::map<std::string, std::string> seriesColumns;
  /// Examples are rows of time that have not been cut into windows yet.
  bool areRows = false;
  /// Of rows of time: where a field has a value that was filled in, by field;
  /// empty: nowhere.
  std::vector<std::vector<bool>> filled;
  /// Nothing is learned from this: sequences may have labels that the model
  /// does not know, which are wrong whatever it says.
  bool onlyMeasured = false;
  /// Such labels, numbers of `symbols`, by field and place in its `ints`, where
  /// another label stands in for them.
  std::map<size_t, std::map<int64_t, int32_t>> strange;
  /// Of windows: steps in front that only give context, and are not measured.
  std::vector<int32_t> warm;

  int32_t size() const { return static_cast<int32_t>(places.size()); }
  std::string place(int32_t example) const;
  ExampleExtents extents(size_t example) const;
};

/// Stands where a word has fewer letters than a model reads.
inline constexpr std::string_view paddingSymbol = "<pad>";

/// Reads files of one format into one data set. `src=FILE,tgt=FILE` in the
/// place of a path are files whose rows stand side by side.
Result<Dataset> readDataset(const std::vector<std::string> &paths,
                            const Schema &schema, const ReadOptions &options);

/// Texts given on the command line, one example each. Outputs other than
/// `unfold` are left at 0.
/// `place` stands for their file in messages.
Result<Dataset> datasetOfTexts(const std::vector<std::string> &texts,
                               const std::string &place, const Schema &schema,
                               const ReadOptions &options);

/// Parts of one file.
struct Split {
  std::vector<double> shares; ///< 80/10/10: training, validation, test
  int64_t modulus = 0;        ///< every k-th example is the test part
  static Result<Split> parse(const std::string &shares, int64_t modulus);
  bool empty() const { return shares.empty() && modulus == 0; }
};
struct Parts {
  Dataset train, valid, test;
};
/// The part that each unit goes to: of examples, of the symbols of running
/// text, or of `rowsOfTime`. `sizes` are the units of each file.
enum class Part : uint8_t { Train, Valid, Test };
std::vector<Part> partsOf(const std::vector<int64_t> &sizes,
                          const Schema &schema, const Split &split,
                          bool rowsOfTime);
/// What windows over rows of time are for.
enum class WindowUse {
  Train,    ///< within the part, overlapping
  Evaluate, ///< every row of the part is predicted once
  Forecast, ///< the last rows alone
};
/// Running text and rows of time are cut in order; examples are drawn in a
/// fixed random order.
/// `trainUse` tells what the training part is for where it is cut into windows.
Result<Parts> splitDataset(Dataset all, const Schema &schema,
                           const Split &split,
                           WindowUse trainUse = WindowUse::Train);
/// Cuts rows of time into windows; other data stays as it is.
Result<Dataset> cutWindows(Dataset data, const Schema &schema, WindowUse use);

/// The vocabularies of a model, by axis.
using Vocabularies = std::map<std::string, Vocabulary>;
/// The key of a field's vocabulary: its axis, or itself where that has no name.
const std::string &vocabularyKey(const FieldSchema &field);
/// Whether an axis names labels: only outputs that are not unfolded use it.
bool isLabelAxis(const Schema &schema, const std::string &key);

/// Whether what is to be cut into pieces can be.
Status checkPieces(const Schema &schema, const ReadOptions &options);
/// Learns the pieces that `options` asks for, but for those that it has, from
/// the words of training data.
Status learnPieces(const Dataset &train, const Schema &schema,
                   ReadOptions &options);
/// Puts their pieces in the place of words. To be called before vocabularies
/// are learned or applied.
Status cutIntoPieces(Dataset &data, const Schema &schema,
                     const ReadOptions &options);

/// Makes the vocabularies of all index axes from training data and sets the
/// sizes that the source left open; those in `given` are taken as they are.
/// `warnings` are for the user.
struct Learned {
  Vocabularies vocabularies;
  std::map<std::string, int64_t> dims;
  std::vector<std::string> warnings;
};
Result<Learned> learnVocabularies(const Dataset &train, const Schema &schema,
                                  const ReadOptions &options,
                                  const Vocabularies &given = {});

/// Words that are whole sentences come from text without blanks: says so.
void warnOfLongWords(const Dataset &data, const Schema &schema,
                     const std::string &key, Unit unit,
                     std::vector<std::string> &warnings);
/// Adds a warning to `data` if most symbols of a column are unknown to its
/// vocabulary. To be called before its symbols become indices.
void warnOfUnknown(Dataset &data, const Column &column,
                   const FieldSchema &field, const Vocabulary &vocabulary);

/// Compares the entries of every example with the sizes that the schema knows
/// by now: some come from other fields or files, or from the compiled library.
Status checkExtents(const Dataset &data, const Schema &schema);

/// Turns symbols into indices and appends `stop`; unknown labels and indices
/// outside their axis are errors with their place.
Status applyVocabularies(Dataset &data, const Schema &schema,
                         const Vocabularies &vocabularies, Unit unit);

/// The named examples of a data set.
Dataset subset(const Dataset &data, const std::vector<int32_t> &examples);

} // namespace rnnc::data

#endif // RNNC_DATA_DATASET_H
