#include "actors/aes_gcm.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

#include "actors/random.hpp"

namespace {

using namespace tutti;

Bytes noise(Random& random, std::size_t size) {
  Bytes bytes(size);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

Bytes hexed(std::string_view hex) { return from_hex(hex).value(); }

Bytes sealed(AesGcm& cipher, const AesGcm::Nonce& nonce, const Bytes& beside, const Bytes& plain) {
  Bytes frame(plain.size() + AesGcm::tag_bytes);
  cipher.seal(nonce, beside, plain, frame.data());
  return frame;
}

bool opens(AesGcm& cipher, const AesGcm::Nonce& nonce, const Bytes& beside, Bytes frame, const Bytes& plain) {
  if (!cipher.open(nonce, beside, frame)) return false;
  frame.resize(plain.size());
  return frame == plain;
}

BOOST_AUTO_TEST_SUITE(aes_gcm)

/// Test case 16 of McGrew and Viega, "The Galois/Counter Mode of Operation".
BOOST_AUTO_TEST_CASE(the_published_example_comes_out) {
  const Bytes key = hexed("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
  const Bytes plain = hexed(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aed"
      "f5aa"
      "0de657ba637b39");
  const Bytes beside = hexed("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  const AesGcm::Nonce nonce{0xca, 0xfe, 0xba, 0xbe, 0xfa, 0xce, 0xdb, 0xad, 0xde, 0xca, 0xf8, 0x88};
  for (const bool quick : {false, true}) {
    AesGcm cipher = quick ? AesGcm(key) : AesGcm::portable(key);
    BOOST_TEST(
        to_hex(sealed(cipher, nonce, beside, plain)) ==
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"
        "c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b");
  }
}

/// On a processor without the instructions both are OpenSSL.
BOOST_AUTO_TEST_CASE(every_length_is_what_openssl_says) {
  Random random(3);
  const Bytes key = noise(random, AesGcm::key_bytes);
  AesGcm quick(key);
  AesGcm oracle = AesGcm::portable(key);
  AesGcm::Nonce nonce{};
  const auto agree = [&](std::size_t size, std::size_t beside_size) {
    for (std::uint8_t& byte : nonce) byte = static_cast<std::uint8_t>(random());
    const Bytes plain = noise(random, size);
    const Bytes beside = noise(random, beside_size);
    const Bytes frame = sealed(quick, nonce, beside, plain);
    BOOST_TEST((frame == sealed(oracle, nonce, beside, plain)), "size " << size);
    BOOST_TEST(opens(quick, nonce, beside, frame, plain), "size " << size);
    BOOST_TEST(opens(oracle, nonce, beside, frame, plain), "size " << size);
  };
  for (std::size_t size = 0; size < 600; ++size) agree(size, size % 40);
  for (const std::size_t size : {4095U, 65536U, 65537U, 524288U, 1048577U}) agree(size, 1);
}

BOOST_AUTO_TEST_CASE(what_is_changed_anywhere_does_not_open) {
  Random random(4);
  const Bytes key = noise(random, AesGcm::key_bytes);
  const Bytes plain = noise(random, 300);
  const Bytes beside{1};
  const AesGcm::Nonce nonce{5};
  for (const bool quick : {false, true}) {
    AesGcm cipher = quick ? AesGcm(key) : AesGcm::portable(key);
    const Bytes frame = sealed(cipher, nonce, beside, plain);
    for (std::size_t at = 0; at < frame.size(); ++at) {
      Bytes changed = frame;
      changed[at] ^= 0x10U;
      BOOST_TEST(!cipher.open(nonce, beside, changed), "byte " << at);
    }
    BOOST_TEST(!opens(cipher, {6}, beside, frame, plain));
    BOOST_TEST(!opens(cipher, nonce, {2}, frame, plain));
    BOOST_TEST(!opens(cipher, nonce, {}, frame, plain));
    BOOST_TEST(opens(cipher, nonce, beside, frame, plain));
    AesGcm other(noise(random, AesGcm::key_bytes));
    BOOST_TEST(!opens(other, nonce, beside, frame, plain));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
