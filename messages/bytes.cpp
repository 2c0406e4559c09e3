#include "messages/bytes.hpp"

namespace tutti {

namespace {

constexpr std::string_view digits_of_sixteen = "0123456789abcdef";
constexpr std::string_view z85_alphabet =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
constexpr std::uint32_t z85_base = 85;
static_assert(z85_alphabet.size() == z85_base);

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string to_hex(ByteView bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    text += digits_of_sixteen[byte >> 4U];
    text += digits_of_sixteen[byte & 15U];
  }
  return text;
}

std::optional<Bytes> from_hex(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  Bytes bytes;
  bytes.reserve(digits.size() / 2);
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const int high = digit_value(digits[i]);
    const int low = digit_value(digits[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes.push_back(static_cast<std::uint8_t>(high * 16 + low));
  }
  return bytes;
}

std::string to_z85(ByteView bytes) {
  std::string text;
  text.reserve(bytes.size() / 4 * 5);
  for (std::size_t i = 0; i + 4 <= bytes.size(); i += 4) {
    std::uint32_t value = 0;
    for (const std::uint8_t byte : bytes.subspan(i, 4)) value = value << 8U | byte;
    std::array<char, 5> group{};
    for (auto digit = group.rbegin(); digit != group.rend(); ++digit, value /= z85_base)
      *digit = z85_alphabet[value % z85_base];
    text.append(group.begin(), group.end());
  }
  return text;
}

std::optional<Bytes> from_z85(std::string_view characters) {
  if (characters.size() % 5 != 0) return std::nullopt;
  Bytes bytes;
  bytes.reserve(characters.size() / 5 * 4);
  for (std::size_t i = 0; i < characters.size(); i += 5) {
    std::uint64_t value = 0;
    for (const char c : characters.substr(i, 5)) {
      const std::size_t digit = z85_alphabet.find(c);
      if (digit == std::string_view::npos) return std::nullopt;
      value = value * z85_base + digit;
    }
    if (value > UINT32_MAX) return std::nullopt;
    for (unsigned shift = 32; shift > 0; shift -= 8)
      bytes.push_back(static_cast<std::uint8_t>(value >> (shift - 8)));
  }
  return bytes;
}

}  // namespace tutti
