#include "peer/orchestra/member.hpp"

#include <fmt/format.h>

#include <utility>

#include "peer/destination.hpp"
#include "peer/fetcher.hpp"
#include "peer/file_hasher.hpp"
#include "peer/hash_verifier.hpp"
#include "peer/librarian.hpp"
#include "peer/orchestra/conductor_link.hpp"
#include "peer/orchestra/orch_door.hpp"
#include "peer/orchestra/orch_peer.hpp"
#include "peer/storage.hpp"

namespace tutti {

namespace {

constexpr DownloadId the_download{1};

/// The part file is to have the same name at the next start.
ClientKey key_of(const OrchShare& share) { return orch_client(share.sha1); }

SwarmWords member_words() {
  return {
      "part", "parts", 1,
      "every part is right, but the whole is not: line 3 of the .orch file, the SHA-1 of the whole, does not "
      "belong "
      "to its parts; fetching again changes nothing: whoever has the file writes a right one with composer"};
}

/// Closing a connection costs an original what it was about to be sent, and gains nothing.
constexpr Duration never = std::chrono::hours(24 * 365);

}  // namespace

OrFault<MemberPlace> find_member_place(Disk& disk, const OrchShare& share, const std::string& directory) {
  const OrFault<PathKind> folder = disk.look(directory);
  if (!folder) return folder.fault();
  if (*folder != PathKind::directory)
    return DiskFault{Code::no_such_file, fmt::format("there is no folder {}: make it first", directory)};
  MemberPlace place;
  DownloadRecord& download = place.download;
  download.id = the_download;
  download.uid = share.uid;
  download.gid = share.gid;
  download.group = share.group;
  download.fid = share.fid;
  download.metainfo = share.metainfo;
  download.path = directory + (directory.ends_with('/') ? "" : "/") + share.metainfo.name.text;
  download.part_path = part_path_of(download.path, share.fid, key_of(share), the_download);
  const OrFault<PathKind> kind = disk.look(download.path);
  if (!kind) return kind.fault();
  if (*kind != PathKind::nothing) {
    const auto identity = disk.identity(download.path);
    if (!identity) return identity.fault();
    if (identity->size != share.metainfo.size)
      return DiskFault{Code::file_conflict,
                       fmt::format("{} has {} bytes, the file that is shared {}: choose another folder",
                                   download.path, identity->size.value, share.metainfo.size.value)};
    place.is_there = true;
    download.phase = DownloadPhase::complete;
    return place;
  }
  const auto part = disk.identity(download.part_path);
  place.is_begun = part && part->size == share.metainfo.size;
  return place;
}

std::shared_ptr<ClientStore> make_member_store(const OrchShare& share, const MemberPlace& place) {
  ClientIdentity identity;
  identity.key = key_of(share);
  std::shared_ptr<ClientStore> store = make_memory_client_store(identity);
  store->next_download_id();  // the_download
  store->put_download(place.download);
  return store;
}

ClientCast make_member(const MemberSettings& settings, const ClientAddresses& at,
                       const std::shared_ptr<const OrchShare>& share, std::shared_ptr<Disk> disk,
                       std::shared_ptr<ClientStore> store) {
  ClientCast cast;
  ConductorLinkOptions link;
  link.conductor = settings.conductor;
  link.own_hosts = settings.own_hosts;
  cast.tracker_link = std::make_unique<ConductorLink>(
      std::move(link), share, ConductorLink::Listeners{at.shell, at.librarian, at.scheduler});
  cast.librarian = std::make_unique<Librarian>(
      Librarian::Others{at.shell, at.tracker_link, at.scheduler, at.uploader, at.storage, at.hashers});

  const std::size_t colon = settings.endpoint.rfind(':');
  const std::string host = settings.endpoint.substr(0, colon);
  const Ref<OrchDoorRole> door_ref{at.uploader.address};
  SchedulerOptions scheduler = settings.scheduler;
  scheduler.shares_out = false;
  scheduler.wrong_piece_convicts = false;
  scheduler.words = member_words();
  scheduler.fetcher_idle = never;
  scheduler.make_fetcher = [share, door_ref, host](const FetcherOptions& options, Ref<SchedulerRole> self) {
    OrchPeerOptions peer;
    peer.endpoint = options.endpoint;
    if (host != "0.0.0.0" && host != "*") peer.from = host;
    peer.request_limit = options.request_limit;
    return std::make_unique<OrchPeer>(std::move(peer), share, door_ref, self);
  };
  cast.scheduler = std::make_unique<Scheduler>(
      std::move(scheduler),
      Scheduler::Others{at.shell, at.tracker_link, at.librarian, at.uploader, at.storage, at.verifiers});

  auto door = std::make_shared<Opened>();
  cast.door = door;
  OrchDoorOptions door_options;
  door_options.endpoint = settings.endpoint;
  cast.uploader = std::make_unique<OrchDoor>(
      std::move(door_options), share,
      OrchDoor::Others{at.storage, at.scheduler, at.tracker_link, at.shell, {}}, std::move(door));
  for (std::size_t i = 0; i < at.verifiers.size(); ++i)
    cast.verifiers.push_back(std::make_unique<HashVerifier>(disk));
  for (std::size_t i = 0; i < at.hashers.size(); ++i)
    cast.hashers.push_back(std::make_unique<FileHasher>(disk));
  cast.checker = std::make_unique<FileHasher>(disk);
  cast.storage = std::make_unique<Storage>(std::move(disk), std::move(store), at.checker);
  return cast;
}

}  // namespace tutti
