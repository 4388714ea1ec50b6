// SourceManager.cpp - file texts and places in them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Support/SourceManager.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>

namespace rnnc {

uint32_t SourceManager::addText(std::string name, std::string text) {
  File file;
  file.name = std::move(name);
  file.text = std::move(text);
  file.lineBegins.push_back(0);
  // Lines end as in files of Unix, of Windows, and of old Macintoshes.
  for (size_t i = 0; i < file.text.size(); ++i)
    if (file.text[i] == '\n' ||
        (file.text[i] == '\r' && file.text.substr(i + 1, 1) != "\n"))
      file.lineBegins.push_back(static_cast<uint32_t>(i + 1));
  files.push_back(std::move(file));
  return static_cast<uint32_t>(files.size() - 1);
}

bool SourceManager::addFile(const std::string &path, uint32_t &id,
                            std::string &error) {
  std::error_code code;
  if (std::filesystem::is_directory(path, code)) {
    error = "it is a folder";
    return false;
  }
  std::ifstream file;
  bool standardInput = path == "-";
  if (!standardInput) {
    file.open(path, std::ios::binary);
    if (!file) {
      error = std::strerror(errno);
      return false;
    }
  }
  std::istream &in = standardInput ? std::cin : file;
  // Ranges are 32 bits wide; no program comes near this. What never ends, such
  // as /dev/zero, is not read to its end.
  constexpr size_t limit = 64u << 20;
  std::string text;
  char piece[4096];
  while (in.read(piece, sizeof piece), in.gcount() > 0) {
    text.append(piece, in.gcount());
    if (text.size() > limit) {
      error = "it is larger than 64 MiB";
      return false;
    }
  }
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    error = "it is UTF-16; a source is UTF-8 (iconv -f UTF-16 -t UTF-8)";
    return false;
  }
  if (text.starts_with("\xEF\xBB\xBF")) // what some editors put in front
    text.erase(0, 3);
  id = addText(standardInput ? "<stdin>" : path, std::move(text));
  return true;
}

std::string_view SourceManager::text(SourceRange range) const {
  if (!range.valid())
    return {};
  return text(range.file).substr(range.begin, range.end - range.begin);
}

LineColumn SourceManager::lineColumn(uint32_t file, uint32_t offset) const {
  const File &f = files[file];
  auto it = std::upper_bound(f.lineBegins.begin(), f.lineBegins.end(), offset);
  unsigned line = static_cast<unsigned>(it - f.lineBegins.begin());
  unsigned column = 1;
  uint32_t last = std::min<uint32_t>(offset, f.text.size());
  for (uint32_t i = f.lineBegins[line - 1]; i < last; ++i)
    if ((static_cast<unsigned char>(f.text[i]) & 0xC0) != 0x80)
      ++column;
  return {line, column};
}

std::string_view SourceManager::lineText(uint32_t file, unsigned line) const {
  const File &f = files[file];
  uint32_t begin = f.lineBegins[line - 1];
  std::string_view rest = std::string_view(f.text).substr(begin);
  return rest.substr(0, rest.find_first_of("\r\n"));
}

uint32_t SourceManager::lineBegin(uint32_t file, unsigned line) const {
  return files[file].lineBegins[line - 1];
}

} // namespace rnnc
