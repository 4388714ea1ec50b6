// Encoding.cpp: kinds of files by their first bytes; texts through iconv.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Data/Encoding.h"

#include <algorithm>
#include <cerrno>
#include <iconv.h>

using namespace rnnc;
using namespace rnnc::data;

namespace {
/// A format that is neither text nor arrays.
struct Kind {
  std::string_view begin; ///< its first bytes
  size_t at;              ///< and where they stand
  const char *what;
  const char *remedy;
};
} // namespace

using namespace std::string_view_literals;

static constexpr Kind kinds[] = {
    {"\x1F\x8B"sv, 0, "compressed with gzip", "unpack it first, with gunzip"},
    {"\x1F\x9D"sv, 0, "compressed with compress",
     "unpack it first, with uncompress"},
    {"BZh"sv, 0, "compressed with bzip2", "unpack it first, with bunzip2"},
    {"\xFD"
     "7zXZ\0"sv,
     0, "compressed with xz", "unpack it first, with unxz"},
    {"\x28\xB5\x2F\xFD"sv, 0, "compressed with zstd",
     "unpack it first, with unzstd"},
    {"\x04\x22\x4D\x18"sv, 0, "compressed with lz4",
     "unpack it first, with unlz4"},
    {"PK\x03\x04"sv, 0, "a zip archive", "unpack it first, with unzip"},
    {"PK\x05\x06"sv, 0, "a zip archive", "unpack it first, with unzip"},
    {"7z\xBC\xAF\x27\x1C"sv, 0, "a 7z archive", "unpack it first, with 7z x"},
    {"Rar!\x1A\x07"sv, 0, "a rar archive", "unpack it first"},
    {"ustar"sv, 257, "a tar archive", "unpack it first, with tar xf"},
    {"PAR1"sv, 0, "a Parquet file", "write it as .csv or .npz"},
    {"\x89HDF\r\n\x1A\n"sv, 0, "an HDF5 file", "write it as .csv or .npz"},
    {"%PDF-"sv, 0, "a PDF file", "take the text out of it first"},
    {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"sv, 0, "an old Office file",
     "write it as .csv"},
};

Status data::checkKind(std::string_view bytes, const std::string &path,
                       bool archive) {
  for (const Kind &kind : kinds) {
    if (bytes.size() < kind.at ||
        !bytes.substr(kind.at).starts_with(kind.begin))
      continue;
    bool zip = kind.begin.starts_with("PK");
    // A text may begin with these letters; a block of bzip2 begins so, or the
    // file is empty and ends so.
    std::string_view block = bytes.size() > 4 ? bytes.substr(4) : ""sv;
    bool letters = kind.begin == "BZh" && !block.starts_with("1AY&SY") &&
                   !block.starts_with("\x17\x72\x45\x38\x50\x90");
    if ((zip && archive) || letters)
      continue;
    return dataError("{}: error: the file is {}; {}", path, kind.what,
                     kind.remedy);
  }
  return {};
}

/// The name that iconv knows: `latin-1` and `utf16` are what people write.
static std::string iconvName(const std::string &encoding) {
  std::string plain;
  for (char c : encoding)
    if (c != '-' && c != '_' && c != ' ')
      plain += static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
  if (plain == "latin1")
    return "ISO-8859-1";
  if (plain == "utf8")
    return "UTF-8";
  if (plain.starts_with("utf16") || plain.starts_with("utf32"))
    return "UTF-" + plain.substr(3);
  // What files call GB2312 is GBK more often than not, and a part of it always.
  return plain == "gb2312" ? "GBK" : encoding;
}

namespace {
/// A converter to UTF-8.
class Converter {
public:
  explicit Converter(const std::string &encoding)
      : handle(iconv_open("UTF-8", iconvName(encoding).c_str())) {}
  ~Converter() {
    if (known())
      iconv_close(handle);
  }
  Converter(const Converter &) = delete;
  Converter &operator=(const Converter &) = delete;
  bool known() const { return handle != iconv_t(-1); }

  /// Appends to `text`; false at bytes that mean nothing, `rest` begins there.
  bool convert(std::string_view &rest, std::string &text);

private:
  iconv_t handle;
};
} // namespace

bool Converter::convert(std::string_view &rest, std::string &text) {
  char buffer[1 << 14];
  char *from = const_cast<char *>(rest.data());
  size_t left = rest.size();
  bool whole = false;
  while (true) {
    char *to = buffer;
    size_t room = sizeof buffer;
    size_t status = iconv(handle, &from, &left, &to, &room);
    text.append(buffer, sizeof buffer - room);
    whole = status != size_t(-1);
    if (whole || errno != E2BIG)
      break;
  }
  rest.remove_prefix(rest.size() - left);
  return whole && left == 0;
}

Status data::checkEncoding(const std::string &encoding) {
  // iconv's suffixes such as //IGNORE would let errors pass.
  bool plain = encoding.find('/') == std::string::npos;
  if (plain && !encoding.empty() && Converter(encoding).known())
    return {};
  return usageError("rnnc: error: `--encoding {}` is not known; write utf-8, "
                    "latin-1, gbk, gb18030, big5, shift_jis, utf-16 or another "
                    "name that `iconv -l` lists",
                    encoding);
}

Result<std::string> data::decode(std::string_view bytes,
                                 const std::string &encoding,
                                 const std::string &path) {
  Converter converter(encoding);
  if (!converter.known())
    return checkEncoding(encoding).error();
  std::string text;
  std::string_view rest = bytes;
  if (converter.convert(rest, text))
    return text;
  int64_t line = 1 + std::count(text.begin(), text.end(), '\n');
  return dataError("{}:{}: error: not {}: byte 0x{:02X}", path, line, encoding,
                   static_cast<unsigned char>(rest.empty() ? 0 : rest[0]));
}

/// Whether the bytes above 127 come in the pairs of GB2312, as Chinese does in
/// GBK too; letters with accents stand alone.
static bool looksChinese(std::string_view bytes) {
  size_t pairs = 0, others = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    auto high = [&](size_t at) {
      return at < bytes.size() && static_cast<unsigned char>(bytes[at]) >= 0xA1;
    };
    if (static_cast<unsigned char>(bytes[i]) < 0x80)
      continue;
    bool pair = high(i) && high(i + 1);
    ++(pair ? pairs : others);
    i += pair;
  }
  std::string text;
  return pairs > 4 * others && Converter("GBK").convert(bytes, text);
}

std::string data::encodingHint(std::string_view bytes) {
  std::string_view begin = bytes.substr(0, 1 << 16);
  auto zeros = std::count(begin.begin(), begin.end(), '\0');
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF") ||
      zeros * 5 > static_cast<ptrdiff_t>(begin.size()))
    return "; it may be UTF-16: give --encoding utf-16";
  if (zeros > 0)
    return "; this is not a text file";
  if (looksChinese(bytes))
    return "; it may be GBK: give --encoding gbk";
  return "; give its encoding, such as --encoding latin-1";
}
