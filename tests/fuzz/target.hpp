#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "actors/ensure.hpp"
#include "messages/bytes.hpp"

// What may be given to a decoder or parser by somebody who is not trusted, and the laws that hold whatever it is. Each
// source here is one target: a libFuzzer program in the preset fuzz, and a part of tests_fuzz, which runs the collected inputs
// (corpus/NAME) and changed ones of them through it each time.

namespace tutti::fuzz {

struct Target {
  std::string_view name;
  /// Ends the process if a law does not hold.
  void (*run)(ByteView input);
};

/// All that are linked into this program.
std::vector<Target>& targets();

struct Registered {
  explicit Registered(const Target& target) { targets().push_back(target); }
};

inline std::string_view text_of(ByteView input) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes as characters
  return {reinterpret_cast<const char*>(input.data()), input.size()};
}

/// Takes numbers from the end of an input, so that what stands at its beginning stays where it is when it is changed.
class Choices {
 public:
  explicit Choices(ByteView& input) : input_(input) {}
  /// From 0 to `below` - 1; 0 when the input is used up.
  std::size_t below(std::size_t below) {
    if (input_.empty() || below <= 1) return 0;
    std::size_t value = input_.back();
    input_ = input_.first(input_.size() - 1);
    if (below > 256 && !input_.empty()) {
      value = value * 256 + input_.back();
      input_ = input_.first(input_.size() - 1);
    }
    return value % below;
  }

 private:
  ByteView& input_;
};

/// Gives `take` the bytes in runs as `choices` cuts them.
template <class Take>
void in_runs(ByteView bytes, Choices& choices, const Take& take) {
  while (!bytes.empty()) {
    const std::size_t length = std::min(bytes.size(), 1 + choices.below(64));
    take(bytes.first(length));
    bytes = bytes.subspan(length);
  }
}

}  // namespace tutti::fuzz

/// FUZZ_TARGET(name) { … input … }: a target of that name; its source is called like it.
#define FUZZ_TARGET(name)                                                       \
  static void fuzz_##name(tutti::ByteView input);                               \
  static const tutti::fuzz::Registered registered_##name{{#name, fuzz_##name}}; \
  static void fuzz_##name([[maybe_unused]] tutti::ByteView input)
