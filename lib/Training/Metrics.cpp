// Metrics.cpp: BLEU, chrF, scores of forecasts.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Training/Metrics.h"

#include "rnnc/Data/Text.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <span>

using namespace rnnc;
using namespace rnnc::training;

static bool isDigit(char c) { return c >= '0' && c <= '9'; }
static bool isStop(char c) { return c == '.' || c == ','; }

/// The bytes of the white space that a text begins with, else 0: that of
/// Unicode, and the separators of ASCII, as Python's `split` has it.
static size_t whiteSpace(std::string_view text) {
  auto first = static_cast<unsigned char>(text[0]);
  if ((first >= 0x09 && first <= 0x0d) || (first >= 0x1c && first <= 0x20))
    return 1;
  if (text.starts_with("\u0085") || text.starts_with("\u00a0"))
    return 2;
  if (text.size() >= 3 && text.starts_with("\xe2\x80")) {
    auto last = static_cast<unsigned char>(text[2]);
    return last <= 0x8a || last == 0xa8 || last == 0xa9 || last == 0xaf ? 3 : 0;
  }
  for (std::string_view space : {"\u1680", "\u205f", "\u3000"})
    if (text.starts_with(space))
      return space.size();
  return 0;
}

/// What stands between white space.
static std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> words;
  size_t begin = 0;
  for (size_t at = 0; at <= text.size();) {
    size_t space = at < text.size() ? whiteSpace(text.substr(at)) : 1;
    if (space && at > begin)
      words.push_back(text.substr(begin, at - begin));
    at += std::max<size_t>(space, 1);
    if (space)
      begin = at;
  }
  return words;
}

static void replaceAll(std::string &text, std::string_view what,
                       std::string_view by) {
  for (size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
}

/// Signs that stand alone whatever is beside them: all of ASCII but letters,
/// digits, the apostrophe, comma, hyphen and full stop.
static bool standsAlone(char c) {
  return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') ||
         (c >= ' ' && c <= '&') || (c >= '(' && c <= '+') ||
         (c >= ':' && c <= '@') || c == '/';
}

static std::string apart(std::string_view text) {
  std::string result;
  for (char c : text) {
    if (standsAlone(c))
      result += {' ', c, ' '};
    else
      result += c;
  }
  return result;
}

/// Puts `between` at pairs of neighbours that fit; a pair that was taken is
/// not looked at again, as in a substitution by a regular expression.
template <typename Fits, typename Write>
static std::string pairs(std::string_view text, Fits fits, Write write) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i + 1 < text.size() && fits(text[i], text[i + 1])) {
      write(result, text[i], text[i + 1]);
      ++i;
      continue;
    }
    result += text[i];
  }
  return result;
}

/// Signs apart from words, but not from numbers.
static std::vector<std::string> signsApart(std::string text) {
  text = apart(text);
  auto behind = [](std::string &out, char a, char b) {
    out += {a, ' ', b, ' '};
  };
  auto before = [](std::string &out, char a, char b) {
    out += {' ', a, ' ', b};
  };
  text = pairs(
      text, [](char a, char b) { return !isDigit(a) && isStop(b); }, behind);
  text = pairs(
      text, [](char a, char b) { return isStop(a) && !isDigit(b); }, before);
  text = pairs(
      text, [](char a, char b) { return isDigit(a) && b == '-'; }, behind);
  std::vector<std::string> tokens;
  for (std::string_view token : split(text))
    tokens.emplace_back(token);
  return tokens;
}

std::vector<std::string> training::tokens13a(std::string_view given) {
  std::string text(given);
  replaceAll(text, "<skipped>", "");
  replaceAll(text, "-\n", "");
  replaceAll(text, "\n", " ");
  replaceAll(text, "&quot;", "\"");
  replaceAll(text, "&amp;", "&");
  replaceAll(text, "&lt;", "<");
  replaceAll(text, "&gt;", ">");
  return signsApart(" " + text + " ");
}

/// The code point of a character of three bytes, which all below are, or 0.
static unsigned threeBytes(std::string_view c) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(c[i]); };
  if (c.size() != 3 || byte(0) >> 4 != 0xe)
    return 0;
  return (byte(0) & 0xfu) << 12 | (byte(1) & 0x3fu) << 6 | (byte(2) & 0x3fu);
}

template <size_t N>
static bool liesIn(unsigned point,
                   const std::pair<unsigned, unsigned> (&ranges)[N]) {
  return std::ranges::any_of(ranges, [&](auto range) {
    return point >= range.first && point <= range.second;
  });
}

/// Characters of Chinese words.
static bool isHan(std::string_view c) {
  static constexpr std::pair<unsigned, unsigned> ranges[] = {
      {0x3400, 0x4db5}, {0x4e00, 0x9fbb}, {0xf900, 0xfad9}};
  return liesIn(threeBytes(c), ranges);
}

/// What is a token of its own for `zh`: those, Chinese and wide signs, and all
/// from U+2001 to U+2A6D, as sacrebleu's test for characters beyond U+FFFF has
/// it.
static bool isTokenOfZh(std::string_view c) {
  static constexpr std::pair<unsigned, unsigned> ranges[] = {
      {0x3400, 0x4db5}, {0x4e00, 0x9fbb}, {0xf900, 0xfa2d}, {0xfa30, 0xfa6a},
      {0xfa70, 0xfad9}, {0x2001, 0x2a6d}, {0xff00, 0xffef}, {0x2e80, 0x2eff},
      {0x3000, 0x303f}, {0x31c0, 0x31ef}, {0x2f00, 0x2fdf}, {0x2ff0, 0x2fff},
      {0x3100, 0x312f}, {0x31a0, 0x31bf}, {0xfe10, 0xfe1f}, {0xfe30, 0xfe4f},
      {0x3200, 0x33ff}};
  return liesIn(threeBytes(c), ranges);
}

std::vector<std::string> training::tokensZh(std::string_view given) {
  std::string text;
  for (std::string_view c : data::splitSymbols(given, data::Unit::Characters)) {
    if (isTokenOfZh(c))
      text.append(" ").append(c).append(" ");
    else if (!text.empty() || !whiteSpace(c))
      text += c;
  }
  return signsApart(std::move(text));
}

template <typename T> using Grams = std::map<std::vector<T>, int64_t>;

template <typename T>
static Grams<T> gramsOf(const std::vector<T> &items, size_t n) {
  Grams<T> grams;
  for (size_t i = 0; i + n <= items.size(); ++i)
    ++grams[std::vector<T>(items.begin() + static_cast<ptrdiff_t>(i),
                           items.begin() + static_cast<ptrdiff_t>(i + n))];
  return grams;
}

template <typename T>
static int64_t common(const Grams<T> &grams, const Grams<T> &others) {
  int64_t count = 0;
  for (const auto &[gram, times] : grams)
    if (auto found = others.find(gram); found != others.end())
      count += std::min(times, found->second);
  return count;
}

void Bleu::Tally::add(const std::vector<std::string> &tokens,
                      const std::vector<std::vector<std::string>> &others) {
  int64_t length = static_cast<int64_t>(tokens.size()), nearest = -1;
  for (const auto &other : others) {
    auto size = static_cast<int64_t>(other.size());
    int64_t off = std::abs(size - length), best = std::abs(nearest - length);
    if (nearest < 0 || off < best || (off == best && size < nearest))
      nearest = size;
  }
  written += length;
  wanted += std::max<int64_t>(nearest, 0);
  for (size_t n = 0; n < matches.size(); ++n) {
    Grams<std::string> grams = gramsOf(tokens, n + 1), most;
    for (const auto &other : others)
      for (const auto &[gram, times] : gramsOf(other, n + 1))
        most[gram] = std::max(most[gram], times);
    matches[n] += common(grams, most);
    totals[n] += std::max<int64_t>(length - static_cast<int64_t>(n), 0);
  }
}

void Bleu::add(std::string_view text, const std::vector<std::string> &right) {
  std::vector<std::vector<std::string>> others, othersZh;
  for (const std::string &other : right) {
    others.push_back(tokens13a(other));
    othersZh.push_back(tokensZh(other));
    for (const std::string &token : othersZh.back())
      isChinese = isChinese || isHan(token);
  }
  words.add(tokens13a(text), others);
  characters.add(tokensZh(text), othersZh);
}

double Bleu::score() const { return (isChinese ? characters : words).score(); }

double Bleu::Tally::score() const {
  double smooth = 1, logs = 0;
  for (size_t n = 0; n < matches.size(); ++n) {
    if (totals[n] == 0 || matches[0] == 0)
      return 0;
    double precision = static_cast<double>(matches[n]);
    if (matches[n] == 0)
      precision = 1 / (smooth *= 2);
    logs += std::log(precision / static_cast<double>(totals[n]));
  }
  double brevity = written < wanted ? 1 - static_cast<double>(wanted) /
                                              static_cast<double>(written)
                                    : 0;
  return 100 * std::exp(brevity + logs / static_cast<double>(matches.size()));
}

double ChrF::scoreOf(const Orders &orders) {
  constexpr double weight = 4; // beta = 2
  double precision = 0, recall = 0;
  int64_t used = 0;
  for (const Counts &counts : orders) {
    if (counts.written == 0 || counts.wanted == 0)
      continue;
    auto right = static_cast<double>(counts.matches);
    precision += right / static_cast<double>(counts.written);
    recall += right / static_cast<double>(counts.wanted);
    ++used;
  }
  if (used == 0 || precision + recall == 0)
    return 0;
  precision /= static_cast<double>(used);
  recall /= static_cast<double>(used);
  return 100 * (1 + weight) * precision * recall /
         (weight * precision + recall);
}

static std::vector<std::string_view> charactersOf(std::string_view text) {
  std::vector<std::string_view> characters;
  for (std::string_view word : split(text))
    for (std::string_view c : data::splitSymbols(word, data::Unit::Characters))
      characters.push_back(c);
  return characters;
}

void ChrF::add(std::string_view text, const std::vector<std::string> &right) {
  std::vector<std::string_view> written = charactersOf(text);
  Orders best{};
  double bestScore = -1;
  for (const std::string &other : right) {
    std::vector<std::string_view> wanted = charactersOf(other);
    Orders orders{};
    for (size_t n = 0; n < order; ++n) {
      Grams<std::string_view> grams = gramsOf(written, n + 1);
      Grams<std::string_view> others = gramsOf(wanted, n + 1);
      auto size = [&](const std::vector<std::string_view> &items) {
        return static_cast<int64_t>(items.size() > n ? items.size() - n : 0);
      };
      // What is longer than the whole right text cannot be in it.
      orders[n] = {others.empty() ? 0 : size(written), size(wanted),
                   common(grams, others)};
    }
    if (double score = scoreOf(orders); score > bestScore) {
      bestScore = score;
      best = orders;
    }
  }
  for (size_t n = 0; n < order; ++n) {
    sums[n].written += best[n].written;
    sums[n].wanted += best[n].wanted;
    sums[n].matches += best[n].matches;
  }
}

double training::crpsOfNormal(double value, double mean, double deviation) {
  if (!(deviation > 0))
    return std::abs(value - mean);
  double z = (value - mean) / deviation;
  double below = 0.5 * std::erfc(-z / std::numbers::sqrt2);
  double density = std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi);
  return deviation *
         (z * (2 * below - 1) + 2 * density - std::numbers::inv_sqrtpi);
}

double training::crpsOfLaplace(double value, double mean, double scale) {
  double off = std::abs(value - mean);
  if (!(scale > 0))
    return off;
  return off + scale * std::exp(-off / scale) - 0.75 * scale;
}
