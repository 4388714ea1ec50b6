// Std.h - the standard library's source, embedded.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_STD_STD_H
#define RNNC_STD_STD_H

#include <string_view>

namespace rnnc {

/// The text of std.rnn.
std::string_view stdSource();

} // namespace rnnc

#endif // RNNC_STD_STD_H
