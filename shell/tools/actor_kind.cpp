#include "shell/tools/actor_kind.hpp"

#include <algorithm>
#include <charconv>

#include "messages/catalogue.hpp"

namespace tutti {

namespace {

std::string names_of(const std::vector<MessageId>& ids) {
  std::string names;
  for (const MessageId id : ids) {
    const MessageEntry* entry = find_message(id);
    names += std::string(names.empty() ? "" : " ") + std::string(entry == nullptr ? "?" : entry->name);
  }
  return names;
}

}  // namespace

std::uint64_t Casting::number(std::string_view name) const {
  const std::string& text = setting(name);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    throw BadRequest(std::string(name) + "=" + text + " is no number");
  return value;
}

void add_setting(std::string_view word, Casting::Settings& settings) {
  const std::size_t equals = word.find('=');
  if (equals == std::string_view::npos)
    throw BadRequest("a setting is name=value, not '" + std::string(word) + "'");
  settings[std::string(word.substr(0, equals))] = word.substr(equals + 1);
}

std::vector<TrackerEntry> trackers_of(std::string_view setting) {
  std::string lines(setting);
  std::ranges::replace(lines, ',', '\n');
  TrackerInfo info = parse_tracker_info(lines);
  if (!info) throw BadRequest("trackers=" + std::string(setting) + ": " + info.fault);
  // A setting has no blanks, and so no keys. They have been met before.
  for (TrackerEntry& tracker : info.trackers)
    tracker.key = LinkKey::from(Bytes(LinkKey::size, static_cast<std::uint8_t>(tracker.number)));
  return std::move(info.trackers);
}

CastActor cast_actor(InjectionHost& host, const ActorKind& kind, const Casting::Settings& given) {
  Casting::Settings settings;
  for (const ActorSetting& setting : kind.settings) settings[setting.name] = setting.usual;
  for (const auto& [name, value] : given) {
    if (!settings.contains(name)) throw BadRequest(kind.name + " has no setting '" + name + "'");
    settings[name] = value;
  }
  Casting casting(host, settings);
  // Reserved before the partners, so that an actor's address does not depend on how many it has.
  const Address address = host.reserve<AnyRole>().address;
  host.spawn_at(address, kind.name, kind.make(casting));
  return {address, casting.partners()};
}

std::string_view without_count(std::string_view name) {
  const std::size_t dash = name.rfind('-');
  const bool counted = dash != std::string_view::npos && dash + 1 < name.size() &&
                       name.find_first_not_of("0123456789", dash + 1) == std::string_view::npos;
  return counted ? name.substr(0, dash) : name;
}

const ActorKind& find_kind(std::span<const ActorKind> kinds, std::string_view name) {
  const auto at = std::ranges::find(kinds, without_count(name), &ActorKind::name);
  if (at == kinds.end())
    throw BadRequest("no actor is called '" + std::string(name) + "': see inject --list");
  return *at;
}

std::string list_kinds(std::span<const ActorKind> kinds) {
  std::string text;
  for (const ActorKind& kind : kinds) {
    text += kind.name + ": " + kind.summary + '\n';
    text += "  accepts  " + names_of(kind.accepts) + '\n';
    if (!kind.hears.empty()) text += "  hears    " + names_of(kind.hears) + '\n';
    for (const ActorSetting& setting : kind.settings)
      text += "  setting  " + setting.name + "=" + setting.usual + "  " + setting.meaning + '\n';
  }
  return text;
}

}  // namespace tutti
