// Encoding.h: what the bytes of a file are, and texts in other encodings.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_DATA_ENCODING_H
#define RNNC_DATA_ENCODING_H

#include "rnnc/Data/Result.h"

#include <string>
#include <string_view>

namespace rnnc::data {

/// Refuses compressed files and other well-known binary formats by their first
/// bytes, with what to do. `archive` lets zip pass: an .npz file is one.
Status checkKind(std::string_view bytes, const std::string &path,
                 bool archive = false);

/// Whether an encoding is known here; the error says what to write.
Status checkEncoding(const std::string &encoding);

/// Bytes of an encoding as UTF-8. The error has the line.
Result<std::string> decode(std::string_view bytes, const std::string &encoding,
                           const std::string &path);

/// "; it may be GBK: give --encoding gbk" for bytes that are not UTF-8.
std::string encodingHint(std::string_view bytes);

} // namespace rnnc::data

#endif // RNNC_DATA_ENCODING_H
