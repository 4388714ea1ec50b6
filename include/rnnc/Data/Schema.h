// Schema.h: what a model wants to be fed with.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_DATA_SCHEMA_H
#define RNNC_DATA_SCHEMA_H

#include "rnnc/Data/Result.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace rnnc::data {

/// An axis of a field: a time axis, or a size that may still be unknown.
struct SchemaAxis {
  std::string name;
  bool isTime = false;
  int64_t size = -1; ///< -1: set from data
};

/// In which units a model reads a number: (x - mean) / deviation.
struct Scale {
  double mean = 0, deviation = 1;
};

/// An input or output of a model.
struct FieldSchema {
  enum class Kind { Index, Real, Int, Bit } kind = Kind::Real;
  std::string name;
  std::vector<SchemaAxis> axes;
  bool output = false;
  std::string axis;                ///< of an index: its axis
  int64_t size = -1;               ///< of that axis; -1: set from data
  std::vector<std::string> labels; ///< of a labelled axis
  bool unfold = false;             ///< predicted element by element
  std::optional<int64_t> start, stop;
  std::map<int64_t, std::string> reserved; ///< other symbols that are no data's
  std::vector<Scale> scales; ///< of the entries of a step; empty: as they are

  /// The unit of entry `i` of its data.
  Scale scale(int64_t i) const {
    return scales.empty() ? Scale()
                          : scales[static_cast<size_t>(i) % scales.size()];
  }
  bool isIndex() const { return kind == Kind::Index; }
  /// Position of its (first) time axis among `times`, or -1.
  int time(const std::vector<std::string> &times) const;
  /// That of a second time axis, which lies inside of the first, or -1.
  int innerTime(const std::vector<std::string> &times) const;
  /// The product of the axes that are not time, -1 if one is unknown.
  int64_t inner() const;
};

/// A model as data sees it.
struct Schema {
  std::string model;
  std::vector<std::string> times;
  std::vector<FieldSchema> fields;
  int64_t batch = 32;
  std::optional<int64_t> chunk; ///< `bptt k carry`: steps of a chunk
  /// Outputs that are taken out: what is to be predicted is not read, but says
  /// what the axes of the others are.
  std::vector<FieldSchema> absent;
  /// All fields in order then, as files of training have them.
  std::vector<std::string> order;

  /// One predicted sequence of symbols and nothing else.
  bool isLanguageModel() const {
    return fields.size() == 1 && fields[0].unfold && fields[0].isIndex();
  }
  /// Running text is one sequence, cut into chunks with a carry.
  bool isRunningText() const {
    return isLanguageModel() && chunk && !fields[0].stop;
  }
  const FieldSchema *find(std::string_view name) const;
  bool isAbsent(std::string_view name) const;
  /// The first output, or null.
  const FieldSchema *target() const;
  /// Puts known sizes in the place of names.
  void bind(const std::map<std::string, int64_t> &dims);
  /// Whether a time axis has one length for each example: something has it as
  /// its first time axis. One inside of another has one for each element.
  bool isOuter(const std::string &time) const;
  /// What cannot be read from files, as an error.
  Status checkReadable() const;
};

} // namespace rnnc::data

#endif // RNNC_DATA_SCHEMA_H
