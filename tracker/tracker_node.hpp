#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "actors/actor.hpp"
#include "messages/inside_tracker.hpp"
#include "messages/known_trackers.hpp"
#include "messages/tracker_info.hpp"
#include "tracker/config.hpp"
#include "tracker/store.hpp"
#include "tracker/tracker_console.hpp"

namespace tutti {

/// What makes one tracker different from another.
struct TrackerSettings {
  std::uint32_t number = 0;
  std::vector<TrackerEntry> trackers;  ///< of the file
  std::string data;                    ///< folder of the store, for people
  TrackerConfig config;
  std::string info_path = {};            ///< of the tracker file, for people
  std::vector<KnownTracker> known = {};  ///< the other trackers that it has met: what is in known_trackers
  std::array<std::uint8_t, 32> secret = {};  ///< half of its link's key, which its tickets are signed by
};

/// Where a tracker remembers the keys of the others, in its data folder.
std::string known_trackers_path(const std::string& data);

/// Addresses of a tracker's actors, reserved in some host: each on a worker of its own but directory, front_desk and
/// replicator, which may share one. Hashers and journal block.
struct TrackerAddresses {
  Ref<FrontDeskRole> front_desk;
  Ref<DirectoryRole> directory;
  Ref<ReplicatorRole> replicator;
  Ref<JournalRole> journal;
  Ref<ConsoleRole> console;
  std::vector<Ref<PasswordHasherRole>> hashers;
};

/// The actors of a tracker, to be put at those addresses.
struct TrackerCast {
  std::unique_ptr<Actor> front_desk;
  std::unique_ptr<Actor> directory;
  std::unique_ptr<Actor> replicator;
  std::unique_ptr<Actor> journal;
  std::unique_ptr<Actor> console;
  std::vector<std::unique_ptr<Actor>> hashers;
};

/// Builds a whole tracker for any host. The device must outlive it.
TrackerCast make_tracker(const TrackerSettings& settings, const TrackerAddresses& at,
                         std::unique_ptr<Store> store, ConsoleDevice& device);

}  // namespace tutti
