// PackText.cpp: text that repeats itself, in fewer bytes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// At each place the longest of a few earlier places that begin alike is taken.
#include "rnnc/Target/CPU/PackText.h"

#include "rnnc/Runtime/PackedText.h"

#include <algorithm>
#include <vector>

using namespace rnnc;
using namespace rnnc::target;

/// Earlier places that are looked at.
static constexpr unsigned kTries = 32;
static constexpr unsigned kBucketBits = 16;

namespace {

class TextPacker {
public:
  explicit TextPacker(llvm::StringRef text)
      : text(text), newest(size_t(1) << kBucketBits, kNowhere),
        before(text.size(), kNowhere) {}
  std::string run();

private:
  struct Repeat {
    size_t count = 0, back = 0;
  };
  static constexpr size_t kNowhere = ~size_t(0);

  size_t bucketOf(size_t at) const;
  void remember(size_t at);
  Repeat longestAt(size_t at) const;
  void writePlain(size_t from, size_t to);
  void write(Repeat repeat);

  llvm::StringRef text;
  std::vector<size_t> newest, before; ///< places that begin alike
  std::string out;
};

} // namespace

size_t TextPacker::bucketOf(size_t at) const {
  uint64_t hash = 0;
  for (size_t i = 0; i != rt::kLeastRepeat; ++i)
    hash = hash * 0x100000001b3u + static_cast<unsigned char>(text[at + i]);
  return (hash * 0x9e3779b97f4a7c15u) >> (64 - kBucketBits);
}

void TextPacker::remember(size_t at) {
  if (at + rt::kLeastRepeat > text.size())
    return;
  size_t &first = newest[bucketOf(at)];
  before[at] = first;
  first = at;
}

TextPacker::Repeat TextPacker::longestAt(size_t at) const {
  Repeat best;
  if (at + rt::kLeastRepeat > text.size())
    return best;
  size_t from = newest[bucketOf(at)];
  for (unsigned n = 0; n != kTries && from != kNowhere; ++n) {
    if (at - from > rt::kFarthest)
      break;
    size_t count = 0;
    while (at + count != text.size() && text[from + count] == text[at + count])
      ++count;
    if (count > best.count)
      best = {count, at - from};
    from = before[from];
  }
  return best.count < rt::kLeastRepeat ? Repeat() : best;
}

void TextPacker::writePlain(size_t from, size_t to) {
  while (from != to) {
    size_t count = std::min<size_t>(to - from, 128);
    out += char(count - 1);
    out += text.substr(from, count);
    from += count;
  }
}

void TextPacker::write(Repeat repeat) {
  size_t more = repeat.count - rt::kLeastRepeat;
  size_t part = std::min<size_t>(more, 127);
  out += char(128 + part);
  more -= part;
  for (size_t full = 127; part == full; full = 255) {
    part = std::min<size_t>(more, 255);
    out += char(part);
    more -= part;
  }
  for (unsigned shift : {0u, 8u, 16u})
    out += char(((repeat.back - 1) >> shift) & 255);
}

std::string TextPacker::run() {
  size_t plain = 0;
  for (size_t at = 0; at != text.size();) {
    Repeat repeat = longestAt(at);
    if (!repeat.count) {
      remember(at++);
      continue;
    }
    writePlain(plain, at);
    write(repeat);
    for (size_t end = at + repeat.count; at != end;)
      remember(at++);
    plain = at;
  }
  writePlain(plain, text.size());
  std::string head;
  for (uint64_t number : {uint64_t(text.size()), uint64_t(out.size())})
    for (unsigned i = 0; i != 8; ++i)
      head += char((number >> (8 * i)) & 255);
  return head + out;
}

std::string target::packText(llvm::StringRef text) {
  return TextPacker(text).run();
}
