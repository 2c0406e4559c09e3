#pragma once

#include <memory>
#include <string>
#include <vector>

#include "actors/actor.hpp"
#include "messages/inside_orchestra.hpp"
#include "messages/tracker_info.hpp"
#include "peer/client_store.hpp"
#include "peer/disk.hpp"
#include "peer/scheduler.hpp"
#include "peer/tracker_link.hpp"

namespace tutti {

/// What makes one client different from another.
struct ClientSettings {
  std::string endpoint;           ///< `ip:port` where peers are served; port 0 lets the system choose
  std::string orchestra;          ///< `ip:port` where members of Orchestras are served; empty: nowhere
  std::string public_host;        ///< where peers reach us; empty: `ip`, or the address that the trackers see
  std::uint16_t sealed_port = 0;  ///< where blocks are served over sealed links; 0 lets the system choose
  std::vector<TrackerEntry> trackers;  ///< of the tracker file
  std::string software;                ///< name and version, for the trackers' logs
  Duration answer_patience = std::chrono::milliseconds(1500);
  Duration unreachable_after = std::chrono::seconds(5);
  Duration present_every = std::chrono::seconds(5);
  std::string info_path = {};  ///< of the tracker file, for people; `known_path` likewise
  std::string known_path = {};
  std::vector<KnownTracker> known = {};     ///< what is in `known_path`
  std::size_t places = fetchers_named_max;  ///< who fetch a file here at a time
  SchedulerOptions scheduler;               ///< `self` is set from the store's identity
};

/// Addresses of a client's actors, reserved in some host. Storage, its checker, verifiers and hashers block, so each is
/// on a worker of its own; verifier i and hasher i may share one. Scheduler and its fetchers are on one worker: what a
/// fetcher says of a block reaches the scheduler before what a verifier says of it.
struct ClientAddresses {
  Ref<ShellRole> shell;
  Ref<TrackerLinkRole> tracker_link;
  Ref<LibrarianRole> librarian;
  Ref<SchedulerRole> scheduler;
  Ref<UploaderRole> uploader;
  Ref<StorageRole> storage;
  Ref<FileHasherRole> checker;  ///< for what storage has to hash and to sync
  std::vector<Ref<HashVerifierRole>> verifiers;
  std::vector<Ref<FileHasherRole>> hashers;
  Ref<ExporterRole> exporter = {};   ///< on storage's worker; zero: nothing is exported
  Ref<OrchDoorRole> orch_door = {};  ///< for members of Orchestras, if they are served
};

/// The actors of a client without its shell, to be put at those addresses.
struct ClientCast {
  std::unique_ptr<Actor> tracker_link;
  std::unique_ptr<Actor> librarian;
  std::unique_ptr<Actor> scheduler;
  std::unique_ptr<Actor> uploader;
  std::unique_ptr<Actor> storage;
  std::unique_ptr<Actor> checker;
  std::vector<std::unique_ptr<Actor>> verifiers;
  std::vector<std::unique_ptr<Actor>> hashers;
  std::unique_ptr<Actor> exporter;   ///< of a client
  std::unique_ptr<Actor> orch_door;  ///< of one that serves members of Orchestras
  /// What came of opening the door for peers; filled when the uploader has started. With a fault the client cannot
  /// serve: its program says so and ends.
  std::shared_ptr<const Opened> door;
  std::shared_ptr<const Opened> orchestra;  ///< the same of the door for members
};

/// Builds a whole client for any host.
ClientCast make_client(const ClientSettings& settings, const ClientAddresses& at, std::shared_ptr<Disk> disk,
                       std::shared_ptr<ClientStore> store);

}  // namespace tutti
