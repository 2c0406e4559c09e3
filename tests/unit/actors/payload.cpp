#include "actors/payload.hpp"

#include <boost/test/unit_test.hpp>
#include <memory>

using namespace tutti;

BOOST_AUTO_TEST_SUITE(payload)

BOOST_AUTO_TEST_CASE(without_bytes_it_is_empty) {
  BOOST_TEST(Payload{}.empty());
  BOOST_TEST(Payload{}.size() == 0U);
  BOOST_TEST(Payload::own({}).empty());
}

BOOST_AUTO_TEST_CASE(copies_share_the_very_same_bytes) {
  Bytes bytes(1000, 7);
  const std::uint8_t* where = bytes.data();
  const Payload first = Payload::own(std::move(bytes));
  const Payload second = first;
  BOOST_TEST(second.size() == 1000U);
  BOOST_CHECK(first.view().data() == where);
  BOOST_CHECK(second.view().data() == where);
}

BOOST_AUTO_TEST_CASE(the_owner_lives_as_long_as_the_last_handle) {
  auto owner = std::make_shared<Bytes>(Bytes{1, 2, 3});
  const std::weak_ptr<Bytes> watch = owner;
  Payload outer;
  {
    const Payload inner = Payload::hold(owner, ByteView(*owner).subspan(1));
    owner.reset();
    outer = inner;
  }
  BOOST_TEST(!watch.expired());
  BOOST_TEST(to_hex(outer.view()) == "0203");
  outer = {};
  BOOST_TEST(watch.expired());
}

BOOST_AUTO_TEST_SUITE_END()
