// Vocabulary.cpp: builds, stores and looks up symbols.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Data/Vocabulary.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

using namespace rnnc;
using namespace rnnc::data;

Vocabulary::Vocabulary(std::vector<std::string> list) {
  for (std::string &symbol : list)
    add(std::move(symbol));
}

void Vocabulary::add(std::string symbol) {
  int32_t index = static_cast<int32_t>(symbols.size());
  if (symbol == unknownSymbol)
    unknownIndex = index;
  indices.emplace(symbol, index);
  symbols.push_back(std::move(symbol));
}

static std::optional<int64_t> wholeNumber(const std::string &text) {
  int64_t value = 0;
  auto [end, code] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

using Counted = std::pair<std::string, int64_t>;

static void sortLabels(std::vector<Counted> &labels) {
  // The map they come from has sorted them by their bytes.
  auto isNumber = [](const Counted &label) {
    return wholeNumber(label.first).has_value();
  };
  if (std::all_of(labels.begin(), labels.end(), isNumber))
    std::sort(labels.begin(), labels.end(),
              [](const Counted &a, const Counted &b) {
                return std::pair(*wholeNumber(a.first), a.first) <
                       std::pair(*wholeNumber(b.first), b.first);
              });
}

Vocabulary Vocabulary::build(const std::map<std::string, int64_t> &counts,
                             const Plan &plan) {
  std::vector<Counted> sorted;
  for (const auto &entry : counts) {
    bool isReserved = plan.unknown && entry.first == unknownSymbol;
    for (const auto &[index, name] : plan.reserved)
      isReserved |= entry.first == name;
    if (!isReserved && entry.second >= plan.minCount)
      sorted.emplace_back(entry.first, entry.second);
  }
  if (plan.unknown)
    std::sort(
        sorted.begin(), sorted.end(), [](const Counted &a, const Counted &b) {
          return a.second != b.second ? a.second > b.second : a.first < b.first;
        });
  else
    sortLabels(sorted);
  Vocabulary result;
  auto next = sorted.begin();
  bool needUnknown = plan.unknown;
  int64_t last = plan.reserved.empty() ? -1 : plan.reserved.rbegin()->first;
  while (result.size() <= last || needUnknown || next != sorted.end()) {
    if (plan.maxSize > 0 && result.size() >= plan.maxSize &&
        result.size() > last && !needUnknown)
      break;
    auto reserved = plan.reserved.find(result.size());
    if (reserved != plan.reserved.end()) {
      result.add(reserved->second);
    } else if (needUnknown) {
      result.add(std::string(unknownSymbol));
      needUnknown = false;
    } else if (next != sorted.end()) {
      result.add((next++)->first);
    } else { // a gap below a reserved index
      result.add(fmt::format("<unused{}>", result.size()));
    }
  }
  return result;
}

int32_t Vocabulary::find(std::string_view symbol) const {
  auto found = indices.find(std::string(symbol));
  return found == indices.end() ? unknownIndex : found->second;
}

std::string Vocabulary::toJson() const {
  return nlohmann::json(symbols).dump(-1, ' ', false,
                                      nlohmann::json::error_handler_t::replace);
}

Result<Vocabulary> Vocabulary::fromJson(std::string_view text,
                                        const std::string &path) {
  nlohmann::json list = nlohmann::json::parse(text, nullptr, false);
  if (!list.is_array() || list.empty())
    return dataError("{}: error: not a vocabulary: a list of texts is expected",
                     path);
  std::vector<std::string> symbols;
  for (const nlohmann::json &item : list) {
    if (!item.is_string())
      return dataError("{}: error: not a vocabulary: a list of texts is "
                       "expected",
                       path);
    symbols.push_back(item.get<std::string>());
  }
  return Vocabulary(std::move(symbols));
}
