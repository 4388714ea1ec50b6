// Markup.h: text of others inside XML and HTML of ours.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_SUPPORT_MARKUP_H
#define RNNC_SUPPORT_MARKUP_H

#include <string>
#include <string_view>

namespace rnnc {

/// Text that is shown as it is, in elements and in attributes: nothing of it is
/// read as markup. What XML cannot hold becomes U+FFFD.
std::string escapeMarkup(std::string_view text);

} // namespace rnnc

#endif // RNNC_SUPPORT_MARKUP_H
