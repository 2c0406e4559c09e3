#include "peer/places.hpp"

#include <boost/test/unit_test.hpp>
#include <vector>

namespace {

using namespace tutti;
using namespace std::chrono_literals;

/// Who fetch one file.
struct House {
  explicit House(std::size_t most) : places(most) {}
  static ClientKey client(std::uint8_t number) {
    ClientKey key;
    key.bytes.fill(number);
    return key;
  }
  static Uid user(std::uint8_t number) {
    Uid uid;
    uid.bytes.fill(number);
    return uid;
  }
  /// A client of this user, by default of one of its own, gets in; `gone`: who had to go for it.
  bool comes(std::uint8_t number, std::uint8_t of = 0) {
    gone.reset();
    const Uid uid = user(of == 0 ? number : of);
    Places::Answer answer = places.take(client(number), uid, now);
    if (answer.goes) {
      BOOST_TEST(!answer.granted);
      gone = answer.goes;
      answer = places.take(client(number), uid, now);
      BOOST_TEST(answer.granted);
    }
    return answer.granted;
  }
  bool went(std::uint8_t number) const { return gone == client(number); }

  Instant now = Instant{} + 1h;
  Places places;
  std::optional<ClientKey> gone;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(places)

BOOST_AUTO_TEST_CASE(so_many_get_in_each_of_them_once) {
  House house(2);
  BOOST_TEST(house.comes(1));
  BOOST_TEST(house.comes(1));
  BOOST_TEST(house.comes(2));
  BOOST_TEST(!house.comes(3));
  BOOST_TEST(house.places.taken() == 2u);
  BOOST_TEST(house.comes(2));
}

BOOST_AUTO_TEST_CASE(there_is_always_one) {
  House house(0);
  BOOST_TEST(house.comes(1));
  BOOST_TEST(!house.comes(2));
}

BOOST_AUTO_TEST_CASE(whoever_does_not_want_it_any_more_has_no_place) {
  House house(2);
  house.comes(1);
  house.comes(2);
  house.places.look({{House::client(2), false}}, house.now);
  BOOST_TEST(house.comes(3));
  BOOST_TEST(!house.gone.has_value());
}

BOOST_AUTO_TEST_CASE(whoever_has_wanted_nothing_for_longest_goes) {
  House house(3);
  for (std::uint8_t number = 1; number <= 3; ++number) {
    house.comes(number);
    house.now += 1s;
  }
  house.places.gave(House::client(1), 1_bytes, house.now);
  house.places.look({{House::client(1), false}, {House::client(2), false}, {House::client(3), true}},
                    house.now);
  house.now += Places::patience - 2s - 1ns;
  BOOST_TEST(!house.comes(4));
  house.now += 1ns;
  BOOST_TEST(house.comes(4));
  BOOST_TEST(house.went(2));
  BOOST_TEST(!house.comes(5));
}

BOOST_AUTO_TEST_CASE(a_turn_ends_when_another_one_wants_it) {
  House house(2);
  house.comes(1);
  house.comes(2);
  house.places.gave(House::client(1), {Places::turn.value - 1}, house.now);
  BOOST_TEST(!house.comes(3));
  house.places.gave(House::client(1), 1_bytes, house.now);
  house.places.gave(House::client(1), Places::turn, house.now);  // nobody else wants it: it goes on
  BOOST_TEST(house.comes(3));
  BOOST_TEST(house.went(1));
  BOOST_TEST(!house.comes(1));
}

BOOST_AUTO_TEST_CASE(nobody_gets_more_by_coming_as_many) {
  House house(4);
  for (std::uint8_t number = 1; number <= 4; ++number) BOOST_TEST(house.comes(number, 9));
  BOOST_TEST(!house.comes(5, 9));  // his own do not give way to each other
  BOOST_TEST(house.comes(6));
  BOOST_TEST(house.comes(7));
  BOOST_TEST(!house.comes(8, 7));  // 9 has two: as many as 7 would have
  BOOST_TEST(!house.comes(5, 9));
}

BOOST_AUTO_TEST_SUITE_END()
