// Weak.cpp: what a block sees of global memory between fences.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Launch.h"

using namespace rnnc::ptx;

void WeakView::read(uint64_t address, unsigned bytes, void *to) {
  auto *out = static_cast<uint8_t *>(to);
  for (unsigned k = 0; k < bytes; ++k) {
    uint64_t at = address + k;
    auto own = stores.find(at / 8);
    if (own != stores.end() && ((own->second.valid >> (at % 8)) & 1)) {
      out[k] = uint8_t(own->second.value >> (8 * (at % 8)));
      continue;
    }
    auto [line, isNew] = lines.try_emplace(at / kLine);
    if (isNew) {
      // Whole lines come in; around allocations there are red zones.
      if (const uint8_t *host = memory->at(at, 1))
        line->second.host = host - at % kLine;
      fetch(line->second);
    }
    line->second.age = 0;
    out[k] = line->second.bytes[at % kLine];
  }
}

void WeakView::write(uint64_t address, unsigned bytes, const void *from) {
  const auto *in = static_cast<const uint8_t *>(from);
  for (unsigned k = 0; k < bytes; ++k) {
    uint64_t at = address + k;
    Word &word = stores[at / 8];
    unsigned shift = 8 * (at % 8);
    word.value = (word.value & ~(uint64_t(0xff) << shift)) | uint64_t(in[k])
                                                                 << shift;
    word.valid |= uint8_t(1u << (at % 8));
    if (auto line = lines.find(at / kLine); line != lines.end())
      line->second.bytes[at % kLine] = in[k];
  }
  // Nothing keeps a store back for ever either.
  if (random.below(64) == 0) {
    auto one = stores.begin();
    drain(one->first, one->second);
    // A block sees its own stores, also where its line is older than they are.
    lines.erase(one->first * 8 / kLine);
    stores.erase(one);
  }
}

void WeakView::drain(uint64_t number, const Word &word) {
  for (unsigned k = 0; k < 8; ++k)
    if ((word.valid >> k) & 1)
      if (uint8_t *host = memory->at(number * 8 + k, 1))
        *host = uint8_t(word.value >> (8 * k));
}

void WeakView::settle(uint64_t address, unsigned bytes) {
  for (uint64_t number = address / 8; number <= (address + bytes - 1) / 8;
       ++number)
    if (auto own = stores.find(number); own != stores.end()) {
      drain(number, own->second);
      stores.erase(own);
    }
  for (uint64_t line = address / kLine; line <= (address + bytes - 1) / kLine;
       ++line)
    lines.erase(line);
}

void WeakView::fetch(Line &line) {
  if (line.host)
    std::memcpy(line.bytes.data(), line.host, kLine);
}

void WeakView::refresh() {
  constexpr unsigned kMostAge = 4;
  for (auto line = lines.begin(); line != lines.end();) {
    if (++line->second.age > kMostAge) {
      line = lines.erase(line);
      continue;
    }
    fetch(line->second);
    ++line;
  }
}

void WeakView::release() {
  for (const auto &[number, word] : stores)
    drain(number, word);
  stores.clear();
}
