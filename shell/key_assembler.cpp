#include "shell/key_assembler.hpp"

#include <algorithm>
#include <cstdint>

#include "messages/names.hpp"

namespace tutti {

namespace {

constexpr char escape = '\x1b';
/// No key is longer; what claims to be is noise, such as a pasted binary.
constexpr std::size_t key_max_bytes = 32;

std::size_t character_length(std::string_view bytes) {
  const auto lead = static_cast<std::uint8_t>(bytes.front());
  const std::size_t length = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf8 ? 4 : 1;
  if (bytes.size() < length) {
    const bool may_go_on = std::all_of(bytes.begin() + 1, bytes.end(),
                                       [](char c) { return (static_cast<std::uint8_t>(c) & 0xc0U) == 0x80; });
    return may_go_on ? 0 : 1;
  }
  return is_utf8(bytes.substr(0, length)) ? length : 1;
}

bool is_control(char c) { return static_cast<std::uint8_t>(c) < 0x20; }

std::size_t sequence_length(std::string_view bytes) {
  if (bytes.size() < 2) return 0;
  if (is_control(bytes[1])) return 1;
  if (bytes[1] == 'O') return bytes.size() < 3 ? 0 : is_control(bytes[2]) ? 2 : 3;
  if (bytes[1] != '[') return 2;
  for (std::size_t i = 2; i < bytes.size(); ++i) {
    if (i >= key_max_bytes) return i;
    // No sequence goes over a control character: it was broken off.
    if (is_control(bytes[i])) return i;
    if (bytes[i] >= 0x40 && bytes[i] <= 0x7e) return i + 1;
  }
  return 0;
}

}  // namespace

std::size_t key_length(std::string_view bytes) {
  if (bytes.empty()) return 0;
  return bytes.front() == escape ? sequence_length(bytes) : character_length(bytes);
}

std::string KeyAssembler::take() {
  const std::size_t length = key_length(pending_);
  std::string key = pending_.substr(0, length);
  pending_.erase(0, length);
  return key;
}

bool KeyAssembler::drop_through(char key) {
  const std::size_t last = pending_.rfind(key);
  if (last == std::string::npos) return false;
  pending_.erase(0, last + 1);
  return true;
}

}  // namespace tutti
