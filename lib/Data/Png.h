// Png.h: pictures as numbers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_DATA_PNG_H
#define RNNC_LIB_DATA_PNG_H

#include "rnnc/Data/Result.h"
#include "rnnc/Data/Schema.h"

namespace rnnc::data {

/// Whether a cell is the name of a picture.
bool isPng(std::string_view path);

/// The numbers of a picture, from 0 to 1, in the order of a field's axes. As
/// many channels are read as the field has, and what is transparent is white
/// where it has no place for that.
Result<std::vector<double>> readPng(const FieldSchema &field,
                                    const std::string &path);

} // namespace rnnc::data

#endif // RNNC_LIB_DATA_PNG_H
