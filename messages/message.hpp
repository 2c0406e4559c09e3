#pragma once

#include <array>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "messages/bytes.hpp"
#include "messages/names.hpp"
#include "messages/reader.hpp"
#include "messages/units.hpp"
#include "messages/writer.hpp"

// `visit_(name, field)` for each of the names, up to 85 of them: the preprocessor does not recurse, so what it leaves is
// scanned again and again. (A tuple of references to the fields would be shorter here, and was most of what it took to
// compile a file that includes a protocol.)
#define TUTTI_PARENTHESES ()
#define TUTTI_SCAN_4(...) __VA_ARGS__
#define TUTTI_SCAN_16(...) TUTTI_SCAN_4(TUTTI_SCAN_4(TUTTI_SCAN_4(TUTTI_SCAN_4(__VA_ARGS__))))
#define TUTTI_SCAN(...) TUTTI_SCAN_16(TUTTI_SCAN_16(TUTTI_SCAN_16(TUTTI_SCAN_16(__VA_ARGS__))))
#define TUTTI_VISIT(field, ...)                    \
  visit_(std::string_view(#field), record_.field); \
  __VA_OPT__(TUTTI_VISIT_REST TUTTI_PARENTHESES(__VA_ARGS__))
#define TUTTI_VISIT_REST() TUTTI_VISIT

/// Declares the fields of an aggregate once. Packing, printing, comparing, checking, sampling and golden bytes
/// all follow from this line. Stands inside the struct, after its fields.
#define TUTTI_RECORD(Type, ...)                                                                   \
  static constexpr std::string_view type_name = #Type;                                            \
  static constexpr std::string_view field_list = #__VA_ARGS__;                                    \
  template <class Record_, class Visit_>                                                          \
  static void visit_fields([[maybe_unused]] Record_& record_, [[maybe_unused]] Visit_&& visit_) { \
    __VA_OPT__(TUTTI_SCAN(TUTTI_VISIT(__VA_ARGS__)))                                              \
  }                                                                                               \
  bool operator==(const Type&) const = default

/// A record that travels on its own, under a number that no other message has or ever had.
#define TUTTI_MESSAGE(Type, number, ...)                  \
  static constexpr ::tutti::MessageId message_id{number}; \
  TUTTI_RECORD(Type __VA_OPT__(, ) __VA_ARGS__)

namespace tutti {

/// What is wrong with a value: empty, or a short reason with static storage.
using Fault = std::string_view;

template <class T>
concept Record = requires {
  { T::type_name } -> std::convertible_to<std::string_view>;
  { T::field_list } -> std::convertible_to<std::string_view>;
};

template <class T>
concept Message = Record<T> && requires {
  { T::message_id } -> std::convertible_to<MessageId>;
};

/// An enumeration that may be a field: `enumerators(E)` lists its names from 0 without gaps.
template <class E>
concept Symbol = std::is_enum_v<E> && requires(E value) {
  std::span<const std::string_view>(enumerators(value));
};

/// A list of message types, for roles and protocols.
template <class... M>
struct Messages {
  static constexpr std::size_t size = sizeof...(M);
  template <class T>
  static constexpr bool has = (std::same_as<T, M> || ...);
  static constexpr std::array<MessageId, sizeof...(M)> ids{M::message_id...};
  static constexpr bool has_id(MessageId id) {
    for (const MessageId each : ids)
      if (each == id) return true;
    return false;
  }
  /// True if no number stands for two messages.
  static constexpr bool ids_are_unique() {
    for (std::size_t i = 0; i < ids.size(); ++i)
      for (std::size_t j = i + 1; j < ids.size(); ++j)
        if (ids[i] == ids[j]) return false;
    return true;
  }
  /// Calls `visit.template operator()<M>()` for each message of the list.
  template <class Visit>
  static constexpr void for_each(Visit&& visit) {
    (visit.template operator()<M>(), ...);
  }
};

template <class... Lists>
struct Join;
template <class... A>
struct Join<Messages<A...>> {
  using type = Messages<A...>;
};
template <class... A, class... B, class... Rest>
struct Join<Messages<A...>, Messages<B...>, Rest...> : Join<Messages<A..., B...>, Rest...> {};
/// One list of the messages of several.
template <class... Lists>
using Joined = typename Join<Lists...>::type;

/// A field that holds exactly one message of several.
template <Message... M>
struct OneOf {
  using Options = Messages<M...>;
  std::variant<M...> value;

  OneOf() = default;
  template <class T>
  requires(std::same_as<T, M> || ...) OneOf(T message)
      : value(std::move(message)) {}  // NOLINT(google-explicit-constructor): a choice is its message
  bool operator==(const OneOf&) const = default;
  template <class T>
  const T* get() const {
    return std::get_if<T>(&value);
  }
};

/// The `position`-th name of a list as the preprocessor writes it: `a, b, c`.
constexpr std::string_view nth_field(std::string_view list, std::size_t position) {
  for (; position > 0; --position) list.remove_prefix(list.find(',') + 1);
  while (!list.empty() && list.front() == ' ') list.remove_prefix(1);
  return list.substr(0, list.find(','));
}

/// How many names are in such a list.
constexpr std::size_t count_fields(std::string_view list) {
  std::size_t count = list.empty() ? 0 : 1;
  for (const char c : list) count += c == ',' ? 1 : 0;
  return count;
}

template <Record T>
constexpr std::size_t field_count = count_fields(T::field_list);

/// A record that has grown since it was released says how many fields it had then: `released_fields`. Those behind them
/// are left out from the end on where they are empty or 0, so whatever could be said before has the bytes that it always
/// had. Who may not know the new ones must not be sent them: that is what versions are for.
template <class T>
concept Grown = Record<T> && requires {
  { T::released_fields } -> std::convertible_to<std::size_t>;
};
template <Record T>
constexpr std::size_t field_count_min = field_count<T>;
template <Grown T>
constexpr std::size_t field_count_min<T> = T::released_fields;

namespace detail {

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::bool_constant<!std::same_as<T, std::uint8_t>> {};
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
struct IsDuration : std::false_type {};
template <class Rep, class Period>
struct IsDuration<std::chrono::duration<Rep, Period>> : std::true_type {};
template <class T>
struct IsOneOf : std::false_type {};
template <class... M>
struct IsOneOf<OneOf<M...>> : std::true_type {};
template <class T>
struct IsUnit : std::false_type {};
template <class Tag, class Rep>
struct IsUnit<Unit<Tag, Rep>> : std::true_type {};
template <class T>
struct IsFixedBytes : std::false_type {};
template <class Tag, std::size_t N>
struct IsFixedBytes<FixedBytes<Tag, N>> : std::true_type {};
template <class T>
struct IsDigestList : std::false_type {};
template <class D>
struct IsDigestList<DigestList<D>> : std::true_type {};
template <class T>
struct IsName : std::false_type {};
template <class Tag, std::string_view (*Check)(std::string_view)>
struct IsName<Name<Tag, Check>> : std::true_type {};

/// Calls `each(name, field)` for every field, in order.
template <Record T, class Each>
void each_field(T& record, Each each) {
  std::remove_const_t<T>::visit_fields(record, each);
}

}  // namespace detail

template <class T>
void write(Writer& writer, const T& value);
template <class T>
void read(Reader& reader, T& value);

/// How many fields of a record are written: all of them, or fewer of one that has grown.
template <Record T>
std::size_t fields_written(const T& record) {
  std::size_t count = field_count_min<T>;
  if constexpr (Grown<T>) {
    std::size_t at = 0;
    detail::each_field(record, [&](std::string_view, const auto& field) {
      ++at;
      if (at > field_count_min<T> && !(field == std::remove_cvref_t<decltype(field)>{})) count = at;
    });
  }
  return count;
}

template <Record T>
void write_fields(Writer& writer, const T& record, std::size_t count) {
  std::size_t at = 0;
  detail::each_field(record, [&](std::string_view name, const auto& field) {
    if (at++ >= count) return;
    writer.field(name);
    write(writer, field);
  });
  writer.end_record();
}

template <Record T>
void read_fields(Reader& reader, T& record) {
  std::size_t at = 0;
  bool ended = false;
  detail::each_field(record, [&](std::string_view name, auto& field) {
    if (at >= field_count_min<T> && !ended) ended = !reader.more_fields();
    if (ended) return;
    ++at;
    reader.field(name);
    read(reader, field);
  });
  if constexpr (Grown<T>) {
    if (!reader.failed() && at != fields_written(record)) reader.fail("a field says nothing");
  }
  reader.end_record();
}

template <Message M>
void write_message(Writer& writer, const M& message) {
  const std::size_t count = fields_written(message);
  writer.begin_message(M::message_id, M::type_name, count);
  write_fields(writer, message, count);
}

template <Message M>
void read_message(Reader& reader, M& message) {
  reader.begin_message(M::message_id, M::type_name, field_count_min<M>, field_count<M>);
  if (!reader.failed()) read_fields(reader, message);
}

template <class T>
void write(Writer& writer, const T& value) {
  if constexpr (Record<T>) {
    const std::size_t count = fields_written(value);
    writer.begin_record(T::type_name, count);
    write_fields(writer, value, count);
  } else if constexpr (detail::IsOneOf<T>::value) {
    std::visit([&](const auto& message) { write_message(writer, message); }, value.value);
  } else if constexpr (Symbol<T>) {
    const auto names = enumerators(value);
    const auto number = static_cast<std::size_t>(value);
    writer.symbol(number, number < names.size() ? names[number] : "?");
  } else if constexpr (std::same_as<T, bool>) {
    writer.boolean(value);
  } else if constexpr (std::unsigned_integral<T>) {
    writer.unsigned_integer(value);
  } else if constexpr (std::signed_integral<T>) {
    writer.signed_integer(value);
  } else if constexpr (detail::IsUnit<T>::value) {
    write(writer, value.value);
  } else if constexpr (detail::IsDuration<T>::value) {
    writer.signed_integer(static_cast<std::int64_t>(value.count()));
  } else if constexpr (detail::IsFixedBytes<T>::value) {
    writer.bytes(value.view());
  } else if constexpr (detail::IsDigestList<T>::value) {
    writer.bytes(value.run);
  } else if constexpr (detail::IsName<T>::value) {
    writer.text(value.text);
  } else if constexpr (std::same_as<T, std::string>) {
    writer.text(value);
  } else if constexpr (std::same_as<T, Bytes>) {
    writer.bytes(value);
  } else if constexpr (detail::IsOptional<T>::value) {
    if (value) {
      write(writer, *value);
    } else {
      writer.nothing();
    }
  } else {
    static_assert(detail::IsVector<T>::value, "this type cannot be a field of a message");
    writer.begin_list(value.size());
    for (const auto& item : value) write(writer, item);
    writer.end_list();
  }
}

namespace detail {

template <class... M>
void read_one_of(Reader& reader, OneOf<M...>& choice) {
  const auto try_one = [&]<class Option>(Option option) {
    if (!reader.next_is(Option::message_id, Option::type_name)) return false;
    read_message(reader, option);
    choice.value = std::move(option);
    return true;
  };
  if (!(try_one(M{}) || ...)) reader.fail("not one of the messages that may stand here");
}

template <std::integral T>
void read_integer(Reader& reader, T& value) {
  if constexpr (std::unsigned_integral<T>) {
    const std::uint64_t wide = reader.unsigned_integer();
    if (!std::in_range<T>(wide)) reader.fail("a number is too large");
    value = static_cast<T>(wide);
  } else {
    const std::int64_t wide = reader.signed_integer();
    if (!std::in_range<T>(wide)) reader.fail("a number is too large");
    value = static_cast<T>(wide);
  }
}

template <class T>
void read_list(Reader& reader, std::vector<T>& list) {
  list.clear();
  reader.begin_list();
  while (reader.next_item()) {
    T item{};
    read(reader, item);
    if (reader.failed()) return;
    list.push_back(std::move(item));
  }
  reader.end_list();
}

}  // namespace detail

template <class T>
void read(Reader& reader, T& value) {
  if constexpr (Record<T>) {
    reader.begin_record(T::type_name, field_count_min<T>, field_count<T>);
    if (!reader.failed()) read_fields(reader, value);
  } else if constexpr (detail::IsOneOf<T>::value) {
    detail::read_one_of(reader, value);
  } else if constexpr (Symbol<T>) {
    value = static_cast<T>(reader.symbol(enumerators(value)));
  } else if constexpr (std::same_as<T, bool>) {
    value = reader.boolean();
  } else if constexpr (std::integral<T>) {
    detail::read_integer(reader, value);
  } else if constexpr (detail::IsUnit<T>::value) {
    read(reader, value.value);
  } else if constexpr (detail::IsDuration<T>::value) {
    value = T(static_cast<typename T::rep>(reader.signed_integer()));
  } else if constexpr (detail::IsFixedBytes<T>::value) {
    reader.fixed_bytes(value.bytes);
  } else if constexpr (detail::IsDigestList<T>::value) {
    value.run = reader.bytes();
  } else if constexpr (detail::IsName<T>::value) {
    value.text = reader.text();
  } else if constexpr (std::same_as<T, std::string>) {
    value = reader.text();
  } else if constexpr (std::same_as<T, Bytes>) {
    value = reader.bytes();
  } else if constexpr (detail::IsOptional<T>::value) {
    if (reader.nothing()) {
      value.reset();
    } else {
      read(reader, value.emplace());
    }
  } else {
    static_assert(detail::IsVector<T>::value, "this type cannot be a field of a message");
    detail::read_list(reader, value);
  }
}

/// The first fault of a value or of anything in it; empty if there is none. A type says its own in `fault()`.
template <class T>
Fault fault_of(const T& value) {
  Fault fault;
  if constexpr (Record<T>) {
    detail::each_field(value, [&](std::string_view, const auto& field) {
      if (fault.empty()) fault = fault_of(field);
    });
  } else if constexpr (detail::IsOneOf<T>::value) {
    fault = std::visit([](const auto& message) { return fault_of(message); }, value.value);
  } else if constexpr (detail::IsVector<T>::value) {
    for (const auto& item : value)
      if (fault.empty()) fault = fault_of(item);
  } else if constexpr (detail::IsOptional<T>::value) {
    if (value) fault = fault_of(*value);
  }
  if constexpr (requires { value.fault(); }) {
    if (fault.empty()) fault = value.fault();
  }
  return fault;
}

}  // namespace tutti
