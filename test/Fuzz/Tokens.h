// Tokens.h: changes to a source that keep most of its tokens whole.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bytes changed at random rarely come past the lexer. Here tokens and lines are
// left out, doubled, exchanged, or replaced by others of the source or of the
// standard library, which has every word and sign of the language.
#ifndef RNNC_TEST_FUZZ_TOKENS_H
#define RNNC_TEST_FUZZ_TOKENS_H

#include <random>
#include <string>
#include <string_view>

namespace rnnc::fuzz {

using Random = std::minstd_rand;

/// A source with one to four changes.
std::string changeTokens(std::string_view text, Random &random);

/// Lines of one source among those of another.
std::string crossLines(std::string_view one, std::string_view other,
                       Random &random);

} // namespace rnnc::fuzz

#endif // RNNC_TEST_FUZZ_TOKENS_H
