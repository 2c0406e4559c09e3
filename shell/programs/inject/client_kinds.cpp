#include <memory>
#include <optional>
#include <sstream>
#include <string>

#include "messages/inside_client.hpp"
#include "messages/tracker_info.hpp"
#include "peer/client_store.hpp"
#include "peer/fetcher.hpp"
#include "peer/file_hasher.hpp"
#include "peer/hash_verifier.hpp"
#include "peer/librarian.hpp"
#include "peer/memory_disk.hpp"
#include "peer/scheduler.hpp"
#include "peer/storage.hpp"
#include "peer/tracker_link.hpp"
#include "peer/uploader.hpp"
#include "shell/programs/inject/kinds.hpp"

namespace tutti {

namespace {

const ActorSetting files_setting{"files", "", "files of zeros on its disk: /music/a:1000,/music/b:0"};
const ActorSetting folders_setting{"folders", "/home,/music", "folders on its disk"};

std::vector<std::string> parts_of(const std::string& list) {
  std::vector<std::string> parts;
  std::istringstream stream(list);
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  return parts;
}

/// A disk in memory with what the settings put there.
std::shared_ptr<Disk> disk_of(const Casting& casting) {
  auto disk = std::make_shared<MemoryDisk>();
  for (const std::string& folder : parts_of(casting.setting("folders"))) disk->put_directory(folder);
  for (const std::string& file : parts_of(casting.setting("files"))) {
    const std::size_t colon = file.rfind(':');
    constexpr std::size_t digits_max = 9;
    const std::string size = colon == std::string::npos ? "" : file.substr(colon + 1);
    if (size.empty() || size.size() > digits_max || size.find_first_not_of("0123456789") != std::string::npos)
      throw BadRequest("files=" + file + ": a file is PATH:SIZE");
    disk->put_file(file.substr(0, colon), Bytes(std::stoul(size)));
  }
  return disk;
}

const ActorSetting client_setting{"client", std::string(64, '1'), "the key of this client"};
const ActorSetting peer_key_setting{"peer_key", std::string(64, '3'), "whom it means to meet"};

ClientKey key_of(const Casting& casting, std::string_view setting) {
  const std::optional<Bytes> bytes = from_hex(casting.setting(setting));
  if (!bytes || bytes->size() != ClientKey::size)
    throw BadRequest(std::string(setting) + "=" + casting.setting(setting) +
                     ": a key is 64 hexadecimal digits");
  return ClientKey::from(*bytes);
}

std::unique_ptr<Actor> make_tracker_link(Casting& casting) {
  TrackerLinkOptions options;
  options.trackers = trackers_of(casting.setting("trackers"));
  options.client = key_of(casting, "client");
  options.software = "inject";
  return std::make_unique<TrackerLink>(
      std::move(options), casting.partner<StorageRole>(),
      TrackerLink::Listeners{casting.partner<ShellRole>(), casting.partner<LibrarianRole>(),
                             casting.partner<SchedulerRole>(), casting.partner<UploaderRole>()});
}

std::unique_ptr<Actor> make_scheduler(Casting& casting) {
  SchedulerOptions options;
  options.self = key_of(casting, "client");
  return std::make_unique<Scheduler>(options, Scheduler::Others{
                                                  casting.partner<ShellRole>(),
                                                  casting.partner<TrackerLinkRole>(),
                                                  casting.partner<LibrarianRole>(),
                                                  casting.partner<UploaderRole>(),
                                                  casting.partner<StorageRole>(),
                                                  {casting.partner<HashVerifierRole>()},
                                                  casting.partner<FileHasherRole>(),
                                              });
}

std::unique_ptr<Actor> make_fetcher(Casting& casting) {
  FetcherOptions options;
  options.endpoint = casting.setting("peer");
  options.expected = key_of(casting, "peer_key");
  options.self = key_of(casting, "client");
  return std::make_unique<Fetcher>(std::move(options), casting.partner<SchedulerRole>());
}

std::unique_ptr<Actor> make_librarian(Casting& casting) {
  return std::make_unique<Librarian>(Librarian::Others{
      casting.partner<ShellRole>(),
      casting.partner<TrackerLinkRole>(),
      casting.partner<SchedulerRole>(),
      casting.partner<UploaderRole>(),
      casting.partner<StorageRole>(),
      {casting.partner<FileHasherRole>()},
  });
}

std::unique_ptr<Actor> make_uploader(Casting& casting) {
  return std::make_unique<Uploader>(
      UploaderOptions{casting.setting("listen"), key_of(casting, "client"), ""},
      Uploader::Others{casting.partner<StorageRole>(), casting.partner<TrackerLinkRole>(),
                       casting.partner<SchedulerRole>()},
      std::make_shared<Opened>());
}

std::unique_ptr<Actor> make_storage(Casting& casting) {
  std::shared_ptr<ClientStore> store =
      make_memory_client_store(ClientIdentity{key_of(casting, "client"), {}});
  return std::make_unique<Storage>(disk_of(casting), std::move(store), casting.partner<FileHasherRole>());
}

}  // namespace

std::vector<ActorKind> client_kinds() {
  return {
      {"tracker_link",
       "speaks with the trackers, keeps the session",
       ids_of<TrackerLinkRole::Accepts>(),
       ids_of<TrackerRole::Says>(),
       {{"trackers", "127.0.0.1:5000,127.0.0.1:5010", "the tracker file's lines"}, client_setting},
       make_tracker_link},
      {"scheduler",
       "decides which downloads run, and who fetches what from whom",
       ids_of<SchedulerRole::Accepts>(),
       {},
       {client_setting},
       make_scheduler},
      {"fetcher",
       "fetches from one peer",
       ids_of<FetcherRole::Accepts>(),
       ids_of<ServingPeerRole::Says>(),
       {{"peer", "127.0.0.1:6000", "where the peer serves"}, peer_key_setting, client_setting},
       make_fetcher},
      {"librarian", "decides what is shared", ids_of<LibrarianRole::Accepts>(), {}, {}, make_librarian},
      {"uploader",
       "serves peers",
       ids_of<UploaderRole::Accepts>(),
       ids_of<FetchingPeerRole::Says>(),
       {{"listen", "127.0.0.1:6000", "where peers come in"}, client_setting},
       make_uploader},
      {"storage",
       "remembers, makes, reads and renames files",
       ids_of<StorageRole::Accepts>(),
       {},
       {files_setting, folders_setting, client_setting},
       make_storage},
      {"hash_verifier",
       "hashes and writes incoming blocks",
       ids_of<HashVerifierRole::Accepts>(),
       {},
       {files_setting, folders_setting},
       [](Casting& casting) { return std::make_unique<HashVerifier>(disk_of(casting)); }},
      {"file_hasher",
       "hashes files that are to be shared",
       ids_of<FileHasherRole::Accepts>(),
       {},
       {files_setting, folders_setting},
       [](Casting& casting) { return std::make_unique<FileHasher>(disk_of(casting)); }},
  };
}

}  // namespace tutti
