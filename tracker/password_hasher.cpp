#include "tracker/password_hasher.hpp"

#include <sodium.h>

#include "actors/ensure.hpp"

namespace tutti {

namespace {

std::string base64(ByteView bytes) {
  constexpr int variant = sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
  std::string text(sodium_base64_encoded_len(bytes.size(), variant), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), variant);
  text.pop_back();  // libsodium counts the terminating zero
  return text;
}

}  // namespace

std::string make_password_verifier(std::string_view password, const PasswordCost& cost,
                                   const PasswordSalt& salt) {
  ENSURE(sodium_init() >= 0);
  static_assert(std::tuple_size_v<PasswordSalt> == crypto_pwhash_SALTBYTES);
  std::array<std::uint8_t, 32> hash{};
  const int failed =
      crypto_pwhash(hash.data(), hash.size(), password.data(), password.size(), salt.data(), cost.passes,
                    std::size_t{cost.memory_kib} * 1024, crypto_pwhash_ALG_ARGON2ID13);
  if (failed != 0) return {};
  return "$argon2id$v=19$m=" + std::to_string(cost.memory_kib) + ",t=" + std::to_string(cost.passes) +
         ",p=1$" + base64(salt) + "$" + base64(hash);
}

bool password_fits(std::string_view password, std::string_view verifier) {
  ENSURE(sodium_init() >= 0);
  std::array<char, crypto_pwhash_STRBYTES> text{};
  if (verifier.size() >= text.size()) return false;
  std::copy(verifier.begin(), verifier.end(), text.begin());
  return crypto_pwhash_str_verify(text.data(), password.data(), password.size()) == 0;
}

void PasswordHasher::start(Context& context) {
  PasswordSalt salt;
  context.fill_secret(salt);
  nobodys_verifier_ = make_password_verifier("nobody", cost_, salt);
}

void PasswordHasher::on(const HashPassword& message, Context& context) {
  PasswordSalt salt;
  context.fill_secret(salt);
  context.reply(PasswordHashed{message.ticket, make_password_verifier(message.password, cost_, salt)});
}

void PasswordHasher::on(const CheckPassword& message, Context& context) {
  PasswordChecked checked{message.ticket, 0};
  if (message.verifiers.empty()) password_fits(message.password, nobodys_verifier_);
  for (std::size_t i = 0; i < message.verifiers.size() && checked.match == 0; ++i)
    if (password_fits(message.password, message.verifiers[i]))
      checked.match = static_cast<std::uint32_t>(i + 1);
  context.reply(checked);
}

}  // namespace tutti
