// SourceManager.h - the texts of all source files of one run, and places in
// them. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_SUPPORT_SOURCEMANAGER_H
#define RNNC_SUPPORT_SOURCEMANAGER_H

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace rnnc {

/// A piece of one source file: bytes [begin, end). The default range is
/// invalid: it belongs to no file.
struct SourceRange {
  static constexpr uint32_t noFile = ~0u;

  uint32_t file = noFile;
  uint32_t begin = 0;
  uint32_t end = 0;

  bool valid() const { return file != noFile; }
  bool operator==(const SourceRange &other) const = default;
};

/// The smallest range that holds both; they have to be of one file.
inline SourceRange join(SourceRange a, SourceRange b) {
  if (!a.valid() || (b.valid() && b.file != a.file))
    return a.valid() ? a : b;
  if (!b.valid())
    return a;
  return {a.file, a.begin < b.begin ? a.begin : b.begin,
          a.end > b.end ? a.end : b.end};
}

/// A line and a column, both counted from 1. The column counts characters, not
/// bytes.
struct LineColumn {
  unsigned line = 1;
  unsigned column = 1;
};

/// Owns the text of every file. Files are never removed, so a string_view into
/// a text stays good as long as the manager lives.
class SourceManager {
public:
  /// Adds a text under the name that diagnostics show. Returns its id.
  uint32_t addText(std::string name, std::string text);

  /// Reads a file, or standard input if the path is "-". On failure returns
  /// false and says why in `error`.
  bool addFile(const std::string &path, uint32_t &id, std::string &error);

  size_t size() const { return files.size(); }
  const std::string &name(uint32_t file) const { return files[file].name; }
  std::string_view text(uint32_t file) const { return files[file].text; }

  /// The text of a range; empty for an invalid one.
  std::string_view text(SourceRange range) const;

  LineColumn lineColumn(uint32_t file, uint32_t offset) const;

  /// The text of a line (counted from 1) without its line end.
  std::string_view lineText(uint32_t file, unsigned line) const;

  /// Offset of the first byte of a line.
  uint32_t lineBegin(uint32_t file, unsigned line) const;

  unsigned lineCount(uint32_t file) const {
    return static_cast<unsigned>(files[file].lineBegins.size());
  }

private:
  struct File {
    std::string name;
    std::string text;
    std::vector<uint32_t> lineBegins;
  };
  std::deque<File> files;
};

} // namespace rnnc

#endif // RNNC_SUPPORT_SOURCEMANAGER_H
