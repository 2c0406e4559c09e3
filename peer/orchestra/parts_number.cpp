#include "peer/orchestra/parts_number.hpp"

#include <openssl/bn.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include "actors/ensure.hpp"

namespace tutti {

namespace {

struct FreeNumber {
  void operator()(BIGNUM* number) const { BN_free(number); }
};
struct FreeReciprocal {
  void operator()(BN_RECP_CTX* reciprocal) const { BN_RECP_CTX_free(reciprocal); }
};
struct FreeScratch {
  void operator()(BN_CTX* scratch) const { BN_CTX_free(scratch); }
};
using Number = std::unique_ptr<BIGNUM, FreeNumber>;
using Scratch = std::unique_ptr<BN_CTX, FreeScratch>;

/// Up to here OpenSSL's own conversion is quicker.
constexpr std::size_t digits_at_once = 512;

/// They fail only when there is no memory.
void check(int done) { ENSURE(done == 1); }

Number new_number() {
  Number number(BN_new());
  ENSURE(number != nullptr);
  return number;
}

Scratch new_scratch() {
  Scratch scratch(BN_CTX_new());
  ENSURE(scratch != nullptr);
  return scratch;
}

/// 10 to the powers digits_at_once, twice that, and so on, below what has `digits` digits.
std::vector<Number> powers_below(std::size_t digits, BN_CTX* scratch) {
  std::vector<Number> powers;
  for (std::size_t power = digits_at_once; power < digits; power *= 2) {
    Number next = new_number();
    if (powers.empty()) {
      const Number ten = new_number();
      const Number exponent = new_number();
      check(BN_set_word(ten.get(), 10));
      check(BN_set_word(exponent.get(), digits_at_once));
      check(BN_exp(next.get(), ten.get(), exponent.get(), scratch));
    } else {
      check(BN_sqr(next.get(), powers.back().get(), scratch));
    }
    powers.push_back(std::move(next));
  }
  return powers;
}

Number small_number(std::string_view digits) {
  BIGNUM* number = nullptr;
  const std::string text(digits);
  ENSURE(BN_dec2bn(&number, text.c_str()) > 0);
  return Number(number);
}

/// Multiplies with the powers of ten; `level` of them are needed for so many digits.
Number from_decimal(std::string_view digits, std::size_t level, const std::vector<Number>& powers,
                    BN_CTX* scratch) {
  while (level > 0 && digits.size() <= digits_at_once << (level - 1)) --level;
  if (level == 0) return small_number(digits);
  const std::size_t low_digits = digits_at_once << (level - 1);
  Number high = from_decimal(digits.substr(0, digits.size() - low_digits), level - 1, powers, scratch);
  const Number low = from_decimal(digits.substr(digits.size() - low_digits), level - 1, powers, scratch);
  Number product = new_number();
  check(BN_mul(product.get(), high.get(), powers[level - 1].get(), scratch));
  check(BN_add(product.get(), product.get(), low.get()));
  return product;
}

/// Piece i is the i-th lowest bit of a number, and the (63 - i % 64)th of a word.
std::uint8_t reversed(std::uint8_t byte) {
  constexpr std::uint64_t spread = 0x0202020202ULL;
  constexpr std::uint64_t gather = 0x010884422010ULL;
  return static_cast<std::uint8_t>(((byte * spread) & gather) % 1023);
}

}  // namespace

/// Divides by the powers of ten. By their reciprocals: then all is multiplication, which OpenSSL halves, too.
class PartsNumber::ToDecimal {
 public:
  explicit ToDecimal(std::size_t digits) : scratch_(new_scratch()) {
    for (const Number& power : powers_below(digits, scratch_.get())) {
      reciprocals_.emplace_back(BN_RECP_CTX_new());
      ENSURE(reciprocals_.back() != nullptr);
      check(BN_RECP_CTX_set(reciprocals_.back().get(), power.get(), scratch_.get()));
    }
  }

  std::string convert(const BIGNUM* number) {
    append(number, reciprocals_.size(), false);
    return std::exchange(text_, {});
  }

 private:
  /// `level`: it is below the square of that power. `padded`: with all the digits of that.
  void append(const BIGNUM* number, std::size_t level, bool padded) {
    if (level == 0) {
      char* digits = BN_bn2dec(number);
      ENSURE(digits != nullptr);
      const std::string_view text(digits);
      if (padded) text_.append(digits_at_once - text.size(), '0');
      text_ += text;
      OPENSSL_free(digits);
      return;
    }
    const Number high = new_number();
    const Number low = new_number();
    check(BN_div_recp(high.get(), low.get(), number, reciprocals_[level - 1].get(), scratch_.get()));
    const bool has_high = padded || BN_is_zero(high.get()) == 0;
    if (has_high) append(high.get(), level - 1, padded);
    append(low.get(), level - 1, has_high);
  }

  Scratch scratch_;
  std::vector<std::unique_ptr<BN_RECP_CTX, FreeReciprocal>> reciprocals_;
  std::string text_;
};

PartsNumber::PartsNumber(std::uint32_t parts)
    : to_decimal_(std::make_unique<ToDecimal>(parts_digits_max(parts))) {}

PartsNumber::~PartsNumber() = default;

std::size_t parts_digits_max(std::uint32_t parts) {
  // log10(2), a little above it.
  return static_cast<std::size_t>((std::uint64_t{parts} + 1) * 30103 / 100000) + 1;
}

std::string PartsNumber::text(const Bitfield& pieces) {
  Bytes bytes = pieces.bytes();
  for (std::uint8_t& byte : bytes) byte = reversed(byte);
  const Number number = new_number();
  ENSURE(BN_lebin2bn(bytes.data(), static_cast<int>(bytes.size()), number.get()) != nullptr);
  check(BN_set_bit(number.get(), static_cast<int>(pieces.size())));
  return to_decimal_->convert(number.get());
}

std::optional<Bitfield> from_parts_number(std::string_view digits, std::uint32_t parts) {
  if (digits.empty() || digits.size() > parts_digits_max(parts) ||
      !std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return std::nullopt;
  const Scratch scratch = new_scratch();
  const std::vector<Number> powers = powers_below(digits.size(), scratch.get());
  const Number number = from_decimal(digits, powers.size(), powers, scratch.get());
  if (static_cast<std::uint64_t>(BN_num_bits(number.get())) != std::uint64_t{parts} + 1) return std::nullopt;
  check(BN_clear_bit(number.get(), static_cast<int>(parts)));
  Bytes bytes((std::size_t{parts} + 7) / 8);
  ENSURE(BN_bn2lebinpad(number.get(), bytes.data(), static_cast<int>(bytes.size())) >= 0);
  for (std::uint8_t& byte : bytes) byte = reversed(byte);
  return Bitfield::parse(bytes, parts);
}

}  // namespace tutti
