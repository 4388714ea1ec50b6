// Safetensors.cpp: the safetensors format.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Data/Tensor.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

using namespace rnnc;
using namespace rnnc::data;
using Json = nlohmann::ordered_json;

static std::string_view formatName(DType type) {
  switch (type) {
  case DType::F32:
    return "F32";
  case DType::F64:
    return "F64";
  case DType::I32:
    return "I32";
  case DType::I64:
    return "I64";
  case DType::U8:
    return "U8";
  }
  return "";
}

static std::optional<DType> parseFormatName(const std::string &name) {
  if (name == "BOOL")
    return DType::U8;
  for (DType type : {DType::F32, DType::F64, DType::I32, DType::I64, DType::U8})
    if (formatName(type) == name)
      return type;
  return std::nullopt;
}

/// The shape of an entry; nullopt unless a list of sizes whose product is sane.
static std::optional<std::vector<int64_t>> readShape(const Json &list) {
  if (!list.is_array())
    return std::nullopt;
  std::vector<int64_t> shape;
  int64_t count = 1;
  for (const Json &size : list) {
    if (!size.is_number_unsigned())
      return std::nullopt;
    uint64_t value = size.get<uint64_t>();
    if (value > (uint64_t(1) << 40))
      return std::nullopt;
    shape.push_back(static_cast<int64_t>(value));
    if (__builtin_mul_overflow(count, shape.back(), &count) ||
        count > (int64_t(1) << 40))
      return std::nullopt;
  }
  return shape;
}

namespace {
/// The bytes of a tensor in what follows the header.
struct Extent {
  uint64_t begin = 0, end = 0;
  std::string name;
};

/// What the header says about one tensor.
struct TensorEntry {
  DType type = DType::F32;
  std::vector<int64_t> shape;
  Extent extent;
};
} // namespace

static Result<TensorEntry> readEntry(const std::string &name, const Json &entry,
                                     const std::string &path) {
  if (!entry.is_object() || !entry.contains("dtype") ||
      !entry["dtype"].is_string() || !entry.contains("shape") ||
      !entry.contains("data_offsets"))
    return dataError("{}: error: the header's entry `{}` is damaged", path,
                     name);
  std::optional<DType> type =
      parseFormatName(entry["dtype"].get<std::string>());
  if (!type)
    return dataError("{}: error: `{}` has type {}; f32, f64, i32, i64 and u8 "
                     "can be read",
                     path, name, entry["dtype"].get<std::string>());
  std::optional<std::vector<int64_t>> shape = readShape(entry["shape"]);
  const Json &offsets = entry["data_offsets"];
  if (!shape || !offsets.is_array() || offsets.size() != 2 ||
      !offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned())
    return dataError("{}: error: the header's entry `{}` is damaged", path,
                     name);
  uint64_t begin = offsets[0].get<uint64_t>(), end = offsets[1].get<uint64_t>();
  uint64_t count = 1;
  for (int64_t size : *shape)
    count *= static_cast<uint64_t>(size);
  if (begin > end || end - begin != count * sizeOf(*type))
    return dataError("{}: error: `{}` is {} of {} but has {} bytes", path, name,
                     shapeText(*shape), nameOf(*type),
                     static_cast<int64_t>(end - begin));
  return TensorEntry{*type, *shape, {begin, end, name}};
}

/// The tensors fill what follows the header: in any order, but each byte
/// belongs to exactly one, as the format's own reader wants it.
static Status checkExtents(std::vector<Extent> extents, uint64_t bytes,
                           const std::string &path) {
  std::sort(extents.begin(), extents.end(),
            [](const Extent &a, const Extent &b) {
              return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
            });
  uint64_t needed = 0;
  for (const Extent &extent : extents)
    needed = std::max(needed, extent.end);
  if (needed > bytes)
    return dataError("{}: error: the file is truncated: {} of its {} bytes of "
                     "numbers are missing",
                     path, needed - bytes, needed);
  uint64_t at = 0;
  std::string last;
  for (const Extent &extent : extents) {
    if (extent.begin < at)
      return dataError("{}: error: damaged: the bytes of `{}` and `{}` overlap",
                       path, last, extent.name);
    if (extent.begin > at)
      return dataError("{}: error: damaged: the {} bytes before `{}` belong to "
                       "no array",
                       path, extent.begin - at, extent.name);
    at = extent.end;
    last = extent.name;
  }
  if (at < bytes)
    return dataError("{}: error: damaged: {} bytes follow the last array", path,
                     bytes - at);
  return {};
}

/// Parses the header; a name that comes twice is told.
static Result<Json> parseHeader(std::string_view text,
                                const std::string &path) {
  std::set<std::string> names;
  std::string twice;
  Json header = Json::parse(
      text,
      [&](int depth, Json::parse_event_t event, Json &parsed) {
        if (event == Json::parse_event_t::key && depth == 1 &&
            !names.insert(parsed.get<std::string>()).second)
          twice = parsed.get<std::string>();
        return true;
      },
      /*allow_exceptions=*/false);
  // The format's own reader wants the brace first, without blanks.
  if (!header.is_object() || !text.starts_with('{'))
    return dataError("{}: error: not a safetensors file: the header is not "
                     "JSON",
                     path);
  if (!twice.empty())
    return dataError("{}: error: damaged: the header names `{}` twice", path,
                     twice);
  return header;
}

static Status readMetadata(const Json &metadata, TensorFile &file,
                           const std::string &path) {
  if (!metadata.is_object())
    return dataError("{}: error: __metadata__ is not an object", path);
  for (const auto &[key, value] : metadata.items()) {
    if (!value.is_string())
      return dataError("{}: error: the metadata `{}` is not a text", path, key);
    file.metadata[key] = value.get<std::string>();
  }
  return {};
}

Result<TensorFile> data::parseSafetensors(std::string_view bytes,
                                          const std::string &path) {
  if (bytes.size() < 8)
    return dataError("{}: error: not a safetensors file (only {} bytes)", path,
                     bytes.size());
  uint64_t length;
  std::memcpy(&length, bytes.data(), 8);
  if (length > bytes.size() - 8)
    return bytes.size() > 8 && bytes[8] == '{'
               ? dataError("{}: error: the file is truncated: {} of the {} "
                           "bytes of its header are missing",
                           path, length - (bytes.size() - 8), length)
               : dataError("{}: error: not a safetensors file", path);
  Result<Json> header = parseHeader(bytes.substr(8, length), path);
  if (!header)
    return header.error();
  std::string_view body = bytes.substr(8 + length);
  TensorFile file;
  std::vector<TensorEntry> entries;
  std::vector<Extent> extents;
  for (const auto &[name, entry] : header->items()) {
    if (name == "__metadata__") {
      if (Status status = readMetadata(entry, file, path); !status)
        return status.error();
      continue;
    }
    Result<TensorEntry> read = readEntry(name, entry, path);
    if (!read)
      return read.error();
    extents.push_back(read->extent);
    entries.push_back(std::move(*read));
  }
  if (Status status = checkExtents(std::move(extents), body.size(), path);
      !status)
    return status.error();
  for (TensorEntry &entry : entries)
    file.add(entry.extent.name,
             Tensor::copyOf(entry.type, entry.shape,
                            body.data() + entry.extent.begin));
  return file;
}

std::string data::printSafetensors(const TensorFile &file) {
  Json header = Json::object();
  if (!file.metadata.empty()) {
    Json metadata = Json::object();
    for (const auto &[key, value] : file.metadata)
      metadata[key] = value;
    header["__metadata__"] = metadata;
  }
  size_t offset = 0;
  for (const auto &[name, tensor] : file.tensors) {
    size_t end = offset + tensor.bytes.size();
    header[name] = {{"dtype", formatName(tensor.type)},
                    {"shape", tensor.shape},
                    {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text =
      header.dump(-1, ' ', false, Json::error_handler_t::replace);
  text.resize((text.size() + 7) / 8 * 8, ' '); // the format wants alignment
  std::string bytes(8, '\0');
  uint64_t length = text.size();
  std::memcpy(bytes.data(), &length, 8);
  bytes.reserve(8 + text.size() + offset);
  bytes += text;
  for (const auto &[name, tensor] : file.tensors)
    bytes.append(reinterpret_cast<const char *>(tensor.bytes.data()),
                 tensor.bytes.size());
  return bytes;
}
