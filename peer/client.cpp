#include "peer/client.hpp"

#include "peer/file_hasher.hpp"
#include "peer/hash_verifier.hpp"
#include "peer/librarian.hpp"
#include "peer/orchestra/exporter.hpp"
#include "peer/orchestra/orch_door.hpp"
#include "peer/storage.hpp"
#include "peer/tree_disk.hpp"
#include "peer/uploader.hpp"

namespace tutti {

ClientCast make_client(const ClientSettings& settings, const ClientAddresses& at, std::shared_ptr<Disk> disk,
                       std::shared_ptr<ClientStore> store) {
  disk = std::make_shared<TreeDisk>(std::move(disk));
  const ClientKey self = store->identity().key;
  ClientCast cast;

  TrackerLinkOptions link;
  link.trackers = settings.trackers;
  link.client = self;
  link.software = settings.software;
  link.answer_patience = settings.answer_patience;
  link.unreachable_after = settings.unreachable_after;
  link.present_every = settings.present_every;
  link.info_path = settings.info_path;
  link.known_path = settings.known_path;
  link.known = settings.known;
  cast.tracker_link = std::make_unique<TrackerLink>(
      std::move(link), at.storage, TrackerLink::Listeners{at.shell, at.librarian, at.scheduler, at.uploader});

  cast.librarian = std::make_unique<Librarian>(Librarian::Others{
      at.shell, at.tracker_link, at.scheduler, at.uploader, at.storage, at.hashers, at.exporter});

  SchedulerOptions scheduler = settings.scheduler;
  scheduler.self = self;
  cast.scheduler = std::make_unique<Scheduler>(
      std::move(scheduler), Scheduler::Others{at.shell, at.tracker_link, at.librarian, at.uploader,
                                              at.storage, at.verifiers, at.checker});

  auto door = std::make_shared<Opened>();
  cast.door = door;
  cast.uploader = std::make_unique<Uploader>(
      UploaderOptions{settings.endpoint, self, settings.public_host, settings.sealed_port, settings.places},
      Uploader::Others{at.storage, at.tracker_link, at.scheduler}, std::move(door));

  const bool has_members = !settings.orchestra.empty();
  if (at.exporter.address.value != 0)
    cast.exporter =
        std::make_unique<Exporter>(Exporter::Others{at.shell, at.librarian, at.checker,
                                                    has_members ? at.orch_door : Ref<OrchDoorRole>{}},
                                   store);
  if (has_members) {
    auto orchestra = std::make_shared<Opened>();
    cast.orchestra = orchestra;
    OrchDoorOptions members;
    members.endpoint = settings.orchestra;
    cast.orch_door = std::make_unique<OrchDoor>(std::move(members), nullptr,
                                                OrchDoor::Others{at.storage, {}, {}, at.shell, at.uploader},
                                                std::move(orchestra));
  }

  for (std::size_t i = 0; i < at.verifiers.size(); ++i)
    cast.verifiers.push_back(std::make_unique<HashVerifier>(disk));
  for (std::size_t i = 0; i < at.hashers.size(); ++i)
    cast.hashers.push_back(std::make_unique<FileHasher>(disk));
  cast.checker = std::make_unique<FileHasher>(disk);
  cast.storage = std::make_unique<Storage>(std::move(disk), std::move(store), at.checker);
  return cast;
}

}  // namespace tutti
