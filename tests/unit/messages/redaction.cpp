#include "messages/redaction.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

#include "messages/catalogue.hpp"
#include "messages/shell_client.hpp"
#include "messages/tracker_tracker.hpp"

namespace tutti {
namespace {

BOOST_AUTO_TEST_SUITE(redaction)

/// Also one that is declared tomorrow: the field of a password is called `password`, or `new_password`, which may be empty.
BOOST_AUTO_TEST_CASE(no_message_of_any_protocol_keeps_a_password_or_a_secret) {
  const std::string field = "password: \"";
  std::size_t seen = 0;
  for (const MessageEntry& entry : catalogue()) {
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
      const Bytes body = entry.sample(seed);
      const Bytes kept = without_passwords(body);
      const std::string was = *entry.print(body, SIZE_MAX);
      const auto is = entry.print(kept, SIZE_MAX);
      BOOST_REQUIRE_MESSAGE(is, entry.name);
      if (entry.name == "SealedDoor") {
        BOOST_TEST(is->find("secret: x'" + std::string(64, '0') + "'") != std::string::npos, *is);
        BOOST_TEST(is->substr(0, is->find("secret")) == was.substr(0, was.find("secret")));
        continue;
      }
      if (was.find(field) == std::string::npos) {
        BOOST_TEST(*is == was);
        continue;
      }
      ++seen;
      for (std::size_t at = is->find(field); at != std::string::npos; at = is->find(field, at + 1)) {
        const std::string_view said = std::string_view(*is).substr(at + field.size());
        BOOST_TEST((said.starts_with("***\"") || said.starts_with('"')), *is);
      }
    }
  }
  BOOST_TEST(seen > 300U);
}

/// Also one that is declared tomorrow: a session token is a field called `token`.
BOOST_AUTO_TEST_CASE(no_message_of_an_ordinary_recording_keeps_a_token) {
  const std::string field = "token: x'";
  std::size_t seen = 0;
  for (const MessageEntry& entry : catalogue()) {
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
      const auto is = entry.print(without_secrets(entry.sample(seed)), SIZE_MAX);
      BOOST_REQUIRE_MESSAGE(is, entry.name);
      for (std::size_t at = is->find(field); at != std::string::npos; at = is->find(field, at + 1)) {
        ++seen;
        BOOST_TEST(std::string_view(*is).substr(at + field.size()).starts_with(std::string(64, '0')), *is);
      }
    }
  }
  BOOST_TEST(seen > 300U);
}

/// Also one that is declared tomorrow, if it is said by whoever signs.
BOOST_AUTO_TEST_CASE(signatures_are_not_compared) {
  const TicketSigner one{{SigningKey{{1}}}};
  const TicketSigner other{{SigningKey{{2}}}};
  BOOST_TEST((without_signatures(encode(one)) == without_signatures(encode(other))));
  PeerTicket ticket;
  ticket.epoch = 7;
  Answer answer{{1}, {}, false, {}, TicketGiven{ticket}};
  const Bytes unsigned_one = without_signatures(encode(answer));
  ticket.signature.bytes[0] = 1;
  answer.what = TicketGiven{ticket};
  BOOST_TEST((without_signatures(encode(answer)) == unsigned_one));
  ticket.epoch = 8;
  answer.what = TicketGiven{ticket};
  BOOST_TEST((without_signatures(encode(answer)) != unsigned_one));
}

BOOST_AUTO_TEST_CASE(everything_else_stays) {
  const Ask login{{7}, Login{{"alice"}, "hush", "10.0.0.1", 6000}};
  BOOST_TEST(describe(without_passwords(encode(login)), SIZE_MAX) ==
             describe(encode(Ask{{7}, Login{{"alice"}, "***", "10.0.0.1", 6000}}), SIZE_MAX));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_understood_is_not_kept) {
  Bytes torn = encode(Login{{"alice"}, "hush", {}, 0});
  torn.pop_back();
  BOOST_TEST(without_passwords(torn).empty());
  const Bytes noise{0xc1, 0x00, 0xff};
  BOOST_TEST((without_passwords(noise) == noise));
  BOOST_TEST(without_passwords({}).empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
