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

template <class M>
concept HasPassword = requires(M message) {
  message.password = instead;
};

template <HasPassword M>
void hide_password(M& message) {
  message.password = instead;
  if constexpr (requires { message.new_password; })
    if (!message.new_password.empty()) message.new_password = instead;
}
void hide_password(ClientRequest& request) {
  std::visit(
      []<class Each>(Each& each) {
        if constexpr (HasPassword<Each>) hide_password(each);
      },
      request.value);
}
void hide_password(SealedDoor& door) { door.secret = {}; }
void hide_password(Ask& ask) { hide_password(ask.what); }
void hide_password(Request& request) { hide_password(request.what); }
void hide_password(Submit& submit) { hide_password(submit.request); }

template <class M>
Bytes rewritten(ByteView body) {
  const Decoded<M> decoded = decode<M>(body, any_size);
  if (!decoded) return {};
  M message = *decoded;
  hide_password(message);
  return encode(message);
}

template <class... M>
Bytes rewritten_if_one_of(Messages<M...>, ByteView body) {
  const MessageId id = peek_message_id(body);
  Bytes kept;
  const bool found = ((id == M::message_id && (kept = rewritten<M>(body), true)) || ...);
  return found ? kept : Bytes(body.begin(), body.end());
}

}  // namespace

Bytes without_passwords(ByteView body) {
  using Carriers = Messages<CreateUser, Login, ChangePassword, Ask, Request, Submit, PasswordNeeded,
                            HashPassword, CheckPassword, SealedDoor>;
  return rewritten_if_one_of(Carriers{}, body);
}

}  // namespace tutti
