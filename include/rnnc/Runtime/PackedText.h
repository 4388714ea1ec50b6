// PackedText.h: text that repeats itself, in fewer bytes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels of one model are much alike. A packed text is two numbers of 64 bits
// (bytes of the text, bytes of what follows), then items. An item begins with a
// byte: below 128, one more is the number of bytes that follow as they are;
// else bytes of the text are there again: the other seven bits, further bytes
// after each that is full, and kLeastRepeat are how many. How far back follows,
// seven bits a byte, the lowest first, the eighth where another byte follows;
// 0: as far as the item of this kind before. Numbers of registers differ where
// all else is the same.
#ifndef RNNC_RUNTIME_PACKEDTEXT_H
#define RNNC_RUNTIME_PACKEDTEXT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

namespace rnnc::rt {

constexpr size_t kLeastRepeat = 4;
constexpr size_t kFarthest = (size_t(1) << 28) - 1;
constexpr size_t kPackedHead = 2 * sizeof(uint64_t);

inline uint64_t textBytes(const void *packed) {
  uint64_t bytes;
  memcpy(&bytes, packed, sizeof(bytes));
  return bytes;
}

/// Reads the items one after another.
class TextUnpacker {
public:
  TextUnpacker(const void *packed, char *text)
      : at(static_cast<const unsigned char *>(packed)), text(text),
        bytes(textBytes(packed)) {
    uint64_t rest;
    memcpy(&rest, at + sizeof(uint64_t), sizeof(rest));
    at += kPackedHead;
    end = at + rest;
  }

  /// False: it is no packed text. Nothing is written behind the text.
  bool run() {
    while (at != end)
      if (!(*at < 128 ? copy() : repeat()))
        return false;
    return done == bytes;
  }

private:
  bool copy() {
    size_t count = size_t(*at++) + 1;
    if (count > size_t(end - at) || count > bytes - done)
      return false;
    memcpy(text + done, at, count);
    at += count;
    done += count;
    return true;
  }

  bool repeat() {
    size_t count = *at++ & 127u;
    for (unsigned full = 127; count && at != end; full = 255) {
      bool isFull = full == 127 ? count == 127 : at[-1] == 255;
      if (!isFull)
        break;
      count += *at++;
    }
    count += kLeastRepeat;
    size_t far = 0;
    for (unsigned shift = 0;; shift += 7) {
      if (at == end || shift > 21)
        return false;
      far |= size_t(*at & 127u) << shift;
      if (*at++ < 128)
        break;
    }
    back = far ? far : back;
    if (!back || back > done || count > bytes - done)
      return false;
    // It may overlap what it writes.
    for (size_t i = 0; i < count; ++i, ++done)
      text[done] = text[done - back];
    return true;
  }

  const unsigned char *at, *end = nullptr;
  char *text;
  uint64_t bytes, done = 0;
  size_t back = 0; ///< how far the last repeat was
};

} // namespace rnnc::rt

#endif // RNNC_RUNTIME_PACKEDTEXT_H
