#include "actors/sealed_channel.hpp"

#include <boost/test/unit_test.hpp>
#include <set>
#include <string>
#include <vector>

namespace {

using namespace tutti;
using Direction = SealedChannel::Direction;

template <class Id>
Id filled(std::uint8_t byte) {
  Id id;
  id.bytes.fill(byte);
  return id;
}

struct Ends {
  explicit Ends(std::uint8_t secret = 2, std::uint8_t dialler = 3, std::uint8_t door = 4)
      : pass{filled<SealedPassId>(1), filled<SealedSecret>(secret)},
        sender(pass, filled<SealedRandom>(dialler), filled<SealedRandom>(door), Direction::to_door),
        receiver(pass, filled<SealedRandom>(dialler), filled<SealedRandom>(door), Direction::to_door) {}
  Bytes sealed(const Bytes& plain, SealedFrame kind = SealedFrame::alone) {
    Bytes frame(plain.size() + SealedChannel::tag_bytes);
    sender.seal(kind, plain, frame.data());
    return frame;
  }
  /// What was in it; nothing if it does not open.
  std::optional<Bytes> opened(Bytes frame, SealedFrame kind = SealedFrame::alone) {
    if (!receiver.open(kind, frame)) return std::nullopt;
    frame.resize(frame.size() - SealedChannel::tag_bytes);
    return frame;
  }
  SealedPass pass;
  SealedChannel sender;
  SealedChannel receiver;
};

const Bytes word{'w', 'o', 'r', 'd'};
const Bytes other{'o', 't', 'h', 'e', 'r'};

Bytes bytes_of(std::string_view hex) { return from_hex(hex).value(); }

BOOST_AUTO_TEST_SUITE(sealed_channel)

/// Appendix A of RFC 5869.
BOOST_AUTO_TEST_CASE(hkdf_is_that_of_the_rfc) {
  const auto derived = [](const Bytes& secret, const Bytes& salt, const Bytes& info, std::size_t size) {
    Bytes material(size);
    hkdf_sha256(secret, salt, info, material);
    return to_hex(material);
  };
  BOOST_TEST(derived(Bytes(22, 0x0b), bytes_of("000102030405060708090a0b0c"),
                     bytes_of("f0f1f2f3f4f5f6f7f8f9"), 42) ==
             "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  Bytes secret;
  Bytes salt;
  Bytes info;
  for (int i = 0; i < 80; ++i) {
    secret.push_back(static_cast<std::uint8_t>(i));
    salt.push_back(static_cast<std::uint8_t>(0x60 + i));
    info.push_back(static_cast<std::uint8_t>(0xb0 + i));
  }
  BOOST_TEST(
      derived(secret, salt, info, 82) ==
      "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
      "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87");
  BOOST_TEST(derived(Bytes(22, 0x0b), {}, {}, 42) ==
             "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

/// What another implementation (Python's hmac and cryptography) makes of the same pass.
BOOST_AUTO_TEST_CASE(a_link_has_the_bytes_that_it_always_had) {
  Ends ends;
  const SealedHello hello = make_hello(ends.pass, filled<SealedRandom>(3));
  BOOST_TEST(to_hex(hello.proof.view()) ==
             "9b26b605bf32446bd2a4be4744e8e9f2b998550348554f0cc3b7ded7919ba85b");
  const SealedWelcome welcome = make_welcome(ends.pass, hello, filled<SealedRandom>(4));
  BOOST_TEST(to_hex(welcome.proof.view()) ==
             "766ba944a18b9af56bee1a8e7fa68b79e4cc4523c26c62d5719a796ff6220405");
  BOOST_TEST(to_hex(ends.sealed(word)) == "445d1e1bbed181e3ae894f75907e9bd0e2b0b528");
  BOOST_TEST(to_hex(ends.sealed(word, SealedFrame::head)) == "0eda51873634583245146c53ffd9f45869f9c5fe");
  BOOST_TEST(to_hex(ends.sealed(other, SealedFrame::payload)) ==
             "a3f8e4cd90d4c8d91bee7170cbf102c16aa64da013");
  SealedChannel back(ends.pass, filled<SealedRandom>(3), filled<SealedRandom>(4), Direction::to_dialler);
  Bytes frame(word.size() + SealedChannel::tag_bytes);
  back.seal(SealedFrame::alone, word, frame.data());
  BOOST_TEST(to_hex(frame) == "d10bf6aa6c6a9f6230470c84c2ffc1c2b589e9cb");
}

BOOST_AUTO_TEST_CASE(what_is_sealed_opens_in_its_order) {
  Ends ends;
  const Bytes large(1U << 19U, 7);
  const Bytes first = ends.sealed(word, SealedFrame::head);
  const Bytes second = ends.sealed(large, SealedFrame::payload);
  const Bytes third = ends.sealed(word);
  BOOST_TEST((ends.opened(first, SealedFrame::head) == word));
  BOOST_TEST((ends.opened(second, SealedFrame::payload) == large));
  BOOST_TEST((ends.opened(third) == word));
  BOOST_TEST(first != third);  // the same word, and nobody can see that
  BOOST_TEST(ends.sender.bytes() == 2 * word.size() + large.size());
  BOOST_TEST(ends.receiver.bytes() == ends.sender.bytes());
}

BOOST_AUTO_TEST_CASE(no_bit_can_be_changed) {
  const Bytes plain(40, 9);
  const std::size_t size = plain.size() + SealedChannel::tag_bytes;
  for (std::size_t bit = 0; bit < 8 * size; ++bit) {
    Ends ends;
    Bytes frame = ends.sealed(plain);
    frame[bit / 8] = static_cast<std::uint8_t>(frame[bit / 8] ^ (1U << (bit % 8)));
    BOOST_TEST(!ends.opened(frame), "bit " << bit);
  }
}

BOOST_AUTO_TEST_CASE(nothing_opens_twice_early_or_late) {
  {
    Ends ends;
    const Bytes frame = ends.sealed(word);
    BOOST_TEST((ends.opened(frame) == word));
    BOOST_TEST(!ends.opened(frame));
  }
  {
    Ends ends;
    ends.sealed(word);
    BOOST_TEST(!ends.opened(ends.sealed(other)));  // the one before was left out
  }
  {
    Ends ends;
    const Bytes first = ends.sealed(word);
    const Bytes second = ends.sealed(other);
    BOOST_TEST(!ends.opened(second));
    BOOST_TEST(!ends.opened(first));  // it is too late to mend that
  }
}

BOOST_AUTO_TEST_CASE(a_frame_cannot_be_cut_or_lengthened) {
  for (std::size_t kept = 0; kept < word.size() + SealedChannel::tag_bytes; ++kept) {
    Ends ends;
    Bytes frame = ends.sealed(word);
    frame.resize(kept);
    BOOST_TEST(!ends.opened(frame), kept << " bytes are left");
  }
  Ends ends;
  Bytes frame = ends.sealed(word);
  frame.push_back(0);
  BOOST_TEST(!ends.opened(frame));
}

BOOST_AUTO_TEST_CASE(a_frame_is_what_it_was_sealed_as) {
  constexpr std::array kinds{SealedFrame::alone, SealedFrame::head, SealedFrame::payload};
  for (const SealedFrame sealed_as : kinds)
    for (const SealedFrame opened_as : kinds) {
      Ends ends;
      BOOST_TEST(ends.opened(ends.sealed(word, sealed_as), opened_as).has_value() ==
                 (sealed_as == opened_as));
    }
}

BOOST_AUTO_TEST_CASE(other_passes_links_and_directions_have_other_keys) {
  const Bytes frame = Ends().sealed(word);
  BOOST_TEST((Ends().opened(frame) == word));
  BOOST_TEST(!Ends(5).opened(frame));
  BOOST_TEST(!Ends(2, 5).opened(frame));
  BOOST_TEST(!Ends(2, 3, 5).opened(frame));
  BOOST_TEST(!Ends(2, 4, 3).opened(frame));
  Ends ends;
  SealedChannel back(ends.pass, filled<SealedRandom>(3), filled<SealedRandom>(4), Direction::to_dialler);
  Bytes reflected = frame;
  BOOST_TEST(!back.open(SealedFrame::alone, reflected));
}

BOOST_AUTO_TEST_CASE(a_hello_is_proven_by_the_secret_alone) {
  const SealedPass pass{filled<SealedPassId>(1), filled<SealedSecret>(2)};
  const SealedHello hello = make_hello(pass, filled<SealedRandom>(3));
  const auto heard = SealedHello::parse(hello.bytes());
  BOOST_TEST_REQUIRE(heard.has_value());
  BOOST_TEST(is_proven(*heard, pass));
  BOOST_TEST(!is_proven(*heard, SealedPass{pass.id, filled<SealedSecret>(5)}));
  BOOST_TEST(!is_proven(*heard, SealedPass{filled<SealedPassId>(5), pass.secret}));
  for (std::size_t i = 0; i < SealedHello::size; ++i) {
    Bytes changed = hello.bytes();
    changed[i] ^= 1;
    BOOST_TEST(!is_proven(*SealedHello::parse(changed), pass), "byte " << i);
  }
  BOOST_TEST(!SealedHello::parse(Bytes(SealedHello::size - 1)));
  BOOST_TEST(!SealedHello::parse(Bytes(SealedHello::size + 1)));
}

BOOST_AUTO_TEST_CASE(a_welcome_answers_one_hello) {
  const SealedPass pass{filled<SealedPassId>(1), filled<SealedSecret>(2)};
  const SealedHello hello = make_hello(pass, filled<SealedRandom>(3));
  const SealedWelcome welcome = make_welcome(pass, hello, filled<SealedRandom>(4));
  BOOST_TEST(is_proven(*SealedWelcome::parse(welcome.bytes()), pass, hello));
  BOOST_TEST(!is_proven(welcome, pass, make_hello(pass, filled<SealedRandom>(5))));
  for (std::size_t i = 0; i < SealedWelcome::size; ++i) {
    Bytes changed = welcome.bytes();
    changed[i] ^= 1;
    BOOST_TEST(!is_proven(*SealedWelcome::parse(changed), pass, hello), "byte " << i);
  }
  BOOST_TEST(!SealedWelcome::parse(Bytes(SealedWelcome::size - 1)));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
