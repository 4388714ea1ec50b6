// Provenance.cpp: which rows of which files a model was trained on.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Training/Provenance.h"
#include "rnnc/Data/Files.h"

#include <filesystem>

using namespace rnnc;
using namespace rnnc::training;

std::string training::contentOf(std::string_view bytes) {
  uint64_t hash = 14695981039346656037u; // FNV-1a
  for (char c : bytes)
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return fmt::format("{:016x}-{}", hash, bytes.size());
}

/// Empty for pipes and for what cannot be read any more.
static std::string contentOfFile(const std::string &path) {
  std::error_code code;
  if (!std::filesystem::is_regular_file(path, code))
    return "";
  Result<std::string> bytes = data::readFile(path);
  return bytes ? contentOf(*bytes) : "";
}

Provenance Provenance::of(const data::Dataset &all) {
  Provenance result;
  for (const std::string &path : all.files)
    result.files.push_back({contentOfFile(path), 0});
  if (all.textEnds.empty()) {
    for (const data::Dataset::Place &place : all.places)
      ++result.files[static_cast<size_t>(place.file)].units;
    return result;
  }
  int64_t before = 0;
  for (size_t f = 0; f < all.textEnds.size(); ++f) {
    result.files[f].units = all.textEnds[f] - before;
    before = all.textEnds[f];
  }
  return result;
}

Json Provenance::toJson() const {
  Json json = Json::array();
  for (const File &file : files)
    json.push_back({{"content", file.content}, {"units", file.units}});
  return json;
}

bool Provenance::readJson(const Json &json) {
  if (!json.is_array())
    return false;
  constexpr int64_t most = int64_t(1) << 40;
  for (const Json &entry : json) {
    if (!entry.is_object() || !entry.contains("content") ||
        !entry["content"].is_string() || !entry.contains("units") ||
        !entry["units"].is_number_unsigned() ||
        entry["units"].get<uint64_t>() > static_cast<uint64_t>(most))
      return false;
    files.push_back(
        {entry["content"].get<std::string>(), entry["units"].get<int64_t>()});
  }
  return true;
}

std::vector<int64_t> Provenance::sizes() const {
  std::vector<int64_t> sizes;
  for (const File &file : files)
    sizes.push_back(file.units);
  return sizes;
}

std::vector<bool> Provenance::seen(const Provenance &trained,
                                   const data::Schema &schema,
                                   const data::Split &split,
                                   bool rowsOfTime) const {
  std::vector<bool> result;
  std::vector<data::Part> parts;
  for (const File &file : files) {
    int64_t offset = 0;
    const File *same = nullptr;
    for (const File &other : trained.files) {
      if (!file.content.empty() && other.content == file.content &&
          other.units == file.units) {
        same = &other;
        break;
      }
      offset += other.units;
    }
    if (same && parts.empty())
      parts = data::partsOf(trained.sizes(), schema, split, rowsOfTime);
    for (int64_t u = 0; u < file.units; ++u)
      result.push_back(same && parts[static_cast<size_t>(offset + u)] ==
                                   data::Part::Train);
  }
  return result;
}
