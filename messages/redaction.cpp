#include "messages/redaction.hpp"

#include <cstdint>
#include <string_view>
#include <variant>

#include "messages/codec.hpp"
#include "messages/inside_tracker.hpp"
#include "messages/peer_peer.hpp"
#include "messages/shell_client.hpp"

namespace tutti {

namespace {

constexpr std::string_view instead = "***";

/// What a recording holds has passed the door already, or was said inside the process.
constexpr DecodeLimits any_size{.frame_bytes = SIZE_MAX >> 1U, .list_items = SIZE_MAX >> 8U, .depth = 16};

enum class Hides : std::uint8_t { passwords, tokens_too, signatures_too };

/// Hides what is to be hidden in a field, and in what it is made of.
class Hider {
 public:
  explicit Hider(Hides hides) : hides_(hides) {}

  template <class T>
  void in(std::string_view name, T& field) const {
    if constexpr (std::same_as<T, SessionToken>) {
      if (hides_ == Hides::tokens_too) field = {};
    } else if constexpr (std::same_as<T, SealedSecret>) {
      field = {};
    } else if constexpr (std::same_as<T, Signature> || std::same_as<T, SigningKey>) {
      if (hides_ == Hides::signatures_too) field = {};
    } else if constexpr (std::same_as<T, std::string>) {
      if (name == "password" || (name == "new_password" && !field.empty())) field = instead;
    } else if constexpr (detail::IsOneOf<T>::value) {
      std::visit([&](auto& message) { in(name, message); }, field.value);
    } else if constexpr (detail::IsVector<T>::value) {
      for (auto& item : field) in(name, item);
    } else if constexpr (detail::IsOptional<T>::value) {
      if (field) in(name, *field);
    } else if constexpr (Record<T>) {
      detail::each_field(field, [&](std::string_view each, auto& value) { in(each, value); });
    }
  }

 private:
  Hides hides_;
};

template <class M>
Bytes rewritten(ByteView body, Hides hides) {
  Decoded<M> decoded = decode<M>(body, any_size);
  if (!decoded) return {};
  Hider(hides).in({}, *decoded.value);
  return encode(*decoded.value);
}

template <class... M>
Bytes rewritten_if_one_of(Messages<M...>, ByteView body, Hides hides) {
  const MessageId id = peek_message_id(body);
  Bytes kept;
  const bool found = ((id == M::message_id && (kept = rewritten<M>(body, hides), true)) || ...);
  return found ? kept : Bytes(body.begin(), body.end());
}

using Passwords = Messages<CreateUser, Login, ChangePassword, Ask, Request, Submit, PasswordNeeded,
                           HashPassword, CheckPassword, SealedDoor>;

}  // namespace

Bytes without_passwords(ByteView body) { return rewritten_if_one_of(Passwords{}, body, Hides::passwords); }

Bytes without_secrets(ByteView body) {
  using Carriers =
      Joined<Passwords,
             Messages<LoggedIn, Answer, Settled, Told, Present, PresenceSaid, Leaving, LeavingSaid>>;
  return rewritten_if_one_of(Carriers{}, body, Hides::tokens_too);
}

Bytes without_signatures(ByteView body) {
  using Carriers = Joined<Passwords, Messages<Answer, Settled, TicketSigner>>;
  return rewritten_if_one_of(Carriers{}, body, Hides::signatures_too);
}

}  // namespace tutti
