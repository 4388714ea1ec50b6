// Foreign.h - words and signs of other languages, and what rnnc has for them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_FRONTEND_FOREIGN_H
#define RNNC_LIB_FRONTEND_FOREIGN_H

#include <string>
#include <string_view>

namespace rnnc {

/// A help line for a word that other languages have (`matmul`, `return`,
/// `LSTM`); empty for all others.
std::string foreignWord(std::string_view word);

/// The same for a sign or two of them in a row (`**`, `&&`, `+=`).
std::string foreignSign(std::string_view sign);

/// The same for a function of a Python module, `np.tanh`; `function` is empty
/// where only the module is named.
std::string foreignMember(std::string_view module, std::string_view function);

/// The same for what is asked of a value with a dot, `x.T` or `x.shape`.
std::string foreignProperty(std::string_view name);

/// A character that looks like one of the language, from a word processor, a
/// formula or a keyboard of another script.
struct LookAlike {
  char32_t character;
  std::string_view meant; ///< the token that it stands for; empty: a blank
  std::string_view what;  ///< its name
};

/// Null if the character looks like none.
const LookAlike *findLookAlike(char32_t character);

} // namespace rnnc

#endif // RNNC_LIB_FRONTEND_FOREIGN_H
