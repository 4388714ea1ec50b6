// Npz.cpp: numpy's .npy and .npz formats.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Data/Tensor.h"

#include <algorithm>
#include <charconv>
#include <zlib.h>

using namespace rnnc;
using namespace rnnc::data;

namespace {

/// Little-endian numbers out of bytes that may end early.
class NpzReader {
public:
  NpzReader(std::string_view bytes, size_t at) : bytes(bytes), at(at) {}

  uint64_t number(size_t size) {
    uint64_t value = 0;
    if (at > bytes.size() || bytes.size() - at < size) {
      ok = false;
      return 0;
    }
    std::memcpy(&value, bytes.data() + at, size);
    at += size;
    return value;
  }
  std::string_view text(size_t size) {
    if (at > bytes.size() || bytes.size() - at < size) {
      ok = false;
      return {};
    }
    std::string_view result = bytes.substr(at, size);
    at += size;
    return result;
  }
  void skip(size_t size) { at += size; }
  bool good() const { return ok; }

private:
  std::string_view bytes;
  size_t at;
  bool ok = true;
};

/// An entry of a zip archive's central directory.
struct ZipEntry {
  std::string name;
  uint64_t method = 0, packed = 0, size = 0, offset = 0;
};

} // namespace

/// Sizes beyond 4 GiB stand in a zip64 field.
static void readZip64(std::string_view extra, ZipEntry &entry) {
  NpzReader fields(extra, 0);
  while (true) {
    uint64_t id = fields.number(2), length = fields.number(2);
    std::string_view field = fields.text(length);
    if (!fields.good())
      return;
    if (id != 1)
      continue;
    NpzReader values(field, 0);
    for (uint64_t *value : {&entry.size, &entry.packed, &entry.offset})
      if (*value == 0xffffffff)
        *value = values.number(8);
    return;
  }
}

static std::optional<std::vector<ZipEntry>>
readDirectory(std::string_view zip) {
  size_t end = zip.rfind(std::string_view("PK\5\6", 4));
  if (end == std::string_view::npos)
    return std::nullopt;
  NpzReader tail(zip, end + 10);
  uint64_t count = tail.number(2);
  tail.skip(4);
  uint64_t start = tail.number(4);
  tail.text(tail.number(2)); // the comment
  if (!tail.good())
    return std::nullopt;
  std::vector<ZipEntry> entries;
  NpzReader directory(zip, start);
  for (uint64_t i = 0; i < count; ++i) {
    if (directory.text(4) != std::string_view("PK\1\2", 4))
      return std::nullopt;
    ZipEntry entry;
    directory.skip(6);
    entry.method = directory.number(2);
    directory.skip(8);
    entry.packed = directory.number(4);
    entry.size = directory.number(4);
    uint64_t name = directory.number(2), extra = directory.number(2),
             comment = directory.number(2);
    directory.skip(8);
    entry.offset = directory.number(4);
    entry.name = directory.text(name);
    readZip64(directory.text(extra), entry);
    directory.text(comment);
    if (!directory.good())
      return std::nullopt;
    entries.push_back(std::move(entry));
  }
  return entries;
}

static std::optional<std::string> inflateRaw(std::string_view packed,
                                             uint64_t size) {
  // A deflate stream expands at most about 1032 times.
  if (size > packed.size() * 1100 + 64)
    return std::nullopt;
  std::string result(size, '\0');
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
    return std::nullopt;
  stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef *>(result.data());
  stream.avail_out = static_cast<uInt>(size);
  int code = inflate(&stream, Z_FINISH);
  bool whole = code == Z_STREAM_END && stream.total_out == size;
  inflateEnd(&stream);
  if (!whole)
    return std::nullopt;
  return result;
}

static Result<std::string> readMember(std::string_view zip,
                                      const ZipEntry &entry,
                                      const std::string &path) {
  NpzReader local(zip, entry.offset);
  std::string_view magic = local.text(4);
  local.skip(22);
  uint64_t name = local.number(2), extra = local.number(2);
  local.skip(name + extra);
  std::string_view packed = local.text(entry.packed);
  if (magic != std::string_view("PK\3\4", 4) || !local.good())
    return dataError("{}: error: truncated: `{}` is not whole", path,
                     entry.name);
  if (entry.method == 0 && entry.packed == entry.size)
    return std::string(packed);
  // zlib counts in 32 bits at a time.
  if (entry.method == 8 && std::max(entry.packed, entry.size) > UINT32_MAX)
    return dataError("{}: error: `{}` is compressed and larger than 4 GiB; "
                     "write it without compression",
                     path, entry.name);
  if (entry.method != 8)
    return dataError("{}: error: `{}` is packed with a method that cannot be "
                     "read",
                     path, entry.name);
  std::optional<std::string> bytes = inflateRaw(packed, entry.size);
  if (!bytes)
    return dataError("{}: error: `{}` is damaged", path, entry.name);
  return std::move(*bytes);
}

Result<TensorFile> data::parseNpz(std::string_view bytes,
                                  const std::string &path) {
  std::optional<std::vector<ZipEntry>> entries = readDirectory(bytes);
  if (!entries)
    return dataError("{}: error: not an .npz file, or truncated", path);
  TensorFile file;
  uint64_t packed = 0;
  for (const ZipEntry &entry : *entries) {
    Result<std::string> member = readMember(bytes, entry, path);
    if (!member)
      return member.error();
    // A small file could unpack the same bytes thousands of times.
    packed += entry.packed;
    if (packed > bytes.size())
      return dataError("{}: error: damaged: `{}` is made of bytes of another "
                       "array",
                       path, entry.name);
    std::string name = entry.name;
    if (std::string_view(name).ends_with(".npy"))
      name.resize(name.size() - 4);
    Result<Tensor> tensor = parseNpy(*member, path + ": `" + name + "`");
    if (!tensor)
      return tensor.error();
    file.add(std::move(name), std::move(*tensor));
  }
  return file;
}

/// The text after `'key':` in the header's dictionary.
static std::string_view headerValue(std::string_view header,
                                    std::string_view key) {
  size_t at = header.find(key);
  if (at == std::string_view::npos)
    return {};
  header.remove_prefix(at + key.size());
  size_t colon = header.find(':');
  if (colon == std::string_view::npos)
    return {};
  header.remove_prefix(colon + 1);
  while (!header.empty() && header.front() == ' ')
    header.remove_prefix(1);
  return header;
}

static std::optional<DType> parseDescr(std::string_view descr) {
  struct Entry {
    std::string_view text;
    DType type;
  };
  static constexpr Entry entries[] = {
      {"'<f4'", DType::F32}, {"'<f8'", DType::F64}, {"'<i4'", DType::I32},
      {"'<i8'", DType::I64}, {"'|u1'", DType::U8},  {"'|b1'", DType::U8}};
  for (const Entry &entry : entries)
    if (descr.starts_with(entry.text))
      return entry.type;
  return std::nullopt;
}

static std::optional<std::vector<int64_t>> parseTuple(std::string_view text) {
  if (text.empty() || text.front() != '(')
    return std::nullopt;
  std::vector<int64_t> shape;
  int64_t count = 1;
  for (size_t i = 1; i < text.size();) {
    char c = text[i];
    if (c == ')')
      return shape;
    if (c == ' ' || c == ',') {
      ++i;
      continue;
    }
    int64_t size = 0;
    auto [next, code] =
        std::from_chars(text.data() + i, text.data() + text.size(), size);
    if (code != std::errc() || size < 0 ||
        __builtin_mul_overflow(count, size, &count) ||
        count > (int64_t(1) << 40))
      return std::nullopt;
    shape.push_back(size);
    i = static_cast<size_t>(next - text.data());
  }
  return std::nullopt;
}

/// Column-major bytes into row-major order.
static Tensor fromColumnMajor(const Tensor &source) {
  Tensor result(source.type, source.shape);
  size_t item = sizeOf(source.type), rank = source.shape.size();
  std::vector<int64_t> index(rank, 0);
  for (int64_t i = 0, n = source.count(); i < n; ++i) {
    int64_t from = 0;
    for (size_t d = rank; d-- > 0;)
      from = from * source.shape[d] + index[d];
    std::memcpy(result.bytes.data() + i * item,
                source.bytes.data() + from * item, item);
    for (size_t d = rank; d-- > 0;) {
      if (++index[d] < source.shape[d])
        break;
      index[d] = 0;
    }
  }
  return result;
}

Result<Tensor> data::parseNpy(std::string_view bytes, const std::string &path) {
  NpzReader reader(bytes, 0);
  if (reader.text(6) != std::string_view("\x93NUMPY", 6))
    return dataError("{}: error: not a numpy array", path);
  uint64_t major = reader.number(1);
  reader.number(1);
  uint64_t length = reader.number(major == 1 ? 2 : 4);
  std::string_view header = reader.text(length);
  if (!reader.good())
    return dataError("{}: error: truncated", path);
  std::string_view descr = headerValue(header, "'descr'");
  std::optional<DType> type = parseDescr(descr);
  if (!type)
    return dataError("{}: error: its type {} cannot be read (f32, f64, i32, "
                     "i64, u8 and bool can, little-endian)",
                     path, descr.substr(0, descr.find(',')));
  std::optional<std::vector<int64_t>> shape =
      parseTuple(headerValue(header, "'shape'"));
  if (!shape)
    return dataError("{}: error: the header is damaged", path);
  uint64_t count = 1;
  for (int64_t size : *shape)
    count *= static_cast<uint64_t>(size);
  std::string_view body = reader.text(count * sizeOf(*type));
  if (!reader.good())
    return dataError("{}: error: truncated: {} of {} needs {} bytes", path,
                     shapeText(*shape), nameOf(*type), count * sizeOf(*type));
  Tensor tensor = Tensor::copyOf(*type, *shape, body.data());
  if (headerValue(header, "'fortran_order'").starts_with("True"))
    return fromColumnMajor(tensor);
  return tensor;
}

std::string data::printNpy(const Tensor &tensor) {
  static constexpr std::string_view codes[] = {"<f4", "<f8", "<i4", "<i8",
                                               "|u1"};
  std::string shape = fmt::format("{}", fmt::join(tensor.shape, ", "));
  if (tensor.shape.size() == 1)
    shape += ",";
  std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}",
                  codes[static_cast<int>(tensor.type)], shape);
  size_t total = (10 + header.size() + 1 + 63) / 64 * 64;
  header.resize(total - 11, ' ');
  header += '\n';
  std::string bytes("\x93NUMPY\1\0", 8);
  bytes += static_cast<char>(header.size() & 255);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  bytes.append(reinterpret_cast<const char *>(tensor.bytes.data()),
               tensor.bytes.size());
  return bytes;
}

static void put(std::string &bytes, uint64_t value, size_t size) {
  bytes.append(reinterpret_cast<const char *>(&value), size);
}

/// What the local header and the central directory have in common.
static void putEntry(std::string &bytes, const std::string &name, uint64_t crc,
                     uint64_t size) {
  put(bytes, 20, 2); // version needed
  put(bytes, 0, 2);  // flags
  put(bytes, 0, 2);  // stored
  put(bytes, 0, 2);  // time: none, so that equal arrays give equal files
  put(bytes, 0x21, 2);
  put(bytes, crc, 4);
  put(bytes, size, 4);
  put(bytes, size, 4);
  put(bytes, name.size(), 2);
  put(bytes, 0, 2); // extra
}

std::string data::printNpz(const TensorFile &file) {
  std::string zip, directory;
  for (const auto &[key, tensor] : file.tensors) {
    std::string name = key + ".npy", body = printNpy(tensor);
    uint64_t crc =
        crc32_z(0, reinterpret_cast<const Bytef *>(body.data()), body.size());
    uint64_t offset = zip.size();
    zip.append("PK\3\4", 4);
    putEntry(zip, name, crc, body.size());
    zip += name;
    zip += body;
    directory.append("PK\1\2", 4);
    put(directory, 20, 2);
    putEntry(directory, name, crc, body.size());
    put(directory, 0, 2); // comment
    put(directory, 0, 2); // disc
    put(directory, 0, 2); // internal attributes
    put(directory, 0, 4); // external attributes
    put(directory, offset, 4);
    directory += name;
  }
  uint64_t start = zip.size(), count = file.tensors.size();
  zip += directory;
  zip.append("PK\5\6", 4);
  put(zip, 0, 4);
  put(zip, count, 2);
  put(zip, count, 2);
  put(zip, directory.size(), 4);
  put(zip, start, 4);
  put(zip, 0, 2);
  return zip;
}
