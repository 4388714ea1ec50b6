// Spans.h: what is found in sequences of labels, and how much of it is right.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_TRAINING_SPANS_H
#define RNNC_LIB_TRAINING_SPANS_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rnnc::training {

/// A label of a scheme of spans: `B-LOC` begins one, `I-LOC` (or `M-LOC`) goes
/// on, `E-LOC` ends one, `S-LOC` is one, `O` is none. The kind may be missing.
struct SpanLabel {
  char place = 'O';
  std::string kind;
};

/// The labels of a scheme of spans; empty if they are of no such scheme.
/// Symbols in angle brackets (`<start>`) are none of its labels.
std::vector<SpanLabel> spanLabels(const std::vector<std::string> &symbols);

struct LabelSpan {
  int64_t begin, end; ///< steps, `end` outside
  std::string_view kind;
  bool operator==(const LabelSpan &) const = default;
};

/// The spans of one sequence, as conlleval finds them: a change of the kind
/// begins another one, and so does an `I` behind no span.
std::vector<LabelSpan> spansOf(const std::vector<int64_t> &sequence,
                               const std::vector<SpanLabel> &labels);

/// How many spans are in both, of those of one sequence.
int64_t commonSpans(const std::vector<LabelSpan> &a,
                    const std::vector<LabelSpan> &b);

/// The fewest insertions, deletions and substitutions that make one of the
/// other.
int64_t editDistance(const std::vector<int64_t> &a,
                     const std::vector<int64_t> &b);

} // namespace rnnc::training

#endif // RNNC_LIB_TRAINING_SPANS_H
