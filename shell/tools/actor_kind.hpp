#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "actors/actor.hpp"
#include "actors/injection_host.hpp"
#include "messages/tracker_info.hpp"

namespace tutti {

/// What is wrong with what a person asked for; the text is for them.
class BadRequest : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Somebody of whom nothing is known.
struct AnyRole {
  static constexpr std::string_view name = "somebody";
  using Accepts = Messages<>;
};

/// What a factory gets: the host, what the script said about the actor, and partners to speak to.
class Casting {
 public:
  using Settings = std::map<std::string, std::string, std::less<>>;
  Casting(InjectionHost& host, Settings settings) : host_(host), settings_(std::move(settings)) {}

  /// Somebody the actor knows, played by the script under this name.
  template <class Role>
  Ref<Role> partner(std::string_view name = Role::name) {
    const Ref<Role> ref = host_.probe<Role>(name);
    partners_.emplace(name, ref.address);
    return ref;
  }
  const std::map<std::string, Address, std::less<>>& partners() const { return partners_; }
  /// The setting as given, or its default.
  const std::string& setting(std::string_view name) const { return settings_.find(name)->second; }
  /// The same as a number. Throws BadRequest if it is none.
  std::uint64_t number(std::string_view name) const;

 private:
  InjectionHost& host_;
  Settings settings_;
  std::map<std::string, Address, std::less<>> partners_;
};

struct ActorSetting {
  std::string name;
  std::string usual;
  std::string meaning;
};

/// An actor that a script can name.
struct ActorKind {
  std::string name;
  std::string summary;
  std::vector<MessageId> accepts;  ///< from actors
  std::vector<MessageId> hears;    ///< over links
  std::vector<ActorSetting> settings;
  std::function<std::unique_ptr<Actor>(Casting&)> make;
};

/// The messages of a role as a kind lists them.
template <class List>
std::vector<MessageId> ids_of() {
  return {List::ids.begin(), List::ids.end()};
}

/// Takes `name=value`. Throws BadRequest if it is none.
void add_setting(std::string_view word, Casting::Settings& settings);

/// The trackers of a setting: the lines of a tracker file with ',' between them. Throws BadRequest.
std::vector<TrackerEntry> trackers_of(std::string_view setting);

/// Puts an actor of this kind into the host, named as its kind. Throws BadRequest for a setting that it does not know.
struct CastActor {
  Address address;
  std::map<std::string, Address, std::less<>> partners;
};
CastActor cast_actor(InjectionHost& host, const ActorKind& kind, const Casting::Settings& given);

/// `hash_verifier` for `hash_verifier-3`: programs count actors of which there are several.
std::string_view without_count(std::string_view name);

/// Throws BadRequest if there is none. A count after the name does not matter.
const ActorKind& find_kind(std::span<const ActorKind> kinds, std::string_view name);

/// What `inject --list` prints.
std::string list_kinds(std::span<const ActorKind> kinds);

}  // namespace tutti
