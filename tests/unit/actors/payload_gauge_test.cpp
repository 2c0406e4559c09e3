#include "actors/payload_gauge.hpp"

#include <boost/test/unit_test.hpp>
#include <optional>

using namespace tutti;

BOOST_AUTO_TEST_SUITE(payload_gauge)

BOOST_AUTO_TEST_CASE(counts_bytes_until_their_last_holder_is_gone) {
  PayloadGauge gauge;
  BOOST_TEST(gauge.outstanding_bytes() == 0U);
  std::optional<Payload> first = gauge.measured(Payload::own(Bytes(1000)));
  std::optional<Payload> second = gauge.measured(Payload::own(Bytes(24)));
  BOOST_TEST(gauge.outstanding_bytes() == 1024U);
  std::optional<Payload> copy = first;
  first.reset();
  BOOST_TEST(gauge.outstanding_bytes() == 1024U);
  copy.reset();
  BOOST_TEST(gauge.outstanding_bytes() == 24U);
  second.reset();
  BOOST_TEST(gauge.outstanding_bytes() == 0U);
}

BOOST_AUTO_TEST_CASE(shows_the_very_same_bytes_and_keeps_them) {
  PayloadGauge gauge;
  Payload payload = Payload::own(Bytes(10, 7));
  const std::uint8_t* where = payload.view().data();
  const Payload measured = gauge.measured(std::move(payload));
  BOOST_TEST(measured.view().data() == where);
  BOOST_TEST(measured.size() == 10U);
  BOOST_TEST(measured.view().back() == 7);
}

BOOST_AUTO_TEST_CASE(what_is_held_elsewhere_does_not_count) {
  PayloadGauge gauge;
  const Payload payload = Payload::own(Bytes(10));
  { const Payload measured = gauge.measured(payload); }
  BOOST_TEST(gauge.outstanding_bytes() == 0U);
  BOOST_TEST(payload.size() == 10U);
}

/// Whoever seals the bytes drops them, and goes on being counted for.
BOOST_AUTO_TEST_CASE(counts_on_for_what_was_made_of_the_bytes) {
  PayloadGauge gauge;
  PayloadGauge another;
  const auto bytes = std::make_shared<const Bytes>(10);
  std::optional<Payload> measured = another.measured(gauge.measured(Payload::hold(bytes, *bytes)));
  std::shared_ptr<const void> counter = measured->counter();
  measured.reset();
  BOOST_TEST(bytes.use_count() == 1);
  BOOST_TEST(gauge.outstanding_bytes() == 10U);
  BOOST_TEST(another.outstanding() == 1U);
  counter.reset();
  BOOST_TEST(gauge.outstanding_bytes() == 0U);
  BOOST_TEST(another.outstanding() == 0U);
}

BOOST_AUTO_TEST_CASE(a_copy_of_a_gauge_counts_the_same) {
  PayloadGauge gauge;
  const PayloadGauge copy = gauge;
  const Payload measured = gauge.measured(Payload::own(Bytes(10)));
  BOOST_TEST(copy.outstanding_bytes() == 10U);
}

BOOST_AUTO_TEST_CASE(payloads_may_outlive_it) {
  Payload measured;
  {
    PayloadGauge gauge;
    measured = gauge.measured(Payload::own(Bytes(10, 3)));
  }
  BOOST_TEST(measured.view().front() == 3);
}

BOOST_AUTO_TEST_SUITE_END()
