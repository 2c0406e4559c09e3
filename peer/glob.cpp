#include "peer/glob.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

namespace tutti {

namespace {

/// The characters of UTF-8; a byte that does not fit is one of its own.
std::u32string characters_of(std::string_view text) {
  std::u32string characters;
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    const std::size_t length = byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    char32_t character = length == 1 ? byte : byte & (0x7fU >> length);
    std::size_t taken = 1;
    for (; taken < length && i + taken < text.size() && (text[i + taken] & 0xc0) == 0x80; ++taken)
      character = character << 6U | (static_cast<std::uint8_t>(text[i + taken]) & 0x3fU);
    if (taken < length) {
      character = byte;
      taken = 1;
    }
    characters.push_back(character);
    i += taken;
  }
  return characters;
}

std::u32string normalised(std::string_view pattern) {
  while (pattern.starts_with("./")) pattern.remove_prefix(2);
  while (pattern.starts_with('/')) pattern.remove_prefix(1);
  while (pattern.ends_with('/')) pattern.remove_suffix(1);
  return characters_of(pattern);
}

}  // namespace

Glob::Glob(std::string_view pattern) {
  using Kind = Token::Kind;
  const std::u32string text = normalised(pattern);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char32_t c = text[i];
    if (c == '*' && text.substr(i, 3) == U"**/" && (i == 0 || text[i - 1] == '/')) {
      tokens_.push_back({Kind::folders});
      tokens_.push_back({Kind::in_folder});
      i += 2;
    } else if (c == '*') {
      const bool all = text.substr(i, 2) == U"**";
      tokens_.push_back({all ? Kind::run_of_all : Kind::run});
      if (all) ++i;
    } else if (c == '?') {
      tokens_.push_back({Kind::any});
    } else if (const std::size_t close = c == '[' ? text.find(U']', i + 2) : std::u32string::npos;
               close != std::u32string::npos) {
      Token token{Kind::one_of};
      token.negated = text[i + 1] == '!' || text[i + 1] == '^';
      for (std::size_t at = i + (token.negated ? 2 : 1); at < close; ++at) {
        const bool range = at + 2 < close && text[at + 1] == '-';
        token.ranges.emplace_back(text[at], range ? text[at + 2] : text[at]);
        if (range) at += 2;
      }
      tokens_.push_back(std::move(token));
      i = close;
    } else {
      tokens_.push_back({Kind::character, c});
    }
  }
}

bool Glob::Token::takes(char32_t c) const {
  switch (kind) {
    case Kind::character: return c == character;
    case Kind::any:
    case Kind::run: return c != '/';
    case Kind::one_of:
      return c != '/' && std::any_of(ranges.begin(), ranges.end(), [&](const auto& range) {
                           return c >= range.first && c <= range.second;
                         }) != negated;
    case Kind::run_of_all:
    case Kind::folders:
    case Kind::in_folder: return true;
  }
  return false;
}

void Glob::add_with_followers(std::vector<bool>& states, std::size_t state) const {
  for (;;) {
    states[state] = true;
    if (state == tokens_.size()) return;
    switch (tokens_[state].kind) {
      case Token::Kind::run:
      case Token::Kind::run_of_all: ++state; break;
      case Token::Kind::folders: state += 2; break;
      default: return;
    }
  }
}

bool Glob::matches(std::string_view path) const {
  if (tokens_.empty()) return false;
  std::vector<bool> states(tokens_.size() + 1);
  add_with_followers(states, 0);
  for (const char32_t c : characters_of(path)) {
    // A directory above it is meant.
    if (c == '/' && states.back()) return true;
    std::vector<bool> next(states.size());
    for (std::size_t state = 0; state < tokens_.size(); ++state) {
      if (!states[state] || !tokens_[state].takes(c)) continue;
      switch (tokens_[state].kind) {
        case Token::Kind::run:
        case Token::Kind::run_of_all: add_with_followers(next, state); break;
        case Token::Kind::folders:
          if (c != '/') next[state + 1] = true;
          break;
        case Token::Kind::in_folder:
          c == '/' ? add_with_followers(next, state - 1) : void(next[state] = true);
          break;
        default: add_with_followers(next, state + 1);
      }
    }
    states = std::move(next);
  }
  return states.back();
}

}  // namespace tutti
