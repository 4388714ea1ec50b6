// PackText.cpp: text that repeats itself, in fewer bytes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// At each place the longest of a few earlier places that begin alike is taken,
// or, unless another is longer by what it costs more, as far back as the last
// one.
#include "rnnc/Target/CPU/PackText.h"

#include "rnnc/Runtime/PackedText.h"

#include <algorithm>
#include <vector>

using namespace rnnc;
using namespace rnnc::target;

/// Earlier places that are looked at.
static constexpr unsigned kTries = 64;
static constexpr unsigned kBucketBits = 16;
/// Bytes that places in a bucket have in common.
static constexpr size_t kAlike = 6;
/// Bytes that it takes more to say how far back: what is usual.
static constexpr size_t kFarCosts = 3;

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
  size_t countAt(size_t at, size_t from) const;
  Repeat longestAt(size_t at) const;
  Repeat bestAt(size_t at) const;
  void writePlain(size_t from, size_t to);
  void write(Repeat repeat);

  llvm::StringRef text;
  std::vector<size_t> newest, before; ///< places that begin alike
  size_t lastBack = 0;
  std::string out;
};

} // namespace

size_t TextPacker::bucketOf(size_t at) const {
  uint64_t hash = 0;
  for (size_t i = 0; i != kAlike; ++i)
    hash = hash * 0x100000001b3u + static_cast<unsigned char>(text[at + i]);
  return (hash * 0x9e3779b97f4a7c15u) >> (64 - kBucketBits);
}

void TextPacker::remember(size_t at) {
  if (at + kAlike > text.size())
    return;
  size_t &first = newest[bucketOf(at)];
  before[at] = first;
  first = at;
}

/// How many bytes are the same from both places on.
size_t TextPacker::countAt(size_t at, size_t from) const {
  size_t count = 0;
  while (at + count != text.size() && text[from + count] == text[at + count])
    ++count;
  return count;
}

TextPacker::Repeat TextPacker::longestAt(size_t at) const {
  Repeat best;
  if (at + kAlike > text.size())
    return best;
  size_t from = newest[bucketOf(at)];
  for (unsigned n = 0; n != kTries && from != kNowhere; ++n) {
    if (at - from > rt::kFarthest)
      break;
    size_t count = countAt(at, from);
    if (count > best.count)
      best = {count, at - from};
    from = before[from];
  }
  return best.count < kAlike ? Repeat() : best;
}

TextPacker::Repeat TextPacker::bestAt(size_t at) const {
  Repeat best = longestAt(at);
  if (!lastBack || lastBack > at)
    return best;
  size_t count = countAt(at, at - lastBack);
  if (count < rt::kLeastRepeat || count + kFarCosts < best.count)
    return best;
  return {count, lastBack};
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
  size_t far = repeat.back == lastBack ? 0 : repeat.back;
  for (; far > 127; far >>= 7)
    out += char(128 + (far & 127));
  out += char(far);
  lastBack = repeat.back;
}

std::string TextPacker::run() {
  size_t plain = 0;
  Repeat repeat = bestAt(0);
  for (size_t at = 0; at != text.size();) {
    Repeat next = bestAt(at + 1);
    if (!repeat.count || next.count > repeat.count + kFarCosts) {
      remember(at++);
      repeat = next;
      continue;
    }
    writePlain(plain, at);
    write(repeat);
    for (size_t end = at + repeat.count; at != end;)
      remember(at++);
    plain = at;
    repeat = bestAt(at);
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
