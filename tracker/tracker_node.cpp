#include "tracker/tracker_node.hpp"

#include "actors/ensure.hpp"
#include "tracker/directory_actor.hpp"
#include "tracker/front_desk.hpp"
#include "tracker/journal.hpp"
#include "tracker/password_hasher.hpp"
#include "tracker/replicator.hpp"

namespace tutti {

namespace {

// An address of this machine stays what it is. A name can stand for several and cannot be bound: all of them are then.
std::string host_to_bind(const std::string& host) {
  if (host == "localhost") return "127.0.0.1";
  const bool is_ip =
      host.find(':') != std::string::npos || host.find_first_not_of("0123456789.") == std::string::npos;
  return is_ip ? host : "0.0.0.0";
}

}  // namespace

std::string known_trackers_path(const std::string& data) { return data + "/known_trackers"; }

TrackerCast make_tracker(const TrackerSettings& settings, const TrackerAddresses& at,
                         std::unique_ptr<Store> store, ConsoleDevice& device) {
  ENSURE(settings.number >= 1 && settings.number <= settings.trackers.size());
  TrackerEntry own = settings.trackers[settings.number - 1];
  own.host = host_to_bind(own.host);
  const TrackerConfig& config = settings.config;
  const SigningKeys signing = signing_keys_of(settings.secret);
  TrackerCast cast;
  cast.journal = std::make_unique<Journal>(std::move(store));
  cast.directory = std::make_unique<DirectoryActor>(
      DirectoryPlace{settings.number, static_cast<std::uint32_t>(settings.trackers.size()), at.front_desk,
                     at.journal, at.replicator, at.console, signing},
      config.sync, config.limits);
  cast.replicator = std::make_unique<Replicator>(
      ReplicatorPlace{settings.number, settings.trackers, own.topic_endpoint(), own.repair_endpoint(),
                      at.directory, at.journal, at.console, settings.info_path,
                      known_trackers_path(settings.data), settings.known, signing.key},
      config.sync);
  cast.front_desk = std::make_unique<FrontDesk>(
      FrontDeskPlace{settings.number, own.client_endpoint(), at.directory, at.console, at.hashers},
      config.limits);
  cast.console = std::make_unique<TrackerConsole>(
      ConsolePlace{settings.number, settings.data, at.directory, at.journal}, device);
  for (std::size_t i = 0; i < at.hashers.size(); ++i)
    cast.hashers.push_back(std::make_unique<PasswordHasher>(config.password));
  return cast;
}

}  // namespace tutti
